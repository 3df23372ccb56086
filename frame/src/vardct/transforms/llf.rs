//! The lowest frequencies of a varblock, from its LF samples (one per block it covers).

use super::LfSamples;
use super::dct::ForwardDct;
use super::tables::{LLF_SCALES_1, LLF_SCALES_2, LLF_SCALES_4, LLF_SCALES_8, LLF_SCALES_16, LLF_SCALES_32};
use crate::vardct::TransformType;

/// Computes the lowest frequencies of a varblock of several blocks from its LF samples, and writes them to their place
/// in its stored array.
#[inline(always)]
pub(super) fn lowest_frequencies(ty: TransformType, lf: LfSamples<'_>, stored: &mut [f32]) {
    match (ty.block_rows(), ty.block_cols()) {
        (2, 2) => two_by_two(lf, stored),
        (2, 1) => lowest::<2, 1>(lf, stored),
        (1, 2) => lowest::<1, 2>(lf, stored),
        (4, 4) => lowest::<4, 4>(lf, stored),
        (4, 2) => lowest::<4, 2>(lf, stored),
        (2, 4) => lowest::<2, 4>(lf, stored),
        (4, 1) => lowest::<4, 1>(lf, stored),
        (1, 4) => lowest::<1, 4>(lf, stored),
        (8, 8) => lowest::<8, 8>(lf, stored),
        (8, 4) => lowest::<8, 4>(lf, stored),
        (4, 8) => lowest::<4, 8>(lf, stored),
        (16, 16) => lowest::<16, 16>(lf, stored),
        (16, 8) => lowest::<16, 8>(lf, stored),
        (8, 16) => lowest::<8, 16>(lf, stored),
        (32, 32) => lowest::<32, 32>(lf, stored),
        (32, 16) => lowest::<32, 16>(lf, stored),
        _ => lowest::<16, 32>(lf, stored),
    }
}

/// What frequency `k` of `blocks` LF samples is multiplied by to become frequency `k` of `8 * blocks` samples, divided
/// by `blocks` (the forward DCT is left unscaled).
#[inline(always)]
const fn scales(blocks: usize) -> &'static [f32] {
    match blocks {
        1 => &LLF_SCALES_1,
        2 => &LLF_SCALES_2,
        4 => &LLF_SCALES_4,
        8 => &LLF_SCALES_8,
        16 => &LLF_SCALES_16,
        _ => &LLF_SCALES_32,
    }
}

/// The most frequent size by far, without a loop.
#[inline(always)]
fn two_by_two(lf: LfSamples<'_>, stored: &mut [f32]) {
    let (top, bottom) = (lf.row(0, 2), lf.row(1, 2));
    let [s0, s1] = LLF_SCALES_2;
    let (left, right) = (top[0] + bottom[0], top[1] + bottom[1]);
    let (left_down, right_down) = (top[0] - bottom[0], top[1] - bottom[1]);
    stored[0] = (left + right) * (s0 * s0);
    stored[1] = (left_down + right_down) * (s0 * s1);
    stored[16] = (left - right) * (s0 * s1);
    stored[17] = (left_down - right_down) * (s1 * s1);
}

fn lowest<const ROWS: usize, const COLS: usize>(lf: LfSamples<'_>, stored: &mut [f32])
where
    [f32; ROWS]: ForwardDct,
    [f32; COLS]: ForwardDct,
{
    let mut columns = [[0.0f32; ROWS]; COLS];
    for v in 0..ROWS {
        let mut line = [0.0f32; COLS];
        line.copy_from_slice(lf.row(v, COLS));
        line.forward_dct();
        for u in 0..COLS {
            columns[u][v] = line[u];
        }
    }
    let wide = ROWS < COLS;
    let stored_cols = 8 * if wide { COLS } else { ROWS };
    for u in 0..COLS {
        columns[u].forward_dct();
        for v in 0..ROWS {
            let index = if wide { v * stored_cols + u } else { u * stored_cols + v };
            stored[index] = columns[u][v] * (scales(COLS)[u] * scales(ROWS)[v]);
        }
    }
}
