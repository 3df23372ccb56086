//! Portable Network Graphics, still and animated.

use crate::picture::FileSample;
use anyhow::Result;
use jxlake::frame::image_header::{ColourEncoding, ColourSpace, Primaries, TransferFunction, WhitePoint};
use jxlake::{FrameInfo, Frames, Image};
use png::chunk::ChunkType;
use std::borrow::Cow;
use std::io::Write;

/// What a file says beside its pixels.
#[derive(Default)]
pub struct Facts {
    icc: Option<Vec<u8>>,
    encoding: Option<ColourEncoding>,
    /// Brightest and darkest of an HDR image, in nits.
    nits: Option<[f32; 2]>,
}

impl Facts {
    /// The facts of what is delivered of an image.
    pub fn of(frames: &Frames<'_>, display_peak: Option<f32>) -> Self {
        let encoding = frames.output_encoding();
        let tone = &frames.image().tone_mapping;
        let is_hdr =
            |e: ColourEncoding| matches!(e.transfer_function, TransferFunction::Pq | TransferFunction::Hlg);
        let brightest = display_peak.map_or(tone.intensity_target, |peak| peak.min(tone.intensity_target));
        let nits = encoding.is_some_and(is_hdr).then_some([brightest, tone.min_nits]);
        Self { icc: frames.output_icc().ok(), encoding, nits }
    }

    /// The code points of the encoding; `None` if it has none.
    fn code_points(&self) -> Option<[u8; 4]> {
        let encoding = self.encoding.filter(|e| e.colour_space == ColourSpace::Rgb && !e.want_icc)?;
        let primaries = match (encoding.primaries, encoding.white_point) {
            (Primaries::Srgb, WhitePoint::D65) => 1,
            (Primaries::Bt2100, WhitePoint::D65) => 9,
            (Primaries::P3, WhitePoint::Dci) => 11,
            (Primaries::P3, WhitePoint::D65) => 12,
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
        Some([primaries, transfer, 0, 1])
    }

    /// The volume of colours of the display that an HDR image was made on.
    fn mastering_display(&self) -> Option<Vec<u8>> {
        let (encoding, [brightest, darkest]) = (self.encoding?, self.nits?);
        let [wx, wy] = encoding.white_point.xy();
        let mut bytes = Vec::with_capacity(24);
        for v in encoding.primaries.xy().into_iter().flatten().chain([wx, wy]) {
            bytes.extend(((v * 50_000.0).round() as u16).to_be_bytes());
        }
        for nits in [brightest, darkest] {
            bytes.extend(((f64::from(nits) * 10_000.0).round() as u32).to_be_bytes());
        }
        Some(bytes)
    }
}

/// Metadata that go along with the pixels.
#[derive(Default)]
pub struct Carried {
    exif: Option<Vec<u8>>,
    xmp: Option<String>,
}

impl Carried {
    /// The metadata of an image, whose orientation becomes that of the pixels as they are delivered. Those that are invalid
    /// are left out, which is told.
    pub fn of(frames: &mut Frames<'_>, keep_orientation: bool) -> Self {
        let left_out = |error: &dyn std::fmt::Display| eprintln!("jxl-decode: metadata left out: {error}");
        let orientation = if keep_orientation { frames.image().orientation as u8 } else { 1 };
        let mut exif = frames.exif().inspect_err(|error| left_out(error)).ok().flatten().map(<[u8]>::to_vec);
        if let Some(exif) = &mut exif {
            crate::exif::set_orientation(exif, orientation);
        }
        let xmp = frames.xmp().inspect_err(|error| left_out(error)).ok().flatten();
        let xmp =
            xmp.and_then(|xmp| String::from_utf8(xmp.to_vec()).inspect_err(|error| left_out(error)).ok());
        Self { exif, xmp }
    }
}

/// How an animation is played.
pub struct Animated {
    /// How often; 0 for ever.
    pub plays: u32,
    /// Seconds of each frame, as fractions.
    pub delays: Vec<[u16; 2]>,
}

/// The duration of a frame as PNG has it: in units of 1/65535 s or more, up to 65535 s.
pub fn delay(frame: &FrameInfo<'_>) -> [u16; 2] {
    let (numerator, denominator) = frame.seconds();
    let divisor = greatest_common_divisor(numerator, denominator).max(1);
    let exact = [numerator / divisor, denominator / divisor].map(u16::try_from);
    if let [Ok(numerator), Ok(denominator)] = exact {
        return [numerator, denominator];
    }
    let seconds = numerator as f64 / denominator as f64;
    // These conversions saturate.
    if seconds < 65.535 { [(seconds * 1000.0).round() as u16, 1000] } else { [seconds.round() as u16, 1] }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Writes one picture, or those of an animation, of 8- or 16-bit samples.
pub fn write<T: FileSample>(
    to: &mut dyn Write,
    images: &[Image<T>],
    (facts, carried): (&Facts, &Carried),
    animated: Option<&Animated>,
) -> Result<()> {
    let Some(first) = images.first() else { return Ok(()) };
    let shape = first.shape();
    let mut info = png::Info::with_size(u32::try_from(shape.width)?, u32::try_from(shape.height)?);
    info.color_type = match shape.channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    };
    info.bit_depth = if T::MAXIMUM == Some(255) { png::BitDepth::Eight } else { png::BitDepth::Sixteen };
    info.icc_profile = facts.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = carried.exif.as_deref().map(Cow::Borrowed);
    let mut encoder = png::Encoder::with_info(to, info)?;
    if let Some(xmp) = &carried.xmp {
        encoder.add_itxt_chunk("XML:com.adobe.xmp".to_owned(), xmp.clone())?;
    }
    encoder.set_compression(png::Compression::Fast);
    if let Some(animated) = animated {
        encoder.set_animated(u32::try_from(images.len())?, animated.plays)?;
    }
    let mut writer = encoder.write_header()?;
    if let Some(points) = facts.code_points() {
        writer.write_chunk(ChunkType(*b"cICP"), &points)?;
    }
    if let Some(volume) = facts.mastering_display() {
        writer.write_chunk(ChunkType(*b"mDCV"), &volume)?;
    }
    let mut scratch = Vec::new();
    let Some(animated) = animated else {
        let mut rows = writer.stream_writer()?;
        first.rows().try_for_each(|row| T::write_row(&mut rows, row, &mut scratch))?;
        rows.finish()?;
        return Ok(writer.finish()?);
    };
    let mut samples = Vec::new();
    for (image, [numerator, denominator]) in images.iter().zip(&animated.delays) {
        writer.set_frame_delay(*numerator, *denominator)?;
        samples.clear();
        image.rows().try_for_each(|row| T::write_row(&mut samples, row, &mut scratch))?;
        writer.write_image_data(&samples)?;
    }
    Ok(writer.finish()?)
}
