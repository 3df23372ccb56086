//! From one colour encoding of a header to another.

use super::curve::Curve;
use super::display_mapping::DisplayMapping;
use super::matrix::Matrix3;
use super::rows::map_rows;
use super::transfer::Transfer;
use super::xyb::{LinearMatrix, LinearTarget};
use crate::image_header::{ColourEncoding, TransferFunction};
use fearless_simd::{Level, dispatch};

/// What is known of an image's light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageLight {
    /// The transfer function of the original; tone mapping depends on it.
    pub original: TransferFunction,
    /// What 1.0 of linear light means, in nits; above 0.
    pub intensity_target: f32,
    /// The peak of the display that the output is for, in nits; `None` maps no tones.
    pub display_peak: Option<f32>,
}

/// Converts samples of one enumerated encoding to another: decoded to linear light, multiplied by a matrix, mapped to the
/// display's tones, encoded. What would change nothing is left out.
///
/// ```
/// use fearless_simd::Level;
/// use jxlake_frame::colour::{EncodingConversion, ImageLight};
/// use jxlake_frame::image_header::{ColourEncoding, Primaries, TransferFunction};
///
/// let srgb = ColourEncoding::default();
/// let p3 = ColourEncoding { primaries: Primaries::P3, ..srgb };
/// let light = ImageLight { original: TransferFunction::Srgb, intensity_target: 255.0, display_peak: None };
/// let (mut r, mut g, mut b) = ([1.0f32], [0.0f32], [0.0f32]);
/// let conversion = EncodingConversion::new(&srgb, &p3, &light).unwrap();
/// conversion.convert_rows(Level::new(), [&mut r, &mut g, &mut b]);
/// assert!((r[0] - 0.9175).abs() < 1e-3 && (g[0] - 0.2003).abs() < 1e-3 && (b[0] - 0.1386).abs() < 1e-3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncodingConversion {
    decode: Option<Transfer>,
    matrix: Option<LinearMatrix>,
    mapping: DisplayMapping,
    encode: Option<Transfer>,
}

impl EncodingConversion {
    /// The conversion of an image's samples; `None` if one of the encodings has no numbers: it lies in an ICC profile, is
    /// XYB, or its primaries are degenerate.
    pub fn new(from: &ColourEncoding, to: &ColourEncoding, light: &ImageLight) -> Option<Self> {
        let source = LinearTarget::of(from)?;
        let decode = transfer(from, &source, light.intensity_target)?;
        let target = LinearTarget::of(to)?;
        let result = Self { decode, matrix: light_matrix(&source, &target)?, ..Self::of_linear(to, light)? };
        let same = ColourEncoding { rendering_intent: from.rendering_intent, ..*to } == *from;
        if same && result.mapping == DisplayMapping::Nothing && light.display_peak.is_none() {
            return Some(Self { decode: None, encode: None, ..result });
        }
        Some(result)
    }

    /// The conversion of linear light that already is in the target's primaries; `None` as for [`new`](Self::new).
    pub fn of_linear(to: &ColourEncoding, light: &ImageLight) -> Option<Self> {
        let target = LinearTarget::of(to)?;
        let luminances = target.luminances()?.map(|v| v as f32);
        let intensity = light.intensity_target;
        let peak = light.display_peak.unwrap_or(intensity);
        let mapping = match light.display_peak {
            Some(peak) if peak != intensity => {
                DisplayMapping::new([light.original, to.transfer_function], [intensity, peak], luminances)
            }
            _ => DisplayMapping::Nothing,
        };
        // PQ is absolute: 1.0 means the display's peak only where tones were mapped to it.
        let is_mapped = mapping != DisplayMapping::Nothing;
        let nits = if is_mapped || to.transfer_function == TransferFunction::Hlg { peak } else { intensity };
        Some(Self { decode: None, matrix: None, mapping, encode: transfer(to, &target, nits)? })
    }

    /// The encoding alone, if nothing but it is to be done.
    pub fn only_encoding(&self) -> Option<Option<Transfer>> {
        let plain = self.decode.is_none() && self.matrix.is_none() && self.mapping == DisplayMapping::Nothing;
        plain.then_some(self.encode)
    }

    /// Converts three rows in place.
    pub fn convert_rows(&self, level: Level, [r, g, b]: [&mut [f32]; 3]) {
        if let Some(decode) = &self.decode {
            decode.decode_rows(level, [&mut *r, &mut *g, &mut *b]);
        }
        if let Some(matrix) = self.matrix {
            dispatch!(level, simd => map_rows(simd, matrix, [&mut *r, &mut *g, &mut *b]));
        }
        self.mapping.apply_rows(level, [&mut *r, &mut *g, &mut *b]);
        if let Some(encode) = &self.encode {
            encode.encode_rows(level, [r, g, b]);
        }
    }
}

/// The transfer of an encoding, `None` within if it is linear.
fn transfer(encoding: &ColourEncoding, target: &LinearTarget, nits: f32) -> Option<Option<Transfer>> {
    let curve = Curve::of(encoding.transfer_function, nits)?;
    let luminances = target.luminances()?.map(|v| v as f32);
    Some((curve != Curve::Linear).then(|| Transfer::new(curve, luminances, nits)))
}

/// The matrix between two kinds of linear light, `None` within if there is nothing to multiply.
fn light_matrix(from: &LinearTarget, to: &LinearTarget) -> Option<Option<LinearMatrix>> {
    let matrix = match (from, to) {
        (LinearTarget::Rgb(from), LinearTarget::Rgb(to)) if from == to => return Some(None),
        (LinearTarget::Rgb(from), LinearTarget::Rgb(to)) => from.to(to)?,
        // Gray has the white of whatever it is shown as.
        (LinearTarget::Gray, _) => return Some(None),
        (LinearTarget::Rgb(from), LinearTarget::Gray) => luminance_of(&from.to(&super::RgbSpace::SRGB)?),
    };
    Some(Some(LinearMatrix::new(&matrix)))
}

/// All rows the luminance of what `to_srgb` makes.
fn luminance_of(to_srgb: &Matrix3) -> Matrix3 {
    let mut row = [0.0; 3];
    for (weight, of_srgb) in super::SRGB_LUMINANCES.iter().zip(to_srgb) {
        for (sum, v) in row.iter_mut().zip(of_srgb) {
            *sum += weight * v;
        }
    }
    [row; 3]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_header::{ColourSpace, Primaries};

    fn light(original: TransferFunction, nits: f32, display_peak: Option<f32>) -> ImageLight {
        ImageLight { original, intensity_target: nits, display_peak }
    }

    fn convert(from: &ColourEncoding, to: &ColourEncoding, light: &ImageLight, pixel: [f32; 3]) -> [f32; 3] {
        let [mut r, mut g, mut b] = pixel.map(|v| [v]);
        let conversion = EncodingConversion::new(from, to, light).unwrap();
        conversion.convert_rows(Level::new(), [&mut r, &mut g, &mut b]);
        [r[0], g[0], b[0]]
    }

    fn encoding(primaries: Primaries, transfer_function: TransferFunction) -> ColourEncoding {
        ColourEncoding { primaries, transfer_function, ..ColourEncoding::default() }
    }

    #[test]
    fn nits_become_the_pq_of_the_vectors() {
        let linear = encoding(Primaries::Srgb, TransferFunction::Linear);
        let pq = encoding(Primaries::Srgb, TransferFunction::Pq);
        let light = light(TransferFunction::Linear, 10_000.0, None);
        for (nits, coded) in
            [(0.1, 0.0623369), (1.0, 0.1499457), (100.0, 0.5080784), (203.0, 0.5806889), (1000.0, 0.7518271)]
        {
            let [r, g, b] = convert(&linear, &pq, &light, [nits / 10_000.0; 3]);
            assert!((r - coded).abs() < 2e-6 && r == g && g == b, "{nits}: {r} for {coded}");
        }
    }

    #[test]
    fn there_and_back_is_where_it_was() {
        use TransferFunction::{Bt709, Hlg, Linear, Pq, Srgb};
        let srgb = ColourEncoding::default();
        for primaries in [Primaries::Srgb, Primaries::P3, Primaries::Bt2100] {
            for function in [Bt709, Hlg, Linear, Pq, Srgb] {
                let other = encoding(primaries, function);
                let light = light(Srgb, 255.0, None);
                let there = convert(&srgb, &other, &light, [0.9, 0.3, 0.1]);
                let back = convert(&other, &srgb, &light, there);
                for (v, expected) in back.into_iter().zip([0.9, 0.3, 0.1]) {
                    assert!((v - expected).abs() < 1e-4, "{other:?}: {back:?}");
                }
            }
        }
    }

    #[test]
    fn the_same_encoding_changes_no_bit() {
        let pq = encoding(Primaries::Bt2100, TransferFunction::Pq);
        let pixel = [0.123_456_79, 0.7, 2.5];
        assert_eq!(convert(&pq, &pq, &light(TransferFunction::Pq, 4000.0, None), pixel), pixel);
    }

    #[test]
    fn colours_become_their_luminance_and_gray_becomes_equal_channels() {
        let linear = encoding(Primaries::Srgb, TransferFunction::Linear);
        let gray = ColourEncoding { colour_space: ColourSpace::Grey, ..linear };
        let light = light(TransferFunction::Linear, 255.0, None);
        let pixel = convert(&linear, &gray, &light, [0.0, 1.0, 0.0]);
        assert!(pixel.iter().all(|v| (v - 0.7152).abs() < 1e-5), "{pixel:?}");
        let p3 = encoding(Primaries::P3, TransferFunction::Linear);
        assert_eq!(convert(&gray, &p3, &light, [0.25; 3]), [0.25; 3]);
    }

    #[test]
    fn mapped_tones_are_of_the_display() {
        let pq = encoding(Primaries::Bt2100, TransferFunction::Pq);
        let srgb = ColourEncoding::default();
        let light = light(TransferFunction::Pq, 1000.0, Some(100.0));
        let white = convert(&pq, &srgb, &light, [0.7518271; 3]);
        assert!(white.iter().all(|v| (v - 1.0).abs() < 2e-3), "{white:?}");
        // In PQ the display's peak is coded as such.
        let white = convert(&pq, &pq, &light, [0.7518271; 3]);
        assert!(white.iter().all(|v| (v - 0.5080784).abs() < 1e-3), "{white:?}");
    }
}
