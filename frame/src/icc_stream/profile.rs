//! From the bytes of the encoding to the ICC profile: commands that copy, rearrange and predict data.

use jxlake_util::PoolError;

use super::MAX_SIZE;
use crate::error::{IccFault, Invalid, Result};
use crate::limits::{Limit, Limits};

/// What the encoding says about its parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Bytes of the profile.
    output: u64,
    /// Where the commands begin in the encoding, and where they end and the data begin.
    commands: (usize, u64),
}

impl Sizes {
    /// Reads the sizes at the start of an encoding of which at least 20 bytes, or all, are there.
    pub(super) fn read(encoded: &[u8], encoded_size: u64, limits: &Limits) -> Result<Self> {
        let mut start = Bytes(encoded);
        let output = start.varint().map_err(Invalid::Icc)?;
        limits.check(Limit::IccBytes, output)?;
        let commands_size = start.varint().map_err(Invalid::Icc)?;
        let begin = encoded.len() - start.0.len();
        if output > MAX_SIZE || commands_size >= 1 << 32 {
            return Err(Invalid::Icc(IccFault::Number).into());
        }
        let end = begin as u64 + commands_size;
        if end > encoded_size {
            return Err(Invalid::Icc(IccFault::CommandsSize).into());
        }
        // An encoding is never that much longer than its profile, and no byte of it can stand for more than 36.
        if output + 65536 < encoded_size || output > 36 * encoded_size {
            return Err(Invalid::Icc(IccFault::OutputSize).into());
        }
        Ok(Self { output, commands: (begin, end) })
    }
}

/// Makes the profile of its encoding.
pub(super) fn decode(encoded: &[u8], limits: &Limits, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    let sizes = Sizes::read(encoded, encoded.len() as u64, limits)?;
    let (begin, end) = (sizes.commands.0, sizes.commands.1 as usize);
    let size = sizes.output as usize;
    out.try_reserve_exact(size).map_err(|_| PoolError::Allocation { requested: sizes.output })?;
    let mut decoder =
        Decoder { commands: Bytes(&encoded[begin..end]), data: Bytes(&encoded[end..]), out, size };
    Ok(decoder.run().map_err(Invalid::Icc)?)
}

/// Bytes that are taken from the front.
struct Bytes<'a>(&'a [u8]);

type Taken<T> = core::result::Result<T, IccFault>;

impl<'a> Bytes<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A number of seven bits a byte, least significant first; the top bit says that another byte follows.
    fn varint(&mut self) -> Taken<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.next().ok_or(IccFault::Number)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(IccFault::Number)
    }
}

struct Decoder<'a> {
    commands: Bytes<'a>,
    data: Bytes<'a>,
    out: &'a mut Vec<u8>,
    /// Bytes of the profile; `out` never gets longer, and has the capacity.
    size: usize,
}

/// Bytes of the header of a profile.
const HEADER_SIZE: usize = 128;

/// Tags by their command codes, from 4 on.
const TAGS: [&[u8; 4]; 17] = [
    b"cprt", b"wtpt", b"bkpt", b"rXYZ", b"gXYZ", b"bXYZ", b"kXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC",
    b"chad", b"desc", b"chrm", b"dmnd", b"dmdd", b"lumi",
];

/// Tags whose elements have 20 bytes unless something else is said.
const XYZ_TAGS: [&[u8; 4]; 7] = [b"rXYZ", b"gXYZ", b"bXYZ", b"kXYZ", b"wtpt", b"bkpt", b"lumi"];

/// Type signatures by their command codes, from 16 on.
const TYPES: [&[u8; 4]; 8] = [b"XYZ ", b"desc", b"text", b"mluc", b"para", b"curv", b"sf32", b"gbd "];

impl<'a> Decoder<'a> {
    fn run(&mut self) -> Taken<()> {
        self.header()?;
        if self.size > HEADER_SIZE {
            if self.commands.0.is_empty() {
                return Err(IccFault::CommandsEnd);
            }
            self.tag_list()?;
            while let Some(command) = self.commands.next() {
                self.content(command)?;
            }
        }
        let complete = self.out.len() == self.size && self.size > 0;
        let used_up = self.commands.0.is_empty() && self.data.0.is_empty();
        if complete && used_up { Ok(()) } else { Err(IccFault::End) }
    }

    fn header(&mut self) -> Taken<()> {
        let mut predicted = [0; HEADER_SIZE];
        predicted[..4].copy_from_slice(&(self.size as u32).to_be_bytes());
        predicted[8] = 4;
        predicted[12..24].copy_from_slice(b"mntrRGB XYZ ");
        predicted[36..40].copy_from_slice(b"acsp");
        // The illuminant D50.
        for (i, byte) in [(70, 246), (71, 214), (73, 1), (78, 211), (79, 45)] {
            predicted[i] = byte;
        }
        for i in 0..self.size.min(HEADER_SIZE) {
            match i {
                8 => predicted[80..84].copy_from_slice(&self.out[4..8]),
                41 if self.out[40] == b'A' => predicted[41..44].copy_from_slice(b"PPL"),
                41 if self.out[40] == b'M' => predicted[41..44].copy_from_slice(b"SFT"),
                42 if self.out[40..42] == *b"SG" => predicted[42..44].copy_from_slice(b"I "),
                42 if self.out[40..42] == *b"SU" => predicted[42..44].copy_from_slice(b"NW"),
                _ => {}
            }
            let byte = self.data.next().ok_or(IccFault::DataEnd)?;
            self.out.push(byte.wrapping_add(predicted[i]));
        }
        Ok(())
    }

    fn tag_list(&mut self) -> Taken<()> {
        let Some(num_tags) = self.commands.varint()?.checked_sub(1) else { return Ok(()) };
        self.append_be32(num_tags)?;
        let mut start = HEADER_SIZE as u64 + 12 * num_tags;
        let mut size = 0;
        while let Some(command) = self.commands.next() {
            let code = command & 63;
            let tag = match code {
                0 => return Ok(()),
                1 => *self.data.take(4).and_then(|tag| tag.first_chunk()).ok_or(IccFault::DataEnd)?,
                2 => *b"rTRC",
                3 => *b"rXYZ",
                _ => **TAGS.get(usize::from(code) - 4).ok_or(IccFault::Command)?,
            };
            start = if command & 64 != 0 { self.commands.varint()? } else { start + size };
            if command & 128 != 0 {
                size = self.commands.varint()?;
            } else if XYZ_TAGS.contains(&&tag) {
                size = 20;
            }
            self.append_tag(&tag, start, size)?;
            match code {
                2 => {
                    self.append_tag(b"gTRC", start, size)?;
                    self.append_tag(b"bTRC", start, size)?;
                }
                3 => {
                    self.append_tag(b"gXYZ", start + size, size)?;
                    self.append_tag(b"bXYZ", start + 2 * size, size)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn content(&mut self, command: u8) -> Taken<()> {
        match command {
            1 => {
                let bytes = self.counted_data()?;
                self.append(bytes)
            }
            2 => self.shuffled(2),
            3 => self.shuffled(4),
            4 => self.predicted(),
            10 => {
                self.append(b"XYZ \0\0\0\0")?;
                let bytes = self.data.take(12).ok_or(IccFault::DataEnd)?;
                self.append(bytes)
            }
            _ => {
                let signature = usize::from(command).checked_sub(16).and_then(|code| TYPES.get(code));
                self.append(*signature.ok_or(IccFault::Command)?)?;
                self.append(&[0; 4])
            }
        }
    }

    /// Data whose bytes were sorted by their place in numbers of `width` bytes.
    fn shuffled(&mut self, width: usize) -> Taken<()> {
        let bytes = self.counted_data()?;
        self.require_room(bytes.len())?;
        self.out.extend(unshuffle(bytes, width));
        Ok(())
    }

    /// Big-endian numbers, each coded as the difference to what the ones before let expect.
    fn predicted(&mut self) -> Taken<()> {
        let flags = self.commands.next().ok_or(IccFault::CommandsEnd)?;
        let width = usize::from(flags & 3) + 1;
        let order = flags >> 2 & 3;
        if width == 3 || order == 3 {
            return Err(IccFault::Prediction);
        }
        let stride = if flags & 16 != 0 { self.commands.varint()? } else { width as u64 };
        let reach = stride.checked_mul(4).filter(|&reach| reach < self.out.len() as u64);
        if stride < width as u64 || reach.is_none() {
            return Err(IccFault::Prediction);
        }
        let stride = stride as usize;
        let bytes = self.counted_data()?;
        self.require_room(bytes.len())?;
        let mut prediction = [0; 4];
        for (i, byte) in unshuffle(bytes, width).enumerate() {
            let k = i % width;
            if k == 0 {
                prediction = self.predict(stride, width, order).to_be_bytes();
            }
            self.out.push(byte.wrapping_add(prediction[4 - width + k]));
        }
        Ok(())
    }

    /// The next number of `width` bytes as those one, two and three strides before let expect it; only its last `width`
    /// bytes count. Three strides are less than what there is.
    fn predict(&self, stride: usize, width: usize, order: u8) -> u32 {
        let value = |strides: usize| {
            let bytes = &self.out[self.out.len() - strides * stride..][..width];
            bytes.iter().fold(0u32, |value, &byte| value << 8 | u32::from(byte))
        };
        match order {
            0 => value(1),
            1 => value(1).wrapping_mul(2).wrapping_sub(value(2)),
            _ => value(1).wrapping_sub(value(2)).wrapping_mul(3).wrapping_add(value(3)),
        }
    }

    /// A count from the commands and as many bytes of the data.
    fn counted_data(&mut self) -> Taken<&'a [u8]> {
        let count = self.commands.varint()?;
        self.data.take(count).ok_or(IccFault::DataEnd)
    }

    fn append_tag(&mut self, tag: &[u8; 4], start: u64, size: u64) -> Taken<()> {
        self.append(tag)?;
        self.append_be32(start)?;
        self.append_be32(size)
    }

    fn append_be32(&mut self, value: u64) -> Taken<()> {
        let value = u32::try_from(value).map_err(|_| IccFault::Tag)?;
        self.append(&value.to_be_bytes())
    }

    fn append(&mut self, bytes: &[u8]) -> Taken<()> {
        self.require_room(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn require_room(&self, count: usize) -> Taken<()> {
        if count > self.size - self.out.len() { Err(IccFault::Overflow) } else { Ok(()) }
    }
}

/// The bytes of numbers that were sorted by their place in numbers of `width` bytes, in their own order.
fn unshuffle(bytes: &[u8], width: usize) -> impl Iterator<Item = u8> {
    let numbers = bytes.len().div_ceil(width);
    (0..numbers).flat_map(move |number| bytes[number..].iter().step_by(numbers).copied())
}

#[cfg(test)]
mod tests {
    use super::unshuffle;

    #[test]
    fn unshuffle_deals_with_incomplete_numbers() {
        let order = |count: u8, width| unshuffle(&(0..count).collect::<Vec<_>>(), width).collect::<Vec<_>>();
        assert_eq!(order(5, 2), [0, 3, 1, 4, 2]);
        assert_eq!(order(5, 4), [0, 2, 4, 1, 3]);
        assert_eq!(order(6, 4), [0, 2, 4, 1, 3, 5]);
        assert_eq!(order(7, 4), [0, 2, 4, 6, 1, 3, 5]);
        assert_eq!(order(9, 4), [0, 3, 6, 1, 4, 7, 2, 5, 8]);
        assert_eq!(order(0, 4), []);
    }
}
