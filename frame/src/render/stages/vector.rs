//! Loads and stores that the kernels share.

use fearless_simd::{Simd, prelude::*};

/// The vector of the samples from element `at` on.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, row: &[f32], at: usize) -> S::f32s {
    S::f32s::from_slice(simd, &row[at..at + S::f32s::LEN])
}

/// Writes a vector to the elements from `at` on.
#[inline(always)]
pub(super) fn store<S: Simd>(v: S::f32s, row: &mut [f32], at: usize) {
    v.store_slice(&mut row[at..at + S::f32s::LEN]);
}

/// The same number in every lane.
#[inline(always)]
pub(super) fn splat<S: Simd>(simd: S, v: f32) -> S::f32s {
    S::f32s::splat(simd, v)
}
