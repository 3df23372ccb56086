//! The opposite of a bit reader.

use crate::HybridIntegerConfig;

/// Collects bits, least significant first.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    bits: usize,
}

impl BitWriter {
    /// No bits yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the low `n <= 64` bits of `value`, the least significant first. Higher bits must be zero.
    pub fn write(&mut self, value: u64, n: u32) -> &mut Self {
        assert!(n == 64 || value >> n == 0, "{value} does not fit {n} bits");
        for i in 0..n {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> i & 1) as u8) << (self.bits % 8);
            self.bits += 1;
        }
        self
    }

    /// Appends bits written as digits in the order in which they are read; other characters are ignored.
    pub fn write_digits(&mut self, digits: &str) -> &mut Self {
        digits.chars().filter_map(|c| c.to_digit(2)).for_each(|bit| {
            self.write(bit.into(), 1);
        });
        self
    }

    /// Appends a number with one of four distributions, each an offset and a number of raw bits.
    pub fn write_u32(&mut self, value: u32, distributions: [(u32, u32); 4]) -> &mut Self {
        let fits =
            |&(offset, n): &(u32, u32)| value.checked_sub(offset).is_some_and(|v| u64::from(v) >> n == 0);
        let selector = distributions.iter().position(fits).expect("no distribution fits");
        let (offset, n) = distributions[selector];
        self.write(selector as u64, 2).write((value - offset).into(), n)
    }

    /// Appends a number of 0..=255 in the tables' variable length (`length_bits` 3), or of 0..=65535 (`length_bits` 4).
    pub fn write_variable(&mut self, value: u32, length_bits: u32) -> &mut Self {
        let Some(n) = value.checked_ilog2() else { return self.write(0, 1) };
        self.write(1, 1).write(n.into(), length_bits).write((value - (1 << n)).into(), n)
    }

    /// Appends an integer configuration for tokens of `log_alphabet` bits.
    pub fn write_config(&mut self, config: HybridIntegerConfig, log_alphabet: u32) -> &mut Self {
        let width = |x: u32| x.next_power_of_two().ilog2();
        let (split_exponent, msb, lsb) = config.parts();
        self.write(split_exponent.into(), width(log_alphabet + 1));
        if split_exponent != log_alphabet {
            self.write(msb.into(), width(split_exponent + 1));
            self.write(lsb.into(), width(split_exponent - msb + 1));
        }
        self
    }

    /// Pads with zeros to a byte.
    pub fn align(&mut self) -> &mut Self {
        self.bits = self.bytes.len() * 8;
        self
    }

    /// Bits so far.
    pub fn position(&self) -> usize {
        self.bits
    }

    /// All bytes, the last one padded with zeros.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
