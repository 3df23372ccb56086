//! The portable any-map family: PGM, PPM, PAM for integers, PFM for floats.

use std::io::{Result, Write};

/// Size of a picture and how many interleaved channels it has.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
}

/// Writes the header of a PGM (one channel) or PPM (three) of samples up to `maximum`.
pub fn write_header(to: &mut impl Write, shape: Shape, maximum: u32) -> Result<()> {
    let kind = if shape.channels == 1 { "P5" } else { "P6" };
    write!(to, "{kind}\n{} {}\n{maximum}\n", shape.width, shape.height)
}

/// Writes the header of a PAM whose channels are told by `tuple`, for example `RGB_ALPHA`.
pub fn write_pam_header(to: &mut impl Write, shape: Shape, maximum: u32, tuple: &str) -> Result<()> {
    let Shape { width, height, channels } = shape;
    write!(
        to,
        "P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {channels}\nMAXVAL {maximum}\nTUPLTYPE {tuple}\nENDHDR\n"
    )
}

/// Writes the header of a little-endian PFM of one or three channels. Its rows go from the bottom to the top.
pub fn write_pfm_header(to: &mut impl Write, shape: Shape) -> Result<()> {
    let kind = if shape.channels == 1 { "Pf" } else { "PF" };
    write!(to, "{kind}\n{} {}\n-1.0\n", shape.width, shape.height)
}

/// Writes 16-bit samples with the high byte first, as these formats and PNG want them.
pub fn write_big_endian(to: &mut impl Write, row: &[u16], scratch: &mut Vec<u8>) -> Result<()> {
    scratch.clear();
    scratch.extend(row.iter().flat_map(|v| v.to_be_bytes()));
    to.write_all(scratch)
}
