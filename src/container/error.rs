//! What can be wrong with a file around its codestream.

use jxlake_frame::limits::Limit;

use super::{BoxType, BrotliError};

/// Why a file, or a box of it, could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file begins with neither signature of JPEG XL.
    #[error("not a JPEG XL file")]
    NotJpegXl,
    /// A rule of the container is broken; more input cannot help.
    #[error("invalid container at byte {position}: {what}")]
    Invalid {
        /// The rule.
        what: Fault,
        /// Where the box begins, in bytes from the start of the file.
        position: u64,
    },
    /// The content of a metadata box is invalid. The image is not affected.
    #[error("invalid {kind} box: {what}")]
    Metadata {
        /// Type of the box.
        kind: BoxType,
        /// The rule.
        what: Fault,
    },
    /// The input ends too early. While more may come this means "ask again".
    #[error("the file is truncated{}", Needed(*.needed))]
    Truncated {
        /// How many bytes, from the start of the file, are certainly needed: always more than there were. `None` if
        /// unknown.
        needed: Option<u64>,
    },
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
    /// The system has no memory for the content of a box.
    #[error("no memory for the content of the {0} box")]
    NoMemory(BoxType),
}

impl Error {
    /// What the caller can do about it.
    pub fn kind(&self) -> crate::ErrorKind {
        match self {
            Self::Metadata { what: Fault::LaterVersion(_), .. } => crate::ErrorKind::Unsupported,
            Self::NotJpegXl | Self::Invalid { .. } | Self::Metadata { .. } => crate::ErrorKind::Invalid,
            Self::Truncated { .. } => crate::ErrorKind::Truncated,
            Self::Limit { .. } | Self::NoMemory(_) => crate::ErrorKind::Limit,
        }
    }
}

/// A rule of the container that a file breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A box is smaller than its header, or its end is beyond 2^64.
    #[error("a box size of {0}")]
    BoxSize(u64),
    /// The second box is not `ftyp`.
    #[error("the second box is not ftyp")]
    FileTypeMissing,
    /// There is a second `ftyp` box.
    #[error("a second ftyp box")]
    FileTypeAgain,
    /// The `ftyp` box is too short or of another brand.
    #[error("a file type that is not jxl")]
    FileType,
    /// The file type has a version that is not known.
    #[error("version {0} of the file type")]
    FileVersion(u32),
    /// A second codestream, or a part of it after its last one.
    #[error("codestream after the end of the codestream")]
    CodestreamAgain,
    /// A part of the codestream out of order, where version 0 forbids it or without an end.
    #[error("part {counter} of the codestream where part {expected} is due")]
    PartOrder {
        /// The part's number.
        counter: u32,
        /// The number of the part that comes next.
        expected: u32,
    },
    /// A part of the codestream that was there before.
    #[error("part {0} of the codestream a second time")]
    PartAgain(u32),
    /// The codestream is declared to end before it is complete.
    #[error("the codestream ends too early")]
    CodestreamTooShort,
    /// The content of a box is shorter than what it must hold.
    #[error("the content is too short")]
    TooShort,
    /// An offset or length points outside the content.
    #[error("an offset outside the content")]
    Offset,
    /// A number has too many bytes.
    #[error("a number of too many bytes")]
    Number,
    /// A value that is not allowed.
    #[error("a value of {0}")]
    Value(u64),
    /// Content that only readers of a later version understand.
    #[error("content for readers of version {0}")]
    LaterVersion(u16),
    /// A compressed box holds a type that must not be compressed.
    #[error("a compressed {0} box")]
    Compressed(BoxType),
    /// The content of a compressed box cannot be unpacked.
    #[error(transparent)]
    Brotli(#[from] BrotliError),
}

struct Needed(Option<u64>);

impl core::fmt::Display for Needed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |bytes| write!(f, ": at least {bytes} bytes are needed"))
    }
}
