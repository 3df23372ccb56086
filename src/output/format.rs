//! What the caller wants to have, and what the image gives.

use std::fmt;

use jxlake_frame::image_header::{
    BitDepth, ColourSpace, ExtraChannelInfo, ExtraChannelKind, ImageHeader, Orientation,
};

use super::error::OutputError;

/// Which channels are delivered, in which order.
///
/// Colours that the image does not have are never made up, with one exception: a gray image delivered as RGB has three
/// equal channels. Gray from a colour image is refused, since it needs colour management. Alpha that the image does not
/// have is opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channels {
    /// Gray.
    Gray,
    /// Gray, alpha.
    GrayAlpha,
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
    /// Blue, green, red.
    Bgr,
    /// Blue, green, red, alpha.
    Bgra,
    /// The colour channels of the image, one or three, then all its extra channels.
    All,
    /// One extra channel.
    Extra(usize),
}

/// Where the samples of a pixel lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Side by side.
    #[default]
    Interleaved,
    /// In planes of one channel each, one plane after the other.
    Planar,
}

/// The order of the bytes of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Endianness {
    /// That of the machine.
    #[default]
    Native,
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Endianness {
    pub(super) fn is_foreign(self) -> bool {
        match self {
            Self::Native => false,
            Self::Little => cfg!(target_endian = "big"),
            Self::Big => cfg!(target_endian = "little"),
        }
    }
}

/// Whether the colours delivered are multiplied by alpha. Without alpha in the image it makes no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AlphaMode {
    /// As stored in the image.
    #[default]
    AsStored,
    /// Multiplied by alpha.
    Premultiplied,
    /// Not multiplied: what was is divided by alpha, or by 2^-26 where alpha is smaller.
    Straight,
}

/// A format of pixels. The type of a sample is that of the memory written to, see [`OutputSample`](super::OutputSample).
///
/// ```
/// use jxlake::output::{Channels, Layout, PixelFormat};
///
/// let rgba = PixelFormat { channels: Channels::Rgba, ..PixelFormat::default() };
/// assert_eq!(rgba.layout, Layout::Interleaved);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PixelFormat {
    /// Which channels, in which order.
    pub channels: Channels,
    /// Interleaved or planar.
    pub layout: Layout,
    /// The order of bytes in a sample.
    pub endianness: Endianness,
    /// Significant bits of integer samples, 1 up to those of the type: 1.0 becomes `2^bits - 1`. `None` means all bits
    /// of the type; for floats nothing else is possible.
    pub bits: Option<u32>,
    /// Whether colours are multiplied by alpha.
    pub alpha: AlphaMode,
}

/// The image that is delivered, as stored: what it has and how it is turned.
///
/// Channels of the image are numbered as in frames: 0, 1, 2 are colours (a gray image has only 0), 3 + i is extra channel i.
#[derive(Debug, Clone, Copy)]
pub struct Canvas<'a> {
    /// Columns, as stored.
    pub width: usize,
    /// Rows, as stored.
    pub height: usize,
    /// How it is turned when it is written. [`Orientation::Identity`] delivers the image as stored.
    pub orientation: Orientation,
    /// Whether there is only one colour channel.
    pub is_gray: bool,
    /// Format of the colour samples, if they are given as integers.
    pub colour_depth: BitDepth,
    /// The extra channels.
    pub extra_channels: &'a [ExtraChannelInfo],
}

impl<'a> Canvas<'a> {
    /// The number of the first extra channel.
    pub const FIRST_EXTRA: usize = 3;

    /// The image of a header, turned as the header says.
    pub fn of(header: &'a ImageHeader) -> Self {
        Self {
            width: header.size.width as usize,
            height: header.size.height as usize,
            orientation: header.orientation,
            is_gray: header.colour_encoding.colour_space == ColourSpace::Grey,
            colour_depth: header.bit_depth,
            extra_channels: &header.extra_channels,
        }
    }

    /// How many colour channels there are, one or three.
    pub fn colour_channels(&self) -> usize {
        if self.is_gray { 1 } else { 3 }
    }

    /// The shape of the image when it is delivered in `format`.
    ///
    /// # Errors
    /// [`OutputError::GrayFromColour`] and [`OutputError::NoSuchChannel`].
    pub fn shape(&self, format: &PixelFormat) -> Result<ImageShape, OutputError> {
        let channels = match format.channels {
            Channels::Gray | Channels::GrayAlpha if !self.is_gray => return Err(OutputError::GrayFromColour),
            Channels::Extra(index) if index >= self.extra_channels.len() => {
                return Err(OutputError::NoSuchChannel { index, count: self.extra_channels.len() });
            }
            Channels::Gray | Channels::Extra(_) => 1,
            Channels::GrayAlpha => 2,
            Channels::Rgb | Channels::Bgr => 3,
            Channels::Rgba | Channels::Bgra => 4,
            Channels::All => self.colour_channels() + self.extra_channels.len(),
        };
        let (width, height) = if self.orientation.swaps_sides() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        Ok(ImageShape { width, height, channels, layout: format.layout })
    }

    /// The channel number of alpha, and whether the colours are multiplied by it.
    pub(super) fn alpha(&self) -> Option<(usize, bool)> {
        self.extra_channels.iter().enumerate().find_map(|(i, extra)| match extra.kind {
            ExtraChannelKind::Alpha { associated } => Some((Self::FIRST_EXTRA + i, associated)),
            _ => None,
        })
    }

    /// The format of a channel's samples, if they are given as integers.
    pub(super) fn depth(&self, channel: usize) -> BitDepth {
        match channel.checked_sub(Self::FIRST_EXTRA).and_then(|i| self.extra_channels.get(i)) {
            Some(extra) => extra.bit_depth,
            None => self.colour_depth,
        }
    }
}

/// The size of a delivered picture and how its samples lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Columns of pixels.
    pub width: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Samples of a pixel.
    pub channels: usize,
    /// Whether they lie side by side.
    pub layout: Layout,
}

impl ImageShape {
    /// Planes: one, or one for each channel.
    pub fn planes(&self) -> usize {
        match self.layout {
            Layout::Interleaved => 1,
            Layout::Planar => self.channels,
        }
    }

    /// Samples of a pixel in one plane.
    pub fn samples_per_pixel(&self) -> usize {
        match self.layout {
            Layout::Interleaved => self.channels,
            Layout::Planar => 1,
        }
    }

    /// Samples in a row of one plane.
    pub fn row_samples(&self) -> Result<usize, OutputError> {
        self.width.checked_mul(self.samples_per_pixel()).ok_or(OutputError::TooLarge)
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, channels, layout } = self;
        let layout = if *layout == Layout::Planar { "planar" } else { "interleaved" };
        write!(f, "{height}×{width}×{channels} {layout}")
    }
}
