//! What LfGlobal says about quantisation and chroma from luma.

use jxlake_entropy::{BitReader, BundleLimits, ContextMap};

use super::{TransformType, VarDctFault};
use crate::error::{Invalid, Result};
use crate::fields::{Fields, c, sgn, u};

/// Values that are divided by must be at least this.
pub(super) const LEAST_FACTOR: f32 = 1e-8;

/// `LfChannelDequantization`: the factors of LF samples, present in frames of both encodings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LfChannelDequantization {
    /// Of X, Y, B.
    pub m_lf: [f32; 3],
}

impl Default for LfChannelDequantization {
    fn default() -> Self {
        Self { m_lf: [1.0 / 4096.0, 1.0 / 512.0, 1.0 / 256.0] }
    }
}

impl LfChannelDequantization {
    /// Reads the bundle.
    ///
    /// # Errors
    ///
    /// [`VarDctFault::Factor`] for factors that are not at least 1e-8.
    pub fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let mut dequantization = Self::default();
        if !bits.bool()? {
            for factor in &mut dequantization.m_lf {
                let place = bits.place();
                *factor = bits.f16()? / 128.0;
                if *factor < LEAST_FACTOR {
                    let fault = VarDctFault::Factor { field: "m_lf", value: *factor };
                    return Err(Invalid::VarDct(fault).at(place));
                }
            }
        }
        Ok(dequantization)
    }
}

/// `Quantizer`: the scales of all quantised values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantizer {
    /// 1 to 73728.
    pub global_scale: u32,
    /// 1 to 65536.
    pub quant_lf: u32,
}

impl Default for Quantizer {
    fn default() -> Self {
        Self { global_scale: 1, quant_lf: 16 }
    }
}

impl Quantizer {
    /// Reads the bundle.
    pub fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let global_scale = bits.u32([1 + u(11), 2049 + u(11), 4097 + u(12), 8193 + u(16)])?;
        let quant_lf = bits.u32([c(16), 1 + u(5), 1 + u(8), 1 + u(16)])?;
        Ok(Self { global_scale, quant_lf })
    }

    /// The step of HF coefficients whose `HfMul` is 1: 65536 over the global scale.
    pub fn inverse_global_scale(&self) -> f32 {
        65536.0 / self.global_scale as f32
    }

    /// The steps of LF samples without extra precision, of X, Y, B.
    pub fn lf_steps(&self, dequantization: &LfChannelDequantization) -> [f32; 3] {
        let step = self.inverse_global_scale() / self.quant_lf as f32;
        dequantization.m_lf.map(|factor| step * factor)
    }
}

/// Most thresholds of a list: their number has four bits.
const MAX_THRESHOLDS: usize = 15;

/// Up to fifteen thresholds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Thresholds<T> {
    values: [T; MAX_THRESHOLDS],
    len: usize,
}

impl<T: Copy + PartialOrd> Thresholds<T> {
    fn read(bits: &mut BitReader<'_>, mut value: impl FnMut(&mut BitReader<'_>) -> Result<T>) -> Result<Self>
    where
        T: Default,
    {
        let len = bits.u(4)? as usize;
        let mut thresholds = Self { values: Default::default(), len };
        for threshold in &mut thresholds.values[..len] {
            *threshold = value(bits)?;
        }
        Ok(thresholds)
    }

    /// The thresholds, in any order.
    pub(crate) fn list(&self) -> &[T] {
        &self.values[..self.len]
    }

    /// How many cases they tell apart.
    pub(crate) fn cases(&self) -> usize {
        self.len + 1
    }

    /// How many of them `value` exceeds.
    pub(crate) fn exceeded(&self, value: T) -> usize {
        self.list().iter().filter(|threshold| value > **threshold).count()
    }
}

/// Number of coefficient orders, which the block contexts refer to.
pub(super) const ORDERS: usize = 13;

/// The default map: positions Y, X, B by orders.
const DEFAULT_MAP: [u8; 3 * ORDERS] = [
    0, 1, 2, 2, 3, 3, 4, 5, 6, 6, 6, 6, 6, //
    7, 8, 9, 9, 10, 11, 12, 13, 14, 14, 14, 14, 14, //
    7, 8, 9, 9, 10, 11, 12, 13, 14, 14, 14, 14, 14,
];

/// `HfBlockContext`: which context a block of HF coefficients has, by its channel, transform, LF samples and `HfMul`.
#[derive(Debug, Default)]
pub struct HfBlockContext {
    /// Of quantised LF samples, by channel X, Y, B.
    lf_thresholds: [Thresholds<i32>; 3],
    /// Of `HfMul`.
    qf_thresholds: Thresholds<u32>,
    num_lf_contexts: usize,
    num_contexts: usize,
    is_default: bool,
    map: ContextMap,
}

impl HfBlockContext {
    /// Reads the bundle into the storage of the one before.
    ///
    /// # Errors
    ///
    /// [`VarDctFault::BlockContextCases`] if thresholds tell more than 64 cases apart,
    /// [`VarDctFault::BlockContexts`] if there are more than 16 contexts, and what context maps give.
    pub fn read(&mut self, bits: &mut BitReader<'_>) -> Result<()> {
        self.lf_thresholds = Default::default();
        self.qf_thresholds = Default::default();
        self.num_lf_contexts = 1;
        self.is_default = bits.bool()?;
        if self.is_default {
            self.num_contexts = 15;
            return Ok(());
        }
        for thresholds in &mut self.lf_thresholds {
            *thresholds = Thresholds::read(bits, |bits| {
                Ok(sgn(bits.u32([u(4), 16 + u(8), 272 + u(16), 65808 + u(32)])?))
            })?;
            self.num_lf_contexts *= thresholds.cases();
        }
        self.qf_thresholds =
            Thresholds::read(bits, |bits| Ok(1 + bits.u32([u(2), 4 + u(3), 12 + u(5), 44 + u(8)])?))?;
        let place = bits.place();
        let cases = self.num_lf_contexts * self.qf_thresholds.cases();
        if cases > 64 {
            return Err(Invalid::VarDct(VarDctFault::BlockContextCases { cases: cases as u32 }).at(place));
        }
        self.map.read(bits, 3 * ORDERS * cases, &BundleLimits::default())?;
        self.num_contexts = self.map.num_clusters();
        if self.num_contexts > 16 {
            let contexts = self.num_contexts as u32;
            return Err(Invalid::VarDct(VarDctFault::BlockContexts { contexts }).at(place));
        }
        Ok(())
    }

    /// How many block contexts there are: 1 to 16.
    pub(crate) fn num_contexts(&self) -> usize {
        self.num_contexts
    }

    /// Whether the LF samples of a block matter for its context.
    pub(crate) fn uses_lf(&self) -> bool {
        self.num_lf_contexts > 1
    }

    /// The thresholds of quantised LF samples, of X, Y, B.
    pub(crate) fn lf_thresholds(&self) -> &[Thresholds<i32>; 3] {
        &self.lf_thresholds
    }

    /// Where the entries of a varblock begin: the context of a channel at position `p` (0 = Y, 1 = X, 2 = B) is
    /// [`context`](Self::context) of the result and `p`.
    #[inline(always)]
    pub(crate) fn varblock(&self, ty: TransformType, hf_mul: u32, lf_index: usize) -> usize {
        let qf_cases = self.qf_thresholds.cases();
        (ty.order() * qf_cases + self.qf_thresholds.exceeded(hf_mul)) * self.num_lf_contexts + lf_index
    }

    /// The block context of one channel of a varblock.
    #[inline(always)]
    pub(crate) fn context(&self, varblock: usize, position: usize) -> usize {
        if self.is_default {
            return DEFAULT_MAP[position * ORDERS + varblock].into();
        }
        let stride = ORDERS * self.qf_thresholds.cases() * self.num_lf_contexts;
        self.map.clusters()[position * stride + varblock].into()
    }
}

/// `LfChannelCorrelation`: how much of luma is in the chroma channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LfChannelCorrelation {
    /// 2 to 513; default 84.
    pub colour_factor: u32,
    /// Of X.
    pub base_correlation_x: f32,
    /// Of B.
    pub base_correlation_b: f32,
    /// Of X in the LF image, -128 to 127.
    pub x_factor_lf: i32,
    /// Of B in the LF image, -128 to 127.
    pub b_factor_lf: i32,
}

impl Default for LfChannelCorrelation {
    fn default() -> Self {
        Self {
            colour_factor: 84,
            base_correlation_x: 0.0,
            base_correlation_b: 1.0,
            x_factor_lf: 0,
            b_factor_lf: 0,
        }
    }
}

impl LfChannelCorrelation {
    /// Reads the bundle.
    ///
    /// # Errors
    ///
    /// [`VarDctFault::BaseCorrelation`] if a base correlation is beyond -4 to 4.
    pub fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let mut correlation = Self::default();
        if bits.bool()? {
            return Ok(correlation);
        }
        correlation.colour_factor = bits.u32([c(84), c(256), 2 + u(8), 258 + u(16)])?;
        for base in [&mut correlation.base_correlation_x, &mut correlation.base_correlation_b] {
            let place = bits.place();
            *base = bits.f16()?;
            if base.abs() > 4.0 {
                return Err(Invalid::VarDct(VarDctFault::BaseCorrelation { value: *base }).at(place));
            }
        }
        correlation.x_factor_lf = bits.u(8)? as i32 - 128;
        correlation.b_factor_lf = bits.u(8)? as i32 - 128;
        Ok(correlation)
    }

    /// How much of luma is in X where its factor is `factor`.
    #[inline(always)]
    pub fn k_x(&self, factor: i32) -> f32 {
        self.base_correlation_x + factor as f32 / self.colour_factor as f32
    }

    /// How much of luma is in B where its factor is `factor`.
    #[inline(always)]
    pub fn k_b(&self, factor: i32) -> f32 {
        self.base_correlation_b + factor as f32 / self.colour_factor as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::vardct::test_support::BitWriter;

    #[test]
    fn lf_steps_of_the_reference() {
        let quantizer = Quantizer { global_scale: 4587, quant_lf: 16 };
        let steps = quantizer.lf_steps(&LfChannelDequantization::default());
        for (step, expected) in steps.into_iter().zip([2.180_074_1e-4, 1.744_059_3e-3, 3.488_118_6e-3]) {
            assert!((step - expected).abs() < 1e-7 * expected, "{step} {expected}");
        }
    }

    #[test]
    fn quantizer_has_ranges_from_1() {
        let mut bits = BitWriter::new();
        bits.write(3, 2).write(65535, 16).write(3, 2).write(65535, 16);
        let data = bits.finish();
        let quantizer = Quantizer::read(&mut BitReader::new(&data)).unwrap();
        assert_eq!(quantizer, Quantizer { global_scale: 73728, quant_lf: 65536 });
        let quantizer = Quantizer::read(&mut BitReader::new(&[0; 8])).unwrap();
        assert_eq!(quantizer, Quantizer { global_scale: 1, quant_lf: 16 });
    }

    #[test]
    fn lf_factors_are_128ths_and_positive() {
        // 1.0, 0.5 and 2.0 as binary16.
        let mut bits = BitWriter::new();
        bits.write(0, 1).write(0x3c00, 16).write(0x3800, 16).write(0x4000, 16);
        let data = bits.finish();
        let read = LfChannelDequantization::read(&mut BitReader::new(&data)).unwrap();
        assert_eq!(read.m_lf, [1.0 / 128.0, 0.5 / 128.0, 2.0 / 128.0]);
        for bad in [0x0000, 0x8000, 0xbc00, 0x0001] {
            let mut bits = BitWriter::new();
            bits.write(0, 1).write(0x3c00, 16).write(bad, 16).write(0x4000, 16);
            let data = bits.finish();
            let read = LfChannelDequantization::read(&mut BitReader::new(&data));
            // The last one, the smallest subnormal, is too small only after the division.
            assert!(read.is_err(), "{bad:#x}");
        }
        assert!(matches!(
            LfChannelDequantization::read(&mut BitReader::new(&[0])),
            Err(Error::Truncated { .. })
        ));
    }

    #[test]
    fn correlations_beyond_4_are_invalid() {
        for (bits_x, valid) in [(0x4400, true), (0x4401, false), (0xc400, true), (0xc401, false)] {
            let mut bits = BitWriter::new();
            bits.write(0, 1).write(2, 2).write(7, 8).write(bits_x, 16).write(0, 16).write(0, 8).write(255, 8);
            let data = bits.finish();
            let read = LfChannelCorrelation::read(&mut BitReader::new(&data));
            assert_eq!(read.is_ok(), valid);
            if let Ok(correlation) = read {
                assert_eq!(
                    (correlation.colour_factor, correlation.x_factor_lf, correlation.b_factor_lf),
                    (9, -128, 127)
                );
                assert_eq!(correlation.k_b(-9), -1.0);
            }
        }
    }

    #[test]
    fn default_block_contexts_depend_on_order_and_channel() {
        let mut context = HfBlockContext::default();
        context.read(&mut BitReader::new(&[1])).unwrap();
        assert_eq!((context.num_contexts(), context.uses_lf()), (15, false));
        let varblock = context.varblock(TransformType::Dct16x16, 200, 0);
        assert_eq!([0, 1, 2].map(|position| context.context(varblock, position)), [2, 9, 9]);
        let varblock = context.varblock(TransformType::Afv3, 1, 0);
        assert_eq!([0, 1, 2].map(|position| context.context(varblock, position)), [1, 8, 8]);
    }

    #[test]
    fn block_contexts_by_thresholds() {
        let mut bits = BitWriter::new();
        bits.write(0, 1);
        // X: one threshold, -3; Y: none; B: two, 0 and 20; HfMul: one, 5.
        bits.write(1, 4).write(0, 2).write(5, 4);
        bits.write(0, 4);
        bits.write(2, 4).write(0, 2).write(0, 4).write(1, 2).write(24, 8);
        bits.write(1, 4).write(1, 2).write(0, 3);
        // A simple map of two bits for each entry: the lower bits of its index.
        bits.write(1, 1).write(2, 2);
        let entries = 39 * 6 * 2;
        for entry in 0..entries {
            bits.write(entry % 4, 2);
        }
        let data = bits.finish();
        let mut context = HfBlockContext::default();
        context.read(&mut BitReader::new(&data)).unwrap();
        assert_eq!((context.num_contexts(), context.uses_lf()), (4, true));
        let [x, y, b] = context.lf_thresholds();
        assert_eq!((x.list(), y.list(), b.list()), (&[-3][..], &[][..], &[0, 20][..]));
        assert_eq!([x.exceeded(-3), x.exceeded(-2), b.exceeded(20), b.exceeded(21)], [0, 1, 1, 2]);
        for (hf_mul, qf) in [(5, 0), (6, 1)] {
            let varblock = context.varblock(TransformType::Dct32x32, hf_mul, 4);
            for position in 0..3 {
                let index = ((position * 13 + 3) * 2 + qf) * 6 + 4;
                assert_eq!(context.context(varblock, position), index % 4);
            }
        }
    }

    #[test]
    fn too_many_block_contexts_are_invalid() {
        let mut bits = BitWriter::new();
        bits.write(0, 1);
        for _ in 0..3 {
            bits.write(4, 4);
            for _ in 0..4 {
                bits.write(0, 6);
            }
        }
        bits.write(0, 4);
        let data = bits.finish();
        let error = HfBlockContext::default().read(&mut BitReader::new(&data)).unwrap_err();
        let expected = Invalid::VarDct(VarDctFault::BlockContextCases { cases: 125 });
        assert!(matches!(error, Error::Invalid { what, .. } if what == expected));
    }
}
