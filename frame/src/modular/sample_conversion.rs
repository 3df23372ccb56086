//! Integers to the real numbers that they stand for, row by row.

use fearless_simd::{Level, Simd, dispatch};
use jxlake_util::{View2, ViewMut2};

use super::channel::Sample;
use crate::image_header::BitDepth;

/// Images of so many bits per sample are scaled in binary64, so that no bit of a sample is lost.
const WIDE_BITS: u32 = 23;

/// What the samples of a channel that is not XYB stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleConversion {
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// A product with a binary32 number.
    Scaled(f32),
    /// A product with a binary64 number, rounded once.
    ScaledWide(f64),
    /// The bits of a binary32 number.
    Bits,
    /// The bits of a float with less exponent or mantissa.
    Float(FloatLayout),
}

/// Sign, exponent and mantissa of a float of less than 32 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct FloatLayout {
    bits: u32,
    exponent_bits: u32,
}

impl SampleConversion {
    /// Of samples of this depth in an image of that depth: the one decides what they mean, the other the arithmetic.
    pub fn new(depth: BitDepth, image_depth: BitDepth) -> Self {
        let kind = match depth {
            BitDepth::Integer { bits_per_sample } => {
                let factor = 1.0 / ((1u64 << bits_per_sample.min(32)) - 1) as f64;
                match image_depth.bits_per_sample() < WIDE_BITS {
                    true => Kind::Scaled(factor as f32),
                    false => Kind::ScaledWide(factor),
                }
            }
            BitDepth::Float { bits_per_sample: 32, .. } => Kind::Bits,
            BitDepth::Float { bits_per_sample, exponent_bits } => {
                Kind::Float(FloatLayout { bits: bits_per_sample, exponent_bits })
            }
        };
        Self { kind }
    }

    /// Converts a row. `output` is as long as `samples`.
    pub fn convert_row<S: Sample>(&self, level: Level, samples: &[S], output: &mut [f32]) {
        let kind = self.kind;
        dispatch!(level, simd => convert_row_with(simd, kind, samples, output));
    }

    /// Converts all rows. `output` has the shape of `samples`.
    pub fn convert<S: Sample>(&self, level: Level, samples: View2<'_, S>, output: ViewMut2<'_, f32>) {
        let kind = self.kind;
        dispatch!(level, simd => convert_with(simd, kind, samples, output));
    }
}

#[inline(always)]
fn convert_with<S: Sample, V: Simd>(
    simd: V,
    kind: Kind,
    samples: View2<'_, S>,
    mut output: ViewMut2<'_, f32>,
) {
    for y in 0..output.rows() {
        convert_row_with(simd, kind, samples.row(y), output.row_mut(y));
    }
}

#[inline(always)]
fn convert_row_with<S: Sample, V: Simd>(_simd: V, kind: Kind, samples: &[S], output: &mut [f32]) {
    let pairs = output.iter_mut().zip(samples);
    match kind {
        Kind::Scaled(factor) => {
            for (real, sample) in pairs {
                *real = sample.to_i32() as f32 * factor;
            }
        }
        Kind::ScaledWide(factor) => {
            for (real, sample) in pairs {
                *real = (f64::from(sample.to_i32()) * factor) as f32;
            }
        }
        Kind::Bits => {
            for (real, sample) in pairs {
                *real = f32::from_bits(sample.to_i32() as u32);
            }
        }
        // The largest exponents of float formats are handled by loops of their own.
        Kind::Float(layout) if layout.exponent_bits == 8 => {
            for (real, sample) in pairs {
                *real = layout.with_full_exponent(sample.to_i32() as u32);
            }
        }
        Kind::Float(layout) => {
            for (real, sample) in pairs {
                *real = layout.with_small_exponent(sample.to_i32() as u32);
            }
        }
    }
}

impl FloatLayout {
    /// The sign, where binary32 has it, and the other bits, so that the mantissa is where binary32 has it.
    #[inline(always)]
    fn parts(self, value: u32) -> (u32, u32) {
        let negative = value >> (self.bits - 1) != 0;
        let magnitude = value & ((1 << (self.bits - 1)) - 1);
        let mantissa_bits = self.bits - 1 - self.exponent_bits;
        (u32::from(negative) << 31, magnitude << (23 - mantissa_bits))
    }

    /// Exponents are those of binary32.
    #[inline(always)]
    fn with_full_exponent(self, value: u32) -> f32 {
        let (sign, magnitude) = self.parts(value);
        f32::from_bits(sign | magnitude)
    }

    #[inline(always)]
    fn with_small_exponent(self, value: u32) -> f32 {
        let (sign, magnitude) = self.parts(value);
        let largest = ((1 << self.exponent_bits) - 1) << 23;
        let exponent = magnitude & largest;
        let bias_difference = (128 - (1 << (self.exponent_bits - 1))) << 23;
        let normal = magnitude + bias_difference;
        // Infinity and NaN have the largest exponent in both formats.
        let special = magnitude | 0x7F80_0000;
        // As the fraction of a number with the smallest exponent, from which the implicit leading 1 is taken away again.
        let implicit = bias_difference + (1 << 23);
        let subnormal = (f32::from_bits(magnitude + implicit) - f32::from_bits(implicit)).to_bits();
        let bits = if exponent == 0 { subnormal } else { normal };
        let bits = if exponent == largest { special } else { bits };
        f32::from_bits(sign | bits)
    }
}

/// What the colour samples of Modular frames in XYB stand for: the LF dequantisation factors of X, Y and B.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct XybConversion {
    /// Factors of X, Y and B.
    pub factors: [f32; 3],
}

impl XybConversion {
    /// Converts a row. The coded channels are Y, X and the difference of B and Y; the output is X, Y and B. All rows are of
    /// the same length.
    pub fn convert_row<S: Sample>(&self, level: Level, coded: [&[S]; 3], output: [&mut [f32]; 3]) {
        let factors = self.factors;
        dispatch!(level, simd => convert_xyb_row_with(simd, factors, coded, output));
    }

    /// Converts all rows; as [`convert_row`](Self::convert_row).
    pub fn convert<S: Sample>(&self, level: Level, coded: [View2<'_, S>; 3], output: [ViewMut2<'_, f32>; 3]) {
        let factors = self.factors;
        dispatch!(level, simd => convert_xyb_with(simd, factors, coded, output));
    }
}

#[inline(always)]
fn convert_xyb_with<S: Sample, V: Simd>(
    simd: V,
    factors: [f32; 3],
    [c0, c1, c2]: [View2<'_, S>; 3],
    [mut x, mut y, mut b]: [ViewMut2<'_, f32>; 3],
) {
    for row in 0..x.rows() {
        let coded = [c0.row(row), c1.row(row), c2.row(row)];
        convert_xyb_row_with(simd, factors, coded, [x.row_mut(row), y.row_mut(row), b.row_mut(row)]);
    }
}

#[inline(always)]
fn convert_xyb_row_with<S: Sample, V: Simd>(
    _simd: V,
    factors: [f32; 3],
    [c0, c1, c2]: [&[S]; 3],
    [x, y, b]: [&mut [f32]; 3],
) {
    let length = x.len();
    let (c0, c1, c2) = (&c0[..length], &c1[..length], &c2[..length]);
    let (y, b) = (&mut y[..length], &mut b[..length]);
    for i in 0..length {
        let (luma, chroma) = (c0[i].to_i32(), c1[i].to_i32());
        x[i] = chroma as f32 * factors[0];
        y[i] = luma as f32 * factors[1];
        b[i] = c2[i].to_i32().wrapping_add(luma) as f32 * factors[2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modular::testing::{Random, levels};

    fn float(bits_per_sample: u32, exponent_bits: u32) -> SampleConversion {
        let depth = BitDepth::Float { bits_per_sample, exponent_bits };
        SampleConversion::new(depth, depth)
    }

    fn converted(conversion: SampleConversion, level: Level, sample: u32) -> u32 {
        let mut output = [0.0; 21];
        conversion.convert_row(level, &[sample as i32; 21], &mut output);
        assert!(output.iter().all(|real| real.to_bits() == output[0].to_bits()));
        output[0].to_bits()
    }

    /// The format's text.
    fn plain_float(bits: u32, e: u32, value: u32) -> u32 {
        let mantissa = bits - e - 1;
        let sign = u32::from(value >> (bits - 1) != 0) << 31;
        let value = value & ((1 << (bits - 1)) - 1);
        if value == 0 {
            return sign;
        }
        let (mut exponent, mut m) = ((value >> mantissa) as i32, value & ((1 << mantissa) - 1));
        m <<= 23 - mantissa;
        if exponent == (1 << e) - 1 {
            return sign | 0x7F80_0000 | m;
        }
        if exponent == 0 && e < 8 {
            while m < 1 << 23 {
                m <<= 1;
                exponent -= 1;
            }
            exponent += 1;
            m -= 1 << 23;
        }
        exponent += 127 - ((1 << (e - 1)) - 1);
        sign | (exponent as u32) << 23 | m
    }

    #[test]
    fn floats_of_the_format() {
        let vectors = [
            (16, 5, 0x3C00, 0x3F80_0000),
            (16, 5, 0x0001, 0x3380_0000),
            (16, 5, 0x83FF, 0xB87F_C000),
            (16, 5, 0x7C00, 0x7F80_0000),
            (16, 5, 0x7BFF, 0x477F_E000),
            (24, 7, 0x3F_8000, 0x3FC0_0000),
            (24, 7, 0x00_0001, 0x1880_0000),
            (16, 8, 0x3F80, 0x3F80_0000),
            (16, 8, 0x0001, 0x0001_0000),
        ];
        for (bits, e, value, expected) in vectors {
            assert_eq!(plain_float(bits, e, value), expected);
            for level in levels() {
                assert_eq!(converted(float(bits, e), level, value), expected, "{bits} {e} {value:x}");
            }
        }
    }

    #[test]
    fn floats_of_every_layout_agree_with_the_definition() {
        let mut random = Random::new(21);
        for level in levels() {
            for exponent_bits in 2..=8 {
                for bits in (exponent_bits + 3)..=(exponent_bits + 24).min(31) {
                    for _ in 0..40 {
                        let value = (random.next() as u32) >> (32 - bits) >> random.below(bits);
                        let value = value | random.below(2) << (bits - 1);
                        let expected = plain_float(bits, exponent_bits, value);
                        assert_eq!(converted(float(bits, exponent_bits), level, value), expected);
                    }
                }
            }
            assert_eq!(converted(float(32, 8), level, 0xFF80_0001), 0xFF80_0001, "NaNs stay as they are");
        }
    }

    #[test]
    fn integers_are_fractions_of_the_largest() {
        let convert = |bits, image_bits, sample: i32| {
            let integer = |bits_per_sample| BitDepth::Integer { bits_per_sample };
            f32::from_bits(converted(
                SampleConversion::new(integer(bits), integer(image_bits)),
                Level::new(),
                sample as u32,
            ))
        };
        assert_eq!(convert(8, 8, 255), 1.0);
        assert_eq!(convert(8, 8, -255), -1.0);
        assert_eq!(convert(1, 8, 3), 3.0);
        assert_eq!(convert(16, 16, 0x1234), 0x1234 as f32 * (1.0 / 65535.0));
        // 2^31 − 2 of 2^31 − 1 is below 1, by less than binary32 can tell.
        assert_eq!(convert(31, 31, i32::MAX - 1), 1.0);
        assert_eq!(convert(31, 31, i32::MAX / 3), ((i32::MAX / 3) as f64 / i32::MAX as f64) as f32);
        assert_eq!(convert(24, 24, 0xABCDEF), (0xABCDEF as f64 / 0xFFFFFF as f64) as f32);
    }

    #[test]
    fn xyb_is_scaled_and_put_in_order() {
        let conversion = XybConversion { factors: [0.5, 0.25, 2.0] };
        let coded: [Vec<i16>; 3] = [vec![8; 19], vec![-3; 19], vec![5; 19]];
        let mut output = [[0.0; 19]; 3];
        conversion.convert_row(
            Level::new(),
            coded.each_ref().map(Vec::as_slice),
            output.each_mut().map(<[_; 19]>::as_mut_slice),
        );
        assert_eq!(output, [[-1.5; 19], [2.0; 19], [26.0; 19]]);
        let mut b = [0.0];
        conversion.convert_row(Level::new(), [&[i32::MAX], &[0], &[1]], [&mut [0.0], &mut [0.0], &mut b]);
        assert_eq!(b, [i32::MIN as f32 * 2.0], "the integer sum wraps");
    }
}
