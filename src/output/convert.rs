//! From the channels of an image to the pixels of a format.

use fearless_simd::{Level, Simd, dispatch};
use jxlake_frame::image_header::BitDepth;
use jxlake_frame::render::ConsumerRow;

use super::error::OutputError;
use super::format::{AlphaMode, Canvas, Channels, PixelFormat};
use super::sample::{CHUNK, InputSample, OutputSample, Scale, max_of};

/// One row of samples of each channel of an image.
///
/// Channels are numbered as in a [`Canvas`]. Those that the output does not need may be empty; the others are equally long.
pub trait SampleRows<I> {
    /// The samples of a channel, none if the channel is not there.
    fn row(&self, channel: usize) -> &[I];
}

impl<I> SampleRows<I> for [&[I]] {
    fn row(&self, channel: usize) -> &[I] {
        self.get(channel).copied().unwrap_or_default()
    }
}

impl<I, const N: usize> SampleRows<I> for [&[I]; N] {
    fn row(&self, channel: usize) -> &[I] {
        self.get(channel).copied().unwrap_or_default()
    }
}

impl SampleRows<f32> for ConsumerRow<'_> {
    fn row(&self, channel: usize) -> &[f32] {
        self.channel(channel)
    }
}

/// Where the samples of an output channel come from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Feed {
    /// A channel of the image.
    Channel(usize),
    /// Nowhere: the image has no alpha.
    Opaque,
}

/// What is to be done to the colours.
#[derive(Clone, Copy, Debug, PartialEq)]
enum AlphaStep {
    Multiply,
    Divide,
}

/// Alphas below are taken for this when colours are divided.
const SMALLEST_ALPHA: f32 = 1.0 / 67_108_864.0;

/// Most output channels that are interleaved at once.
const JOINT: usize = 4;

/// Everything that is known about the conversion before the first sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversion<'a> {
    level: Level,
    canvas: Canvas<'a>,
    channels: Channels,
    /// Output channels.
    count: usize,
    /// Bits of integer outputs, and the largest integer.
    bits: Option<u32>,
    max: f32,
    swap_bytes: bool,
    /// The channel of the image that is alpha.
    alpha: Option<usize>,
    step: Option<AlphaStep>,
    /// The scale of all needed channels given as integers, if they share one.
    shared_scale: Option<Scale>,
    integers_make_sense: bool,
}

impl<'a> Conversion<'a> {
    pub(super) fn new<T: OutputSample>(
        canvas: &Canvas<'a>,
        format: &PixelFormat,
        level: Level,
    ) -> Result<Self, OutputError> {
        let bits = match (format.bits, T::BITS) {
            (None, bits) => bits,
            (Some(bits), Some(most)) if (1..=most).contains(&bits) => Some(bits),
            (Some(bits), _) => return Err(OutputError::Bits { bits }),
        };
        let alpha = canvas.alpha();
        let step = match (format.alpha, alpha) {
            (AlphaMode::Premultiplied, Some((_, false))) => Some(AlphaStep::Multiply),
            (AlphaMode::Straight, Some((_, true))) => Some(AlphaStep::Divide),
            _ => None,
        };
        let mut conversion = Self {
            level,
            canvas: *canvas,
            channels: format.channels,
            count: canvas.shape(format)?.channels,
            bits,
            max: max_of(bits.unwrap_or(0)) as f32,
            swap_bytes: format.endianness.is_foreign(),
            alpha: alpha.map(|(channel, _)| channel),
            step,
            shared_scale: None,
            integers_make_sense: true,
        };
        conversion.find_scale();
        Ok(conversion)
    }

    /// Learns what the channels have in common if they are given as integers.
    fn find_scale(&mut self) {
        let mut depths = (0..self.count).filter_map(|c| match self.feed(c) {
            Feed::Channel(channel) => Some(self.canvas.depth(channel)),
            Feed::Opaque => None,
        });
        let first = depths.next().unwrap_or_default();
        let all_equal = depths.all(|depth| depth == first);
        self.shared_scale = all_equal.then(|| self.scale(first));
        self.integers_make_sense = !(0..self.count).any(|c| match self.feed(c) {
            Feed::Channel(channel) => self.canvas.depth(channel).is_float(),
            Feed::Opaque => false,
        });
    }

    fn scale(&self, depth: BitDepth) -> Scale {
        Scale::new(depth.bits_per_sample(), self.bits)
    }

    fn feed(&self, output: usize) -> Feed {
        let alpha = self.alpha.map_or(Feed::Opaque, Feed::Channel);
        // Gray images have the same in all colours.
        let colour = |channel| Feed::Channel(if self.canvas.is_gray { 0 } else { channel });
        match (self.channels, output) {
            (Channels::Gray | Channels::GrayAlpha, 0) => colour(0),
            (Channels::GrayAlpha, _) => alpha,
            (Channels::Rgb | Channels::Rgba, 0..3) => colour(output),
            (Channels::Bgr | Channels::Bgra, 0..3) => colour(2 - output),
            (Channels::Rgba | Channels::Bgra, _) => alpha,
            (Channels::Extra(index), _) => Feed::Channel(Canvas::FIRST_EXTRA + index),
            (Channels::Gray | Channels::Rgb | Channels::Bgr | Channels::All, _) => {
                let colours = self.canvas.colour_channels();
                let is_colour = output < colours;
                Feed::Channel(if is_colour { output } else { Canvas::FIRST_EXTRA + output - colours })
            }
        }
    }

    /// How many pixels the rows hold.
    ///
    /// # Errors
    /// If the rows of two needed channels differ in length, or are integers where floats are needed.
    pub(super) fn width<I: InputSample, R: SampleRows<I> + ?Sized>(
        &self,
        rows: &R,
    ) -> Result<usize, OutputError> {
        if I::IS_INTEGER && !self.integers_make_sense {
            return Err(OutputError::IntegersOfFloats);
        }
        let mut width = None;
        let outputs = (0..self.count).map(|c| self.feed(c));
        let step_alpha = self.step.and(self.alpha).map(Feed::Channel);
        for feed in outputs.chain(step_alpha) {
            let Feed::Channel(channel) = feed else { continue };
            let found = rows.row(channel).len();
            let expected = *width.get_or_insert(found);
            if found != expected {
                return Err(OutputError::RowLength { channel, expected, found });
            }
        }
        Ok(width.unwrap_or(0))
    }

    /// Writes pixels with all channels side by side. `out` holds as many pixels as the rows.
    pub(super) fn write_pixels<I: InputSample, T: OutputSample, R: SampleRows<I> + ?Sized>(
        &self,
        rows: &R,
        out: &mut [T],
    ) {
        let mut start = 0;
        while start < self.count {
            let first = self.gather(rows, start);
            if self.count <= JOINT {
                dispatch!(self.level, simd => self.write_joint(simd, first, 0, out));
            } else {
                dispatch!(self.level, _simd => self.write_strided(first, start, out));
            }
            start += JOINT;
        }
        if self.swap_bytes {
            swap_bytes(out);
        }
    }

    /// Writes one output channel.
    pub(super) fn write_channel<I: InputSample, T: OutputSample, R: SampleRows<I> + ?Sized>(
        &self,
        rows: &R,
        channel: usize,
        out: &mut [T],
    ) {
        let gathered = Gathered { count: 1, ..self.gather(rows, channel) };
        dispatch!(self.level, simd => self.write_joint(simd, gathered, channel, out));
        if self.swap_bytes {
            swap_bytes(out);
        }
    }

    /// The rows of up to four output channels from `start` on, and of alpha.
    fn gather<'r, I: InputSample, R: SampleRows<I> + ?Sized>(
        &self,
        rows: &'r R,
        start: usize,
    ) -> Gathered<'r, I> {
        let count = (self.count - start).min(JOINT);
        let mut gathered = Gathered { rows: [None; JOINT], alpha: &[], count };
        for (i, row) in gathered.rows[..count].iter_mut().enumerate() {
            if let Feed::Channel(channel) = self.feed(start + i) {
                *row = Some(rows.row(channel));
            }
        }
        if let (Some(_), Some(alpha)) = (self.step, self.alpha) {
            gathered.alpha = rows.row(alpha);
        }
        gathered
    }

    /// Writes up to four channels from `start` on, which are all of a pixel.
    #[inline(always)]
    fn write_joint<S: Simd, I: InputSample, T: OutputSample>(
        &self,
        simd: S,
        rows: Gathered<'_, I>,
        start: usize,
        out: &mut [T],
    ) {
        match rows.count {
            1 => self.write_n::<S, I, T, 1>(simd, &rows, start, out),
            2 => self.write_n::<S, I, T, 2>(simd, &rows, start, out),
            3 => self.write_n::<S, I, T, 3>(simd, &rows, start, out),
            _ => self.write_n::<S, I, T, JOINT>(simd, &rows, start, out),
        }
    }

    #[inline(always)]
    fn write_n<S: Simd, I: InputSample, T: OutputSample, const N: usize>(
        &self,
        simd: S,
        rows: &Gathered<'_, I>,
        start: usize,
        out: &mut [T],
    ) {
        if !self.interleave::<S, I, T, N>(simd, rows, out) {
            self.convert_and_interleave::<I, T, N>(rows, start, out);
        }
    }

    /// Converts and interleaves in one step, if there is a kernel for it.
    #[inline(always)]
    fn interleave<S: Simd, I: InputSample, T: OutputSample, const N: usize>(
        &self,
        simd: S,
        rows: &Gathered<'_, I>,
        out: &mut [T],
    ) -> bool {
        // Floats have no scale of their own.
        let shared = if I::IS_INTEGER { self.shared_scale } else { Some(Scale::Unit { factor: 1.0 }) };
        let (Some(scale), None) = (shared, self.step) else { return false };
        let mut complete: [&[I]; N] = [&[]; N];
        for (complete, row) in complete.iter_mut().zip(rows.rows) {
            *complete = row.unwrap_or_default();
        }
        if rows.rows[..N].iter().all(Option::is_some) {
            return I::interleave(simd, complete, self.max, scale, out);
        }
        let Some(opaque) = I::opaque(scale) else { return false };
        let opaque = [opaque; CHUNK];
        for (i, out) in out.chunks_mut(CHUNK * N).enumerate() {
            let range = i * CHUNK..i * CHUNK + out.len() / N;
            let mut chunk = [&opaque[..range.len()]; N];
            for (chunk, row) in chunk.iter_mut().zip(rows.rows) {
                if let Some(row) = row {
                    *chunk = &row[range.clone()];
                }
            }
            if !I::interleave(simd, chunk, self.max, scale, out) {
                return false;
            }
        }
        true
    }

    /// Converts channel by channel, then interleaves.
    #[inline(always)]
    fn convert_and_interleave<I: InputSample, T: OutputSample, const N: usize>(
        &self,
        rows: &Gathered<'_, I>,
        start: usize,
        out: &mut [T],
    ) {
        let mut planes = [[T::opaque(self.max); CHUNK]; N];
        for (i, out) in out.chunks_mut(CHUNK * N).enumerate() {
            let (from, width) = (i * CHUNK, out.len() / N);
            for (c, plane) in planes.iter_mut().enumerate() {
                self.convert(rows, start, [c, from], &mut plane[..width]);
            }
            for (i, pixel) in out.as_chunks_mut::<N>().0.iter_mut().enumerate() {
                for (out, plane) in pixel.iter_mut().zip(&planes) {
                    *out = plane[i];
                }
            }
        }
    }

    /// Writes up to four channels from `start` on into pixels of more channels.
    #[inline(always)]
    fn write_strided<I: InputSample, T: OutputSample>(
        &self,
        rows: Gathered<'_, I>,
        start: usize,
        out: &mut [T],
    ) {
        let mut plane = [T::opaque(self.max); CHUNK];
        for (i, out) in out.chunks_mut(CHUNK * self.count).enumerate() {
            let (from, width) = (i * CHUNK, out.len() / self.count);
            for c in 0..rows.count {
                self.convert(&rows, start, [c, from], &mut plane[..width]);
                for (pixel, v) in out.chunks_exact_mut(self.count).zip(&plane) {
                    pixel[start + c] = *v;
                }
            }
        }
    }

    /// Converts a part, at most [`CHUNK`] samples, of one of the gathered rows. The samples `out.len()` from `from` on of
    /// row `c`, which is output channel `start + c`.
    #[inline(always)]
    fn convert<I: InputSample, T: OutputSample>(
        &self,
        rows: &Gathered<'_, I>,
        start: usize,
        [c, from]: [usize; 2],
        out: &mut [T],
    ) {
        let range = from..from + out.len();
        let (Some(row), Feed::Channel(channel)) = (rows.rows[c], self.feed(start + c)) else {
            return out.fill(T::opaque(self.max));
        };
        let row = &row[range.clone()];
        let depth = self.canvas.depth(channel);
        let Some(step) = self.step.filter(|_| channel < Canvas::FIRST_EXTRA) else {
            return I::convert(row, self.max, self.scale(depth), out);
        };
        let to_floats = |depth: BitDepth| Scale::new(depth.bits_per_sample(), None);
        let (mut colour, mut alpha) = ([0.0; CHUNK], [0.0; CHUNK]);
        let (colour, alpha) = (&mut colour[..out.len()], &mut alpha[..out.len()]);
        I::to_floats(row, to_floats(depth), colour);
        let alpha_depth = self.alpha.map_or(depth, |alpha| self.canvas.depth(alpha));
        I::to_floats(&rows.alpha[range], to_floats(alpha_depth), alpha);
        for (colour, alpha) in colour.iter_mut().zip(alpha) {
            *colour = match step {
                AlphaStep::Multiply => *colour * *alpha,
                AlphaStep::Divide => *colour / alpha.max(SMALLEST_ALPHA),
            };
        }
        T::convert_floats(colour, self.max, out);
    }
}

/// The rows of up to four output channels; `None` is opaque alpha.
#[derive(Clone, Copy)]
struct Gathered<'r, I> {
    rows: [Option<&'r [I]>; JOINT],
    /// Alpha, if colours are multiplied or divided by it.
    alpha: &'r [I],
    count: usize,
}

fn swap_bytes<T: OutputSample>(samples: &mut [T]) {
    for v in samples {
        *v = v.with_swapped_bytes();
    }
}
