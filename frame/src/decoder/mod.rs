//! The decoder of a codestream: its header, then frame after frame until one is displayed.

mod banded;
mod canvas;
mod chain;
mod consumer;
mod delivery;
mod estimate;
mod frame;
mod integers;
mod jpeg;
mod output;
mod samples;
#[cfg(test)]
mod tests;
mod vardct;
mod watch;

pub use delivery::{Delivery, ProfileTransform};
pub use estimate::FrameMemory;
pub use output::{DisplayedFrame, DrawFrame, DrawTile, Output, Partition, PixelTile, PixelWriter};
pub use watch::Watch;

use crate::composition::{FrameCounters, Slots};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::frame_header::{FrameHeader, FrameRole};
use crate::geometry::FrameGeometry;
use crate::icc_stream::{IccScratch, read_icc_stream};
use crate::image_header::ImageHeader;
use crate::limits::{Limit, Limits};
use crate::toc::Toc;
use crate::vardct::JpegCoefficients;
use frame::FrameDecoder;
use jxlake_entropy::BitReader;
use jxlake_util::{Pool, Threads};
use std::ops::Range;
use std::sync::Arc;

/// What a decode works with.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where memory comes from.
    pub pool: Pool,
    /// How work is spread.
    pub threads: Threads,
    /// What a file may ask for.
    pub limits: Limits,
    /// The instruction set to use.
    pub level: fearless_simd::Level,
    /// Whether spot colours are mixed into the picture.
    pub spot_colours: bool,
    /// Whether frames are rendered by whole planes, slowly and in memory of the system: the
    /// [oracle](crate::render::oracle) that tests hold production against.
    pub oracle: bool,
    /// In which colours pictures are delivered.
    pub delivery: Delivery,
    /// Tells how far the decode is, and can stop it.
    pub watch: Arc<Watch>,
}

impl Default for Context {
    /// A pool of its own, all cores, [default limits](Limits::default), spot colours mixed in, the image's own colours.
    fn default() -> Self {
        Self {
            pool: Pool::new(),
            threads: Threads::Global,
            limits: Limits::default(),
            level: fearless_simd::Level::new(),
            spot_colours: true,
            oracle: false,
            delivery: Delivery::default(),
            watch: Arc::default(),
        }
    }
}

/// Which frames are shown, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Showing {
    /// Those that a player displays, composed.
    Composed,
    /// All that are layers, as coded.
    Layers,
}

impl Showing {
    fn shows(self, header: &FrameHeader) -> bool {
        match self {
            Self::Composed => header.visible(),
            Self::Layers => header.is_normal(),
        }
    }
}

/// A codestream that is being decoded; reused for the next one, it keeps its memory.
#[derive(Debug, Default)]
pub struct Codestream {
    image: ImageHeader,
    icc: Vec<u8>,
    icc_scratch: IccScratch,
    header: FrameHeader,
    toc: Toc,
    /// Bytes of the codestream before those that frames are read from, see [`leave_headers`](Self::leave_headers).
    left: usize,
    /// The bytes of the preview.
    preview: Option<Range<usize>>,
    /// Byte at which the first frame begins, once that is known.
    first_frame: Option<usize>,
    /// Byte at which the next frame begins; `None` behind the last one.
    next_frame: Option<usize>,
    displayed: u64,
    /// Whether frames were passed over that the next ones may refer to.
    gap: bool,
    /// Frames since the last displayed one.
    composed: u64,
    counters: FrameCounters,
    slots: Slots,
    frame: FrameDecoder,
    estimator: estimate::Estimator,
}

impl Codestream {
    /// Reads the image header and the ICC profile, if one is embedded, and forgets the codestream before.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] if `data`, the codestream as far as it is there, ends too early: ask again with more of it.
    pub fn begin(&mut self, data: &[u8], limits: &Limits) -> Result<()> {
        (self.left, self.preview, self.first_frame, self.next_frame) = (0, None, None, None);
        self.slots.clear();
        self.icc.clear();
        let mut bits = BitReader::new(data);
        self.image.read(&mut bits, limits)?;
        if self.image.colour_encoding.want_icc {
            read_icc_stream(&mut bits, limits, &mut self.icc_scratch, &mut self.icc)?;
        }
        bits.zero_pad()?;
        let mut start = (bits.position() / 8) as usize;
        if self.image.preview.is_some() {
            let (_, end) = self.read_frame_header(data, start, FrameRole::Preview, limits)?;
            self.preview = Some(start..end);
            start = end;
        }
        self.first_frame = Some(start);
        self.rewind();
        Ok(())
    }

    /// Lets the `data` of all that follows begin `bytes` bytes into a codestream that has just been begun: a file may have the
    /// headers in one piece and the frames in another. False, and nothing is changed, if a frame or the preview begins
    /// before.
    pub fn leave_headers(&mut self, bytes: usize) -> bool {
        let first = self.first_frame.and_then(|first| first.checked_sub(bytes));
        let can = self.preview.is_none() && first.is_some();
        if can {
            (self.left, self.first_frame, self.next_frame) = (bytes, first, first);
        }
        can
    }

    /// Goes back to the first frame of a codestream that has been begun.
    pub fn rewind(&mut self) {
        self.next_frame = self.first_frame;
        (self.displayed, self.composed, self.gap) = (0, 0, false);
        self.counters = FrameCounters::default();
        if self.preview.is_some() {
            self.counters.count(false);
        }
        self.slots.clear();
    }

    /// Byte of the codestream at which the next frame begins; `None` behind the last one.
    pub fn position(&self) -> Option<u64> {
        self.next_frame.map(|start| self.absolute(start as u64))
    }

    /// The place in the codestream of a place in `data`.
    fn absolute(&self, place: u64) -> u64 {
        place.saturating_add(self.left as u64)
    }

    /// Number of displayed frames that were decoded or passed over.
    pub fn displayed(&self) -> u64 {
        self.displayed
    }

    /// Whether the next frames may refer to frames that were passed over.
    pub fn has_gap(&self) -> bool {
        self.gap
    }

    /// Goes to the frame that begins at byte `offset`, passing over all frames before it, and forgets all frames that later
    /// ones may refer to. False, and behind the last frame before that byte, if no frame begins there.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub fn seek(&mut self, data: &[u8], offset: u64, limits: &Limits) -> Result<bool> {
        if self.position().is_none_or(|position| position > offset) {
            self.rewind();
        }
        while self.position().is_some_and(|position| position < offset) {
            self.skip_frame(data, limits)?;
        }
        self.slots.clear();
        (self.composed, self.gap) = (0, false);
        Ok(self.position() == Some(offset))
    }

    /// Decodes the preview, whose pixels go to `output`; false if the image has none. The frames are not affected.
    ///
    /// # Errors
    ///
    /// Everything that can be wrong with a frame.
    pub fn decode_preview(
        &mut self,
        data: &[u8],
        context: &Context,
        output: &mut dyn Output,
    ) -> Result<bool> {
        let (Some(bytes), Some(size)) = (self.preview.clone(), self.image.preview) else { return Ok(false) };
        let (geometry, _) = self.read_frame_header(data, bytes.start, FrameRole::Preview, &context.limits)?;
        let mut counters = FrameCounters::default();
        counters.count(false);
        // To its frame, the size of the preview is that of the image.
        let image_size = std::mem::replace(&mut self.image.size, size);
        let job = frame::FrameJob {
            data: data.get(bytes).unwrap_or_default(),
            image: &self.image,
            header: &self.header,
            geometry: &geometry,
            toc: &self.toc,
            counters,
            index: 0,
            showing: Showing::Layers,
            context,
        };
        // What it leaves for later frames is for nobody.
        let decoded = self.frame.decode(&job, &mut Slots::default(), output);
        self.image.size = image_size;
        decoded.inspect_err(|_| self.frame.clear())?;
        Ok(true)
    }

    /// The image header.
    pub fn image(&self) -> &ImageHeader {
        &self.image
    }

    /// The embedded ICC profile; empty if there is none.
    pub fn icc(&self) -> &[u8] {
        &self.icc
    }

    /// The header of the frame that was decoded or skipped last.
    pub fn frame_header(&self) -> &FrameHeader {
        &self.header
    }

    /// Passes over the next frame without decoding it. `None` behind the last frame.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub fn skip_frame(&mut self, data: &[u8], limits: &Limits) -> Result<Option<&FrameHeader>> {
        let Some(start) = self.next_frame else { return Ok(None) };
        let (_, end) = self.read_frame_header(data, start, FrameRole::Main, limits)?;
        self.counters.count(self.header.visible());
        self.next_frame = (!self.header.is_last).then_some(end);
        self.displayed += u64::from(self.header.visible());
        self.gap = true;
        Ok(Some(&self.header))
    }

    /// Decodes up to and including the next displayed frame, whose pixels go to `output`. `None` behind the last frame.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] if the frame is not complete in `data`: ask again with more; frames that were complete are not
    /// decoded again.
    pub fn next_displayed(
        &mut self,
        data: &[u8],
        context: &Context,
        output: &mut dyn Output,
    ) -> Result<Option<&FrameHeader>> {
        self.next(data, context, output, Showing::Composed)
    }

    /// Decodes up to and including the next frame that is a layer of the picture, displayed or not, whose own pixels go to
    /// `output` as they are before they are blended. `None` behind the last frame. What later frames need is composed all
    /// the same, so that calls of this and [`next_displayed`](Self::next_displayed) may be mixed.
    ///
    /// # Errors
    ///
    /// As [`next_displayed`](Self::next_displayed).
    pub fn next_layer(
        &mut self,
        data: &[u8],
        context: &Context,
        output: &mut dyn Output,
    ) -> Result<Option<&FrameHeader>> {
        self.next(data, context, output, Showing::Layers)
    }

    fn next(
        &mut self,
        data: &[u8],
        context: &Context,
        output: &mut dyn Output,
        showing: Showing,
    ) -> Result<Option<&FrameHeader>> {
        while let Some(start) = self.next_frame {
            self.composed += 1;
            context.limits.check(Limit::ComposedFrames, self.composed)?;
            let (geometry, end) = self.read_frame_header(data, start, FrameRole::Main, &context.limits)?;
            let mut counters = self.counters;
            counters.count(self.header.visible());
            let job = frame::FrameJob {
                data: &data[start..end],
                image: &self.image,
                header: &self.header,
                geometry: &geometry,
                toc: &self.toc,
                counters,
                index: self.displayed,
                showing,
                context,
            };
            self.frame.decode(&job, &mut self.slots, output).inspect_err(|_| self.frame.clear())?;
            self.counters = counters;
            self.next_frame = (!self.header.is_last).then_some(end);
            if self.header.is_last {
                // Nothing can refer to them any more.
                self.slots.clear();
            }
            self.displayed += u64::from(self.header.visible());
            if showing.shows(&self.header) {
                self.composed = 0;
                return Ok(Some(&self.header));
            }
        }
        Ok(None)
    }

    /// Decodes the quantised coefficients of the next frame, which was a JPEG, and no samples; `is_gray` tells that the JPEG
    /// has one component. The frame remains the next one.
    ///
    /// # Errors
    ///
    /// [`Error::NotJpeg`] if the frame is not that of a JPEG; [`Error::Misuse`] behind the last frame; and as
    /// [`next_displayed`](Self::next_displayed).
    pub fn jpeg_coefficients(
        &mut self,
        data: &[u8],
        context: &Context,
        is_gray: bool,
        coefficients: &mut JpegCoefficients,
    ) -> Result<()> {
        let start = self.next_frame.ok_or(Error::Misuse("no frame is left"))?;
        let (geometry, end) = self.read_frame_header(data, start, FrameRole::Main, &context.limits)?;
        let Context { pool, limits, .. } = context;
        coefficients.begin((&self.image, &self.header), &geometry, is_gray, (limits, pool))?;
        let job = frame::FrameJob {
            data: &data[start..end],
            image: &self.image,
            header: &self.header,
            geometry: &geometry,
            toc: &self.toc,
            counters: self.counters,
            index: self.displayed,
            showing: Showing::Composed,
            context,
        };
        let decoded = self.frame.decode_jpeg(&job, &mut self.slots, coefficients);
        // Nothing of it is wanted any more, however it ended.
        self.frame.clear();
        decoded.inspect_err(|_| coefficients.clear())
    }

    /// Reads the frame header and table of contents at byte `start`; returns the geometry and the byte behind the frame.
    fn read_frame_header(
        &mut self,
        data: &[u8],
        start: usize,
        role: FrameRole,
        limits: &Limits,
    ) -> Result<(FrameGeometry, usize)> {
        let frame = data.get(start..).unwrap_or_default();
        let before = self.absolute(start as u64);
        let absolute = |error| match error {
            Error::Truncated { needed } => Error::Truncated { needed: needed.map(|n| n + before) },
            other => other,
        };
        let mut bits = BitReader::new(frame);
        self.header.read(&mut bits, &self.image, role, limits).map_err(absolute)?;
        let geometry = FrameGeometry::new(&self.header, limits)?;
        self.toc.read(&mut bits, &geometry).map_err(absolute)?;
        let end = start as u64 + self.toc.end();
        if end > data.len() as u64 {
            return Err(Error::Truncated { needed: Some(self.absolute(end)) });
        }
        Ok((geometry, end as usize))
    }
}
