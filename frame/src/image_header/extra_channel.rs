//! `ExtraChannelInfo`: alpha, depth, spot colours and other channels beside colour.

use core::ops::Range;

use jxlake_entropy::BitReader;

use super::BitDepth;
use crate::error::{Invalid, Result, Unsupported};
use crate::fields::{Fields, c, u};

/// A channel beside colour.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtraChannelInfo {
    /// What the channel means.
    pub kind: ExtraChannelKind,
    /// Sample format.
    pub bit_depth: BitDepth,
    /// The channel's width and height are those of the image divided by `2^dim_shift`, rounded up; 0 to 3.
    pub dim_shift: u32,
    /// Where the name lies in the names of the header.
    pub(crate) name: Range<u32>,
}

/// What an extra channel means.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ExtraChannelKind {
    /// Opacity: 0 is transparent, 1 opaque.
    Alpha {
        /// Whether colour is premultiplied by it.
        associated: bool,
    },
    /// Distance from the viewer.
    Depth,
    /// A spot colour, to be drawn over the colour channels.
    SpotColour {
        /// Red, green, blue, linear.
        rgb: [f32; 3],
        /// How much of the spot colour the value 1 stands for.
        solidity: f32,
    },
    /// A selection.
    SelectionMask,
    /// The K of CMYK; 0 is full ink.
    Black,
    /// A plane of a colour filter array.
    Cfa {
        /// The index of the plane.
        channel: u32,
    },
    /// Temperature.
    Thermal,
    /// Some other meaning that may be ignored.
    Optional,
}

impl Default for ExtraChannelInfo {
    /// An unassociated alpha channel of 8-bit integers without a name.
    fn default() -> Self {
        Self {
            kind: ExtraChannelKind::Alpha { associated: false },
            bit_depth: BitDepth::default(),
            dim_shift: 0,
            name: 0..0,
        }
    }
}

impl ExtraChannelInfo {
    /// Reads one; its name is appended to `names`.
    pub(super) fn read(bits: &mut BitReader<'_>, names: &mut Vec<u8>) -> Result<Self> {
        if bits.bool()? {
            return Ok(Self::default());
        }
        let code = bits.enumeration("the type of an extra channel", |code| {
            matches!(code, 0..=6 | 15 | 16).then_some(code)
        })?;
        let bit_depth = BitDepth::read(bits)?;
        let place = bits.place();
        let dim_shift = bits.u32([c(0), c(3), c(4), 1 + u(3)])?;
        if dim_shift > 3 {
            return Err(Invalid::Value { field: "dim_shift", value: dim_shift.into() }.at(place));
        }
        let start = names.len() as u32;
        let length = bits.name(names)?;
        let kind = match code {
            0 => ExtraChannelKind::Alpha { associated: bits.bool()? },
            1 => ExtraChannelKind::Depth,
            2 => {
                let mut spot = [0.0; 4];
                bits.f16_array(&mut spot)?;
                let [red, green, blue, solidity] = spot;
                ExtraChannelKind::SpotColour { rgb: [red, green, blue], solidity }
            }
            3 => ExtraChannelKind::SelectionMask,
            4 => ExtraChannelKind::Black,
            5 => ExtraChannelKind::Cfa { channel: bits.u32([c(1), u(2), 3 + u(4), 19 + u(8)])? },
            6 => ExtraChannelKind::Thermal,
            16 => ExtraChannelKind::Optional,
            _ => return Err(Unsupported::ExtraChannelType(code).into()),
        };
        Ok(Self { kind, bit_depth, dim_shift, name: start..start + length })
    }
}
