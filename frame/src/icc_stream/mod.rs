//! The encoded ICC profile that can follow the image header.
//!
//! The bytes of the encoding are entropy coded; `profile` makes the ICC profile of them.

mod profile;
#[cfg(test)]
mod tests;

use jxlake_entropy::{BitReader, BundleLimits, Codes, IntegerReader, Lz77, Lz77Window, Visitor};
use jxlake_util::Pool;

use crate::error::{Error, IccFault, Invalid, Result};
use crate::fields::Fields;
use crate::limits::{Limit, Limits};

/// Workspace for reading ICC profiles, kept from one to the next.
#[derive(Debug, Default)]
pub struct IccScratch {
    codes: Codes,
    window: Lz77Window,
    encoded: Vec<u8>,
}

impl IccScratch {
    /// A workspace that takes memory for copies from `pool`. A default one has a pool of its own, without a budget.
    pub fn new(pool: &Pool) -> Self {
        Self { window: Lz77Window::new(pool), ..Self::default() }
    }
}

/// The most bytes that the format allows, encoded or decoded.
const MAX_SIZE: u64 = 1 << 28;
const CONTEXTS: usize = 41;
/// Symbols that may be read past the end of the input before that is noticed.
const SYMBOLS_PER_CHECK: usize = 256;
/// Bytes after the first that have the context 0.
const FIRST_CONTEXT_LENGTH: usize = 128;
/// The announced sizes, two numbers of at most ten bytes, are looked at as soon as they are there.
const SIZES_LENGTH: usize = 20;

/// Reads an encoded ICC profile, which begins with its size, into `out`; the storage of both `out` and `scratch` is
/// reused.
///
/// A profile has no length in bytes that could be known beforehand, so each attempt decodes it from its start: a caller
/// whose input grows slowly had better wait for an eighth more than at the attempt before, or for the end.
///
/// # Errors
///
/// Truncated; invalid, if the coding is (the content of the profile is not looked at); or [`Limits::icc_bytes`] is
/// passed. `out` is then unspecified.
pub fn read_icc_stream(
    bits: &mut BitReader<'_>,
    limits: &Limits,
    scratch: &mut IccScratch,
    out: &mut Vec<u8>,
) -> Result<()> {
    let place = bits.place();
    let encoded_size = bits.u64()?;
    limits.check(Limit::IccBytes, encoded_size)?;
    if encoded_size > MAX_SIZE {
        return Err(Invalid::Value { field: "enc_size", value: encoded_size as i64 }.at(place));
    }
    let IccScratch { codes, window, encoded } = scratch;
    codes.read(bits, CONTEXTS, Lz77::Allowed, &BundleLimits::default())?;
    encoded.clear();
    let clusters = core::array::from_fn(|context| codes.cluster(context) as u8);
    let symbols = Symbols { clusters, size: encoded_size, limits, encoded };
    codes.with_reader(bits, 0, encoded_size, window, symbols)??;
    profile::decode(encoded, limits, out).map_err(|error| located(error, bits))
}

/// The loop over the symbols of an encoding.
struct Symbols<'a> {
    clusters: [u8; CONTEXTS],
    size: u64,
    limits: &'a Limits,
    encoded: &'a mut Vec<u8>,
}

impl Visitor for Symbols<'_> {
    type Output = Result<()>;

    fn visit<R: IntegerReader>(self, mut reader: R, bits: &mut BitReader<'_>) -> Result<()> {
        let [mut previous, mut before_previous] = [0; 2];
        for i in 0..self.size as usize {
            if i.is_multiple_of(SYMBOLS_PER_CHECK) {
                reader.check(bits)?;
                check_expansion(i, bits)?;
            }
            if i == SIZES_LENGTH {
                reader.check(bits)?;
                profile::Sizes::read(self.encoded, self.size, self.limits)
                    .map_err(|error| located(error, bits))?;
            }
            let context = if i <= FIRST_CONTEXT_LENGTH { 0 } else { context(previous, before_previous) };
            let symbol = reader.read(bits, self.clusters[context].into());
            let Ok(byte) = u8::try_from(symbol) else {
                reader.check(bits)?;
                return Err(Invalid::Icc(IccFault::Symbol).at(bits.position()));
            };
            self.encoded.push(byte);
            before_previous = previous;
            previous = byte;
        }
        Ok(reader.finish(bits)?)
    }
}

/// Refuses symbols that cost almost nothing, of which a few bytes could hold any number.
fn check_expansion(symbols: usize, bits: &BitReader<'_>) -> Result<()> {
    let too_many = symbols.is_multiple_of(65536) && symbols as u64 > 256 * (bits.position() / 8);
    if too_many { Err(Invalid::Icc(IccFault::Expansion).at(bits.position())) } else { Ok(()) }
}

/// An error with the reader's place, if it has none.
fn located(error: Error, bits: &BitReader<'_>) -> Error {
    match error {
        Error::Invalid { what, bit: None } => what.at(bits.position()),
        other => other,
    }
}

/// The context of a byte by the two before it; for the first bytes it is 0.
fn context(previous: u8, before_previous: u8) -> usize {
    let (class, _) = CLASSES[usize::from(previous)];
    let (_, class_before) = CLASSES[usize::from(before_previous)];
    1 + usize::from(class) + 8 * usize::from(class_before)
}

/// [`class`] and [`class_before`] of each byte.
const CLASSES: [(u8, u8); 256] = {
    let mut classes = [(0, 0); 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = (class(byte as u8), class_before(byte as u8));
        byte += 1;
    }
    classes
};

/// What the byte before tells about the next.
const fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => 0,
        b'0'..=b'9' | b'.' | b',' => 1,
        0 => 2,
        1 => 3,
        2..=15 => 4,
        241..=254 => 5,
        255 => 6,
        _ => 7,
    }
}

/// What the byte before the one before tells about the next.
const fn class_before(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => 0,
        b'0'..=b'9' | b'.' | b',' => 1,
        0..=15 => 2,
        241..=255 => 3,
        _ => 4,
    }
}
