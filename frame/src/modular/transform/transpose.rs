//! Rows to columns and back, in blocks that stay in vector registers.

use bytemuck::{Pod, cast_slice, cast_slice_mut};
use fearless_simd::{Simd, i16x8, i32x4, prelude::*};
use jxlake_util::{Rect, View2, ViewMut2};

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
    let count = columns.len();
    let rows = (source.rows() - top).min(LANES);
    let row = |lane: usize| -> &[T] { &cast_slice(source.row(top + lane))[left..left + count] };
    let mut lane = 0;
    while lane + T::SIDE <= rows {
        let mut strip = [&[][..]; 8];
        for i in 0..T::SIDE {
            strip[i] = row(lane + i);
        }
        let mut column = 0;
        while column + T::SIDE <= count {
            let mut square = [T::Vector::<V>::splat(simd, T::zeroed()); 8];
            for i in 0..T::SIDE {
                square[i] = T::Vector::<V>::from_slice(simd, &strip[i][column..column + T::SIDE]);
            }
            let square = transpose::<T, V>(square);
            for i in 0..T::SIDE {
                square[i].store_slice(&mut columns[column + i][lane..lane + T::SIDE]);
            }
            column += T::SIDE;
        }
        for column in column..count {
            for i in 0..T::SIDE {
                columns[column][lane + i] = strip[i][column];
            }
        }
        lane += T::SIDE;
    }
    for lane in lane..rows {
        for (sample, column) in row(lane).iter().zip(&mut *columns) {
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
    let count = columns.len();
    let mut target = target.sub_mut(Rect::new(left, top, count, rows)).into_rows();
    let mut lane = 0;
    while lane + T::SIDE <= rows {
        let mut strip: [&mut [T]; 8] = Default::default();
        for i in 0..T::SIDE {
            strip[i] = target.next().map_or(&mut [], |row| cast_slice_mut(row));
        }
        let mut column = 0;
        while column + T::SIDE <= count {
            let mut square = [T::Vector::<V>::splat(simd, T::zeroed()); 8];
            for i in 0..T::SIDE {
                square[i] = T::Vector::<V>::from_slice(simd, &columns[column + i][lane..lane + T::SIDE]);
            }
            let square = transpose::<T, V>(square);
            for i in 0..T::SIDE {
                square[i].store_slice(&mut strip[i][column..column + T::SIDE]);
            }
            column += T::SIDE;
        }
        for column in column..count {
            for i in 0..T::SIDE {
                strip[i][column] = columns[column][lane + i];
            }
        }
        lane += T::SIDE;
    }
    for (lane, row) in (lane..rows).zip(target) {
        for (sample, column) in cast_slice_mut::<S, T>(row).iter_mut().zip(columns) {
            *sample = column[lane];
        }
    }
}
