//! Random material.

/// A small random number generator (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.next_u32()) * n as u64) >> 32) as usize
    }

    /// True once in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A number of at most `bits <= 32` bits, small ones as likely as large ones.
    pub fn of_bits(&mut self, bits: u32) -> u32 {
        let kept = self.below(bits as usize + 1) as u32;
        self.next_u32().checked_shr(32 - kept).unwrap_or(0)
    }

    /// ANS probabilities of `alphabet` symbols with the sum 4096: one, few or many symbols.
    pub fn distribution(&mut self, alphabet: usize) -> Vec<u16> {
        let mut probabilities = vec![0u16; alphabet];
        let used = match self.below(4) {
            0 => 1,
            1 => 1 + self.below(3),
            _ => 1 + self.below(alphabet),
        };
        let mut left = 4096;
        for i in 0..used {
            let most = if self.one_in(3) { left } else { left / 8 };
            let share = if i + 1 == used { left } else { self.below(most + 1) };
            probabilities[self.below(alphabet)] += share as u16;
            left -= share;
        }
        probabilities
    }
}
