//! The name of a colour encoding, as profiles carry it.

use std::fmt::{self, Write};

use jxlake_frame::image_header::{
    Chromaticity, ColourEncoding, ColourSpace, Primaries, RenderingIntent, TransferFunction, WhitePoint,
};

/// A colour encoding's name: a common one, or one that lists colour space, white point, primaries, intent and transfer
/// function.
pub(super) struct Description<'a>(pub(super) &'a ColourEncoding);

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match common_name(self.0) {
            Some(name) => f.write_str(name),
            None => listed_name(self.0, f),
        }
    }
}

fn common_name(encoding: &ColourEncoding) -> Option<&'static str> {
    if encoding.colour_space != ColourSpace::Rgb {
        return None;
    }
    let ColourEncoding { white_point, primaries, transfer_function, .. } = *encoding;
    match (white_point, primaries, transfer_function) {
        (WhitePoint::D65, Primaries::Srgb, TransferFunction::Srgb) => Some("sRGB"),
        (WhitePoint::D65, Primaries::P3, TransferFunction::Srgb) => Some("DisplayP3"),
        (WhitePoint::D65, Primaries::Bt2100, TransferFunction::Pq) => Some("Rec2100PQ"),
        (WhitePoint::D65, Primaries::Bt2100, TransferFunction::Hlg) => Some("Rec2100HLG"),
        (WhitePoint::D65, Primaries::Custom(rgb), TransferFunction::Gamma { exponent }) => {
            let adobe = is_close(rgb, [[0.64, 0.33], [0.21, 0.71], [0.15, 0.06]])
                && is_near(gamma(exponent), 256.0 / 563.0);
            adobe.then_some("Adobe98")
        }
        (WhitePoint::Custom(white), Primaries::Custom(rgb), TransferFunction::Gamma { exponent }) => {
            let pro_photo = is_close([white], [[0.345669, 0.358496]])
                && is_close(rgb, [[0.734699, 0.265301], [0.159597, 0.840403], [0.036598, 0.000105]])
                && is_near(gamma(exponent), 1.0 / 1.8);
            pro_photo.then_some("ProPhoto")
        }
        _ => None,
    }
}

/// The exponent of a header's gamma.
pub(super) fn gamma(exponent: u32) -> f64 {
    f64::from(exponent) * 1e-7
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 3e-5
}

fn is_close<const N: usize>(points: [Chromaticity; N], named: [[f64; 2]; N]) -> bool {
    let points = points.map(Chromaticity::xy);
    points.as_flattened().iter().zip(named.as_flattened()).all(|(a, b)| is_near(*a, *b))
}

fn listed_name(encoding: &ColourEncoding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match encoding.colour_space {
        ColourSpace::Rgb => "RGB",
        ColourSpace::Grey => "Gra",
        ColourSpace::Xyb => "XYB",
        ColourSpace::Unknown => "CS?",
    })?;
    if encoding.colour_space != ColourSpace::Xyb {
        f.write_char('_')?;
        match encoding.white_point {
            WhitePoint::D65 => f.write_str("D65"),
            WhitePoint::E => f.write_str("EER"),
            WhitePoint::Dci => f.write_str("DCI"),
            WhitePoint::Custom(white) => write_points(&[white], f),
        }?;
        if encoding.colour_space != ColourSpace::Grey {
            f.write_char('_')?;
            match encoding.primaries {
                Primaries::Srgb => f.write_str("SRG"),
                Primaries::Bt2100 => f.write_str("202"),
                Primaries::P3 => f.write_str("DCI"),
                Primaries::Custom(rgb) => write_points(&rgb, f),
            }?;
        }
    }
    f.write_str(match encoding.rendering_intent {
        RenderingIntent::Perceptual => "_Per",
        RenderingIntent::Relative => "_Rel",
        RenderingIntent::Saturation => "_Sat",
        RenderingIntent::Absolute => "_Abs",
    })?;
    if encoding.colour_space == ColourSpace::Xyb {
        return Ok(());
    }
    match encoding.transfer_function {
        TransferFunction::Gamma { exponent } => write!(f, "_g{}", General(gamma(exponent))),
        TransferFunction::Bt709 => f.write_str("_709"),
        TransferFunction::Linear => f.write_str("_Lin"),
        TransferFunction::Srgb => f.write_str("_SRG"),
        TransferFunction::Pq => f.write_str("_PeQ"),
        TransferFunction::Dci => f.write_str("_DCI"),
        TransferFunction::Hlg => f.write_str("_HLG"),
        TransferFunction::Unknown => f.write_str("_TF?"),
    }
}

fn write_points(points: &[Chromaticity], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, point) in points.iter().enumerate() {
        let [x, y] = point.xy();
        let separator = if i > 0 { ";" } else { "" };
        write!(f, "{separator}{};{}", General(x), General(y))?;
    }
    Ok(())
}

/// A number as C's `%g` prints it: six significant digits without trailing zeros, an exponent if it is below -4 or above 5.
struct General(f64);

impl fmt::Display for General {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Digits::default();
        write!(text, "{:.5e}", self.0)?;
        let text = text.as_str();
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
        if (-4..6).contains(&exponent) {
            let decimals = (5 - exponent) as usize;
            let mut plain = Digits::default();
            write!(plain, "{:.decimals$}", self.0)?;
            return f.write_str(without_zeros(plain.as_str()));
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(f, "{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
    }
}

/// A decimal fraction without the zeros at its end.
fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// A few characters on the stack; what does not fit is an error.
#[derive(Default)]
struct Digits {
    bytes: [u8; 32],
    len: usize,
}

impl Digits {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = &mut self.bytes[self.len..];
        free.get_mut(..text.len()).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_c_prints_them() {
        let cases = [
            (0.0, "0"),
            (0.45455, "0.45455"),
            (1.0, "1"),
            (-2.097152, "-2.09715"),
            (0.333333, "0.333333"),
            (0.0001, "0.0001"),
            (0.000123, "0.000123"),
            (0.00001, "1e-05"),
            (-0.000012, "-1.2e-05"),
            (0.9999996, "1"),
            (1_234_567.0, "1.23457e+06"),
            (100_000.0, "100000"),
        ];
        for (number, text) in cases {
            assert_eq!(General(number).to_string(), text);
        }
    }

    #[test]
    fn encodings_have_names() {
        let named = |encoding: ColourEncoding| Description(&encoding).to_string();
        let srgb = ColourEncoding::default();
        assert_eq!(named(srgb), "sRGB");
        let bt709 = ColourEncoding {
            transfer_function: TransferFunction::Bt709,
            rendering_intent: RenderingIntent::Perceptual,
            ..srgb
        };
        assert_eq!(named(bt709), "RGB_D65_SRG_Per_709");
        let gray = ColourEncoding {
            colour_space: ColourSpace::Grey,
            transfer_function: TransferFunction::Linear,
            ..srgb
        };
        assert_eq!(named(gray), "Gra_D65_Rel_Lin");
        let xyb = ColourEncoding {
            colour_space: ColourSpace::Xyb,
            rendering_intent: RenderingIntent::Perceptual,
            ..srgb
        };
        assert_eq!(named(xyb), "XYB_Per");

        let point = |x, y| Chromaticity { x, y };
        let rgb = [point(640_000, 330_000), point(210_000, 710_000), point(150_000, 60_000)];
        let adobe = ColourEncoding {
            primaries: Primaries::Custom(rgb),
            transfer_function: TransferFunction::Gamma { exponent: 4_547_069 },
            ..srgb
        };
        assert_eq!(named(adobe), "Adobe98");
        let other = ColourEncoding {
            white_point: WhitePoint::Custom(point(345_669, 358_496)),
            transfer_function: TransferFunction::Gamma { exponent: 4_545_500 },
            ..adobe
        };
        assert_eq!(named(other), "RGB_0.345669;0.358496_0.64;0.33;0.21;0.71;0.15;0.06_Rel_g0.45455");
        let rgb = [point(734_699, 265_301), point(159_597, 840_403), point(36_598, 105)];
        let pro_photo = ColourEncoding {
            primaries: Primaries::Custom(rgb),
            transfer_function: TransferFunction::Gamma { exponent: 5_555_556 },
            ..other
        };
        assert_eq!(named(pro_photo), "ProPhoto");
    }
}
