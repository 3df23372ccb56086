//! Upsampling of whole channels by 2, 4 or 8 with kernels of 5 x 5 samples.

use super::vector::{load, splat, store};
use crate::Error;
use crate::image_header::UpsamplingWeights;
use crate::render::{OutputRows, PAD, Reach, ScratchRows, Shift, Window, WindowStage};
use fearless_simd::{Simd, dispatch, prelude::*};

/// The kernels of all factors in the form in which they are applied; they belong to the image.
///
/// The kernel of a phase and those of the phases mirrored in one direction or both have the same weights, mirrored.
/// So sums and differences of opposite samples serve four phases at once, a quarter of the multiplications. A
/// kernel has 5 x 5 weights, for the rows and columns of the *centre*, the *sums* of the samples at distance 1 and
/// 2, and the *differences* of those (the one before minus the one behind). There is one for each phase of the
/// upper left quarter.
#[derive(Clone, Debug, PartialEq)]
pub struct UpsamplingKernels {
    by2: [[f32; 25]; 1],
    by4: [[f32; 25]; 4],
    by8: [[f32; 25]; 16],
}

impl UpsamplingKernels {
    /// The kernels that the weights of the image header define.
    pub fn new(weights: &UpsamplingWeights) -> Self {
        let mut kernels = Self { by2: [[0.0; 25]; 1], by4: [[0.0; 25]; 4], by8: [[0.0; 25]; 16] };
        for (factor, list) in
            [(2, &mut kernels.by2[..]), (4, &mut kernels.by4[..]), (8, &mut kernels.by8[..])]
        {
            for (index, kernel) in list.iter_mut().enumerate() {
                let half = factor / 2;
                let taps = weights.kernel(factor, (index / half, index % half)).unwrap_or([0.0; 25]);
                *kernel = fold(taps);
            }
        }
        kernels
    }
}

/// From weights of samples to weights of centre, sums and differences.
fn fold(taps: [f32; 25]) -> [f32; 25] {
    fn fold_line([a, b, c, d, e]: [f32; 5]) -> [f32; 5] {
        [c, (b + d) / 2.0, (a + e) / 2.0, (b - d) / 2.0, (a - e) / 2.0]
    }
    let mut folded = [0.0; 25];
    for row in 0..5 {
        let line = fold_line(std::array::from_fn(|column| taps[5 * row + column]));
        folded[5 * row..5 * row + 5].copy_from_slice(&line);
    }
    for column in 0..5 {
        let line = fold_line(std::array::from_fn(|row| folded[5 * row + column]));
        for (row, weight) in line.into_iter().enumerate() {
            folded[5 * row + column] = weight;
        }
    }
    folded
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

/// Makes `N` x `N` samples of every sample, with the kernels of a quarter of the phases.
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
        let first = row as isize - 2;
        let from = [
            input.row(0, first),
            input.row(0, first + 1),
            input.row(0, first + 2),
            input.row(0, first + 3),
            input.row(0, first + 4),
        ];
        bounds(simd, from, width, (&mut *least, &mut *most));
        let to = output.get::<N>(std::array::from_fn(|phase| (0, N * row + phase)))?;
        enlarge_row::<S, N>(simd, kernels, from, (&least[..width], &most[..width]), to);
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
    mut to: [&mut [f32]; N],
) {
    let lanes = S::f32s::LEN;
    for i in 0..least.len() / lanes {
        let x = i * lanes;
        let (low, high) = (load(simd, least, x), load(simd, most, x));
        if low.simd_eq(high).all_true() {
            // Constant samples, which alpha channels are full of: whatever the kernels give is clamped to them.
            for to in &mut to {
                store_interleaved::<S, N>([low; N], &mut to[N * x..][..N * lanes]);
            }
            continue;
        }
        let parts = parts(simd, from, PAD + x);
        for (y, kernels) in kernels.chunks_exact(N / 2).enumerate() {
            let (mut upper, mut lower) = ([low; N], [low; N]);
            for phase in 0..N / 2 {
                let mirrored = N - 1 - phase;
                let samples = four_phases(simd, &kernels[phase], &parts);
                upper[phase] = samples[0].max(low).min(high);
                upper[mirrored] = samples[1].max(low).min(high);
                lower[phase] = samples[2].max(low).min(high);
                lower[mirrored] = samples[3].max(low).min(high);
            }
            store_interleaved::<S, N>(upper, &mut to[y][N * x..][..N * lanes]);
            store_interleaved::<S, N>(lower, &mut to[N - 1 - y][N * x..][..N * lanes]);
        }
    }
}

/// Centre, sums and differences in both directions around the samples from element `at` on.
#[inline(always)]
fn parts<S: Simd>(simd: S, from: [&[f32]; 5], at: usize) -> [S::f32s; 25] {
    let mut lines = [splat(simd, 0.0); 25];
    for row in 0..5 {
        let taps = &from[row][at - 2..][..S::f32s::LEN + 4];
        let (far, near) = (load(simd, taps, 0), load(simd, taps, 1));
        let (near_behind, far_behind) = (load(simd, taps, 3), load(simd, taps, 4));
        lines[5 * row] = load(simd, taps, 2);
        lines[5 * row + 1] = near + near_behind;
        lines[5 * row + 2] = far + far_behind;
        lines[5 * row + 3] = near - near_behind;
        lines[5 * row + 4] = far - far_behind;
    }
    let mut parts = lines;
    for column in 0..5 {
        parts[column] = lines[10 + column];
        parts[5 + column] = lines[5 + column] + lines[15 + column];
        parts[10 + column] = lines[column] + lines[20 + column];
        parts[15 + column] = lines[5 + column] - lines[15 + column];
        parts[20 + column] = lines[column] - lines[20 + column];
    }
    parts
}

/// The samples of a phase, and of the ones mirrored across, down, and both.
#[inline(always)]
fn four_phases<S: Simd>(simd: S, kernel: &[f32; 25], parts: &[S::f32s; 25]) -> [S::f32s; 4] {
    // Even and odd in each direction; even parts are the first three.
    let mut even = [parts[0] * kernel[0], parts[3] * kernel[3]];
    let mut odd = [parts[15] * kernel[15], parts[18] * kernel[18]];
    for index in 1..15 {
        if index != 3 {
            let part = &mut even[usize::from(index % 5 > 2)];
            *part = parts[index].mul_add(splat(simd, kernel[index]), *part);
        }
    }
    for index in 16..25 {
        if index != 18 {
            let part = &mut odd[usize::from(index % 5 > 2)];
            *part = parts[index].mul_add(splat(simd, kernel[index]), *part);
        }
    }
    let [left, right] = [even[0] + odd[0], even[1] + odd[1]];
    let [left_below, right_below] = [even[0] - odd[0], even[1] - odd[1]];
    [left + right, left - right, left_below + right_below, left_below - right_below]
}

/// Writes `N` vectors, one for each phase, so that the phases of each sample are next to each other.
#[inline(always)]
fn store_interleaved<S: Simd, const N: usize>(mut phases: [S::f32s; N], to: &mut [f32]) {
    // Each round puts the samples of phases p and p + N/2 next to each other.
    let mut rounds = N;
    while rounds > 1 {
        let old = phases;
        for pair in 0..N / 2 {
            (phases[2 * pair], phases[2 * pair + 1]) = old[pair].interleave(old[pair + N / 2]);
        }
        rounds /= 2;
    }
    for (index, vector) in phases.iter().enumerate() {
        store::<S>(*vector, to, index * S::f32s::LEN);
    }
}
