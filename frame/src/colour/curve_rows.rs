//! Transfer functions over rows of f32.
//!
//! In 0 ..= 1 every kernel is within 1e-6 of [`Curve::encode`] and [`Curve::decode`]. The rational fits hold a little
//! beyond that; where they stop, a rarely taken branch computes powers, so that values far above 1 are right too (to
//! 1e-5, relatively). NaN stays NaN or becomes some finite number.

use fearless_simd::{Level, Simd, dispatch, prelude::*};

use super::curve::{Curve, GAMMA_ZERO, hlg, pq};
use super::curve_fits::{BT709_DECODE, BT709_ENCODE, PQ_ENCODE, SRGB_DECODE, SRGB_ENCODE};
use super::rows::{SampleMap, map_row};
use super::vector_math::{exp2, exp2_m1, log2, log2_1p, pow, splat};

impl Curve {
    /// Encodes a row of linear samples in place.
    pub fn encode_row(self, level: Level, row: &mut [f32]) {
        dispatch!(level, simd => self.encode_row_with(simd, row));
    }

    /// Decodes a row of encoded samples to linear light, in place.
    pub fn decode_row(self, level: Level, row: &mut [f32]) {
        dispatch!(level, simd => self.decode_row_with(simd, row));
    }

    /// [`Curve::encode_row`] within vector code.
    #[inline(always)]
    pub fn encode_row_with<S: Simd>(self, simd: S, row: &mut [f32]) {
        match self {
            Self::Linear => {}
            Self::Srgb => map_row(simd, EncodeSrgb, row),
            Self::Bt709 => map_row(simd, EncodeBt709, row),
            Self::Gamma { exponent } => map_row(simd, Gamma { exponent }, row),
            Self::Pq { intensity_target } => map_row(simd, EncodePq::new(intensity_target), row),
            Self::Hlg => map_row(simd, EncodeHlg, row),
        }
    }

    /// [`Curve::decode_row`] within vector code.
    #[inline(always)]
    pub fn decode_row_with<S: Simd>(self, simd: S, row: &mut [f32]) {
        match self {
            Self::Linear => {}
            Self::Srgb => map_row(simd, DecodeSrgb, row),
            Self::Bt709 => map_row(simd, DecodeBt709, row),
            Self::Gamma { exponent } => map_row(simd, Gamma { exponent: 1.0 / exponent }, row),
            Self::Pq { intensity_target } => map_row(simd, DecodePq::new(intensity_target), row),
            Self::Hlg => map_row(simd, DecodeHlg, row),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct EncodeSrgb;

impl SampleMap for EncodeSrgb {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, v: S::f32s) -> S::f32s {
        // 0.14 ns a sample on AVX-512; log2 and exp2 take twice that, a mantissa polynomial 1.35 times.
        let x = v.abs();
        let mut curved = SRGB_ENCODE.at(simd, x.sqrt());
        let beyond = x.simd_gt(splat(simd, 2.0));
        if beyond.any_true() {
            let power = pow(simd, x, 1.0 / 2.4).mul_add(splat(simd, 1.055), splat(simd, -0.055));
            curved = beyond.select(power, curved);
        }
        x.simd_gt(splat(simd, 0.0031308)).select(curved, x * 12.92).copysign(v)
    }
}

#[derive(Clone, Copy)]
pub(super) struct DecodeSrgb;

impl SampleMap for DecodeSrgb {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, v: S::f32s) -> S::f32s {
        let e = v.abs();
        let mut curved = SRGB_DECODE.at(simd, e);
        let beyond = e.simd_gt(splat(simd, 1.25));
        if beyond.any_true() {
            let power = pow(simd, (e + 0.055) * (1.0 / 1.055), 2.4);
            curved = beyond.select(power, curved);
        }
        e.simd_gt(splat(simd, 0.04045)).select(curved, e * (1.0 / 12.92)).copysign(v)
    }
}

#[derive(Clone, Copy)]
pub(super) struct EncodeBt709;

impl SampleMap for EncodeBt709 {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let mut curved = BT709_ENCODE.at(simd, x.abs().sqrt());
        let beyond = x.simd_gt(splat(simd, 2.0));
        if beyond.any_true() {
            let power = pow(simd, x, 0.45).mul_add(splat(simd, 1.099), splat(simd, -0.099));
            curved = beyond.select(power, curved);
        }
        x.simd_gt(splat(simd, 0.018)).select(curved, x * 4.5)
    }
}

#[derive(Clone, Copy)]
pub(super) struct DecodeBt709;

impl SampleMap for DecodeBt709 {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, e: S::f32s) -> S::f32s {
        let mut curved = BT709_DECODE.at(simd, e);
        let beyond = e.simd_gt(splat(simd, 1.4));
        if beyond.any_true() {
            let power = pow(simd, (e + 0.099) * (1.0 / 1.099), 1.0 / 0.45);
            curved = beyond.select(power, curved);
        }
        e.simd_ge(splat(simd, 0.081)).select(curved, e * (1.0 / 4.5))
    }
}

/// Encodes, or with the reciprocal exponent decodes.
#[derive(Clone, Copy)]
pub(super) struct Gamma {
    pub(super) exponent: f32,
}

impl SampleMap for Gamma {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, v: S::f32s) -> S::f32s {
        v.simd_gt(splat(simd, GAMMA_ZERO as f32)).select(pow(simd, v, self.exponent), splat(simd, 0.0))
    }
}

/// c2 - c3, which is also 1 - c1.
const PQ_SPAN: f32 = (pq::C2 - pq::C3) as f32;

#[derive(Clone, Copy)]
pub(super) struct EncodePq {
    /// From the linear sample to shares of 10,000 nits.
    scale: f32,
}

impl EncodePq {
    pub(super) fn new(intensity_target: f32) -> Self {
        Self { scale: intensity_target / pq::PEAK as f32 }
    }
}

impl SampleMap for EncodePq {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, v: S::f32s) -> S::f32s {
        let z = v.abs() * self.scale;
        let mut encoded = PQ_ENCODE.at(simd, z.sqrt().sqrt());
        let beyond = z.simd_gt(splat(simd, 1.0));
        if beyond.any_true() {
            // (c1 + c2 q) / (1 + c3 q) is so close to 1 that its distance from 1 is what must be precise.
            let q = pow(simd, z, pq::M1 as f32);
            let distance = (q - 1.0) * PQ_SPAN / q.mul_add(splat(simd, pq::C3 as f32), splat(simd, 1.0));
            let power = exp2(simd, log2_1p(simd, distance) * pq::M2 as f32);
            encoded = beyond.select(power, encoded);
        }
        encoded.copysign(v)
    }
}

#[derive(Clone, Copy)]
pub(super) struct DecodePq {
    /// From shares of 10,000 nits to the linear sample.
    scale: f32,
}

impl DecodePq {
    pub(super) fn new(intensity_target: f32) -> Self {
        Self { scale: pq::PEAK as f32 / intensity_target }
    }
}

impl SampleMap for DecodePq {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, v: S::f32s) -> S::f32s {
        // Powers, not a fit: a fit that is good to 3e-6 of the peak is 1.5 % off at 0.1 nits.
        let e = v.abs();
        let exponent = (log2(simd, e) * (1.0 / pq::M2) as f32).max(splat(simd, -0.5));
        let distance = exp2_m1(simd, exponent);
        let zero = splat(simd, 0.0);
        let numerator = (distance + PQ_SPAN).max(zero);
        let denominator = splat(simd, PQ_SPAN) - distance * pq::C3 as f32;
        let power = pow(simd, numerator / denominator.max(zero), (1.0 / pq::M1) as f32);
        (power * self.scale).copysign(v)
    }
}

#[derive(Clone, Copy)]
pub(super) struct EncodeHlg;

impl SampleMap for EncodeHlg {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, v: S::f32s) -> S::f32s {
        const SLOPE: f32 = (hlg::A * std::f64::consts::LN_2) as f32;
        let s = v.abs();
        let low = (s * 3.0).sqrt();
        let logarithm = log2(simd, s.mul_add(splat(simd, 12.0), splat(simd, -hlg::B as f32)));
        let high = logarithm.mul_add(splat(simd, SLOPE), splat(simd, hlg::C as f32));
        s.simd_gt(splat(simd, 1.0 / 12.0)).select(high, low).copysign(v)
    }
}

#[derive(Clone, Copy)]
pub(super) struct DecodeHlg;

impl SampleMap for DecodeHlg {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, v: S::f32s) -> S::f32s {
        const SLOPE: f32 = (std::f64::consts::LOG2_E / hlg::A) as f32;
        let e = v.abs();
        let low = e * e * (1.0 / 3.0);
        let power = exp2(simd, (e - hlg::C as f32) * SLOPE);
        let high = (power + hlg::B as f32) * (1.0 / 12.0);
        e.simd_gt(splat(simd, 0.5)).select(high, low).copysign(v)
    }
}
