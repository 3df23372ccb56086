//! The opto-optical transfer function that HLG has between the scene's light and the display's.

use fearless_simd::{Simd, prelude::*};

use super::rows::PixelMap;
use super::vector_math::{pow, splat};

/// Multiplies R, G and B of linear light by a power of their luminance.
///
/// The exponent is for *luminance to factor*; one too small to see (|exponent| <= 0.01) is no OOTF at all, which the
/// constructors say with `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HlgOotf {
    /// How much R, G and B at 1 add to the luminance.
    luminances: [f32; 3],
    exponent: f32,
}

/// Factors of nearly black pixels end here.
const LARGEST_FACTOR: f32 = 1e9;

impl HlgOotf {
    /// From display light to scene light, before the curve encodes.
    ///
    /// `luminances` are those of the display's primaries ([`super::RgbSpace::luminances`]), the intensity target is in nits.
    pub fn display_to_scene(intensity_target: f32, luminances: [f32; 3]) -> Option<Self> {
        Self::new(1.0 / system_gamma(intensity_target) - 1.0, luminances)
    }

    /// From scene light to display light, after the curve has decoded.
    pub fn scene_to_display(intensity_target: f32, luminances: [f32; 3]) -> Option<Self> {
        Self::new(system_gamma(intensity_target) - 1.0, luminances)
    }

    /// From the rendering for one peak luminance to that for another, both in nits and above 0.
    pub fn between_displays(from: f32, to: f32, luminances: [f32; 3]) -> Option<Self> {
        Self::new(1.111f32.powf((to / from).log2()) - 1.0, luminances)
    }

    fn new(exponent: f32, luminances: [f32; 3]) -> Option<Self> {
        (exponent.is_finite() && exponent.abs() > 0.01).then_some(Self { luminances, exponent })
    }

    /// Whether colours can become brighter by it, so that some leave the gamut.
    pub fn brightens(&self) -> bool {
        self.exponent < 0.0
    }

    /// The same for one pixel.
    pub fn apply(&self, pixel: [f32; 3]) -> [f32; 3] {
        let [r, g, b] = self.luminances;
        let luminance = r * pixel[0] + g * pixel[1] + b * pixel[2];
        let factor = if luminance > 0.0 {
            luminance.powf(self.exponent).min(LARGEST_FACTOR)
        } else {
            self.factor_of_black()
        };
        pixel.map(|v| v * factor)
    }

    /// Pixels without luminance, which no display shows, are kept where dark ones become brighter.
    fn factor_of_black(&self) -> f32 {
        if self.exponent < 0.0 { 1.0 } else { 0.0 }
    }
}

/// The exponent of the OOTF on a display with this peak, in nits.
fn system_gamma(peak: f32) -> f32 {
    1.2 * 1.111f32.powf((peak / 1000.0).log2())
}

impl PixelMap for HlgOotf {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, [r, g, b]: [S::f32s; 3]) -> [S::f32s; 3] {
        let luminance = luminance(simd, self.luminances, [r, g, b]);
        let factor = pow(simd, luminance, self.exponent).min(splat(simd, LARGEST_FACTOR));
        let bright = luminance.simd_gt(splat(simd, 0.0));
        let factor = bright.select(factor, splat(simd, self.factor_of_black()));
        [r * factor, g * factor, b * factor]
    }
}

/// The luminance of linear light.
#[inline(always)]
pub(super) fn luminance<S: Simd>(simd: S, weights: [f32; 3], [r, g, b]: [S::f32s; 3]) -> S::f32s {
    b.mul_add(splat(simd, weights[2]), g.mul_add(splat(simd, weights[1]), r * weights[0]))
}
