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

    /// The format of the number; the statistics are kept by it too.
    const FORMAT: SampleFormat;
}

/// A format of numbers in pooled matrices.
///
/// ```
/// use jxlake_util::{Element, SampleFormat};
///
/// assert_eq!(i16::FORMAT, SampleFormat::I16);
/// assert_eq!(SampleFormat::F32.name(), "f32");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named as the primitive types are")]
pub enum SampleFormat {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
}

impl SampleFormat {
    /// All formats, in the order the statistics list them.
    pub const ALL: [Self; 10] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F16,
        Self::F32,
    ];

    /// The name of the type.
    pub const fn name(self) -> &'static str {
        ["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f16", "f32"][self as usize]
    }
}

const WORD: u32 = (POISON as u32) << 16 | POISON as u32;
const LONG: u64 = (WORD as u64) << 32 | WORD as u64;

macro_rules! elements {
    ($($t:ty, $format:ident = $poison:expr;)*) => {$(
        impl Element for $t {
            const POISON: Self = $poison;
            const FORMAT: SampleFormat = SampleFormat::$format;
        }
    )*};
}

elements! {
    u8, U8 = POISON.to_ne_bytes()[0];
    i8, I8 = POISON.to_ne_bytes()[0] as i8;
    u16, U16 = POISON;
    i16, I16 = POISON as i16;
    u32, U32 = WORD;
    i32, I32 = WORD as i32;
    u64, U64 = LONG;
    i64, I64 = LONG as i64;
    f32, F32 = f32::from_bits(WORD);
    f16, F16 = f16::from_bits(POISON);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A format's index is its place in the list, and each element has its own.
    #[test]
    fn formats_are_listed_in_order() {
        for (index, format) in SampleFormat::ALL.into_iter().enumerate() {
            assert_eq!(format as usize, index);
        }
        assert_eq!((u8::FORMAT.name(), i64::FORMAT.name(), f16::FORMAT.name()), ("u8", "i64", "f16"));
    }

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
