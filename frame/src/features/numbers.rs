//! The entropy-coded numbers of patches and splines.

use super::FeatureFault;
use crate::error::{Error, Invalid, Result};
use crate::fields::sgn;
use jxlake_entropy::{BitReader, BundleLimits, Codes, Lz77, Lz77Window, SymbolReader};
use jxlake_util::{Pool, PoolError};

/// Memory for the codes of a stream of numbers.
#[derive(Debug, Default)]
pub(super) struct NumberCodes {
    codes: Codes,
    window: Lz77Window,
}

impl NumberCodes {
    /// Gives leases back.
    pub(super) fn clear(&mut self) {
        self.window = Lz77Window::default();
    }

    /// Reads the codes of `contexts` contexts and begins the stream.
    pub(super) fn begin<'a, 'r, 'b>(
        &'a mut self,
        bits: &'r mut BitReader<'b>,
        contexts: usize,
        pool: &Pool,
    ) -> Result<Numbers<'a, 'r, 'b>> {
        self.codes.read(bits, contexts, Lz77::Allowed, &BundleLimits::default())?;
        self.window = Lz77Window::new(pool);
        let symbols = SymbolReader::new(&self.codes, bits, 0, u64::MAX, &mut self.window)?;
        Ok(Numbers { symbols, bits })
    }
}

/// A stream of numbers.
pub(super) struct Numbers<'a, 'r, 'b> {
    symbols: SymbolReader<'a>,
    bits: &'r mut BitReader<'b>,
}

impl Numbers<'_, '_, '_> {
    /// The next number.
    pub(super) fn unsigned(&mut self, context: usize) -> u32 {
        self.symbols.read(self.bits, context)
    }

    /// The next number, which may be negative.
    pub(super) fn signed(&mut self, context: usize) -> i32 {
        sgn(self.unsigned(context))
    }

    /// Whether all that was read was there and valid.
    pub(super) fn check(&self) -> Result<()> {
        Ok(self.symbols.check(self.bits)?)
    }

    /// The error of a number that breaks a rule: zeros past the end must not pass for one.
    #[cold]
    pub(super) fn refuse(&self, fault: FeatureFault) -> Error {
        match self.check() {
            Ok(()) => Invalid::Feature(fault).at(self.bits.position()),
            Err(error) => error,
        }
    }

    /// An error unless `count` is at most `bound`.
    pub(super) fn check_count(&self, what: &'static str, count: u64, bound: u64) -> Result<()> {
        if count > bound { Err(self.refuse(FeatureFault::Count { what, count, bound })) } else { Ok(()) }
    }

    /// Ends the stream.
    pub(super) fn finish(self) -> Result<()> {
        Ok(self.symbols.finish(self.bits)?)
    }
}

/// Appends to a list whose length a file decides: its growth is asked of the pool's budget and can fail.
#[inline]
pub(super) fn push<T>(list: &mut Vec<T>, value: T, pool: &Pool) -> Result<()> {
    if list.len() == list.capacity() {
        grow(list, pool)?;
    }
    list.push(value);
    Ok(())
}

#[cold]
fn grow<T>(list: &mut Vec<T>, pool: &Pool) -> Result<()> {
    let more = list.len().max(64);
    let requested = (list.len() + more) as u64 * size_of::<T>() as u64;
    pool.check(requested)?;
    list.try_reserve_exact(more).map_err(|_| PoolError::Allocation { requested })?;
    Ok(())
}
