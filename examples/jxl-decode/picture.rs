//! From a file to a picture on disk.

use crate::arguments::{Arguments, Format};
use crate::{Written, metadata, npy, png_file, pnm};
use anyhow::{Context, Result, bail};
use jxlake::frame::image_header::{ExtraChannelKind, ImageHeader};
use jxlake::output::{ImageShape, OutputSample};
use jxlake::{Channels, Decoder, Frames, Image, PixelFormat};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The type of the samples that are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Samples {
    U8,
    U16,
    F32,
}

/// Decodes all that [`decode_and_write`] would, and writes nothing.
pub fn decode_only(arguments: &Arguments, decoder: &mut Decoder, file: &[u8], format: Format) -> Result<()> {
    let mut frames = decoder.open(file)?;
    let pixels = pixel_format(format, frames.image())?;
    match samples(arguments, format, frames.image())? {
        Samples::U8 => while frames.next_image::<u8>(&pixels)?.is_some() {},
        Samples::U16 => while frames.next_image::<u16>(&pixels)?.is_some() {},
        Samples::F32 => while frames.next_image::<f32>(&pixels)?.is_some() {},
    }
    Ok(())
}

/// Decodes a file and writes its picture, whole or not at all: the first displayed frame, or all of them to NPY.
pub fn decode_and_write(
    arguments: &Arguments,
    decoder: &mut Decoder,
    file: &[u8],
    format: Format,
) -> Result<Written> {
    let path = arguments.output.as_deref().unwrap_or(Path::new("-"));
    let mut frames = decoder.open(file)?;
    let pixels = pixel_format(format, frames.image())?;
    let samples = samples(arguments, format, frames.image())?;
    if format == Format::Npy {
        return write_npy(path, &mut frames, &pixels);
    }
    match samples {
        Samples::U8 => write_still::<u8>(path, &mut frames, &pixels, format),
        Samples::U16 => write_still::<u16>(path, &mut frames, &pixels, format),
        Samples::F32 => write_still::<f32>(path, &mut frames, &pixels, format),
    }
}

fn samples(arguments: &Arguments, format: Format, image: &ImageHeader) -> Result<Samples> {
    let depth = image.bit_depth;
    let asked = arguments.bits.as_deref();
    let integers = || match asked {
        Some("8") => Ok(Samples::U8),
        Some("16") => Ok(Samples::U16),
        Some(_) => bail!("this format has no 32-bit samples; PFM and NPY have"),
        None if depth.bits_per_sample() > 8 => Ok(Samples::U16),
        None => Ok(Samples::U8),
    };
    match format {
        Format::Pfm | Format::Npy => match asked {
            None | Some("32") => Ok(Samples::F32),
            Some(_) => bail!("this format has 32-bit samples only"),
        },
        _ => integers(),
    }
}

fn pixel_format(format: Format, image: &ImageHeader) -> Result<PixelFormat> {
    let is_black = |kind| matches!(kind, ExtraChannelKind::Black);
    if format != Format::Npy && image.extra_channels.iter().any(|extra| is_black(extra.kind)) {
        bail!(
            "a CMYK image needs colour management to become this format; NPY takes its channels as they are"
        );
    }
    let alpha = image.alpha_channel().is_some() && matches!(format, Format::Png | Format::Pam);
    let channels = match (format, image.is_grey(), alpha) {
        (Format::Npy, ..) => Channels::All,
        (Format::Pgm, false, _) => bail!("a PGM cannot hold a colour image"),
        (_, true, false) => Channels::Gray,
        (_, true, true) => Channels::GrayAlpha,
        (_, false, false) => Channels::Rgb,
        (_, false, true) => Channels::Rgba,
    };
    Ok(PixelFormat { channels, ..PixelFormat::default() })
}

/// A sample type that formats of integers, or of floats, can write.
pub trait FileSample: OutputSample {
    /// The largest integer; `None` for floats.
    const MAXIMUM: Option<u32>;
    /// Writes a row, high bytes first; floats low bytes first.
    fn write_row(to: &mut impl Write, row: &[Self], scratch: &mut Vec<u8>) -> std::io::Result<()>;
}

impl FileSample for u8 {
    const MAXIMUM: Option<u32> = Some(u8::MAX as u32);
    fn write_row(to: &mut impl Write, row: &[Self], _: &mut Vec<u8>) -> std::io::Result<()> {
        to.write_all(row)
    }
}

impl FileSample for u16 {
    const MAXIMUM: Option<u32> = Some(u16::MAX as u32);
    fn write_row(to: &mut impl Write, row: &[Self], scratch: &mut Vec<u8>) -> std::io::Result<()> {
        pnm::write_big_endian(to, row, scratch)
    }
}

impl FileSample for f32 {
    const MAXIMUM: Option<u32> = None;
    fn write_row(to: &mut impl Write, row: &[Self], _: &mut Vec<u8>) -> std::io::Result<()> {
        npy::write_row(to, row)
    }
}

fn write_still<T: FileSample>(
    path: &Path,
    frames: &mut Frames<'_>,
    pixels: &PixelFormat,
    format: Format,
) -> Result<Written> {
    let image = frames.next_image::<T>(pixels)?.context("the file has no displayed frame")?;
    let written = Written { frames: vec![metadata::frame(frames.image(), frames.frame())] };
    let icc = frames.output_icc().ok();
    write_file(path, |to| {
        if format == Format::Png {
            return png_file::write(to, &image, icc.as_deref());
        }
        write_any_map(to, &image, format)
    })?;
    Ok(written)
}

fn write_any_map<T: FileSample>(to: &mut dyn Write, image: &Image<T>, format: Format) -> Result<()> {
    let ImageShape { width, height, channels, .. } = image.shape();
    let shape = pnm::Shape { width, height, channels };
    let mut to = to;
    match T::MAXIMUM {
        None => {
            pnm::write_pfm_header(&mut to, shape)?;
            for y in (0..height).rev() {
                T::write_row(&mut to, image.row(y), &mut Vec::new())?;
            }
            return Ok(());
        }
        Some(maximum) if format == Format::Pam => pnm::write_pam_header(&mut to, shape, maximum)?,
        Some(maximum) => pnm::write_header(&mut to, shape, maximum)?,
    }
    let mut scratch = Vec::new();
    image.rows().try_for_each(|row| T::write_row(&mut to, row, &mut scratch))?;
    Ok(())
}

fn write_npy(path: &Path, frames: &mut Frames<'_>, pixels: &PixelFormat) -> Result<Written> {
    let mut images = Vec::new();
    let mut written = Written { frames: Vec::new() };
    while let Some(image) = frames.next_image::<f32>(pixels)? {
        images.push(image);
        written.frames.push(metadata::frame(frames.image(), frames.frame()));
    }
    let shape = frames.shape(pixels)?;
    write_file(path, |mut to| {
        npy::write_header(&mut to, [images.len(), shape.height, shape.width, shape.channels])?;
        for image in &images {
            image.rows().try_for_each(|row| npy::write_row(&mut to, row))?;
        }
        Ok(())
    })?;
    Ok(written)
}

/// Writes a file beside its place and moves it there when it is complete, so that what has the name is whole.
fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    if path == Path::new("-") {
        let mut to = BufWriter::new(std::io::stdout().lock());
        write(&mut to)?;
        return Ok(to.flush()?);
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let complete = || -> Result<()> {
        let mut to = BufWriter::new(File::create(&partial)?);
        write(&mut to)?;
        to.flush()?;
        drop(to);
        Ok(fs::rename(&partial, path)?)
    };
    complete().inspect_err(|_| drop(fs::remove_file(&partial))).with_context(|| path.display().to_string())
}
