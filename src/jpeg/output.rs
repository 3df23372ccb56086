//! What the JPEG goes out through: one buffer, and bits packed into it.

use std::io::Write;

use jxlake_entropy::BitReader;
use jxlake_frame::limits::Limit;

use super::error::{Error, Fault, Result};

/// Bytes of the buffer.
pub(super) const BUFFER: usize = 1 << 16;

/// Room in the buffer that a block of coefficients or a piece of padding takes at most: 63 codes of 16 bits with 12 more,
/// and some, each byte stuffed.
pub(super) const MARGIN: usize = 1024;

/// Bytes on their way out.
pub(super) struct Output<'w> {
    pub(super) buffer: &'w mut [u8; BUFFER],
    /// Bytes of the buffer that are in use.
    filled: usize,
    sink: &'w mut dyn Write,
    written: u64,
    /// Most bytes that may be written.
    bound: u64,
}

impl<'w> Output<'w> {
    pub(super) fn new(buffer: &'w mut [u8; BUFFER], sink: &'w mut dyn Write, bound: u64) -> Self {
        Self { buffer, filled: 0, sink, written: 0, bound }
    }

    /// Writes bytes as they are.
    pub(super) fn bytes(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.filled == BUFFER {
                self.drain()?;
            }
            let room = &mut self.buffer[self.filled..];
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            room[..now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
        }
        Ok(())
    }

    /// Hands what is in the buffer on.
    pub(super) fn drain(&mut self) -> Result<()> {
        let filled = std::mem::take(&mut self.filled);
        self.written += filled as u64;
        if self.written > self.bound {
            return Err(Error::Limit { limit: Limit::JpegBytes, value: self.written, bound: self.bound });
        }
        self.sink.write_all(&self.buffer[..filled]).map_err(|error| Error::Write(error.kind()))
    }

    /// Begins a run of bits.
    pub(super) fn bits(&self) -> Bits {
        Bits { word: 0, free: 64, filled: self.filled }
    }

    /// Takes note of the bytes of a run of bits, which are whole.
    pub(super) fn end_bits(&mut self, bits: Bits) {
        self.filled = bits.filled;
    }

    /// Makes sure that [`MARGIN`] bytes fit behind the bytes of `bits`.
    #[inline(always)]
    pub(super) fn make_room(&mut self, mut bits: Bits) -> Result<Bits> {
        if bits.filled > BUFFER - MARGIN {
            self.filled = bits.filled;
            self.drain()?;
            bits.filled = 0;
        }
        Ok(bits)
    }
}

/// A run of bits, the most significant first, of which whole words are in the buffer already. Passed on by value, so that it
/// stays in registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    /// The last bits; those above the lowest `64 - free` are meaningless.
    word: u64,
    /// Bits of the word that are not in use yet: 0 to 64.
    free: u32,
    /// Bytes of the buffer that are in use.
    filled: usize,
}

impl Bits {
    /// Appends the `count` lowest bits of `value`, at most 63, above which there are none.
    #[inline(always)]
    #[must_use]
    pub(super) fn put(mut self, buffer: &mut [u8; BUFFER], value: u64, count: u32) -> Self {
        match self.free.checked_sub(count) {
            Some(free) => {
                self.word = self.word << (count & 63) | value;
                self.free = free;
            }
            None => {
                let later = count - self.free;
                let word = self.word << (self.free & 63) | value >> (later & 63);
                self.filled = store(buffer, self.filled, word);
                self.word = value;
                self.free = 64 - later;
            }
        }
        self
    }

    /// Completes the last byte with `padding`, and puts all bytes into the buffer.
    pub(super) fn pad(mut self, buffer: &mut [u8; BUFFER], padding: &mut PaddingBits<'_>) -> Result<Self> {
        let missing = self.free % 8;
        self = self.put(buffer, padding.take(missing)?, missing);
        let bytes = (64 - self.free as usize) / 8;
        for byte in &self.word.to_be_bytes()[8 - bytes..] {
            self.filled = store_byte(buffer, self.filled, *byte);
        }
        (self.word, self.free) = (0, 64);
        Ok(self)
    }

    /// Puts a marker into the buffer, which is not stuffed. No bits are pending.
    pub(super) fn marker(mut self, buffer: &mut [u8; BUFFER], marker: u8) -> Self {
        if let Some(room) = buffer.get_mut(self.filled..self.filled + 2) {
            room.copy_from_slice(&[0xff, marker]);
            self.filled += 2;
        }
        self
    }
}

/// Stores a word, its most significant byte first, a zero behind each `FF`. There is room for it.
#[inline(always)]
fn store(buffer: &mut [u8; BUFFER], filled: usize, word: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // A byte of the complement that is zero borrows, and has no highest bit itself.
    if word & (!word).wrapping_sub(ONES) & (0x80 * ONES) != 0 {
        return store_bytes(buffer, filled, word);
    }
    if let Some(room) = buffer.get_mut(filled..filled + 8) {
        room.copy_from_slice(&word.to_be_bytes());
    }
    filled + 8
}

#[cold]
#[inline(never)]
fn store_bytes(buffer: &mut [u8; BUFFER], filled: usize, word: u64) -> usize {
    word.to_be_bytes().into_iter().fold(filled, |filled, byte| store_byte(buffer, filled, byte))
}

fn store_byte(buffer: &mut [u8; BUFFER], filled: usize, byte: u8) -> usize {
    let Some(room) = buffer.get_mut(filled..filled + 2) else { return filled };
    room.copy_from_slice(&[byte, 0]);
    filled + 1 + usize::from(byte == 0xff)
}

/// What incomplete bytes are completed with.
pub(super) enum PaddingBits<'a> {
    /// Ones.
    Ones,
    /// Bits that are stored, in the order of the file, and how many are left.
    Stored(BitReader<'a>, u32),
}

impl PaddingBits<'_> {
    /// The next `count` bits, at most 7.
    fn take(&mut self, count: u32) -> Result<u64> {
        match self {
            Self::Ones => Ok((1 << count) - 1),
            Self::Stored(bits, left) => {
                *left = left.checked_sub(count).ok_or(Fault::PaddingBits)?;
                Ok((0..count).fold(0, |padding, _| padding << 1 | u64::from(bits.read(1))))
            }
        }
    }

    /// That no bits are left.
    pub(super) fn finish(&self) -> Result<()> {
        match self {
            Self::Ones | Self::Stored(_, 0) => Ok(()),
            Self::Stored(..) => Err(Fault::PaddingBits.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of random widths, one by one and packed, with many `FF`.
    #[test]
    fn packed_bits_are_those_put_one_by_one() {
        let mut random = 1u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random >> 33
        };
        for round in 0..200u32 {
            let (mut expected, mut string) = (Vec::new(), Vec::new());
            let mut buffer = Box::new([0; BUFFER]);
            let mut sink = Vec::new();
            let mut output = Output::new(&mut buffer, &mut sink, u64::MAX);
            let mut bits = output.bits();
            for _ in 0..next() % 400 {
                let count = (next() % 64) as u32;
                let ones = (1 << count) - 1;
                let value = if next() % 3 == 0 { ones } else { (next() << 32 | next()) & ones };
                bits = bits.put(output.buffer, value, count);
                string.extend((0..count).rev().map(|bit| value >> bit & 1));
            }
            let stored = [round as u8];
            let mut padding = match round % 2 {
                0 => PaddingBits::Ones,
                _ => PaddingBits::Stored(BitReader::new(&stored), 8),
            };
            let missing = string.len().wrapping_neg() % 8;
            string
                .extend((0..missing).map(|bit| if round % 2 == 0 { 1 } else { u64::from(round) >> bit & 1 }));
            for byte in string.chunks(8) {
                let byte = byte.iter().fold(0, |byte, bit| byte << 1 | *bit as u8);
                expected.push(byte);
                expected.extend((byte == 0xff).then_some(0));
            }
            bits = bits.pad(output.buffer, &mut padding).unwrap().marker(output.buffer, 0xd3);
            expected.extend([0xff, 0xd3]);
            output.end_bits(bits);
            output.drain().unwrap();
            assert!(sink == expected, "{round}");
            assert_eq!(padding.finish().is_ok(), round % 2 == 0 || missing == 8);
        }
    }

    #[test]
    fn output_is_bounded_and_passes_errors_on() {
        let mut buffer = Box::new([0; BUFFER]);
        let mut sink = Vec::new();
        let mut output = Output::new(&mut buffer, &mut sink, 70_000);
        output.bytes(&[7; 70_000]).unwrap();
        output.drain().unwrap();
        output.bytes(&[7]).unwrap();
        let limit = Error::Limit { limit: Limit::JpegBytes, value: 70_001, bound: 70_000 };
        assert_eq!(output.drain(), Err(limit));
        assert_eq!(sink, [7; 70_000]);
        let mut small = [0; 10];
        let mut room = &mut small[..];
        let mut output = Output::new(&mut buffer, &mut room, 100);
        output.bytes(&[7; 11]).unwrap();
        assert_eq!(output.drain(), Err(Error::Write(std::io::ErrorKind::WriteZero)));
    }
}
