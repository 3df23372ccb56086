//! The transforms as the standard defines them, in `f64` and without haste: the twin the kernels are tested against.

use core::f64::consts::{PI, SQRT_2};

use super::afv_basis::AFV_BASIS;
use crate::vardct::TransformType;

/// Basis function `k` of the inverse DCT of size `n` at sample `i`.
fn basis(n: usize, k: usize, i: usize) -> f64 {
    if k == 0 { 1.0 } else { SQRT_2 * (PI * (k * (2 * i + 1)) as f64 / (2 * n) as f64).cos() }
}

/// Samples, row by row, of a stored array of an inverse DCT of `rows` rows and `cols` columns of samples.
fn inverse_dct(stored: &[f64], rows: usize, cols: usize) -> Vec<f64> {
    let frequency =
        |v: usize, u: usize| if rows < cols { stored[v * cols + u] } else { stored[u * rows + v] };
    let table = |n: usize| -> Vec<f64> { (0..n * n).map(|ki| basis(n, ki / n, ki % n)).collect() };
    let (vertical, horizontal) = (table(rows), table(cols));
    // Along the rows first: half[v][x].
    let mut half = vec![0.0; rows * cols];
    for v in 0..rows {
        for u in 0..cols {
            let value = frequency(v, u);
            for x in 0..cols {
                half[v * cols + x] += value * horizontal[u * cols + x];
            }
        }
    }
    let mut samples = vec![0.0; rows * cols];
    for y in 0..rows {
        for v in 0..rows {
            for x in 0..cols {
                samples[y * cols + x] += half[v * cols + x] * vertical[v * rows + y];
            }
        }
    }
    samples
}

/// Scaled lowest frequencies of a varblock from its LF samples (row by row), by vertical and horizontal frequency.
pub(super) fn lowest_frequencies(rows: usize, cols: usize, lf: &[f64]) -> Vec<f64> {
    let scale = |n: usize, k: usize| {
        let at = |factor: f64| (factor * k as f64 * PI / (16 * n) as f64).cos();
        1.0 / (at(1.0) * at(2.0) * at(4.0))
    };
    let mut llf = vec![0.0; rows * cols];
    for v in 0..rows {
        for u in 0..cols {
            for y in 0..rows {
                for x in 0..cols {
                    llf[v * cols + u] += lf[y * cols + x] * basis(rows, v, y) * basis(cols, u, x);
                }
            }
            llf[v * cols + u] *= scale(rows, v) * scale(cols, u) / (rows * cols) as f64;
        }
    }
    llf
}

/// The stored array of a varblock with its lowest frequencies in place.
pub(super) fn with_lowest_frequencies(ty: TransformType, stored: &[f64], lf: &[f64]) -> Vec<f64> {
    let mut stored = stored.to_vec();
    let (rows, cols) = (ty.block_rows(), ty.block_cols());
    for (i, value) in lowest_frequencies(rows, cols, lf).into_iter().enumerate() {
        let (v, u) = (i / cols, i % cols);
        let index = if ty.is_wide() { v * ty.stored_cols() + u } else { u * ty.stored_cols() + v };
        stored[index] = value;
    }
    stored
}

/// Samples of a varblock, row by row, from its stored array and its LF samples.
pub(super) fn inverse_transform(ty: TransformType, stored: &[f64], lf: &[f64]) -> Vec<f64> {
    let c = with_lowest_frequencies(ty, stored, lf);
    match ty {
        TransformType::Hornuss => hornuss(&c),
        TransformType::Dct2x2 => dct_2x2(&c),
        TransformType::Dct4x4 => dct_4x4(&c),
        TransformType::Dct4x8 => halves(&c, true),
        TransformType::Dct8x4 => halves(&c, false),
        TransformType::Afv0 | TransformType::Afv1 | TransformType::Afv2 | TransformType::Afv3 => {
            afv(&c, ty as usize - TransformType::Afv0 as usize)
        }
        _ => inverse_dct(&c, 8 * ty.block_rows(), 8 * ty.block_cols()),
    }
}

fn quadrant_averages(c: &[f64]) -> [[f64; 2]; 2] {
    [
        [c[0] + c[1] + c[8] + c[9], c[0] + c[1] - c[8] - c[9]],
        [c[0] - c[1] + c[8] - c[9], c[0] - c[1] - c[8] + c[9]],
    ]
}

/// Copies a block of `cols` columns to row `y` and column `x` of 8 x 8 samples.
fn place(samples: &mut [f64], block: &[f64], cols: usize, y: usize, x: usize) {
    for (i, value) in block.iter().enumerate() {
        samples[8 * (y + i / cols) + x + i % cols] = *value;
    }
}

fn hornuss(c: &[f64]) -> Vec<f64> {
    let averages = quadrant_averages(c);
    let mut samples = vec![0.0; 64];
    for (qy, qx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let h = |iy: usize, ix: usize| c[8 * (qy + 2 * iy) + qx + 2 * ix];
        let sum: f64 = (1..16).map(|i| h(i / 4, i % 4)).sum();
        let middle = averages[qy][qx] - sum / 16.0;
        let mut block: Vec<f64> = (0..16).map(|i| middle + h(i / 4, i % 4)).collect();
        block[5] = middle;
        block[0] = middle + h(1, 1);
        place(&mut samples, &block, 4, 4 * qy, 4 * qx);
    }
    samples
}

fn dct_2x2(c: &[f64]) -> Vec<f64> {
    let mut c = c.to_vec();
    for half in [1, 2, 4] {
        let before = c.clone();
        for y in 0..half {
            for x in 0..half {
                let (a, b) = (before[8 * y + x], before[8 * y + x + half]);
                let (d, e) = (before[8 * (y + half) + x], before[8 * (y + half) + x + half]);
                place(&mut c, &[a + b + d + e, a + b - d - e, a - b + d - e, a - b - d + e], 2, 2 * y, 2 * x);
            }
        }
    }
    c
}

fn dct_4x4(c: &[f64]) -> Vec<f64> {
    let averages = quadrant_averages(c);
    let mut samples = vec![0.0; 64];
    for (qy, qx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let mut g: Vec<f64> = (0..16).map(|i| c[8 * (qy + 2 * (i / 4)) + qx + 2 * (i % 4)]).collect();
        g[0] = averages[qy][qx];
        place(&mut samples, &inverse_dct(&g, 4, 4), 4, 4 * qy, 4 * qx);
    }
    samples
}

fn halves(c: &[f64], upper_and_lower: bool) -> Vec<f64> {
    let mut samples = vec![0.0; 64];
    for h in 0..2 {
        let mut g: Vec<f64> = (0..32).map(|i| c[8 * (h + 2 * (i / 8)) + i % 8]).collect();
        g[0] = if h == 0 { c[0] + c[8] } else { c[0] - c[8] };
        if upper_and_lower {
            place(&mut samples, &inverse_dct(&g, 4, 8), 8, 4 * h, 0);
        } else {
            place(&mut samples, &inverse_dct(&g, 8, 4), 4, 0, 4 * h);
        }
    }
    samples
}

fn afv(c: &[f64], kind: usize) -> Vec<f64> {
    let (fx, fy) = (kind & 1, kind >> 1);
    let mut samples = vec![0.0; 64];

    let mut q: Vec<f64> = (0..16).map(|i| c[16 * (i / 4) + 2 * (i % 4)]).collect();
    q[0] = 4.0 * (c[0] + c[1] + c[8]);
    let t: Vec<f64> = (0..16).map(|i| (0..16).map(|j| q[j] * f64::from(AFV_BASIS[j][i])).sum()).collect();
    let mirrored = |i: usize| {
        let (y, x) = (i / 4, i % 4);
        t[4 * if fy == 1 { 3 - y } else { y } + if fx == 1 { 3 - x } else { x }]
    };
    let corner: Vec<f64> = (0..16).map(mirrored).collect();
    place(&mut samples, &corner, 4, 4 * fy, 4 * fx);

    let mut d: Vec<f64> = (0..16).map(|i| c[16 * (i / 4) + 2 * (i % 4) + 1]).collect();
    d[0] = c[0] + c[8] - c[1];
    place(&mut samples, &inverse_dct(&d, 4, 4), 4, 4 * fy, 4 * (1 - fx));

    let mut e: Vec<f64> = (0..32).map(|i| c[8 * (2 * (i / 8) + 1) + i % 8]).collect();
    e[0] = c[0] - c[8];
    place(&mut samples, &inverse_dct(&e, 4, 8), 8, 4 * (1 - fy), 0);
    samples
}
