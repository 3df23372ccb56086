//! What a file has beside its picture, written to files of its own.

use crate::arguments::{Arguments, Format};
use crate::picture;
use anyhow::{Context, Result};
use jxlake::container::{BoxType, GainMap};
use jxlake::{Decoder, Frames, Pool};
use std::path::Path;

/// Writes what the arguments ask for, each whole or not at all.
pub fn write(arguments: &Arguments, decoder: &mut Decoder, file: &[u8]) -> Result<()> {
    let pool = decoder.pool().clone();
    let mut frames = decoder.open(file)?;
    if let Some(path) = &arguments.exif {
        write_bytes(path, frames.exif()?.context("the file has no Exif metadata")?)?;
    }
    if let Some(path) = &arguments.xmp {
        write_bytes(path, frames.xmp()?.context("the file has no XMP metadata")?)?;
    }
    if let Some(path) = &arguments.jumbf {
        write_bytes(path, frames.jumbf()?.context("the file has no JUMBF metadata")?)?;
    }
    let Some(path) = &arguments.gain_map else { return Ok(()) };
    match Format::of(path) {
        Some(format) => {
            let map = frames.gain_map()?.context(NO_GAIN_MAP)?;
            write_gains(arguments, &map, path, format, pool).context("the gain map")
        }
        None => write_bytes(path, whole_gain_map(&mut frames)?),
    }
}

const NO_GAIN_MAP: &str = "the file has no gain map";

/// The whole box, for formats that are not pictures.
fn whole_gain_map<'f>(frames: &'f mut Frames<'_>) -> Result<&'f [u8]> {
    let found = frames.container().find(BoxType::JHGM).context(NO_GAIN_MAP)?;
    Ok(frames.box_content(found)?)
}

/// Decodes the gains, which are a picture of their own.
fn write_gains(
    arguments: &Arguments,
    map: &GainMap<'_>,
    path: &Path,
    format: Format,
    pool: Pool,
) -> Result<()> {
    let arguments = Arguments {
        output: Some(path.to_owned()),
        frames: false,
        layers: false,
        preview: false,
        channel: None,
        background: None,
        alpha: None,
        tone_map: None,
        ..arguments.clone()
    };
    let mut decoder = Decoder::new().with_pool(pool).with_threads(crate::threads(arguments.threads)?);
    picture::decode_and_write(&arguments, &mut decoder, map.codestream, format)?;
    Ok(())
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    picture::write_file(path, |to| Ok(to.write_all(bytes)?))
}
