//! The loop over a row of a channel whose tree needs the weighted predictor.

use jxlake_entropy::IntegerReader;

use super::super::predictor::{Neighbours, Predictor};
use super::super::properties::gradient;
use super::super::prune::PrunedLeaf;
use super::super::weighted::{DIVISION, WeightedHeader, WeightedState, weight_of};
use super::choosers::{ByMask, ClusterTable, Reconstruct};
use super::mask::MaskTable;
use super::rows::Rows;
use super::stream::Stream;

/// Sums of errors whose weights are in the table; of images with 8 bits hardly any is above.
const TABLE_SIZE: usize = 2048;

/// The weights of the sub-predictors by the sums of their errors.
#[derive(Debug)]
pub(crate) struct WeightTable {
    w: [u32; 4],
    weights: Box<[[u32; TABLE_SIZE]; 4]>,
}

impl Default for WeightTable {
    fn default() -> Self {
        // All weights of w = 0 are 4.
        Self { w: [0; 4], weights: Box::new([[4; TABLE_SIZE]; 4]) }
    }
}

impl WeightTable {
    /// Makes the table for the parameters of `header`, if it is not that already.
    pub(crate) fn prepare(&mut self, header: &WeightedHeader) {
        for ((made_for, table), &w) in self.w.iter_mut().zip(self.weights.iter_mut()).zip(&header.w) {
            if *made_for != w {
                *made_for = w;
                for (errors, weight) in table.iter_mut().enumerate() {
                    *weight = weight_of(errors as u32, w);
                }
            }
        }
    }

    #[inline(always)]
    fn weights(&self, errors: [u32; 4]) -> [u32; 4] {
        let [e0, e1, e2, e3] = errors;
        let [w0, w1, w2, w3] = &*self.weights;
        if (e0 | e1 | e2 | e3) < TABLE_SIZE as u32 {
            [w0[e0 as usize], w1[e1 as usize], w2[e2 as usize], w3[e3 as usize]]
        } else {
            let of = |i: usize| weight_of(errors[i], self.w[i]);
            [of(0), of(1), of(2), of(3)]
        }
    }
}

/// Finds the leaf of a sample, given property 15 too.
pub(crate) trait WeightedChooser {
    /// The leaf at column `x`.
    fn choose(&self, x: usize, around: &Neighbours, gradient_before: i32, max_error: i32) -> PrunedLeaf;
}

/// Trees of splits on property 15 whose leaves have the predictor Weighted and differ in their cluster only.
pub(crate) struct ByMaxError<'a>(pub(crate) ClusterTable<'a>);

impl WeightedChooser for ByMaxError<'_> {
    #[inline(always)]
    fn choose(&self, _x: usize, _around: &Neighbours, _gradient_before: i32, max_error: i32) -> PrunedLeaf {
        PrunedLeaf { cluster: self.0.at(max_error), predictor: Predictor::Weighted, offset: 0, multiplier: 1 }
    }
}

/// Trees with mask tables.
pub(crate) struct ByMaskAndMaxError<'a, const LEFT: u8> {
    pub(crate) by_mask: ByMask<'a, LEFT>,
    pub(crate) max_error: MaskTable<'a>,
}

impl<const LEFT: u8> WeightedChooser for ByMaskAndMaxError<'_, LEFT> {
    #[inline(always)]
    fn choose(&self, x: usize, around: &Neighbours, gradient_before: i32, max_error: i32) -> PrunedLeaf {
        let mask = self.by_mask.mask(x, around, gradient_before) & self.max_error.at(max_error);
        self.by_mask.leaf(mask)
    }
}

/// Decodes a row that is not the first one. Not ended in the weighted predictor.
#[inline(always)]
pub(crate) fn decode_row<'b, R, C, P>(
    mut stream: Stream<'b, R>,
    rows: Rows<'_>,
    state: &mut WeightedState,
    table: &WeightTable,
    chooser: &C,
) -> Stream<'b, R>
where
    R: IntegerReader,
    C: WeightedChooser,
    P: Reconstruct,
{
    let Rows { row, north, north_north, .. } = rows;
    let width = row.len();
    let (north, north_north) = (&north[..width + 2], &north_north[..width]);
    let WeightedHeader { p1, p2, p3, .. } = state.header;
    let [p1, p2] = [p1, p2].map(i64::from);
    let p3 = p3.map(i64::from);
    let true_errors = &state.north.true_errors[..width + 2];
    let sub_errors = &state.north.sub_errors[..width + 2];
    let row_true_errors = &mut state.row.true_errors[1..][..width];
    let row_sub_errors = &mut state.row.sub_errors[1..][..width];

    let mut west = north[0];
    let mut west_west = west;
    let mut north_west = west;
    let mut gradient_before = 0;
    let mut te_w = 0i64;
    let mut errors_w = [0u32; 4];
    let mut errors_ww = [0u32; 4];
    for x in 0..width {
        let around = Neighbours {
            west,
            north: north[x],
            north_west,
            north_east: north[x + 1],
            west_west,
            north_north: north_north[x],
            north_east_east: north[x + 2],
        };
        let [te_nw, te_n, te_ne] = [true_errors[x], true_errors[x + 1], true_errors[x + 2]].map(i64::from);
        let larger = |a: i64, b: i64| if b.abs() > a.abs() { b } else { a };
        let max_error = larger(te_w, larger(larger(te_n, te_nw), te_ne)) as i32;
        let leaf = chooser.choose(x, &around, gradient_before, max_error);
        let residual = stream.residual(leaf.cluster);

        if x + 1 == width {
            errors_ww = add(errors_ww, errors_w);
        }
        let near = add(add(sub_errors[x], sub_errors[x + 1]), sub_errors[x + 2]);
        let [w0, w1, w2, w3] = table.weights(add(near, add(errors_w, errors_ww)));
        let [n, w, ne, nw, nn] = [around.north, west, around.north_east, north_west, around.north_north]
            .map(|sample| i64::from(sample) * 8);
        let sub = [
            w + (ne - n),
            n - (((te_w + (te_n + te_ne)) * p1) >> 5),
            w - (((te_w + (te_n + te_nw)) * p2) >> 5),
            n - ((te_nw * p3[0] + te_n * p3[1] + te_ne * p3[2] + (nn - n) * p3[3] + (nw - w) * p3[4]) >> 5),
        ];
        let shift = ((w0 + w1) + (w2 + w3)).ilog2() - 4;
        let [w0, w1, w2, w3] = [w0 >> shift, w1 >> shift, w2 >> shift, w3 >> shift];
        let sum = (w0 + w1) + (w2 + w3);
        let total = (i64::from(w0) * sub[0] + i64::from(w1) * sub[1])
            + (i64::from(w2) * sub[2] + i64::from(w3) * sub[3])
            + (i64::from(sum >> 1) - 1);
        let mut eighths = (total * i64::from(DIVISION[(sum - 1) as usize & 63])) >> 24;
        if (te_n ^ te_w) | (te_n ^ te_nw) <= 0 {
            eighths = eighths.max(w.min(n.min(ne))).min(w.max(n.max(ne)));
        }

        let sample = P::sample(leaf, residual, &around, ((eighths + 3) >> 3) as i32);
        row[x] = sample;
        let sample_8 = i64::from(sample) * 8;
        te_w = i64::from((eighths - sample_8) as i32);
        row_true_errors[x] = te_w as i32;
        errors_ww = errors_w;
        errors_w = sub.map(|sub| (((sub - sample_8).abs() + 3) >> 3) as u32);
        row_sub_errors[x] = errors_w;

        gradient_before = gradient(&around);
        north_west = around.north;
        west_west = if x == 0 { sample } else { west };
        west = sample;
    }
    stream
}

#[inline(always)]
fn add(a: [u32; 4], b: [u32; 4]) -> [u32; 4] {
    [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1]), a[2].wrapping_add(b[2]), a[3].wrapping_add(b[3])]
}
