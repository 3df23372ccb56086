//! From quantised coefficients to real ones, with the luma part of chroma added.

use fearless_simd::prelude::*;
use jxlake_util::Element;

use super::transforms::Extent;

/// An integer type that quantised coefficients are kept in.
pub(crate) trait Quantised: Element {
    /// Converts `2 * S::f32s::LEN` coefficients.
    fn to_floats<S: Simd>(simd: S, coefficients: &[Self]) -> [S::f32s; 2];
}

impl Quantised for i16 {
    #[inline(always)]
    fn to_floats<S: Simd>(simd: S, coefficients: &[i16]) -> [S::f32s; 2] {
        let (low, high) = S::i16s::from_slice(simd, coefficients).widen();
        [low.to_float(), high.to_float()]
    }
}

impl Quantised for i32 {
    #[inline(always)]
    fn to_floats<S: Simd>(simd: S, coefficients: &[i32]) -> [S::f32s; 2] {
        let (low, high) = coefficients.split_at(S::f32s::LEN);
        [S::i32s::from_slice(simd, low).to_float(), S::i32s::from_slice(simd, high).to_float()]
    }
}

/// What the coefficients of a varblock are multiplied by; slots X, Y, B.
#[derive(Clone, Copy)]
pub(crate) struct Multipliers<'a> {
    /// By stored index.
    pub(crate) matrices: [&'a [f32]; 3],
    /// For the whole varblock.
    pub(crate) scale: [f32; 3],
    /// How much of luma is added to X and to B.
    pub(crate) from_luma: [f32; 2],
}

/// Dequantises the coefficients of a varblock with `cols` stored columns in all three channels: 1 and -1 become the
/// first three `quant_biases` (by channel), larger `q` become `q` minus the fourth over `q`. `out` holds as many
/// values as the varblock per channel; written are the rows and columns of `extent`, the columns rounded up to the next
/// multiple of 16 or to all of them.
#[inline(always)]
pub(crate) fn dequantise<S: Simd, Q: Quantised>(
    simd: S,
    coefficients: [&[Q]; 3],
    multipliers: &Multipliers<'_>,
    quant_biases: &[f32; 4],
    (cols, extent): (usize, Extent),
    out: [&mut [f32]; 3],
) {
    let chunk = 2 * S::f32s::LEN;
    let (runs, len) = runs(cols, extent, chunk);
    let [qx, qy, qb] = coefficients;
    let [mx, my, mb] = multipliers.matrices;
    let [x, y, b] = out;
    let kernel = Kernel::new(simd, multipliers, quant_biases);
    for run in 0..runs {
        let run = run * cols..run * cols + len;
        let inputs = qx[run.clone()].chunks_exact(chunk).zip(qy[run.clone()].chunks_exact(chunk));
        let inputs = inputs.zip(qb[run.clone()].chunks_exact(chunk));
        let matrices = mx[run.clone()].chunks_exact(chunk).zip(my[run.clone()].chunks_exact(chunk));
        let matrices = matrices.zip(mb[run.clone()].chunks_exact(chunk));
        let outputs = x[run.clone()].chunks_exact_mut(chunk).zip(y[run.clone()].chunks_exact_mut(chunk));
        let outputs = outputs.zip(b[run].chunks_exact_mut(chunk));
        for ((((qx, qy), qb), ((mx, my), mb)), ((x, y), b)) in inputs.zip(matrices).zip(outputs) {
            kernel.chunk(simd, [qx, qy, qb], [mx, my, mb], [x, y, b]);
        }
    }
}

/// The parts of a stored array of `cols` columns that are dequantised, in whole chunks: how many, each a number of rows
/// apart, and their length. One of whole rows, or one for each row.
#[inline(always)]
fn runs(cols: usize, extent: Extent, chunk: usize) -> (usize, usize) {
    let rows = 8 * extent.rows as usize;
    let used = (8 * extent.cols as usize).next_multiple_of(chunk.max(16));
    if used >= cols { (1, rows * cols) } else { (rows, used) }
}

/// Dequantises the 64 coefficients of one channel of a varblock of one block, without luma.
#[inline(always)]
pub(crate) fn dequantise_block<S: Simd, Q: Quantised>(
    simd: S,
    coefficients: &[Q],
    (channel, multipliers): (usize, &Multipliers<'_>),
    quant_biases: &[f32; 4],
    out: &mut [f32],
) {
    let chunk = 2 * S::f32s::LEN;
    let kernel = Kernel::new(simd, multipliers, quant_biases);
    let matrix = multipliers.matrices[channel];
    for run in (0..64).step_by(chunk) {
        let halves = Q::to_floats(simd, &coefficients[run..run + chunk]);
        for (half, at) in [(halves[0], run), (halves[1], run + S::f32s::LEN)] {
            let at = at..at + S::f32s::LEN;
            kernel.value(simd, channel, half, &matrix[at.clone()]).store_slice(&mut out[at]);
        }
    }
}

/// The constants of a varblock as vectors.
struct Kernel<S: Simd> {
    of_one: [S::f32s; 3],
    minus_numerator: S::f32s,
    scale: [S::f32s; 3],
    from_luma: [S::f32s; 2],
}

impl<S: Simd> Kernel<S> {
    #[inline(always)]
    fn new(simd: S, multipliers: &Multipliers<'_>, quant_biases: &[f32; 4]) -> Self {
        let splat = |value| S::f32s::splat(simd, value);
        let [one_x, one_y, one_b, numerator] = *quant_biases;
        let [scale_x, scale_y, scale_b] = multipliers.scale;
        let [luma_x, luma_b] = multipliers.from_luma;
        Self {
            of_one: [splat(one_x), splat(one_y), splat(one_b)],
            minus_numerator: splat(-numerator),
            scale: [splat(scale_x), splat(scale_y), splat(scale_b)],
            from_luma: [splat(luma_x), splat(luma_b)],
        }
    }

    #[inline(always)]
    fn chunk<Q: Quantised>(&self, simd: S, q: [&[Q]; 3], m: [&[f32]; 3], out: [&mut [f32]; 3]) {
        let [qx, qy, qb] = [Q::to_floats(simd, q[0]), Q::to_floats(simd, q[1]), Q::to_floats(simd, q[2])];
        let [x, y, b] = out;
        for half in 0..2 {
            let at = half * S::f32s::LEN..(half + 1) * S::f32s::LEN;
            let luma = self.value(simd, 1, qy[half], &m[1][at.clone()]);
            let vx = self.value(simd, 0, qx[half], &m[0][at.clone()]);
            let vb = self.value(simd, 2, qb[half], &m[2][at.clone()]);
            luma.store_slice(&mut y[at.clone()]);
            luma.mul_add(self.from_luma[0], vx).store_slice(&mut x[at.clone()]);
            luma.mul_add(self.from_luma[1], vb).store_slice(&mut b[at]);
        }
    }

    /// Dequantised values without the part from luma.
    #[inline(always)]
    fn value(&self, simd: S, channel: usize, q: S::f32s, matrix: &[f32]) -> S::f32s {
        // The estimate and one step of Newton's method are as good as a division, the correction being below 0.08. For
        // q = 0 it is no number, and not selected.
        let estimate = q.approximate_recip();
        let reciprocal = estimate * q.mul_add(-estimate, 2.0);
        let large = reciprocal.mul_add(self.minus_numerator, q);
        let small = q * self.of_one[channel];
        let adjusted = q.abs().simd_lt(1.5).select(small, large);
        S::f32s::from_slice(simd, matrix) * self.scale[channel] * adjusted
    }
}

#[cfg(test)]
mod tests {
    use fearless_simd::dispatch;

    use super::*;
    use crate::image_header::OpsinInverseMatrix;
    use crate::vardct::TransformType;
    use crate::vardct::test_support::{Random, levels};

    fn biases() -> [f32; 4] {
        OpsinInverseMatrix::default().quant_biases
    }

    fn adjusted(channel: usize, q: i32) -> f64 {
        let biases = biases();
        match q {
            0 => 0.0,
            -1 | 1 => f64::from(q) * f64::from(biases[channel]),
            _ => f64::from(q) - f64::from(biases[3]) / f64::from(q),
        }
    }

    /// Dequantises random coefficients in an extent and compares with the definition.
    fn check<Q: Quantised + Into<i32>>(
        ty: TransformType,
        extent: Extent,
        coefficient: impl Fn(&mut Random) -> Q,
    ) {
        let mut random = Random::new(ty as u64 + 5);
        let (size, cols) = (ty.size(), ty.stored_cols());
        let mut list = || -> Vec<Q> { (0..size).map(|_| coefficient(&mut random)).collect() };
        let q = [list(), list(), list()];
        let matrices =
            [0, 1, 2].map(|c| (0..size).map(|i| 0.01 + (i * (c + 1)) as f32 / 640.0).collect::<Vec<f32>>());
        let multipliers = Multipliers {
            matrices: [&matrices[0], &matrices[1], &matrices[2]],
            scale: [0.5, 1.5, 3.0],
            from_luma: [-0.25, 1.125],
        };
        for level in levels() {
            let mut out = [0; 3].map(|_| vec![f32::NAN; size]);
            let [x, y, b] = &mut out;
            let bias = biases();
            let shape = (cols, extent);
            dispatch!(level, simd => dequantise(simd, [&q[0], &q[1], &q[2]], &multipliers, &bias, shape, [&mut x[..], y, b]));
            for row in 0..8 * extent.rows as usize {
                for col in 0..(8 * extent.cols as usize).next_multiple_of(16).min(cols) {
                    let i = row * cols + col;
                    let value = |c: usize| {
                        let m = f64::from(matrices[c][i]) * f64::from(multipliers.scale[c]);
                        adjusted(c, q[c][i].into()) * m
                    };
                    let luma = value(1);
                    for (c, from_luma) in [(0, -0.25), (1, 0.0), (2, 1.125)] {
                        let expected = value(c) + from_luma * luma;
                        let found = f64::from(out[c][i]);
                        let scale = value(c).abs() + luma.abs();
                        assert!(
                            (found - expected).abs() <= 1e-6 * scale,
                            "{level:?} {c} {i}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn coefficients_of_16_bits_agree_with_the_definition() {
        let small = |random: &mut Random| random.below(9) as i16 - 4;
        check(TransformType::Dct8x8, Extent { rows: 1, cols: 1 }, small);
        check(TransformType::Dct8x8, Extent { rows: 1, cols: 1 }, |random| random.next() as i16);
        check(TransformType::Dct16x16, Extent { rows: 1, cols: 1 }, small);
        check(TransformType::Dct64x32, Extent { rows: 2, cols: 3 }, small);
        check(TransformType::Dct64x64, Extent { rows: 8, cols: 8 }, |random| random.next() as i16);
    }

    #[test]
    fn coefficients_of_32_bits_agree_with_the_definition() {
        check(TransformType::Dct8x8, Extent { rows: 1, cols: 1 }, |random| random.below(9) as i32 - 4);
        check(TransformType::Dct32x32, Extent { rows: 2, cols: 1 }, |random| random.next() as i32);
    }

    #[test]
    fn reconstruction_points_of_small_values() {
        for (channel, q, expected) in [
            (0, 1, 0.945_349_926_693),
            (1, 1, 0.929_945_501_083),
            (2, 1, 0.950_064_896_663),
            (1, 2, 1.9275),
            (1, -3, -2.951_666_666_667),
        ] {
            assert!((adjusted(channel, q) - expected).abs() < 3e-7, "{channel} {q}");
        }
    }

    #[test]
    fn no_coefficient_is_no_value() {
        let zeros = [0i16; 64];
        let ones = [1.0f32; 64];
        let multipliers = Multipliers { matrices: [&ones; 3], scale: [1e8; 3], from_luma: [4.0; 2] };
        for level in levels() {
            let mut out = [[f32::NAN; 64]; 3];
            let [x, y, b] = &mut out;
            let bias = biases();
            let shape = (8, Extent { rows: 1, cols: 1 });
            dispatch!(level, simd => dequantise(simd, [&zeros[..]; 3], &multipliers, &bias, shape, [&mut x[..], y, b]));
            assert!(out.iter().flatten().all(|v| *v == 0.0), "{level:?}");
        }
    }
}
