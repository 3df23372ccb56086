//! ICC profiles made from the colour encodings that a header names.
//!
//! The codestream carries a profile only for colour spaces it cannot name; for all others the decoder makes one. The bytes
//! are fixed down to the last digit, so that profiles can be compared: every rounding here is deliberate.

mod bytes;
mod description;
mod md5;
mod rounded;
mod tables;

#[cfg(test)]
mod tests;

use std::fmt::Write;

use jxlake_frame::colour::Curve;
use jxlake_frame::image_header::{
    ColourEncoding, ColourSpace, Primaries, RenderingIntent, TransferFunction, WhitePoint,
};

use bytes::{Bytes, Utf16};
use description::{Description, gamma};
use rounded::{Matrices, adaptation};
use tables::ToneMapped;

/// Why there is no profile of a colour encoding.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The encoding is the one of an embedded profile, or its colour space or transfer function has no name.
    #[error("the colour encoding has no description from which to make a profile")]
    NoDescription,
    /// The white point is outside 0 <= x <= 1, 0 < y <= 1, or cannot be adapted to D50.
    #[error("the white point cannot be adapted to D50")]
    WhitePoint,
    /// The primaries lie on a line.
    #[error("the primaries lie on a line")]
    Primaries,
    /// Only perceptual intent is defined for XYB.
    #[error("XYB with another rendering intent than perceptual")]
    Intent,
    /// A number does not fit the format.
    #[error("a profile cannot hold the number {value}")]
    OutOfRange {
        /// That number.
        value: f32,
    },
}

/// Writes the ICC profile of `encoding` into `profile`, in place of what it held.
///
/// # Errors
/// A [`ProfileError`] if the encoding has no profile; the content of `profile` is then unspecified.
///
/// ```
/// use jxlake::colour::icc_profile::write_profile;
/// use jxlake_frame::image_header::ColourEncoding;
///
/// let mut profile = Vec::new();
/// write_profile(&ColourEncoding::default(), &mut profile)?;
/// assert_eq!((profile.len(), &profile[36..40]), (504, &b"acsp"[..]));
/// # Ok::<(), jxlake::colour::icc_profile::ProfileError>(())
/// ```
pub fn write_profile(encoding: &ColourEncoding, profile: &mut Vec<u8>) -> Result<(), ProfileError> {
    let known =
        encoding.colour_space == ColourSpace::Xyb || encoding.transfer_function != TransferFunction::Unknown;
    if encoding.want_icc || encoding.colour_space == ColourSpace::Unknown || !known {
        return Err(ProfileError::NoDescription);
    }
    if encoding.colour_space == ColourSpace::Xyb && encoding.rendering_intent != RenderingIntent::Perceptual {
        return Err(ProfileError::Intent);
    }
    profile.clear();
    profile.resize(HEADER_SIZE, 0);
    let mut tags = Tags::begin(profile, number_of_tags(encoding));
    write_tags(encoding, &mut tags)?;
    write_header(encoding, profile);
    Ok(())
}

const HEADER_SIZE: usize = 128;

/// Whether the profile holds a table that maps the tones of PQ and HLG to those of common displays.
fn has_tone_mapping(encoding: &ColourEncoding) -> bool {
    encoding.colour_space == ColourSpace::Rgb
        && matches!(encoding.transfer_function, TransferFunction::Pq | TransferFunction::Hlg)
        && match (encoding.primaries, encoding.white_point) {
            (Primaries::P3, WhitePoint::D65 | WhitePoint::Dci) => true,
            (Primaries::Custom(_), _) => false,
            (_, white) => white == WhitePoint::D65,
        }
}

/// The codes of primaries and transfer function in ITU-T H.273, if it has them.
fn coding_independent_code_points(encoding: &ColourEncoding) -> Option<[u8; 2]> {
    let primaries = match (encoding.primaries, encoding.white_point) {
        (Primaries::P3, WhitePoint::D65) => 12,
        (Primaries::P3, WhitePoint::Dci) => 11,
        (Primaries::Srgb, WhitePoint::D65) => 1,
        (Primaries::Bt2100, WhitePoint::D65) => 9,
        _ => return None,
    };
    let transfer = match encoding.transfer_function {
        TransferFunction::Bt709 => 1,
        TransferFunction::Linear => 8,
        TransferFunction::Srgb => 13,
        TransferFunction::Pq => 16,
        TransferFunction::Dci => 17,
        TransferFunction::Hlg => 18,
        TransferFunction::Gamma { .. } | TransferFunction::Unknown => return None,
    };
    Some([primaries, transfer])
}

fn number_of_tags(encoding: &ColourEncoding) -> usize {
    let description = 3; // desc, cprt, wtpt
    description
        + match encoding.colour_space {
            ColourSpace::Grey => 1,
            ColourSpace::Rgb => {
                let curves = if has_tone_mapping(encoding) { 2 } else { 3 };
                let code_points = usize::from(coding_independent_code_points(encoding).is_some());
                1 + code_points + 3 + curves
            }
            ColourSpace::Xyb | ColourSpace::Unknown => 3,
        }
}

fn write_tags(encoding: &ColourEncoding, tags: &mut Tags<'_>) -> Result<(), ProfileError> {
    tags.add("desc", |out| write_text(out, format_args!("{}", Description(encoding))))?;
    tags.add("cprt", |out| write_text(out, format_args!("CC0")))?;
    let white = encoding.white_point.xy();
    if encoding.colour_space == ColourSpace::Grey {
        // The light of a gray image is not adapted.
        let [x, y] = white;
        let factor = f64::from((1.0 / y) as f32);
        let white = [(x * factor) as f32, 1.0, ((1.0 - x - y) * factor) as f32];
        adaptation(encoding.white_point.xy())?;
        tags.add("wtpt", |out| write_xyz(out, white))?;
        tags.add("kTRC", |out| write_curve(out, encoding.transfer_function))?;
        return Ok(());
    }
    tags.add("wtpt", |out| write_xyz(out, [0.964203, 1.0, 0.824905]))?;
    let adaptation = adaptation(white)?;
    tags.add("chad", |out| {
        out.text("sf32").u32(0);
        adaptation.as_flattened().iter().try_for_each(|v| out.fixed(*v).map(|_| ()))
    })?;
    if encoding.colour_space == ColourSpace::Xyb {
        tags.add("A2B0", |out| {
            tables::write_xyb(out);
            Ok(())
        })?;
        return tags.add("B2A0", |out| {
            tables::write_dummy_reverse(out);
            Ok(())
        });
    }
    write_rgb_tags(encoding, tags)
}

fn write_rgb_tags(encoding: &ColourEncoding, tags: &mut Tags<'_>) -> Result<(), ProfileError> {
    if let Some([primaries, transfer]) = coding_independent_code_points(encoding) {
        tags.add("cicp", |out| {
            out.text("cicp").u32(0).raw(&[primaries, transfer, 0, 1]);
            Ok(())
        })?;
    }
    let matrices = Matrices::new(encoding.primaries.xy(), encoding.white_point.xy())?;
    for (i, name) in ["rXYZ", "gXYZ", "bXYZ"].into_iter().enumerate() {
        tags.add(name, |out| write_xyz(out, matrices.to_d50.map(|row| row[i])))?;
    }
    if !has_tone_mapping(encoding) {
        tags.add("rTRC", |out| write_curve(out, encoding.transfer_function))?;
        tags.repeat("gTRC");
        tags.repeat("bTRC");
        return Ok(());
    }
    let table = match encoding.transfer_function {
        TransferFunction::Pq => ToneMapped::pq(&matrices).ok_or(ProfileError::Primaries)?,
        _ => ToneMapped::hlg(&matrices),
    };
    tags.add("A2B0", |out| {
        table.write(out);
        Ok(())
    })?;
    tags.add("B2A0", |out| {
        tables::write_dummy_reverse(out);
        Ok(())
    })
}

fn write_header(encoding: &ColourEncoding, profile: &mut [u8]) {
    let size = (profile.len() as u32).to_be_bytes();
    let is_xyb = encoding.colour_space == ColourSpace::Xyb;
    let mut put = |at: usize, bytes: &[u8]| profile[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &size);
    put(4, b"jxl ");
    put(8, &[4, 0x40, 0, 0]); // version
    put(12, if is_xyb { b"scnr" } else { b"mntr" });
    put(16, if encoding.colour_space == ColourSpace::Grey { b"GRAY" } else { b"RGB " });
    put(20, if has_tone_mapping(encoding) { b"Lab " } else { b"XYZ " });
    put(24, &[7, 0xe3, 0, 12, 0, 1]); // 1 December 2019
    put(36, b"acsp");
    put(40, b"APPL");
    put(68, &[0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]); // the connection space's white
    put(80, b"jxl ");
    // The rendering intent counts as zero in the checksum, as does the checksum itself.
    let checksum = md5::md5(profile);
    profile[84..100].copy_from_slice(&checksum);
    profile[67] = match encoding.rendering_intent {
        RenderingIntent::Perceptual => 0,
        RenderingIntent::Relative => 1,
        RenderingIntent::Saturation => 2,
        RenderingIntent::Absolute => 3,
    };
}

/// The tag table, and behind it the data of the tags.
struct Tags<'a> {
    profile: &'a mut Vec<u8>,
    /// Where the next entry of the table goes.
    entry: usize,
}

impl<'a> Tags<'a> {
    const ENTRY: usize = 12;

    /// Starts a table for `count` tags at the end of `profile`.
    fn begin(profile: &'a mut Vec<u8>, count: usize) -> Self {
        Bytes(profile).u32(count as u32);
        let entry = profile.len();
        profile.resize(entry + count * Self::ENTRY, 0);
        Self { profile, entry }
    }

    /// Adds a tag whose data `write` appends.
    fn add(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Bytes<'_>) -> Result<(), ProfileError>,
    ) -> Result<(), ProfileError> {
        let start = self.profile.len();
        write(&mut Bytes(self.profile))?;
        self.profile.resize(self.profile.len().next_multiple_of(4), 0);
        let size = self.profile.len() - start;
        let entry = &mut self.profile[self.entry..self.entry + Self::ENTRY];
        entry[..4].copy_from_slice(name.as_bytes());
        entry[4..8].copy_from_slice(&(start as u32).to_be_bytes());
        entry[8..].copy_from_slice(&(size as u32).to_be_bytes());
        self.entry += Self::ENTRY;
        Ok(())
    }

    /// Adds a tag with the data of the one before.
    fn repeat(&mut self, name: &str) {
        self.profile.copy_within(self.entry - Self::ENTRY..self.entry, self.entry);
        self.profile[self.entry..self.entry + 4].copy_from_slice(name.as_bytes());
        self.entry += Self::ENTRY;
    }
}

fn write_text(out: &mut Bytes<'_>, text: std::fmt::Arguments<'_>) -> Result<(), ProfileError> {
    out.text("mluc").u32(0).u32(1).u32(12).text("enUS");
    let size = out.0.len();
    out.u32(0).u32(28);
    let start = out.0.len();
    // Writing to a Vec cannot fail.
    _ = Utf16(out.0).write_fmt(text);
    let written = (out.0.len() - start) as u32;
    out.0[size..size + 4].copy_from_slice(&written.to_be_bytes());
    Ok(())
}

fn write_xyz(out: &mut Bytes<'_>, xyz: [f32; 3]) -> Result<(), ProfileError> {
    out.text("XYZ ").u32(0);
    xyz.iter().try_for_each(|v| out.fixed(*v).map(|_| ()))
}

/// Samples of curves that no formula of a profile describes.
const CURVE_SAMPLES: u16 = 64;

fn write_curve(out: &mut Bytes<'_>, function: TransferFunction) -> Result<(), ProfileError> {
    let parametric = |out: &mut Bytes<'_>, parameters: [f64; 5]| {
        out.text("para").u32(0).u16(3).u16(0);
        parameters.iter().try_for_each(|v| out.fixed(*v as f32).map(|_| ()))
    };
    match function {
        TransferFunction::Gamma { exponent } => {
            out.text("para").u32(0).u16(0).u16(0).fixed((1.0 / gamma(exponent)) as f32).map(|_| ())
        }
        TransferFunction::Srgb => parametric(out, [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045]),
        TransferFunction::Bt709 => {
            parametric(out, [1.0 / 0.45, 1.0 / 1.099, 0.099 / 1.099, 1.0 / 4.5, 0.081])
        }
        TransferFunction::Linear => parametric(out, [1.0, 1.0, 0.0, 1.0, 0.0]),
        TransferFunction::Dci => parametric(out, [2.6, 1.0, 0.0, 1.0, 0.0]),
        TransferFunction::Pq => {
            write_sampled_curve(out, Curve::Pq { intensity_target: 10_000.0 });
            Ok(())
        }
        TransferFunction::Hlg => {
            write_sampled_curve(out, Curve::Hlg);
            Ok(())
        }
        TransferFunction::Unknown => Err(ProfileError::NoDescription),
    }
}

fn write_sampled_curve(out: &mut Bytes<'_>, curve: Curve) {
    out.text("curv").u32(0).u32(CURVE_SAMPLES.into());
    for i in 0..CURVE_SAMPLES {
        let encoded = f32::from(i) / f32::from(CURVE_SAMPLES - 1);
        let linear = curve.decode(f64::from(encoded)) as f32;
        out.u16((65535.0 * linear.clamp(0.0, 1.0)).round() as u16);
    }
}
