//! The edge-preserving filter (EPF): every sample becomes a mean of its neighbourhood, in which neighbours count
//! the less, the more their surroundings differ.

use super::epf_kernels::{self, Step, StepOne, StepZero};
use crate::Error;
use crate::render::{OutputRows, Reach, ScratchRows, Shift, Window, WindowStage};
use fearless_simd::dispatch;
use jxlake_util::View2;

/// 4 * (1 - sqrt(1/2)).
const RECIPROCAL_SCALE: f32 = 1.171_572_9;

/// Blocks whose reciprocal is below this, which is that of a sigma of 0.3, are left alone.
const LEAST_RECIPROCAL: f32 = -3.905_243;

/// How strongly the filter smooths, as `-4 * (1 - sqrt(1/2)) / sigma`; see [`Sigma::reciprocal`].
#[derive(Clone, Copy, Debug)]
pub enum Sigma<'f> {
    /// One value for each 8 x 8 block of the frame, in coded pixels of the least subsampled channel.
    Blocks {
        /// Which of the values a block has.
        indices: View2<'f, u16>,
        /// All that there are; other indices say that nothing is filtered.
        values: &'f [f32],
    },
    /// The same everywhere, as in Modular frames.
    Constant(f32),
}

impl Sigma<'_> {
    /// What a [`Sigma`] holds for a value of sigma. Where sigma is not positive nothing is filtered.
    #[inline]
    pub fn reciprocal(sigma: f32) -> f32 {
        if sigma > 0.0 { -RECIPROCAL_SCALE / sigma } else { f32::NEG_INFINITY }
    }

    /// The values of the blocks in this row from a column on; the last ones go on for ever.
    #[inline]
    fn row(&self, row: usize, column: usize) -> impl Iterator<Item = f32> {
        let (indices, values, constant) = match self {
            Self::Blocks { indices, values } => (indices.row(row.min(indices.rows() - 1)), *values, None),
            Self::Constant(value) => (&[][..], &[][..], Some(*value)),
        };
        let value = |index: &u16| values.get(usize::from(*index)).copied().unwrap_or(f32::NEG_INFINITY);
        let last = constant.or(indices.last().map(value)).unwrap_or(f32::NEG_INFINITY);
        let indices = indices.get(column..).unwrap_or_default();
        indices.iter().map(value).chain(std::iter::repeat(last))
    }
}

/// Which of the filter's three steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpfStep {
    /// Twelve neighbours, compared by crosses of five samples.
    Zero,
    /// Four neighbours, compared by crosses of five samples.
    One,
    /// Four neighbours, compared sample by sample.
    Two,
}

/// Parameters of the filter that do not change from block to block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpfParameters {
    /// Weights of the differences in each channel (`epf_channel_scale`).
    pub channel_scale: [f32; 3],
    /// Factor of sigma's reciprocal in this step: 1, or `epf_pass0_sigma_scale`, `epf_pass2_sigma_scale`.
    pub step_scale: f32,
    /// A further factor for the outermost samples of 8 x 8 blocks (`epf_border_sad_mul`).
    pub border_scale: f32,
}

/// One step of the edge-preserving filter.
#[derive(Clone, Copy, Debug)]
pub struct EdgePreservingFilter<'f> {
    step: EpfStep,
    sigma: Sigma<'f>,
    channel_scale: [f32; 3],
    /// Factors of the reciprocal inside of blocks and at their border.
    inner_scale: f32,
    border_scale: f32,
}

impl<'f> EdgePreservingFilter<'f> {
    /// A step. A view of blocks must not be empty.
    pub fn new(step: EpfStep, parameters: EpfParameters, sigma: Sigma<'f>) -> Result<Self, Error> {
        if let Sigma::Blocks { indices, .. } = sigma
            && (indices.rows() == 0 || indices.cols() == 0)
        {
            return Err(Error::Misuse("EPF without sigma"));
        }
        let inner_scale = 1.65 * parameters.step_scale;
        Ok(Self {
            step,
            sigma,
            channel_scale: parameters.channel_scale,
            inner_scale,
            border_scale: inner_scale * parameters.border_scale,
        })
    }

    /// Writes for each sample of row `y` from column `x` (a multiple of 8) on what its differences are
    /// multiplied with: negative infinity where nothing is filtered. Says whether anything is.
    pub(super) fn factors(&self, x: usize, y: usize, factors: &mut [f32]) -> bool {
        let inside = if matches!(y % 8, 0 | 7) { self.border_scale } else { self.inner_scale };
        let mut filtered = false;
        for (factors, reciprocal) in factors.chunks_exact_mut(8).zip(self.sigma.row(y / 8, x / 8)) {
            if reciprocal >= LEAST_RECIPROCAL {
                filtered = true;
                factors.fill(reciprocal * inside);
                (factors[0], factors[7]) = (reciprocal * self.border_scale, reciprocal * self.border_scale);
            } else {
                factors.fill(f32::NEG_INFINITY);
            }
        }
        filtered
    }

    pub(super) fn channel_scale(&self) -> [f32; 3] {
        self.channel_scale
    }
}

impl WindowStage for EdgePreservingFilter<'_> {
    fn name(&self) -> &'static str {
        match self.step {
            EpfStep::Zero => "EPF step 0",
            EpfStep::One => "EPF step 1",
            EpfStep::Two => "EPF step 2",
        }
    }

    fn reach(&self, channel: usize, _: Shift) -> Option<Reach> {
        let border = match self.step {
            EpfStep::Zero => 3,
            EpfStep::One => 2,
            EpfStep::Two => 1,
        };
        (channel < 3).then_some(Reach::border(border))
    }

    fn joint(&self) -> bool {
        true
    }

    fn scratch_rows(&self) -> usize {
        match self.step {
            EpfStep::Zero => StepZero::SCRATCH_ROWS,
            EpfStep::One => StepOne::SCRATCH_ROWS,
            EpfStep::Two => 1,
        }
    }

    fn run(
        &self,
        input: &Window<'_>,
        output: &mut OutputRows<'_>,
        scratch: &mut ScratchRows<'_>,
    ) -> Result<(), Error> {
        if input.channels() != 3 {
            return Err(Error::Misuse("EPF needs three channels"));
        }
        let (level, rows) = (input.level(), (output, scratch));
        match self.step {
            EpfStep::Zero => {
                dispatch!(level, simd => epf_kernels::crosses(simd, StepZero, self, input, rows))
            }
            EpfStep::One => dispatch!(level, simd => epf_kernels::crosses(simd, StepOne, self, input, rows)),
            EpfStep::Two => dispatch!(level, simd => epf_kernels::samples(simd, self, input, rows)),
        }
    }
}
