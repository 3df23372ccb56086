//! The image header: what is said once, before the first frame.

mod animation;
mod bit_depth;
mod colour_encoding;
mod custom_transform;
mod default_weights;
mod extra_channel;
mod size;
#[cfg(test)]
mod tests;
mod tone_mapping;
mod upsampling_weights;

pub use animation::Animation;
pub use bit_depth::BitDepth;
pub use colour_encoding::{
    Chromaticity, ColourEncoding, ColourSpace, Primaries, RenderingIntent, TransferFunction, WhitePoint,
};
pub use custom_transform::OpsinInverseMatrix;
pub use extra_channel::{ExtraChannelInfo, ExtraChannelKind};
pub use size::Size;
pub use tone_mapping::ToneMapping;
pub use upsampling_weights::UpsamplingWeights;

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, u};
use crate::limits::{Limit, Limits};

/// The image header without its ICC profile: `SizeHeader`, `ImageMetadata` and `CustomTransformData`.
///
/// One value is kept and read into again for each image; its lists keep their storage.
///
/// ```
/// use jxlake_entropy::BitReader;
/// use jxlake_frame::{image_header::ImageHeader, limits::Limits};
///
/// // 8 x 8 pixels, everything else as by default.
/// let codestream = [0xff, 0x0a, 0b0100_0001, 0b0000_0110];
/// let mut header = ImageHeader::default();
/// header.read(&mut BitReader::new(&codestream), &Limits::default())?;
/// assert_eq!((header.size.width, header.size.height), (8, 8));
/// # Ok::<(), jxlake_frame::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ImageHeader {
    /// Size of the image as stored, that is before [`orientation`](Self::orientation) is applied.
    pub size: Size,
    /// How the stored image is turned for presentation.
    pub orientation: Orientation,
    /// The recommended size for display, as stored; does not influence decoding.
    pub intrinsic_size: Option<Size>,
    /// The size of the preview frame, if there is one, as stored.
    pub preview: Option<Size>,
    /// The timing of an animation, if it is one.
    pub animation: Option<Animation>,
    /// Sample format of the colour channels; of the original's, if the image is [`xyb_encoded`](Self::xyb_encoded).
    pub bit_depth: BitDepth,
    /// The encoder's promise that all Modular samples fit 16 bits.
    pub modular_16bit_buffers: bool,
    /// The extra channels in the order of the codestream.
    pub extra_channels: Vec<ExtraChannelInfo>,
    /// Whether colour is coded in XYB rather than in the colour space of [`colour_encoding`](Self::colour_encoding).
    pub xyb_encoded: bool,
    /// The colour space of the image (of the original, if XYB encoded).
    pub colour_encoding: ColourEncoding,
    /// The luminance range of the image.
    pub tone_mapping: ToneMapping,
    /// From XYB to linear light.
    pub opsin_inverse_matrix: OpsinInverseMatrix,
    /// The kernels that enlarge subsampled frames.
    pub upsampling_weights: UpsamplingWeights,
    /// The names of the extra channels, one after the other: see [`extra_channel_name`](Self::extra_channel_name).
    pub(crate) names: Vec<u8>,
}

/// How the stored image is turned for presentation, by the codes of Exif.
///
/// With a stored image of `W` x `H` pixels, the stored pixel (x, y) is shown at the given place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Orientation {
    /// (x, y).
    #[default]
    Identity = 1,
    /// (W - 1 - x, y).
    FlipHorizontal = 2,
    /// (W - 1 - x, H - 1 - y).
    Rotate180 = 3,
    /// (x, H - 1 - y).
    FlipVertical = 4,
    /// (y, x), in an image of H x W.
    Transpose = 5,
    /// (H - 1 - y, x), in an image of H x W: a quarter turn clockwise.
    Rotate90 = 6,
    /// (H - 1 - y, W - 1 - x), in an image of H x W.
    AntiTranspose = 7,
    /// (y, W - 1 - x), in an image of H x W: a quarter turn counter-clockwise.
    Rotate270 = 8,
}

impl Orientation {
    /// The orientation of the code 1 to 8.
    pub fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            1 => Self::Identity,
            2 => Self::FlipHorizontal,
            3 => Self::Rotate180,
            4 => Self::FlipVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::AntiTranspose,
            8 => Self::Rotate270,
            _ => return None,
        })
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        self as u8 >= 5
    }

    /// The size at which an image of the given stored size is shown.
    pub fn displayed(self, stored: Size) -> Size {
        if self.swaps_sides() { Size { width: stored.height, height: stored.width } } else { stored }
    }
}

impl Default for ImageHeader {
    /// The header of a 1 x 1 image with all other fields at their defaults.
    fn default() -> Self {
        Self {
            size: Size { width: 1, height: 1 },
            orientation: Orientation::default(),
            intrinsic_size: None,
            preview: None,
            animation: None,
            bit_depth: BitDepth::default(),
            modular_16bit_buffers: true,
            extra_channels: Vec::new(),
            xyb_encoded: true,
            colour_encoding: ColourEncoding::default(),
            tone_mapping: ToneMapping::default(),
            opsin_inverse_matrix: OpsinInverseMatrix::default(),
            upsampling_weights: UpsamplingWeights::default(),
            names: Vec::new(),
        }
    }
}

impl ImageHeader {
    /// Reads the header, from the signature `FF 0A` to the end of `CustomTransformData`; an ICC profile (if
    /// [`colour_encoding.want_icc`](ColourEncoding::want_icc)) follows, then padding to a byte, then the frames.
    ///
    /// On an error the content is unspecified. With a slice that ends inside the header the error is
    /// [`Error::Truncated`](crate::Error::Truncated): read again, from the start, when more bytes are there.
    ///
    /// # Errors
    ///
    /// The kinds of [`Error`](crate::Error) but misuse. The sizes of the image and its preview are held against
    /// `limits` as soon as they are read.
    pub fn read(&mut self, bits: &mut BitReader<'_>, limits: &Limits) -> Result<()> {
        self.reset();
        let place = bits.place();
        if bits.u(8)? != 0xff || bits.u(8)? != 0x0a {
            return Err(Invalid::Signature.at(place));
        }
        self.size = Size::read(bits)?;
        limits.check_size(self.size.width.into(), self.size.height.into(), 1)?;
        if !bits.bool()? {
            self.read_metadata(bits, limits)?;
        }
        let channels = 3 + self.extra_channels.len() as u64;
        for size in [Some(self.size), self.preview].into_iter().flatten() {
            limits.check_size(size.width.into(), size.height.into(), channels)?;
        }
        self.read_custom_transform_data(bits)
    }

    /// Sets every field to its default; lists keep their storage.
    fn reset(&mut self) {
        let mut extra_channels = core::mem::take(&mut self.extra_channels);
        extra_channels.clear();
        let mut names = core::mem::take(&mut self.names);
        names.clear();
        *self = Self { extra_channels, names, ..Self::default() };
    }

    /// `ImageMetadata` after its `all_default`.
    fn read_metadata(&mut self, bits: &mut BitReader<'_>, limits: &Limits) -> Result<()> {
        let extra_fields = bits.bool()?;
        if extra_fields {
            self.orientation = Orientation::from_code(1 + bits.u(3)?).unwrap_or_default();
            if bits.bool()? {
                self.intrinsic_size = Some(Size::read(bits)?);
            }
            if bits.bool()? {
                let preview = Size::read_preview(bits)?;
                limits.check_size(preview.width.into(), preview.height.into(), 1)?;
                self.preview = Some(preview);
            }
            if bits.bool()? {
                self.animation = Some(Animation::read(bits)?);
            }
        }
        self.bit_depth = BitDepth::read(bits)?;
        self.modular_16bit_buffers = bits.bool()?;
        self.read_extra_channels(bits, limits)?;
        self.xyb_encoded = bits.bool()?;
        self.colour_encoding = ColourEncoding::read(bits)?;
        if extra_fields {
            self.tone_mapping = ToneMapping::read(bits)?;
        }
        bits.extensions()
    }

    fn read_extra_channels(&mut self, bits: &mut BitReader<'_>, limits: &Limits) -> Result<()> {
        let place = bits.place();
        let count = bits.u32([c(0), c(1), 2 + u(4), 1 + u(12)])?;
        limits.check(Limit::ExtraChannels, count.into())?;
        if count > MAX_EXTRA_CHANNELS {
            return Err(Invalid::Value { field: "num_extra", value: count.into() }.at(place));
        }
        for _ in 0..count {
            let info = ExtraChannelInfo::read(bits, &mut self.names)?;
            self.extra_channels.push(info);
        }
        Ok(())
    }

    fn read_custom_transform_data(&mut self, bits: &mut BitReader<'_>) -> Result<()> {
        if bits.bool()? {
            return Ok(());
        }
        if self.xyb_encoded {
            self.opsin_inverse_matrix = OpsinInverseMatrix::read(bits)?;
        }
        self.upsampling_weights.read(bits)
    }

    /// The name of an extra channel of this header: bytes that are meant as UTF-8 but may be anything; often empty.
    pub fn extra_channel_name(&self, channel: &ExtraChannelInfo) -> &[u8] {
        self.names.get(channel.name.start as usize..channel.name.end as usize).unwrap_or_default()
    }

    /// Appends an extra channel of 8-bit integers.
    #[cfg(test)]
    pub(crate) fn push_extra_channel(&mut self, kind: ExtraChannelKind, name: &[u8]) {
        let start = self.names.len() as u32;
        self.names.extend_from_slice(name);
        let name = start..self.names.len() as u32;
        self.extra_channels.push(ExtraChannelInfo { kind, name, ..ExtraChannelInfo::default() });
    }

    /// The number of colour channels that the image is shown with: 1 or 3.
    pub fn colour_channels(&self) -> usize {
        if self.is_grey() { 1 } else { 3 }
    }

    /// Whether the image is grey.
    pub fn is_grey(&self) -> bool {
        self.colour_encoding.colour_space == ColourSpace::Grey
    }

    /// The index, among the extra channels, of the image's alpha channel: the first of that kind.
    pub fn alpha_channel(&self) -> Option<usize> {
        self.extra_channels.iter().position(|channel| matches!(channel.kind, ExtraChannelKind::Alpha { .. }))
    }

    /// The size of the picture as it is shown, orientation applied.
    pub fn displayed_size(&self) -> Size {
        self.orientation.displayed(self.size)
    }
}

/// The most extra channels that the highest level of the format allows.
const MAX_EXTRA_CHANNELS: u32 = 256;
