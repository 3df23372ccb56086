//! Conversion of samples, row by row.
//!
//! But for [`pack_bytes`] the loops are plain: compiled for the machine's instruction set they become vector code.

use fearless_simd::Simd;
use half::f16;
use half::slice::HalfFloatSliceExt;
use jxlake_util::Element;

use super::pack::pack_bytes;
use crate::decoder::DecodeTarget;

/// How integers of the image become samples of the output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Integers of the same depth: held between 0 and `max`.
    Same {
        /// The largest sample.
        max: i32,
    },
    /// The output's largest sample is a multiple of the image's.
    Multiple {
        /// The largest sample of the image.
        max: i32,
        /// From one to the other.
        factor: i32,
    },
    /// Any other pair of depths.
    Ratio {
        /// The largest sample of the image.
        max: i32,
        /// From one to the other.
        ratio: f64,
    },
    /// Floats, from fewer than 23 bits: one multiplication in f32.
    Unit {
        /// The inverse of the largest sample.
        factor: f32,
    },
    /// Floats, from more bits: rounded once.
    WideUnit {
        /// The inverse of the largest sample.
        factor: f64,
    },
}

impl Scale {
    /// From integers of `bits` (1 to 31) to integers of `output_bits`, or to floats.
    pub(super) fn new(bits: u32, output_bits: Option<u32>) -> Self {
        let max = i32::MAX >> (31 - bits.clamp(1, 31));
        let Some(output_bits) = output_bits else {
            let factor = 1.0 / f64::from(max);
            return if bits < 23 { Self::Unit { factor: factor as f32 } } else { Self::WideUnit { factor } };
        };
        let output_max = max_of(output_bits) as i32;
        match output_max % max {
            _ if output_max == max => Self::Same { max },
            0 => Self::Multiple { max, factor: output_max / max },
            _ => Self::Ratio { max, ratio: f64::from(output_max) / f64::from(max) },
        }
    }
}

/// The largest integer of `bits`, at most 16.
pub(super) fn max_of(bits: u32) -> u32 {
    (1 << bits) - 1
}

/// A sample of an image: f32, or an integer of the image's own depth.
///
/// Sealed: `f32`, `i16` and `i32`.
pub trait InputSample: Copy + sealed::Input {}

/// A sample of the output: `u8`, `u16`, [`half::f16`] or `f32`.
///
/// Floats become integers by scaling, holding between 0 and the largest, and rounding to the nearest, half to even; NaN
/// becomes 0. Integers of the image become integers of the output without a float between, and exactly: they are
/// rescaled and rounded, or only held in range if both have the same depth. Sealed.
pub trait OutputSample: Element + PartialEq + sealed::Output + DecodeTarget {}

impl InputSample for f32 {}
impl InputSample for i16 {}
impl InputSample for i32 {}
impl OutputSample for u8 {}
impl OutputSample for u16 {}
impl OutputSample for f16 {}
impl OutputSample for f32 {}

pub(super) mod sealed {
    use super::{Element, Scale, Simd};

    /// The kernels of an input type. `out` is as long as the rows.
    pub trait Input: Copy + Default + 'static {
        /// Whether samples are integers.
        const IS_INTEGER: bool;

        /// Fills `out` with one channel; `max` is the largest integer of the output, `scale` is for integers.
        fn convert<T: Output>(row: &[Self], max: f32, scale: Scale, out: &mut [T]);

        /// Interleaves channels that all have the same scale; `false`, and nothing written, if there is no such kernel.
        fn interleave<S: Simd, T: Output, const N: usize>(
            simd: S,
            rows: [&[Self]; N],
            max: f32,
            scale: Scale,
            out: &mut [T],
        ) -> bool;

        /// Fills `out` with the same as floats.
        fn to_floats(row: &[Self], scale: Scale, out: &mut [f32]);

        /// Full opacity as [`interleave`](Self::interleave) takes it, if it can be expressed.
        fn opaque(scale: Scale) -> Option<Self>;
    }

    /// What integers have in common.
    pub trait Integer: Input {
        fn clamped(self, max: Self) -> Self;
        fn widened(self) -> i32;

        /// Interleaves samples of the output's depth, whose largest is `max`.
        fn interleave_clamped<T: Output, const N: usize>(rows: [&[Self]; N], max: i32, out: &mut [T]);
    }

    /// The kernels of an output type.
    pub trait Output: Element {
        /// Bits of integers.
        const BITS: Option<u32>;

        /// The samples as bytes, if that is what they are.
        fn as_bytes(samples: &mut [Self]) -> Option<&mut [u8]>;
        fn opaque(max: f32) -> Self;
        fn with_swapped_bytes(self) -> Self;
        /// Truncates; for integers only.
        fn from_integer(v: i32) -> Self;
        /// For integers between 0 and `max`, else unchanged.
        fn from_float(v: f32, max: f32) -> Self;

        fn convert_floats(row: &[f32], max: f32, out: &mut [Self]);
        fn convert_integers<I: Integer>(row: &[I], scale: Scale, out: &mut [Self]);
    }
}

use sealed::{Input, Integer, Output};

/// Samples that are converted at a time where a conversion has two steps.
pub(super) const CHUNK: usize = 256;

/// The same rows, so short that the compiler sees that none of them ends first.
#[inline(always)]
fn cut_to<I, const N: usize>(mut rows: [&[I]; N], len: usize) -> [&[I]; N] {
    for row in &mut rows {
        *row = &row[..len];
    }
    rows
}

/// From a float to an integer between 0 and `max`, at most 65535.
#[inline(always)]
fn quantised(v: f32, max: f32) -> u32 {
    let scaled = v * max;
    // Written so that NaN fails the first comparison, and each is one instruction.
    let scaled = if scaled > 0.0 { scaled } else { 0.0 };
    let scaled = if scaled < max { scaled } else { max };
    // At 2^23 the unit in the last place is 1: the addition rounds half to even, and the low bits are the integer.
    (scaled + 8_388_608.0).to_bits() & 0xffff
}

/// From an integer, already rescaled and positive, to the nearest one: like [`quantised`] for f64.
#[inline(always)]
fn rounded(v: f64) -> i32 {
    (v + 4_503_599_627_370_496.0).to_bits() as i32
}

macro_rules! integer_outputs {
    ($($t:ty)*) => { $(
        impl Output for $t {
            const BITS: Option<u32> = Some(<$t>::BITS);

            #[inline(always)]
            fn as_bytes(samples: &mut [Self]) -> Option<&mut [u8]> {
                if size_of::<Self>() == 1 { Some(bytemuck::cast_slice_mut(samples)) } else { None }
            }
            #[inline(always)]
            fn opaque(max: f32) -> Self {
                max as Self
            }
            #[inline(always)]
            fn with_swapped_bytes(self) -> Self {
                self.swap_bytes()
            }
            #[inline(always)]
            fn from_integer(v: i32) -> Self {
                v as Self
            }
            #[inline(always)]
            fn from_float(v: f32, max: f32) -> Self {
                quantised(v, max) as Self
            }

            #[inline(always)]
            fn convert_floats(row: &[f32], max: f32, out: &mut [Self]) {
                for (out, v) in out.iter_mut().zip(row) {
                    *out = Self::from_float(*v, max);
                }
            }

            #[inline(always)]
            fn convert_integers<I: Integer>(row: &[I], scale: Scale, out: &mut [Self]) {
                match scale {
                    Scale::Multiple { max, factor } => {
                        for (out, v) in out.iter_mut().zip(row) {
                            *out = Self::from_integer(v.widened().clamp(0, max).wrapping_mul(factor));
                        }
                    }
                    Scale::Ratio { max, ratio } => {
                        for (out, v) in out.iter_mut().zip(row) {
                            *out = Self::from_integer(rounded(f64::from(v.widened().clamp(0, max)) * ratio));
                        }
                    }
                    Scale::Same { max } => I::interleave_clamped([row], max, out),
                    // Not used with integer outputs.
                    Scale::Unit { .. } | Scale::WideUnit { .. } => {}
                }
            }
        }
    )* };
}

integer_outputs!(u8 u16);

impl Output for f32 {
    const BITS: Option<u32> = None;

    #[inline(always)]
    fn as_bytes(_: &mut [Self]) -> Option<&mut [u8]> {
        None
    }
    #[inline(always)]
    fn opaque(_: f32) -> Self {
        1.0
    }
    #[inline(always)]
    fn with_swapped_bytes(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }
    #[inline(always)]
    fn from_integer(v: i32) -> Self {
        v as Self
    }
    #[inline(always)]
    fn from_float(v: f32, _: f32) -> Self {
        v
    }

    #[inline(always)]
    fn convert_floats(row: &[f32], _: f32, out: &mut [Self]) {
        out.copy_from_slice(row);
    }

    #[inline(always)]
    fn convert_integers<I: Integer>(row: &[I], scale: Scale, out: &mut [Self]) {
        match scale {
            Scale::Unit { factor } => {
                for (out, v) in out.iter_mut().zip(row) {
                    *out = v.widened() as f32 * factor;
                }
            }
            Scale::WideUnit { factor } => {
                for (out, v) in out.iter_mut().zip(row) {
                    *out = (f64::from(v.widened()) * factor) as f32;
                }
            }
            // Not used with float outputs.
            Scale::Same { .. } | Scale::Multiple { .. } | Scale::Ratio { .. } => {}
        }
    }
}

impl Output for f16 {
    const BITS: Option<u32> = None;

    #[inline(always)]
    fn as_bytes(_: &mut [Self]) -> Option<&mut [u8]> {
        None
    }
    #[inline(always)]
    fn opaque(_: f32) -> Self {
        Self::ONE
    }
    #[inline(always)]
    fn with_swapped_bytes(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }
    #[inline(always)]
    fn from_integer(v: i32) -> Self {
        Self::from_f32(v as f32)
    }
    #[inline(always)]
    fn from_float(v: f32, _: f32) -> Self {
        Self::from_f32(v)
    }

    #[inline(always)]
    fn convert_floats(row: &[f32], _: f32, out: &mut [Self]) {
        out.convert_from_f32_slice(row);
    }

    #[inline(always)]
    fn convert_integers<I: Integer>(row: &[I], scale: Scale, out: &mut [Self]) {
        let mut floats = [0.0; CHUNK];
        for (row, out) in row.chunks(CHUNK).zip(out.chunks_mut(CHUNK)) {
            let floats = &mut floats[..row.len()];
            f32::convert_integers(row, scale, floats);
            out.convert_from_f32_slice(floats);
        }
    }
}

impl Input for f32 {
    const IS_INTEGER: bool = false;

    #[inline(always)]
    fn convert<T: Output>(row: &[Self], max: f32, _: Scale, out: &mut [T]) {
        T::convert_floats(row, max, out);
    }

    #[inline(always)]
    fn interleave<S: Simd, T: Output, const N: usize>(
        simd: S,
        rows: [&[Self]; N],
        max: f32,
        _: Scale,
        out: &mut [T],
    ) -> bool {
        if let Some(bytes) = T::as_bytes(out)
            && pack_bytes(simd, rows, max, bytes)
        {
            return true;
        }
        // Half floats are converted several at a time.
        if T::BITS.is_none() && size_of::<T>() < 4 {
            return false;
        }
        let pixels = out.as_chunks_mut::<N>().0;
        let rows = cut_to(rows, pixels.len());
        for (i, pixel) in pixels.iter_mut().enumerate() {
            for (out, row) in pixel.iter_mut().zip(rows) {
                *out = T::from_float(row[i], max);
            }
        }
        true
    }

    #[inline(always)]
    fn to_floats(row: &[Self], _: Scale, out: &mut [f32]) {
        out.copy_from_slice(row);
    }

    #[inline(always)]
    fn opaque(_: Scale) -> Option<Self> {
        Some(1.0)
    }
}

macro_rules! integer_inputs {
    ($($t:ty)*) => { $(
        impl Integer for $t {
            #[inline(always)]
            fn clamped(self, max: Self) -> Self {
                self.max(0).min(max)
            }
            #[inline(always)]
            fn widened(self) -> i32 {
                self.into()
            }

            #[inline(always)]
            fn interleave_clamped<T: Output, const N: usize>(rows: [&[Self]; N], max: i32, out: &mut [T]) {
                // Narrow samples cannot pass a bound that does not fit them.
                let max = Self::try_from(max).unwrap_or(Self::MAX);
                let pixels = out.as_chunks_mut::<N>().0;
                let rows = cut_to(rows, pixels.len());
                for (i, pixel) in pixels.iter_mut().enumerate() {
                    for (out, row) in pixel.iter_mut().zip(rows) {
                        *out = T::from_integer(row[i].clamped(max).widened());
                    }
                }
            }
        }

        impl Input for $t {
            const IS_INTEGER: bool = true;

            #[inline(always)]
            fn convert<T: Output>(row: &[Self], _: f32, scale: Scale, out: &mut [T]) {
                T::convert_integers(row, scale, out);
            }

            #[inline(always)]
            fn interleave<S: Simd, T: Output, const N: usize>(
                _: S,
                rows: [&[Self]; N],
                _: f32,
                scale: Scale,
                out: &mut [T],
            ) -> bool {
                let Scale::Same { max } = scale else { return false };
                Self::interleave_clamped(rows, max, out);
                true
            }

            #[inline(always)]
            fn to_floats(row: &[Self], scale: Scale, out: &mut [f32]) {
                f32::convert_integers(row, scale, out);
            }

            #[inline(always)]
            fn opaque(scale: Scale) -> Option<Self> {
                let (Scale::Same { max } | Scale::Multiple { max, .. } | Scale::Ratio { max, .. }) = scale else {
                    return None;
                };
                Self::try_from(max).ok()
            }
        }
    )* };
}

integer_inputs!(i16 i32);
