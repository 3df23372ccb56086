//! Chroma upsampling: subsampled channels of YCbCr frames brought to the resolution of the frame, first in width,
//! then in height.

use super::vector::{load, store};
use crate::Error;
use crate::render::{OutputRows, PAD, Reach, ScratchRows, Shift, Window, WindowStage};
use fearless_simd::{Simd, dispatch, prelude::*};

/// Doubles the width of the colour channels that are narrower than the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChromaUpsamplingHorizontal {
    /// Shift of a channel that is as wide as the frame: log2 of the frame's upsampling.
    pub frame_shift: u8,
}

/// Doubles the height of the colour channels that are lower than the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChromaUpsamplingVertical {
    /// Shift of a channel that is as high as the frame: log2 of the frame's upsampling.
    pub frame_shift: u8,
}

impl WindowStage for ChromaUpsamplingHorizontal {
    fn name(&self) -> &'static str {
        "horizontal chroma upsampling"
    }

    fn reach(&self, channel: usize, shift: Shift) -> Option<Reach> {
        let scale = Shift { horizontal: 1, vertical: 0 };
        let narrow = channel < 3 && shift.horizontal > self.frame_shift;
        narrow.then_some(Reach { columns: 1, rows: 0, scale })
    }

    fn run(
        &self,
        input: &Window<'_>,
        output: &mut OutputRows<'_>,
        _: &mut ScratchRows<'_>,
    ) -> Result<(), Error> {
        for row in 0..input.rows() {
            let [to] = output.get([(0, row)])?;
            let from = input.row(0, row as isize);
            dispatch!(input.level(), simd => widen(simd, from, to));
        }
        Ok(())
    }
}

impl WindowStage for ChromaUpsamplingVertical {
    fn name(&self) -> &'static str {
        "vertical chroma upsampling"
    }

    fn reach(&self, channel: usize, shift: Shift) -> Option<Reach> {
        let scale = Shift { horizontal: 0, vertical: 1 };
        let low = channel < 3 && shift.vertical > self.frame_shift;
        low.then_some(Reach { columns: 0, rows: 1, scale })
    }

    fn run(
        &self,
        input: &Window<'_>,
        output: &mut OutputRows<'_>,
        _: &mut ScratchRows<'_>,
    ) -> Result<(), Error> {
        for row in 0..input.rows() {
            let to = output.get([(0, 2 * row), (0, 2 * row + 1)])?;
            let row = row as isize;
            let from = [input.row(0, row - 1), input.row(0, row), input.row(0, row + 1)];
            dispatch!(input.level(), simd => heighten(simd, from, to));
        }
        Ok(())
    }
}

#[inline(always)]
fn widen<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    let lanes = S::f32s::LEN;
    for (i, to) in to.chunks_exact_mut(2 * lanes).enumerate() {
        let at = PAD + i * lanes;
        let near = load(simd, from, at) * 0.75;
        let left = near + load(simd, from, at - 1) * 0.25;
        let right = near + load(simd, from, at + 1) * 0.25;
        let (low, high) = left.interleave(right);
        store::<S>(low, to, 0);
        store::<S>(high, to, lanes);
    }
}

#[inline(always)]
fn heighten<S: Simd>(simd: S, from: [&[f32]; 3], to: [&mut [f32]; 2]) {
    let [above, centre, below] = from;
    let [upper, lower] = to;
    let lanes = S::f32s::LEN;
    let rows = upper.chunks_exact_mut(lanes).zip(lower.chunks_exact_mut(lanes));
    for (i, (upper, lower)) in rows.enumerate() {
        let at = PAD + i * lanes;
        let near = load(simd, centre, at) * 0.75;
        store::<S>(near + load(simd, above, at) * 0.25, upper, 0);
        store::<S>(near + load(simd, below, at) * 0.25, lower, 0);
    }
}
