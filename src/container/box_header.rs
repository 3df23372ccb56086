//! The header of a box: its size and type.

use core::fmt;

use super::Fault;

/// The four bytes that say what a box holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BoxType(pub [u8; 4]);

impl BoxType {
    /// File type.
    pub const FTYP: Self = Self(*b"ftyp");
    /// Level of the codestream.
    pub const JXLL: Self = Self(*b"jxll");
    /// The whole codestream.
    pub const JXLC: Self = Self(*b"jxlc");
    /// A part of the codestream.
    pub const JXLP: Self = Self(*b"jxlp");
    /// Frame index, see [`FrameIndex`](super::FrameIndex).
    pub const JXLI: Self = Self(*b"jxli");
    /// What is needed to reconstruct a JPEG file.
    pub const JBRD: Self = Self(*b"jbrd");
    /// Gain map, see [`GainMap`](super::GainMap).
    pub const JHGM: Self = Self(*b"jhgm");
    /// Exif metadata, see [`exif_tiff`](super::exif_tiff).
    pub const EXIF: Self = Self(*b"Exif");
    /// XML metadata, as a rule XMP.
    pub const XML: Self = Self(*b"xml ");
    /// JUMBF metadata.
    pub const JUMB: Self = Self(*b"jumb");
    /// A box of another type, compressed by Brotli.
    pub const BROB: Self = Self(*b"brob");

    /// Whether boxes of this type may hold the compressed content of a `brob` box.
    pub(super) fn may_be_compressed(self) -> bool {
        !matches!(self, Self::BROB | Self::JBRD) && !self.0.starts_with(b"jxl")
    }
}

impl fmt::Display for BoxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .flat_map(|&byte| core::ascii::escape_default(byte))
            .try_for_each(|c| write!(f, "{}", c as char))
    }
}

impl fmt::Debug for BoxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{self}'")
    }
}

/// The end of a box that has none of its own: it goes to the end of the file.
pub(super) const UNBOUNDED: u64 = u64::MAX;

/// Where a box and its payload lie, in bytes from the start of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BoxHeader {
    pub(super) kind: BoxType,
    /// Where the payload begins.
    pub(super) start: u64,
    /// Where the payload ends, be it beyond the end of the file; or [`UNBOUNDED`].
    pub(super) end: u64,
}

/// What stops the reading of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// So many bytes of the file are needed.
    Needs(u64),
    /// A rule is broken.
    Fault(Fault),
}

impl BoxHeader {
    /// Reads the header at `position`.
    pub(super) fn read(file: &[u8], position: u64) -> Result<Self, Stop> {
        let [s0, s1, s2, s3, kind @ ..] = bytes::<8>(file, position)?;
        let (short, kind) = (u32::from_be_bytes([s0, s1, s2, s3]), BoxType(kind));
        let (size, header) = match short {
            0 => (0, 8),
            1 => (u64::from_be_bytes(bytes(file, position + 8)?), 16),
            _ => (short.into(), 8),
        };
        let start = position + header;
        if size == 0 {
            return Ok(Self { kind, start, end: UNBOUNDED });
        }
        match position.checked_add(size) {
            Some(end) if size >= header => Ok(Self { kind, start, end }),
            _ => Err(Stop::Fault(Fault::BoxSize(size))),
        }
    }

    /// The first `N` bytes of the payload.
    pub(super) fn first<const N: usize>(&self, file: &[u8]) -> Result<[u8; N], Stop> {
        if self.length() < N as u64 {
            return Err(Stop::Fault(Fault::TooShort));
        }
        bytes(file, self.start)
    }

    /// Bytes of the payload; practically endless if unbounded.
    pub(super) fn length(&self) -> u64 {
        self.end - self.start
    }
}

/// `N` bytes of the file.
fn bytes<const N: usize>(file: &[u8], position: u64) -> Result<[u8; N], Stop> {
    let there = usize::try_from(position).ok().and_then(|position| file.get(position..)?.first_chunk());
    there.copied().ok_or(Stop::Needs(position.saturating_add(N as u64)))
}
