//! The loop over a row of a channel whose tree needs the weighted predictor.

use jxlake_entropy::IntegerReader;
use std::hint::select_unpredictable;
use std::sync::OnceLock;

use super::super::predictor::{Neighbours, Predictor};
use super::super::properties::gradient;
use super::super::prune::PrunedLeaf;
use super::super::weighted::{
    DIVISION, ErrorRow, PackedErrors, SATURATED, WeightedHeader, WeightedState, pack, unpack, weight_of,
};
use super::choosers::{ByMask, BySubtree, ClusterTable, Reconstruct};
use super::mask::{left_table, restrict};
use super::rows::Rows;
use super::stream::Stream;

/// Sums of errors whose weights are in the table; of images with 8 bits hardly any is above.
const TABLE_SIZE: usize = 2048;

/// The weights of the sub-predictors by the sums of their errors. There is one table for each parameter, which all share.
#[derive(Debug)]
pub(crate) struct WeightTable {
    w: [u32; 4],
    weights: [&'static [u32; TABLE_SIZE]; 4],
}

impl Default for WeightTable {
    fn default() -> Self {
        /// All weights of w = 0 are 4.
        static OF_ZERO: [u32; TABLE_SIZE] = [4; TABLE_SIZE];
        Self { w: [0; 4], weights: [&OF_ZERO; 4] }
    }
}

/// The table for a parameter, which has four bits.
fn weights_of(w: u32) -> &'static [u32; TABLE_SIZE] {
    static TABLES: [OnceLock<Box<[u32; TABLE_SIZE]>>; 16] = [const { OnceLock::new() }; 16];
    TABLES[w as usize & 15].get_or_init(|| {
        let mut table = Box::new([0; TABLE_SIZE]);
        for (errors, weight) in table.iter_mut().enumerate() {
            *weight = weight_of(errors as u32, w);
        }
        table
    })
}

impl WeightTable {
    /// Takes the tables for the parameters of `header`, if it has others.
    pub(crate) fn prepare(&mut self, header: &WeightedHeader) {
        if self.w != header.w {
            *self = Self { w: header.w, weights: header.w.map(weights_of) };
        }
    }

    /// The weights for the sums of `errors_w` and the packed `others`, if all are in the table.
    #[inline(always)]
    fn weights(&self, errors_w: [u64; 4], others: PackedErrors) -> Option<[u32; 4]> {
        let [e0, e1, e2, e3] = errors_w.map(|error| error as usize);
        let [o0, o1, o2, o3] = unpack(others).map(|error| error as usize);
        let [t0, t1, t2, t3] = self.weights;
        // One index for each, and not a sum of packed errors: it is these additions that the next sample waits for.
        match (t0.get(o0 + e0), t1.get(o1 + e1), t2.get(o2 + e2), t3.get(o3 + e3)) {
            (Some(&w0), Some(&w1), Some(&w2), Some(&w3)) => Some([w0, w1, w2, w3]),
            _ => None,
        }
    }

    /// The weights for any sums: at column `x` of `state`, given the errors of the two columns before and the sums of all
    /// but those of the first.
    #[inline(never)]
    fn weights_beyond(
        &self,
        others: PackedErrors,
        state: &WeightedState,
        (x, packed_w, packed_ww): (usize, PackedErrors, PackedErrors),
    ) -> [u32; 4] {
        let (others, errors_w) = (unpack(others), unpack(packed_w));
        // Only sums as large as that can have a saturated part.
        let sums = match others.iter().chain(&errors_w).any(|&error| error >= SATURATED) {
            true => state.errors_around(x, packed_w, packed_ww),
            false => [0, 1, 2, 3].map(|i| errors_w[i] + others[i]),
        };
        [0, 1, 2, 3].map(|i| weight_of(sums[i], self.w[i]))
    }
}

/// Columns that are decoded together.
pub(crate) const BLOCK: usize = 64;

/// What the rows above contribute to a block of columns, computed ahead for all of them, and what the block gives.
///
/// In arrays of fixed size, one behind the other, so that the loop needs one address for all.
#[derive(Debug)]
pub(crate) struct Block {
    /// The samples above and two to the right of the block.
    north: [i32; BLOCK + 2],
    north_north: [i32; BLOCK],
    /// NE − N, in eighths as all that follow.
    slope: [i64; BLOCK],
    /// The parts of sub-predictors 1 to 3 that come from above, times 32.
    parts: [[i64; BLOCK]; 3],
    /// The lower and the higher of N and NE.
    low: [i64; BLOCK],
    high: [i64; BLOCK],
    /// The true error above.
    te_n: [i64; BLOCK],
    /// The same xor the one to its left.
    te_signs: [i64; BLOCK],
    /// Sums of the errors above.
    errors: [PackedErrors; BLOCK],
    /// Of the true errors above, the one that is largest in magnitude.
    strongest: [i32; BLOCK],
    magnitude: [u32; BLOCK],
    /// What the chooser says of it.
    of_strongest: [u8; BLOCK],
    samples: [i32; BLOCK],
    true_errors: [i32; BLOCK],
    packed: [PackedErrors; BLOCK],
}

impl Default for Block {
    fn default() -> Self {
        Self {
            north: [0; BLOCK + 2],
            north_north: [0; BLOCK],
            slope: [0; BLOCK],
            parts: [[0; BLOCK]; 3],
            low: [0; BLOCK],
            high: [0; BLOCK],
            te_n: [0; BLOCK],
            te_signs: [0; BLOCK],
            errors: [0; BLOCK],
            strongest: [0; BLOCK],
            magnitude: [0; BLOCK],
            of_strongest: [0; BLOCK],
            samples: [0; BLOCK],
            true_errors: [0; BLOCK],
            packed: [0; BLOCK],
        }
    }
}

impl Block {
    /// Computes what the rows above contribute to the `columns` from `start` on.
    #[inline(always)]
    fn fill(&mut self, rows: &Rows<'_>, state: &WeightedState, start: usize, columns: usize) {
        let WeightedHeader { p1, p2, p3, .. } = state.header;
        self.north[..columns + 2].copy_from_slice(&rows.north[start..][..columns + 2]);
        self.north_north[..columns].copy_from_slice(&rows.north_north[start..][..columns]);
        let north_west = &rows.north_west[start..][..columns];
        let true_errors = &state.north.true_errors[start..][..columns + 2];
        let packed = &state.north.packed[start..][..columns + 2];
        for i in 0..columns.min(BLOCK) {
            let [te_nw, te_n, te_ne] = [true_errors[i], true_errors[i + 1], true_errors[i + 2]];
            let larger = |a: i32, b: i32| if b.unsigned_abs() > a.unsigned_abs() { b } else { a };
            self.strongest[i] = larger(larger(te_n, te_nw), te_ne);
            self.magnitude[i] = self.strongest[i].unsigned_abs();
            self.errors[i] = packed[i] + packed[i + 1] + packed[i + 2];
        }
        for i in 0..columns.min(BLOCK) {
            let [te_nw, te_n, te_ne] =
                [true_errors[i], true_errors[i + 1], true_errors[i + 2]].map(i64::from);
            let [p1, p2] = [p1, p2].map(i64::from);
            let p3 = p3.map(i64::from);
            let n = i64::from(self.north[i]) * 8;
            let ne = i64::from(self.north[i + 1]) * 8;
            let nn = i64::from(self.north_north[i]) * 8;
            let nw = i64::from(north_west[i]) * 8;
            self.slope[i] = ne - n;
            // a - (b >> 5) is (32 a - b + 31) >> 5.
            self.parts[0][i] = n * 32 + 31 - (te_n * p1 + te_ne * p1);
            self.parts[1][i] = 31 - (te_n * p2 + te_nw * p2);
            self.parts[2][i] =
                n * 32 + 31 - (te_nw * p3[0] + te_n * p3[1] + te_ne * p3[2] + (nn - n) * p3[3] + nw * p3[4]);
            self.low[i] = n.min(ne);
            self.high[i] = n.max(ne);
            self.te_n[i] = te_n;
            self.te_signs[i] = te_n ^ te_nw;
        }
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
pub(crate) fn decode_row<'b, R, C, P>(
    mut stream: Stream<'b, R>,
    rows: Rows<'_>,
    weighting: Weighting<'_>,
    chooser: &C,
) -> Stream<'b, R>
where
    R: IntegerReader,
    C: WeightedChooser,
    P: Reconstruct,
{
    let Weighting { state, table, block } = weighting;
    let width = rows.row.len();
    let p1 = i64::from(state.header.p1);
    let p2 = i64::from(state.header.p2);
    let p3e = i64::from(state.header.p3[4]);

    let mut west = rows.north[0];
    let mut west_west = west;
    let mut north_west = west;
    let mut gradient_before = 0;
    let mut te_w = 0i64;
    let mut errors_w = [0; 4];
    let mut packed_w = 0;
    let mut packed_ww = 0;
    for start in (0..width).step_by(BLOCK) {
        let columns = (width - start).min(BLOCK);
        block.fill(&rows, state, start, columns);
        for i in 0..columns.min(BLOCK) {
            block.of_strongest[i] = chooser.of_max_error(block.strongest[i]);
        }
        for i in 0..columns {
            let around = Neighbours {
                west,
                north: block.north[i],
                north_west,
                north_east: block.north[i + 1],
                west_west,
                north_north: block.north_north[i],
                north_east_east: block.north[i + 2],
            };
            let is_strongest = block.magnitude[i] > (te_w as i32).unsigned_abs();
            let of_te_w = chooser.of_max_error(te_w as i32);
            let of_max_error = select_unpredictable(is_strongest, block.of_strongest[i], of_te_w);
            let leaf = chooser.choose(start + i, &around, gradient_before, of_max_error);
            let residual = stream.residual(leaf.cluster);

            let mut others = block.errors[i] + packed_ww;
            if start + i + 1 == width {
                others += packed_w;
            }
            let [w0, w1, w2, w3] = match table.weights(errors_w, others) {
                Some(weights) => weights,
                None => table.weights_beyond(others, state, (start + i, packed_w, packed_ww)),
            };
            let w = i64::from(west) * 8;
            let sub0 = w + block.slope[i];
            let sub1 = (block.parts[0][i] - te_w * p1) >> 5;
            let sub2 = w + ((block.parts[1][i] - te_w * p2) >> 5);
            let sub3 = (block.parts[2][i] + w * p3e) >> 5;
            let shift = ((w0 + w1) + (w2 + w3)).ilog2() - 4;
            let [w0, w1, w2, w3] = [w0 >> shift, w1 >> shift, w2 >> shift, w3 >> shift];
            let sum = (w0 + w1) + (w2 + w3);
            let total = (i64::from(w0) * sub0 + i64::from(w1) * sub1)
                + (i64::from(w2) * sub2 + i64::from(w3) * sub3)
                + (i64::from(sum >> 1) - 1);
            let mut eighths = (total * i64::from(DIVISION[(sum - 1) as usize & 63])) >> 24;
            let clamps = (block.te_n[i] ^ te_w) | block.te_signs[i] <= 0;
            let low = select_unpredictable(clamps, w.min(block.low[i]), i64::MIN);
            let high = select_unpredictable(clamps, w.max(block.high[i]), i64::MAX);
            eighths = eighths.max(low).min(high);

            let sample_8 = P::sample_8(leaf, residual, &around, eighths);
            let sample = (sample_8 >> 3) as i32;
            block.samples[i] = sample;
            te_w = i64::from((eighths - sample_8) as i32);
            block.true_errors[i] = te_w as i32;
            // (|a - b| + 3) >> 3, the first step not waiting for the sample.
            let error = |sub: i64| ((sub + 3 - sample_8).max(sample_8 - (sub - 3)) as u64) >> 3;
            errors_w = [error(sub0), error(sub1), error(sub2), error(sub3)];
            packed_ww = packed_w;
            packed_w = match pack_small(errors_w) {
                Some(packed) => packed,
                None => note_large_errors(&mut state.row, start + i, errors_w.map(|error| error as u32)),
            };
            block.packed[i] = packed_w;

            gradient_before = gradient(&around);
            north_west = around.north;
            west_west = if start + i == 0 { sample } else { west };
            west = sample;
        }
        rows.row[start..][..columns].copy_from_slice(&block.samples[..columns]);
        state.row.true_errors[start + 1..][..columns].copy_from_slice(&block.true_errors[..columns]);
        state.row.packed[start + 1..][..columns].copy_from_slice(&block.packed[..columns]);
    }
    stream
}

/// Packs errors if none is large.
///
/// In pairs of 32 bits: sums of all four at once would be made with vector instructions, and the next sample would wait
/// for the errors' way there and back.
#[inline(always)]
fn pack_small([e0, e1, e2, e3]: [u64; 4]) -> Option<PackedErrors> {
    if (e0 | e1) >= u64::from(SATURATED) || (e2 | e3) >= u64::from(SATURATED) {
        return None;
    }
    let low = e0 as u32 | (e1 as u32) << 16;
    let high = e2 as u32 | (e3 as u32) << 16;
    Some(u64::from(low) | u64::from(high) << 32)
}

#[cold]
#[inline(never)]
fn note_large_errors(row: &mut ErrorRow, x: usize, errors: [u32; 4]) -> PackedErrors {
    row.set_errors(x, errors);
    pack(errors)
}
