//! Transforms of a modular image: how they are coded, what they do to the list of channels, and how they are undone.

mod band_plan;
mod delta_palette;
pub mod palette;
pub mod rct;
pub mod squeeze;
mod squeeze_bands;
mod squeeze_layout;
mod transpose;
pub mod undo;
mod unsqueeze;

use jxlake_entropy::BitReader;

pub use palette::Palette;
pub use rct::Rct;
pub use squeeze::{Squeeze, SqueezeStep};
pub(super) use squeeze_bands::SqueezeBands;
pub(super) use squeeze_layout::SqueezeLayout;
pub(super) use undo::MISSING;
pub use undo::UndoContext;

use super::channel_list::ChannelList;
use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, u};
use crate::limits::Limits;

/// Reads the index of a transform's first channel.
fn read_begin(bits: &mut BitReader<'_>) -> Result<u32> {
    bits.u32([u(3), 8 + u(6), 72 + u(10), 1096 + u(13)])
}

/// One transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    /// A reversible colour transform of three channels.
    Rct(Rct),
    /// Channels replaced by indices into a palette.
    Palette(Palette),
    /// Channels halved, repeatedly, into averages and residuals.
    Squeeze(Squeeze),
}

impl Transform {
    /// Whether undoing it takes planes beside those that are there.
    pub(super) fn takes_planes(&self) -> bool {
        !matches!(self, Self::Rct(_))
    }
}

/// The transforms of a modular image in coded order; undoing goes backwards.
///
/// Every transform in it has been applied to the list of channels, so the channels that it names exist when it is undone.
#[derive(Clone, Debug, Default)]
pub struct TransformList {
    transforms: Vec<Transform>,
    steps: Vec<SqueezeStep>,
}

impl TransformList {
    /// Reads the transforms of a sub-bitstream and applies their meta-effects to `channels`, which becomes the list of
    /// coded channels.
    ///
    /// # Errors
    ///
    /// A transform that does not fit the channels is invalid; more than [`Limits::modular_channels`] channels are above
    /// the limit.
    pub fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        channels: &mut ChannelList,
        limits: &Limits,
    ) -> Result<()> {
        self.clear();
        let count = bits.u32([c(0), c(1), 2 + u(4), 18 + u(8)])?;
        for _ in 0..count {
            let place = bits.place();
            let transform = match bits.u(2)? {
                0 => Transform::Rct(Rct::read(bits)?),
                1 => Transform::Palette(Palette::read(bits)?),
                2 => Transform::Squeeze(Squeeze::read(bits, &mut self.steps)?),
                value => return Err(Invalid::Value { field: "tr", value: value.into() }.at(place)),
            };
            self.push(transform, channels, limits)?;
        }
        Ok(())
    }

    /// Applies the meta-effect of `transform`, whose explicit squeeze steps are the last ones of the list.
    fn push(&mut self, transform: Transform, channels: &mut ChannelList, limits: &Limits) -> Result<()> {
        let transform = match transform {
            Transform::Rct(rct) => {
                rct.apply(channels)?;
                transform
            }
            Transform::Palette(palette) => {
                palette.apply(channels, limits)?;
                transform
            }
            Transform::Squeeze(squeeze) => {
                Transform::Squeeze(squeeze.apply(channels, &mut self.steps, limits)?)
            }
        };
        self.transforms.push(transform);
        Ok(())
    }

    /// Forgets all transforms but not their memory.
    pub fn clear(&mut self) {
        self.transforms.clear();
        self.steps.clear();
    }

    /// The transforms in coded order.
    pub fn transforms(&self) -> &[Transform] {
        &self.transforms
    }

    /// The steps of the last transform, which is undone first, if that is a squeeze; none otherwise.
    pub(super) fn last_squeeze(&self) -> &[SqueezeStep] {
        match self.transforms.last() {
            Some(Transform::Squeeze(squeeze)) => self.steps(squeeze),
            _ => &[],
        }
    }

    /// The steps of a squeeze in coded order.
    pub fn steps(&self, squeeze: &Squeeze) -> &[SqueezeStep] {
        self.steps.get(squeeze.steps()).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests;
