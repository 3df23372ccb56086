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

#[cfg(test)]
mod tests {
    use jxlake_entropy::test_support::{BitWriter, Random};

    use super::*;
    use crate::header_writer::FieldWriter;

    fn digits(digits: &str) -> Vec<u8> {
        let mut writer = BitWriter::new();
        writer.write_digits(digits);
        writer.into_bytes()
    }

    #[test]
    fn numbers_of_64_bits() {
        // Bits in the order in which they are read.
        let read = |bits| BitReader::new(&digits(bits)).u64().unwrap();
        assert_eq!(read("00"), 0);
        assert_eq!(read("10 0000"), 1);
        assert_eq!(read("10 1111"), 16);
        assert_eq!(read("01 00000000"), 17);
        assert_eq!(read("01 11111111"), 272);
        assert_eq!(read("11 111111111111 0"), 4095);
        let longest = format!("11 {} 1 1111", "1".repeat(12 + 6 * 9));
        assert_eq!(read(&longest), u64::MAX);
        let mut bits = BitReader::new(&[0xff; 10]);
        bits.u64().unwrap();
        assert_eq!(bits.position(), 73);
    }

    #[test]
    fn numbers_of_64_bits_come_back() {
        let mut random = Random::new(1);
        for _ in 0..2000 {
            let value = u64::from(random.of_bits(32)) << random.below(33) | u64::from(random.of_bits(32));
            let mut writer = BitWriter::new();
            let length = writer.u64(value, &mut random).position() as u64;
            let bytes = writer.into_bytes();
            let mut bits = BitReader::new(&bytes);
            assert_eq!(bits.u64(), Ok(value));
            assert_eq!(bits.position(), length);
        }
    }

    #[test]
    fn reals_of_16_bits() {
        let read = |bits: u16| BitReader::new(&bits.to_le_bytes()).f16();
        assert_eq!(read(0x3c00), Ok(1.0));
        assert_eq!(read(0x5bf8), Ok(255.0));
        assert_eq!(read(0x0001), Ok(1.0 / 16_777_216.0));
        assert_eq!(read(0x8000).map(f32::to_bits), Ok(0x8000_0000));
        for bits in 0..=u16::MAX {
            if bits >> 10 & 31 == 31 {
                assert_eq!(read(bits), Err(Invalid::NotFinite { bits }.at(0)));
                continue;
            }
            let value = read(bits).unwrap();
            let mut writer = BitWriter::new();
            writer.f16(value);
            assert_eq!(writer.into_bytes(), bits.to_le_bytes());
        }
    }

    #[test]
    fn signs() {
        assert_eq!([0, 1, 2, 3, 4].map(sgn), [0, -1, 1, -2, 2]);
        assert_eq!([u32::MAX, u32::MAX - 1, 256].map(sgn), [i32::MIN, i32::MAX, 128]);
    }

    #[test]
    fn distributions() {
        let crop = [u(8), 256 + u(11), 2304 + u(14), 18688 + u(30)];
        assert_eq!(BitReader::new(&digits("10 00000000000")).u32(crop), Ok(256));
        assert_eq!(BitReader::new(&digits("11 1")).u32([c(1), c(2), c(4), u(1)]), Ok(1));
        assert_eq!(BitReader::new(&[0b01]).u32([c(1), c(2), c(4), c(8)]), Ok(2));
    }

    #[test]
    fn names_are_bytes() {
        let mut random = Random::new(2);
        for length in [0, 1, 15, 16, 47, 48, 1071] {
            let name: Vec<u8> = (0..length).map(|_| random.of_bits(8) as u8).collect();
            let mut writer = BitWriter::new();
            writer.flag(true).name(&name);
            let bytes = writer.into_bytes();
            let mut bits = BitReader::new(&bytes);
            let mut read = b"before".to_vec();
            assert_eq!((bits.bool(), bits.name(&mut read)), (Ok(true), Ok(length)));
            assert_eq!(read[6..], name);
            if length > 0 {
                let mut bits = BitReader::new(&bytes[..bytes.len() - 1]);
                bits.bool().unwrap();
                let needed = Some(bytes.len() as u64);
                assert_eq!(bits.name(&mut read), Err(Error::Truncated { needed }));
            }
        }
    }

    #[test]
    fn enumerations() {
        for code in [0, 1, 2, 17, 18, 81] {
            let mut writer = BitWriter::new();
            writer.enumeration(code);
            let bytes = writer.into_bytes();
            let read =
                |known| BitReader::new(&bytes).enumeration("field", |code| (code == known).then_some(code));
            assert_eq!(read(code), Ok(code));
            assert_eq!(read(99), Err(Invalid::Value { field: "field", value: code.into() }.at(0)));
        }
    }

    #[test]
    fn padding_is_zero() {
        let mut bits = BitReader::new(&[0b0000_0111, 0b0100_0000]);
        assert_eq!((bits.zero_pad(), bits.position()), (Ok(()), 0));
        bits.u(3).unwrap();
        assert_eq!((bits.zero_pad(), bits.position()), (Ok(()), 8));
        bits.u(6).unwrap();
        assert_eq!(bits.zero_pad(), Err(Invalid::Padding.at(14)));
    }

    #[test]
    fn extensions_are_skipped_but_not_beyond_the_end() {
        let mut random = Random::new(3);
        for _ in 0..500 {
            let mut writer = BitWriter::new();
            let length = writer.extensions(&mut random).position() as u64;
            let bytes = writer.into_bytes();
            let mut bits = BitReader::new(&bytes);
            assert_eq!((bits.extensions(), bits.position()), (Ok(()), length));
        }
        let with_lengths = |lengths: &[u64]| {
            let mut writer = BitWriter::new();
            let mut random = Random::new(4);
            writer.u64((1 << lengths.len()) - 1, &mut random);
            for &length in lengths {
                writer.u64(length, &mut random);
            }
            BitReader::new(&writer.into_bytes()).extensions()
        };
        let far = with_lengths(&[1 << 60]);
        assert!(matches!(far, Err(Error::Truncated { needed: Some(bytes) }) if bytes > 1 << 57), "{far:?}");
        let overflow = with_lengths(&[u64::MAX, 1]);
        assert!(matches!(overflow, Err(Error::Invalid { what: Invalid::ExtensionsOverflow, .. })));
    }
}
