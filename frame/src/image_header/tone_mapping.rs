//! `ToneMapping`: the luminance range of an image.

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::Fields;

/// The luminance range of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToneMapping {
    /// The luminance of the value 1, in nits (cd/m²), above 0.
    pub intensity_target: f32,
    /// The lowest luminance in the image, in nits, 0 to `intensity_target`.
    pub min_nits: f32,
    /// Whether `linear_below` is a share of the display's maximum instead of nits.
    pub relative_to_max_display: bool,
    /// Luminance below which tone mapping leaves values alone: nits, or a share from 0 to 1.
    pub linear_below: f32,
}

impl Default for ToneMapping {
    fn default() -> Self {
        Self { intensity_target: 255.0, min_nits: 0.0, relative_to_max_display: false, linear_below: 0.0 }
    }
}

impl ToneMapping {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        if bits.bool()? {
            return Ok(Self::default());
        }
        let place = bits.place();
        let intensity_target = bits.f16()?;
        if intensity_target <= 0.0 {
            return Err(Invalid::Real { field: "intensity_target", value: intensity_target }.at(place));
        }
        let place = bits.place();
        let min_nits = bits.f16()?;
        if !(0.0..=intensity_target).contains(&min_nits) {
            return Err(Invalid::Real { field: "min_nits", value: min_nits }.at(place));
        }
        let relative_to_max_display = bits.bool()?;
        let place = bits.place();
        let linear_below = bits.f16()?;
        if linear_below < 0.0 || (relative_to_max_display && linear_below > 1.0) {
            return Err(Invalid::Real { field: "linear_below", value: linear_below }.at(place));
        }
        Ok(Self { intensity_target, min_nits, relative_to_max_display, linear_below })
    }
}
