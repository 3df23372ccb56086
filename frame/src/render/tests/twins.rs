//! Every kernel against the formula, in double precision, on every instruction set.

use super::harness::{Random, levels, noise};
use crate::image_header::UpsamplingWeights;
use crate::render::oracle::{self, Plane};
use crate::render::stages::*;
use crate::render::*;
use jxlake_util::View2;

/// Asserts that `stage` makes `expected` of `planes` (as many channels as there are), up to rounding.
fn assert_makes(width: usize, height: usize, planes: &[Plane], stage: Stage<'_>, expected: &[Vec<f64>]) {
    for level in levels() {
        let made = oracle::render(width, height, planes.to_vec(), &[stage], level).unwrap();
        for (channel, expected) in expected.iter().enumerate() {
            let made = &made[0][channel];
            assert_eq!(made.samples.len(), expected.len());
            for (index, (a, b)) in made.samples.iter().zip(expected).enumerate() {
                let (x, y) = (index % made.width, index / made.width);
                assert!((f64::from(*a) - b).abs() < 4e-6, "{level:?} {channel} {x} {y}: {a} for {b}");
            }
        }
    }
}

/// Sizes from a single pixel to more than a vector.
const SIZES: [(usize, usize); 8] = [(1, 1), (2, 1), (1, 9), (3, 3), (16, 2), (17, 18), (33, 8), (70, 25)];

/// A function of channel and place, evaluated everywhere.
fn everywhere(plane: &Plane, f: impl Fn(isize, isize) -> f64) -> Vec<f64> {
    let places = (0..plane.height).flat_map(|y| (0..plane.width).map(move |x| (x as isize, y as isize)));
    places.map(|(x, y)| f(x, y)).collect()
}

#[test]
fn gaborish() {
    let random = &mut Random::new(1);
    let weights = [[0.115169525, 0.061248592], [-0.2, 0.05], [0.3, -0.1]];
    let stage = Gaborish::new(weights);
    for (width, height) in SIZES {
        let planes = noise(random, width, height, &[Shift::default(); 4]);
        let mut expected: Vec<Vec<f64>> = Vec::new();
        for (plane, [w1, w2]) in planes.iter().zip(weights) {
            let (w1, w2) = (f64::from(w1), f64::from(w2));
            let p = |x, y| f64::from(plane.mirrored(x, y));
            expected.push(everywhere(plane, |x, y| {
                let next = p(x - 1, y) + p(x + 1, y) + p(x, y - 1) + p(x, y + 1);
                let diagonal = p(x - 1, y - 1) + p(x + 1, y - 1) + p(x - 1, y + 1) + p(x + 1, y + 1);
                (p(x, y) + w1 * next + w2 * diagonal) / (1.0 + 4.0 * (w1 + w2))
            }));
        }
        expected.push(planes[3].samples.iter().map(|&v| v.into()).collect());
        assert_makes(width, height, &planes, Stage::Window(&stage), &expected);
    }
}

#[test]
fn chroma_upsampling() {
    let random = &mut Random::new(2);
    for (width, height) in SIZES {
        let narrow = noise(random, width, height, &[Shift { horizontal: 1, vertical: 0 }]);
        let low = noise(random, width, height, &[Shift { horizontal: 0, vertical: 1 }]);
        let full = Plane::new(width, height, Shift::default(), |_, _| 0.0);
        let p = |x, y| f64::from(narrow[0].mirrored(x, y));
        let wide = everywhere(&full, |x, y| 0.75 * p(x / 2, y) + 0.25 * p(x / 2 + x % 2 * 2 - 1, y));
        let stage = ChromaUpsamplingHorizontal { frame_shift: 0 };
        assert_makes(width, height, &narrow, Stage::Window(&stage), &[wide]);
        let p = |x, y| f64::from(low[0].mirrored(x, y));
        let high = everywhere(&full, |x, y| 0.75 * p(x, y / 2) + 0.25 * p(x, y / 2 + y % 2 * 2 - 1));
        let stage = ChromaUpsamplingVertical { frame_shift: 0 };
        assert_makes(width, height, &low, Stage::Window(&stage), &[high]);
    }
}

/// The filter, as the format defines it. `sigma` is a function of the block.
fn epf(
    planes: &[Plane],
    step: EpfStep,
    parameters: EpfParameters,
    sigma: impl Fn(usize) -> f64,
) -> [Vec<f64>; 3] {
    let cross: [(isize, isize); 5] = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)];
    let compared = if step == EpfStep::Two { &cross[..1] } else { &cross[..] };
    let distance = if step == EpfStep::Zero { 2 } else { 1 };
    let p = |c: usize, x, y| f64::from(planes[c].mirrored(x, y));
    [0, 1, 2].map(|channel| {
        everywhere(&planes[0], |x, y| {
            let sigma = sigma((y / 8) as usize * planes[0].width.div_ceil(8) + (x / 8) as usize);
            if sigma < 0.3 {
                return p(channel, x, y);
            }
            let border = [x % 8, y % 8].iter().any(|v| [0, 7].contains(v));
            let border = if border { f64::from(parameters.border_scale) } else { 1.0 };
            let scale =
                1.65 * f64::from(parameters.step_scale) * border * 4.0 * (1.0 - 0.5f64.sqrt()) / sigma;
            let (mut sum, mut total) = (p(channel, x, y), 1.0);
            for (dx, dy) in (-2isize..=2).flat_map(|dx| (-2isize..=2).map(move |dy| (dx, dy))) {
                if dx == 0 && dy == 0 || dx.abs() + dy.abs() > distance {
                    continue;
                }
                let mut difference = 0.0;
                for c in 0..3 {
                    for (ex, ey) in compared {
                        let (x, y) = (x + ex, y + ey);
                        let one = (p(c, x, y) - p(c, x + dx, y + dy)).abs();
                        difference += f64::from(parameters.channel_scale[c]) * one;
                    }
                }
                let weight = (1.0 - difference * scale).max(0.0);
                sum += weight * p(channel, x + dx, y + dy);
                total += weight;
            }
            sum / total
        })
    })
}

#[test]
fn edge_preserving_filter() {
    let random = &mut Random::new(3);
    let steps = [(EpfStep::Zero, 0.9), (EpfStep::One, 1.0), (EpfStep::Two, 6.5)];
    for (width, height) in SIZES {
        for (step, step_scale) in steps {
            let channel_scale = [0.40, 0.3, 0.035];
            let parameters = EpfParameters { channel_scale, step_scale, border_scale: 2.0 / 3.0 };
            let planes = noise(random, width, height, &[Shift::default(); 3]);
            let (columns, rows) = (width.div_ceil(8), height.div_ceil(8));
            // The last index is of no value.
            let sigma: [f32; 8] = [0.1, 0.299, 0.3001, 1.0, 5.0, -1.0, 0.0, 0.0];
            let blocks: Vec<u16> = (0..columns * rows).map(|_| random.below(8) as u16).collect();
            let indices = View2::from_slice(&blocks, rows, columns, columns).unwrap();
            let values = &sigma.map(Sigma::reciprocal)[..7];
            let stage =
                EdgePreservingFilter::new(step, parameters, Sigma::Blocks { indices, values }).unwrap();
            let expected = epf(&planes, step, parameters, |block| sigma[usize::from(blocks[block])].into());
            assert_makes(width, height, &planes, Stage::Window(&stage), &expected);
            let constant = Sigma::Constant(Sigma::reciprocal(0.7));
            let stage = EdgePreservingFilter::new(step, parameters, constant).unwrap();
            let expected = epf(&planes, step, parameters, |_| 0.7f32.into());
            assert_makes(width, height, &planes, Stage::Window(&stage), &expected);
        }
    }
}

#[test]
fn upsampling() {
    let random = &mut Random::new(4);
    let mut custom = UpsamplingWeights::default();
    for list in [&mut custom.up2[..], &mut custom.up4[..], &mut custom.up8[..]] {
        list.iter_mut().for_each(|weight| *weight = random.sample() / 8.0);
    }
    for weights in [UpsamplingWeights::default(), custom] {
        let kernels = UpsamplingKernels::new(&weights);
        let stage = Upsampling { kernels: &kernels, channels: Upsampled::All };
        for (width, height) in SIZES {
            for shift in 1..=3 {
                let planes = noise(random, width, height, &[Shift::both(shift)]);
                let factor = 1 << shift as isize;
                let p = |x, y| f64::from(planes[0].mirrored(x, y));
                let full = Plane::new(width, height, Shift::default(), |_, _| 0.0);
                let expected = everywhere(&full, |x, y| {
                    let phase = ((y % factor) as usize, (x % factor) as usize);
                    let kernel = weights.kernel(factor as usize, phase).unwrap();
                    let taps = (0..25).map(|tap| p(x / factor + tap % 5 - 2, y / factor + tap / 5 - 2));
                    let taps: Vec<f64> = taps.collect();
                    let sum: f64 = taps.iter().zip(kernel).map(|(p, k)| p * f64::from(k)).sum();
                    let least = taps.iter().copied().fold(f64::INFINITY, f64::min);
                    let most = taps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    sum.clamp(least, most)
                });
                assert_makes(width, height, &planes, Stage::Window(&stage), &[expected]);
            }
        }
    }
}

/// Runs of equal samples take a way of their own.
#[test]
fn upsampling_of_constants() {
    let kernels = UpsamplingKernels::default();
    let stage = Upsampling { kernels: &kernels, channels: Upsampled::All };
    for shift in 1..=3 {
        let plane = Plane::new(300, 60, Shift::both(shift), |x, _| if x < 20 { 0.3 } else { 0.7 });
        for level in levels() {
            let made = oracle::render(300, 60, vec![plane.clone()], &[Stage::Window(&stage)], level).unwrap();
            let (left, right) = (made[0][0].samples[0], made[0][0].samples[299]);
            assert_eq!((left, right), (0.3, 0.7));
            let middle = made[0][0].row(30)[(20 << shift) - 1];
            assert!(middle > 0.3 && middle < 0.7);
        }
    }
}

#[test]
fn ycbcr_to_rgb() {
    let random = &mut Random::new(5);
    for (width, height) in SIZES {
        let planes = noise(random, width, height, &[Shift::default(); 3]);
        let p = |c: usize, x, y| f64::from(planes[c].mirrored(x, y));
        let luma = |x, y| p(1, x, y) + 128.0 / 255.0;
        let expected = [
            everywhere(&planes[0], |x, y| luma(x, y) + 1.402 * p(2, x, y)),
            everywhere(&planes[0], |x, y| {
                luma(x, y) - 0.114 * 1.772 / 0.587 * p(0, x, y) - 0.299 * 1.402 / 0.587 * p(2, x, y)
            }),
            everywhere(&planes[0], |x, y| luma(x, y) + 1.772 * p(0, x, y)),
        ];
        assert_makes(width, height, &planes, Stage::Point(&YcbcrToRgb), &expected);
    }
}
