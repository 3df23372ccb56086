//! The writer against a plain twin that places one sample at a time.

use std::fmt::Debug;

use fearless_simd::Level;
use half::f16;
use jxlake_frame::image_header::{BitDepth, ExtraChannelInfo, ExtraChannelKind, Orientation};
use jxlake_util::{Axis, Pool, PoolError, Threads};

use super::*;

/// Small random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    /// Mostly between 0 and 1, sometimes beyond, sometimes no number at all.
    fn float(&mut self) -> f32 {
        match self.below(40) {
            0 => f32::NAN,
            1 => f32::INFINITY,
            2 => f32::NEG_INFINITY,
            3 => -0.0,
            4 => 1e-40,
            5 => 3e38,
            6 => -7.5,
            // Halfway between two integers of 8 bits.
            7 => (self.below(255) as f32 + 0.5) / 255.0,
            _ => self.below(1 << 24) as f32 / (1 << 24) as f32 * 1.2 - 0.1,
        }
    }
}

/// A sample the twin can make.
trait Twin: OutputSample + Debug {
    fn of_float(v: f32, max: f32) -> Self;
    fn of_integer(v: i64, in_max: i64, out_max: i64) -> Self;
    fn bits(self) -> u32;
    const FULL_BITS: u32;
}

fn of_float(v: f32, max: f32) -> u32 {
    if v.is_nan() { 0 } else { (v * max).clamp(0.0, max).round_ties_even() as u32 }
}

fn of_integer(v: i64, in_max: i64, out_max: i64) -> u32 {
    ((2 * v.clamp(0, in_max) * out_max + in_max) / (2 * in_max)) as u32
}

macro_rules! integer_twins {
    ($($t:ty)*) => { $(
        impl Twin for $t {
            fn of_float(v: f32, max: f32) -> Self {
                of_float(v, max) as Self
            }
            fn of_integer(v: i64, in_max: i64, out_max: i64) -> Self {
                of_integer(v, in_max, out_max) as Self
            }
            fn bits(self) -> u32 {
                self.into()
            }
            const FULL_BITS: u32 = <$t>::BITS;
        }
    )* };
}
integer_twins!(u8 u16);

impl Twin for f32 {
    fn of_float(v: f32, _: f32) -> Self {
        v
    }
    fn of_integer(v: i64, in_max: i64, _: i64) -> Self {
        (v as f64 / in_max as f64) as f32
    }
    fn bits(self) -> u32 {
        self.to_bits()
    }
    const FULL_BITS: u32 = 0;
}

impl Twin for f16 {
    fn of_float(v: f32, _: f32) -> Self {
        f16::from_f32(v)
    }
    fn of_integer(v: i64, in_max: i64, _: i64) -> Self {
        // As wide as the kernel: the product is rounded to f32 first.
        f16::from_f32(v as f32 * (1.0 / in_max as f64) as f32)
    }
    fn bits(self) -> u32 {
        self.to_bits().into()
    }
    const FULL_BITS: u32 = 0;
}

/// The samples of an image, channel by channel, numbered as in a canvas.
struct Source<I> {
    channels: Vec<Vec<I>>,
}

impl<I: Copy> Source<I> {
    fn random(canvas: &Canvas<'_>, mut sample: impl FnMut(usize) -> I) -> Self {
        let count = Canvas::FIRST_EXTRA + canvas.extra_channels.len();
        let pixels = canvas.width * canvas.height;
        Self { channels: (0..count).map(|c| (0..pixels).map(|_| sample(c)).collect()).collect() }
    }
}

/// Where the sample of an output channel comes from, as the documentation of `Channels` says.
fn channel_of(canvas: &Canvas<'_>, channels: Channels, output: usize) -> Option<usize> {
    let alpha = canvas
        .extra_channels
        .iter()
        .position(|extra| matches!(extra.kind, ExtraChannelKind::Alpha { .. }))
        .map(|i| 3 + i);
    let colours: &[usize] = if canvas.is_gray { &[0, 0, 0] } else { &[0, 1, 2] };
    match channels {
        Channels::Gray => Some(0),
        Channels::GrayAlpha => [Some(0), alpha][output],
        Channels::Rgb => Some(colours[output]),
        Channels::Rgba => [Some(colours[0]), Some(colours[1]), Some(colours[2]), alpha][output],
        Channels::Bgr => Some(colours[2 - output]),
        Channels::Bgra => [Some(colours[2]), Some(colours[1]), Some(colours[0]), alpha][output],
        Channels::All if canvas.is_gray => Some(if output == 0 { 0 } else { output + 2 }),
        Channels::All => Some(output),
        Channels::Extra(index) => Some(3 + index),
    }
}

/// The place in the picture of a pixel of the image, as the table of orientations says.
fn displayed(canvas: &Canvas<'_>, x: usize, y: usize) -> (usize, usize) {
    let (w, h) = (canvas.width, canvas.height);
    match canvas.orientation {
        Orientation::Identity => (x, y),
        Orientation::FlipHorizontal => (w - 1 - x, y),
        Orientation::Rotate180 => (w - 1 - x, h - 1 - y),
        Orientation::FlipVertical => (x, h - 1 - y),
        Orientation::Transpose => (y, x),
        Orientation::Rotate90 => (h - 1 - y, x),
        Orientation::AntiTranspose => (h - 1 - y, w - 1 - x),
        Orientation::Rotate270 => (y, w - 1 - x),
    }
}

/// Memory with gaps, and where samples lie in it.
struct Memory<T> {
    samples: Vec<T>,
    shape: ImageShape,
    row_stride: usize,
    plane_stride: usize,
}

impl<T: Twin> Memory<T> {
    fn new(shape: ImageShape, random: &mut Random) -> Self {
        let row_stride = shape.row_samples().unwrap() + random.below(5);
        let plane_stride = row_stride * (shape.height + random.below(3));
        let samples = vec![T::POISON; plane_stride * shape.planes()];
        Self { samples, shape, row_stride, plane_stride }
    }

    fn image(&mut self) -> ImageMut<'_, T> {
        let Self { samples, shape, row_stride, plane_stride } = self;
        ImageMut::with_strides(samples, *shape, *row_stride, *plane_stride).unwrap()
    }

    fn index(&self, x: usize, y: usize, channel: usize) -> usize {
        match self.shape.layout {
            Layout::Interleaved => y * self.row_stride + x * self.shape.channels + channel,
            Layout::Planar => channel * self.plane_stride + y * self.row_stride + x,
        }
    }
}

/// Ascending edges from 0 to `length`, some parts perhaps empty.
fn random_edges(length: usize, random: &mut Random) -> Vec<usize> {
    let mut edges: Vec<usize> = (0..random.below(5)).map(|_| random.below(length + 1)).collect();
    edges.extend([0, length]);
    edges.sort_unstable();
    edges
}

/// Gives all rows of `source` to a writer: tiles in random order, rows from the top or in any order, in pieces.
fn write<I: InputSample, T: Twin>(
    source: &Source<I>,
    memory: &mut Memory<T>,
    job: &WriterJob<'_>,
    random: &mut Random,
) -> Result<(), OutputError> {
    let columns = random_edges(job.canvas.width, random);
    let rows = random_edges(job.canvas.height, random);
    let partition = Partition { columns: Axis::Edges(&columns), rows: Axis::Edges(&rows) };
    let mut tiling = Tiling::default();
    let writer = Writer::new(memory.image(), job, partition, &mut tiling)?;
    let mut tiles: Vec<_> =
        (0..columns.len() - 1).flat_map(|i| (0..rows.len() - 1).map(move |j| (i, j))).collect();
    while !tiles.is_empty() {
        let (i, j) = tiles.swap_remove(random.below(tiles.len()));
        let mut tile = writer.tile(i, j)?;
        let rect = tile.rect();
        assert_eq!((rect.x, rect.y), (columns[i], rows[j]));
        assert_eq!((rect.right(), rect.bottom()), (columns[i + 1], rows[j + 1]));
        let from_bottom = random.below(4) == 0;
        for k in 0..rect.height {
            let y = if from_bottom { rect.bottom() - 1 - k } else { rect.y + k };
            let cut = if random.below(3) == 0 { random.below(rect.width + 1) } else { 0 };
            for (from, to) in [(rect.x, rect.x + cut), (rect.x + cut, rect.right())] {
                let range = y * job.canvas.width + from..y * job.canvas.width + to;
                let rows: Vec<&[I]> = source.channels.iter().map(|c| &c[range.clone()]).collect();
                tile.write_row(from, y, &rows[..])?;
            }
        }
        assert!(matches!(writer.tile(i, j), Err(OutputError::NoSuchTile { .. })), "a tile twice");
    }
    Ok(())
}

/// Checks every sample of memory: those of the picture, and that the gaps are untouched.
fn check<T: Twin>(
    memory: &Memory<T>,
    canvas: &Canvas<'_>,
    channels: Channels,
    expected: impl Fn(Option<usize>, usize) -> T,
) {
    let mut twin = vec![T::POISON; memory.samples.len()];
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let (column, row) = displayed(canvas, x, y);
            for c in 0..memory.shape.channels {
                let source = channel_of(canvas, channels, c);
                twin[memory.index(column, row, c)] = expected(source, y * canvas.width + x);
            }
        }
    }
    for (i, (found, expected)) in memory.samples.iter().zip(&twin).enumerate() {
        assert_eq!(
            found.bits(),
            expected.bits(),
            "sample {i}, {canvas:?} {channels:?}: {found:?} {expected:?}"
        );
    }
}

fn extra(kind: ExtraChannelKind, bits_per_sample: u32) -> ExtraChannelInfo {
    let mut info = ExtraChannelInfo::default();
    info.kind = kind;
    info.bit_depth = BitDepth::Integer { bits_per_sample };
    info
}

const ORIENTATIONS: [Orientation; 8] = [
    Orientation::Identity,
    Orientation::FlipHorizontal,
    Orientation::Rotate180,
    Orientation::FlipVertical,
    Orientation::Transpose,
    Orientation::Rotate90,
    Orientation::AntiTranspose,
    Orientation::Rotate270,
];

const CHANNELS: [Channels; 9] = [
    Channels::Gray,
    Channels::GrayAlpha,
    Channels::Rgb,
    Channels::Rgba,
    Channels::Bgr,
    Channels::Bgra,
    Channels::All,
    Channels::Extra(0),
    Channels::Extra(2),
];

fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![best, Level::baseline()];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    levels.extend(best.as_avx2().map(Level::Avx2));
    levels
}

/// Runs `test` for all orientations, channels and layouts of random images.
fn for_all_formats(mut test: impl FnMut(&WriterJob<'_>, &mut Random)) {
    let pool = Pool::new();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let levels = levels();
    let alpha = ExtraChannelKind::Alpha { associated: false };
    let all_extras = [
        vec![],
        vec![extra(alpha, 8)],
        vec![extra(ExtraChannelKind::Depth, 16), extra(alpha, 8), extra(ExtraChannelKind::Thermal, 3)],
        vec![extra(ExtraChannelKind::Black, 12)],
    ];
    for orientation in ORIENTATIONS {
        for channels in CHANNELS {
            for extra_channels in &all_extras {
                let canvas = Canvas {
                    width: 1 + random.below(600),
                    height: 1 + random.below(40),
                    orientation,
                    is_gray: random.below(2) == 0,
                    colour_depth: BitDepth::Integer { bits_per_sample: [1, 8, 10, 14][random.below(4)] },
                    extra_channels,
                };
                let layout = [Layout::Interleaved, Layout::Planar][random.below(2)];
                let format = PixelFormat { channels, layout, ..PixelFormat::default() };
                let level = levels[random.below(levels.len())];
                test(&WriterJob { canvas, format, pool: &pool, level }, &mut random);
            }
        }
    }
}

fn floats_reach_their_place<T: Twin>() {
    for_all_formats(|job, random| {
        let Ok(shape) = job.canvas.shape(&job.format) else { return };
        let bits = if T::FULL_BITS > 0 && random.below(3) == 0 {
            Some(1 + random.below(T::FULL_BITS as usize) as u32)
        } else {
            None
        };
        let job = WriterJob { format: PixelFormat { bits, ..job.format }, ..*job };
        let source = Source::random(&job.canvas, |_| random.float());
        let mut memory = Memory::<T>::new(shape, random);
        write(&source, &mut memory, &job, random).unwrap();
        let max = ((1u32 << bits.unwrap_or(T::FULL_BITS)) - 1) as f32;
        check(&memory, &job.canvas, job.format.channels, |channel, i| match channel {
            Some(channel) => T::of_float(source.channels[channel][i], max),
            None => T::of_float(1.0, max),
        });
    });
}

#[test]
fn floats_reach_their_place_as_u8() {
    floats_reach_their_place::<u8>();
}

#[test]
fn floats_reach_their_place_as_u16() {
    floats_reach_their_place::<u16>();
}

#[test]
fn floats_reach_their_place_as_f16() {
    floats_reach_their_place::<f16>();
}

#[test]
fn floats_reach_their_place_as_f32() {
    floats_reach_their_place::<f32>();
}

fn integers_reach_their_place<I: InputSample + Into<i64> + TryFrom<i64>, T: Twin>()
where
    I::Error: Debug,
{
    for_all_formats(|job, random| {
        let Ok(shape) = job.canvas.shape(&job.format) else { return };
        let depth = |channel: usize| {
            let extra = channel.checked_sub(3).map(|i| job.canvas.extra_channels[i].bit_depth);
            (1i64 << extra.unwrap_or(job.canvas.colour_depth).bits_per_sample()) - 1
        };
        let source = Source::random(&job.canvas, |channel| {
            let max = depth(channel);
            let v = match random.below(10) {
                0 => max,
                1 => -1 - random.below(300) as i64,
                2 => max + 1 + random.below(300) as i64,
                3 => i64::from(i16::MIN),
                _ => random.below(max as usize + 1) as i64,
            };
            I::try_from(v.clamp(-32768, if size_of::<I>() == 2 { 32767 } else { 70_000 })).unwrap()
        });
        let mut memory = Memory::<T>::new(shape, random);
        write(&source, &mut memory, job, random).unwrap();
        let out_max = (1i64 << T::FULL_BITS) - 1;
        check(&memory, &job.canvas, job.format.channels, |channel, i| match channel {
            Some(channel) => T::of_integer(source.channels[channel][i].into(), depth(channel), out_max),
            None => T::of_float(1.0, out_max as f32),
        });
    });
}

#[test]
fn integers_reach_their_place_as_u8() {
    integers_reach_their_place::<i16, u8>();
    integers_reach_their_place::<i32, u8>();
}

#[test]
fn integers_reach_their_place_as_u16() {
    integers_reach_their_place::<i16, u16>();
    integers_reach_their_place::<i32, u16>();
}

#[test]
fn integers_reach_their_place_as_f16() {
    integers_reach_their_place::<i32, f16>();
}

fn canvas<'a>(width: usize, extra_channels: &'a [ExtraChannelInfo]) -> Canvas<'a> {
    Canvas {
        width,
        height: 1,
        orientation: Orientation::Identity,
        is_gray: true,
        colour_depth: BitDepth::default(),
        extra_channels,
    }
}

/// Writes one row and gives back what became of it.
fn converted<I: InputSample, T: Twin>(
    rows: &[&[I]],
    canvas: &Canvas<'_>,
    format: PixelFormat,
) -> Result<Vec<T>, OutputError> {
    let pool = Pool::new();
    let job = WriterJob { canvas: *canvas, format, pool: &pool, level: Level::new() };
    let mut samples = vec![T::POISON; canvas.width * canvas.shape(&format)?.channels];
    let image = ImageMut::from_slice(&mut samples, canvas.shape(&format)?)?;
    let mut tiling = Tiling::default();
    let writer = Writer::new(image, &job, Partition::WHOLE, &mut tiling)?;
    writer.tile(0, 0)?.write_row(0, 0, rows)?;
    drop(writer);
    Ok(samples)
}

fn gray_of(bits: Option<u32>) -> PixelFormat {
    PixelFormat { channels: Channels::Gray, bits, ..PixelFormat::default() }
}

#[test]
fn lossless_samples_come_back_through_floats() {
    for bits in 1..=16 {
        let max = (1u32 << bits) - 1;
        let factor = (1.0 / f64::from(max)) as f32;
        let row: Vec<f32> = (0..=max).map(|m| m as f32 * factor).collect();
        let back: Vec<u16> = converted(&[&row[..]], &canvas(row.len(), &[]), gray_of(Some(bits))).unwrap();
        assert!(back.iter().enumerate().all(|(m, v)| m == usize::from(*v)), "{bits} bits");
    }
}

#[test]
fn integers_are_rescaled_exactly_for_every_pair_of_depths() {
    for in_bits in 1..=16 {
        let in_max = (1i64 << in_bits) - 1;
        let row: Vec<i32> = (0..=in_max as i32).collect();
        let canvas =
            Canvas { colour_depth: BitDepth::Integer { bits_per_sample: in_bits }, ..canvas(row.len(), &[]) };
        for out_bits in 1..=16 {
            let found: Vec<u16> = converted(&[&row[..]], &canvas, gray_of(Some(out_bits))).unwrap();
            let out_max = (1i64 << out_bits) - 1;
            for (m, v) in row.iter().zip(found) {
                assert_eq!(
                    u32::from(v),
                    of_integer(i64::from(*m), in_max, out_max),
                    "{in_bits} to {out_bits}"
                );
            }
        }
    }
}

#[test]
fn wide_integers_become_the_nearest_floats() {
    for bits_per_sample in [17, 22, 23, 24, 31] {
        let max = i32::MAX >> (31 - bits_per_sample);
        let row: Vec<i32> =
            (0..1000).map(|i| (i64::from(max) * i / 999) as i32).chain([-5, i32::MIN]).collect();
        let canvas = Canvas { colour_depth: BitDepth::Integer { bits_per_sample }, ..canvas(row.len(), &[]) };
        let found: Vec<f32> = converted(&[&row[..]], &canvas, gray_of(None)).unwrap();
        for (m, v) in row.iter().zip(found) {
            let exact = f64::from(*m) / f64::from(max);
            let tolerance = exact.abs() * if bits_per_sample < 23 { 1.2e-7 } else { 6e-8 };
            assert!((f64::from(v) - exact).abs() <= tolerance, "{m} of {bits_per_sample} bits: {v}");
        }
    }
}

#[test]
fn floats_are_copied_to_the_last_bit() {
    let row: Vec<f32> =
        [0x7f80_0001, 0xffc1_2345, 0x8000_0000, 1, 0x3f80_0000, 0xff80_0000].map(f32::from_bits).into();
    let found: Vec<f32> = converted(&[&row[..]], &canvas(row.len(), &[]), gray_of(None)).unwrap();
    assert!(row.iter().zip(found).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn bytes_are_swapped_on_request() {
    let row = [0.0, 1.0 / 65535.0, 1.0];
    let [endianness, same] = if cfg!(target_endian = "little") {
        [Endianness::Big, Endianness::Little]
    } else {
        [Endianness::Little, Endianness::Big]
    };
    let swapped = PixelFormat { endianness, ..gray_of(None) };
    let found: Vec<u16> = converted(&[&row[..]], &canvas(3, &[]), swapped).unwrap();
    assert_eq!(found, [0, 0x0100, 0xffff]);
    let kept = PixelFormat { endianness: same, ..swapped };
    let found: Vec<u16> = converted(&[&row[..]], &canvas(3, &[]), kept).unwrap();
    assert_eq!(found, [0, 1, 0xffff]);
    let found: Vec<f32> = converted(&[&[1.0f32][..]], &canvas(1, &[]), swapped).unwrap();
    assert_eq!(found[0].to_bits(), 1.0f32.to_bits().swap_bytes());
}

#[test]
fn colours_are_multiplied_and_divided_by_alpha_only_where_it_changes_them() {
    let gray = [0.5, 0.25, 1.0, 0.5];
    let alpha = [0.5, 1.0, 0.25, 0.0];
    let rows = [&gray[..], &[], &[], &alpha[..]];
    let written = |associated, mode| -> Vec<f32> {
        let extras = [extra(ExtraChannelKind::Alpha { associated }, 8)];
        let format = PixelFormat { channels: Channels::GrayAlpha, alpha: mode, ..PixelFormat::default() };
        let pixels: Vec<f32> = converted(&rows, &canvas(4, &extras), format).unwrap();
        assert!(pixels.chunks(2).zip(alpha).all(|(pixel, a)| pixel[1] == a));
        pixels.chunks(2).map(|pixel| pixel[0]).collect()
    };
    for associated in [false, true] {
        assert_eq!(written(associated, AlphaMode::AsStored), gray);
    }
    assert_eq!(written(true, AlphaMode::Premultiplied), gray);
    assert_eq!(written(false, AlphaMode::Straight), gray);
    assert_eq!(written(false, AlphaMode::Premultiplied), [0.25, 0.25, 0.25, 0.0]);
    assert_eq!(written(true, AlphaMode::Straight), [1.0, 0.25, 4.0, 0.5 * 67_108_864.0]);

    // Integers too, also where alpha is not delivered, and not where there is none.
    let extras = [extra(ExtraChannelKind::Alpha { associated: false }, 1)];
    let integers = [&[255i32, 100][..], &[], &[], &[0, 1]];
    let format = PixelFormat { alpha: AlphaMode::Premultiplied, ..gray_of(None) };
    let pixels: Vec<u8> = converted(&integers, &canvas(2, &extras), format).unwrap();
    assert_eq!(pixels, [0, 100]);
    let pixels: Vec<u8> = converted(&integers, &canvas(2, &[]), format).unwrap();
    assert_eq!(pixels, [255, 100]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let row = [0.0f32; 4];
    let colour = Canvas { is_gray: false, ..canvas(4, &[]) };
    let refused = converted::<f32, u8>(&[&row[..]], &colour, gray_of(None)).unwrap_err();
    assert_eq!(refused, OutputError::GrayFromColour);
    let gray = canvas(4, &[]);
    let format = PixelFormat { channels: Channels::Extra(0), ..PixelFormat::default() };
    let refused = converted::<f32, u8>(&[&row[..]], &gray, format).unwrap_err();
    assert_eq!(refused, OutputError::NoSuchChannel { index: 0, count: 0 });
    for bits in [0, 9, 99] {
        let refused = converted::<f32, u8>(&[&row[..]], &gray, gray_of(Some(bits))).unwrap_err();
        assert_eq!(refused, OutputError::Bits { bits });
    }
    let refused = converted::<f32, f16>(&[&row[..]], &gray, gray_of(Some(8))).unwrap_err();
    assert_eq!(refused, OutputError::Bits { bits: 8 });
    let refused = converted::<f32, u8>(&[&[0.0; 5][..]], &gray, gray_of(None)).unwrap_err();
    assert_eq!(refused, OutputError::OutsideTile { x: 0, y: 0, width: 5 });
    let rows = [&row[..], &row[..3], &row[..]];
    let rgb = PixelFormat::default();
    let refused = converted::<f32, u8>(&rows, &colour, rgb).unwrap_err();
    assert_eq!(refused, OutputError::RowLength { channel: 1, expected: 4, found: 3 });
    let floats = Canvas { colour_depth: BitDepth::Float { bits_per_sample: 32, exponent_bits: 8 }, ..gray };
    let refused = converted::<i32, u8>(&[&[0; 4][..]], &floats, gray_of(None)).unwrap_err();
    assert_eq!(refused, OutputError::IntegersOfFloats);
}

#[test]
fn memory_that_does_not_fit_is_refused() {
    let shape = |layout| ImageShape { width: 10, height: 4, channels: 3, layout };
    let interleaved = shape(Layout::Interleaved);
    let mut samples = [0u8; 200];
    let refused = ImageMut::from_slice(&mut samples[..119], interleaved).unwrap_err();
    assert_eq!(refused, OutputError::SliceTooShort { needed: 120, length: 119 });
    let refused = ImageMut::with_stride(&mut samples, interleaved, 29).unwrap_err();
    assert_eq!(refused, OutputError::RowStride { row: 30, stride: 29 });
    // The last row needs no padding.
    assert!(ImageMut::with_stride(&mut samples[..150], interleaved, 40).is_ok());

    let planar = shape(Layout::Planar);
    let refused = ImageMut::with_strides(&mut samples, planar, 12, 40).unwrap_err();
    assert_eq!(refused, OutputError::PlaneStride { plane: 40, row: 12, height: 4 });
    let refused = ImageMut::with_strides(&mut samples, planar, 12, 50).unwrap_err();
    assert_eq!(refused, OutputError::PlaneStride { plane: 50, row: 12, height: 4 });
    assert!(ImageMut::with_strides(&mut samples[..166], planar, 12, 60).is_ok());
    assert!(ImageMut::with_strides(&mut samples[..165], planar, 12, 60).is_err());

    let huge = ImageShape { width: usize::MAX, ..interleaved };
    assert_eq!(ImageMut::from_slice(&mut samples, huge).unwrap_err(), OutputError::TooLarge);
    assert!(matches!(
        Image::<f32>::new(&Pool::new(), ImageShape { width: usize::MAX / 3, ..interleaved }),
        Err(OutputError::Pool(PoolError::TooLarge { .. }))
    ));

    // Another picture than the memory is for.
    let pool = Pool::new();
    let job = WriterJob {
        canvas: canvas(10, &[]),
        format: PixelFormat::default(),
        pool: &pool,
        level: Level::new(),
    };
    let image = ImageMut::from_slice(&mut samples, interleaved).unwrap();
    let refused = Writer::new(image, &job, Partition::WHOLE, &mut Tiling::default()).unwrap_err();
    assert_eq!(
        refused,
        OutputError::Shape { expected: ImageShape { height: 1, ..interleaved }, found: interleaved }
    );
    let image = ImageMut::from_slice(&mut samples, ImageShape { height: 1, ..interleaved }).unwrap();
    let partition = Partition { columns: Axis::Edges(&[0, 9]), rows: Axis::Every(1) };
    let refused = Writer::new(image, &job, partition, &mut Tiling::default()).unwrap_err();
    assert_eq!(refused, OutputError::Tiles { width: 10, height: 1 });
}

#[test]
fn a_leased_picture_changes_shape_within_its_capacity() {
    let pool = Pool::new();
    let shape = ImageShape { width: 20, height: 10, channels: 2, layout: Layout::Planar };
    let mut image = Image::<u16>::new(&pool, shape).unwrap();
    image.as_mut().into_parts().0.fill(1);
    image.row_mut(3)[19] = 5;
    assert_eq!((image.plane(0).row(3)[19], image.plane(1).row(3)[19], image.rows().len()), (5, 1, 20));

    let smaller = ImageShape { width: 10, height: 9, channels: 1, layout: Layout::Planar };
    image.reshape(smaller).unwrap();
    assert_eq!((image.shape(), image.row(8).len(), image.rows().len()), (smaller, 10, 9));
    let higher = ImageShape { height: 11, ..smaller };
    let beyond = |picture, capacity| Err(OutputError::BeyondCapacity { picture, capacity });
    assert_eq!(image.reshape(higher), beyond(higher, shape));
    assert_eq!(image.shape(), smaller);
    image.reshape(shape).unwrap();
}

/// Whatever is no wider, no higher and of no more channels fits, and nothing is leased for it.
#[test]
fn an_image_with_capacity_takes_any_smaller_picture() {
    let pool = Pool::new();
    let mut random = Lcg(7);
    for _ in 0..20 {
        let layout = |odd: usize| if odd.is_multiple_of(2) { Layout::Planar } else { Layout::Interleaved };
        let mut any = |width, height, channels| ImageShape {
            width: 1 + random.below(width),
            height: 1 + random.below(height),
            channels: 1 + random.below(channels),
            layout: layout(random.below(2)),
        };
        let capacity = any(600, 40, 5);
        let mut image = Image::<u8>::with_capacity(&pool, capacity).unwrap();
        assert_eq!((image.shape(), image.capacity()), (capacity, capacity));
        let leases = pool.statistics().total.leases;
        for _ in 0..20 {
            let shape = any(capacity.width, capacity.height, capacity.channels);
            image.reshape(shape).unwrap_or_else(|error| panic!("{error}"));
            image.as_mut().into_parts().0.fill(3);
            assert_eq!(image.rows().len(), shape.height * shape.planes());
        }
        let wide = ImageShape { width: capacity.width + 1, ..capacity };
        assert_eq!(image.reshape(wide), Err(OutputError::BeyondCapacity { picture: wide, capacity }));
        assert_eq!(pool.statistics().total.leases, leases);
        image.release();
    }
    pool.statistics().leaks().unwrap();
}

/// A few random numbers.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn tiles_are_written_by_many_threads() {
    let pool = Pool::new();
    let mut tiling = Tiling::default();
    let canvas = Canvas {
        width: 700,
        height: 300,
        orientation: Orientation::Rotate90,
        is_gray: true,
        colour_depth: BitDepth::default(),
        extra_channels: &[],
    };
    let format = PixelFormat { channels: Channels::Rgba, ..PixelFormat::default() };
    let partition = Partition { columns: Axis::Every(64), rows: Axis::Every(64) };
    for round in 0..3 {
        let mut image = Image::<u8>::new(&pool, canvas.shape(&format).unwrap()).unwrap();
        let job = WriterJob { canvas, format, pool: &pool, level: Level::new() };
        let writer = Writer::new(image.as_mut(), &job, partition, &mut tiling).unwrap();
        Threads::Global
            .run(11 * 5, |task| {
                let mut tile = writer.tile(task % 11, task / 11)?;
                let rect = tile.rect();
                for y in rect.y..rect.bottom() {
                    let row: Vec<i16> = (rect.x..rect.right()).map(|x| ((x + 3 * y) % 256) as i16).collect();
                    tile.write_row(rect.x, y, &[&row[..]])?;
                }
                Ok::<(), OutputError>(())
            })
            .unwrap();
        drop(writer);
        for (x, row) in image.rows().enumerate() {
            for (i, pixel) in row.chunks(4).enumerate() {
                let v = ((x + 3 * (299 - i)) % 256) as u8;
                assert_eq!(pixel, [v, v, v, 255], "round {round}");
            }
        }
    }
}
