//! Kernels that join averages and residuals again: the inverse of one squeeze step.
//!
//! Each pair of samples depends on the sample before it. A vertical step therefore goes down the rows, all columns at
//! once; a horizontal step transposes [`LANES`] rows and lets them go side by side.
//!
//! The arithmetic is defined on wide integers. It is done in the samples' own width as long as that is certainly exact,
//! which the kernels watch, and in the next wider type otherwise.

use fearless_simd::{Level, Simd, dispatch};
use jxlake_util::{View2, ViewMut2};

use super::transpose::{load_columns, store_columns};
use crate::modular::channel::Sample;
use crate::modular::lane::Lane;

/// Rows that a horizontal step handles side by side.
pub(super) const LANES: usize = 32;
/// Averages of each row that are transposed at a time.
const CHUNK: usize = 32;

/// The column of [`LANES`] rows.
pub(super) type Column<S> = [S; LANES];

/// Joins rows: the rows of `output` alternate between those that `averages` and `residuals` stand for.
///
/// All have the same columns; `output` has as many rows as the others together, and `averages` as many rows as
/// `residuals` or one more. Returns whether a sample did not fit its type.
#[must_use]
pub(super) fn join_rows<S: Sample>(
    level: Level,
    averages: View2<'_, S>,
    residuals: View2<'_, S>,
    output: ViewMut2<'_, S>,
) -> bool {
    dispatch!(level, simd => join_rows_with(simd, averages, residuals, output))
}

/// Joins columns; shapes as for [`join_rows`] with rows and columns exchanged.
#[must_use]
pub(super) fn join_columns<S: Sample>(
    level: Level,
    averages: View2<'_, S>,
    residuals: View2<'_, S>,
    output: ViewMut2<'_, S>,
) -> bool {
    dispatch!(level, simd => join_columns_with(simd, averages, residuals, output))
}

/// What the format adds to a residual to smooth the joint: an estimate of the slope at `average`, limited so that the
/// result stays monotonous between the neighbours.
#[inline(always)]
fn tendency<L: Lane>(previous: L, average: L, next: L) -> L {
    let before = previous.minus(average).magnitude();
    let after = average.minus(next).magnitude();
    let across = previous.minus(next);
    let span = across.magnitude();
    let two = L::ONE.plus(L::ONE);
    let slope = before.third().plus(span).plus(two).shifted(2);
    let slope = if slope.shifted(1) > before { before.plus(before).plus(L::ONE) } else { slope };
    let slope = if slope.plus(L::ONE).shifted(1) > after { after.plus(after) } else { slope };
    let slope = if across < L::ZERO { L::ZERO.minus(slope) } else { slope };
    // Zero unless `average` lies between its neighbours.
    if span == before.plus(after) { slope } else { L::ZERO }
}

/// The two samples of an average and a residual.
#[inline(always)]
fn join<L: Lane>(previous: L, average: L, next: L, residual: L) -> (L, L) {
    let difference = residual.plus(tendency(previous, average, next));
    let first = average.plus(difference.halved());
    (first, first.minus(difference))
}

/// The rows that make two rows; all of the same length.
struct Rows<'a, S> {
    previous: &'a [S],
    averages: &'a [S],
    next: &'a [S],
    residuals: &'a [S],
    first: &'a mut [S],
    second: &'a mut [S],
}

impl<S: Sample> Rows<'_, S> {
    /// Joins in the samples' own width. Returns whether that was exact; the output is to be made again if not.
    #[inline(always)]
    fn join_narrow(&mut self) -> bool {
        // Averages and residuals within 2^exact and previous samples within 2^(exact + 2) give results within
        // 2^(exact + 2), and nothing on the way overflows.
        let exact = S::BITS - 4;
        let length = self.first.len();
        let (previous, averages) = (&self.previous[..length], &self.averages[..length]);
        let (next, residuals) = (&self.next[..length], &self.residuals[..length]);
        let second = &mut self.second[..length];
        let mut extent = S::ZERO;
        for i in 0..length {
            let (first, last) = join(previous[i], averages[i], next[i], residuals[i]);
            let inputs = averages[i].extent().or(next[i].extent()).or(residuals[i].extent());
            extent = extent.or(inputs).or(previous[i].extent().shifted(2));
            self.first[i] = first;
            second[i] = last;
        }
        extent.shifted(exact) == S::ZERO
    }

    /// Joins in the wider type. `overflow` collects whether a sample did not fit.
    #[inline(always)]
    fn join_wide(&mut self, overflow: &mut i32) {
        let length = self.first.len();
        let (previous, averages) = (&self.previous[..length], &self.averages[..length]);
        let (next, residuals) = (&self.next[..length], &self.residuals[..length]);
        let second = &mut self.second[..length];
        for i in 0..length {
            let (first, last) =
                join(previous[i].widen(), averages[i].widen(), next[i].widen(), residuals[i].widen());
            self.first[i] = S::narrow_lane(first, overflow);
            second[i] = S::narrow_lane(last, overflow);
        }
    }
}

#[inline(always)]
fn join_rows_with<S: Sample, V: Simd>(
    _simd: V,
    averages: View2<'_, S>,
    residuals: View2<'_, S>,
    mut output: ViewMut2<'_, S>,
) -> bool {
    let mut overflow = 0;
    let mut wide = false;
    let pairs = residuals.rows();
    for i in 0..pairs {
        let average = averages.row(i);
        let next = if i + 1 < averages.rows() { averages.row(i + 1) } else { average };
        let (above, mut below) = output.reborrow().split_at_row(2 * i);
        let previous = if i > 0 { above.as_view().row(2 * i - 1) } else { average };
        let (mut first, mut second) = below.reborrow().split_at_row(1);
        let mut rows = Rows {
            previous,
            averages: average,
            next,
            residuals: residuals.row(i),
            first: first.row_mut(0),
            second: second.row_mut(0),
        };
        // Samples that were too large once are so again.
        wide = wide || !rows.join_narrow();
        if wide {
            rows.join_wide(&mut overflow);
        }
    }
    if averages.rows() > pairs {
        output.row_mut(2 * pairs).copy_from_slice(averages.row(pairs));
    }
    overflow != 0
}

/// Transposed samples of a chunk of columns.
struct Block<S> {
    averages: [Column<S>; CHUNK + 1],
    residuals: [Column<S>; CHUNK],
    output: [Column<S>; 2 * CHUNK],
}

#[inline(always)]
fn join_columns_with<S: Sample, V: Simd>(
    simd: V,
    averages: View2<'_, S>,
    residuals: View2<'_, S>,
    mut output: ViewMut2<'_, S>,
) -> bool {
    let empty = [S::ZERO; LANES];
    let mut block =
        Block { averages: [empty; CHUNK + 1], residuals: [empty; CHUNK], output: [empty; 2 * CHUNK] };
    let mut overflow = 0;
    let mut wide = false;
    let pairs = residuals.cols();
    let mut top = 0;
    while top < output.rows() {
        let rows = (output.rows() - top).min(LANES);
        let mut previous = empty;
        for (row, sample) in previous.iter_mut().enumerate().take(rows) {
            *sample = averages.row(top + row)[0];
        }
        let mut left = 0;
        while left < pairs {
            let columns = (pairs - left).min(CHUNK);
            let known = (averages.cols() - left).min(CHUNK + 1);
            load_columns(simd, averages, (top, left), &mut block.averages[..known]);
            load_columns(simd, residuals, (top, left), &mut block.residuals[..columns]);
            if known == columns {
                block.averages[columns] = block.averages[columns - 1];
            }
            wide = wide || !block.join_narrow(columns, &previous);
            if wide {
                block.join_wide(columns, &previous, &mut overflow);
            }
            previous = block.output[2 * columns - 1];
            store_columns(simd, &block.output[..2 * columns], (top, 2 * left), rows, &mut output);
            left += columns;
        }
        if averages.cols() > pairs {
            for row in top..top + rows {
                output.row_mut(row)[2 * pairs] = averages.row(row)[pairs];
            }
        }
        top += rows;
    }
    overflow != 0
}

impl<S: Sample> Block<S> {
    /// Joins the first `columns` columns, those before being `previous`, in the samples' own width; see
    /// [`Rows::join_narrow`].
    #[inline(always)]
    fn join_narrow(&mut self, columns: usize, previous: &Column<S>) -> bool {
        let mut previous = *previous;
        let mut extent = [S::ZERO; LANES];
        for lane in 0..LANES {
            extent[lane] = previous[lane].extent().shifted(2);
        }
        for column in 0..columns {
            let (averages, next) = (&self.averages[column], &self.averages[column + 1]);
            let residuals = &self.residuals[column];
            let mut first = [S::ZERO; LANES];
            for lane in 0..LANES {
                let inputs = averages[lane].extent().or(next[lane].extent()).or(residuals[lane].extent());
                extent[lane] = extent[lane].or(inputs);
                (first[lane], previous[lane]) =
                    join(previous[lane], averages[lane], next[lane], residuals[lane]);
            }
            self.output[2 * column] = first;
            self.output[2 * column + 1] = previous;
        }
        let mut all = S::ZERO;
        for lane in 0..LANES {
            all = all.or(extent[lane]);
        }
        all.shifted(S::BITS - 4) == S::ZERO
    }

    #[inline(always)]
    fn join_wide(&mut self, columns: usize, previous: &Column<S>, overflow: &mut i32) {
        let mut previous = *previous;
        for column in 0..columns {
            let (averages, next) = (&self.averages[column], &self.averages[column + 1]);
            let residuals = &self.residuals[column];
            for lane in 0..LANES {
                let (first, second) = join(
                    previous[lane].widen(),
                    averages[lane].widen(),
                    next[lane].widen(),
                    residuals[lane].widen(),
                );
                self.output[2 * column][lane] = S::narrow_lane(first, overflow);
                previous[lane] = S::narrow_lane(second, overflow);
            }
            self.output[2 * column + 1] = previous;
        }
    }
}
