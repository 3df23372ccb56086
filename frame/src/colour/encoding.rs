//! From the names in a header's `ColourEncoding` to numbers.

use super::chromaticity::{Chromaticity, Primaries, RgbSpace};
use super::curve::Curve;
use super::xyb::LinearTarget;
use crate::image_header::{self, ColourEncoding, ColourSpace, RenderingIntent, TransferFunction, WhitePoint};

impl From<WhitePoint> for Chromaticity {
    fn from(white: WhitePoint) -> Self {
        let [x, y] = white.xy();
        Self { x, y }
    }
}

impl From<image_header::Primaries> for Primaries {
    fn from(primaries: image_header::Primaries) -> Self {
        let [red, green, blue] = primaries.xy().map(|[x, y]| Chromaticity { x, y });
        Self { red, green, blue }
    }
}

impl Curve {
    /// The curve of a header's transfer function, for an image of this intensity target in nits; `None` for the unknown.
    pub fn of(function: TransferFunction, intensity_target: f32) -> Option<Self> {
        Some(match function {
            TransferFunction::Gamma { exponent } => {
                Self::Gamma { exponent: (f64::from(exponent) / 1e7) as f32 }
            }
            TransferFunction::Bt709 => Self::Bt709,
            TransferFunction::Linear => Self::Linear,
            TransferFunction::Srgb => Self::Srgb,
            TransferFunction::Pq => Self::Pq { intensity_target },
            TransferFunction::Dci => Self::DCI,
            TransferFunction::Hlg => Self::Hlg,
            TransferFunction::Unknown => return None,
        })
    }
}

impl LinearTarget {
    /// The linear light of a header's colour encoding; `None` if it is neither RGB nor gray, or lies in an ICC profile.
    pub fn of(encoding: &ColourEncoding) -> Option<Self> {
        if encoding.want_icc {
            return None;
        }
        match encoding.colour_space {
            ColourSpace::Rgb => Some(Self::Rgb(RgbSpace {
                primaries: encoding.primaries.into(),
                white: encoding.white_point.into(),
            })),
            ColourSpace::Grey => Some(Self::Gray),
            ColourSpace::Xyb | ColourSpace::Unknown => None,
        }
    }
}

/// The encoding in which an XYB image is delivered if the caller asks for no other.
///
/// Its own, if the image names one that can be made from XYB: RGB, or gray with D65, and a known transfer function.
/// Otherwise linear light, of sRGB primaries or gray.
pub fn output_encoding_of_xyb(encoding: &ColourEncoding) -> ColourEncoding {
    let known = !encoding.want_icc && encoding.transfer_function != TransferFunction::Unknown;
    let reproducible = match encoding.colour_space {
        ColourSpace::Rgb => LinearTarget::of(encoding).and_then(|target| target.luminances()).is_some(),
        ColourSpace::Grey => encoding.white_point == WhitePoint::D65,
        ColourSpace::Xyb | ColourSpace::Unknown => false,
    };
    if known && reproducible {
        return *encoding;
    }
    let colour_space =
        if encoding.colour_space == ColourSpace::Grey { ColourSpace::Grey } else { ColourSpace::Rgb };
    ColourEncoding {
        colour_space,
        transfer_function: TransferFunction::Linear,
        rendering_intent: RenderingIntent::Relative,
        ..ColourEncoding::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xyb_is_delivered_in_its_own_encoding_or_linear() {
        let srgb = ColourEncoding::default();
        assert_eq!(output_encoding_of_xyb(&srgb), srgb);

        let icc = ColourEncoding { want_icc: true, ..srgb };
        let linear = ColourEncoding { transfer_function: TransferFunction::Linear, ..srgb };
        assert_eq!(output_encoding_of_xyb(&icc), linear);

        let gray = ColourEncoding { colour_space: ColourSpace::Grey, ..srgb };
        assert_eq!(output_encoding_of_xyb(&gray), gray);
        let gray_e = ColourEncoding { white_point: WhitePoint::E, ..gray };
        let linear_gray = ColourEncoding { colour_space: ColourSpace::Grey, ..linear };
        assert_eq!(output_encoding_of_xyb(&gray_e), linear_gray);

        // Primaries on a line.
        let point = image_header::Chromaticity { x: 300_000, y: 300_000 };
        let line = ColourEncoding { primaries: image_header::Primaries::Custom([point; 3]), ..srgb };
        assert_eq!(output_encoding_of_xyb(&line), linear);
    }

    #[test]
    fn curves_have_the_header_s_numbers() {
        assert_eq!(
            Curve::of(TransferFunction::Gamma { exponent: 4_545_455 }, 255.0),
            Some(Curve::Gamma { exponent: 0.4545455 })
        );
        assert_eq!(Curve::of(TransferFunction::Pq, 4000.0), Some(Curve::Pq { intensity_target: 4000.0 }));
        assert_eq!(Curve::of(TransferFunction::Unknown, 255.0), None);
    }
}
