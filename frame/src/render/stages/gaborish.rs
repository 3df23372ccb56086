//! Gaborish: the 3 x 3 smoothing that undoes the sharpening of the encoder.

use super::vector::{load, splat, store};
use crate::Error;
use crate::render::{OutputRows, PAD, Reach, ScratchRows, Shift, Window, WindowStage};
use fearless_simd::{Simd, dispatch, prelude::*};

/// The 3 x 3 filter of the colour channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaborish {
    /// For each channel the weights of the centre, of its four next neighbours, of the four diagonal ones.
    kernels: [[f32; 3]; 3],
}

impl Gaborish {
    /// The filter with the weights of the frame header: for each channel those of the next neighbours and of
    /// the diagonal ones relative to the centre's. `1 + 4 * (sum of both)` must not be 0.
    pub fn new(weights: [[f32; 2]; 3]) -> Self {
        let kernels = weights.map(|[next, diagonal]| {
            let sum = 1.0 + 4.0 * (next + diagonal);
            [1.0 / sum, next / sum, diagonal / sum]
        });
        Self { kernels }
    }
}

impl WindowStage for Gaborish {
    fn name(&self) -> &'static str {
        "gaborish"
    }

    fn reach(&self, channel: usize, _: Shift) -> Option<Reach> {
        (channel < 3).then_some(Reach::border(1))
    }

    fn joint(&self) -> bool {
        true
    }

    fn run(
        &self,
        input: &Window<'_>,
        output: &mut OutputRows<'_>,
        _: &mut ScratchRows<'_>,
    ) -> Result<(), Error> {
        dispatch!(input.level(), simd => filter(simd, self, input, output))
    }
}

#[inline(always)]
fn filter<S: Simd>(
    simd: S,
    stage: &Gaborish,
    input: &Window<'_>,
    output: &mut OutputRows<'_>,
) -> Result<(), Error> {
    for index in 0..input.channels() {
        let kernel = stage.kernels[input.channel(index)];
        for row in 0..input.rows() {
            let [to] = output.get([(index, row)])?;
            let row = row as isize;
            let rows = [input.row(index, row - 1), input.row(index, row), input.row(index, row + 1)];
            filter_row(simd, kernel, rows, to);
        }
    }
    Ok(())
}

#[inline(always)]
fn filter_row<S: Simd>(simd: S, kernel: [f32; 3], rows: [&[f32]; 3], to: &mut [f32]) {
    let width = to.len();
    let k = [splat(simd, kernel[0]), splat(simd, kernel[1]), splat(simd, kernel[2])];
    let [above, centre, below] = rows;
    let lanes = S::f32s::LEN;
    let mut x = 0;
    while x + lanes <= width {
        let at = PAD + x;
        let next = load(simd, centre, at - 1)
            + load(simd, centre, at + 1)
            + (load(simd, above, at) + load(simd, below, at));
        let diagonal = load(simd, above, at - 1)
            + load(simd, above, at + 1)
            + (load(simd, below, at - 1) + load(simd, below, at + 1));
        let sum = diagonal.mul_add(k[2], next.mul_add(k[1], load(simd, centre, at) * k[0]));
        store::<S>(sum, to, x);
        x += lanes;
    }
}
