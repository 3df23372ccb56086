//! The reversible colour transform of three channels.

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, u};
use crate::modular::channel_list::ChannelList;

use super::read_begin;

/// A reversible colour transform of the three channels from `begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rct {
    begin: u32,
    kind: u8,
}

impl Rct {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let begin = read_begin(bits)?;
        let place = bits.place();
        let kind = bits.u32([c(6), u(2), 2 + u(4), 10 + u(6)])?;
        match kind < 42 {
            true => Ok(Self { begin, kind: kind as u8 }),
            false => Err(Invalid::Value { field: "rct_type", value: kind.into() }.at(place)),
        }
    }

    /// The list stays as it is; the three channels must be alike.
    pub(super) fn apply(&self, channels: &ChannelList) -> Result<()> {
        channels.alike(self.begin, 3).map(|_| ())
    }

    /// Index of the first of the three channels.
    pub fn begin(&self) -> usize {
        self.begin as usize
    }
}
