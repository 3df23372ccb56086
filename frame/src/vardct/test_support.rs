//! Random input and the SIMD levels of the machine.

use fearless_simd::Level;

/// A small xorshift generator.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    /// Less than `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.next()) * n as u64) >> 32) as usize
    }

    /// From -1 to 1.
    pub(super) fn float(&mut self) -> f32 {
        self.next() as i32 as f32 / 2_147_483_648.0
    }
}

/// Every SIMD level that this machine has.
pub(super) fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![best, Level::baseline()];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    levels
        .extend([best.as_avx2().map(Level::Avx2), best.as_sse4_2().map(Level::Sse4_2)].into_iter().flatten());
    levels
}

/// Writes fields bit by bit, least significant bit first.
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), used: 0 }
    }

    pub(super) fn write(&mut self, value: u32, bits: u32) -> &mut Self {
        for i in 0..bits {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> i & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
        self
    }

    /// The bytes, the last one padded with zeros.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
