//! What a matrix can hold.

use bytemuck::Pod;
use half::f16;

/// A pattern of two bytes that no element should ever hold by intention, repeated over poisoned storage.
///
/// As `f32` it is a signalling NaN and as [`f16`] a quiet one (no 16-bit pattern is signalling in both), as
/// `i32` and `i16` it is within 1 % of the largest value, so that arithmetic on it overflows.
pub(crate) const POISON: u16 = 0x7FA5;

/// A number that pooled matrices can hold: plain bytes, of any bit pattern.
///
/// Its size divides a cache line of 64 bytes; leasing a type for which that does not hold does not compile.
///
/// ```
/// use jxlake_util::Element;
///
/// assert!(f32::POISON.is_nan());
/// assert!(i16::POISON > 32_000);
/// ```
pub trait Element: Pod + Send + Sync {
    /// What an element of poisoned storage reads as, in debug builds (see the crate's documentation).
    /// Bytes alternate: `u8` and `i8` read this and another value in turn.
    const POISON: Self;
}

const WORD: u32 = (POISON as u32) << 16 | POISON as u32;
const LONG: u64 = (WORD as u64) << 32 | WORD as u64;

macro_rules! elements {
    ($($t:ty = $poison:expr;)*) => { $(impl Element for $t { const POISON: Self = $poison; })* };
}

elements! {
    u8 = POISON.to_ne_bytes()[0];
    i8 = POISON.to_ne_bytes()[0] as i8;
    u16 = POISON;
    i16 = POISON as i16;
    u32 = WORD;
    i32 = WORD as i32;
    u64 = LONG;
    i64 = LONG as i64;
    f32 = f32::from_bits(WORD);
    f16 = f16::from_bits(POISON);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pattern is a NaN for floats and extreme for integers, whichever half is looked at.
    #[test]
    fn poison_is_extreme_for_every_element() {
        assert!(f32::POISON.is_nan() && f16::POISON.is_nan());
        assert_eq!(f32::POISON.to_bits() & 0x0040_0000, 0, "quiet bit clear: signalling");
        let (wide, narrow) = std::hint::black_box((i32::POISON, i16::POISON));
        assert!(wide > i32::MAX - i32::MAX / 100 && narrow > i16::MAX - i16::MAX / 100);
        assert_eq!(bytemuck::cast::<[u16; 2], f32>([POISON; 2]).to_bits(), f32::POISON.to_bits());
        assert_eq!(bytemuck::cast::<[u16; 4], i64>([POISON; 4]), i64::POISON);
        assert_eq!(bytemuck::cast::<u16, [u8; 2]>(POISON)[0], u8::POISON);
    }
}
