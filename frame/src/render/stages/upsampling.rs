//! Upsampling of whole channels by 2, 4 or 8 with kernels of 5 x 5 samples.

use super::vector::{load, splat, store};
use crate::Error;
use crate::image_header::UpsamplingWeights;
use crate::render::{OutputRows, PAD, Reach, ScratchRows, Shift, Window, WindowStage};
use fearless_simd::{Simd, dispatch, prelude::*};

/// The unfolded kernels of all factors; they belong to the image.
#[derive(Clone, Debug, PartialEq)]
pub struct UpsamplingKernels {
    by2: [[f32; 25]; 4],
    by4: [[f32; 25]; 16],
    by8: [[f32; 25]; 64],
}

impl UpsamplingKernels {
    /// Unfolds the weights of the image header.
    pub fn new(weights: &UpsamplingWeights) -> Self {
        let mut kernels = Self { by2: [[0.0; 25]; 4], by4: [[0.0; 25]; 16], by8: [[0.0; 25]; 64] };
        for (factor, list) in
            [(2, &mut kernels.by2[..]), (4, &mut kernels.by4[..]), (8, &mut kernels.by8[..])]
        {
            for (index, kernel) in list.iter_mut().enumerate() {
                *kernel = weights.kernel(factor, (index / factor, index % factor)).unwrap_or([0.0; 25]);
            }
        }
        kernels
    }
}

impl Default for UpsamplingKernels {
    fn default() -> Self {
        Self::new(&UpsamplingWeights::default())
    }
}

/// Which channels an [`Upsampling`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsampled {
    /// The first three.
    Colour,
    /// Those from this one up to, not including, that one.
    Channels(usize, usize),
    /// All.
    All,
}

/// Brings channels to the full resolution of the frame, by 2, 4 or 8 in one step.
#[derive(Clone, Copy, Debug)]
pub struct Upsampling<'f> {
    /// The kernels of the image.
    pub kernels: &'f UpsamplingKernels,
    /// The channels; those in full resolution stay as they are.
    pub channels: Upsampled,
}

impl WindowStage for Upsampling<'_> {
    fn name(&self) -> &'static str {
        "upsampling"
    }

    fn reach(&self, channel: usize, shift: Shift) -> Option<Reach> {
        let taken = match self.channels {
            Upsampled::Colour => channel < 3,
            Upsampled::Channels(start, end) => (start..end).contains(&channel),
            Upsampled::All => true,
        };
        (taken && shift != Shift::both(0)).then_some(Reach { columns: 2, rows: 2, scale: shift })
    }

    fn scratch_rows(&self) -> usize {
        2
    }

    fn run(
        &self,
        input: &Window<'_>,
        output: &mut OutputRows<'_>,
        scratch: &mut ScratchRows<'_>,
    ) -> Result<(), Error> {
        let (level, to) = (input.level(), (output, scratch));
        match output_factor(input, to.0) {
            2 => dispatch!(level, simd => enlarge::<_, 2>(simd, &self.kernels.by2, input, to)),
            4 => dispatch!(level, simd => enlarge::<_, 4>(simd, &self.kernels.by4, input, to)),
            8 => dispatch!(level, simd => enlarge::<_, 8>(simd, &self.kernels.by8, input, to)),
            _ => Err(Error::Misuse("upsampling by another factor than 2, 4, 8")),
        }
    }
}

fn output_factor(input: &Window<'_>, output: &OutputRows<'_>) -> usize {
    output.width() / input.width()
}

/// Makes `N` x `N` samples of every sample. `kernels` has `N * N`.
#[inline(always)]
fn enlarge<S: Simd, const N: usize>(
    simd: S,
    kernels: &[[f32; 25]],
    input: &Window<'_>,
    (output, scratch): (&mut OutputRows<'_>, &mut ScratchRows<'_>),
) -> Result<(), Error> {
    let width = input.width();
    let length = scratch.row_length();
    let (least, most) = scratch.samples().split_at_mut(length);
    for row in 0..input.rows() {
        let from = [0, 1, 2, 3, 4].map(|tap| input.row(0, (row + tap) as isize - 2));
        bounds(simd, from, width, (&mut *least, &mut *most));
        for (phase, kernels) in kernels.chunks_exact(N).enumerate() {
            let [to] = output.get([(0, N * row + phase)])?;
            enlarge_row::<S, N>(simd, kernels, from, (&*least, &*most), to);
        }
    }
    Ok(())
}

/// The least and the largest sample of the 5 x 5 around every sample.
#[inline(always)]
fn bounds<S: Simd>(simd: S, from: [&[f32]; 5], width: usize, (least, most): (&mut [f32], &mut [f32])) {
    let lanes = S::f32s::LEN;
    // Of the five rows first, in the columns of the input.
    let start = PAD - lanes;
    for i in 0..width / lanes + 2 {
        let at = start + i * lanes;
        let mut low = load(simd, from[0], at);
        let mut high = low;
        for row in &from[1..] {
            let v = load(simd, row, at);
            low = low.min(v);
            high = high.max(v);
        }
        store::<S>(low, least, at);
        store::<S>(high, most, at);
    }
    for (at, column) in (0..width).step_by(lanes).map(|x| (x, PAD + x)) {
        let mut low = load(simd, least, column - 2);
        let mut high = load(simd, most, column - 2);
        for tap in [column - 1, column, column + 1, column + 2] {
            low = low.min(load(simd, least, tap));
            high = high.max(load(simd, most, tap));
        }
        // In place: these elements are to the left of all that the next vectors read.
        store::<S>(low, least, at);
        store::<S>(high, most, at);
    }
}

#[inline(always)]
fn enlarge_row<S: Simd, const N: usize>(
    simd: S,
    kernels: &[[f32; 25]],
    from: [&[f32]; 5],
    (least, most): (&[f32], &[f32]),
    to: &mut [f32],
) {
    let lanes = S::f32s::LEN;
    for (i, to) in to.chunks_exact_mut(N * lanes).enumerate() {
        let x = i * lanes;
        let (low, high) = (load(simd, least, x), load(simd, most, x));
        if low.simd_eq(high).all_true() {
            // Constant samples, which alpha channels are full of: whatever the kernels give is clamped to them.
            let mut sums = [low; N];
            interleave::<S, N>(&mut sums);
            store_all::<S, N>(&sums, to);
            continue;
        }
        let mut sums = [splat(simd, 0.0); N];
        for (row, from) in from.iter().enumerate() {
            for column in 0..5 {
                let v = load(simd, from, PAD - 2 + x + column);
                for phase in 0..N {
                    let weight = splat(simd, kernels[phase][5 * row + column]);
                    sums[phase] = v.mul_add(weight, sums[phase]);
                }
            }
        }
        for sum in &mut sums {
            *sum = sum.max(low).min(high);
        }
        interleave::<S, N>(&mut sums);
        store_all::<S, N>(&sums, to);
    }
}

#[inline(always)]
fn store_all<S: Simd, const N: usize>(vectors: &[S::f32s; N], to: &mut [f32]) {
    for (index, vector) in vectors.iter().enumerate() {
        store::<S>(*vector, to, index * S::f32s::LEN);
    }
}

/// Turns `N` vectors, one for each phase, into `N` vectors of neighbouring samples.
#[inline(always)]
fn interleave<S: Simd, const N: usize>(v: &mut [S::f32s; N]) {
    // Each round puts the samples of phases p and p + N/2 next to each other.
    let mut rounds = N;
    while rounds > 1 {
        let old = *v;
        for pair in 0..N / 2 {
            (v[2 * pair], v[2 * pair + 1]) = old[pair].interleave(old[pair + N / 2]);
        }
        rounds /= 2;
    }
}
