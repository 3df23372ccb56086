//! Inverse transforms of VarDCT, ns per row of 256 samples of varblocks, beside the definition as plain loops.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fearless_simd::Level;
use jxlake_frame::vardct::{TransformType, kernels::inverse_row};
use jxlake_util::{View2, ViewMut2};
use std::f32::consts::{PI, SQRT_2};
use std::hint::black_box;

const WIDTH: usize = 256;

/// The separable inverse as the format defines it, the basis tabulated.
fn plain(side: usize, stored: &[f32], basis: &[f32], scratch: &mut [f32], dest: &mut [f32]) {
    for u in 0..side {
        for y in 0..side {
            // Square arrays are stored with the horizontal frequency first.
            scratch[u * side + y] = (0..side).map(|v| stored[u * side + v] * basis[v * side + y]).sum();
        }
    }
    for y in 0..side {
        for x in 0..side {
            dest[y * WIDTH + x] = (0..side).map(|u| scratch[u * side + y] * basis[u * side + x]).sum();
        }
    }
}

fn basis(side: usize) -> Vec<f32> {
    let value = |k: usize, i: usize| match k {
        0 => 1.0,
        _ => SQRT_2 * (PI * k as f32 * (2 * i + 1) as f32 / (2 * side) as f32).cos(),
    };
    (0..side * side).map(|at| value(at / side, at % side)).collect()
}

fn transforms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("inverse transform");
    for (name, ty, side) in [
        ("8x8", TransformType::Dct8x8, 8),
        ("16x16", TransformType::Dct16x16, 16),
        ("32x32", TransformType::Dct32x32, 32),
    ] {
        let stored: Vec<f32> = (0..side * WIDTH).map(|i| ((i * 7919) % 97) as f32 / 97.0 - 0.5).collect();
        let lf = vec![0.25f32; WIDTH / 8 * (side / 8)];
        let lf = View2::from_slice(&lf, side / 8, WIDTH / 8, WIDTH / 8).expect("a view");
        let mut values = stored.clone();
        let (mut scratch, mut memory) = (vec![0.0; 2 * side * side], vec![0.0; side * WIDTH]);
        group.throughput(Throughput::Elements((side * WIDTH) as u64));
        group.bench_function(format!("{name}, vectors"), |bencher| {
            bencher.iter(|| {
                let mut dest = ViewMut2::from_slice(&mut memory, side, WIDTH, WIDTH).expect("a view");
                inverse_row(Level::new(), ty, black_box(&mut values), lf, &mut scratch, &mut dest);
            });
        });
        let basis = basis(side);
        group.bench_function(format!("{name}, plain"), |bencher| {
            bencher.iter(|| {
                for (index, stored) in black_box(&stored).chunks_exact(side * side).enumerate() {
                    plain(side, stored, &basis, &mut scratch, &mut memory[index * side..]);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, transforms);
criterion_main!(benches);
