//! Hybrid integers: an entropy-coded token, and raw bits for the low part of large values.

use crate::bit_reader::BitReader;
use crate::error::{Error, Invalid};
use crate::small_integer::ceil_log2;

/// How tokens become integers: tokens below `2^split_exponent` are the integer itself; others name its magnitude, `msb`
/// of its most and `lsb` of its least significant bits, and raw bits follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HybridIntegerConfig {
    split_exponent: u8,
    msb: u8,
    lsb: u8,
}

/// What a token stands for: the integer is `base + (raw << lsb)`, modulo 2^32, with `raw_bits <= 31` bits read raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expansion {
    pub(crate) base: u32,
    pub(crate) raw_bits: u32,
    pub(crate) lsb: u32,
}

impl HybridIntegerConfig {
    /// Split exponent 4, two most and no least significant bits: what almost every encoder writes.
    pub const USUAL: Self = Self { split_exponent: 4, msb: 2, lsb: 0 };

    /// A configuration, if `split_exponent <= 15` and `msb + lsb <= split_exponent`.
    pub fn new(split_exponent: u8, msb: u8, lsb: u8) -> Option<Self> {
        let fits = split_exponent <= 15 && u16::from(msb) + u16::from(lsb) <= u16::from(split_exponent);
        fits.then_some(Self { split_exponent, msb, lsb })
    }

    /// Split exponent, number of most and of least significant bits in the token.
    pub fn parts(self) -> (u32, u32, u32) {
        (u32::from(self.split_exponent), u32::from(self.msb), u32::from(self.lsb))
    }

    /// Reads a configuration for tokens of `log_alphabet <= 15` bits. The split exponent may be larger than that.
    pub(crate) fn read(bits: &mut BitReader<'_>, log_alphabet: u32) -> Result<Self, Error> {
        let split_exponent = bits.read(ceil_log2(log_alphabet + 1));
        let (mut msb, mut lsb) = (0, 0);
        if split_exponent != log_alphabet {
            msb = bits.read(ceil_log2(split_exponent + 1));
            if msb > split_exponent {
                return Err(bits.invalid(Invalid::IntegerMsb));
            }
            lsb = bits.read(ceil_log2(split_exponent - msb + 1));
            if msb + lsb > split_exponent {
                return Err(bits.invalid(Invalid::IntegerLsb));
            }
        }
        // At most four bits each.
        Ok(Self { split_exponent: split_exponent as u8, msb: msb as u8, lsb: lsb as u8 })
    }

    /// What `token` stands for.
    #[inline(always)]
    pub(crate) fn expand(self, token: u32) -> Expansion {
        let (split_exponent, msb, lsb) = self.parts();
        let split = 1 << split_exponent;
        if token < split {
            return Expansion { base: token, raw_bits: 0, lsb: 0 };
        }
        let in_token = msb + lsb;
        let raw_bits = (split_exponent - in_token).wrapping_add((token - split) >> in_token) & 31;
        let low = token & ((1 << lsb) - 1);
        let high = 1 << msb | (token >> lsb & ((1 << msb) - 1));
        Expansion { base: ((u64::from(high) << raw_bits << lsb) as u32) | low, raw_bits, lsb }
    }

    /// The largest integer of all tokens up to `token`, or `u32::MAX` if some of them wrap.
    pub(crate) fn largest_value(self, token: u32) -> u32 {
        let (split_exponent, msb, lsb) = self.parts();
        let split = 1u32 << split_exponent;
        if token < split {
            return token;
        }
        let in_token = msb + lsb;
        let magnitude = u64::from(split_exponent) + 1 + u64::from((token - split) >> in_token);
        if magnitude > 32 {
            return u32::MAX;
        }
        let Expansion { base, raw_bits, lsb } = self.expand(token);
        base | ((1u32 << raw_bits) - 1) << lsb
    }

    /// The integer of `token`; its raw bits, 31 at most, must be in the reader's buffer.
    #[inline(always)]
    pub(crate) fn value(self, token: u32, bits: &mut BitReader<'_>) -> u32 {
        if token < 1 << self.split_exponent {
            return token;
        }
        let Expansion { base, raw_bits, lsb } = self.expand(token);
        let raw = bits.peek(raw_bits);
        bits.consume(raw_bits);
        base.wrapping_add((raw << lsb) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_gives_more_than_the_largest_value() {
        for (split_exponent, msb, lsb) in
            [(4, 2, 0), (4, 1, 2), (0, 0, 0), (5, 2, 1), (4, 4, 0), (3, 0, 3), (7, 1, 1)]
        {
            let config = HybridIntegerConfig::new(split_exponent, msb, lsb).unwrap();
            let mut largest = 0;
            for token in 0..400 {
                let raw_ones = [0xff; 16];
                let mut bits = BitReader::new(&raw_ones);
                bits.refill();
                largest = config.value(token, &mut bits).max(largest);
                let bound = config.largest_value(token);
                assert!(bound == largest || bound == u32::MAX, "{config:?} {token}: {bound} {largest}");
            }
        }
    }

    #[test]
    fn tokens_stand_for_the_values_of_the_format() {
        type Tokens = &'static [(u32, u32, u32)];
        let usual: Tokens = &[
            (15, 15, 0),
            (16, 16, 2),
            (17, 20, 2),
            (19, 28, 2),
            (20, 32, 3),
            (23, 56, 3),
            (24, 64, 4),
            (40, 1024, 8),
            (63, 57344, 13),
        ];
        let with_lsb: Tokens =
            &[(16, 16, 1), (17, 17, 1), (20, 24, 1), (23, 27, 1), (24, 32, 2), (40, 128, 4), (63, 771, 6)];
        let logarithms: Tokens = &[(0, 0, 0), (1, 1, 0), (2, 2, 1), (3, 4, 2), (4, 8, 3), (8, 128, 7)];
        let five: Tokens = &[(31, 31, 0), (40, 64, 3), (63, 449, 5)];
        let vectors = [(4, 2, 0, usual), (4, 1, 2, with_lsb), (0, 0, 0, logarithms), (5, 2, 1, five)];
        for (split_exponent, msb, lsb, tokens) in vectors {
            let config = HybridIntegerConfig::new(split_exponent, msb, lsb).unwrap();
            for &(token, base, raw_bits) in tokens {
                let expansion = config.expand(token);
                assert_eq!((expansion.base, expansion.raw_bits), (base, raw_bits), "{config:?} {token}");
            }
        }
    }

    #[test]
    fn raw_bits_are_between_the_tokens_bits() {
        let config = HybridIntegerConfig::new(4, 1, 2).unwrap();
        let mut bits = BitReader::new(&[0b10_1101]);
        bits.refill();
        assert_eq!(config.value(63, &mut bits), 771 + (0b10_1101 << 2));
        assert_eq!(bits.position(), 6);
    }

    #[test]
    fn tokens_far_beyond_32_bits_wrap() {
        for split_exponent in 0..=15u8 {
            for msb in 0..=split_exponent {
                for lsb in 0..=split_exponent - msb {
                    let config = HybridIntegerConfig::new(split_exponent, msb, lsb).unwrap();
                    for token in (0..32768).step_by(7).chain([32767]) {
                        let mut bits = BitReader::new(&[0xff; 8]);
                        bits.refill();
                        config.value(token, &mut bits);
                        assert!(bits.position() <= 31);
                    }
                }
            }
        }
    }

    #[test]
    fn too_many_bits_in_the_token_are_rejected() {
        // Split exponent 4, then three bits of msb = 5.
        let mut bits = BitReader::new(&[0b101_0100, 0]);
        let error = HybridIntegerConfig::read(&mut bits, 15);
        assert_eq!(error, Err(Error::Invalid { what: Invalid::IntegerMsb, position: 7 }));
        // Split exponent 5, msb 1 (three bits), lsb 5 (three bits).
        let mut bits = BitReader::new(&[0b1001_0101, 0b10]);
        let error = HybridIntegerConfig::read(&mut bits, 15);
        assert_eq!(error, Err(Error::Invalid { what: Invalid::IntegerLsb, position: 10 }));
    }

    #[test]
    fn a_split_exponent_of_the_whole_alphabet_has_no_more_fields() {
        let mut bits = BitReader::new(&[0xff]);
        assert_eq!(HybridIntegerConfig::read(&mut bits, 15).map(HybridIntegerConfig::parts), Ok((15, 0, 0)));
        assert_eq!(bits.position(), 4);
        // 7 is above 5 and has msb and lsb fields of its own.
        let mut bits = BitReader::new(&[0b0000_0111, 0]);
        assert_eq!(HybridIntegerConfig::read(&mut bits, 5).map(HybridIntegerConfig::parts), Ok((7, 0, 0)));
        assert_eq!(bits.position(), 9);
    }
}
