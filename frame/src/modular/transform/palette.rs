//! Channels replaced by one channel of indices into a palette, explicit and implicit colours and deltas.

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, u};
use crate::limits::Limits;
use crate::modular::channel::ChannelShape;
use crate::modular::channel_list::ChannelList;

use super::read_begin;

/// A palette for the `channels` channels from `begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    begin: u32,
    channels: u32,
    colours: u32,
    deltas: u32,
    predictor: u8,
}

impl Palette {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let begin = read_begin(bits)?;
        let channels = bits.u32([c(1), c(3), c(4), 1 + u(13)])?;
        let colours = bits.u32([u(8), 256 + u(10), 1280 + u(12), 5376 + u(16)])?;
        let deltas = bits.u32([c(0), 1 + u(8), 257 + u(10), 1281 + u(16)])?;
        let place = bits.place();
        let predictor = bits.u(4)?;
        match predictor < 14 {
            true => Ok(Self { begin, channels, colours, deltas, predictor: predictor as u8 }),
            false => Err(Invalid::Value { field: "d_pred", value: predictor.into() }.at(place)),
        }
    }

    /// The channels become one, the indices; the palette becomes the first channel of all, a meta-channel with a row
    /// for each of the channels.
    pub(super) fn apply(&self, channels: &mut ChannelList, limits: &Limits) -> Result<()> {
        let range = channels.alike(self.begin, self.channels)?;
        channels.reserve(1, limits.modular_channels)?;
        let palette = ChannelShape::new(self.colours + self.deltas, self.channels).with_shifts(-1, -1);
        channels.merge(range, palette);
        Ok(())
    }

    /// Index of the first of the channels, in the list without this palette.
    pub fn begin(&self) -> usize {
        self.begin as usize
    }

    /// Number of channels that the indices stand for.
    pub fn channels(&self) -> usize {
        self.channels as usize
    }

    /// Whether each output sample depends on its index alone.
    pub fn is_pixel_local(&self) -> bool {
        self.predictor == 0
    }
}
