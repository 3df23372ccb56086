//! The JPEG that a file was made from, on disk.

use crate::arguments::Arguments;
use crate::{Written, metadata, picture};
use anyhow::{Result, bail};
use jxlake::{Decoder, ErrorKind};
use std::path::Path;

/// Writes the JPEG that a file was made from, whole or not at all.
pub fn write(arguments: &Arguments, decoder: &mut Decoder, file: &[u8], path: &Path) -> Result<Written> {
    let Arguments {
        bits, color_space, tone_map, background, alpha, channel, frames, layers, preview, ..
    } = arguments;
    let changes = bits.is_some()
        || color_space.is_some()
        || tone_map.is_some()
        || background.is_some()
        || alpha.is_some()
        || channel.is_some();
    if changes || *frames || *layers || *preview {
        bail!("a JPEG is written as it was; choose another format to have it changed or in parts");
    }
    for _ in 1..arguments.repeat {
        decoder.jpeg_into(file, &mut std::io::sink()).map_err(explained)?;
    }
    picture::write_file(path, |mut to| decoder.jpeg_into(file, &mut to).map_err(explained))?;
    let mut opened = decoder.open(file)?;
    let mut written = Written { frames: Vec::new() };
    while let Some(frame) = opened.skip_frame()? {
        if frame.visible() {
            written.frames.push(metadata::frame(opened.image(), opened.frame()));
        }
    }
    Ok(written)
}

/// The error, with what can be done instead where the file was not made from a JPEG.
fn explained(error: jxlake::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::Absent => anyhow::anyhow!("{error}; write its picture as PNG, PPM, PAM, PFM or NPY"),
        _ => error.into(),
    }
}
