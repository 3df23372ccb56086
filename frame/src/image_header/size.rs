//! `SizeHeader` and `PreviewHeader`: height, then width or a ratio to the height.

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, u};

/// A width and a height: of images and frames in pixels, each 1 to 2^30; elsewhere as said there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// The largest width or height.
const MAX_SIDE: u64 = 1 << 30;

impl Size {
    /// Reads a `SizeHeader`.
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let place = bits.place();
        let small = bits.bool()?;
        let height = read_side(bits, small)?;
        let width = match bits.u(3)? {
            0 => read_side(bits, small)?.into(),
            ratio => width_by_ratio(height, ratio),
        };
        Self::new(width, height, place)
    }

    /// Reads a `PreviewHeader`.
    pub(super) fn read_preview(bits: &mut BitReader<'_>) -> Result<Self> {
        let place = bits.place();
        let div8 = bits.bool()?;
        let height = read_preview_side(bits, div8)?;
        let width = match bits.u(3)? {
            0 => read_preview_side(bits, div8)?.into(),
            ratio => width_by_ratio(height, ratio),
        };
        Self::new(width, height, place)
    }

    /// The ratio of a wide image can take it beyond the largest width.
    fn new(width: u64, height: u32, place: u64) -> Result<Self> {
        match u32::try_from(width) {
            Ok(side) if width <= MAX_SIDE => Ok(Self { width: side, height }),
            _ => Err(Invalid::Size { width, height: height.into() }.at(place)),
        }
    }

    /// Both sides changed alike.
    pub(crate) fn map(self, mut side: impl FnMut(u32) -> u32) -> Self {
        Self { width: side(self.width), height: side(self.height) }
    }

    /// Width times height.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

fn read_side(bits: &mut BitReader<'_>, small: bool) -> Result<u32> {
    if small {
        return Ok(8 * (1 + bits.u(5)?));
    }
    bits.u32([1 + u(9), 1 + u(13), 1 + u(18), 1 + u(30)])
}

fn read_preview_side(bits: &mut BitReader<'_>, div8: bool) -> Result<u32> {
    if div8 {
        return Ok(8 * bits.u32([c(16), c(32), 1 + u(5), 33 + u(9)])?);
    }
    bits.u32([1 + u(6), 65 + u(8), 321 + u(10), 1345 + u(12)])
}

fn width_by_ratio(height: u32, ratio: u32) -> u64 {
    let (numerator, denominator) = match ratio {
        1 => (1, 1),
        2 => (12, 10),
        3 => (4, 3),
        4 => (3, 2),
        5 => (16, 9),
        6 => (5, 4),
        _ => (2, 1),
    };
    u64::from(height) * numerator / denominator
}
