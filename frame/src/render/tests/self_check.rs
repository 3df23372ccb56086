//! Known results.

use super::harness::levels;
use crate::colour::{Curve, LinearTarget, RgbSpace, Transfer, XybToLinear};
use crate::image_header::OpsinInverseMatrix;
use crate::render::oracle::{self, Plane};
use crate::render::stages::*;
use crate::render::*;

fn assert_near(made: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(made.len(), expected.len());
    let near = made.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(near, "{made:?} for {expected:?}");
}

#[test]
fn gaborish_of_a_checkerboard() {
    let plane = Plane::new(2, 2, Shift::default(), |x, y| (x ^ y) as f32);
    let stage = Gaborish::new([[0.115169525, 0.061248592]; 3]);
    for level in levels() {
        let made = oracle::render(2, 2, vec![plane.clone(); 3], &[Stage::Window(&stage)], level).unwrap();
        assert_near(&made[0][2].samples, &[0.20686048, 0.7931395, 0.7931395, 0.20686048], 1e-7);
    }
}

#[test]
fn epf_of_a_ramp_with_a_spike() {
    let luma = |x, y| 0.01 * (x + 2 * y) as f32 + if (x, y) == (1, 2) { 0.02 } else { 0.0 };
    let zero = Plane::new(4, 4, Shift::default(), |_, _| 0.0);
    let planes = vec![zero.clone(), Plane::new(4, 4, Shift::default(), luma), zero];
    let cases = [
        (
            EpfStep::Zero,
            0.9,
            [0.0205060, 0.0319988, 0.0405332, 0.0449021],
            [0.0504633, 0.0592493, 0.0667990, 0.0697327],
        ),
        (
            EpfStep::One,
            1.0,
            [0.0203063, 0.0308163, 0.0384858, 0.0462691],
            [0.0485212, 0.0614287, 0.0675394, 0.0691540],
        ),
        (
            EpfStep::Two,
            6.5,
            [0.0220000, 0.0300000, 0.0400000, 0.0484326],
            [0.0400000, 0.0684326, 0.0642644, 0.0684326],
        ),
    ];
    for (step, step_scale, row1, row2) in cases {
        let parameters =
            EpfParameters { channel_scale: [40.0, 5.0, 3.5], step_scale, border_scale: 2.0 / 3.0 };
        let sigma = Sigma::Constant(Sigma::reciprocal(1.0));
        let stage = EdgePreservingFilter::new(step, parameters, sigma).unwrap();
        for level in levels() {
            let made = oracle::render(4, 4, planes.clone(), &[Stage::Window(&stage)], level).unwrap();
            assert_near(made[0][1].row(1), &row1, 1e-7);
            assert_near(made[0][1].row(2), &row2, 1e-7);
        }
    }
}

#[test]
fn upsampling_of_a_ramp_and_of_an_impulse() {
    let kernels = UpsamplingKernels::default();
    let stage = Upsampling { kernels: &kernels, channels: Upsampled::All };
    let expected = [
        0.0, 0.071311, 0.600774, 1.21566, 1.728138, 2.271862, 2.728138, 3.271862, 3.728138, 4.271862,
        4.78434, 5.399226, 5.928689, 6.0,
    ];
    let ramp = Plane::new(14, 2, Shift::both(1), |x, _| x as f32);
    let impulse = Plane::new(10, 10, Shift::both(1), |x, y| f32::from(x == 2 && y == 2));
    for level in levels() {
        let made = oracle::render(14, 2, vec![ramp.clone()], &[Stage::Window(&stage)], level).unwrap();
        assert_near(made[0][0].row(0), &expected, 2e-6);
        let made = oracle::render(10, 10, vec![impulse.clone()], &[Stage::Window(&stage)], level).unwrap();
        let expected = [0.0, 0.0, 0.037776, 0.288968, 0.566616, 0.566616, 0.288968, 0.037776, 0.0, 0.0];
        assert_near(made[0][0].row(4), &expected, 1e-6);
    }
}

/// One pass and two passes over the rows, and the known primaries.
#[test]
fn xyb_to_srgb() {
    let linear =
        XybToLinear::new(&OpsinInverseMatrix::default(), &LinearTarget::Rgb(RgbSpace::SRGB), 255.0).unwrap();
    let transfer = Transfer::new(Curve::Srgb, [0.2126, 0.7152, 0.0722], 255.0);
    let xyb = [
        [0.028100073, -0.015386105, 0.0],
        [0.4881882, 0.71478134, 0.2781282],
        [0.471659, 0.43707693, 0.66613984],
    ];
    let planes = xyb.map(|row| Plane::new(3, 1, Shift::default(), |x, _| row[x]));
    let fused = XybToRgb { linear, transfer: Some(transfer) };
    let (first, second) = (XybToRgb { linear, transfer: None }, Encode(transfer));
    for level in levels() {
        let chain = [Stage::Point(&first), Stage::Point(&second)];
        let apart = oracle::render(3, 1, planes.to_vec(), &chain, level).unwrap();
        let made = oracle::render(3, 1, planes.to_vec(), &[Stage::Point(&fused)], level).unwrap();
        for channel in 0..3 {
            let expected = [0, 1, 2].map(|x| f32::from(x == channel));
            assert_near(&made[0][channel].samples, &expected, 4e-5);
            assert_eq!(made[0][channel].samples, apart[0][channel].samples);
        }
    }
}
