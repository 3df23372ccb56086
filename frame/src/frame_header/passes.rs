//! `Passes`: how the coefficients and channels of a frame are spread over passes.

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, u};

/// The most passes that can be coded.
pub const MAX_PASSES: usize = 11;

/// How the coefficients and channels of a frame are spread over passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passes {
    num_passes: u8,
    num_ds: u8,
    shift: [u8; MAX_PASSES],
    downsample: [u8; 4],
    last_pass: [u8; 4],
}

/// The shifts of the Modular channels that one pass holds: `low..=high`, empty if `low > high`.
///
/// The shift of a channel is the smaller of its horizontal and vertical shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bracket {
    /// The smallest shift, 0 to 3.
    pub low: i32,
    /// The largest shift, -1 to 2.
    pub high: i32,
}

impl Bracket {
    /// Whether a channel of this shift belongs to the pass.
    pub fn contains(self, shift: i32) -> bool {
        (self.low..=self.high).contains(&shift)
    }
}

impl Default for Passes {
    /// One pass.
    fn default() -> Self {
        Self { num_passes: 1, num_ds: 0, shift: [0; MAX_PASSES], downsample: [1; 4], last_pass: [0; 4] }
    }
}

impl Passes {
    /// Passes with the shifts of all but the last, and the steps of progressive display: factor and last pass.
    #[cfg(test)]
    pub(crate) fn new(shifts: &[u8], steps: &[(u8, u8)]) -> Self {
        let mut passes =
            Self { num_passes: shifts.len() as u8 + 1, num_ds: steps.len() as u8, ..Self::default() };
        passes.shift[..shifts.len()].copy_from_slice(shifts);
        for (i, &(downsample, last_pass)) in steps.iter().enumerate() {
            (passes.downsample[i], passes.last_pass[i]) = (downsample, last_pass);
        }
        passes
    }

    /// The number of passes, 1 to [`MAX_PASSES`].
    pub fn num_passes(&self) -> usize {
        self.num_passes.into()
    }

    /// The power of two by which the HF coefficients of a pass are multiplied, 0 to 3; 0 for passes that do not exist.
    pub fn shift(&self, pass: usize) -> u32 {
        self.shift.get(pass).copied().unwrap_or(0).into()
    }

    /// The steps of progressive display, coarsest first: a factor 1, 2, 4 or 8 and the pass after which the frame can be
    /// shown reduced by it.
    pub fn downsampling_steps(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        let steps = self.downsample.iter().zip(&self.last_pass).take(self.num_ds.into());
        steps.map(|(&downsample, &last_pass)| (downsample.into(), last_pass.into()))
    }

    /// The shifts of the Modular channels that a pass holds.
    pub fn bracket(&self, pass: usize) -> Bracket {
        let mut bracket = Bracket { low: 3, high: 2 };
        for i in 0..=pass.min(self.num_passes() - 1) {
            if i > 0 {
                bracket.high = bracket.low - 1;
            }
            for (downsample, last_pass) in self.downsampling_steps() {
                if last_pass == i {
                    bracket.low = downsample.trailing_zeros() as i32;
                }
            }
            if i + 1 == self.num_passes() {
                bracket.low = 0;
            }
        }
        bracket
    }

    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let num_passes = bits.u32([c(1), c(2), c(3), 4 + u(3)])? as u8;
        let mut passes = Self { num_passes, ..Self::default() };
        if passes.num_passes == 1 {
            return Ok(passes);
        }
        let place = bits.place();
        passes.num_ds = bits.u32([c(0), c(1), c(2), 3 + u(1)])? as u8;
        if passes.num_ds > passes.num_passes {
            return Err(Invalid::Passes.at(place));
        }
        for shift in &mut passes.shift[..usize::from(passes.num_passes) - 1] {
            *shift = bits.u(2)? as u8;
        }
        let steps = usize::from(passes.num_ds);
        let mut above = u8::MAX;
        for downsample in &mut passes.downsample[..steps] {
            let place = bits.place();
            *downsample = 1 << bits.u(2)?;
            if *downsample >= above {
                return Err(Invalid::Passes.at(place));
            }
            above = *downsample;
        }
        let mut first_free = 0;
        for last_pass in &mut passes.last_pass[..steps] {
            let place = bits.place();
            *last_pass = bits.u32([c(0), c(1), c(2), u(3)])? as u8;
            if !(first_free..passes.num_passes).contains(last_pass) {
                return Err(Invalid::Passes.at(place));
            }
            first_free = *last_pass + 1;
        }
        Ok(passes)
    }
}
