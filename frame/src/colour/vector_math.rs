//! Elementary functions of vectors of f32, good to about 1.5e-7.

use fearless_simd::{Simd, prelude::*};

use super::curve_fits::{EXP2, EXP2_M1, LOG2_1P};

/// A quotient of two polynomials; coefficients from the constant term up.
#[derive(Clone, Copy)]
pub(super) struct Rational<const N: usize, const D: usize> {
    pub(super) numerator: [f32; N],
    pub(super) denominator: [f32; D],
}

impl<const N: usize, const D: usize> Rational<N, D> {
    #[inline(always)]
    pub(super) fn at<S: Simd>(&self, simd: S, x: S::f32s) -> S::f32s {
        polynomial(simd, &self.numerator, x) / polynomial(simd, &self.denominator, x)
    }
}

/// The polynomial with these coefficients, constant term first.
#[inline(always)]
pub(super) fn polynomial<S: Simd, const N: usize>(simd: S, coefficients: &[f32; N], x: S::f32s) -> S::f32s {
    let mut sum = splat(simd, coefficients[N - 1]);
    for i in (0..N - 1).rev() {
        sum = sum.mul_add(x, splat(simd, coefficients[i]));
    }
    sum
}

#[inline(always)]
pub(super) fn splat<S: Simd>(simd: S, v: f32) -> S::f32s {
    S::f32s::splat(simd, v)
}

/// The bits of 2/3: mantissas are taken from 2/3 up to 4/3, so that log2 is precise around 1.
const MANTISSA_START: i32 = 0x3f2a_aaab;

/// log2 of positive finite numbers; -127 for 0, some finite number for anything else.
#[inline(always)]
pub(super) fn log2<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let bits: S::i32s = x.bitcast();
    let exponent = (bits - S::i32s::splat(simd, MANTISSA_START)) >> 23;
    let mantissa: S::f32s = (bits - (exponent << 23)).bitcast();
    let f = mantissa - 1.0;
    f.mul_add(polynomial(simd, &LOG2_1P, f), S::f32s::float_from(exponent))
}

/// log2(1 + f) for f in -1/3 ..= 1/3, precise relative to itself.
#[inline(always)]
pub(super) fn log2_1p<S: Simd>(simd: S, f: S::f32s) -> S::f32s {
    f * polynomial(simd, &LOG2_1P, f)
}

/// 2^v, held between 2^-126 and 2^127.
#[inline(always)]
pub(super) fn exp2<S: Simd>(simd: S, v: S::f32s) -> S::f32s {
    let v = v.max(splat(simd, -126.0)).min(splat(simd, 127.0));
    let whole = v.round_ties_even();
    let exponent: S::i32s = whole.to_int();
    let scale: S::f32s = ((exponent + S::i32s::splat(simd, 127)) << 23).bitcast();
    polynomial(simd, &EXP2, v - whole) * scale
}

/// 2^v - 1 for v in -1/2 ..= 0, precise relative to itself.
#[inline(always)]
pub(super) fn exp2_m1<S: Simd>(simd: S, v: S::f32s) -> S::f32s {
    v * polynomial(simd, &EXP2_M1, v)
}

/// x^exponent for x >= 0.
#[inline(always)]
pub(super) fn pow<S: Simd>(simd: S, x: S::f32s, exponent: f32) -> S::f32s {
    exp2(simd, log2(simd, x) * exponent)
}
