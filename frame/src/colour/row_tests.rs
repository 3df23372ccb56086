//! The row kernels against the definitions, on every instruction set this machine has.

use fearless_simd::{Level, dispatch};

use super::rows::map_rows;
use super::*;

/// Every level of this machine.
fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![best, Level::baseline()];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        levels.extend(best.as_avx2().map(Level::Avx2));
        levels.extend(best.as_sse4_2().map(Level::Sse4_2));
    }
    levels
}

const CURVES: [Curve; 11] = [
    Curve::Linear,
    Curve::Srgb,
    Curve::Bt709,
    Curve::Gamma { exponent: 1.0 / 2.2 },
    Curve::Gamma { exponent: 0.45455 },
    Curve::Gamma { exponent: 1.0 },
    Curve::DCI,
    Curve::Pq { intensity_target: 10_000.0 },
    Curve::Pq { intensity_target: 1000.0 },
    Curve::Pq { intensity_target: 255.0 },
    Curve::Hlg,
];

/// A ramp over 0 ..= 1 of both signs, with geometric steps near 0.
fn ramp() -> Vec<f32> {
    let mut row: Vec<f32> = (0..=20_000).map(|i| i as f32 / 20_000.0).collect();
    row.extend((0..2000).map(|i| 0.99f32.powi(i)));
    row.extend(row.clone().iter().map(|v| -v));
    row
}

#[test]
fn known_values() {
    let pq = Curve::Pq { intensity_target: 10_000.0 };
    let cases = [
        (Curve::Srgb, 0.18, 0.4613561),
        (Curve::Srgb, 0.5, 0.7353570),
        (Curve::Bt709, 0.18, 0.4090077),
        (Curve::Bt709, 0.5, 0.7055151),
        (pq, 0.00001, 0.0623369),
        (pq, 0.0001, 0.1499457),
        (pq, 0.01, 0.5080784),
        (pq, 0.0203, 0.5806889),
        (pq, 0.1, 0.7518271),
        (Curve::Hlg, 0.1, 0.5440895),
        (Curve::Hlg, 0.265, 0.7500278),
        (Curve::Hlg, 0.5, 0.8716435),
    ];
    for (curve, linear, encoded) in cases {
        assert!(
            (curve.encode(linear) - encoded).abs() < 6e-8,
            "{curve:?} {linear}: {}",
            curve.encode(linear)
        );
        assert!((curve.decode(curve.encode(linear)) - linear).abs() < 1e-12, "{curve:?} {linear}");
    }
}

#[test]
fn rows_follow_the_curves() {
    let ramp = ramp();
    for level in levels() {
        for curve in CURVES {
            let mut encoded = ramp.clone();
            curve.encode_row(level, &mut encoded);
            let mut decoded = ramp.clone();
            curve.decode_row(level, &mut decoded);
            // A decoded PQ sample may be far above 1, and is then precise in relation to itself.
            for ((&v, &e), &d) in ramp.iter().zip(&encoded).zip(&decoded) {
                let exact = curve.encode(f64::from(v));
                assert!((f64::from(e) - exact).abs() < 1e-6, "{level:?} {curve:?} encodes {v} as {e}");
                let exact = curve.decode(f64::from(v));
                let tolerance =
                    1e-6 * if matches!(curve, Curve::Pq { .. }) { 20.0 * exact.abs() } else { 1.0 };
                assert!(
                    (f64::from(d) - exact).abs() < tolerance.max(1e-20),
                    "{level:?} {curve:?} decodes {v} as {d}, not {exact}"
                );
            }
        }
    }
}

#[test]
fn rows_are_right_far_beyond_one() {
    let bright: Vec<f32> = (0..600).map(|i| 1.02f32.powi(i)).collect();
    for level in levels() {
        for curve in CURVES {
            let mut encoded = bright.clone();
            curve.encode_row(level, &mut encoded);
            let mut decoded = bright.clone();
            curve.decode_row(level, &mut decoded);
            for ((&v, &e), &d) in bright.iter().zip(&encoded).zip(&decoded) {
                let exact = curve.encode(f64::from(v));
                assert!((f64::from(e) / exact - 1.0).abs() < 1e-5, "{level:?} {curve:?} encodes {v} as {e}");
                // PQ has its pole at 1.99; HLG becomes too large for f32 soon.
                let exact = curve.decode(f64::from(v));
                let in_range = exact < 1e20 && !(matches!(curve, Curve::Pq { .. }) && v > 1.5);
                let tolerance = if curve == Curve::Hlg { 1e-4 } else { 1e-5 };
                if in_range {
                    assert!(
                        (f64::from(d) / exact - 1.0).abs() < tolerance,
                        "{level:?} {curve:?} decodes {v} as {d}"
                    );
                } else {
                    assert!(d > 1.0, "{level:?} {curve:?} decodes {v} as {d}");
                }
            }
        }
    }
}

#[test]
fn a_sample_does_not_depend_on_its_place() {
    let ramp: Vec<f32> = (0..67).map(|i| i as f32 / 25.0 - 0.2).collect();
    for level in levels() {
        for curve in CURVES {
            let mut whole = ramp.clone();
            curve.encode_row(level, &mut whole);
            for (i, &v) in ramp.iter().enumerate() {
                let mut single = [v];
                curve.encode_row(level, &mut single);
                assert_eq!(single[0].to_bits(), whole[i].to_bits(), "{level:?} {curve:?}");
            }
        }
    }
}

#[test]
fn infinite_samples_stay_large() {
    for level in levels() {
        for curve in CURVES {
            let mut row = [f32::INFINITY, f32::MAX, f32::NEG_INFINITY, f32::NAN];
            curve.encode_row(level, &mut row);
            assert!(row[0] >= 1.0 && row[1] >= 1.0, "{level:?} {curve:?} {row:?}");
            assert!(row[2] <= 0.0, "{level:?} {curve:?} {row:?}");
            let mut row = [f32::INFINITY, f32::MAX, f32::NEG_INFINITY, f32::NAN];
            curve.decode_row(level, &mut row);
            assert!(row[0] >= 1.0 && row[1] >= 1.0 && row[2] <= 0.0, "{level:?} {curve:?} {row:?}");
        }
    }
}

/// Pixels of all kinds: gray, saturated, dark, beyond the gamut.
fn pixels() -> [Vec<f32>; 3] {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut channels = [Vec::new(), Vec::new(), Vec::new()];
    for i in 0..3001 {
        for channel in &mut channels {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let v = (state >> 40) as f32 / (1u64 << 24) as f32;
            channel.push(match i % 5 {
                0 => v,
                1 => v * v * v * v * 0.01,
                2 => v * 1.5 - 0.25,
                3 => 0.37,
                _ => 0.0,
            });
        }
    }
    channels
}

fn assert_rows_follow<M: rows::PixelMap>(map: M, one: impl Fn([f32; 3]) -> [f32; 3], tolerance: f32) {
    let [r, g, b] = pixels();
    for level in levels() {
        let (mut x, mut y, mut z) = (r.clone(), g.clone(), b.clone());
        dispatch!(level, simd => map_rows(simd, map, [&mut x, &mut y, &mut z]));
        for i in 0..r.len() {
            let expected = one([r[i], g[i], b[i]]);
            for (v, e) in [x[i], y[i], z[i]].into_iter().zip(expected) {
                let close = (v - e).abs() <= tolerance * e.abs().max(1.0);
                assert!(close, "{level:?} at {:?}: {v}, not {e}", [r[i], g[i], b[i]]);
            }
        }
    }
}

const LUMINANCES: [f32; 3] = [0.2627, 0.678, 0.0593];

#[test]
fn ootf_rows_follow_the_definition() {
    for target in [100.0, 400.0, 1000.0, 4000.0] {
        for ootf in [HlgOotf::display_to_scene, HlgOotf::scene_to_display] {
            let ootf = ootf(target, LUMINANCES).unwrap();
            // Beyond the gamut the terms of a luminance cancel.
            assert_rows_follow(ootf, |pixel| ootf.apply(pixel), 5e-5);
        }
    }
    // The system gamma is 1 at about 301 nits.
    assert_eq!(HlgOotf::scene_to_display(301.0, LUMINANCES), None);
    assert_eq!(HlgOotf::between_displays(300.0, 300.0, LUMINANCES), None);
}

#[test]
fn tone_mapping_rows_follow_the_definition() {
    for (source, target) in [([0.0, 10_000.0], [0.0, 250.0]), ([0.0, 1000.0], [0.0, 100.0])] {
        let mapping = Rec2408::new(source, target, LUMINANCES).unwrap();
        // The dark end of PQ multiplies the error of its fit.
        assert_rows_follow(mapping, |pixel| mapping.apply(pixel), 2e-4);
        let peak = mapping.apply([1.0; 3]);
        assert!((peak[0] - 1.0).abs() < 1e-4 && mapping.apply([0.0; 3]) == [0.0; 3], "{peak:?}");
    }
    assert_eq!(Rec2408::new([0.0, 0.0], [0.0, 100.0], LUMINANCES), None);
    assert_eq!(Rec2408::new([0.0, f32::NAN], [0.0, 100.0], LUMINANCES), None);
}

#[test]
fn gamut_mapping_rows_follow_the_definition() {
    for preserve_saturation in [0.0, 0.1, 0.3, 1.0] {
        let mapping = GamutMapping { luminances: LUMINANCES, preserve_saturation };
        assert_rows_follow(mapping, |pixel| mapping.apply(pixel), 1e-4);
    }
    let mapping = GamutMapping::new(LUMINANCES);
    assert_eq!(mapping.apply([0.25, 0.5, 0.75]), [0.25, 0.5, 0.75]);
    let mapped = mapping.apply([2.0, -0.1, 0.3]);
    assert!(mapped.iter().all(|v| (-1e-6..=1.0).contains(v)), "{mapped:?}");
}

#[test]
fn matrices_and_scaled_xyb_run_over_rows() {
    let m = [[0.5, 0.25, -1.0], [2.0, 0.0, 0.125], [1.0, 1.0, 1.0]];
    assert_rows_follow(
        LinearMatrix::new(&m),
        |p| m.map(|r| (r[0] * f64::from(p[0]) + r[1] * f64::from(p[1]) + r[2] * f64::from(p[2])) as f32),
        1e-6,
    );
    assert_rows_follow(
        ScaledXyb,
        |[x, y, b]| [(x + 0.015386134) * 22.995_789, y * 1.183, (b - y + 0.277_704_6) * 1.502_141_4],
        1e-5,
    );
}

#[test]
fn displays_are_mapped_to_only_where_it_is_called_for() {
    use crate::image_header::TransferFunction::{Hlg, Pq, Srgb};
    let mapping = |functions, nits| DisplayMapping::new(functions, nits, LUMINANCES);
    assert_eq!(mapping([Srgb, Srgb], [255.0, 100.0]), DisplayMapping::Nothing);
    assert_eq!(mapping([Pq, Srgb], [1000.0, 1000.0]), DisplayMapping::Nothing);
    assert_eq!(mapping([Pq, Srgb], [1000.0, 4000.0]), DisplayMapping::Nothing);
    assert_eq!(mapping([Hlg, Hlg], [1000.0, 100.0]), DisplayMapping::Nothing);
    assert!(matches!(mapping([Pq, Pq], [1000.0, 100.0]), DisplayMapping::Pq(..)));
    // To a darker display the exponent is negative, and colours may leave the gamut.
    assert!(matches!(mapping([Hlg, Srgb], [1000.0, 100.0]), DisplayMapping::Hlg(_, Some(_))));
    assert!(matches!(mapping([Hlg, Srgb], [100.0, 1000.0]), DisplayMapping::Hlg(_, None)));
    assert_eq!(mapping([Hlg, Srgb], [100.0, 101.0]), DisplayMapping::Nothing);

    // What comes out fits the display.
    let [mut r, mut g, mut b] = pixels();
    mapping([Pq, Srgb], [1000.0, 100.0]).apply_rows(Level::new(), [&mut r, &mut g, &mut b]);
    assert!(r.iter().chain(&g).chain(&b).all(|v| *v <= 1.0 + 1e-6));
}
