//! Fits of transfer functions and of the functions they are made of. Written by `tools/fit_curves.py`.

#![allow(clippy::approx_constant)] // A fit may start with ln 2.

use super::vector_math::Rational;

/// sRGB from the square root of linear light in 0.0031308 ..= 2; error 6.3e-07.
pub(super) const SRGB_ENCODE: Rational<5, 5> = Rational {
    numerator: [-0.00054785394, 0.007869131, 0.35472298, 1.0667733, 0.41894904],
    denominator: [0.010817402, 0.27653822, 1.0, 0.54924506, 0.011166439],
};

/// Linear light from sRGB in 0.04045 ..= 1.25; error 5.6e-07.
pub(super) const SRGB_DECODE: Rational<5, 4> = Rational {
    numerator: [0.00030913012, 0.013979615, 0.21014898, 0.83707947, 0.5540234],
    denominator: [0.36643663, 1.0, 0.2608628, -0.011759342],
};

/// BT.709 from the square root of linear light in 0.018 ..= 2; error 5.3e-07.
pub(super) const BT709_ENCODE: Rational<5, 4> = Rational {
    numerator: [-0.0056270403, 0.026543507, 0.7294552, 1.011135, 0.14014298],
    denominator: [0.059226852, 0.66438, 1.0, 0.17804247],
};

/// Linear light from BT.709 in 0.081 ..= 1.4; error 4.9e-07.
pub(super) const BT709_DECODE: Rational<5, 4> = Rational {
    numerator: [0.0020926727, 0.0514731, 0.39947692, 0.8849457, 0.36424458],
    denominator: [0.4393303, 1.0, 0.26845077, -0.00554815],
};

/// PQ from the fourth root of linear light in 0 ..= 1 (10,000 nits); error 4.3e-07.
pub(super) const PQ_ENCODE: Rational<7, 7> = Rational {
    numerator: [1.9546671e-12, 1.577382e-08, 1.5094142e-05, 0.0052677533, 0.46211973, 1.2910235, 0.48144892],
    denominator: [2.3347252e-06, 0.00031945625, 0.012920551, 0.18132393, 0.78580415, 1.0, 0.25950477],
};

/// log2(1 + f) / f for f in -1/3 ..= 1/3.
pub(super) const LOG2_1P: [f32; 8] =
    [1.4426942, -0.72134405, 0.48101574, -0.36092284, 0.2846524, -0.23473994, 0.25171635, -0.23174326];

/// 2^f for f in -1/2 ..= 1/2.
pub(super) const EXP2: [f32; 6] = [1.0000001, 0.69314694, 0.2402212, 0.05550713, 0.009675541, 0.0013276471];

/// (2^f - 1) / f for f in -1/2 ..= 0.
pub(super) const EXP2_M1: [f32; 6] =
    [0.6931472, 0.24022649, 0.055503767, 0.009615186, 0.0013218283, 0.00013294675];
