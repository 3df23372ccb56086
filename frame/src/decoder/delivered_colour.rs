//! In which colour encoding pixels are delivered, and the conversion that takes XYB there.

use crate::colour::{Chromaticity, Curve, LinearTarget, Primaries, RgbSpace, Transfer, XybToLinear};
use crate::error::{Invalid, Result};
use crate::image_header::{
    ColourEncoding, ColourSpace, ImageHeader, RenderingIntent, TransferFunction, WhitePoint,
};

/// The encoding of delivered pixels: the image's own, or linear light where an XYB image's own cannot be computed from
/// its header (embedded ICC profile, unknown transfer function, grey with another white point than D65).
pub fn delivered_encoding(image: &ImageHeader) -> ColourEncoding {
    let own = image.colour_encoding;
    let computable = match own.colour_space {
        ColourSpace::Rgb | ColourSpace::Xyb => true,
        ColourSpace::Grey => own.white_point == WhitePoint::D65,
        ColourSpace::Unknown => false,
    };
    if !image.xyb_encoded || (computable && !own.want_icc && own.transfer_function != TransferFunction::Unknown) {
        return own;
    }
    ColourEncoding {
        want_icc: false,
        colour_space: if image.is_grey() { ColourSpace::Grey } else { ColourSpace::Rgb },
        transfer_function: TransferFunction::Linear,
        rendering_intent: RenderingIntent::Relative,
        ..ColourEncoding::default()
    }
}

/// How XYB samples become samples of an encoding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum XybConversion {
    /// To linear light of the target's primaries, then by its transfer function.
    Rgb(XybToLinear, Transfer),
    /// The target is XYB itself, moved and scaled.
    Scaled,
}

impl XybConversion {
    /// The conversion from the image's XYB to `target`.
    ///
    /// # Errors
    ///
    /// [`Invalid::Value`] if the target's white point or primaries span no space.
    pub fn new(image: &ImageHeader, target: &ColourEncoding) -> Result<Self> {
        if target.colour_space == ColourSpace::Xyb {
            return Ok(Self::Scaled);
        }
        let degenerate = || Invalid::Value { field: "primaries", value: 0 };
        let light = linear_target(target);
        let intensity = image.tone_mapping.intensity_target;
        let map = XybToLinear::new(&image.opsin_inverse_matrix, &light, intensity).ok_or_else(degenerate)?;
        let luminances = light.luminances().ok_or_else(degenerate)?.map(|v| v as f32);
        Ok(Self::Rgb(map, Transfer::new(curve(target.transfer_function), luminances, intensity)))
    }
}

fn linear_target(encoding: &ColourEncoding) -> LinearTarget {
    if encoding.colour_space == ColourSpace::Grey {
        return LinearTarget::Gray;
    }
    let point = |[x, y]: [f64; 2]| Chromaticity { x, y };
    let [red, green, blue] = encoding.primaries.xy().map(point);
    LinearTarget::Rgb(RgbSpace { primaries: Primaries { red, green, blue }, white: point(encoding.white_point.xy()) })
}

/// The curve of a transfer function; an unknown one leaves the light as it is.
fn curve(transfer_function: TransferFunction) -> Curve {
    match transfer_function {
        TransferFunction::Gamma { exponent } => Curve::Gamma { exponent: exponent as f32 * 1e-7 },
        TransferFunction::Bt709 => Curve::Bt709,
        TransferFunction::Unknown | TransferFunction::Linear => Curve::Linear,
        TransferFunction::Srgb => Curve::Srgb,
        TransferFunction::Pq => Curve::Pq { intensity_target: 10_000.0 },
        TransferFunction::Dci => Curve::Dci,
        TransferFunction::Hlg => Curve::Hlg,
    }
}
