//! Bits of a byte slice, least significant first.

use crate::error::{Error, Invalid};

/// Reads bits from bytes, starting with the least significant bit of the first byte.
///
/// Past the end of the data it supplies zero bits and goes on counting; [`BitReader::check`] tells. Loops whose length
/// depends on what is read must call it now and then.
///
/// # Hot loops
///
/// [`BitReader::refill`] makes at least 56 bits available to [`BitReader::peek`] and [`BitReader::consume`]. The reader
/// is four registers as long as it is a local variable that no call takes by reference (calls that are inlined do not
/// count): a function with a hot loop clones the reader into a local variable, or takes it by value, and writes it back
/// at the end.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    /// Bytes that are not in the buffer yet.
    rest: &'a [u8],
    /// The next `count` bits. Bits above may be set: they are the ones that follow, and refilling sets them again.
    buffer: u64,
    count: u32,
    /// Length of the whole data in bytes.
    length: u64,
    /// Zero bytes that were supplied past the end.
    past_end: u64,
}

impl<'a> BitReader<'a> {
    /// Bits that are certainly in the buffer after [`BitReader::refill`].
    pub const REFILLED: u32 = 56;

    /// A reader at the first bit of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Self { rest: data, buffer: 0, count: 0, length: data.len() as u64, past_end: 0 }
    }

    /// The next `n <= 32` bits, the first one least significant. `read(0)` is 0.
    #[inline(always)]
    pub fn read(&mut self, n: u32) -> u32 {
        debug_assert!(n <= 32);
        self.refill();
        let value = self.peek(n);
        self.consume(n);
        value as u32
    }

    /// The next bit.
    #[inline(always)]
    pub fn read_bool(&mut self) -> bool {
        self.read(1) != 0
    }

    /// Position in bits from the start of the data. Past the end it goes on counting.
    pub fn position(&self) -> u64 {
        (self.length - self.rest.len() as u64 + self.past_end) * 8 - u64::from(self.count)
    }

    /// Number of bits of the data.
    pub fn end(&self) -> u64 {
        self.length * 8
    }

    /// Number of bits that are left; 0 past the end.
    pub fn remaining(&self) -> u64 {
        self.end().saturating_sub(self.position())
    }

    /// Whether more bits were consumed than there are.
    pub fn check(&self) -> Result<(), Error> {
        if self.position() > self.end() {
            return Err(Error::Overrun { position: self.position(), end: self.end() });
        }
        Ok(())
    }

    /// Skips `n` bits, or fails without moving if fewer are left.
    pub fn skip(&mut self, n: u64) -> Result<(), Error> {
        self.check()?;
        if n > self.remaining() {
            return Err(Error::Overrun { position: self.position().saturating_add(n), end: self.end() });
        }
        let buffered = n.min(u64::from(self.count));
        self.consume(buffered as u32);
        let n = n - buffered;
        if n > 0 {
            // The buffer is used up: bits above `count` belong to bytes that are skipped now.
            self.buffer = 0;
            self.rest = self.rest.get((n / 8) as usize..).unwrap_or_default();
            self.refill();
            self.consume((n % 8) as u32);
        }
        Ok(())
    }

    /// Skips to the next byte boundary; the bits skipped must be zero.
    pub fn align(&mut self) -> Result<(), Error> {
        let padding = self.read((self.position().wrapping_neg() % 8) as u32);
        self.check()?;
        if padding != 0 { Err(self.invalid(Invalid::Padding)) } else { Ok(()) }
    }

    /// The error for a broken rule at this position.
    pub fn invalid(&self, what: Invalid) -> Error {
        Error::Invalid { what, position: self.position() }
    }

    /// Fills the buffer to at least [`BitReader::REFILLED`] bits.
    #[inline(always)]
    pub fn refill(&mut self) {
        // Whole bytes for which there is room; (count ^ 63) is 63 - count.
        let taken = ((self.count ^ 63) >> 3) as usize & 7;
        if let Some(word) = self.rest.first_chunk::<8>() {
            self.buffer |= u64::from_le_bytes(*word) << (self.count & 63);
            self.rest = &self.rest[taken..];
        } else {
            self.buffer |= last_word(self.rest) << (self.count & 63);
            let there = taken.min(self.rest.len());
            self.rest = &self.rest[there..];
            self.past_end += (taken - there) as u64;
        }
        self.count |= 56;
    }

    /// The next `n <= 56` bits without consuming them. Valid up to the bits that a refill left.
    #[inline(always)]
    pub fn peek(&self, n: u32) -> u64 {
        self.buffer & ((1 << n) - 1)
    }

    /// The buffer itself: the next bits, least significant first. Bits beyond those that a refill left are unspecified.
    #[inline(always)]
    pub fn buffer(&self) -> u64 {
        self.buffer
    }

    /// Consumes `n` bits, no more than are left of the last refill.
    #[inline(always)]
    pub fn consume(&mut self, n: u32) {
        debug_assert!(n <= self.count);
        self.buffer >>= n & 63;
        self.count = self.count.wrapping_sub(n);
    }
}

/// Up to seven last bytes as a little-endian word. Takes and returns values so that the reader stays in registers.
#[cold]
#[inline(never)]
fn last_word(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_least_significant_first() {
        let mut bits = BitReader::new(&[0x4f, 0x84]);
        let all: Vec<u32> = (0..16).map(|_| bits.read(1)).collect();
        assert_eq!(all, [1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!((bits.position(), bits.remaining()), (16, 0));
        assert_eq!(bits.check(), Ok(()));
    }

    #[test]
    fn zeros_past_the_end_are_counted() {
        let mut bits = BitReader::new(&[0xff]);
        assert_eq!(bits.read(32), 0xff);
        assert_eq!(bits.check(), Err(Error::Overrun { position: 32, end: 8 }));
        for _ in 0..1000 {
            assert_eq!(bits.read(31), 0);
        }
        assert_eq!(bits.position(), 32 + 31_000);
        assert_eq!(bits.remaining(), 0);
        assert!(bits.skip(0).is_err());
    }

    #[test]
    fn every_width_and_position_agrees_with_single_bits() {
        let data: Vec<u8> = (0..97u32).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
        let bit = |i: u64| data.get((i / 8) as usize).map_or(0, |byte| u32::from(byte >> (i % 8) & 1));
        for n in 0..=32 {
            let mut bits = BitReader::new(&data);
            while bits.position() < 97 * 8 + 64 {
                let at = bits.position();
                let expected = (0..n).fold(0u32, |value, i| value | bit(at + u64::from(i)) << i);
                assert_eq!(bits.read(n), expected, "{n} bits at {at}");
                assert_eq!(bits.position(), at + u64::from(n));
                if n == 0 {
                    break;
                }
            }
        }
    }

    #[test]
    fn skipping_goes_exactly_to_the_bit() {
        let data: Vec<u8> = (0..64u32).map(|i| (i.wrapping_mul(0x85eb_ca6b) >> 20) as u8).collect();
        for first in 0..80 {
            for n in [0u64, 1, 7, 8, 9, 50, 63, 64, 65, 100, 333] {
                let mut skipped = BitReader::new(&data);
                skipped.read(first / 3);
                skipped.read(first - first / 3 * 2);
                let mut read = skipped.clone();
                skipped.skip(n).unwrap();
                (0..n).for_each(|_| {
                    read.read(1);
                });
                assert_eq!(skipped.position(), read.position());
                assert_eq!(skipped.read(32), read.read(32));
            }
        }
        let mut bits = BitReader::new(&data);
        assert!(bits.skip(513).is_err());
        assert!(bits.skip(u64::MAX).is_err());
        assert_eq!(bits.position(), 0);
        assert_eq!(bits.skip(512), Ok(()));
        assert_eq!(bits.read(1), 0);
        assert!(bits.check().is_err());
    }

    #[test]
    fn alignment_wants_zeros() {
        let mut bits = BitReader::new(&[0b0000_0111, 0b1000_0001]);
        assert_eq!(bits.align(), Ok(()));
        bits.read(3);
        assert_eq!(bits.align(), Ok(()));
        assert_eq!(bits.position(), 8);
        bits.read(1);
        assert_eq!(bits.align(), Err(Error::Invalid { what: Invalid::Padding, position: 16 }));
    }
}
