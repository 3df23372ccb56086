//! Integers that the inverse transforms compute in.

/// An integer type that vector kernels compute in. All operations wrap.
pub trait Lane: Copy + Ord {
    /// Bits of the type.
    const BITS: u32;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;

    /// Sum.
    fn plus(self, other: Self) -> Self;
    /// Difference.
    fn minus(self, other: Self) -> Self;
    /// Absolute value; the smallest number stays as it is.
    fn magnitude(self) -> Self;
    /// Divided by 2^`by`, rounded towards minus infinity.
    fn shifted(self, by: u32) -> Self;
    /// Bitwise or.
    fn or(self, other: Self) -> Self;
    /// A third, rounded down, of a number that is not negative (below 2^15 for `i16`).
    fn third(self) -> Self;
    /// Half, rounded towards zero.
    fn halved(self) -> Self;

    /// A number with the same leading bits as the magnitude: below 2^n exactly if −2^n <= `self` < 2^n.
    #[inline(always)]
    fn extent(self) -> Self {
        self.xor(self.shifted(Self::BITS - 1))
    }

    /// Bitwise exclusive or.
    fn xor(self, other: Self) -> Self;
}

macro_rules! lane {
    ($type:ty, $unsigned:ty, $third:expr) => {
        impl Lane for $type {
            const BITS: u32 = <$type>::BITS;
            const ZERO: Self = 0;
            const ONE: Self = 1;

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn magnitude(self) -> Self {
                self.wrapping_abs()
            }

            #[inline(always)]
            fn shifted(self, by: u32) -> Self {
                self >> by
            }

            #[inline(always)]
            fn or(self, other: Self) -> Self {
                self | other
            }

            #[inline(always)]
            fn third(self) -> Self {
                ($third)(self)
            }

            #[inline(always)]
            fn halved(self) -> Self {
                self.wrapping_add((self as $unsigned >> (<$type>::BITS - 1)) as $type) >> 1
            }

            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
        }
    };
}

// Multiplications by rounded-up reciprocals: exact in the documented range.
lane!(i16, u16, |value: i16| ((i32::from(value) * 21846) >> 16) as i16);
lane!(i32, u32, |value: i32| ((i64::from(value) * 0x5555_5556) >> 32) as i32);
lane!(i64, u64, |value: i64| value / 3);

#[cfg(test)]
mod tests {
    use super::Lane;

    #[test]
    fn thirds_are_exact_in_their_range() {
        for value in 0..=i16::MAX {
            assert_eq!(value.third(), value / 3);
        }
        for value in (0..=i32::MAX).step_by(9973).chain(i32::MAX - 10..=i32::MAX) {
            assert_eq!(value.third(), value / 3);
        }
    }

    #[test]
    fn halves_round_towards_zero() {
        for value in i16::MIN..=i16::MAX {
            assert_eq!(value.halved(), value / 2);
        }
        assert_eq!((i32::MIN).halved(), i32::MIN / 2);
        assert_eq!((-3i64).halved(), -1);
    }

    #[test]
    fn extent_bounds_both_signs() {
        assert_eq!((4095i16.extent(), (-4096i16).extent(), 4096i16.extent()), (4095, 4095, 4096));
        assert_eq!((-4097i16).extent(), 4096);
    }
}
