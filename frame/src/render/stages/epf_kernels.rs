//! Row kernels of the edge-preserving filter.
//!
//! Steps 0 and 1 compare the crosses around a sample P and around its neighbour P + o. With the *difference*
//! F(P) = weighted sum over the channels of |p(P) - p(P + o)| that is the sum of F over a cross, D(P), and it
//! serves twice: the neighbour on the other side, P - o, has D(P - o). So half of the neighbours need a field of
//! differences, whose rows are kept from one row to the next: of 60 differences (step 1) only 6 are left.

use super::edge_preserving_filter::EdgePreservingFilter;
use super::vector::{load, splat, store};
use crate::Error;
use crate::render::{OutputRows, PAD, ScratchRows, Window};
use fearless_simd::{Simd, prelude::*};

/// Element of column 0 in a scratch row: differences are kept from one vector before it on, and read from one
/// more before that.
const BASE: usize = 2 * PAD;

/// Two samples whose difference is taken at a place: `a` columns to the right, and `b` columns to the right and
/// `dy` rows below. None is to the left, so that all fields cover the same columns.
#[derive(Clone, Copy)]
pub(super) struct Field {
    a: usize,
    b: usize,
    dy: usize,
}

/// A step that compares crosses: one field of differences for each pair of opposite neighbours.
pub(super) trait Step<const FIELDS: usize>: Copy {
    /// The fields.
    const FIELDS: [Field; FIELDS];
    /// How far away the neighbours are, in each direction.
    const DISTANCE: usize;
    /// Rows of scratch: factors, and three rows of F and of D for each field, used in turn.
    const SCRATCH_ROWS: usize = 1 + 6 * FIELDS;
}

/// The twelve nearest neighbours.
#[derive(Clone, Copy)]
pub(super) struct StepZero;

impl Step<6> for StepZero {
    const FIELDS: [Field; 6] = [
        Field { a: 0, b: 1, dy: 0 },
        Field { a: 0, b: 2, dy: 0 },
        Field { a: 0, b: 0, dy: 1 },
        Field { a: 0, b: 0, dy: 2 },
        Field { a: 0, b: 1, dy: 1 },
        Field { a: 1, b: 0, dy: 1 },
    ];
    const DISTANCE: usize = 2;
}

/// The four nearest neighbours.
#[derive(Clone, Copy)]
pub(super) struct StepOne;

impl Step<2> for StepOne {
    const FIELDS: [Field; 2] = [Field { a: 0, b: 1, dy: 0 }, Field { a: 0, b: 0, dy: 1 }];
    const DISTANCE: usize = 1;
}

/// Repeats a block for each of `N` (up to six) fields, as a constant: a loop would not be unrolled, and leave the
/// rows' addresses in memory.
macro_rules! for_each_field {
    ($n:ident, $field:ident, $body:block) => {
        for_each_field!(@ $n, $field, $body, 0, 1, 2, 3, 4, 5);
    };
    (@ $n:ident, $field:ident, $body:block, $($index:literal),*) => {
        $(if $n > $index {
            #[allow(non_upper_case_globals)]
            const $field: usize = $index;
            $body
        })*
    };
}

/// One of steps 0 and 1.
#[inline(always)]
pub(super) fn crosses<S: Simd, C: Step<N>, const N: usize>(
    simd: S,
    _step: C,
    stage: &EdgePreservingFilter<'_>,
    input: &Window<'_>,
    (output, scratch): (&mut OutputRows<'_>, &mut ScratchRows<'_>),
) -> Result<(), Error> {
    let (length, width) = (scratch.row_length(), input.width());
    let continues = scratch.continues();
    let (factors, fields) = scratch.samples().split_at_mut(length);
    let (differences, sums) = fields.split_at_mut(3 * N * length);
    let mut fields = Fields { differences, sums, length, width };
    // The first element says whether the fields hold what the next row needs.
    let mut kept = continues && factors[0] == 1.0;
    for row in 0..input.rows() as isize {
        let y = input.y() + row as usize;
        let to = output.get([(0, row as usize), (1, row as usize), (2, row as usize)])?;
        let filtered = stage.factors(input.x(), y, &mut factors[BASE..BASE + width]);
        if !filtered {
            copy(input, row, to);
            kept = false;
            continue;
        }
        let mut next = row + 1;
        if !kept {
            next -= 2 + C::DISTANCE as isize;
        }
        while next <= row + 1 {
            fields.advance::<S, C>(simd, stage.channel_scale(), input, next)?;
            next += 1;
        }
        kept = true;
        mean_row::<S, C, N>(simd, &factors[BASE..BASE + width], &fields, (input, row), to);
    }
    factors[0] = f32::from(kept);
    Ok(())
}

/// The rows of F and D of all `N` fields that are still needed. Row `y` of the frame is in the slot that
/// [`slot`](Self::slot) tells, one field after the other.
struct Fields<'a, const N: usize> {
    differences: &'a mut [f32],
    sums: &'a mut [f32],
    length: usize,
    width: usize,
}

impl<const N: usize> Fields<'_, N> {
    /// Where the rows of frame row `y`, which may be up to six rows above it, begin.
    #[inline(always)]
    fn slot(&self, y: isize) -> usize {
        (y + 6) as usize % 3 * N * self.length
    }

    /// Makes row `row` (counted from the window's first) of F, and the row above it of D, which is of no use
    /// unless the two rows of F above were made before.
    #[inline(always)]
    fn advance<S: Simd, C: Step<N>>(
        &mut self,
        simd: S,
        scale: [f32; 3],
        input: &Window<'_>,
        row: isize,
    ) -> Result<(), Error> {
        let lanes = S::f32s::LEN;
        let (length, width) = (self.length, self.width + 2 * lanes);
        let y = input.y() as isize + row;
        let slots = [self.slot(y - 2), self.slot(y - 1), self.slot(y)];
        let ranges = [0, 1, 2].map(|i| slots[i]..slots[i] + N * length);
        let rows = self.differences.get_disjoint_mut(ranges);
        let [above, centre, new] = rows.map_err(|_| Error::Misuse("EPF scratch"))?;
        let (above, centre, new) =
            (&above[BASE - lanes..], &centre[BASE - lanes - 1..], &mut new[BASE - lanes..]);
        let sums = &mut self.sums[slots[1] + BASE - lanes..][..(N - 1) * length + width];

        let mut p = [[&[][..]; 3]; 3];
        for (dy, p) in p.iter_mut().enumerate().take(C::DISTANCE + 1) {
            *p = rows_from(input, row + dy as isize, PAD - lanes, width + C::DISTANCE);
        }
        let scale = [splat(simd, scale[0]), splat(simd, scale[1]), splat(simd, scale[2])];
        let mut x = 0;
        while x < width {
            let mut difference = [scale[0]; N];
            for_each_field!(N, field, {
                let Field { a, b, dy } = C::FIELDS[field];
                let d0 = (load(simd, p[0][0], x + a) - load(simd, p[dy][0], x + b)).abs();
                let d1 = (load(simd, p[0][1], x + a) - load(simd, p[dy][1], x + b)).abs();
                let d2 = (load(simd, p[0][2], x + a) - load(simd, p[dy][2], x + b)).abs();
                difference[field] = d2.mul_add(scale[2], d1.mul_add(scale[1], d0 * scale[0]));
            });
            for_each_field!(N, field, {
                let at = field * length + x;
                let vertical = load(simd, above, at) + difference[field];
                let horizontal = load(simd, centre, at) + load(simd, centre, at + 2);
                let sum = load(simd, centre, at + 1) + (vertical + horizontal);
                store::<S>(difference[field], new, at);
                store::<S>(sum, sums, at);
            });
            x += lanes;
        }
        Ok(())
    }
}

/// The weighted means of a row, for each channel.
#[inline(always)]
fn mean_row<S: Simd, C: Step<N>, const N: usize>(
    simd: S,
    factors: &[f32],
    fields: &Fields<'_, N>,
    (input, row): (&Window<'_>, isize),
    to: [&mut [f32]; 3],
) {
    let (lanes, width, distance) = (S::f32s::LEN, factors.len(), C::DISTANCE);
    let [to0, to1, to2] = to;
    let (to0, to1, to2) = (&mut to0[..width], &mut to1[..width], &mut to2[..width]);
    // Rows of samples from `distance` above to `distance` below, of sums from `distance` above.
    let mut p = [[&[][..]; 3]; 5];
    for (dy, p) in p.iter_mut().enumerate().take(2 * distance + 1) {
        let row = row + dy as isize - distance as isize;
        *p = rows_from(input, row, PAD - distance, width + 2 * distance);
    }
    let mut sums = [[&[][..]; 3]; N];
    for (field, sums) in sums.iter_mut().enumerate() {
        for (up, sums) in sums.iter_mut().enumerate() {
            let start = fields.slot(input.y() as isize + row - up as isize) + field * fields.length;
            *sums = &fields.sums[start + BASE - distance..][..width + distance];
        }
    }
    let (zero, one) = (splat(simd, 0.0), splat(simd, 1.0));
    let nothing = splat(simd, f32::NEG_INFINITY);
    let mut x = 0;
    while x < width {
        let factor = load(simd, factors, x);
        let centre = [
            load(simd, p[distance][0], x + distance),
            load(simd, p[distance][1], x + distance),
            load(simd, p[distance][2], x + distance),
        ];
        let mut total = one;
        let mut mean = centre;
        for_each_field!(N, field, {
            let Field { a, b, dy } = C::FIELDS[field];
            let forward = load(simd, sums[field][0], x + distance - a);
            let backward = load(simd, sums[field][dy], x + distance - b);
            let forward = forward.mul_add(factor, one).max(zero);
            let backward = backward.mul_add(factor, one).max(zero);
            total += forward + backward;
            for c in 0..3 {
                let below = load(simd, p[distance + dy][c], x + distance + b - a);
                let above = load(simd, p[distance - dy][c], x + distance + a - b);
                mean[c] = above.mul_add(backward, below.mul_add(forward, mean[c]));
            }
        });
        let share = one / total;
        let untouched = factor.simd_eq(nothing);
        store::<S>(untouched.select(centre[0], mean[0] * share), to0, x);
        store::<S>(untouched.select(centre[1], mean[1] * share), to1, x);
        store::<S>(untouched.select(centre[2], mean[2] * share), to2, x);
        x += lanes;
    }
}

/// Step 2.
#[inline(always)]
pub(super) fn samples<S: Simd>(
    simd: S,
    stage: &EdgePreservingFilter<'_>,
    input: &Window<'_>,
    (output, scratch): (&mut OutputRows<'_>, &mut ScratchRows<'_>),
) -> Result<(), Error> {
    let width = input.width();
    let factors = &mut scratch.samples()[..width];
    let scale = stage.channel_scale();
    let scale = [splat(simd, scale[0]), splat(simd, scale[1]), splat(simd, scale[2])];
    for row in 0..input.rows() as isize {
        let to = output.get([(0, row as usize), (1, row as usize), (2, row as usize)])?;
        if !stage.factors(input.x(), input.y() + row as usize, factors) {
            copy(input, row, to);
            continue;
        }
        sample_row(simd, factors, scale, (input, row), to);
    }
    Ok(())
}

#[inline(always)]
fn sample_row<S: Simd>(
    simd: S,
    factors: &[f32],
    scale: [S::f32s; 3],
    (input, row): (&Window<'_>, isize),
    to: [&mut [f32]; 3],
) {
    let (lanes, width) = (S::f32s::LEN, factors.len());
    let [to0, to1, to2] = to;
    let (to0, to1, to2) = (&mut to0[..width], &mut to1[..width], &mut to2[..width]);
    let centre = rows_from(input, row, PAD, width);
    let neighbours = [
        rows_from(input, row - 1, PAD, width),
        rows_from(input, row, PAD - 1, width),
        rows_from(input, row, PAD + 1, width),
        rows_from(input, row + 1, PAD, width),
    ];
    let (zero, one) = (splat(simd, 0.0), splat(simd, 1.0));
    let nothing = splat(simd, f32::NEG_INFINITY);
    let mut x = 0;
    while x < width {
        let factor = load(simd, factors, x);
        let p = [load(simd, centre[0], x), load(simd, centre[1], x), load(simd, centre[2], x)];
        let mut total = one;
        let mut mean = p;
        for [q0, q1, q2] in &neighbours {
            let (q0, q1, q2) = (load(simd, q0, x), load(simd, q1, x), load(simd, q2, x));
            let mut difference = (p[0] - q0).abs() * scale[0];
            difference = (p[1] - q1).abs().mul_add(scale[1], difference);
            difference = (p[2] - q2).abs().mul_add(scale[2], difference);
            let weight = difference.mul_add(factor, one).max(zero);
            total += weight;
            mean = [q0.mul_add(weight, mean[0]), q1.mul_add(weight, mean[1]), q2.mul_add(weight, mean[2])];
        }
        let share = one / total;
        let untouched = factor.simd_eq(nothing);
        store::<S>(untouched.select(p[0], mean[0] * share), to0, x);
        store::<S>(untouched.select(p[1], mean[1] * share), to1, x);
        store::<S>(untouched.select(p[2], mean[2] * share), to2, x);
        x += lanes;
    }
}

/// `width` samples of a row of the three channels, from element `start` on.
#[inline(always)]
fn rows_from<'a>(input: &Window<'a>, row: isize, start: usize, width: usize) -> [&'a [f32]; 3] {
    [
        &input.row(0, row)[start..][..width],
        &input.row(1, row)[start..][..width],
        &input.row(2, row)[start..][..width],
    ]
}

/// A row that is left alone.
fn copy(input: &Window<'_>, row: isize, to: [&mut [f32]; 3]) {
    for (c, to) in to.into_iter().enumerate() {
        to.copy_from_slice(&input.row(c, row)[PAD..][..to.len()]);
    }
}
