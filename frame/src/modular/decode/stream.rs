//! A symbol stream as the loops hold it, and the instruction set they are compiled for.

use fearless_simd::{Level, Simd};
use jxlake_entropy::{BitReader, IntegerReader};

use super::super::tree::unpack_signed;
use crate::error::Error;

/// A reader and its bits: loops take both by value, so that they stay in registers, and hand them back.
pub(crate) struct Stream<'b, R> {
    pub(crate) reader: R,
    pub(crate) bits: BitReader<'b>,
}

impl<R: IntegerReader> Stream<'_, R> {
    /// The next residual, in a cluster of the codes.
    #[inline(always)]
    pub(crate) fn residual(&mut self, cluster: u8) -> i32 {
        unpack_signed(self.reader.read(&mut self.bits, cluster.into()))
    }

    /// Whether all that was read so far was there and valid.
    pub(crate) fn check(&self) -> Result<(), Error> {
        Ok(self.reader.check(&self.bits)?)
    }
}

/// Runs `f`, and what is inlined into it, with the shifts and bit counts of x86-64-v3 where the machine has them.
///
/// One level only, not all that exist: there are many loops, and what they gain is in scalar instructions.
#[inline(always)]
pub(crate) fn with_instructions<T>(level: Level, f: impl FnOnce() -> T) -> T {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(avx2) = level.as_avx2() {
        return avx2.vectorize(f);
    }
    let _ = level;
    f()
}
