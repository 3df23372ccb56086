//! The kernels against their twin and the reference's checksums, at every SIMD level of the machine.

use fearless_simd::{Level, dispatch};
use jxlake_util::{View2, ViewMut2};

use super::selfcheck::SELFCHECK;
use super::{Destination, Extent, LfSamples, Spectrum, inverse_transform, reference};
use crate::vardct::TransformType;
use crate::vardct::test_support::{Random, levels};

const STRIDE: usize = 256 + 24;

/// Samples of a varblock, row by row, from the kernels; the matrix around it must stay as it is.
fn transform(level: Level, ty: TransformType, stored: &[f32], extent: Extent, lf: &[f32]) -> Vec<f32> {
    let (rows, cols) = (8 * ty.block_rows(), 8 * ty.block_cols());
    let mut matrix = vec![777.0f32; (rows + 11) * STRIDE];
    let mut view = ViewMut2::from_slice(&mut matrix, rows + 11, STRIDE, STRIDE).unwrap();
    let mut values = stored.to_vec();
    let mut scratch = vec![f32::NAN; ty.size()];
    // LF samples somewhere inside a larger image.
    let (lf_rows, lf_cols) = (ty.block_rows(), ty.block_cols());
    let mut lf_image = vec![f32::NAN; 40 * 40];
    for y in 0..lf_rows {
        lf_image[(y + 3) * 40 + 5..][..lf_cols].copy_from_slice(&lf[y * lf_cols..][..lf_cols]);
    }
    let lf = LfSamples { view: View2::from_slice(&lf_image, 40, 40, 40).unwrap(), x: 5, y: 3 };
    let spectrum = Spectrum { values: &mut values, extent };
    let dest = Destination { view: &mut view, x: 13, y: 7 };
    dispatch!(level, simd => inverse_transform(simd, ty, spectrum, lf, &mut scratch, dest));
    let mut samples = Vec::new();
    for (y, row) in matrix.chunks(STRIDE).enumerate() {
        if (7..7 + rows).contains(&y) {
            samples.extend_from_slice(&row[13..13 + cols]);
            assert!(row[..13].iter().chain(&row[13 + cols..]).all(|v| *v == 777.0), "{ty:?} row {y}");
        } else {
            assert!(row.iter().all(|v| *v == 777.0), "{ty:?} row {y}");
        }
    }
    samples
}

/// The input of the reference's checksums: coefficients outside the LLF corner, and LF samples.
fn selfcheck_input(ty: TransformType) -> (Vec<f64>, Vec<f64>) {
    let mut stored: Vec<f64> =
        (0..ty.size()).map(|i| (((37 * i + 11) % 101) as f64 - 50.0) / (64 + i) as f64).collect();
    for a in 0..ty.stored_rows() / 8 {
        stored[a * ty.stored_cols()..][..ty.stored_cols() / 8].fill(0.0);
    }
    let (rows, cols) = (ty.block_rows(), ty.block_cols());
    let lf = (0..rows * cols).map(|i| ((7 * (i / cols) + 13 * (i % cols) + 5) % 17) as f64 / 17.0).collect();
    (stored, lf)
}

fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}

#[test]
fn the_twin_agrees_with_the_checksums() {
    for (ty, line) in TransformType::ALL.into_iter().zip(SELFCHECK) {
        let (stored, lf) = selfcheck_input(ty);
        let (rows, cols) = (8 * ty.block_rows(), 8 * ty.block_cols());
        assert_eq!(line[..3], [ty as usize as f64, rows as f64, cols as f64]);
        let llf = reference::lowest_frequencies(ty.block_rows(), ty.block_cols(), &lf);
        let p = reference::inverse_transform(ty, &stored, &lf);
        let n = p.len();
        let weighted = p.iter().enumerate().map(|(i, v)| (i % 89 + 1) as f64 * v).sum();
        let found = [
            llf[0],
            llf[llf.len() - 1],
            p.iter().sum(),
            weighted,
            p[0],
            p[1],
            p[cols],
            p[n / 2 + cols / 2],
            p[n - 2],
            p[n - 1],
        ];
        for (i, (found, expected)) in found.into_iter().zip(&line[3..]).enumerate() {
            // The AFV basis is rounded to 32 bits.
            let tolerance = if (14..18).contains(&(ty as usize)) { 1e-6 } else { 1e-8 };
            assert!(
                (found - expected).abs() <= tolerance * expected.abs().max(0.1),
                "{ty:?} {i}: {found} {expected}"
            );
        }
    }
}

/// The largest difference of kernel and twin relative to the largest sample.
fn difference(samples: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(samples.len(), expected.len());
    let largest = expected.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    samples.iter().zip(expected).fold(0.0, |m: f64, (s, e)| m.max((f64::from(*s) - e).abs())) / largest
}

#[test]
fn kernels_agree_with_the_twin_on_the_checked_input() {
    for ty in TransformType::ALL {
        let (stored, lf) = selfcheck_input(ty);
        let expected = reference::inverse_transform(ty, &stored, &lf);
        for level in levels() {
            let samples = transform(level, ty, &to_f32(&stored), Extent::full(ty), &to_f32(&lf));
            let difference = difference(&samples, &expected);
            assert!(difference < 3e-6, "{ty:?} {level:?}: {difference}");
        }
    }
}

#[test]
fn kernels_agree_with_the_twin_on_random_input_of_any_extent() {
    let mut random = Random::new(1);
    for ty in TransformType::ALL.into_iter().filter(|ty| ty.size() <= 8192) {
        let full = Extent::full(ty);
        let llf = ((ty.stored_rows() / 8).div_ceil(8) as u8, (ty.stored_cols() / 8).div_ceil(8) as u8);
        for _ in 0..4 {
            let extent = Extent {
                rows: llf.0.max(1 + random.below(full.rows as usize) as u8),
                cols: llf.1.max(1 + random.below(full.cols as usize) as u8),
            };
            let (cols, lf_len) = (ty.stored_cols(), ty.block_rows() * ty.block_cols());
            let mut stored = vec![0.0f64; ty.size()];
            let mut garbage = vec![f32::NAN; ty.size()];
            let read_cols = (8 * extent.cols as usize).next_multiple_of(16).min(cols);
            for a in 0..8 * extent.rows as usize {
                garbage[a * cols..][..read_cols].fill(0.0);
                for b in 0..8 * extent.cols as usize {
                    let lowest = a < ty.stored_rows() / 8 && b < cols / 8;
                    let value = if lowest { 0.0 } else { random.float() };
                    stored[a * cols + b] = value.into();
                    garbage[a * cols + b] = value;
                }
            }
            let lf: Vec<f64> = (0..lf_len).map(|_| random.float().into()).collect();
            let expected = reference::inverse_transform(ty, &stored, &lf);
            for level in levels() {
                let samples = transform(level, ty, &garbage, extent, &to_f32(&lf));
                let difference = difference(&samples, &expected);
                assert!(difference < 1e-5, "{ty:?} {level:?} {extent:?}: {difference}");
            }
        }
    }
}

#[test]
fn without_hf_the_mean_of_every_block_is_its_lf_sample() {
    for ty in TransformType::ALL {
        let (_, lf) = selfcheck_input(ty);
        let zeros = vec![0.0; ty.size()];
        for level in levels() {
            let samples = transform(level, ty, &zeros, Extent::full(ty), &to_f32(&lf));
            let cols = 8 * ty.block_cols();
            for (i, expected) in lf.iter().enumerate() {
                let (by, bx) = (i / ty.block_cols(), i % ty.block_cols());
                let mut mean = 0.0;
                for y in 0..8 {
                    mean += samples[(8 * by + y) * cols + 8 * bx..][..8]
                        .iter()
                        .map(|v| f64::from(*v))
                        .sum::<f64>();
                }
                assert!((mean / 64.0 - expected).abs() < 2e-6, "{ty:?} {level:?} block {i}");
            }
        }
    }
}

#[test]
fn lowest_frequencies_of_a_tall_pair() {
    let level = Level::new();
    let samples =
        transform(level, TransformType::Dct16x8, &[0.0; 128], Extent { rows: 1, cols: 1 }, &[1.0, 0.0]);
    let llf = reference::lowest_frequencies(2, 1, &[1.0, 0.0]);
    assert!((llf[0] - 0.5).abs() < 1e-12 && (llf[1] - 0.554_468_676_796).abs() < 1e-11);
    let mut stored = vec![0.0; 128];
    stored[..2].copy_from_slice(&llf);
    assert!(
        difference(&samples, &reference::inverse_transform(TransformType::Dct16x8, &stored, &[1.0, 0.0]))
            < 1e-6
    );
}

#[test]
fn one_value_fills_a_block() {
    let mut matrix = [0.0f32; 12 * 16];
    let mut view = ViewMut2::from_slice(&mut matrix, 12, 16, 16).unwrap();
    super::fill_block(2.5, Destination { view: &mut view, x: 3, y: 2 });
    assert_eq!(matrix.iter().filter(|v| **v == 2.5).count(), 64);
    assert_eq!((matrix[2 * 16 + 3], matrix[9 * 16 + 10]), (2.5, 2.5));
}
