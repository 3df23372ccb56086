//! One-dimensional DCTs along an array of vectors: element `i` of the array is sample or frequency `i`, and every
//! lane is a transform of its own.
//!
//! Inverse, size N:  `x[i] = X[0] + sqrt(2) * sum over k >= 1 of X[k] * cos(pi * k * (2 * i + 1) / (2 * N))`.
//! Forward: its inverse, so `X[0]` is the mean. Both halve: the even frequencies are a DCT of half the size, and so
//! are sums of neighbouring odd frequencies, weighted by `1 / (2 cos((2 * i + 1) pi / (2 * N)))`.

use core::f32::consts::SQRT_2;
use fearless_simd::{Simd, SimdFloat};

use super::tables::{
    DCT_WEIGHTS_4, DCT_WEIGHTS_8, DCT_WEIGHTS_16, DCT_WEIGHTS_32, DCT_WEIGHTS_64, DCT_WEIGHTS_128,
    DCT_WEIGHTS_256,
};

/// A vector of `f32` lanes.
pub(super) trait Lanes<S: Simd>: SimdFloat<S, Element = f32> {}
impl<S: Simd, V: SimdFloat<S, Element = f32>> Lanes<S> for V {}

/// Arrays of vectors that have an inverse DCT.
pub(super) trait InverseDct<S: Simd> {
    /// Turns frequencies into samples, in place.
    fn inverse_dct(&mut self, simd: S);
}

impl<S: Simd, V: Lanes<S>> InverseDct<S> for [V; 2] {
    #[inline(always)]
    fn inverse_dct(&mut self, _simd: S) {
        let [a, b] = *self;
        *self = [a + b, a - b];
    }
}

macro_rules! inverse_dct {
    ($n:literal, $weights:ident) => {
        impl<S: Simd, V: Lanes<S>> InverseDct<S> for [V; $n] {
            #[inline(always)]
            fn inverse_dct(&mut self, simd: S) {
                const HALF: usize = $n / 2;
                let mut even = [self[0]; HALF];
                let mut odd = [self[1] * SQRT_2; HALF];
                for i in 1..HALF {
                    even[i] = self[2 * i];
                    odd[i] = self[2 * i + 1] + self[2 * i - 1];
                }
                inverse_dct!(@half $n, simd, even, odd);
                for i in 0..HALF {
                    let weight = V::splat(simd, $weights[i]);
                    self[i] = odd[i].mul_add(weight, even[i]);
                    self[$n - 1 - i] = odd[i].mul_add(-weight, even[i]);
                }
            }
        }
    };
    // Up to 32 the whole transform is straight-line code; above, the halves are calls, for the size of the code.
    (@half 64, $simd:ident, $even:ident, $odd:ident) => { inverse_dct!(@call $simd, $even, $odd) };
    (@half 128, $simd:ident, $even:ident, $odd:ident) => { inverse_dct!(@call $simd, $even, $odd) };
    (@half 256, $simd:ident, $even:ident, $odd:ident) => { inverse_dct!(@call $simd, $even, $odd) };
    (@half $n:literal, $simd:ident, $even:ident, $odd:ident) => {
        $even.inverse_dct($simd);
        $odd.inverse_dct($simd);
    };
    (@call $simd:ident, $even:ident, $odd:ident) => {
        for half in [&mut $even, &mut $odd] {
            $simd.vectorize(
                #[inline(always)]
                || half.inverse_dct($simd),
            );
        }
    };
}

inverse_dct!(4, DCT_WEIGHTS_4);
inverse_dct!(8, DCT_WEIGHTS_8);
inverse_dct!(16, DCT_WEIGHTS_16);
inverse_dct!(32, DCT_WEIGHTS_32);
inverse_dct!(64, DCT_WEIGHTS_64);
inverse_dct!(128, DCT_WEIGHTS_128);
inverse_dct!(256, DCT_WEIGHTS_256);

/// Arrays of samples that have a forward DCT. They are short and few (one LF sample for 64 samples), so scalars do.
pub(super) trait ForwardDct {
    /// Turns N samples into their frequencies times N, in place.
    fn forward_dct(&mut self);
}

impl ForwardDct for [f32; 1] {
    #[inline(always)]
    fn forward_dct(&mut self) {}
}

impl ForwardDct for [f32; 2] {
    #[inline(always)]
    fn forward_dct(&mut self) {
        let [a, b] = *self;
        *self = [a + b, a - b];
    }
}

macro_rules! forward_dct {
    ($n:literal, $weights:ident) => {
        impl ForwardDct for [f32; $n] {
            #[inline(always)]
            fn forward_dct(&mut self) {
                const HALF: usize = $n / 2;
                let mut sums = [0.0; HALF];
                let mut differences = [0.0; HALF];
                for i in 0..HALF {
                    sums[i] = self[i] + self[$n - 1 - i];
                    differences[i] = (self[i] - self[$n - 1 - i]) * $weights[i];
                }
                sums.forward_dct();
                differences.forward_dct();
                for i in 0..HALF {
                    self[2 * i] = sums[i];
                }
                self[1] = differences[0] * SQRT_2 + differences[1];
                #[allow(clippy::reversed_empty_ranges, reason = "there is nothing between in the smallest")]
                for i in 1..HALF - 1 {
                    self[2 * i + 1] = differences[i] + differences[i + 1];
                }
                self[$n - 1] = differences[HALF - 1];
            }
        }
    };
}

forward_dct!(4, DCT_WEIGHTS_4);
forward_dct!(8, DCT_WEIGHTS_8);
forward_dct!(16, DCT_WEIGHTS_16);
forward_dct!(32, DCT_WEIGHTS_32);
