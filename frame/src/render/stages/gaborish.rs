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
    let k = [splat(simd, kernel[0]), splat(simd, kernel[1]), splat(simd, kernel[2])];
    if S::f32s::LEN == 16 {
        filter_by_slides(simd, k, rows, to);
    } else {
        filter_by_loads(simd, k, rows, to);
    }
}

/// Every neighbour is loaded from where it is.
#[inline(always)]
fn filter_by_loads<S: Simd>(simd: S, k: [S::f32s; 3], rows: [&[f32]; 3], to: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let width = to.len();
    let (above, centre, below) = (&rows[0][PAD - 1..], &rows[1][PAD - 1..], &rows[2][PAD - 1..]);
    let (above, centre, below) = (&above[..width + 2], &centre[..width + 2], &below[..width + 2]);
    for (i, to) in to.chunks_exact_mut(lanes).enumerate() {
        let x = i * lanes;
        let next = load(simd, centre, x) + load(simd, centre, x + 2);
        let next = next + (load(simd, above, x + 1) + load(simd, below, x + 1));
        let left = load(simd, above, x) + load(simd, below, x);
        let right = load(simd, above, x + 2) + load(simd, below, x + 2);
        let sum = next.mul_add(k[1], load(simd, centre, x + 1) * k[0]);
        store::<S>((left + right).mul_add(k[2], sum), to, 0);
    }
}

/// Every sample is loaded once, and neighbours come out of two registers: where vectors are whole cache lines,
/// loads from in between cost double (1.3x on AVX-512, a loss on AVX2).
#[inline(always)]
fn filter_by_slides<S: Simd>(simd: S, k: [S::f32s; 3], rows: [&[f32]; 3], to: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let width = to.len() + 2 * lanes;
    let start = PAD - lanes;
    let (above, centre, below) = (&rows[0][start..], &rows[1][start..], &rows[2][start..]);
    let (above, centre, below) = (&above[..width], &centre[..width], &below[..width]);
    let mut before = load(simd, centre, 0);
    let mut before_sides = load(simd, above, 0) + load(simd, below, 0);
    let mut here = load(simd, centre, lanes);
    let mut sides = load(simd, above, lanes) + load(simd, below, lanes);
    for (i, to) in to.chunks_exact_mut(lanes).enumerate() {
        let x = (i + 2) * lanes;
        let after = load(simd, centre, x);
        let after_sides = load(simd, above, x) + load(simd, below, x);
        let next = before.slide::<15>(here) + here.slide::<1>(after) + sides;
        let diagonal = before_sides.slide::<15>(sides) + sides.slide::<1>(after_sides);
        let sum = next.mul_add(k[1], here * k[0]);
        store::<S>(diagonal.mul_add(k[2], sum), to, 0);
        (before, here) = (here, after);
        (before_sides, sides) = (sides, after_sides);
    }
}
