//! Tone mapping for a display: whether it is called for, and which.

use fearless_simd::{Level, dispatch};

use super::hlg_ootf::HlgOotf;
use super::rows::{Then, map_rows};
use super::tone_mapping::{GamutMapping, Rec2408};
use crate::image_header::TransferFunction;

/// What makes an image fit a display of another peak luminance than it is meant for.
///
/// It works on linear light of the output's primaries: before, 1.0 is the image's intensity target, afterwards it is the
/// display's peak. An output in PQ must be encoded with the display's peak for that reason.
///
/// ```
/// use fearless_simd::Level;
/// use jxlake_frame::colour::DisplayMapping;
/// use jxlake_frame::image_header::TransferFunction::{Pq, Srgb};
///
/// let mapping = DisplayMapping::new([Pq, Srgb], [1000.0, 100.0], [0.2126, 0.7152, 0.0722]);
/// let mut rows = [[0.05f32; 4], [0.05; 4], [0.05; 4]]; // 50 nits
/// let [r, g, b] = &mut rows;
/// mapping.apply_rows(Level::new(), [r, g, b]);
/// assert!(r[0] > 0.3 && r[0] < 0.5); // of 100 nits
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DisplayMapping {
    /// Nothing is to be done.
    Nothing,
    /// For images in PQ on darker displays.
    Pq(Rec2408, GamutMapping),
    /// For images in HLG that are delivered in something else, with gamut mapping if dark colours become brighter.
    Hlg(HlgOotf, Option<GamutMapping>),
}

impl DisplayMapping {
    /// The mapping for an image with the first and an output with the second of `functions`.
    ///
    /// `nits` are the image's intensity target and the display's peak; `luminances` those of the output's primaries.
    pub fn new(functions: [TransferFunction; 2], nits: [f32; 2], luminances: [f32; 3]) -> Self {
        let ([from, to], [target, peak]) = (functions, nits);
        let gamut = GamutMapping::new(luminances);
        if from == TransferFunction::Pq && peak < target {
            let mapping = Rec2408::new([0.0, target], [0.0, peak], luminances);
            return mapping.map_or(Self::Nothing, |mapping| Self::Pq(mapping, gamut));
        }
        if from == TransferFunction::Hlg && to != TransferFunction::Hlg {
            let ootf = HlgOotf::between_displays(target, peak, luminances);
            return ootf.map_or(Self::Nothing, |ootf| Self::Hlg(ootf, ootf.brightens().then_some(gamut)));
        }
        Self::Nothing
    }

    /// Applies the mapping to three rows of linear light.
    pub fn apply_rows(&self, level: Level, rows: [&mut [f32]; 3]) {
        match *self {
            Self::Nothing => {}
            Self::Pq(mapping, gamut) => dispatch!(level, simd => map_rows(simd, Then(mapping, gamut), rows)),
            Self::Hlg(ootf, None) => dispatch!(level, simd => map_rows(simd, ootf, rows)),
            Self::Hlg(ootf, Some(gamut)) => dispatch!(level, simd => map_rows(simd, Then(ootf, gamut), rows)),
        }
    }
}
