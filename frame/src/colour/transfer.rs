//! A transfer function together with the OOTF that belongs to it.

use fearless_simd::{Level, Simd, dispatch};

use super::curve::Curve;
use super::curve_rows::*;
use super::hlg_ootf::HlgOotf;
use super::rows::{Alike, Each, PixelMap, Then, map_rows};

/// What lies between linear display light and encoded samples: a [`Curve`], and for HLG the OOTF.
///
/// ```
/// use fearless_simd::Level;
/// use jxlake_frame::colour::{Curve, Transfer};
///
/// let hlg = Transfer::new(Curve::Hlg, [0.2627, 0.678, 0.0593], 1000.0);
/// let (mut r, mut g, mut b) = ([0.1f32; 20], [0.2f32; 20], [0.3f32; 20]);
/// hlg.encode_rows(Level::new(), [&mut r, &mut g, &mut b]);
/// hlg.decode_rows(Level::new(), [&mut r, &mut g, &mut b]);
/// assert!((g[19] - 0.2).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer {
    curve: Curve,
    to_scene: Option<HlgOotf>,
    to_display: Option<HlgOotf>,
}

impl Transfer {
    /// The transfer by `curve` for a display whose primaries have these luminances and whose peak is `intensity_target` nits.
    pub fn new(curve: Curve, luminances: [f32; 3], intensity_target: f32) -> Self {
        if curve != Curve::Hlg {
            return Self { curve, to_scene: None, to_display: None };
        }
        Self {
            curve,
            to_scene: HlgOotf::display_to_scene(intensity_target, luminances),
            to_display: HlgOotf::scene_to_display(intensity_target, luminances),
        }
    }

    /// The curve alone.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// Encodes three rows of linear display light in place.
    pub fn encode_rows(&self, level: Level, rows: [&mut [f32]; 3]) {
        dispatch!(level, simd => self.encode_rows_after(simd, Unchanged, rows));
    }

    /// Decodes three rows in place to linear display light.
    pub fn decode_rows(&self, level: Level, rows: [&mut [f32]; 3]) {
        let [r, g, b] = rows;
        self.curve.decode_row(level, r);
        self.curve.decode_row(level, g);
        self.curve.decode_row(level, b);
        if let Some(ootf) = self.to_display {
            dispatch!(level, simd => map_rows(simd, ootf, [r, g, b]));
        }
    }

    /// Applies `before` to three rows and encodes the result, in one pass.
    #[inline(always)]
    pub fn encode_rows_after<S: Simd, M: PixelMap>(&self, simd: S, before: M, rows: [&mut [f32]; 3]) {
        match (self.curve, self.to_scene) {
            (Curve::Linear, _) => map_rows(simd, before, rows),
            (Curve::Srgb, _) if before.is_gray() => map_rows(simd, Then(before, Alike(EncodeSrgb)), rows),
            (Curve::Srgb, _) => map_rows(simd, Then(before, Each(EncodeSrgb)), rows),
            (Curve::Bt709, _) => map_rows(simd, Then(before, Each(EncodeBt709)), rows),
            (Curve::Gamma { exponent }, _) => map_rows(simd, Then(before, Each(Gamma { exponent })), rows),
            (Curve::Pq { intensity_target }, _) => {
                map_rows(simd, Then(before, Each(EncodePq::new(intensity_target))), rows);
            }
            (Curve::Hlg, None) => map_rows(simd, Then(before, Each(EncodeHlg)), rows),
            (Curve::Hlg, Some(ootf)) => map_rows(simd, Then(before, Then(ootf, Each(EncodeHlg))), rows),
        }
    }
}

/// The pixel as it is.
#[derive(Clone, Copy)]
struct Unchanged;

impl PixelMap for Unchanged {
    #[inline(always)]
    fn map<S: Simd>(self, _: S, pixel: [S::f32s; 3]) -> [S::f32s; 3] {
        pixel
    }
}
