//! `FrameHeader`: what a frame is, where it lies, how it is coded and what becomes of it.

mod blending_info;
mod chroma_subsampling;
mod passes;
mod restoration_filter;
#[cfg(test)]
mod tests;

pub use blending_info::{BlendMode, BlendingInfo};
pub use chroma_subsampling::ChromaSubsampling;
pub use passes::{Bracket, MAX_PASSES, Passes};
pub use restoration_filter::RestorationFilter;

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::{Distribution, Fields, c, sgn, u};
use crate::image_header::{ImageHeader, Size};
use crate::limits::Limits;
use blending_info::BlendingContext;

/// The header of a frame.
///
/// One value is kept and read into again for each frame; its lists keep their storage. Fields that the codestream leaves
/// out have their defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameHeader {
    /// What becomes of the frame.
    pub frame_type: FrameType,
    /// How it is coded.
    pub encoding: Encoding,
    /// Which tools are used.
    pub flags: FrameFlags,
    /// Whether colour is coded in YCbCr.
    pub do_ycbcr: bool,
    /// Subsampling of the colour channels.
    pub subsampling: ChromaSubsampling,
    /// By how much the decoded colour channels are enlarged: 1, 2, 4 or 8.
    pub upsampling: u32,
    /// By how much each extra channel is enlarged, its dimension shift included: a power of two from
    /// [`upsampling`](Self::upsampling) to 8.
    pub extra_upsampling: Vec<u32>,
    /// Groups are `128 << group_size_shift` coded pixels wide and high; 0 to 3, for VarDCT 1.
    pub group_size_shift: u32,
    /// Quantisation scale of X, 0 to 7; 2 is neutral.
    pub x_qm_scale: u32,
    /// Quantisation scale of B, 0 to 7; 2 is neutral.
    pub b_qm_scale: u32,
    /// How the content is spread over passes.
    pub passes: Passes,
    /// 1 to 4 for an LF frame, which is `8^lf_level` times smaller than the image; else 0.
    pub lf_level: u32,
    /// Whether the frame has a place and size of its own.
    pub have_crop: bool,
    /// Column of the image at which the frame begins; may be negative.
    pub x0: i32,
    /// Row of the image at which the frame begins; may be negative.
    pub y0: i32,
    /// Size in pixels of the image; an LF frame's is [`upsampled_size`](Self::upsampled_size).
    pub size: Size,
    /// How the colour channels are laid over their background.
    pub blending: BlendingInfo,
    /// How each extra channel is laid over its background.
    pub extra_blending: Vec<BlendingInfo>,
    /// How long the frame is shown, in ticks of the [`Animation`](crate::image_header::Animation).
    pub duration: u32,
    /// Time code: two hexadecimal digits each for hours, minutes, seconds, frames.
    pub timecode: u32,
    /// Whether this is the last frame.
    pub is_last: bool,
    /// The reference slot, 0 to 3, that the frame is stored in if it [`can_be_referenced`](Self::can_be_referenced).
    pub save_as_reference: u8,
    /// Whether the frame is stored before the colour transform.
    pub save_before_colour_transform: bool,
    /// The name: bytes that are meant as UTF-8 but may be anything; often empty.
    pub name: Vec<u8>,
    /// The parameters of the filters.
    pub restoration_filter: RestorationFilter,
    /// The number of colour channels that are coded: 3, or 1 in Modular frames of grey images.
    pub colour_channels: usize,
    /// Whether the frame covers the whole image.
    pub covers: bool,
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FrameType {
    /// Part of a picture that is shown.
    #[default]
    Regular,
    /// The LF image of later frames.
    Lf,
    /// Only a source of patches or a background.
    ReferenceOnly,
    /// As [`Regular`](Self::Regular), but better not shown before it is complete.
    SkipProgressive,
}

/// How a frame is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Cosine transforms of varying size.
    #[default]
    VarDct,
    /// Prediction of integer samples.
    Modular,
}

/// Which tools a frame uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameFlags(u64);

impl FrameFlags {
    /// The flags of a coded number; bits without a meaning are kept and have no effect.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The coded number.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Noise is added.
    pub fn noise(self) -> bool {
        self.0 & 1 != 0
    }

    /// The frame has patches.
    pub fn patches(self) -> bool {
        self.0 & 2 != 0
    }

    /// The frame has splines.
    pub fn splines(self) -> bool {
        self.0 & 16 != 0
    }

    /// The LF image is that of an earlier LF frame.
    pub fn use_lf_frame(self) -> bool {
        self.0 & 32 != 0
    }

    /// The LF image is not smoothed; see [`FrameHeader::adaptive_lf_smoothing`].
    pub fn skip_adaptive_lf_smoothing(self) -> bool {
        self.0 & 128 != 0
    }
}

/// Whose size and rules a frame has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameRole {
    /// A frame of the image.
    Main,
    /// The preview: the first frame of an image that has one.
    Preview,
}

impl Default for FrameHeader {
    /// The header, all by default, of the only frame of a 1 x 1 image in XYB.
    fn default() -> Self {
        Self {
            frame_type: FrameType::default(),
            encoding: Encoding::default(),
            flags: FrameFlags::default(),
            do_ycbcr: false,
            subsampling: ChromaSubsampling::default(),
            upsampling: 1,
            extra_upsampling: Vec::new(),
            group_size_shift: 1,
            x_qm_scale: 3,
            b_qm_scale: 2,
            passes: Passes::default(),
            lf_level: 0,
            have_crop: false,
            x0: 0,
            y0: 0,
            size: Size { width: 1, height: 1 },
            blending: BlendingInfo::default(),
            extra_blending: Vec::new(),
            duration: 0,
            timecode: 0,
            is_last: true,
            save_as_reference: 0,
            save_before_colour_transform: false,
            name: Vec::new(),
            restoration_filter: RestorationFilter::default(),
            colour_channels: 3,
            covers: true,
        }
    }
}

/// A coordinate or size of a crop.
fn crop_field() -> [Distribution; 4] {
    [u(8), 256 + u(11), 2304 + u(14), 18688 + u(30)]
}

impl FrameHeader {
    /// Reads the header of a frame, which begins at a byte boundary; the table of contents follows without padding.
    ///
    /// On an error the content is unspecified. With a slice that ends inside the header the error is
    /// [`Error::Truncated`](crate::Error::Truncated): read again, from the start, when more bytes are there.
    ///
    /// # Errors
    ///
    /// The kinds of [`Error`](crate::Error) but misuse; the frame's size is held against `limits` as the image's is.
    pub fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        image: &ImageHeader,
        role: FrameRole,
        limits: &Limits,
    ) -> Result<()> {
        let image_size = match role {
            FrameRole::Main => image.size,
            FrameRole::Preview => image.preview.unwrap_or(image.size),
        };
        self.reset(image, image_size);
        if !bits.bool()? {
            self.read_coding(bits, image, role)?;
            self.read_crop(bits, image_size, role)?;
            self.read_composition(bits, image, role)?;
            self.read_storage(bits, image_size)?;
            bits.name(&mut self.name)?;
            self.restoration_filter = RestorationFilter::read(bits, self.encoding)?;
            bits.extensions()?;
        }
        let size = self.upsampled_size();
        limits.check_size(size.width.into(), size.height.into(), 3 + image.extra_channels.len() as u64)
    }

    /// Sets every field to its default for this image; lists keep their storage.
    fn reset(&mut self, image: &ImageHeader, image_size: Size) {
        let mut extra_upsampling = core::mem::take(&mut self.extra_upsampling);
        extra_upsampling.clear();
        extra_upsampling.extend(image.extra_channels.iter().map(|channel| 1 << channel.dim_shift));
        let mut extra_blending = core::mem::take(&mut self.extra_blending);
        extra_blending.clear();
        extra_blending.resize(image.extra_channels.len(), BlendingInfo::default());
        let mut name = core::mem::take(&mut self.name);
        name.clear();
        // The neutral scale for a defaulted frame that is not XYB, as the standard has it; libjxl has 3 there.
        let x_qm_scale = if image.xyb_encoded { 3 } else { 2 };
        *self =
            Self { extra_upsampling, extra_blending, name, size: image_size, x_qm_scale, ..Self::default() };
    }

    /// The fields from `frame_type` to `lf_level`: how samples are coded.
    fn read_coding(&mut self, bits: &mut BitReader<'_>, image: &ImageHeader, role: FrameRole) -> Result<()> {
        let place = bits.place();
        self.frame_type = match bits.u(2)? {
            0 => FrameType::Regular,
            1 => FrameType::Lf,
            2 => FrameType::ReferenceOnly,
            _ => FrameType::SkipProgressive,
        };
        if role == FrameRole::Preview && self.frame_type != FrameType::Regular {
            return Err(Invalid::PreviewFrame.at(place));
        }
        self.encoding = if bits.bool()? { Encoding::Modular } else { Encoding::VarDct };
        let place = bits.place();
        self.flags = FrameFlags::from_bits(bits.u64()?);
        if !image.xyb_encoded {
            self.do_ycbcr = bits.bool()?;
        }
        if !self.flags.use_lf_frame() {
            self.read_sampling(bits, image)?;
        }
        if self.encoding == Encoding::VarDct
            && !self.subsampling.is_none()
            && !self.flags.skip_adaptive_lf_smoothing()
        {
            return Err(Invalid::SmoothingOfSubsampledFrame.at(place));
        }
        if self.encoding == Encoding::Modular {
            self.group_size_shift = bits.u(2)?;
            self.x_qm_scale = 2;
        } else if image.xyb_encoded {
            self.x_qm_scale = bits.u(3)?;
            self.b_qm_scale = bits.u(3)?;
        }
        let grey =
            self.encoding == Encoding::Modular && image.is_grey() && !image.xyb_encoded && !self.do_ycbcr;
        self.colour_channels = if grey { 1 } else { 3 };
        if self.frame_type != FrameType::ReferenceOnly {
            self.passes = Passes::read(bits)?;
        }
        if self.frame_type == FrameType::Lf {
            let place = bits.place();
            self.lf_level = 1 + bits.u(2)?;
            if self.lf_level == 4 && self.flags.use_lf_frame() {
                return Err(
                    Invalid::Value { field: "lf_level of a frame with an LF frame", value: 4 }.at(place)
                );
            }
        }
        Ok(())
    }

    /// Subsampling and upsampling, which exclude the use of an LF frame.
    fn read_sampling(&mut self, bits: &mut BitReader<'_>, image: &ImageHeader) -> Result<()> {
        if self.do_ycbcr {
            let mut modes = [0; 3];
            for mode in &mut modes {
                *mode = bits.u(2)? as u8;
            }
            self.subsampling = ChromaSubsampling::new(modes);
        }
        self.upsampling = 1 << bits.u(2)?;
        for ((channel, info), factor) in (0..).zip(&image.extra_channels).zip(&mut self.extra_upsampling) {
            let place = bits.place();
            *factor = 1 << (bits.u(2)? + info.dim_shift);
            if *factor < self.upsampling || *factor > 8 {
                let colour_factor = self.upsampling;
                return Err(
                    Invalid::ExtraChannelUpsampling { channel, factor: *factor, colour_factor }.at(place)
                );
            }
        }
        let mixed =
            self.upsampling != 1 && self.extra_upsampling.iter().any(|&factor| factor != self.upsampling);
        if self.flags.patches() && mixed {
            return Err(Invalid::PatchesWithMixedUpsampling.at(bits.place()));
        }
        Ok(())
    }

    /// The fields from `have_crop` to `height`: where the frame lies.
    fn read_crop(&mut self, bits: &mut BitReader<'_>, image_size: Size, role: FrameRole) -> Result<()> {
        let place = bits.place();
        if self.frame_type == FrameType::Lf || !bits.bool()? {
            return Ok(());
        }
        if role == FrameRole::Preview {
            return Err(Invalid::PreviewFrame.at(place));
        }
        self.have_crop = true;
        if self.frame_type != FrameType::ReferenceOnly {
            self.x0 = sgn(bits.u32(crop_field())?);
            self.y0 = sgn(bits.u32(crop_field())?);
        }
        let place = bits.place();
        let (width, height) = (bits.u32(crop_field())?, bits.u32(crop_field())?);
        if width == 0 || height == 0 {
            return Err(Invalid::Size { width: width.into(), height: height.into() }.at(place));
        }
        self.size = Size { width, height };
        let reaches = |start: i32, length: u32, end: u32| {
            start <= 0 && i64::from(start) + i64::from(length) >= i64::from(end)
        };
        self.covers =
            reaches(self.x0, width, image_size.width) && reaches(self.y0, height, image_size.height);
        Ok(())
    }

    /// The fields from `blending_info` to `is_last`, which only frames that are shown have.
    fn read_composition(
        &mut self,
        bits: &mut BitReader<'_>,
        image: &ImageHeader,
        role: FrameRole,
    ) -> Result<()> {
        if !self.is_normal() {
            self.is_last = false;
            return Ok(());
        }
        let context = BlendingContext { num_extra: image.extra_channels.len() as u32, covers: self.covers };
        for info in core::iter::once(&mut self.blending).chain(&mut self.extra_blending) {
            let place = bits.place();
            *info = BlendingInfo::read(bits, context)?;
            if role == FrameRole::Preview && info.mode != BlendMode::Replace {
                return Err(Invalid::PreviewFrame.at(place));
            }
        }
        if let Some(animation) = image.animation {
            self.duration = bits.u32([c(0), c(1), u(8), u(32)])?;
            if animation.have_timecodes {
                self.timecode = bits.u(32)?;
            }
        }
        self.is_last = bits.bool()?;
        Ok(())
    }

    /// `save_as_reference` and `save_before_ct`: what becomes of the frame afterwards.
    fn read_storage(&mut self, bits: &mut BitReader<'_>, image_size: Size) -> Result<()> {
        if self.frame_type != FrameType::Lf && !self.is_last {
            self.save_as_reference = bits.u(2)? as u8;
        }
        let place = bits.place();
        let replaces = self.blending.mode == BlendMode::Replace && self.covers;
        self.save_before_colour_transform = match self.frame_type {
            FrameType::ReferenceOnly => bits.bool()?,
            FrameType::Lf => true,
            _ => self.can_be_referenced() && replaces && bits.bool()?,
        };
        let Size { width, height } = self.size;
        if self.frame_type == FrameType::ReferenceOnly
            && !self.save_before_colour_transform
            && (width < image_size.width || height < image_size.height)
        {
            return Err(Invalid::SmallReferenceFrame { width, height }.at(place));
        }
        Ok(())
    }

    /// Whether the frame is part of a picture that is shown: neither an LF frame nor only a reference.
    pub fn is_normal(&self) -> bool {
        matches!(self.frame_type, FrameType::Regular | FrameType::SkipProgressive)
    }

    /// Whether the frame is stored in the reference slot [`save_as_reference`](Self::save_as_reference).
    pub fn can_be_referenced(&self) -> bool {
        !self.is_last
            && self.frame_type != FrameType::Lf
            && (self.duration == 0 || self.save_as_reference != 0)
    }

    /// Whether the canvas is shown after this frame.
    pub fn visible(&self) -> bool {
        self.is_normal() && (self.is_last || self.duration > 0)
    }

    /// Whether the canvas is more than this frame alone.
    pub fn needs_blending(&self) -> bool {
        let blends = |info: &BlendingInfo| info.mode != BlendMode::Replace;
        self.is_normal()
            && (self.have_crop || blends(&self.blending) || self.extra_blending.iter().any(blends))
    }

    /// Whether the LF image is smoothed before it is used.
    pub fn adaptive_lf_smoothing(&self) -> bool {
        self.encoding == Encoding::VarDct
            && !self.flags.skip_adaptive_lf_smoothing()
            && !self.flags.use_lf_frame()
    }

    /// The LF slot, 0 to 3, that an LF frame is stored in.
    pub fn lf_slot(&self) -> Option<usize> {
        (self.lf_level as usize).checked_sub(1)
    }

    /// The LF slot, 0 to 3, that the LF image is taken from, if the frame has none of its own.
    pub fn lf_source(&self) -> Option<usize> {
        self.flags.use_lf_frame().then_some(self.lf_level as usize)
    }

    /// The size of the decoded frame after upsampling, in pixels: [`size`](Self::size), for LF frames divided by
    /// `8^lf_level` and rounded up.
    pub fn upsampled_size(&self) -> Size {
        let divisor = 1 << (3 * self.lf_level);
        self.size.map(|side| side.div_ceil(divisor))
    }
}
