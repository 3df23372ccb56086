//! The loop over a row of a channel whose tree needs the weighted predictor.
//!
//! In 32 bits, the four sub-predictors side by side in a vector. That is exact while samples and errors are not too large,
//! which blocks of columns are tested for; those that fail are decoded as the format says.

use fearless_simd::prelude::*;
use fearless_simd::{i16x8, i32x4, u64x2};
use jxlake_entropy::IntegerReader;
use std::hint::select_unpredictable;

use super::super::predictor::{Neighbours, Predictor};
use super::super::properties::gradient;
use super::super::prune::PrunedLeaf;
use super::super::weighted::{
    DIVISION, ErrorRow, PackedErrors, WeightedHeader, WeightedState, any_saturated, pack,
};
use super::choosers::{ByMask, BySubtree, ClusterTable, Reconstruct};
use super::mask::{left_table, restrict};
use super::rows::Rows;
use super::stream::Stream;
use super::weights::WeightTable;

/// Columns that are decoded together.
pub(crate) const BLOCK: usize = 64;

/// Samples below this magnitude, with errors below [`MOST_ERROR`], make no sum that needs more than 32 bits: each
/// sub-prediction is below 2^24 and is multiplied by 32 at most.
const MOST_SAMPLE: i32 = 1 << 18;

/// The same for true errors, in eighths. One that a row of such samples makes may be twice as large, for which there is room.
const MOST_ERROR: i32 = 1 << 21;

/// Whether a value is below a bound, a power of two, in magnitude. Also for -bound.
#[inline(always)]
fn is_within(value: i32, bound: i32) -> bool {
    value.wrapping_add(bound) as u32 & !(2 * bound as u32 - 1) == 0
}

/// What the rows above contribute to a block of columns, computed ahead for all of them, and what the block gives.
///
/// In arrays of fixed size, one behind the other, so that the loop needs one address for all.
#[derive(Debug)]
pub(crate) struct Block {
    /// The samples above and two to the right of the block.
    north: [i32; BLOCK + 2],
    north_north: [i32; BLOCK],
    /// The parts of the sub-predictions that come from above, in 256ths.
    parts: [[i32; 4]; BLOCK],
    /// The lower and the higher of N and NE, in eighths as all that follow.
    low: [i32; BLOCK],
    high: [i32; BLOCK],
    /// The true error above.
    te_n: [i32; BLOCK],
    /// The same xor the one to its left.
    te_signs: [i32; BLOCK],
    /// Sums of the errors above.
    errors: [PackedErrors; BLOCK],
    /// Of the true errors above, the one that is largest in magnitude.
    strongest: [i32; BLOCK],
    magnitude: [i32; BLOCK],
    samples: [i32; BLOCK],
    true_errors: [i32; BLOCK],
    packed: [PackedErrors; BLOCK],
}

impl Default for Block {
    fn default() -> Self {
        Self {
            north: [0; BLOCK + 2],
            north_north: [0; BLOCK],
            parts: [[0; 4]; BLOCK],
            low: [0; BLOCK],
            high: [0; BLOCK],
            te_n: [0; BLOCK],
            te_signs: [0; BLOCK],
            errors: [0; BLOCK],
            strongest: [0; BLOCK],
            magnitude: [0; BLOCK],
            samples: [0; BLOCK],
            true_errors: [0; BLOCK],
            packed: [0; BLOCK],
        }
    }
}

impl Block {
    /// Computes what the rows above contribute to the `columns` from `start` on, if it fits.
    #[inline(always)]
    fn fill(&mut self, rows: &Rows<'_>, state: &WeightedState, start: usize, columns: usize) -> bool {
        let WeightedHeader { p1, p2, p3, .. } = state.header;
        let columns = columns.min(BLOCK);
        self.north[..columns + 2].copy_from_slice(&rows.north[start..][..columns + 2]);
        self.north_north[..columns].copy_from_slice(&rows.north_north[start..][..columns]);
        let north_west = &rows.north_west[start..][..columns];
        let true_errors = &state.north.true_errors[start..][..columns + 2];
        let packed = &state.north.packed[start..][..columns + 2];
        let magnitudes = |values: &[i32]| values.iter().fold(0, |all, value| all | value ^ value >> 31);
        let samples = magnitudes(&self.north[..columns + 2])
            | magnitudes(&self.north_north[..columns])
            | magnitudes(&north_west[..1]);
        if samples >= MOST_SAMPLE || magnitudes(true_errors) >= MOST_ERROR {
            return false;
        }
        for i in 0..columns {
            self.errors[i] = packed[i] + packed[i + 1] + packed[i + 2];
        }
        for i in 0..columns {
            let [te_nw, te_n, te_ne] = [true_errors[i], true_errors[i + 1], true_errors[i + 2]];
            let larger = |a: i32, b: i32| if b.abs() > a.abs() { b } else { a };
            self.strongest[i] = larger(larger(te_n, te_nw), te_ne);
            self.magnitude[i] = self.strongest[i].abs();
            let n = self.north[i] * 8;
            let ne = self.north[i + 1] * 8;
            let nn = self.north_north[i] * 8;
            let nw = north_west[i] * 8;
            // a - (b >> 5) is (32 a - b + 31) >> 5.
            self.parts[i] = [
                (ne - n) * 32,
                n * 32 + 31 - (te_n + te_ne) * p1,
                31 - (te_n + te_nw) * p2,
                n * 32 + 31 - (te_nw * p3[0] + te_n * p3[1] + te_ne * p3[2] + (nn - n) * p3[3] + nw * p3[4]),
            ];
            self.low[i] = n.min(ne);
            self.high[i] = n.max(ne);
            self.te_n[i] = te_n;
            self.te_signs[i] = te_n ^ te_nw;
        }
        true
    }
}

/// Finds the leaf of a sample, given property 15 too.
pub(crate) trait WeightedChooser {
    /// What a value of property 15 says about the leaf.
    fn of_max_error(&self, max_error: i32) -> u8;

    /// The leaf at column `x`, given [what](Self::of_max_error) property 15 says. `gradient_before` is property 9 of the
    /// sample to the left.
    fn choose(&self, x: usize, around: &Neighbours, gradient_before: i32, of_max_error: u8) -> PrunedLeaf;
}

/// Trees of splits on property 15 whose leaves have the predictor Weighted and differ in their cluster only.
pub(crate) struct ByMaxError<'a>(pub(crate) ClusterTable<'a>);

impl WeightedChooser for ByMaxError<'_> {
    /// The cluster.
    #[inline(always)]
    fn of_max_error(&self, max_error: i32) -> u8 {
        self.0.at(max_error)
    }

    #[inline(always)]
    fn choose(&self, _: usize, _: &Neighbours, _: i32, cluster: u8) -> PrunedLeaf {
        PrunedLeaf { cluster, predictor: Predictor::Weighted, offset: 0, multiplier: 1 }
    }
}

/// Trees with mask tables.
impl<const W: usize, const LEFT: u8> WeightedChooser for ByMask<'_, W, LEFT> {
    /// The interval.
    #[inline(always)]
    fn of_max_error(&self, max_error: i32) -> u8 {
        self.left.table(left_table::MAX_ERROR).interval(max_error)
    }

    #[inline(always)]
    fn choose(&self, x: usize, around: &Neighbours, gradient_before: i32, interval: u8) -> PrunedLeaf {
        let mut mask = self.above[x];
        restrict(&mut mask, self.left.table(left_table::MAX_ERROR).mask(interval));
        self.restrict_left(&mut mask, around, gradient_before);
        self.leaf(&mask)
    }
}

/// Trees with masks by subtree.
impl<const LEFT: u8> WeightedChooser for BySubtree<'_, LEFT> {
    /// The interval.
    #[inline(always)]
    fn of_max_error(&self, max_error: i32) -> u8 {
        self.tables.interval(left_table::MAX_ERROR, max_error)
    }

    #[inline(always)]
    fn choose(&self, x: usize, around: &Neighbours, gradient_before: i32, interval: u8) -> PrunedLeaf {
        self.leaf(x, around, gradient_before, Some(interval))
    }
}

/// Memory and constants of the loop.
pub(crate) struct Weighting<'a> {
    pub(crate) state: &'a mut WeightedState,
    pub(crate) table: &'a WeightTable,
    pub(crate) block: &'a mut Block,
}

/// Decodes a row that is not the first one. Not ended in the weighted predictor.
#[inline(always)]
pub(crate) fn decode_row<'b, S, R, C, P>(
    simd: S,
    mut stream: Stream<'b, R>,
    rows: Rows<'_>,
    weighting: Weighting<'_>,
    chooser: &C,
) -> Stream<'b, R>
where
    S: Simd,
    R: IntegerReader,
    C: WeightedChooser,
    P: Reconstruct,
{
    let Weighting { state, table, block } = weighting;
    let mut rows = rows;
    let width = rows.row.len();
    let WeightedHeader { p1, p2, p3, .. } = state.header;
    let of_error = i32x4::from_slice(simd, &[0, -p1, -p2, 0]);
    let of_west = i32x4::from_slice(simd, &[32, 0, 32, p3[4]]);

    for start in (0..width).step_by(BLOCK) {
        let columns = (width - start).min(BLOCK);
        let Left {
            mut west,
            mut west_west,
            mut north_west,
            mut gradient_before,
            mut te_w,
            mut packed_w,
            mut packed_ww,
        } = Left::of(start, &rows, &state.row);
        let mut done = 0;
        if is_within(west, MOST_SAMPLE)
            && is_within(te_w, MOST_ERROR)
            && block.fill(&rows, state, start, columns)
        {
            let mut west_8 = i32x4::splat(simd, west * 8);
            while done < columns {
                let i = done;
                let around = Neighbours {
                    west,
                    north: block.north[i],
                    north_west,
                    north_east: block.north[i + 1],
                    west_west,
                    north_north: block.north_north[i],
                    north_east_east: block.north[i + 2],
                };
                let is_strongest = block.magnitude[i] > te_w.abs();
                let max_error = select_unpredictable(is_strongest, block.strongest[i], te_w);
                let of_max_error = chooser.of_max_error(max_error);
                let leaf = chooser.choose(start + i, &around, gradient_before, of_max_error);
                let residual = stream.residual(leaf.cluster);

                let again = if start + i + 1 == width { packed_w } else { 0 };
                let others = block.errors[i] + packed_ww + again;
                let [w0, w1, w2, w3] = match table.weights(others + packed_w) {
                    Some(weights) => weights,
                    None => table.weights_beyond(others, state, (start + i, packed_w, packed_ww)),
                };
                let te = i32x4::splat(simd, te_w);
                let parts = i32x4::from_slice(simd, &block.parts[i]);
                let sub = (parts + te * of_error + west_8 * of_west) >> 5;
                let [sub0, sub1, sub2, sub3]: [i32; 4] = sub.into();
                let shift = ((w0 + w1) + (w2 + w3)).ilog2() - 4;
                let [w0, w1, w2, w3] = [w0 >> shift, w1 >> shift, w2 >> shift, w3 >> shift];
                let sum = (w0 + w1) + (w2 + w3);
                let total = (w0 as i32 * sub0 + w1 as i32 * sub1)
                    + (w2 as i32 * sub2 + w3 as i32 * sub3)
                    + ((sum >> 1) as i32 - 1);
                let scaled = i64::from(total) * i64::from(DIVISION[(sum - 1) as usize & 63]);
                let mut eighths = (scaled >> 24) as i32;
                let clamps = (block.te_n[i] ^ te_w) | block.te_signs[i] <= 0;
                let w = west * 8;
                let low = select_unpredictable(clamps, w.min(block.low[i]), i32::MIN);
                let high = select_unpredictable(clamps, w.max(block.high[i]), i32::MAX);
                eighths = eighths.max(low).min(high);

                let (sample, sample_8) = P::sample_8(leaf, residual, &around, eighths);
                block.samples[i] = sample;
                te_w = eighths.wrapping_sub(sample_8);
                west_8 = i32x4::splat(simd, sample_8);
                let errors = ((sub - west_8).abs() + 3) >> 3;
                packed_ww = packed_w;
                packed_w = first_four(simd.saturating_narrow_i32x4(errors, errors));
                gradient_before = gradient(&around);
                north_west = around.north;
                west_west = if start + i == 0 { sample } else { west };
                west = sample;
                done = i + 1;
                let mut fits = is_within(sample, MOST_SAMPLE);
                if !fits || any_saturated(packed_w) {
                    let subs = [sub0, sub1, sub2, sub3];
                    (te_w, packed_w) = learn_large(&mut state.row, start + i, (eighths, subs), sample);
                    fits &= is_within(te_w, MOST_ERROR);
                }
                block.true_errors[i] = te_w;
                block.packed[i] = packed_w;
                if !fits {
                    break;
                }
            }
            rows.row[start..][..done].copy_from_slice(&block.samples[..done]);
            state.row.true_errors[start + 1..][..done].copy_from_slice(&block.true_errors[..done]);
            state.row.packed[start + 1..][..done].copy_from_slice(&block.packed[..done]);
        }
        if done < columns {
            let left = start + done..start + columns;
            stream = simd.vectorize(
                #[inline(always)]
                || decode_large::<R, C, P>(stream, &mut rows, state, chooser, left),
            );
        }
    }
    stream
}

/// What a sample takes from those to its left.
struct Left {
    west: i32,
    west_west: i32,
    north_west: i32,
    /// Property 9 of the sample to the left.
    gradient_before: i32,
    te_w: i32,
    packed_w: PackedErrors,
    packed_ww: PackedErrors,
}

impl Left {
    /// What column `x` takes from what is decoded of a row and its errors.
    fn of(x: usize, rows: &Rows<'_>, errors: &ErrorRow) -> Self {
        let around = neighbours(rows, x);
        let Neighbours { west, west_west, north_west, .. } = around;
        // Column x of a row of errors is at x + 1.
        let packed = |distance: usize| if x >= distance { errors.packed[x + 1 - distance] } else { 0 };
        Self {
            west,
            west_west,
            north_west,
            gradient_before: x.checked_sub(1).map_or(0, |x| gradient(&neighbours(rows, x))),
            te_w: if x > 0 { errors.true_errors[x] } else { 0 },
            packed_w: packed(1),
            packed_ww: packed(2),
        }
    }
}

/// The neighbours of column `x` in a row that is not the first one.
fn neighbours(rows: &Rows<'_>, x: usize) -> Neighbours {
    let width = rows.row.len();
    Neighbours::around(rows.row, Some(&rows.north[..width]), Some(&rows.north_north[..width]), x)
}

#[inline(always)]
fn first_four<S: Simd>(errors: i16x8<S>) -> PackedErrors {
    errors.bitcast::<u64x2<S>>()[0]
}

/// Notes a sample whose errors are large: gives its true error and the others, packed.
#[cold]
#[inline(never)]
fn learn_large(
    row: &mut ErrorRow,
    x: usize,
    (eighths, sub): (i32, [i32; 4]),
    sample: i32,
) -> (i32, PackedErrors) {
    let sample = i64::from(sample) * 8;
    let errors = sub.map(|sub| (((i64::from(sub) - sample).abs() + 3) >> 3) as u32);
    row.set_errors(x, errors);
    ((i64::from(eighths) - sample) as i32, pack(errors))
}

/// Decodes columns of a row as the format says, in 64 bits: all of them, where samples are floats.
#[inline(always)]
fn decode_large<'b, R: IntegerReader, C: WeightedChooser, P: Reconstruct>(
    mut stream: Stream<'b, R>,
    rows: &mut Rows<'_>,
    state: &mut WeightedState,
    chooser: &C,
    columns: std::ops::Range<usize>,
) -> Stream<'b, R> {
    let mut gradient_before = Left::of(columns.start, rows, &state.row).gradient_before;
    for x in columns {
        let around = neighbours(rows, x);
        let prediction = state.predict(x, &around);
        let of_max_error = chooser.of_max_error(prediction.max_error);
        let leaf = chooser.choose(x, &around, gradient_before, of_max_error);
        let residual = stream.residual(leaf.cluster);
        let sample = P::sample(leaf, residual, &around, prediction.value());
        rows.row[x] = sample;
        state.update(x, &prediction, sample);
        gradient_before = gradient(&around);
    }
    stream
}
