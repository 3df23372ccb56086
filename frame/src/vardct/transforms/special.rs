//! Inverses of the transforms of one block other than DCT 8x8.

use fearless_simd::{Simd, f32x4, f32x8, mask32x4, mask32x8, prelude::*};

use super::Destination;
use super::afv_basis::AFV_BASIS;
use super::dct::InverseDct;
use super::separable::{load_rows, transpose};
use crate::vardct::TransformType;

/// The 64 stored coefficients of a block.
type Block = [f32; 64];

/// Transforms the stored coefficients of a block and its LF sample into its samples.
#[inline(always)]
pub(super) fn inverse<S: Simd>(
    simd: S,
    ty: TransformType,
    values: &Block,
    average: f32,
    dest: Destination<'_, '_>,
) {
    let c = values;
    let lowest = Lowest { c0: average, c1: c[1], c8: c[8], c9: c[9] };
    match ty {
        TransformType::Hornuss => hornuss(c, lowest, dest),
        TransformType::Dct2x2 => dct_2x2(simd, c, lowest, dest),
        TransformType::Dct4x4 => dct_4x4(simd, c, lowest, dest),
        TransformType::Dct4x8 => dct_4x8(simd, c, lowest, dest),
        TransformType::Dct8x4 => dct_8x4(simd, c, lowest, dest),
        TransformType::Afv0 => afv::<S, false, false>(simd, c, lowest, dest),
        TransformType::Afv1 => afv::<S, true, false>(simd, c, lowest, dest),
        TransformType::Afv2 => afv::<S, false, true>(simd, c, lowest, dest),
        _ => afv::<S, true, true>(simd, c, lowest, dest),
    }
}

/// The coefficients that hold averages of parts of a block, by their stored index; `c0` is the LF sample.
struct Lowest {
    c0: f32,
    c1: f32,
    c8: f32,
    c9: f32,
}

impl Lowest {
    /// The averages of the four quadrants: left and right of the upper half, then of the lower. It is also DCT 2x2.
    #[inline(always)]
    fn quadrants(&self) -> [f32; 4] {
        let Self { c0, c1, c8, c9 } = *self;
        [c0 + c1 + c8 + c9, c0 + c1 - c8 - c9, c0 - c1 + c8 - c9, c0 - c1 - c8 + c9]
    }

    /// The rows of a block, with the averages of its two halves in their first lanes.
    #[inline(always)]
    fn load_halves<S: Simd>(&self, simd: S, c: &Block) -> [f32x8<S>; 8] {
        let mut rows = load_rows(simd, c);
        rows[0] = with_first(simd, rows[0], [self.c0 + self.c8]);
        rows[1] = with_first(simd, rows[1], [self.c0 - self.c8]);
        rows
    }
}

/// A row with its first lanes replaced. Done in registers: see `inverse_8x8`.
#[inline(always)]
fn with_first<S: Simd, const N: usize>(simd: S, row: f32x8<S>, values: [f32; N]) -> f32x8<S> {
    let mut first = [0.0; 8];
    first[..N].copy_from_slice(&values);
    mask32x8::from_bitmask(simd, (1 << N) - 1).select(f32x8::simd_from(simd, first), row)
}

#[inline(always)]
fn hornuss(c: &Block, lowest: Lowest, mut dest: Destination<'_, '_>) {
    let averages = lowest.quadrants();
    for qy in 0..2 {
        for qx in 0..2 {
            let mut h = [[0.0f32; 4]; 4];
            let mut sum = 0.0;
            for (iy, row) in h.iter_mut().enumerate() {
                for (ix, value) in row.iter_mut().enumerate() {
                    *value = c[8 * (qy + 2 * iy) + qx + 2 * ix];
                    sum += *value;
                }
            }
            // The first coefficient is an average; its place in the samples is that of the one at (1, 1), which is
            // itself predicted without residual.
            let middle = averages[2 * qy + qx] - (sum - h[0][0]) * (1.0 / 16.0);
            h[0][0] = h[1][1];
            h[1][1] = 0.0;
            for (iy, row) in h.iter().enumerate() {
                for (sample, residual) in dest.row(4 * qy + iy, 4 * qx, 4).iter_mut().zip(row) {
                    *sample = middle + residual;
                }
            }
        }
    }
}

/// One stage of DCT 2x2 on the upper left corner of N by N values.
#[inline(always)]
fn butterflies<const HALF: usize>(c: &mut Block) {
    let before = *c;
    for y in 0..HALF {
        for x in 0..HALF {
            let (a, b) = (before[8 * y + x], before[8 * y + x + HALF]);
            let (d, e) = (before[8 * (y + HALF) + x], before[8 * (y + HALF) + x + HALF]);
            c[16 * y + 2 * x] = a + b + d + e;
            c[16 * y + 2 * x + 1] = a + b - d - e;
            c[16 * y + 2 * x + 8] = a - b + d - e;
            c[16 * y + 2 * x + 9] = a - b - d + e;
        }
    }
}

#[inline(always)]
fn dct_2x2<S: Simd>(simd: S, c: &Block, lowest: Lowest, mut dest: Destination<'_, '_>) {
    let mut c = *c;
    [c[0], c[1], c[8], c[9]] = lowest.quadrants();
    butterflies::<2>(&mut c);
    for y in 0..4 {
        let a = f32x4::from_slice(simd, &c[8 * y..8 * y + 4]);
        let b = f32x4::from_slice(simd, &c[8 * y + 4..8 * y + 8]);
        let d = f32x4::from_slice(simd, &c[8 * y + 32..8 * y + 36]);
        let e = f32x4::from_slice(simd, &c[8 * y + 36..8 * y + 40]);
        let (sum, difference) = (a + b, a - b);
        let (low, high) = (sum + (d + e)).interleave(sum - (d + e));
        low.combine(high).store_slice(dest.row(2 * y, 0, 8));
        let (low, high) = (difference + (d - e)).interleave(difference - (d - e));
        low.combine(high).store_slice(dest.row(2 * y + 1, 0, 8));
    }
}

/// Inverse DCTs of four of the even and of the odd rows; the results follow each other.
#[inline(always)]
fn inverse_4_of_alternate_rows<S: Simd>(simd: S, rows: &mut [f32x8<S>; 8]) {
    let [a0, b0, a1, b1, a2, b2, a3, b3] = *rows;
    let (mut a, mut b) = ([a0, a1, a2, a3], [b0, b1, b2, b3]);
    a.inverse_dct(simd);
    b.inverse_dct(simd);
    *rows = [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]];
}

#[inline(always)]
fn dct_4x4<S: Simd>(simd: S, c: &Block, lowest: Lowest, mut dest: Destination<'_, '_>) {
    // Rows are horizontal frequencies of the upper and the lower quadrants by turns, columns vertical ones of the left
    // and the right quadrants by turns.
    let [upper_left, upper_right, lower_left, lower_right] = lowest.quadrants();
    let mut rows = load_rows(simd, c);
    rows[0] = with_first(simd, rows[0], [upper_left, upper_right]);
    rows[1] = with_first(simd, rows[1], [lower_left, lower_right]);
    inverse_4_of_alternate_rows(simd, &mut rows);
    transpose(&mut rows);
    inverse_4_of_alternate_rows(simd, &mut rows);
    for y in 0..4 {
        let ((upper_left, lower_left), (upper_right, lower_right)) = (rows[y].split(), rows[y + 4].split());
        upper_left.combine(upper_right).store_slice(dest.row(y, 0, 8));
        lower_left.combine(lower_right).store_slice(dest.row(y + 4, 0, 8));
    }
}

#[inline(always)]
fn dct_4x8<S: Simd>(simd: S, c: &Block, lowest: Lowest, mut dest: Destination<'_, '_>) {
    let mut rows = lowest.load_halves(simd, c);
    inverse_of_halves(simd, &mut rows);
    for y in 0..8 {
        rows[y].store_slice(dest.row(y, 0, 8));
    }
}

/// Two inverse DCTs of 4 rows and 8 columns, whose vertical frequencies are the even and the odd rows.
#[inline(always)]
fn inverse_of_halves<S: Simd>(simd: S, rows: &mut [f32x8<S>; 8]) {
    inverse_4_of_alternate_rows(simd, rows);
    transpose(rows);
    rows.inverse_dct(simd);
    transpose(rows);
}

#[inline(always)]
fn dct_8x4<S: Simd>(simd: S, c: &Block, lowest: Lowest, mut dest: Destination<'_, '_>) {
    let mut rows = lowest.load_halves(simd, c);
    inverse_4_of_alternate_rows(simd, &mut rows);
    transpose(&mut rows);
    rows.inverse_dct(simd);
    for y in 0..8 {
        rows[y].store_slice(dest.row(y, 0, 8));
    }
}

/// The transform with a basis of its own in the corner that `RIGHT` and `LOWER` name, DCT 4x4 beside it and DCT 4x8 in
/// the other half.
#[inline(always)]
fn afv<S: Simd, const RIGHT: bool, const LOWER: bool>(
    simd: S,
    c: &Block,
    lowest: Lowest,
    mut dest: Destination<'_, '_>,
) {
    let (x, y) = (4 * RIGHT as usize, 4 * LOWER as usize);
    let Lowest { c0, c1, c8, .. } = lowest;

    let mut corner = [f32x8::splat(simd, 0.0); 2];
    for j in 0..16 {
        let q = if j == 0 { 4.0 * (c0 + c1 + c8) } else { c[16 * (j / 4) + 2 * (j % 4)] };
        for i in 0..2 {
            let basis = f32x8::from_slice(simd, &AFV_BASIS[j][8 * i..8 * i + 8]);
            corner[i] = basis.mul_add(q, corner[i]);
        }
    }
    let ((r0, r1), (r2, r3)) = (corner[0].split(), corner[1].split());
    let rows = if LOWER { [r3, r2, r1, r0] } else { [r0, r1, r2, r3] };
    for i in 0..4 {
        let row = if RIGHT { rows[i].reverse() } else { rows[i] };
        row.store_slice(dest.row(y + i, x, 4));
    }

    let mut beside = [f32x4::splat(simd, 0.0); 4];
    for r in 0..4 {
        let low = f32x4::from_slice(simd, &c[16 * r..16 * r + 4]);
        let high = f32x4::from_slice(simd, &c[16 * r + 4..16 * r + 8]);
        beside[r] = low.unzip_high(high);
    }
    let first = f32x4::simd_from(simd, [c0 + c8 - c1, 0.0, 0.0, 0.0]);
    beside[0] = mask32x4::from_bitmask(simd, 1).select(first, beside[0]);
    beside.inverse_dct(simd);
    transpose(&mut beside);
    beside.inverse_dct(simd);
    for i in 0..4 {
        beside[i].store_slice(dest.row(y + i, 4 - x, 4));
    }

    let mut halves = lowest.load_halves(simd, c);
    inverse_of_halves(simd, &mut halves);
    for i in 0..4 {
        halves[4 + i].store_slice(dest.row(4 - y + i, 0, 8));
    }
}
