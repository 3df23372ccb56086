//! The error of this crate: kinds a caller can act on, with the place in the stream and the values.

use jxlake_util::PoolError;

use crate::features::FeatureFault;
use crate::limits::Limit;
use crate::modular::fault::ModularFault;
use crate::vardct::{NotJpeg, VarDctFault};

/// What every fallible function of this crate returns.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a codestream could not be decoded.
///
/// The kinds differ in what the caller can do: [`Invalid`](Error::Invalid) cannot be helped,
/// [`Truncated`](Error::Truncated) asks for more input, [`Limit`](Error::Limit) and [`Pool`](Error::Pool) for a larger
/// bound.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The codestream breaks a rule of the format; more input cannot help.
    #[error("invalid codestream: {what}{}", Place(*.bit))]
    Invalid {
        /// The rule that is broken, with the values that break it.
        what: Invalid,
        /// Where: bits from the start of the slice that the parser was given, if known.
        bit: Option<u64>,
    },
    /// The codestream is legal or reserved, but asks for something that is not implemented.
    #[error("not supported: {0}")]
    Unsupported(Unsupported),
    /// The frame does not hold the coefficients of a JPEG, which were asked for.
    #[error("the frame is not that of a JPEG: {0}")]
    NotJpeg(#[from] NotJpeg),
    /// The input ends before the structure does. While more input may come this means "ask again".
    #[error("the input is truncated{}", Needed(*.needed))]
    Truncated {
        /// How many bytes, counted from the start of the slice that the parser was given, are certainly needed: always
        /// more than there were. `None` if unknown.
        needed: Option<u64>,
    },
    /// Legal, but above a limit of the application: see [`Limits`](crate::limits::Limits).
    #[error("{limit} is {value}, above the limit of {bound}")]
    Limit {
        /// Which limit.
        limit: Limit,
        /// What the codestream asks for.
        value: u64,
        /// What the limit allows.
        bound: u64,
    },
    /// The pool could not lease memory.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// An entropy-coded stream breaks a rule.
    #[error("entropy coding: {0}")]
    Entropy(jxlake_entropy::Error),
    /// The caller used a function against its contract; never caused by a file.
    #[error("misuse: {0}")]
    Misuse(&'static str),
    /// The decode was stopped by its [`Watch`](crate::decoder::Watch).
    #[error("the decode was cancelled")]
    Cancelled,
    /// Samples do not fit the 16 bits that they were decoded in: the frame is decoded again in 32 bits. Internal.
    #[error("samples overflow 16 bits")]
    SampleOverflow,
}

impl Error {
    /// The error of a structure whose bytes are all there: what was "more input is needed" becomes "the section reads
    /// past its end"; every other kind stays.
    pub fn in_complete_section(self) -> Self {
        match self {
            Self::Truncated { .. } => Invalid::SectionTooShort.into(),
            other => other,
        }
    }
}

impl From<jxlake_entropy::Error> for Error {
    /// An overrun is [`Error::Truncated`]: where the bytes are all there, add [`Error::in_complete_section`].
    fn from(error: jxlake_entropy::Error) -> Self {
        match error {
            // Zeros past the end may have driven the position anywhere: one byte more is all that is certain.
            jxlake_entropy::Error::Overrun { end, .. } => Self::Truncated { needed: Some(end / 8 + 1) },
            jxlake_entropy::Error::Memory { bytes } => PoolError::Allocation { requested: bytes }.into(),
            jxlake_entropy::Error::Pool(error) => error.into(),
            // Contexts and tables are both counted in bytes.
            jxlake_entropy::Error::Limit { value, bound, .. } => {
                Self::Limit { limit: Limit::Memory, value, bound }
            }
            other => Self::Entropy(other),
        }
    }
}

impl From<Invalid> for Error {
    fn from(what: Invalid) -> Self {
        Self::Invalid { what, bit: None }
    }
}

impl From<ModularFault> for Error {
    fn from(fault: ModularFault) -> Self {
        Invalid::Modular(fault).into()
    }
}

impl From<VarDctFault> for Error {
    fn from(fault: VarDctFault) -> Self {
        Invalid::VarDct(fault).into()
    }
}

impl From<Unsupported> for Error {
    fn from(what: Unsupported) -> Self {
        Self::Unsupported(what)
    }
}

/// A rule of the format that a codestream breaks. Field names are those of the standard.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    // Any part.
    /// A field has a value outside its range or enumeration.
    #[error("{field} is {value}")]
    Value {
        /// The field, by its name in the standard.
        field: &'static str,
        /// Its value as coded.
        value: i64,
    },
    /// A real-valued field has a value outside its range.
    #[error("{field} is {value}")]
    Real {
        /// The field, by its name in the standard.
        field: &'static str,
        /// Its value.
        value: f32,
    },
    /// A 16-bit float is infinite or not a number.
    #[error("a 16-bit float is not finite ({bits:#06x})")]
    NotFinite {
        /// The 16 bits.
        bits: u16,
    },
    /// Bits that pad to a byte boundary are not zero.
    #[error("padding bits are not zero")]
    Padding,
    /// A section reads past its end although all of its bytes are there.
    #[error("a section is too short for its content")]
    SectionTooShort,

    // Image header.
    /// The codestream does not begin with `FF 0A`.
    #[error("the codestream signature is missing")]
    Signature,
    /// A width or height outside 1 to 2^30.
    #[error("a size of {width} x {height}")]
    Size {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
    },
    /// A sample format outside the format's range.
    #[error("samples of {bits_per_sample} bits with {exponent_bits} exponent bits")]
    BitDepth {
        /// Bits per sample.
        bits_per_sample: u32,
        /// Exponent bits; 0 for integer samples.
        exponent_bits: u32,
    },
    /// The lengths of the extensions of a bundle add up to more than 2^64 bits.
    #[error("the lengths of extensions overflow")]
    ExtensionsOverflow,

    // ICC profile.
    /// The encoded ICC profile breaks a rule.
    #[error("ICC profile: {0}")]
    Icc(IccFault),

    // Modular.
    /// A Modular image breaks a rule.
    #[error("Modular: {0}")]
    Modular(#[from] ModularFault),

    // VarDCT.
    /// A VarDCT frame breaks a rule.
    #[error("VarDCT: {0}")]
    VarDct(#[from] VarDctFault),

    // Patches, splines.
    /// An image feature breaks a rule.
    #[error("image features: {0}")]
    Feature(#[from] FeatureFault),

    // Frame header, TOC.
    /// A subsampled VarDCT frame asks for adaptive LF smoothing.
    #[error("adaptive LF smoothing of a chroma-subsampled frame")]
    SmoothingOfSubsampledFrame,
    /// An extra channel's upsampling is below the colour channels' or above 8.
    #[error("extra channel {channel} is upsampled {factor} times, colour {colour_factor} times")]
    ExtraChannelUpsampling {
        /// Index of the extra channel.
        channel: u32,
        /// Its upsampling, dimension shift included.
        factor: u32,
        /// The colour channels' upsampling.
        colour_factor: u32,
    },
    /// An upsampled frame has patches and an extra channel with another upsampling.
    #[error("patches in a frame of mixed upsampling")]
    PatchesWithMixedUpsampling,
    /// More downsampling steps than passes, or their factors or last passes out of order.
    #[error("the downsampling steps of the passes are out of order")]
    Passes,
    /// A reference-only frame that is saved after the colour transform does not cover the image.
    #[error("a reference-only frame of {width} x {height} does not cover the image")]
    SmallReferenceFrame {
        /// Width of the frame in pixels.
        width: u32,
        /// Height of the frame in pixels.
        height: u32,
    },
    /// A kernel of the gaborish filter cannot be normalised.
    #[error("the gaborish weights of channel {channel} sum to nearly zero")]
    GaborishSum {
        /// 0 = X, 1 = Y, 2 = B.
        channel: u32,
    },
    /// The preview frame is not a plain regular frame.
    #[error("the preview frame is not a plain regular frame")]
    PreviewFrame,
    /// A slot whose colours a frame is blended over is smaller than the image, or holds samples before the colour transform.
    #[error("a frame of {width} x {height} cannot be blended over")]
    BlendingSource {
        /// Width of the frame in the slot, in pixels.
        width: u32,
        /// Height of the frame in the slot, in pixels.
        height: u32,
    },
    /// A frame takes its LF image from an LF frame that has not come.
    #[error("there is no LF frame of level {level}")]
    LfFrameMissing {
        /// The level, 1 to 4.
        level: u32,
    },
    /// A permutation is longer than what it permutes, or names an element twice.
    #[error("a permutation has the code {value} where at most {bound} is possible")]
    Permutation {
        /// The coded number.
        value: u32,
        /// The largest legal number.
        bound: u32,
    },
}

/// A rule of the ICC profile coding that a codestream breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IccFault {
    /// A coded symbol is not a byte.
    #[error("a symbol above 255")]
    Symbol,
    /// Too many symbols for the bytes they were read from.
    #[error("more symbols than their coded size can stand for")]
    Expansion,
    /// A number of the profile's coding does not fit its range, or the stream ends inside it.
    #[error("a number out of range")]
    Number,
    /// The commands' part is longer than the encoded profile.
    #[error("more commands than encoded bytes")]
    CommandsSize,
    /// The encoding is much longer than the profile it claims to hold.
    #[error("the output size is too small for the encoding")]
    OutputSize,
    /// The commands end where one is needed.
    #[error("the commands end early")]
    CommandsEnd,
    /// The data end before the commands have what they need.
    #[error("the data end early")]
    DataEnd,
    /// A command that is not defined.
    #[error("an unknown command")]
    Command,
    /// A tag's offset or size does not fit 32 bits.
    #[error("a tag outside 32 bits")]
    Tag,
    /// The parameters of a predicting command are out of range.
    #[error("a prediction that reaches before the profile")]
    Prediction,
    /// More output than announced.
    #[error("more output than announced")]
    Overflow,
    /// Less output than announced, or commands or data left over.
    #[error("the profile is incomplete or bytes are left over")]
    End,
}

impl Invalid {
    /// The error with its place: `bit` bits from the start of the slice that the parser was given.
    pub fn at(self, bit: u64) -> Error {
        Error::Invalid { what: self, bit: Some(bit) }
    }
}

/// What a codestream asks for that is not implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// An extra channel whose meaning is reserved and which a decoder may not ignore.
    #[error("an extra channel of the reserved type {0}")]
    ExtraChannelType(u32),
    /// A conversion of colours from or to an encoding that has no numbers: XYB, an unknown one, degenerate primaries.
    #[error("colours cannot be converted between these encodings")]
    ColourConversion,
}

struct Place(Option<u64>);

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |bit| write!(f, " (at byte {}, bit {})", bit / 8, bit % 8))
    }
}

struct Needed(Option<u64>);

impl core::fmt::Display for Needed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |bytes| write!(f, ": at least {bytes} bytes are needed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_entropy_coding_keep_their_kind() {
        let error = Error::from(jxlake_entropy::Error::Overrun { position: 1000, end: 80 });
        assert_eq!(error, Error::Truncated { needed: Some(11) });
        assert_eq!(error.in_complete_section(), Invalid::SectionTooShort.into());
        let (value, bound) = (7, 5);
        let limit = jxlake_entropy::Error::Limit { limit: jxlake_entropy::Limit::Contexts, value, bound };
        assert_eq!(Error::from(limit), Error::Limit { limit: Limit::Memory, value, bound });
    }

    #[test]
    fn messages_name_place_and_values() {
        let error = Invalid::Value { field: "dim_shift", value: 4 }.at(75);
        assert_eq!(error.to_string(), "invalid codestream: dim_shift is 4 (at byte 9, bit 3)");
        let error = Error::Truncated { needed: Some(12) };
        assert_eq!(error.to_string(), "the input is truncated: at least 12 bytes are needed");
        assert_eq!(
            Error::from(Invalid::Padding).to_string(),
            "invalid codestream: padding bits are not zero"
        );
    }

    #[test]
    fn results_stay_small() {
        assert!(size_of::<Result<()>>() <= 80, "{}", size_of::<Result<()>>());
    }
}
