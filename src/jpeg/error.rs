//! Why a JPEG cannot be reconstructed.

use crate::ErrorKind;
use jxlake_frame::limits::Limit;

/// What the fallible functions of this module return.
pub(crate) type Result<T> = core::result::Result<T, Error>;

/// Why the JPEG that a file was made from cannot be had back. The picture can be decoded all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file was not made from a JPEG, or what it takes was left out.
    #[error("the file has no data to reconstruct a JPEG from")]
    NoData,
    /// The reconstruction data (the `jbrd` box) break a rule.
    #[error("invalid JPEG reconstruction data: {what}{}", Place(*.bit))]
    Invalid {
        /// The rule.
        what: Fault,
        /// Where: bits from the start of the box's content, if known.
        bit: Option<u64>,
    },
    /// The reconstruction data do not belong to the image or the metadata beside them: something was altered.
    #[error("the JPEG reconstruction data do not fit the file: {0}")]
    Altered(Mismatch),
    /// The JPEG is of a kind that cannot be written.
    #[error("a JPEG of another process: marker {0:#04x}")]
    Process(u8),
    /// Legal, but above a limit of the application.
    #[error("{limit} is {value}, above the limit of {bound}")]
    Limit {
        /// Which limit.
        limit: Limit,
        /// What the file asks for.
        value: u64,
        /// What the limit allows.
        bound: u64,
    },
    /// What the JPEG was written to failed.
    #[error("the JPEG could not be written: {0}")]
    Write(std::io::ErrorKind),
}

impl Error {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoData => ErrorKind::Absent,
            Self::Invalid { .. } | Self::Altered(_) => ErrorKind::Invalid,
            Self::Process(_) => ErrorKind::Unsupported,
            Self::Limit { .. } => ErrorKind::Limit,
            Self::Write(_) => ErrorKind::Misuse,
        }
    }
}

impl From<Fault> for Error {
    fn from(what: Fault) -> Self {
        Self::Invalid { what, bit: None }
    }
}

impl From<Mismatch> for Error {
    fn from(mismatch: Mismatch) -> Self {
        Self::Altered(mismatch)
    }
}

/// A rule of the reconstruction data that is broken. Field names are those of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is a second `jbrd` box.
    #[error("a second jbrd box")]
    Again,
    /// The data end before they are complete.
    #[error("the data end early")]
    End,
    /// A field has a value that is not allowed.
    #[error("{field} is {value}")]
    Value {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// The markers are not those of a JPEG: too many or too few frames or scans, or out of order.
    #[error("the markers are out of order at {0:#04x}")]
    Order(u8),
    /// More markers of a kind than tables for them.
    #[error("no table is left for a marker {0:#04x}")]
    NoTable(u8),
    /// A Huffman table that is no prefix code, or lacks its end.
    #[error("Huffman table {0} is not a code")]
    Code(usize),
    /// A scan uses a Huffman table that was not defined before.
    #[error("scan {0} uses a Huffman table that is not defined")]
    Undefined(usize),
    /// A scan sends what was sent before, or what cannot follow.
    #[error("scan {0} does not follow those before it")]
    Scan(usize),
    /// A coefficient needs a symbol that the Huffman table lacks.
    #[error("a coefficient of scan {0} has no Huffman code")]
    NoCode(usize),
    /// There are fewer or more padding bits than the scans take.
    #[error("the number of padding bits is wrong")]
    PaddingBits,
    /// The compressed part is not a Brotli stream, or of another length than announced.
    #[error("the compressed part is invalid or of the wrong length")]
    Compressed,
    /// The length inside a marker segment differs from the announced one.
    #[error("a marker segment {0:#04x} of another length than announced")]
    Segment(u8),
}

impl Fault {
    /// The error with its place in the data.
    pub(super) fn at(self, bit: u64) -> Error {
        Error::Invalid { what: self, bit: Some(bit) }
    }
}

/// In what the reconstruction data do not fit the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The embedded ICC profile has another size.
    #[error("the ICC profile has {found} bytes instead of {expected}")]
    Icc {
        /// Bytes in the JPEG.
        expected: u64,
        /// Bytes in the codestream.
        found: u64,
    },
    /// The Exif metadata have another size.
    #[error("the Exif metadata have {found} bytes instead of {expected}")]
    Exif {
        /// Bytes in the JPEG.
        expected: u64,
        /// Bytes in the file, at least.
        found: u64,
    },
    /// The XMP metadata have another size.
    #[error("the XMP metadata have {found} bytes instead of {expected}")]
    Xmp {
        /// Bytes in the JPEG.
        expected: u64,
        /// Bytes in the file, at least.
        found: u64,
    },
    /// The file has no Exif metadata.
    #[error("the Exif metadata are missing")]
    NoExif,
    /// The file has no XMP metadata.
    #[error("the XMP metadata are missing")]
    NoXmp,
    /// Quantisation tables of the image are not those of the JPEG.
    #[error("the quantisation tables differ")]
    Quantisation,
}

struct Place(Option<u64>);

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |bit| write!(f, " (at byte {}, bit {})", bit / 8, bit % 8))
    }
}
