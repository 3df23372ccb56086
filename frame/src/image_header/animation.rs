//! `AnimationHeader`: the clock of an animation.

use jxlake_entropy::BitReader;

use crate::error::Result;
use crate::fields::{Fields, c, u};

/// The clock of an animation: a frame of duration `d` is shown for `d * tps_denominator / tps_numerator` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Animation {
    /// Numerator of the ticks per second, 1 to 2^30.
    pub tps_numerator: u32,
    /// Denominator of the ticks per second, 1 to 1024.
    pub tps_denominator: u32,
    /// How often the animation is shown; 0 is for ever.
    pub num_loops: u32,
    /// Whether each frame has a time code.
    pub have_timecodes: bool,
}

impl Animation {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        Ok(Self {
            tps_numerator: bits.u32([c(100), c(1000), 1 + u(10), 1 + u(30)])?,
            tps_denominator: bits.u32([c(1), c(1001), 1 + u(8), 1 + u(10)])?,
            num_loops: bits.u32([c(0), u(3), u(16), u(32)])?,
            have_timecodes: bits.bool()?,
        })
    }
}
