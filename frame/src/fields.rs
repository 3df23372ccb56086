//! The field codings of headers: `u(n)`, `Bool`, `U32`, `U64`, `F16`, `Enum`, `Name`, padding and extensions.
//!
//! Every reading here is checked: a field whose bits are not all there gives [`Error::Truncated`] before anything is
//! judged by it, and leaves the reader where the field begins or inside it. Headers are parsed again from their start
//! when more bytes have come.

use core::ops::Add;

use jxlake_entropy::BitReader;

use crate::error::{Error, Invalid, Result};

/// One of the four ways to code the value of a `U32` field; see [`c`] and [`u`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distribution {
    offset: u32,
    bits: u32,
}

/// The distribution that always gives `value`, without reading a bit.
pub const fn c(value: u32) -> Distribution {
    Distribution { offset: value, bits: 0 }
}

/// The distribution that reads `n` bits, at most 32; `2 + u(4)` adds an offset.
pub const fn u(n: u32) -> Distribution {
    Distribution { offset: 0, bits: n }
}

impl Add<Distribution> for u32 {
    type Output = Distribution;

    fn add(self, rhs: Distribution) -> Distribution {
        Distribution { offset: self.wrapping_add(rhs.offset), ..rhs }
    }
}

/// Reads header fields, each checked against the end of the input.
///
/// All methods fail with [`Error::Truncated`], which names the bytes that are certainly needed, if the input ends before
/// the field does.
///
/// ```
/// use jxlake_entropy::BitReader;
/// use jxlake_frame::fields::{Fields, c, u};
///
/// let mut bits = BitReader::new(&[0b0000_0110]);
/// assert_eq!(bits.u32([c(0), c(1), 2 + u(4), 18 + u(6)])?, 3);
/// # Ok::<(), jxlake_frame::error::Error>(())
/// ```
pub trait Fields {
    /// `u(n)`: an unsigned number of `n` bits, `n` at most 32.
    fn u(&mut self, n: u32) -> Result<u32>;

    /// Skips `n` bits.
    fn skip_bits(&mut self, n: u64) -> Result<()>;

    /// `ZeroPad`: goes to the next byte boundary.
    ///
    /// # Errors
    ///
    /// [`Invalid::Padding`] if a skipped bit is not 0.
    fn zero_pad(&mut self) -> Result<()>;

    /// That `n` more bits are there.
    fn require(&self, n: u64) -> Result<()>;

    /// The place of the next bit, for errors: bits from the start of the input.
    fn place(&self) -> u64;

    /// `Bool`: one bit.
    fn bool(&mut self) -> Result<bool> {
        Ok(self.u(1)? != 0)
    }

    /// `U32`: a selector of two bits, then the value in the way that it selects.
    fn u32(&mut self, choices: [Distribution; 4]) -> Result<u32> {
        let Distribution { offset, bits } = choices[self.u(2)? as usize & 3];
        Ok(offset.wrapping_add(self.u(bits)?))
    }

    /// `U64`: 2 to 73 bits.
    fn u64(&mut self) -> Result<u64> {
        match self.u(2)? {
            0 => Ok(0),
            1 => Ok(1 + u64::from(self.u(4)?)),
            2 => Ok(17 + u64::from(self.u(8)?)),
            _ => {
                let mut value = u64::from(self.u(12)?);
                let mut shift = 12;
                while self.bool()? {
                    if shift == 60 {
                        return Ok(value | u64::from(self.u(4)?) << 60);
                    }
                    value |= u64::from(self.u(8)?) << shift;
                    shift += 8;
                }
                Ok(value)
            }
        }
    }

    /// `F16`: a binary16 number, exact in binary32.
    ///
    /// # Errors
    ///
    /// [`Invalid::NotFinite`] for infinities and NaNs.
    fn f16(&mut self) -> Result<f32> {
        let place = self.place();
        let bits = self.u(16)?;
        f32_from_binary16(bits).ok_or_else(|| Invalid::NotFinite { bits: bits as u16 }.at(place))
    }

    /// As many `F16` as the array is long.
    ///
    /// # Errors
    ///
    /// As [`f16`](Self::f16).
    fn f16_array(&mut self, values: &mut [f32]) -> Result<()> {
        values.iter_mut().try_for_each(|value| {
            *value = self.f16()?;
            Ok(())
        })
    }

    /// `Enum`: the member that `from_code` gives for the coded number.
    ///
    /// # Errors
    ///
    /// [`Invalid::Value`] with the name of the field if there is no such member.
    fn enumeration<T>(&mut self, field: &'static str, from_code: impl FnOnce(u32) -> Option<T>) -> Result<T>
    where
        Self: Sized,
    {
        let place = self.place();
        let code = self.u32([c(0), c(1), 2 + u(4), 18 + u(6)])?;
        from_code(code).ok_or_else(|| Invalid::Value { field, value: i64::from(code) }.at(place))
    }

    /// `Name`: appends 0 to 1071 bytes to `name` and returns their number. The bytes are meant as UTF-8; nobody checks.
    fn name(&mut self, name: &mut Vec<u8>) -> Result<u32> {
        let length = self.u32([c(0), u(4), 16 + u(5), 48 + u(10)])?;
        self.require(8 * u64::from(length))?;
        for _ in 0..length {
            name.push(self.u(8)? as u8);
        }
        Ok(length)
    }

    /// `Extensions`: skips those of a bundle; none is defined.
    ///
    /// # Errors
    ///
    /// [`Invalid::ExtensionsOverflow`] if their lengths add up to more than a `u64` holds.
    fn extensions(&mut self) -> Result<()> {
        let mask = self.u64()?;
        let mut total: u64 = 0;
        for _ in 0..mask.count_ones() {
            let place = self.place();
            total = total.checked_add(self.u64()?).ok_or_else(|| Invalid::ExtensionsOverflow.at(place))?;
        }
        self.skip_bits(total)
    }
}

impl Fields for BitReader<'_> {
    fn u(&mut self, n: u32) -> Result<u32> {
        self.require(u64::from(n))?;
        Ok(self.read(n))
    }

    fn skip_bits(&mut self, n: u64) -> Result<()> {
        self.require(n)?;
        Ok(self.skip(n)?)
    }

    fn zero_pad(&mut self) -> Result<()> {
        let place = self.position();
        // The bits of a byte that is there at all are all there.
        let padding = self.read(((8 - place % 8) % 8) as u32);
        if padding != 0 { Err(Invalid::Padding.at(place)) } else { Ok(()) }
    }

    fn require(&self, n: u64) -> Result<()> {
        if self.remaining() < n {
            let needed = self.position().saturating_add(n).div_ceil(8);
            return Err(Error::Truncated { needed: Some(needed) });
        }
        Ok(())
    }

    fn place(&self) -> u64 {
        self.position()
    }
}

/// `Sgn`: 0, 1, 2, 3, 4 … stand for 0, -1, 1, -2, 2 ….
pub const fn sgn(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

/// The value of a binary16 number, or `None` if it is infinite or not a number.
fn f32_from_binary16(bits: u32) -> Option<f32> {
    let (sign, exponent, mantissa) = (bits >> 15 & 1, bits >> 10 & 31, bits & 1023);
    match exponent {
        31 => None,
        0 => {
            let magnitude = mantissa as f32 * (1.0 / 16_777_216.0);
            Some(if sign != 0 { -magnitude } else { magnitude })
        }
        _ => Some(f32::from_bits(sign << 31 | (exponent + 112) << 23 | mantissa << 13)),
    }
}
