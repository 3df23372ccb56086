//! `BitDepth`: the format of samples.

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, u};

/// The format of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitDepth {
    /// Unsigned integers; the largest stands for 1.
    Integer {
        /// 1 to 31.
        bits_per_sample: u32,
    },
    /// Floats: a sign, then exponent and mantissa as in IEEE 754.
    Float {
        /// All bits; `bits_per_sample - exponent_bits - 1`, the mantissa, is 2 to 23.
        bits_per_sample: u32,
        /// 2 to 8.
        exponent_bits: u32,
    },
}

impl Default for BitDepth {
    /// 8-bit integers.
    fn default() -> Self {
        Self::Integer { bits_per_sample: 8 }
    }
}

impl BitDepth {
    /// Bits of a sample, 1 to 32.
    pub fn bits_per_sample(self) -> u32 {
        match self {
            Self::Integer { bits_per_sample } | Self::Float { bits_per_sample, .. } => bits_per_sample,
        }
    }

    /// Bits of the exponent; 0 for integers.
    pub fn exponent_bits(self) -> u32 {
        match self {
            Self::Integer { .. } => 0,
            Self::Float { exponent_bits, .. } => exponent_bits,
        }
    }

    /// Whether samples are floats.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float { .. })
    }

    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let place = bits.place();
        if !bits.bool()? {
            let bits_per_sample = bits.u32([c(8), c(10), c(12), 1 + u(6)])?;
            if bits_per_sample > 31 {
                return Err(Invalid::BitDepth { bits_per_sample, exponent_bits: 0 }.at(place));
            }
            return Ok(Self::Integer { bits_per_sample });
        }
        let bits_per_sample = bits.u32([c(32), c(16), c(24), 1 + u(6)])?;
        let exponent_bits = 1 + bits.u(4)?;
        let mantissa_bits = i64::from(bits_per_sample) - i64::from(exponent_bits) - 1;
        if !(2..=8).contains(&exponent_bits) || !(2..=23).contains(&mantissa_bits) {
            return Err(Invalid::BitDepth { bits_per_sample, exponent_bits }.at(place));
        }
        Ok(Self::Float { bits_per_sample, exponent_bits })
    }
}
