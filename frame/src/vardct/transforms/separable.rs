//! Inverse DCTs in two dimensions, from the stored array of a varblock to its samples.
//!
//! Both passes run along the first dimension of an array, with neighbours of the second dimension in the lanes of a
//! vector. The stored array of square and tall varblocks has horizontal frequencies as rows, so one transposition
//! between the passes leaves samples in rows; that of wide varblocks needs another one at the end.

use fearless_simd::{Simd, SimdBase, SimdFrom, f32x4, f32x8};

use super::dct::{InverseDct, Lanes};
use super::{Destination, Extent, Spectrum};
use crate::vardct::TransformType;

/// Transposes the square of `V::LEN` vectors in `tile`, by perfect shuffles of its halves.
#[inline(always)]
pub(super) fn transpose<S: Simd, V: Lanes<S>>(tile: &mut [V]) {
    let half = V::LEN / 2;
    for _ in 0..V::LEN.ilog2() {
        let mut shuffled = [tile[0]; 16];
        for i in 0..half {
            shuffled[2 * i] = tile[i].zip_low(tile[i + half]);
            shuffled[2 * i + 1] = tile[i].zip_high(tile[i + half]);
        }
        tile[..V::LEN].copy_from_slice(&shuffled[..V::LEN]);
    }
}

/// The eight rows of a block.
#[inline(always)]
pub(super) fn load_rows<S: Simd>(simd: S, values: &[f32; 64]) -> [f32x8<S>; 8] {
    let mut rows = [f32x8::splat(simd, 0.0); 8];
    for i in 0..8 {
        rows[i] = f32x8::from_slice(simd, &values[8 * i..8 * i + 8]);
    }
    rows
}

/// Inverse DCT of a varblock of one block, in registers.
#[inline(always)]
pub(super) fn inverse_8x8<S: Simd>(simd: S, values: &[f32; 64], average: f32, mut dest: Destination<'_, '_>) {
    let mut rows = load_rows(simd, values);
    // Added here and not stored before: a load that spans two fresh stores waits until both have left the core.
    rows[0] += f32x8::simd_from(simd, [average, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    rows.inverse_dct(simd);
    transpose(&mut rows);
    rows.inverse_dct(simd);
    for i in 0..8 {
        rows[i].store_slice(dest.row(i, 0, 8));
    }
}

/// Inverse DCT of a varblock of several blocks.
#[inline(always)]
pub(super) fn inverse<S: Simd>(
    simd: S,
    ty: TransformType,
    spectrum: Spectrum<'_>,
    scratch: &mut [f32],
    dest: Destination<'_, '_>,
) {
    if ty.stored_rows() > 8 {
        inverse_by_lanes::<S, S::f32s>(simd, ty, spectrum, scratch, dest);
    } else if S::f32s::LEN > 4 {
        inverse_by_lanes::<S, f32x8<S>>(simd, ty, spectrum, scratch, dest);
    } else {
        inverse_by_lanes::<S, f32x4<S>>(simd, ty, spectrum, scratch, dest);
    }
}

/// Calls `$pass::<S, V, N>` for the `N` that equals `$n`. Each pass is a function of its own: inlined into every type
/// they would multiply.
macro_rules! by_size {
    ($simd:ident, $n:expr, $pass:ident, $($args:expr),+) => {
        match $n {
            8 => by_size!(@call $simd, $pass, 8, $($args),+),
            16 => by_size!(@call $simd, $pass, 16, $($args),+),
            32 => by_size!(@call $simd, $pass, 32, $($args),+),
            64 => by_size!(@call $simd, $pass, 64, $($args),+),
            128 => by_size!(@call $simd, $pass, 128, $($args),+),
            _ => by_size!(@call $simd, $pass, 256, $($args),+),
        }
    };
    (@call $simd:ident, $pass:ident, $n:literal, $($args:expr),+) => {
        $simd.vectorize(
            #[inline(always)]
            || $pass::<S, V, $n>($simd, $($args),+),
        )
    };
}

#[inline(always)]
fn inverse_by_lanes<S: Simd, V: Lanes<S>>(
    simd: S,
    ty: TransformType,
    spectrum: Spectrum<'_>,
    scratch: &mut [f32],
    dest: Destination<'_, '_>,
) {
    let (rows, cols) = (ty.stored_rows(), ty.stored_cols());
    let first = First { cols, extent: spectrum.extent, values: spectrum.values };
    by_size!(simd, rows, transform_and_transpose, first, scratch);
    let second = Second { cols: rows, used_rows: 8 * spectrum.extent.cols as usize, values: scratch };
    if ty.is_wide() {
        by_size!(simd, cols, transform_to_columns, second, dest);
    } else {
        by_size!(simd, cols, transform_to_rows, second, dest);
    }
}

/// Input of the first pass: N rows of `cols` coefficients.
struct First<'a> {
    cols: usize,
    extent: Extent,
    values: &'a [f32],
}

/// Input of the second pass: N rows of `cols` values, of which those from `used_rows` on count as zero.
struct Second<'a> {
    cols: usize,
    used_rows: usize,
    values: &'a [f32],
}

/// Loads the first `used` of N rows, `V::LEN` columns from `col` on; the others are zero. `used` is a multiple of 8.
#[inline(always)]
fn load_columns<S: Simd, V: Lanes<S>, const N: usize>(
    simd: S,
    values: &[f32],
    cols: usize,
    col: usize,
    used: usize,
) -> [V; N] {
    let mut x = [V::splat(simd, 0.0); N];
    for first in (0..N).step_by(8) {
        if first < used {
            for i in first..first + 8 {
                x[i] = V::from_slice(simd, &values[i * cols + col..][..V::LEN]);
            }
        }
    }
    x
}

/// Transforms along the stored rows and writes the transposed result, rows of N values, to `out`.
#[inline(always)]
fn transform_and_transpose<S: Simd, V: Lanes<S>, const N: usize>(simd: S, input: First<'_>, out: &mut [f32])
where
    [V; N]: InverseDct<S>,
{
    let used_rows = 8 * input.extent.rows as usize;
    for col in (0..8 * input.extent.cols as usize).step_by(V::LEN) {
        let mut x = load_columns::<S, V, N>(simd, input.values, input.cols, col, used_rows);
        x.inverse_dct(simd);
        for tile in (0..N).step_by(V::LEN) {
            transpose(&mut x[tile..tile + V::LEN]);
            for i in 0..V::LEN {
                x[tile + i].store_slice(&mut out[(col + i) * N + tile..][..V::LEN]);
            }
        }
    }
}

/// Transforms along the rows of the input; they become rows of samples.
#[inline(always)]
fn transform_to_rows<S: Simd, V: Lanes<S>, const N: usize>(
    simd: S,
    input: Second<'_>,
    mut dest: Destination<'_, '_>,
) where
    [V; N]: InverseDct<S>,
{
    for col in (0..input.cols).step_by(V::LEN) {
        let mut x = load_columns::<S, V, N>(simd, input.values, input.cols, col, input.used_rows);
        x.inverse_dct(simd);
        for y in 0..N {
            x[y].store_slice(dest.row(y, col, V::LEN));
        }
    }
}

/// Transforms along the rows of the input; they become columns of samples.
#[inline(always)]
fn transform_to_columns<S: Simd, V: Lanes<S>, const N: usize>(
    simd: S,
    input: Second<'_>,
    mut dest: Destination<'_, '_>,
) where
    [V; N]: InverseDct<S>,
{
    for y in (0..input.cols).step_by(V::LEN) {
        let mut x = load_columns::<S, V, N>(simd, input.values, input.cols, y, input.used_rows);
        x.inverse_dct(simd);
        for tile in (0..N).step_by(V::LEN) {
            transpose(&mut x[tile..tile + V::LEN]);
            for i in 0..V::LEN {
                x[tile + i].store_slice(dest.row(y + i, tile, V::LEN));
            }
        }
    }
}
