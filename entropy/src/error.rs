//! What can be wrong with an entropy-coded stream.

use jxlake_util::PoolError;

/// Why a stream could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bits violate the format; more data cannot help.
    #[error("bit {position}: {what}")]
    Invalid {
        /// The rule that is broken.
        what: Invalid,
        /// Bit position, from the start of the reader's data, at which it was noticed.
        position: u64,
    },
    /// More bits were consumed than there are. Reported in preference to [`Error::Invalid`], since the zeros that a
    /// reader supplies after the end must not decide that a stream is invalid.
    #[error("read to bit {position} of {end}")]
    Overrun {
        /// Bit position that was reached.
        position: u64,
        /// Number of bits of the data.
        end: u64,
    },
    /// Legal, but above a limit that the caller gave.
    #[error("{limit} is {value}, above the limit of {bound}")]
    Limit {
        /// The limit to raise.
        limit: Limit,
        /// What the stream asks for.
        value: u64,
        /// What is allowed.
        bound: u64,
    },
    /// Memory for tables could not be allocated.
    #[error("could not allocate {bytes} bytes")]
    Memory {
        /// Bytes that were asked for.
        bytes: u64,
    },
    /// The pool refused memory for an LZ77 window.
    #[error("LZ77 window: {0}")]
    Pool(#[from] PoolError),
}

/// The limit that [`Error::Limit`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// Number of contexts of one distribution bundle.
    #[error("number of contexts")]
    Contexts,
    /// Bytes of decoding tables of one distribution bundle.
    #[error("size of the decoding tables in bytes")]
    TableBytes,
}

/// The rule of the format that [`Error::Invalid`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// Bits that pad to a byte boundary are not zero.
    #[error("padding to a byte is not zero")]
    Padding,
    /// LZ77 is used where it is forbidden: in the context map of two contexts.
    #[error("LZ77 is forbidden here")]
    Lz77Forbidden,
    /// The length of an LZ77 copy does not fit 32 bits.
    #[error("length of an LZ77 copy overflows")]
    Lz77Length,
    /// More most significant bits in the token than the split exponent has.
    #[error("hybrid integer configuration has too many most significant bits")]
    IntegerMsb,
    /// More bits in the token than the split exponent has.
    #[error("hybrid integer configuration has too many least significant bits")]
    IntegerLsb,
    /// A cluster index above 255.
    #[error("context map names a cluster above 255")]
    ContextMapEntry,
    /// A cluster below the highest one has no context.
    #[error("context map leaves out a cluster")]
    ContextMapHole,
    /// An alphabet of a prefix code with more than 32768 symbols.
    #[error("prefix code with more than 32768 symbols")]
    PrefixAlphabet,
    /// A simple prefix code names a symbol beyond its alphabet.
    #[error("prefix code symbol beyond the alphabet")]
    PrefixSymbol,
    /// A simple prefix code names a symbol twice.
    #[error("prefix code names a symbol twice")]
    PrefixDuplicate,
    /// The code of the code lengths is neither complete nor a single symbol.
    #[error("code of the prefix code lengths is not complete")]
    PrefixLengthCode,
    /// Repeated code lengths run past the alphabet.
    #[error("repeated prefix code lengths pass the alphabet")]
    PrefixRepeat,
    /// The code lengths over- or under-fill the code space.
    #[error("prefix code is not complete")]
    PrefixSpace,
    /// An ANS distribution names a symbol beyond its table.
    #[error("ANS distribution names a symbol beyond its table")]
    AnsSymbol,
    /// An ANS distribution of two symbols names the same one twice.
    #[error("ANS distribution names a symbol twice")]
    AnsDuplicate,
    /// An ANS distribution with more symbols than its table.
    #[error("ANS distribution with more symbols than its table")]
    AnsAlphabet,
    /// The precision of an ANS distribution is above 13.
    #[error("precision of an ANS distribution is above 13")]
    AnsShift,
    /// An ANS distribution without any counted symbol.
    #[error("ANS distribution without a counted symbol")]
    AnsNoCount,
    /// A run directly after the symbol whose count is implied.
    #[error("ANS distribution with a run after the implied count")]
    AnsRun,
    /// The counts leave nothing for the symbol whose count is implied.
    #[error("counts of an ANS distribution exceed 4096")]
    AnsTotal,
    /// The ANS state after the last symbol is not the agreed one.
    #[error("wrong ANS state at the end of a stream")]
    AnsFinalState,
}
