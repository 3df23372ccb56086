//! The upsampling kernels, the second part of `CustomTransformData`.

use jxlake_entropy::BitReader;

use super::default_weights::{UP2, UP4, UP8};
use crate::error::Result;
use crate::fields::Fields;

/// The kernels that enlarge subsampled frames 2, 4 or 8 times.
///
/// Each list is the upper triangle, row by row, of a symmetric matrix of `5 N / 2` rows for the factor `N`;
/// [`kernel`](Self::kernel) unfolds it.
#[derive(Debug, Clone, PartialEq)]
pub struct UpsamplingWeights {
    /// Weights of factor 2.
    pub up2: [f32; 15],
    /// Weights of factor 4.
    pub up4: [f32; 55],
    /// Weights of factor 8.
    pub up8: [f32; 210],
}

impl Default for UpsamplingWeights {
    fn default() -> Self {
        Self { up2: UP2, up4: UP4, up8: UP8 }
    }
}

impl UpsamplingWeights {
    /// Reads the lists that the codestream has; the others stay.
    pub(super) fn read(&mut self, bits: &mut BitReader<'_>) -> Result<()> {
        let custom_weights_mask = bits.u(3)?;
        if custom_weights_mask & 1 != 0 {
            bits.f16_array(&mut self.up2)?;
        }
        if custom_weights_mask & 2 != 0 {
            bits.f16_array(&mut self.up4)?;
        }
        if custom_weights_mask & 4 != 0 {
            bits.f16_array(&mut self.up8)?;
        }
        Ok(())
    }

    /// The 5 x 5 kernel, row by row, that gives the pixel at row `phase.0` and column `phase.1` among the `factor` x
    /// `factor` pixels of one sample; the kernel's centre lies on that sample. `None` unless `factor` is 2, 4 or 8 and
    /// both phases are below it.
    pub fn kernel(&self, factor: usize, phase: (usize, usize)) -> Option<[f32; 25]> {
        let weights: &[f32] = match factor {
            2 => &self.up2,
            4 => &self.up4,
            8 => &self.up8,
            _ => return None,
        };
        if phase.0 >= factor || phase.1 >= factor {
            return None;
        }
        let mut kernel = [0.0; 25];
        for (tap, value) in kernel.iter_mut().enumerate() {
            let row = matrix_index(factor, phase.0, tap / 5);
            let col = matrix_index(factor, phase.1, tap % 5);
            let (y, x) = (row.min(col), row.max(col));
            // Row y of the triangle comes after y rows of s, s - 1, … numbers, s = 5 factor / 2, and begins at x = y.
            *value = weights[5 * factor / 2 * y - y * (y + 1) / 2 + x];
        }
        Some(kernel)
    }
}

/// Where a tap of a phase lies in the matrix, by row or column; phases of the second half mirror those of the first.
fn matrix_index(factor: usize, phase: usize, tap: usize) -> usize {
    if phase < factor / 2 { 5 * phase + tap } else { 5 * (factor - 1 - phase) + 4 - tap }
}
