//! Portable Network Graphics.

use crate::picture::FileSample;
use anyhow::Result;
use jxlake::Image;
use std::borrow::Cow;
use std::io::Write;

/// Writes a picture of 8- or 16-bit samples with the profile of its colours.
pub fn write<T: FileSample>(to: &mut dyn Write, image: &Image<T>, icc: Option<&[u8]>) -> Result<()> {
    let shape = image.shape();
    let mut info = png::Info::with_size(u32::try_from(shape.width)?, u32::try_from(shape.height)?);
    info.color_type = match shape.channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    };
    info.bit_depth = if T::MAXIMUM == Some(255) { png::BitDepth::Eight } else { png::BitDepth::Sixteen };
    info.icc_profile = icc.map(|profile| Cow::Owned(profile.to_vec()));
    let mut encoder = png::Encoder::with_info(to, info)?;
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    let mut rows = writer.stream_writer()?;
    let mut scratch = Vec::new();
    for row in image.rows() {
        T::write_row(&mut rows, row, &mut scratch)?;
    }
    rows.finish()?;
    writer.finish()?;
    Ok(())
}
