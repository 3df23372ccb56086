//! From a file to pictures on disk.

use crate::arguments::{Alpha, Arguments, Format};
use crate::colours::Background;
#[cfg(feature = "exr")]
use crate::exr_file;
use crate::png_file::{self, Animated, Carried, Facts};
use crate::{Written, metadata, npy, numbered, pnm};
use anyhow::{Context, Result, bail};
use jxlake::frame::image_header::{BitDepth, ImageHeader};
use jxlake::output::{AlphaMode, ImageShape, OutputSample};
use jxlake::{Channels, Decoder, Frames, Image, PixelFormat, Pool};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// What is made of a file.
struct Job<'a> {
    arguments: &'a Arguments,
    format: Format,
    pixels: PixelFormat,
    /// What the channels of a PAM are.
    tuple: String,
    background: Option<Background>,
    carried: Carried,
    pool: Pool,
}

/// The type of the samples that are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Samples {
    U8,
    U16,
    F32,
}

/// Decodes all that [`decode_and_write`] would, and writes nothing.
pub fn decode_only(arguments: &Arguments, decoder: &mut Decoder, file: &[u8], format: Format) -> Result<()> {
    let pool = decoder.pool().clone();
    let mut frames = decoder.open(file)?;
    let job = Job::new(arguments, &mut frames, format, pool)?;
    if arguments.preview {
        frames.preview::<u8>(&job.pixels)?;
        return Ok(());
    }
    match samples(arguments, &job, frames.image())? {
        Samples::U8 => while job.next::<u8>(&mut frames)?.is_some() {},
        Samples::U16 => while job.next::<u16>(&mut frames)?.is_some() {},
        Samples::F32 => while job.next::<f32>(&mut frames)?.is_some() {},
    }
    Ok(())
}

/// Decodes a file and writes its pictures, each whole or not at all: the first displayed frame; all of them to NPY and
/// animated PNG; each frame or layer to a file of its own if that is asked for.
pub fn decode_and_write(
    arguments: &Arguments,
    decoder: &mut Decoder,
    file: &[u8],
    format: Format,
) -> Result<Written> {
    let pool = decoder.pool().clone();
    let animated = format == Format::Png && !(arguments.frames || arguments.layers || arguments.preview);
    let animated = if animated { animation(decoder, file)? } else { None };
    let mut frames = decoder.open(file)?;
    let job = Job::new(arguments, &mut frames, format, pool)?;
    match samples(arguments, &job, frames.image())? {
        Samples::U8 => job.write::<u8>(&mut frames, animated),
        Samples::U16 => job.write::<u16>(&mut frames, animated),
        Samples::F32 => job.write::<f32>(&mut frames, animated),
    }
}

/// How the file is played, if it has several displayed frames.
fn animation(decoder: &mut Decoder, file: &[u8]) -> Result<Option<Animated>> {
    let mut frames = decoder.open(file)?;
    let Some(plays) = frames.animation().map(|animation| animation.num_loops) else { return Ok(None) };
    let mut delays = Vec::new();
    while let Some(frame) = frames.skip_frame()? {
        if frame.visible() {
            delays.push(png_file::delay(&frames.frame_info()));
        }
    }
    Ok((delays.len() > 1).then_some(Animated { plays, delays }))
}

impl<'a> Job<'a> {
    fn new(arguments: &'a Arguments, frames: &mut Frames<'_>, format: Format, pool: Pool) -> Result<Self> {
        let carries = format == Format::Png && arguments.channel.is_none();
        let carried =
            if carries { Carried::of(frames, arguments.keep_orientation) } else { Carried::default() };
        let image = frames.image();
        let mut job = Self {
            arguments,
            format,
            pixels: PixelFormat::default(),
            tuple: String::new(),
            background: None,
            carried,
            pool,
        };
        if format == Format::Jpeg {
            bail!("pictures are not encoded as JPEG");
        }
        if let Some(channel) = &arguments.channel {
            let index = channel_of(frames, channel)?;
            job.pixels.channels = Channels::Extra(index);
            job.tuple = metadata::kind_name(image.extra_channels[index].kind).to_uppercase();
            return Ok(job);
        }
        let gray = frames.shape(&PixelFormat { channels: Channels::Gray, ..job.pixels }).is_ok();
        let has_alpha = image.alpha_channel().is_some();
        let over = arguments.background.filter(|_| has_alpha && format != Format::Npy);
        job.background = over;
        let alpha = over.is_some() || (has_alpha && matches!(format, Format::Png | Format::Pam));
        job.pixels.channels = match (format, gray, alpha) {
            (Format::Npy, ..) => Channels::All,
            (Format::Pam, ..) if over.is_none() => Channels::All,
            #[cfg(feature = "exr")]
            (Format::Exr, ..) if over.is_none() => Channels::All,
            (Format::Pgm, false, _) => bail!("a PGM cannot hold a colour image; see --color-space gray"),
            (_, true, false) => Channels::Gray,
            (_, true, true) => Channels::GrayAlpha,
            (_, false, false) => Channels::Rgb,
            (_, false, true) => Channels::Rgba,
        };
        if over.is_some() {
            job.pixels.alpha = AlphaMode::Premultiplied;
        } else if format == Format::Png {
            // PNG has no other alpha.
            job.pixels.alpha = AlphaMode::Straight;
        }
        #[cfg(feature = "exr")]
        if format == Format::Exr {
            job.pixels.alpha = AlphaMode::Premultiplied;
        }
        match arguments.alpha {
            Some(alpha) if format == Format::Png && has_alpha && alpha != Alpha::Straight => {
                bail!("a PNG has colours that are not multiplied by alpha");
            }
            Some(Alpha::Stored) => job.pixels.alpha = AlphaMode::AsStored,
            Some(Alpha::Premultiplied) => job.pixels.alpha = AlphaMode::Premultiplied,
            Some(Alpha::Straight) => job.pixels.alpha = AlphaMode::Straight,
            None => {}
        }
        job.tuple = if gray { "GRAYSCALE" } else { "RGB" }.to_owned();
        for extra in image.extra_channels.iter().filter(|_| over.is_none()) {
            job.tuple += "_";
            job.tuple += &metadata::kind_name(extra.kind).to_uppercase();
        }
        Ok(job)
    }

    /// The next picture.
    fn next<T: FileSample>(&self, frames: &mut Frames<'_>) -> Result<Option<Image<T>>> {
        let image = if self.arguments.preview {
            frames.preview::<T>(&self.pixels)?
        } else if self.arguments.layers {
            frames.next_layer::<T>(&self.pixels)?
        } else {
            frames.next_image::<T>(&self.pixels)?
        };
        match (image, self.background) {
            (Some(image), Some(background)) => Ok(Some(background.below(&self.pool, &image)?)),
            (image, _) => Ok(image),
        }
    }

    fn write<T: FileSample>(&self, frames: &mut Frames<'_>, animated: Option<Animated>) -> Result<Written> {
        let path = self.arguments.output.as_deref().unwrap_or(Path::new("-"));
        let mut written = Written { frames: Vec::new() };
        if self.arguments.frames || self.arguments.layers {
            if path == Path::new("-") {
                bail!("several files cannot be written to standard output");
            }
            while let Some(image) = self.next::<T>(frames)? {
                written.frames.push(metadata::frame(frames.image(), frames.frame()));
                let path = numbered::path(path, written.frames.len());
                self.write_file(&path, frames, std::slice::from_ref(&image), None)?;
                if self.arguments.layers {
                    println!("{}", metadata::layer(&path, &frames.frame_info()));
                }
            }
            return Ok(written);
        }
        let mut images = Vec::new();
        while let Some(image) = self.next::<T>(frames)? {
            images.push(image);
            written.frames.push(metadata::frame(frames.image(), frames.frame()));
            if self.arguments.preview || (animated.is_none() && self.format != Format::Npy) {
                break;
            }
        }
        if images.is_empty() {
            bail!("the file has no {}", if self.arguments.preview { "preview" } else { "displayed frame" });
        }
        self.write_file(path, frames, &images, animated.as_ref())?;
        Ok(written)
    }

    fn write_file<T: FileSample>(
        &self,
        path: &Path,
        frames: &Frames<'_>,
        images: &[Image<T>],
        animated: Option<&Animated>,
    ) -> Result<()> {
        let Some(first) = images.first() else { return Ok(()) };
        write_file(path, |mut to| match self.format {
            Format::Png => {
                let facts = match self.arguments.channel {
                    Some(_) => Facts::default(),
                    None => Facts::of(frames, self.arguments.tone_map),
                };
                png_file::write(to, images, (&facts, &self.carried), animated)
            }
            Format::Npy => {
                let ImageShape { width, height, channels, .. } = first.shape();
                npy::write_header(&mut to, [images.len(), height, width, channels])?;
                let mut scratch = Vec::new();
                for image in images {
                    image.rows().try_for_each(|row| T::write_row(&mut to, row, &mut scratch))?;
                }
                Ok(())
            }
            #[cfg(feature = "exr")]
            Format::Exr => self.write_exr(to, first, frames),
            _ => self.write_any_map(to, first),
        })
    }

    #[cfg(feature = "exr")]
    fn write_exr<T: FileSample>(
        &self,
        to: &mut dyn Write,
        image: &Image<T>,
        frames: &Frames<'_>,
    ) -> Result<()> {
        let mut facts = exr_file::Facts::of(frames, self.pixels.channels, self.arguments.tone_map);
        let depth = frames.image().bit_depth;
        // Half floats have eleven bits.
        let fits = depth.bits_per_sample() <= if depth.is_float() { 16 } else { 11 };
        facts.half = self.arguments.bits.as_deref().map_or(fits, |bits| bits == "16");
        if self.arguments.layers {
            let info = frames.frame_info();
            facts.layer = Some((String::from_utf8_lossy(info.name).into_owned(), info.position));
        }
        exr_file::write(to, image, &facts)
    }

    fn write_any_map<T: FileSample>(&self, mut to: &mut dyn Write, image: &Image<T>) -> Result<()> {
        let ImageShape { width, height, channels, .. } = image.shape();
        let shape = pnm::Shape { width, height, channels };
        match T::MAXIMUM {
            None => {
                pnm::write_pfm_header(&mut to, shape)?;
                for y in (0..height).rev() {
                    T::write_row(&mut to, image.row(y), &mut Vec::new())?;
                }
                return Ok(());
            }
            Some(maximum) if self.format == Format::Pam => {
                pnm::write_pam_header(&mut to, shape, maximum, &self.tuple)?;
            }
            Some(maximum) => pnm::write_header(&mut to, shape, maximum)?,
        }
        let mut scratch = Vec::new();
        image.rows().try_for_each(|row| T::write_row(&mut to, row, &mut scratch))?;
        Ok(())
    }
}

/// The extra channel that is meant by a name, a kind or a number.
fn channel_of(frames: &Frames<'_>, channel: &str) -> Result<usize> {
    let extra = &frames.image().extra_channels;
    let is_kind = |kind| metadata::kind_name(kind).eq_ignore_ascii_case(channel);
    let named = frames.extra_channel_named(channel).filter(|_| !channel.is_empty());
    let numbered = || channel.parse().ok().filter(|&index: &usize| index < extra.len());
    let index = named.or_else(|| extra.iter().position(|e| is_kind(e.kind))).or_else(numbered);
    index.with_context(|| format!("the image has no extra channel {channel}"))
}

fn samples(arguments: &Arguments, job: &Job<'_>, image: &ImageHeader) -> Result<Samples> {
    let depth: BitDepth = match job.pixels.channels {
        Channels::Extra(index) => image.extra_channels[index].bit_depth,
        _ => image.bit_depth,
    };
    let asked = arguments.bits.as_deref();
    match (job.format, asked) {
        (Format::Pfm | Format::Npy, None | Some("32")) => Ok(Samples::F32),
        (Format::Pfm | Format::Npy, Some(_)) => bail!("this format has 32-bit samples only"),
        #[cfg(feature = "exr")]
        (Format::Exr, None | Some("16" | "32")) => Ok(Samples::F32),
        #[cfg(feature = "exr")]
        (Format::Exr, Some(_)) => bail!("this format has samples of 16 and 32 bits only"),
        (_, Some("8")) => Ok(Samples::U8),
        (_, Some("16")) => Ok(Samples::U16),
        (_, Some(_)) => bail!("this format has no 32-bit samples; PFM and NPY have"),
        (_, None) if depth.bits_per_sample() > 8 => Ok(Samples::U16),
        (_, None) => Ok(Samples::U8),
    }
}

/// A sample type that formats of integers, or of floats, can write.
pub trait FileSample: OutputSample {
    /// The largest integer; `None` for floats.
    const MAXIMUM: Option<u32>;
    /// Writes a row, high bytes first; floats low bytes first.
    fn write_row(to: &mut impl Write, row: &[Self], scratch: &mut Vec<u8>) -> std::io::Result<()>;
    /// The sample on the scale of 0 to 1.
    fn to_real(self) -> f32;
    /// The nearest sample.
    fn from_real(real: f32) -> Self;
}

impl FileSample for u8 {
    const MAXIMUM: Option<u32> = Some(u8::MAX as u32);
    fn write_row(to: &mut impl Write, row: &[Self], _: &mut Vec<u8>) -> std::io::Result<()> {
        to.write_all(row)
    }
    fn to_real(self) -> f32 {
        f32::from(self) / 255.0
    }
    fn from_real(real: f32) -> Self {
        (real * 255.0).round() as u8
    }
}

impl FileSample for u16 {
    const MAXIMUM: Option<u32> = Some(u16::MAX as u32);
    fn write_row(to: &mut impl Write, row: &[Self], scratch: &mut Vec<u8>) -> std::io::Result<()> {
        pnm::write_big_endian(to, row, scratch)
    }
    fn to_real(self) -> f32 {
        f32::from(self) / 65535.0
    }
    fn from_real(real: f32) -> Self {
        (real * 65535.0).round() as u16
    }
}

impl FileSample for f32 {
    const MAXIMUM: Option<u32> = None;
    fn write_row(to: &mut impl Write, row: &[Self], _: &mut Vec<u8>) -> std::io::Result<()> {
        npy::write_row(to, row)
    }
    fn to_real(self) -> f32 {
        self
    }
    fn from_real(real: f32) -> Self {
        real
    }
}

/// Writes a file beside its place and moves it there when it is complete, so that what has the name is whole.
pub fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
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
