//! The decoder: from the bytes of a file to pictures in the caller's format.

mod boxes;
mod jpeg;
mod seek;
mod target;

pub(crate) use target::DecodeTarget;

use crate::colour::icc_profile::write_profile;
use crate::colour::{ColourRequest, OutputColour, TransformCache};
use crate::container::{Codestream as Pieces, Container, Unpacking};
use crate::error::{Error, Result};
use crate::frame_info::FrameInfo;
use crate::jpeg::Reconstructor;
use crate::output::{Canvas, Image, ImageMut, ImageShape, OutputError, OutputSample, PixelFormat, Tiling};
use jxlake_frame::Result as FrameResult;
use jxlake_frame::decoder::{Codestream, Context, Delivery, Watch};
use jxlake_frame::error::Error as FrameError;
use jxlake_frame::frame_header::FrameHeader;
use jxlake_frame::image_header::{Animation, ColourEncoding, ImageHeader, Orientation};
use jxlake_frame::limits::Limits;
use jxlake_util::{Pool, Threads};
use std::sync::Arc;
use target::{DecodeLone, LayerOutput, PictureOutput};

/// Decodes files, one after another, and keeps its memory from one to the next.
///
/// ```no_run
/// use jxlake::{Decoder, PixelFormat};
///
/// let mut decoder = Decoder::new();
/// for path in std::env::args().skip(1) {
///     let file = std::fs::read(path)?;
///     let image = decoder.decode::<u8>(&file, &PixelFormat::default())?;
///     println!("{}", image.shape());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    /// Its threads are those of the file that is open: fewer than all, if the budget has no room for all.
    context: Context,
    threads: Threads,
    keep_orientation: bool,
    container: Container,
    codestream: Codestream,
    /// The codestream of a file that has it in pieces, or only its headers.
    gathered: Vec<u8>,
    tiling: Tiling,
    colour: ColourRequest,
    transforms: TransformCache,
    unpacking: Unpacking,
    /// Made for the first JPEG.
    jpeg: Option<Box<Reconstructor>>,
}

impl Decoder {
    /// A decoder with a pool of its own that works on all cores, with [default limits](Limits::default).
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes memory from this pool, which may be shared with other decoders and threads.
    pub fn with_pool(mut self, pool: Pool) -> Self {
        self.context.pool = pool;
        self
    }

    /// Spreads work like this; [`Threads::Calling`] decodes on the calling thread alone.
    pub fn with_threads(mut self, threads: Threads) -> Self {
        self.threads = threads;
        self
    }

    /// Refuses files that ask for more than this.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.context.limits = limits;
        self
    }

    /// Whether spot colours are mixed into the picture; they are if nothing else is said.
    pub fn with_spot_colours(mut self, mixed: bool) -> Self {
        self.context.spot_colours = mixed;
        self
    }

    /// Whether pictures are delivered as they are stored instead of turned as the header says.
    pub fn with_stored_orientation(mut self, stored: bool) -> Self {
        self.keep_orientation = stored;
        self
    }

    /// Renders by whole planes instead of streaming: slow, for tests that both give the same pixels.
    #[doc(hidden)]
    pub fn with_oracle(mut self, oracle: bool) -> Self {
        self.context.oracle = oracle;
        self
    }

    /// In which colours pictures are delivered; [their own](OutputColour::Original) if nothing else is said.
    ///
    /// Whether they can be converted turns out with the first frame that is decoded.
    pub fn with_output_colour(mut self, colour: OutputColour) -> Self {
        self.colour.colour = colour;
        self
    }

    /// Maps the tones of PQ and HLG images, whose colours are not those of an ICC profile, to a display with this peak, in
    /// nits above 0. Without it, and for other images, tones stay as they are.
    pub fn with_display_peak(mut self, nits: Option<f32>) -> Self {
        self.colour.display_peak = nits.filter(|nits| nits.is_finite() && *nits > 0.0);
        self
    }

    /// A decoder with the same settings, the same pool and the same watch, but memory of its own: for another thread.
    ///
    /// What is computed once from ICC profiles is shared.
    pub fn sibling(&self) -> Self {
        Self {
            context: self.context.clone(),
            threads: self.threads.clone(),
            keep_orientation: self.keep_orientation,
            container: Container::default(),
            codestream: Codestream::default(),
            gathered: Vec::new(),
            tiling: Tiling::default(),
            colour: self.colour.clone(),
            transforms: self.transforms.clone(),
            unpacking: Unpacking::default(),
            jpeg: None,
        }
    }

    /// How work is spread.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Lets another watch tell and stop.
    pub(crate) fn set_watch(&mut self, watch: Arc<Watch>) {
        self.context.watch = watch;
    }

    /// What tells how far the decode is and can stop it, from any thread.
    pub fn watch(&self) -> Arc<Watch> {
        Arc::clone(&self.context.watch)
    }

    /// The pool that memory is taken from.
    pub fn pool(&self) -> &Pool {
        &self.context.pool
    }

    /// Decodes the first displayed frame of a file into a leased image.
    ///
    /// # Errors
    ///
    /// Everything that can go wrong: see [`Error`].
    pub fn decode<T: OutputSample>(&mut self, file: &[u8], format: &PixelFormat) -> Result<Image<T>> {
        self.open(file)?.next_image(format)?.ok_or(Error::NoFrame)
    }

    /// Decodes the first displayed frame of a file into memory of the caller's.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode); [`OutputError::Shape`] if the memory has another shape than the picture.
    pub fn decode_into<T: OutputSample>(
        &mut self,
        file: &[u8],
        format: &PixelFormat,
        image: ImageMut<'_, T>,
    ) -> Result<()> {
        if self.open(file)?.next_into(format, image)? { Ok(()) } else { Err(Error::NoFrame) }
    }

    /// Decodes the first displayed frame of a file into an image that the caller keeps: it takes the shape of the picture, and
    /// no memory as long as that is within its [capacity](Image::capacity).
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode); [`OutputError::BeyondCapacity`], which names both sizes, if the picture does not fit.
    pub fn decode_reusing<T: OutputSample>(
        &mut self,
        file: &[u8],
        format: &PixelFormat,
        image: &mut Image<T>,
    ) -> Result<()> {
        if self.open(file)?.next_reusing(format, image)? { Ok(()) } else { Err(Error::NoFrame) }
    }

    /// Decodes the first displayed frame of a file and lends it to `look`; the memory is back in the pool afterwards.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_scoped<T: OutputSample, R>(
        &mut self,
        file: &[u8],
        format: &PixelFormat,
        look: impl FnOnce(&Image<T>) -> R,
    ) -> Result<R> {
        self.decode(file, format).map(|image| look(&image))
    }

    /// Gives all memory back that is kept for the next decode: leases to the pool, lists and tables to the system. Then
    /// [`Statistics::leaks`](jxlake_util::Statistics::leaks) of a pool of its own finds what else is held.
    pub fn clear(&mut self) {
        let Self { container, codestream, gathered, tiling, jpeg, .. } = self;
        *jpeg = None;
        *container = Container::default();
        *codestream = Codestream::default();
        *gathered = Vec::new();
        *tiling = Tiling::default();
    }

    /// Reads the headers of a file, whose frames then can be decoded one by one.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), of the headers.
    pub fn open<'d>(&'d mut self, file: &'d [u8]) -> Result<Frames<'d>> {
        let Self {
            context,
            threads,
            keep_orientation,
            container,
            codestream,
            gathered,
            tiling,
            colour,
            transforms,
            unpacking,
            jpeg,
        } = self;
        context.threads.clone_from(threads);
        container.reset();
        container.read(file, &context.limits);
        let container = &*container;
        let pieces = container.codestream(file);
        let data = match pieces.contiguous() {
            Some(data) => codestream.begin(data, &context.limits).map(|()| data),
            None => begin_divided(codestream, &pieces, gathered, &context.limits),
        };
        let data = data.map_err(|error| container.whole_file_error(file, error))?;
        Ok(Frames {
            file,
            data,
            context,
            container,
            codestream,
            tiling,
            keep_orientation: *keep_orientation,
            colour,
            transforms,
            unpacking,
            jpeg,
            resolved: false,
        })
    }
}

/// Begins a codestream in several pieces, and gives the bytes that its frames are read from. Only the headers are gathered if
/// the last piece has all frames, as encoders write it who know the headers before the frames; else everything.
fn begin_divided<'d>(
    codestream: &mut Codestream,
    pieces: &Pieces<'d>,
    gathered: &'d mut Vec<u8>,
    limits: &Limits,
) -> FrameResult<&'d [u8]> {
    let (headers, frames) = pieces.last_piece();
    gathered.clear();
    gathered.resize(headers as usize, 0);
    pieces.gather(0, gathered);
    if codestream.begin(gathered, limits).is_ok() && codestream.leave_headers(gathered.len()) {
        return Ok(frames);
    }
    gathered.extend_from_slice(frames);
    codestream.begin(gathered, limits)?;
    Ok(gathered)
}

/// An open file: its headers, and its displayed frames in order.
#[derive(Debug)]
pub struct Frames<'d> {
    file: &'d [u8],
    data: &'d [u8],
    context: &'d mut Context,
    container: &'d Container,
    codestream: &'d mut Codestream,
    tiling: &'d mut Tiling,
    keep_orientation: bool,
    colour: &'d ColourRequest,
    transforms: &'d mut TransformCache,
    unpacking: &'d mut Unpacking,
    jpeg: &'d mut Option<Box<Reconstructor>>,
    /// Whether the context delivers as is asked for.
    resolved: bool,
}

impl<'d> Frames<'d> {
    /// The image header.
    pub fn image(&self) -> &ImageHeader {
        self.codestream.image()
    }

    /// The embedded ICC profile; empty if there is none.
    pub fn embedded_icc(&self) -> &[u8] {
        self.codestream.icc()
    }

    /// The ICC profile of the original image: the embedded one, or that of the colour encoding in the header.
    ///
    /// # Errors
    ///
    /// [`Error::Profile`] if there is no profile for the encoding.
    pub fn original_icc(&self) -> Result<Vec<u8>> {
        let encoding = &self.image().colour_encoding;
        if encoding.want_icc {
            return Ok(self.embedded_icc().to_vec());
        }
        profile_of(encoding)
    }

    /// The ICC profile of the pixels that are delivered.
    ///
    /// # Errors
    ///
    /// As [`original_icc`](Self::original_icc).
    pub fn output_icc(&self) -> Result<Vec<u8>> {
        self.colour.profile(self.image(), self.embedded_icc())
    }

    /// The colour encoding of the pixels that are delivered; `None` if only an ICC profile describes them.
    pub fn output_encoding(&self) -> Option<ColourEncoding> {
        self.colour.encoding(self.image())
    }

    /// The boxes of the file.
    pub fn container(&self) -> &'d Container {
        self.container
    }

    /// The header of the frame that was decoded or passed over last.
    pub fn frame(&self) -> &FrameHeader {
        self.codestream.frame_header()
    }

    /// The frame that was decoded or passed over last.
    pub fn frame_info(&self) -> FrameInfo<'_> {
        FrameInfo::new(self.image(), self.frame())
    }

    /// How an animation runs: its ticks, and how often it is played, 0 for ever.
    pub fn animation(&self) -> Option<&Animation> {
        self.image().animation.as_ref()
    }

    /// The extra channel of this name, for [`Channels::Extra`](crate::Channels::Extra).
    pub fn extra_channel_named(&self, name: &str) -> Option<usize> {
        let image = self.image();
        image.extra_channels.iter().position(|e| image.extra_channel_name(e) == name.as_bytes())
    }

    /// What a picture in `format` looks like: its size and channels.
    ///
    /// # Errors
    ///
    /// If the image cannot be had in the format.
    pub fn shape(&self, format: &PixelFormat) -> Result<ImageShape> {
        Ok(self.delivered().canvas(self.image()).shape(format)?)
    }

    /// What decoding the file takes from the pool, on so many threads, known from its headers: a picture of `T` in `format` in
    /// memory of the pool, and what the decoder works in. No samples are decoded for it.
    ///
    /// It is an upper bound, for a pool that holds nothing else, with the sizes of its classes; the real peak is at most a
    /// fifth below for pictures of a megapixel and more.
    ///
    /// ```
    /// use jxlake::{Decoder, PixelFormat};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = std::fs::read("testdata/effort7.jxl")?;
    /// let mut decoder = Decoder::new();
    /// let estimate = decoder.open(&file)?.memory_estimate::<u8>(&PixelFormat::default(), 1)?;
    /// decoder.pool().check(estimate.total())?; // is there room for it?
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the headers of the first frame are damaged, or the image cannot be had in the format.
    pub fn memory_estimate<T: OutputSample>(
        &mut self,
        format: &PixelFormat,
        threads: usize,
    ) -> Result<MemoryEstimate> {
        self.resolve()?;
        let picture = Image::<T>::bytes(self.shape(format)?);
        Ok(MemoryEstimate { picture, working: self.working_memory(threads)? })
    }

    /// What decoding takes on so many threads, the picture not counted.
    fn working_memory(&mut self, threads: usize) -> Result<u64> {
        let frames = self.codestream.memory(self.data, self.context);
        let most = frames.map(|frames| frames.iter().map(|frame| frame.with_workers(threads.max(1))).max());
        most.map(|most| most.unwrap_or(0)).map_err(|error| self.whole_file_error(error))
    }

    /// Decodes the next displayed frame into a leased image; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`].
    pub fn next_image<T: OutputSample>(&mut self, format: &PixelFormat) -> Result<Option<Image<T>>> {
        let mut image = Image::new(&self.context.pool, self.shape(format)?)?;
        Ok(self.next_into(format, image.as_mut())?.then_some(image))
    }

    /// Decodes the next displayed frame into memory of the caller's; false behind the last one.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode_into`].
    pub fn next_into<T: OutputSample>(
        &mut self,
        format: &PixelFormat,
        image: ImageMut<'_, T>,
    ) -> Result<bool> {
        self.resolve()?;
        let expected = self.shape(format)?;
        if image.shape() != expected {
            return Err(OutputError::Shape { expected, found: image.shape() }.into());
        }
        let delivered = self.delivered();
        let mut output =
            PictureOutput { image, format: *format, context: self.context, tiling: self.tiling, delivered };
        T::decode_next(self.codestream, self.data, &mut output).map_err(|error| self.whole_file_error(error))
    }

    /// Decodes the next displayed frame into an image that the caller keeps, which takes its shape; false behind the last one.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode_reusing`].
    pub fn next_reusing<T: OutputSample>(
        &mut self,
        format: &PixelFormat,
        image: &mut Image<T>,
    ) -> Result<bool> {
        image.reshape(self.shape(format)?)?;
        self.next_into(format, image.as_mut())
    }

    /// Decodes the next layer, that is the own pixels of the next frame that is blended onto the canvas, displayed or not, as
    /// they are before; `None` behind the last one. [`frame_info`](Self::frame_info) then tells its place and blending.
    ///
    /// May be mixed with [`next_image`](Self::next_image), which shows the frames as composed.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`].
    pub fn next_layer<T: OutputSample>(&mut self, format: &PixelFormat) -> Result<Option<Image<T>>> {
        self.lone_frame(format, T::decode_layer)
    }

    /// Decodes the preview, a small picture of the image, into a leased image of a size of its own; `None` if there is
    /// none. The frames are not affected.
    ///
    /// ```
    /// use jxlake::{Decoder, PixelFormat};
    ///
    /// # let file = std::fs::read("testdata/preview.jxl")?;
    /// let mut decoder = Decoder::new();
    /// let mut frames = decoder.open(&file)?;
    /// if let Some(preview) = frames.preview::<u8>(&PixelFormat::default())? {
    ///     println!("a preview of {}", preview.shape());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`].
    pub fn preview<T: OutputSample>(&mut self, format: &PixelFormat) -> Result<Option<Image<T>>> {
        self.lone_frame(format, T::decode_preview)
    }

    /// Decodes a frame that has a size of its own.
    fn lone_frame<T: OutputSample>(
        &mut self,
        format: &PixelFormat,
        decode: DecodeLone<T>,
    ) -> Result<Option<Image<T>>> {
        self.resolve()?;
        self.shape(format)?;
        let delivered = self.delivered();
        let mut output = LayerOutput {
            image: None,
            format: *format,
            context: self.context,
            tiling: self.tiling,
            delivered,
        };
        match decode(self.codestream, self.data, &mut output) {
            Ok(true) => Ok(output.image),
            Ok(false) => Ok(None),
            Err(error) => Err(self.whole_file_error(error)),
        }
    }

    /// Passes over the next frame, displayed or not, without decoding it; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`], of the frame's header.
    pub fn skip_frame(&mut self) -> Result<Option<&FrameHeader>> {
        match self.codestream.skip_frame(self.data, &self.context.limits) {
            Ok(Some(_)) => Ok(Some(self.codestream.frame_header())),
            Ok(None) => Ok(None),
            Err(error) => Err(self.whole_file_error(error)),
        }
    }

    fn delivered(&self) -> Delivered {
        let (image, keep_orientation) = (self.codestream.image(), self.keep_orientation);
        Delivered { keep_orientation, is_gray: self.colour.is_gray(image) }
    }

    /// Finds out what is to be done to the colours, once for a file.
    fn resolve(&mut self) -> Result<()> {
        if !self.resolved {
            self.context.delivery = Delivery::default();
            let (image, icc) = (self.codestream.image(), self.codestream.icc());
            self.context.delivery = self.colour.resolve(image, icc, self.transforms)?;
            self.resolved = true;
            self.fit_budget();
        }
        Ok(())
    }

    /// Takes fewer threads if the pool's budget has no room for what all of them would work in.
    fn fit_budget(&mut self) {
        let (all, pool) = (self.context.threads.workers(), self.context.pool.clone());
        if all == 1 || pool.budget().is_none() {
            return;
        }
        // What is wrong with the headers is told by the decode.
        let Ok(frames) = self.codestream.memory(self.data, self.context) else { return };
        let fits = |workers| frames.iter().all(|frame| pool.check(frame.with_workers(workers)).is_ok());
        let workers = (2..=all).rev().find(|&workers| fits(workers)).unwrap_or(1);
        if workers < all {
            self.context.threads = self.context.threads.at_most(workers);
        }
    }

    /// The error as one of the file: if the codestream is too short, what is wrong with the boxes or how many bytes of the
    /// file are needed.
    fn whole_file_error(&self, error: FrameError) -> Error {
        self.container.whole_file_error(self.file, error)
    }
}

/// How much memory a decode takes; see [`Frames::memory_estimate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Bytes of the picture, if its memory is the pool's.
    pub picture: u64,
    /// Bytes that the decoder works in.
    pub working: u64,
}

impl MemoryEstimate {
    /// Bytes of both.
    pub fn total(&self) -> u64 {
        self.picture.saturating_add(self.working)
    }
}

fn profile_of(encoding: &ColourEncoding) -> Result<Vec<u8>> {
    let mut profile = Vec::new();
    write_profile(encoding, &mut profile)?;
    Ok(profile)
}

/// In what way pictures differ from what the header says.
#[derive(Debug, Clone, Copy)]
struct Delivered {
    keep_orientation: bool,
    is_gray: bool,
}

impl Delivered {
    fn canvas(self, image: &ImageHeader) -> Canvas<'_> {
        let mut canvas = Canvas::of(image);
        if self.keep_orientation {
            canvas.orientation = Orientation::Identity;
        }
        canvas.is_gray = self.is_gray;
        canvas
    }
}
