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

/// Where a neighbour is and where its sum of differences is.
#[derive(Clone, Copy)]
pub(super) struct Neighbour {
    dx: isize,
    dy: isize,
    field: usize,
    /// Columns to the left of the place, and rows above it, to take the sum from.
    left: usize,
    up: usize,
}

/// A step that compares crosses; `N` fields give `M` = 2 `N` neighbours.
pub(super) trait Step<const N: usize, const M: usize>: Copy {
    const FIELDS: [Field; N];

    /// The neighbours that the fields lead to, forwards and backwards.
    const NEIGHBOURS: [Neighbour; M] = {
        let mut list = [Neighbour { dx: 0, dy: 0, field: 0, left: 0, up: 0 }; M];
        let mut field = 0;
        while field < N {
            let Field { a, b, dy } = Self::FIELDS[field];
            let dx = b as isize - a as isize;
            list[2 * field] = Neighbour { dx, dy: dy as isize, field, left: a, up: 0 };
            list[2 * field + 1] = Neighbour { dx: -dx, dy: -(dy as isize), field, left: b, up: dy };
            field += 1;
        }
        list
    };
}

/// The twelve nearest neighbours.
#[derive(Clone, Copy)]
pub(super) struct StepZero;

impl StepZero {
    pub(super) const SCRATCH_ROWS: usize = 1 + 6 * FIELD_ROWS;
}

impl Step<6, 12> for StepZero {
    const FIELDS: [Field; 6] = [
        Field { a: 0, b: 1, dy: 0 },
        Field { a: 0, b: 2, dy: 0 },
        Field { a: 0, b: 0, dy: 1 },
        Field { a: 0, b: 0, dy: 2 },
        Field { a: 0, b: 1, dy: 1 },
        Field { a: 1, b: 0, dy: 1 },
    ];
}

/// The four nearest neighbours.
#[derive(Clone, Copy)]
pub(super) struct StepOne;

impl StepOne {
    pub(super) const SCRATCH_ROWS: usize = 1 + 2 * FIELD_ROWS;
}

impl Step<2, 4> for StepOne {
    const FIELDS: [Field; 2] = [Field { a: 0, b: 1, dy: 0 }, Field { a: 0, b: 0, dy: 1 }];
}

/// Three rows of F, three of D, each used in turn.
const FIELD_ROWS: usize = 6;

/// The row of a field's ring that belongs to row `y` of the frame, which may be up to six rows above it.
#[inline(always)]
fn turn(y: isize) -> usize {
    (y + 6) as usize % 3
}

/// One of steps 0 and 1.
#[inline(always)]
pub(super) fn crosses<S: Simd, C: Step<N, M>, const N: usize, const M: usize>(
    simd: S,
    _step: C,
    stage: &EdgePreservingFilter<'_>,
    input: &Window<'_>,
    (output, scratch): (&mut OutputRows<'_>, &mut ScratchRows<'_>),
) -> Result<(), Error> {
    let (length, width) = (scratch.row_length(), input.width());
    let continues = scratch.continues();
    let (factors, fields) = scratch.samples().split_at_mut(length);
    // The first element says whether the fields hold what the next row needs.
    let mut kept = continues && factors[0] == 1.0;
    for row in 0..input.rows() as isize {
        let y = input.y() as isize + row;
        let to = output.get([(0, row as usize), (1, row as usize), (2, row as usize)])?;
        let filtered = stage.factors(input.x(), y as usize, &mut factors[BASE..BASE + width]);
        if !filtered {
            copy(input, row, to);
            kept = false;
            continue;
        }
        for (field, rows) in C::FIELDS.iter().zip(fields.chunks_exact_mut(FIELD_ROWS * length)) {
            let (differences, sums) = rows.split_at_mut(3 * length);
            let mut next = row;
            if !kept {
                next -= field.dy as isize;
                for above in [next - 1, next] {
                    let to = &mut differences[turn(y - row + above) * length..][..length];
                    difference_row(simd, stage.channel_scale(), input, *field, above, to);
                }
            }
            while next <= row {
                let y = y - row + next;
                let to = &mut differences[turn(y + 1) * length..][..length];
                difference_row(simd, stage.channel_scale(), input, *field, next + 1, to);
                let to = &mut sums[turn(y) * length..][..length];
                let rows = [
                    &differences[turn(y - 1) * length..][..length],
                    &differences[turn(y) * length..][..length],
                    &differences[turn(y + 1) * length..][..length],
                ];
                cross_row(simd, rows, width, to);
                next += 1;
            }
        }
        kept = true;
        let mut sums = [&[][..]; M];
        for (sum, neighbour) in sums.iter_mut().zip(&C::NEIGHBOURS) {
            let row = turn(y - neighbour.up as isize);
            let start = (neighbour.field * FIELD_ROWS + 3 + row) * length + BASE - neighbour.left;
            *sum = &fields[start..start + width];
        }
        mean_row::<S, C, N, M>(simd, &factors[BASE..BASE + width], sums, (input, row), to);
    }
    factors[0] = f32::from(kept);
    Ok(())
}

/// F of a field, in a row that is counted from the window's first one.
#[inline(always)]
fn difference_row<S: Simd>(
    simd: S,
    scale: [f32; 3],
    input: &Window<'_>,
    field: Field,
    row: isize,
    to: &mut [f32],
) {
    let lanes = S::f32s::LEN;
    let width = input.width() + 2 * lanes;
    let to = &mut to[BASE - lanes..][..width];
    let first = rows_from(input, row, PAD - lanes + field.a, width);
    let second = rows_from(input, row + field.dy as isize, PAD - lanes + field.b, width);
    let scale = [splat(simd, scale[0]), splat(simd, scale[1]), splat(simd, scale[2])];
    for (i, to) in to.chunks_exact_mut(lanes).enumerate() {
        let x = i * lanes;
        let mut sum = (load(simd, first[0], x) - load(simd, second[0], x)).abs() * scale[0];
        sum = (load(simd, first[1], x) - load(simd, second[1], x)).abs().mul_add(scale[1], sum);
        sum = (load(simd, first[2], x) - load(simd, second[2], x)).abs().mul_add(scale[2], sum);
        store::<S>(sum, to, 0);
    }
}

/// D from the rows of F above, at and below it.
#[inline(always)]
fn cross_row<S: Simd>(simd: S, [above, centre, below]: [&[f32]; 3], width: usize, to: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let width = width + lanes;
    let (above, below) = (&above[BASE - lanes..][..width], &below[BASE - lanes..][..width]);
    let (left, right) = (&centre[BASE - lanes - 1..][..width], &centre[BASE - lanes + 1..][..width]);
    let centre = &centre[BASE - lanes..][..width];
    for (i, to) in to[BASE - lanes..][..width].chunks_exact_mut(lanes).enumerate() {
        let x = i * lanes;
        let vertical = load(simd, above, x) + load(simd, below, x);
        let horizontal = load(simd, left, x) + load(simd, right, x);
        store::<S>(load(simd, centre, x) + (vertical + horizontal), to, 0);
    }
}

/// The weighted means of a row, for each channel.
#[inline(always)]
fn mean_row<S: Simd, C: Step<N, M>, const N: usize, const M: usize>(
    simd: S,
    factors: &[f32],
    sums: [&[f32]; M],
    (input, row): (&Window<'_>, isize),
    to: [&mut [f32]; 3],
) {
    let (lanes, width) = (S::f32s::LEN, factors.len());
    let [to0, to1, to2] = to;
    let (to0, to1, to2) = (&mut to0[..width], &mut to1[..width], &mut to2[..width]);
    let centre = rows_from(input, row, PAD, width);
    let mut neighbours = [[&[][..]; 3]; M];
    for (rows, neighbour) in neighbours.iter_mut().zip(&C::NEIGHBOURS) {
        let start = (PAD as isize + neighbour.dx) as usize;
        *rows = rows_from(input, row + neighbour.dy, start, width);
    }
    let (zero, one) = (splat(simd, 0.0), splat(simd, 1.0));
    let nothing = splat(simd, f32::NEG_INFINITY);
    let mut x = 0;
    while x + lanes <= width {
        let factor = load(simd, factors, x);
        let p = [load(simd, centre[0], x), load(simd, centre[1], x), load(simd, centre[2], x)];
        let mut total = one;
        let mut mean = p;
        for n in 0..M {
            let weight = load(simd, sums[n], x).mul_add(factor, one).max(zero);
            total += weight;
            mean[0] = load(simd, neighbours[n][0], x).mul_add(weight, mean[0]);
            mean[1] = load(simd, neighbours[n][1], x).mul_add(weight, mean[1]);
            mean[2] = load(simd, neighbours[n][2], x).mul_add(weight, mean[2]);
        }
        let share = one / total;
        let untouched = factor.simd_eq(nothing);
        store::<S>(untouched.select(p[0], mean[0] * share), to0, x);
        store::<S>(untouched.select(p[1], mean[1] * share), to1, x);
        store::<S>(untouched.select(p[2], mean[2] * share), to2, x);
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
    while x + lanes <= width {
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
