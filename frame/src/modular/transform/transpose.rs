//! Rows to columns and back, in blocks that stay in vector registers.

use bytemuck::{Pod, cast_slice, cast_slice_mut};
use fearless_simd::{Simd, i16x8, i32x4, prelude::*};
use jxlake_util::{View2, ViewMut2};

use super::unsqueeze::{Column, LANES};
use crate::modular::channel::Sample;

/// Loads the columns of the rows below `origin` (row, column), as many rows as there are; the rest of a column stays.
#[inline(always)]
pub(super) fn load_columns<S: Sample, V: Simd>(
    simd: V,
    source: View2<'_, S>,
    origin: (usize, usize),
    columns: &mut [Column<S>],
) {
    match S::BITS {
        16 => load::<i16, S, V>(simd, source, origin, cast_slice_mut(columns)),
        _ => load::<i32, S, V>(simd, source, origin, cast_slice_mut(columns)),
    }
}

/// Stores the first `rows` samples of each column below `origin`.
#[inline(always)]
pub(super) fn store_columns<S: Sample, V: Simd>(
    simd: V,
    columns: &[Column<S>],
    origin: (usize, usize),
    rows: usize,
    target: &mut ViewMut2<'_, S>,
) {
    match S::BITS {
        16 => store::<i16, S, V>(simd, cast_slice(columns), origin, rows, target),
        _ => store::<i32, S, V>(simd, cast_slice(columns), origin, rows, target),
    }
}

/// A type of which `SIDE` values fill a short vector, so that squares of them can be transposed.
trait Square: Pod {
    const SIDE: usize;
    type Vector<V: Simd>: SimdBase<V, Element = Self>;
}

impl Square for i16 {
    const SIDE: usize = 8;
    type Vector<V: Simd> = i16x8<V>;
}

impl Square for i32 {
    const SIDE: usize = 4;
    type Vector<V: Simd> = i32x4<V>;
}

/// Transposes the square of the first `T::SIDE` vectors.
#[inline(always)]
fn transpose<T: Square, V: Simd>(mut square: [T::Vector<V>; 8]) -> [T::Vector<V>; 8] {
    let half = T::SIDE / 2;
    let mut done = 1;
    while done < T::SIDE {
        let before = square;
        for i in 0..half {
            square[2 * i] = before[i].zip_low(before[i + half]);
            square[2 * i + 1] = before[i].zip_high(before[i + half]);
        }
        done *= 2;
    }
    square
}

#[inline(always)]
fn load<T: Square, S: Sample, V: Simd>(
    simd: V,
    source: View2<'_, S>,
    (top, left): (usize, usize),
    columns: &mut [Column<T>],
) {
    let row = |lane: usize| -> &[T] { &cast_slice(source.row(top + lane))[left..] };
    let rows = (source.rows() - top).min(LANES);
    let (whole_rows, whole_columns) = (rows - rows % T::SIDE, columns.len() - columns.len() % T::SIDE);
    for lane in (0..whole_rows).step_by(T::SIDE) {
        for column in (0..whole_columns).step_by(T::SIDE) {
            let mut square = [T::Vector::<V>::splat(simd, T::zeroed()); 8];
            for i in 0..T::SIDE {
                square[i] = T::Vector::<V>::from_slice(simd, &row(lane + i)[column..column + T::SIDE]);
            }
            let square = transpose::<T, V>(square);
            for i in 0..T::SIDE {
                square[i].store_slice(&mut columns[column + i][lane..lane + T::SIDE]);
            }
        }
    }
    for lane in 0..rows {
        let first = if lane < whole_rows { whole_columns } else { 0 };
        for (sample, column) in row(lane)[first..].iter().zip(&mut columns[first..]) {
            column[lane] = *sample;
        }
    }
}

#[inline(always)]
fn store<T: Square, S: Sample, V: Simd>(
    simd: V,
    columns: &[Column<T>],
    (top, left): (usize, usize),
    rows: usize,
    target: &mut ViewMut2<'_, S>,
) {
    let (whole_rows, whole_columns) = (rows - rows % T::SIDE, columns.len() - columns.len() % T::SIDE);
    for lane in (0..whole_rows).step_by(T::SIDE) {
        for column in (0..whole_columns).step_by(T::SIDE) {
            let mut square = [T::Vector::<V>::splat(simd, T::zeroed()); 8];
            for i in 0..T::SIDE {
                square[i] = T::Vector::<V>::from_slice(simd, &columns[column + i][lane..lane + T::SIDE]);
            }
            let square = transpose::<T, V>(square);
            for i in 0..T::SIDE {
                let row = &mut target.row_mut(top + lane + i)[left + column..left + column + T::SIDE];
                square[i].store_slice(cast_slice_mut(row));
            }
        }
    }
    for lane in 0..rows {
        let first = if lane < whole_rows { whole_columns } else { 0 };
        let row: &mut [T] = cast_slice_mut(&mut target.row_mut(top + lane)[left..left + columns.len()]);
        for (sample, column) in row[first..].iter_mut().zip(&columns[first..]) {
            *sample = column[lane];
        }
    }
}
