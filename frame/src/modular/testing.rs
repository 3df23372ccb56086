//! Helpers of the tests: numbers, channels and instruction sets.

use fearless_simd::Level;

use super::channel::{Channel, Sample};

/// A small generator of pseudo-random numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u32
    }

    /// A signed number of `bits` bits; extreme values and small ones are frequent.
    pub(crate) fn signed(&mut self, bits: u32) -> i64 {
        let (low, high) = (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1);
        match self.below(16) {
            0 => low,
            1 => high,
            2 | 3 => i64::from(self.below(5)).min(high) - 2,
            _ => (self.next() as i64) >> (64 - bits),
        }
        .clamp(low, high)
    }
}

/// Writes bits, the lowest first.
#[derive(Default)]
pub(crate) struct BitWriter {
    bits: Vec<bool>,
}

impl BitWriter {
    pub(crate) fn put(&mut self, count: u32, value: u32) -> &mut Self {
        assert!(u64::from(value) < 1 << count, "{value} does not fit {count} bits");
        self.bits.extend((0..count).map(|bit| value >> bit & 1 != 0));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| (0..).zip(bits).map(|(at, &bit)| u8::from(bit) << at).sum();
        self.bits.chunks(8).map(byte).collect()
    }
}

/// Every instruction set that this machine can run.
pub(crate) fn levels() -> impl Iterator<Item = Level> {
    let best = Level::new();
    let mut levels = vec![best];
    #[cfg(target_arch = "x86_64")]
    {
        levels.extend(best.as_avx2().map(Level::Avx2));
        levels.extend(best.as_sse4_2().map(Level::Sse4_2));
    }
    levels.into_iter()
}

/// Writes all samples in raster order.
pub(crate) fn fill<S: Sample>(channel: &mut Channel<S>, mut values: impl FnMut() -> i64) {
    let height = channel.shape.height as usize;
    if let Some(mut view) = channel.view_mut() {
        for y in 0..height {
            for sample in view.row_mut(y) {
                *sample = S::wrap_wide(values());
            }
        }
    }
}

/// All samples, row by row.
pub(crate) fn rows<S: Sample>(channel: &Channel<S>) -> Vec<Vec<i64>> {
    let Some(view) = channel.view() else { return Vec::new() };
    (0..view.rows()).map(|y| view.row(y).iter().map(|s| i64::from(s.to_i32())).collect()).collect()
}
