//! Everything that can go wrong, by what the caller can do about it.

use crate::colour::ConversionError;
use crate::colour::icc_profile::ProfileError;
use crate::container;
use crate::jpeg;
use crate::output::OutputError;
use jxlake_frame::Error as FrameError;

/// What every fallible function of this crate returns.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a file could not be decoded.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The boxes of the file.
    #[error(transparent)]
    Container(#[from] container::Error),
    /// The codestream in it.
    #[error(transparent)]
    Codestream(#[from] FrameError),
    /// The picture that was asked for.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The ICC profile that was asked for.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The ICC profiles that colours were to be converted by.
    #[error(transparent)]
    Conversion(#[from] ConversionError),
    /// A file that could not be read at all.
    #[error("the file cannot be read: {0}")]
    Read(std::io::ErrorKind),
    /// The JPEG that the file was made from.
    #[error(transparent)]
    Jpeg(#[from] jpeg::Error),
    /// There is no frame behind the last one.
    #[error("the image has no further frame")]
    NoFrame,
}

/// What the caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing: the file breaks the format.
    Invalid,
    /// Nothing: the file does not have what was asked for.
    Absent,
    /// Nothing, yet: the file asks for something that is not implemented.
    Unsupported,
    /// Ask again with more of the file.
    Truncated,
    /// Raise a limit, or give the pool more memory.
    Limit,
    /// Mend the call.
    Misuse,
    /// Nothing: somebody stopped the decode.
    Cancelled,
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Container(error) => error.kind(),
            Self::Jpeg(error) => error.kind(),
            Self::Codestream(error) => match error {
                FrameError::Unsupported(_) => ErrorKind::Unsupported,
                FrameError::Truncated { .. } => ErrorKind::Truncated,
                FrameError::Limit { .. } | FrameError::Pool(_) => ErrorKind::Limit,
                FrameError::Misuse(_) => ErrorKind::Misuse,
                FrameError::Cancelled => ErrorKind::Cancelled,
                _ => ErrorKind::Invalid,
            },
            Self::Output(OutputError::Pool(_)) => ErrorKind::Limit,
            Self::Conversion(ConversionError::Output) => ErrorKind::Misuse,
            Self::Conversion(ConversionError::NoConnection) => ErrorKind::Unsupported,
            Self::Conversion(_) => ErrorKind::Invalid,
            Self::Profile(_) => ErrorKind::Unsupported,
            Self::Output(_) | Self::Read(_) | Self::NoFrame => ErrorKind::Misuse,
        }
    }
}
