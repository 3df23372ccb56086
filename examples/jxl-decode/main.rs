//! Decodes JPEG XL files to PNG, the portable any-maps, NumPy arrays or OpenEXR, and tells what is in them.
#![allow(unreachable_pub, reason = "a program has no public items; `pub` says what a module is for")]

mod arguments;
mod boxes;
mod colours;
mod exif;
#[cfg(feature = "exr")]
mod exr_file;
mod metadata;
mod npy;
mod numbered;
mod original;
mod picture;
mod png_file;
mod pnm;
mod progress;
mod report;

use anyhow::{Context, Result, bail};
use arguments::{Arguments, Format};
use clap::Parser;
use jxlake::frame::image_header::ExtraChannelKind;
use jxlake::{Decoder, OutputColour, Threads};
use report::Report;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    // Usage errors leave with status 2 from here.
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jxl-decode: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let file = read(&arguments.input).with_context(|| arguments.input.display().to_string())?;
    let mut decoder = Decoder::new()
        .with_threads(threads(arguments.threads)?)
        .with_spot_colours(!arguments.norender_spotcolors)
        .with_stored_orientation(arguments.keep_orientation)
        .with_display_peak(arguments.tone_map);
    if let Some(colour) = output_colour(arguments, &mut decoder, &file) {
        decoder = decoder.with_output_colour(colour);
    }
    decode(arguments, &mut decoder, &file).with_context(|| arguments.input.display().to_string())?;
    if arguments.pool_stats {
        eprintln!("{}", decoder.pool().statistics());
    }
    Ok(())
}

/// The colours asked for; sRGB for CMYK, which only arrays can hold as it is; linear light for OpenEXR.
fn output_colour(arguments: &Arguments, decoder: &mut Decoder, file: &[u8]) -> Option<OutputColour> {
    if arguments.color_space.is_some() || arguments.channel.is_some() {
        return arguments.color_space.clone();
    }
    let output = arguments.output.as_deref()?;
    let format = arguments.format.or_else(|| Format::of(output));
    if format == Some(Format::Npy) {
        return None;
    }
    // What is wrong with the file is told when it is decoded.
    let frames = decoder.open(file).ok()?;
    let mut extra = frames.image().extra_channels.iter();
    let is_cmyk = extra.any(|extra| matches!(extra.kind, ExtraChannelKind::Black));
    #[cfg(feature = "exr")]
    if format == Some(Format::Exr) {
        return Some(exr_file::linear_colour(&frames));
    }
    is_cmyk.then(|| OutputColour::Encoding(Default::default()))
}

fn decode(arguments: &Arguments, decoder: &mut Decoder, file: &[u8]) -> Result<()> {
    if arguments.info {
        let report = report_of(decoder, file)?;
        if arguments.json {
            println!("{:#}", report.to_json());
        } else {
            print!("{report}");
        }
    }
    boxes::write(arguments, decoder, file)?;
    let Some(output) = &arguments.output else { return Ok(()) };
    let asked = if arguments.jpeg { Some(Format::Jpeg) } else { arguments.format };
    let Some(format) = asked.or_else(|| Format::of(output)) else {
        bail!("the ending of {} names no format that can be written; see --format", output.display());
    };
    let progress = progress::Progress::start(decoder.watch());
    let written = if format == Format::Jpeg {
        original::write(arguments, decoder, file, output)?
    } else {
        for _ in 1..arguments.repeat {
            picture::decode_only(arguments, decoder, file, format)?;
        }
        picture::decode_and_write(arguments, decoder, file, format)?
    };
    progress.into_iter().for_each(progress::Progress::finish);
    write_side_files(arguments, decoder, file, written)
}

/// What decoding has told besides the pixels.
pub struct Written {
    /// The metadata of each displayed frame.
    pub frames: Vec<serde_json::Value>,
}

fn write_side_files(
    arguments: &Arguments,
    decoder: &mut Decoder,
    file: &[u8],
    written: Written,
) -> Result<()> {
    let frames = decoder.open(file)?;
    let write =
        |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).with_context(|| path.display().to_string());
    if let Some(path) = &arguments.metadata_out {
        let metadata = metadata::image(frames.image(), written.frames);
        write(path, serde_json::to_string_pretty(&metadata)?.as_bytes())?;
    }
    if let Some(path) = &arguments.icc_out {
        write(path, &frames.output_icc()?)?;
    }
    if let Some(path) = &arguments.orig_icc_out {
        write(path, &frames.original_icc()?)?;
    }
    Ok(())
}

fn report_of(decoder: &mut Decoder, file: &[u8]) -> Result<Report> {
    let mut opened = decoder.open(file)?;
    let mut frames = Vec::new();
    while let Some(frame) = opened.skip_frame()? {
        frames.push(frame.clone());
    }
    Ok(Report::new(opened.image(), opened.embedded_icc(), opened.container(), &frames))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn threads(count: usize) -> Result<Threads> {
    Ok(match count {
        0 => Threads::Global,
        1 => Threads::Calling,
        count => Threads::Pool(Arc::new(jxlake::thread_pool(count)?)),
    })
}
