//! The command line.

use crate::colours::{self, Background};
use clap::{Parser, ValueEnum};
use jxlake::OutputColour;
use std::path::{Path, PathBuf};

/// Decode a JPEG XL file, or tell what is in it.
#[derive(Clone, Debug, Parser)]
#[command(name = "jxl-decode", version, about)]
pub struct Arguments {
    /// The JPEG XL file; `-` reads standard input
    pub input: PathBuf,

    /// Where the picture goes; the ending chooses the format; `-` writes standard output
    #[arg(required_unless_present_any = ["info", "exif", "xmp", "jumbf", "gain_map"])]
    pub output: Option<PathBuf>,

    /// Format of the output, if its ending should not choose
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// Write the JPEG that the file was made from, byte for byte, whatever the ending of the output
    #[arg(long, conflicts_with = "format")]
    pub jpeg: bool,

    /// Print what the file is, without decoding its pixels
    #[arg(long)]
    pub info: bool,

    /// With --info: print JSON
    #[arg(long, requires = "info")]
    pub json: bool,

    /// Worker threads: 1 decodes on the calling thread, 0 takes one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,

    /// Bits per sample of the output: 8, 16, or 32 for float; 16 is half float for OpenEXR (default: what the file has)
    #[arg(long, value_name = "N", value_parser = ["8", "16", "32"])]
    pub bits: Option<String>,

    /// Print what the pool did
    #[arg(long)]
    pub pool_stats: bool,

    /// Decode so many times, to see the pool warm
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,

    /// Write the metadata of the image as JSON, as the conformance suite wants it
    #[arg(long = "metadata_out", value_name = "FILE")]
    pub metadata_out: Option<PathBuf>,

    /// Write the ICC profile of the output
    #[arg(long = "icc_out", value_name = "FILE")]
    pub icc_out: Option<PathBuf>,

    /// Write the ICC profile of the original image
    #[arg(long = "orig_icc_out", value_name = "FILE")]
    pub orig_icc_out: Option<PathBuf>,

    /// Write the Exif metadata, a TIFF structure
    #[arg(long, value_name = "FILE")]
    pub exif: Option<PathBuf>,

    /// Write the XMP metadata
    #[arg(long, value_name = "FILE")]
    pub xmp: Option<PathBuf>,

    /// Write the content of the JUMBF superbox
    #[arg(long, value_name = "FILE")]
    pub jumbf: Option<PathBuf>,

    /// Write the gain map: as a picture if the ending names its format, otherwise the box as it is
    #[arg(long = "gain-map", value_name = "FILE")]
    pub gain_map: Option<PathBuf>,

    /// Decode the preview instead of the picture
    #[arg(long, conflicts_with_all = ["frames", "layers"])]
    pub preview: bool,

    /// Colours of the output: srgb, display-p3, rec709, rec2020, pq, hlg, dci-p3, linear, linear-p3, linear-rec2020, gray,
    /// linear-gray, xyb, or the file of an ICC profile (default: the image's own; sRGB for CMYK; linear for OpenEXR)
    #[arg(long = "color-space", value_name = "NAME", value_parser = colours::output_colour)]
    pub color_space: Option<OutputColour>,

    /// Map the tones of HDR images to a display with this peak
    #[arg(long = "tone-map", value_name = "NITS", value_parser = colours::nits)]
    pub tone_map: Option<f32>,

    /// Lay the picture over a colour: #rgb, #rrggbb, black or white, in the colours of the output
    #[arg(long, value_name = "COLOUR", value_parser = colours::background)]
    pub background: Option<Background>,

    /// Whether colours are multiplied by alpha (default: as stored; straight in PNG, premultiplied in OpenEXR)
    #[arg(long, value_enum, value_name = "HOW", conflicts_with_all = ["background", "channel"])]
    pub alpha: Option<Alpha>,

    /// Write each displayed frame to a file of its own: NAME-1.png, NAME-2.png ...
    #[arg(long, conflicts_with = "layers")]
    pub frames: bool,

    /// Write each layer as coded to a file of its own, and its place and blending to standard output
    #[arg(long)]
    pub layers: bool,

    /// Write one extra channel, by its name, kind (alpha, depth ...) or number from 0
    #[arg(long, value_name = "CHANNEL", conflicts_with = "background")]
    pub channel: Option<String>,

    /// Deliver the picture as stored instead of turned as the file says
    #[arg(long = "keep-orientation")]
    pub keep_orientation: bool,

    /// Do not mix spot colours into the picture
    #[arg(long = "norender_spotcolors")]
    pub norender_spotcolors: bool,
}

/// What alpha has to do with colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Alpha {
    /// As in the file
    Stored,
    /// Colours are multiplied by it
    Premultiplied,
    /// Colours are not multiplied by it
    Straight,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Portable Network Graphics, animated if the image is
    Png,
    /// Portable graymap
    Pgm,
    /// Portable pixmap
    Ppm,
    /// Portable arbitrary map, with all extra channels
    Pam,
    /// Portable float map
    Pfm,
    /// NumPy array of 32-bit floats: frames, rows, columns, all channels
    Npy,
    /// The JPEG that the file was made from, byte for byte
    Jpeg,
    /// OpenEXR of 16- or 32-bit floats: linear light, all channels
    #[cfg(feature = "exr")]
    Exr,
}

impl Format {
    /// The format that a path's ending names.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "png" => Format::Png,
            "pgm" => Format::Pgm,
            "ppm" | "pnm" => Format::Ppm,
            "pam" => Format::Pam,
            "pfm" => Format::Pfm,
            "npy" => Format::Npy,
            "jpg" | "jpeg" => Format::Jpeg,
            #[cfg(feature = "exr")]
            "exr" => Format::Exr,
            _ => return None,
        })
    }
}
