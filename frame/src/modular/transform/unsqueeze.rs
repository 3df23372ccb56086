//! Kernels that join averages and residuals again: the inverse of one squeeze step.
//!
//! Each pair of samples depends on the sample before it. A vertical step therefore goes down the rows, all columns at
//! once; a horizontal step transposes [`LANES`] rows and lets them go side by side.
//!
//! A sample costs 0.05 ns by rows and 0.3 ns by columns, where transposing is most of it (16 bits, AVX-512, in the L2
//! cache); twice that with 32 bits.
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
/// All have the same columns; `output` has two rows for each of `residuals`, perhaps one more, which is the last of the
/// averages. The row of `averages` behind those of `residuals` is missing only at the end of a channel, and the row
/// `above` the output only at its start. Returns whether a sample did not fit its type.
#[must_use]
pub(super) fn join_rows<S: Sample>(
    level: Level,
    above: Option<&[S]>,
    averages: View2<'_, S>,
    residuals: View2<'_, S>,
    output: ViewMut2<'_, S>,
) -> bool {
    dispatch!(level, simd => join_rows_with(simd, above, averages, residuals, output))
}

/// Joins columns; shapes as for [`join_rows`] with rows and columns exchanged, and always from the start to the end.
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
        let length = self.first.len();
        let (previous, averages) = (&self.previous[..length], &self.averages[..length]);
        let (next, residuals) = (&self.next[..length], &self.residuals[..length]);
        let (first, second) = (&mut self.first[..length], &mut self.second[..length]);
        let mut extent = S::ZERO;
        for i in 0..length {
            let inputs = averages[i].extent().or(next[i].extent()).or(residuals[i].extent());
            extent = extent.or(inputs).or(previous[i].extent().shifted(2));
            (first[i], second[i]) = join(previous[i], averages[i], next[i], residuals[i]);
        }
        is_exact(extent)
    }

    /// Joins in the wider type. `overflow` collects whether a sample did not fit.
    #[inline(always)]
    fn join_wide(&mut self, overflow: &mut i32) {
        let length = self.first.len();
        let (previous, averages) = (&self.previous[..length], &self.averages[..length]);
        let (next, residuals) = (&self.next[..length], &self.residuals[..length]);
        let (first, second) = (&mut self.first[..length], &mut self.second[..length]);
        let mut lost = 0;
        for i in 0..length {
            let pair = join(previous[i].widen(), averages[i].widen(), next[i].widen(), residuals[i].widen());
            first[i] = S::narrow_lane(pair.0, &mut lost);
            second[i] = S::narrow_lane(pair.1, &mut lost);
        }
        *overflow |= lost;
    }
}

/// Whether the samples' own width was enough, by the extents of averages and residuals, and the extents of previous
/// samples divided by 4.
///
/// Averages and residuals within 2^(BITS − 4) and previous samples within 2^(BITS − 2) give results within 2^(BITS − 2),
/// and nothing on the way overflows.
#[inline(always)]
fn is_exact<S: Sample>(extent: S) -> bool {
    extent.shifted(S::BITS - 4) == S::ZERO
}

#[inline(always)]
fn join_rows_with<S: Sample, V: Simd>(
    _simd: V,
    start: Option<&[S]>,
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
        let previous = if i > 0 { above.as_view().row(2 * i - 1) } else { start.unwrap_or(average) };
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
    if output.rows() > 2 * pairs {
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
        load_columns(simd, averages, (top, 0), &mut block.averages[..1]);
        let mut previous = block.averages[0];
        let mut left = 0;
        while left < pairs {
            let columns = (pairs - left).min(CHUNK);
            load_columns(simd, residuals, (top, left), &mut block.residuals[..columns]);
            // Of averages, those one column further: the first is the next one of the chunk before.
            let next = (averages.cols() - left - 1).min(columns);
            load_columns(simd, averages, (top, left + 1), &mut block.averages[1..=next]);
            if next < columns {
                block.averages[columns] = block.averages[next];
            }
            wide = wide || !block.join_narrow(columns, &previous);
            if wide {
                block.join_wide(columns, &previous, &mut overflow);
            }
            previous = block.output[2 * columns - 1];
            store_columns(simd, &block.output[..2 * columns], (top, 2 * left), rows, &mut output);
            block.averages[0] = block.averages[columns];
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
    /// Joins the first `columns` columns, those before being `previous`, in the samples' own width; as
    /// [`Rows::join_narrow`].
    #[inline(always)]
    fn join_narrow(&mut self, columns: usize, previous: &Column<S>) -> bool {
        let mut previous = *previous;
        let mut extent = [S::ZERO; LANES];
        for lane in 0..LANES {
            extent[lane] = previous[lane].extent().shifted(2).or(self.averages[0][lane].extent());
        }
        for column in 0..columns {
            let (averages, next) = (&self.averages[column], &self.averages[column + 1]);
            let residuals = &self.residuals[column];
            let mut first = [S::ZERO; LANES];
            for lane in 0..LANES {
                extent[lane] = extent[lane].or(next[lane].extent()).or(residuals[lane].extent());
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
        is_exact(all)
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

#[cfg(test)]
pub(super) use tests::plain_join;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modular::channel::{Channel, ChannelShape};
    use crate::modular::testing::{Random, fill, levels, rows};
    use jxlake_util::Pool;

    /// The format's definition of the slope, on wide integers.
    fn plain_tendency(b: i64, a: i64, n: i64) -> i64 {
        let mut d = 0;
        if b >= a && a >= n {
            d = (4 * b - 3 * n - a + 6) / 12;
            if d - (d & 1) > 2 * (b - a) {
                d = 2 * (b - a) + 1;
            }
            if d + (d & 1) > 2 * (a - n) {
                d = 2 * (a - n);
            }
        } else if b <= a && a <= n {
            d = (4 * b - 3 * n - a - 6) / 12;
            if d + (d & 1) < 2 * (b - a) {
                d = 2 * (b - a) - 1;
            }
            if d - (d & 1) < 2 * (a - n) {
                d = 2 * (a - n);
            }
        }
        d
    }

    /// The format's definition for one line, samples wrapped to 32 bits.
    pub(crate) fn plain_join(averages: &[i64], residuals: &[i64]) -> Vec<i64> {
        let mut output: Vec<i64> = Vec::new();
        for (i, &residual) in residuals.iter().enumerate() {
            let average = averages[i];
            let next = averages.get(i + 1).copied().unwrap_or(average);
            let previous = output.last().copied().unwrap_or(average);
            let difference = residual + plain_tendency(previous, average, next);
            let first = i64::from((average + difference / 2) as i32);
            output.extend([first, i64::from((first - difference) as i32)]);
        }
        output.extend(averages.get(residuals.len()));
        output
    }

    #[test]
    fn tendency_of_the_format() {
        let vectors = [
            (10, 5, 0, 3),
            (0, 5, 10, -3),
            (100, 90, 0, 21),
            (0, 90, 100, -20),
            (7, 7, 3, 1),
            (3, 7, 7, 0),
            (5, 9, 2, 0),
            (-1, -7, -30, 8),
            (30, 7, 1, 9),
            (255, 3, 0, 6),
            (2, 1, 0, 1),
            (0, 1, 2, -1),
        ];
        for (b, a, n, expected) in vectors {
            assert_eq!(tendency(b, a, n), expected, "i32 {b} {a} {n}");
            assert_eq!(tendency(b as i16, a as i16, n as i16), expected as i16, "i16 {b} {a} {n}");
            assert_eq!(plain_tendency(b.into(), a.into(), n.into()), expected.into(), "plain {b} {a} {n}");
        }
    }

    #[test]
    fn tendency_agrees_with_the_definition_up_to_the_bounds_of_each_type() {
        let mut random = Random::new(1);
        for _ in 0..200_000 {
            let bits = 1 + random.below(31);
            let [b, a, n] = [2, 0, 0].map(|more| random.signed(bits.min(29) + more));
            let expected = plain_tendency(b, a, n);
            assert_eq!(tendency(b, a, n), expected);
            if bits <= 28 {
                assert_eq!(i64::from(tendency(b as i32, a as i32, n as i32)), expected);
            }
            if bits <= 12 {
                assert_eq!(i64::from(tendency(b as i16, a as i16, n as i16)), expected);
            }
        }
    }

    #[test]
    fn lines_of_the_format() {
        assert_eq!(plain_join(&[10, 20, 15, -3], &[3, -4, 7]), [11, 9, 18, 22, 22, 8, -3]);
        assert_eq!(plain_join(&[10, 20, 15, -3], &[3, -4, 7, 1]), [11, 9, 18, 22, 22, 8, -3, -4]);
    }

    fn channel<S: Sample>(width: usize, height: usize, values: impl FnMut() -> i64) -> Channel<S> {
        let mut channel =
            Channel::lease(&Pool::new(), ChannelShape::new(width as u32, height as u32)).unwrap();
        fill(&mut channel, values);
        channel
    }

    /// Joins random lines both ways and compares with the definition; returns whether an overflow was reported.
    fn check<S: Sample>(level: Level, random: &mut Random, lines: usize, length: usize, bits: u32) -> bool {
        let pairs = length / 2;
        let averages: Vec<Vec<i64>> =
            (0..lines).map(|_| (0..length - pairs).map(|_| random.signed(bits)).collect()).collect();
        let residuals: Vec<Vec<i64>> =
            (0..lines).map(|_| (0..pairs).map(|_| random.signed(bits)).collect()).collect();
        let expected: Vec<Vec<i64>> =
            averages.iter().zip(&residuals).map(|(a, r)| plain_join(a, r)).collect();
        let fits = expected.iter().flatten().all(|&v| i64::from(S::wrap_wide(v).to_i32()) == v);

        let mut output = channel::<S>(length, lines, || 0);
        let mut samples = averages.iter().flatten().copied();
        let a = channel::<S>(length - pairs, lines, || samples.next().unwrap());
        let mut samples = residuals.iter().flatten().copied();
        let r = channel::<S>(pairs, lines, || samples.next().unwrap());
        let overflow = join_columns(level, a.view().unwrap(), r.view().unwrap(), output.view_mut().unwrap());
        assert_eq!(overflow, !fits);
        if fits {
            assert_eq!(rows(&output), expected);
        }

        let mut output = channel::<S>(lines, length, || 0);
        let mut at = 0..;
        let a = channel::<S>(lines, length - pairs, || {
            at.next().map(|i| averages[i % lines][i / lines]).unwrap()
        });
        let mut at = 0..;
        let r = channel::<S>(lines, pairs, || at.next().map(|i| residuals[i % lines][i / lines]).unwrap());
        let overflow =
            join_rows(level, None, a.view().unwrap(), r.view().unwrap(), output.view_mut().unwrap());
        assert_eq!(overflow, !fits);
        if fits {
            let output = rows(&output);
            let columns: Vec<Vec<i64>> =
                (0..lines).map(|x| output.iter().map(|row| row[x]).collect()).collect();
            assert_eq!(columns, expected);
        }
        overflow
    }

    #[test]
    fn joins_agree_with_the_definition() {
        let mut random = Random::new(2);
        for level in levels() {
            for round in 0..60 {
                let lines = 1 + random.below(70) as usize;
                let length = 2 + random.below(150) as usize;
                assert!(!check::<i32>(level, &mut random, lines, length, 1 + round % 32));
                check::<i16>(level, &mut random, lines, length, 1 + round % 16);
            }
        }
    }

    #[test]
    fn overflow_of_16_bits_is_seen_and_only_then_reported() {
        let mut random = Random::new(3);
        let level = Level::new();
        assert!(!check::<i16>(level, &mut random, 40, 100, 13));
        assert!(check::<i16>(level, &mut random, 40, 100, 16));
    }
}
