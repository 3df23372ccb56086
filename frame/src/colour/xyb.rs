//! From XYB to linear light.

use fearless_simd::{Level, Simd, dispatch, prelude::*};

use super::chromaticity::{RgbSpace, SRGB_LUMINANCES};
use super::matrix::{self, Matrix3};
use super::rows::{PixelMap, map_rows};
use super::transfer::Transfer;
use super::vector_math::splat;
use crate::image_header::OpsinInverseMatrix;

/// The linear light into which XYB is converted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LinearTarget {
    /// Red, green and blue of this space.
    Rgb(RgbSpace),
    /// Luminance, the same in all three channels.
    Gray,
}

impl LinearTarget {
    /// How much R, G and B at 1 add to the luminance; `None` if the space is degenerate.
    pub fn luminances(&self) -> Option<[f64; 3]> {
        match self {
            Self::Rgb(space) => space.luminances(),
            Self::Gray => Some(SRGB_LUMINANCES),
        }
    }

    /// The matrix T from cone responses to the target; `None` if the space is degenerate.
    ///
    /// ```
    /// use jxlake_frame::colour::LinearTarget;
    /// use jxlake_frame::image_header::OpsinInverseMatrix;
    ///
    /// let gray = LinearTarget::Gray.opsin_matrix(&OpsinInverseMatrix::default()).unwrap();
    /// assert!((gray[0][1] - 1.25847).abs() < 1e-5);
    /// ```
    pub fn opsin_matrix(&self, opsin: &OpsinInverseMatrix) -> Option<Matrix3> {
        let [a, b, c, d, e, f, g, h, i] = opsin.inverse_matrix.map(f64::from);
        let to_srgb = [[a, b, c], [d, e, f], [g, h, i]];
        match self {
            Self::Rgb(RgbSpace::SRGB) => Some(to_srgb),
            Self::Rgb(space) => Some(matrix::multiply(&RgbSpace::SRGB.to(space)?, &to_srgb)),
            Self::Gray => Some(matrix::multiply(&[SRGB_LUMINANCES; 3], &to_srgb)),
        }
    }
}

/// Turns X, Y and B into linear light of some [`LinearTarget`], in which 1.0 means the intensity target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct XybToLinear {
    biases: [f32; 3],
    bias_roots: [f32; 3],
    matrix: [[f32; 3]; 3],
}

impl XybToLinear {
    /// The conversion for an image with this opsin matrix and intensity target (nits, above 0); `None` if the target's
    /// space is degenerate.
    pub fn new(opsin: &OpsinInverseMatrix, target: &LinearTarget, intensity_target: f32) -> Option<Self> {
        let scale = 255.0 / f64::from(intensity_target);
        Some(Self {
            biases: opsin.opsin_biases,
            bias_roots: opsin.opsin_biases.map(f32::cbrt),
            matrix: target.opsin_matrix(opsin)?.map(|row| row.map(|v| (v * scale) as f32)),
        })
    }

    /// Converts rows of X, Y and B in place to linear red, green and blue.
    pub fn convert_rows(self, level: Level, rows: [&mut [f32]; 3]) {
        dispatch!(level, simd => map_rows(simd, self, rows));
    }

    /// Converts rows of X, Y and B in place to encoded red, green and blue, in one pass.
    pub fn convert_and_encode_rows(self, transfer: &Transfer, level: Level, rows: [&mut [f32]; 3]) {
        dispatch!(level, simd => transfer.encode_rows_after(simd, self, rows));
    }
}

impl PixelMap for XybToLinear {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, [x, y, b]: [S::f32s; 3]) -> [S::f32s; 3] {
        let l = y + x - self.bias_roots[0];
        let m = y - x - self.bias_roots[1];
        let s = b - self.bias_roots[2];
        let l = (l * l).mul_add(l, splat(simd, self.biases[0]));
        let m = (m * m).mul_add(m, splat(simd, self.biases[1]));
        let s = (s * s).mul_add(s, splat(simd, self.biases[2]));
        product(simd, &self.matrix, [l, m, s])
    }

    #[inline(always)]
    fn is_gray(&self) -> bool {
        let [first, rest @ ..] = &self.matrix;
        rest.iter().all(|row| row == first)
    }
}

/// Multiplies linear light by a matrix, for example by that between two [`RgbSpace`]s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearMatrix([[f32; 3]; 3]);

impl LinearMatrix {
    /// The map by `matrix`, rounded to f32.
    pub fn new(matrix: &Matrix3) -> Self {
        Self(matrix.map(|row| row.map(|v| v as f32)))
    }
}

impl PixelMap for LinearMatrix {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, pixel: [S::f32s; 3]) -> [S::f32s; 3] {
        product(simd, &self.0, pixel)
    }
}

#[inline(always)]
fn product<S: Simd>(simd: S, m: &[[f32; 3]; 3], [a, b, c]: [S::f32s; 3]) -> [S::f32s; 3] {
    let mut result = [a; 3];
    for (v, row) in result.iter_mut().zip(m) {
        *v = c.mul_add(splat(simd, row[2]), b.mul_add(splat(simd, row[1]), a * row[0]));
    }
    result
}

/// The samples of an image whose output colour space is XYB itself: X, Y and B - Y moved and scaled to about 0 ..= 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaledXyb;

impl PixelMap for ScaledXyb {
    #[inline(always)]
    fn map<S: Simd>(self, _: S, [x, y, b]: [S::f32s; 3]) -> [S::f32s; 3] {
        [(x + 0.015386134) * 22.995_789, y * 1.183_000_1, (b - y + 0.277_704_6) * 1.502_141_4]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::{Chromaticity, Curve, Primaries};

    fn default_map(target: LinearTarget) -> XybToLinear {
        XybToLinear::new(&OpsinInverseMatrix::default(), &target, 255.0).unwrap()
    }

    #[test]
    fn primaries_come_out_of_xyb() {
        // Red, green and blue as columns.
        let mut x = [0.028100073, -0.015386105, 0.0];
        let mut y = [0.4881882, 0.71478134, 0.2781282];
        let mut b = [0.471659, 0.43707693, 0.66613984];
        default_map(LinearTarget::Rgb(RgbSpace::SRGB)).convert_rows(Level::new(), [&mut x, &mut y, &mut b]);
        for (row, expected) in [(x, [1.0, 0.0, 0.0]), (y, [0.0, 1.0, 0.0]), (b, [0.0, 0.0, 1.0])] {
            for (v, e) in row.iter().zip(expected) {
                assert!((v - e).abs() < 2e-6, "{row:?}");
            }
        }
    }

    #[test]
    fn matrices_for_other_targets() {
        let d65 = |primaries| LinearTarget::Rgb(RgbSpace { primaries, white: Chromaticity::D65 });
        let gray = [-0.246224, 1.25847, -0.0122412];
        let cases = [
            (
                d65(Primaries::P3),
                [
                    [8.49504, -7.33044, -0.164604],
                    [-2.77978, 3.94442, -0.164640],
                    [-3.37870, 2.62159, 1.75711],
                ],
            ),
            (
                d65(Primaries::BT2100),
                [
                    [5.69106, -4.61787, -0.0731962],
                    [-2.27150, 3.41215, -0.140657],
                    [-3.38253, 2.65692, 1.72561],
                ],
            ),
            (LinearTarget::Gray, [gray; 3]),
        ];
        for (target, expected) in cases {
            let t = target.opsin_matrix(&OpsinInverseMatrix::default()).unwrap();
            for (v, e) in t.as_flattened().iter().zip(expected.as_flattened()) {
                assert!((v - e).abs() < 6e-6 * e.abs().max(0.1), "{target:?}: {t:?}");
            }
        }
    }

    #[test]
    fn huge_and_undefined_samples_do_no_harm() {
        let mut rows = [[f32::INFINITY, 1e30, -1e30, f32::NAN, f32::MAX]; 3];
        let [x, y, b] = &mut rows;
        let transfer = Transfer::new(crate::colour::Curve::Srgb, [0.2, 0.7, 0.1], 255.0);
        default_map(LinearTarget::Gray).convert_and_encode_rows(&transfer, Level::new(), [x, y, b]);
    }

    #[test]
    fn gray_is_encoded_once_and_to_the_same_bits() {
        let map = default_map(LinearTarget::Gray);
        assert!(map.is_gray() && !default_map(LinearTarget::Rgb(RgbSpace::SRGB)).is_gray());
        let transfer = Transfer::new(Curve::Srgb, SRGB_LUMINANCES.map(|v| v as f32), 255.0);
        let row = |start: f32, step: f32| (0..37).map(|i| start + step * i as f32).collect::<Vec<f32>>();
        let rows = [row(-0.01, 0.0005), row(0.0, 0.02), row(0.0, 0.019)];
        for level in [Level::new(), Level::baseline()] {
            let [mut x, mut y, mut b] = rows.clone();
            map.convert_rows(level, [&mut x, &mut y, &mut b]);
            transfer.encode_rows(level, [&mut x, &mut y, &mut b]);
            let [mut r, mut g, mut blue] = rows.clone();
            map.convert_and_encode_rows(&transfer, level, [&mut r, &mut g, &mut blue]);
            assert!([&r, &g, &blue].iter().all(|row| **row == x), "{level:?}");
        }
    }
}
