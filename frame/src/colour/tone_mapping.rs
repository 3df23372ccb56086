//! Making an image fit a display that is darker than the image wants: luminance by Rec. ITU-R BT.2408, then the gamut.

use fearless_simd::{Simd, prelude::*};

use super::curve::{pq, pq_decode, pq_encode};
use super::curve_rows::{DecodePq, EncodePq};
use super::hlg_ootf::luminance;
use super::rows::{PixelMap, SampleMap};
use super::vector_math::splat;

/// Pixels no brighter than this become gray.
const BLACK: f32 = 1e-6;

/// Maps the luminances of one display onto those of another, along the curve of BT.2408 annex 5.
///
/// On linear light: before, 1.0 is the brightest of the source, afterwards the brightest of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rec2408 {
    /// The brightest of source and target, in nits.
    peaks: [f32; 2],
    luminances: [f32; 3],
    /// PQ of the darkest of the source, and from there to its brightest.
    base: f32,
    range: f32,
    /// The target's darkest and brightest on that scale.
    darkest: f32,
    brightest: f32,
    knee: f32,
}

impl Rec2408 {
    /// The mapping from `source` to `target`, each darkest and brightest in nits, for primaries with these luminances.
    ///
    /// `None` unless the source's range has an extent and all luminances are finite.
    pub fn new(source: [f32; 2], target: [f32; 2], luminances: [f32; 3]) -> Option<Self> {
        let [base, end, darkest, brightest] =
            [source[0], source[1], target[0], target[1]].map(|nits| pq_encode(f64::from(nits)) as f32);
        let range = end - base;
        let darkest = (darkest - base) / range;
        let brightest = (brightest - base) / range;
        let knee = 1.5 * brightest - 0.5;
        let sound = range > 0.0 && target[1] > 0.0 && knee.is_finite() && darkest.is_finite();
        let peaks = [source[1], target[1]];
        sound.then_some(Self { peaks, luminances, base, range, darkest, brightest, knee })
    }

    /// The same for one pixel, each operation rounded to f32 in the order of the definition.
    pub fn apply(&self, pixel: [f32; 3]) -> [f32; 3] {
        let [source_peak, target_peak] = self.peaks;
        let [r, g, b] = self.luminances;
        let luminance = source_peak * (r * pixel[0] + g * pixel[1] + b * pixel[2]);
        let encoded = pq_encode(f64::from(luminance.max(0.0))) as f32;
        let e1 = ((encoded - self.base) / self.range).min(1.0);
        let e2 = if e1 < self.knee { e1 } else { self.shoulder(e1) };
        let one_minus = 1.0 - e2;
        let squared = one_minus * one_minus;
        let e3 = self.darkest * (squared * squared) + e2;
        let decoded = (pq_decode(f64::from(e3 * self.range + self.base)) / pq::PEAK) as f32 * pq::PEAK as f32;
        let new = decoded.clamp(0.0, target_peak);
        if luminance <= BLACK {
            [new / target_peak; 3]
        } else {
            let factor = (new / luminance) * (source_peak / target_peak);
            pixel.map(|v| v * factor)
        }
    }

    /// Above the knee: a cubic from there to the target's brightest.
    fn shoulder(&self, e: f32) -> f32 {
        let t = (e - self.knee) / (1.0 - self.knee).max(1e-6);
        let t2 = t * t;
        let t3 = t2 * t;
        (2.0 * t3 - 3.0 * t2 + 1.0) * self.knee
            + (t3 - 2.0 * t2 + t) * (1.0 - self.knee)
            + (-2.0 * t3 + 3.0 * t2) * self.brightest
    }
}

impl PixelMap for Rec2408 {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, [r, g, b]: [S::f32s; 3]) -> [S::f32s; 3] {
        let [source_peak, target_peak] = self.peaks;
        let [zero, one] = [splat(simd, 0.0), splat(simd, 1.0)];
        let nits = luminance(simd, self.luminances, [r, g, b]) * source_peak;
        let encoded = EncodePq::new(1.0).map(simd, nits.max(zero));
        let e1 = ((encoded - self.base) * (1.0 / self.range)).min(one);
        let t = (e1 - self.knee) * (1.0 / (1.0 - self.knee).max(1e-6));
        let t2 = t * t;
        let t3 = t2 * t;
        let shoulder = (t3 * 2.0 - t2 * 3.0 + 1.0) * self.knee
            + (t3 - t2 * 2.0 + t) * (1.0 - self.knee)
            + (t2 * 3.0 - t3 * 2.0) * self.brightest;
        let e2 = e1.simd_lt(splat(simd, self.knee)).select(e1, shoulder);
        let squared = (one - e2) * (one - e2);
        let e3 = (squared * squared).mul_add(splat(simd, self.darkest), e2);
        let decoded =
            DecodePq::new(1.0).map(simd, e3.mul_add(splat(simd, self.range), splat(simd, self.base)));
        let new = decoded.max(zero).min(splat(simd, target_peak));
        let factor = new / nits * (source_peak / target_peak);
        let gray = new * (1.0 / target_peak);
        let visible = nits.simd_gt(splat(simd, BLACK));
        [visible.select(r * factor, gray), visible.select(g * factor, gray), visible.select(b * factor, gray)]
    }
}

/// Pulls colours outside the display's gamut towards gray of the same luminance, and what is still too bright into range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GamutMapping {
    /// How much R, G and B at 1 add to the luminance.
    pub luminances: [f32; 3],
    /// 0 keeps the luminance, 1 the saturation.
    pub preserve_saturation: f32,
}

impl GamutMapping {
    /// What tone mapping to a display uses.
    pub fn new(luminances: [f32; 3]) -> Self {
        Self { luminances, preserve_saturation: 0.1 }
    }

    /// The same for one pixel, each operation rounded to f32 in the order of the definition.
    pub fn apply(&self, pixel: [f32; 3]) -> [f32; 3] {
        let [r, g, b] = self.luminances;
        let luminance = r * pixel[0] + g * pixel[1] + b * pixel[2];
        let (mut saturation, mut level) = (0.0f32, 0.0f32);
        for v in pixel {
            let d = v - luminance;
            let reciprocal = 1.0 / if d == 0.0 { 1.0 } else { d };
            let k = v * reciprocal;
            if d < 0.0 {
                saturation = saturation.max(k);
            }
            level = level.max(if d <= 0.0 { saturation } else { k - reciprocal });
        }
        let mix = (self.preserve_saturation * (saturation - level) + level).clamp(0.0, 1.0);
        let mixed = pixel.map(|v| mix * (luminance - v) + v);
        let divisor = mixed[0].max(mixed[1]).max(mixed[2]).max(1.0);
        mixed.map(|v| v / divisor)
    }
}

impl PixelMap for GamutMapping {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, pixel: [S::f32s; 3]) -> [S::f32s; 3] {
        let [zero, one] = [splat(simd, 0.0), splat(simd, 1.0)];
        let luminance = luminance(simd, self.luminances, pixel);
        let (mut saturation, mut level) = (zero, zero);
        for v in pixel {
            let d = v - luminance;
            let reciprocal = one / d.simd_eq(zero).select(one, d);
            let k = v * reciprocal;
            saturation = d.simd_lt(zero).select(saturation.max(k), saturation);
            level = level.max(d.simd_le(zero).select(saturation, k - reciprocal));
        }
        let mix = ((saturation - level) * self.preserve_saturation + level).max(zero).min(one);
        let [r, g, b] = pixel;
        let [r, g, b] =
            [mix.mul_add(luminance - r, r), mix.mul_add(luminance - g, g), mix.mul_add(luminance - b, b)];
        let divisor = r.max(g).max(b).max(one);
        [r / divisor, g / divisor, b / divisor]
    }
}
