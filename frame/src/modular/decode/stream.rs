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

/// The vectors that every machine of the target has.
#[cfg(all(
    any(target_arch = "x86", target_arch = "x86_64"),
    target_feature = "sse2",
    target_feature = "fxsr"
))]
#[inline(always)]
pub(crate) fn baseline() -> fearless_simd::Sse2 {
    Level::baseline().as_sse2().expect("the target has SSE2")
}

#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
#[inline(always)]
pub(crate) fn baseline() -> fearless_simd::Neon {
    Level::baseline().as_neon().expect("the target has NEON")
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
pub(crate) fn baseline() -> fearless_simd::WasmSimd128 {
    Level::baseline().as_wasm_simd128().expect("the target has vectors")
}

#[cfg(not(any(
    all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2", target_feature = "fxsr"),
    all(target_arch = "aarch64", target_feature = "neon"),
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
#[inline(always)]
pub(crate) fn baseline() -> fearless_simd::Fallback {
    fearless_simd::Fallback::new()
}

/// Evaluates an expression with vectors, in `$simd`: on x86 those of x86-64-v3 where the machine has them, else the
/// [baseline]. No more levels, as in [`with_instructions`].
macro_rules! with_vectors {
    ($level:expr, $simd:ident => $body:expr) => {{
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let best = $level.as_avx2();
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        let best = Some($crate::modular::decode::stream::baseline());
        if let Some($simd) = best {
            fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $body,
            )
        } else {
            let $simd = $crate::modular::decode::stream::baseline();
            $body
        }
    }};
}

pub(crate) use with_vectors;
