//! Colour encodings by the names that people use.

use jxlake_frame::image_header::{
    ColourEncoding, ColourSpace, Primaries, RenderingIntent, TransferFunction, WhitePoint,
};

/// The colour encoding with a common name: `srgb`, `display-p3` (or `p3`), `rec709`, `rec2020`, `pq` and `hlg` (those of
/// Rec. 2100), `dci-p3`, `linear`, `linear-p3`, `linear-rec2020`, `gray`, `linear-gray`; and `xyb`, which only images that are
/// coded in it can be delivered in.
///
/// ```
/// use jxlake::colour::colour_encoding_named;
/// use jxlake::frame::image_header::Primaries;
///
/// assert_eq!(colour_encoding_named("display-p3").unwrap().primaries, Primaries::P3);
/// assert!(colour_encoding_named("beige").is_none());
/// ```
pub fn colour_encoding_named(name: &str) -> Option<ColourEncoding> {
    use Primaries::{Bt2100, P3, Srgb as Bt709};
    let (primaries, transfer_function) = match name {
        "srgb" | "gray" | "grey" | "xyb" => (Bt709, TransferFunction::Srgb),
        "display-p3" | "p3" => (P3, TransferFunction::Srgb),
        "rec709" => (Bt709, TransferFunction::Bt709),
        "rec2020" => (Bt2100, TransferFunction::Bt709),
        "pq" | "rec2100-pq" => (Bt2100, TransferFunction::Pq),
        "hlg" | "rec2100-hlg" => (Bt2100, TransferFunction::Hlg),
        "dci-p3" => (P3, TransferFunction::Dci),
        "linear" | "linear-srgb" | "linear-gray" => (Bt709, TransferFunction::Linear),
        "linear-p3" => (P3, TransferFunction::Linear),
        "linear-rec2020" => (Bt2100, TransferFunction::Linear),
        _ => return None,
    };
    let colour_space = match name {
        "gray" | "grey" | "linear-gray" => ColourSpace::Grey,
        "xyb" => ColourSpace::Xyb,
        _ => ColourSpace::Rgb,
    };
    let white_point = if name == "dci-p3" { WhitePoint::Dci } else { WhitePoint::D65 };
    // As the profile of XYB wants it.
    let xyb_intent = (name == "xyb").then_some(RenderingIntent::Perceptual);
    let standard = ColourEncoding::default();
    Some(ColourEncoding {
        colour_space,
        rendering_intent: xyb_intent.unwrap_or(standard.rendering_intent),
        white_point,
        primaries,
        transfer_function,
        ..standard
    })
}
