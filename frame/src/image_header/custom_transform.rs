//! `OpsinInverseMatrix`, the first part of `CustomTransformData`.

use jxlake_entropy::BitReader;

use crate::error::Result;
use crate::fields::Fields;

/// From XYB to linear light, and the biases of quantised coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OpsinInverseMatrix {
    /// 3 x 3 matrix, row by row, from mixed opsin to linear RGB.
    pub inverse_matrix: [f32; 9],
    /// What is subtracted (as a cube root) and added around the cube, per channel of opsin.
    pub opsin_biases: [f32; 3],
    /// Biases of the coefficients ±1 of X, Y, B; then the numerator for all larger ones.
    pub quant_biases: [f32; 4],
}

impl Default for OpsinInverseMatrix {
    #[expect(clippy::excessive_precision, reason = "the decimals of the standard")]
    fn default() -> Self {
        Self {
            inverse_matrix: [
                11.031566901960783,
                -9.866943921568629,
                -0.16462299647058826,
                -3.254147380392157,
                4.418770392156863,
                -0.16462299647058826,
                -3.6588512862745097,
                2.7129230470588235,
                1.9459282392156863,
            ],
            opsin_biases: [-0.0037930732552754493; 3],
            quant_biases: [
                1.0 - 0.05465007330715401,
                1.0 - 0.07005449891748593,
                1.0 - 0.049935103337343655,
                0.145,
            ],
        }
    }
}

impl OpsinInverseMatrix {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let mut matrix = Self::default();
        if !bits.bool()? {
            bits.f16_array(&mut matrix.inverse_matrix)?;
            bits.f16_array(&mut matrix.opsin_biases)?;
            bits.f16_array(&mut matrix.quant_biases)?;
        }
        Ok(matrix)
    }
}
