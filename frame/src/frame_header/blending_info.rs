//! `BlendingInfo`: how a frame is laid over what was there before.

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, u};

/// How the colour channels, or one extra channel, of a frame are laid over a background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlendingInfo {
    /// The formula.
    pub mode: BlendMode,
    /// The index, among the extra channels, of the alpha that blending uses.
    pub alpha_channel: u32,
    /// Whether alpha is clamped to 0 to 1 before use.
    pub clamp: bool,
    /// The reference slot, 0 to 3, that holds the background.
    pub source: u8,
}

/// A formula of blending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlendMode {
    /// The frame alone.
    #[default]
    Replace,
    /// Background plus frame.
    Add,
    /// The frame over the background, by alpha.
    Blend,
    /// Background plus frame times alpha.
    AlphaWeightedAdd,
    /// Background times frame.
    Mul,
}

impl BlendMode {
    /// Whether the formula uses an alpha channel.
    pub fn uses_alpha(self) -> bool {
        matches!(self, Self::Blend | Self::AlphaWeightedAdd)
    }
}

/// What a `BlendingInfo` is read with.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlendingContext {
    /// The number of extra channels.
    pub(super) num_extra: u32,
    /// Whether the frame covers the whole image.
    pub(super) covers: bool,
}

impl BlendingInfo {
    pub(super) fn read(bits: &mut BitReader<'_>, context: BlendingContext) -> Result<Self> {
        let mut info = Self::default();
        let place = bits.place();
        info.mode = match bits.u32([c(0), c(1), c(2), 3 + u(2)])? {
            0 => BlendMode::Replace,
            1 => BlendMode::Add,
            2 => BlendMode::Blend,
            3 => BlendMode::AlphaWeightedAdd,
            4 => BlendMode::Mul,
            value => return Err(Invalid::Value { field: "blend mode", value: value.into() }.at(place)),
        };
        let reads_alpha = context.num_extra > 0 && info.mode.uses_alpha();
        if reads_alpha {
            let place = bits.place();
            info.alpha_channel = bits.u32([c(0), c(1), c(2), 3 + u(3)])?;
            if info.alpha_channel >= context.num_extra {
                return Err(
                    Invalid::Value { field: "alpha_channel", value: info.alpha_channel.into() }.at(place)
                );
            }
        }
        if reads_alpha || info.mode == BlendMode::Mul {
            info.clamp = bits.bool()?;
        }
        if info.mode != BlendMode::Replace || !context.covers {
            info.source = bits.u(2)? as u8;
        }
        Ok(info)
    }
}
