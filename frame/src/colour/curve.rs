//! Transfer functions: what they are, in double precision.

/// A transfer function between linear light and encoded samples, channel by channel.
///
/// Linear light is relative to the intensity target: 1.0 is the brightest the image means to be. Neither direction clamps
/// its range; what happens to negative values differs, as the variants say.
///
/// ```
/// use jxlake_frame::colour::Curve;
///
/// assert!((Curve::Srgb.encode(0.18) - 0.4613561).abs() < 1e-7);
/// let mut row = [0.18f32; 5];
/// Curve::Srgb.encode_row(fearless_simd::Level::new(), &mut row);
/// assert!((row[4] - 0.4613561).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// Encoded samples are linear light.
    Linear,
    /// IEC 61966-2-1; odd.
    Srgb,
    /// Recommendation ITU-R BT.709; the linear part goes on below 0.
    Bt709,
    /// encoded = linear^exponent, 0 < exponent <= 1; values up to 1e-5 become 0, in both directions.
    Gamma {
        /// The exponent of encoding.
        exponent: f32,
    },
    /// SMPTE ST 2084, an absolute scale up to 10,000 nits; odd.
    Pq {
        /// What linear 1.0 means, in nits; above 0.
        intensity_target: f32,
    },
    /// BT.2100 hybrid log-gamma from scene light; odd. The OOTF is not part of the curve, see [`super::HlgOotf`].
    Hlg,
}

/// The numbers of SMPTE ST 2084.
pub(super) mod pq {
    pub(crate) const M1: f64 = 2610.0 / 16384.0;
    pub(crate) const M2: f64 = 2523.0 / 4096.0 * 128.0;
    pub(crate) const C1: f64 = 3424.0 / 4096.0;
    pub(crate) const C2: f64 = 2413.0 / 4096.0 * 32.0;
    pub(crate) const C3: f64 = 2392.0 / 4096.0 * 32.0;
    /// Nits of the encoded value 1.
    pub(crate) const PEAK: f64 = 10_000.0;
}

/// The numbers of BT.2100 hybrid log-gamma.
pub(super) mod hlg {
    pub(crate) const A: f64 = 0.17883277;
    pub(crate) const B: f64 = 1.0 - 4.0 * A;
    pub(crate) const C: f64 = 0.5599107295;
}

/// Inputs of a gamma curve up to this become 0.
pub(super) const GAMMA_ZERO: f64 = 1e-5;

impl Curve {
    /// The gamma 2.6 of DCI cinema.
    pub const DCI: Self = Self::Gamma { exponent: 1.0 / 2.6 };

    /// From linear light to the encoded sample, exactly.
    pub fn encode(self, linear: f64) -> f64 {
        match self {
            Self::Linear => linear,
            Self::Srgb => {
                odd(linear, |x| if x <= 0.0031308 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 })
            }
            Self::Bt709 if linear <= 0.018 => 4.5 * linear,
            Self::Bt709 => 1.099 * linear.powf(0.45) - 0.099,
            Self::Gamma { exponent } => gamma(linear, f64::from(exponent)),
            Self::Pq { intensity_target } => odd(linear, |x| pq_encode(x * f64::from(intensity_target))),
            Self::Hlg => odd(linear, |s| {
                if s <= 1.0 / 12.0 { (3.0 * s).sqrt() } else { hlg::A * (12.0 * s - hlg::B).ln() + hlg::C }
            }),
        }
    }

    /// From the encoded sample to linear light, exactly.
    pub fn decode(self, encoded: f64) -> f64 {
        match self {
            Self::Linear => encoded,
            Self::Srgb => {
                odd(encoded, |e| if e <= 0.04045 { e / 12.92 } else { ((e + 0.055) / 1.055).powf(2.4) })
            }
            Self::Bt709 if encoded < 0.081 => encoded / 4.5,
            Self::Bt709 => ((encoded + 0.099) / 1.099).powf(1.0 / 0.45),
            Self::Gamma { exponent } => gamma(encoded, 1.0 / f64::from(exponent)),
            Self::Pq { intensity_target } => odd(encoded, |e| pq_decode(e) / f64::from(intensity_target)),
            Self::Hlg => odd(encoded, |e| {
                if e <= 0.5 { e * e / 3.0 } else { (((e - hlg::C) / hlg::A).exp() + hlg::B) / 12.0 }
            }),
        }
    }
}

fn odd(v: f64, f: impl Fn(f64) -> f64) -> f64 {
    f(v.abs()).copysign(v)
}

fn gamma(v: f64, exponent: f64) -> f64 {
    if v <= GAMMA_ZERO { 0.0 } else { v.powf(exponent) }
}

/// The PQ value of a luminance in nits, 0 or more.
pub fn pq_encode(nits: f64) -> f64 {
    let power = (nits / pq::PEAK).powf(pq::M1);
    ((pq::C1 + pq::C2 * power) / (1.0 + pq::C3 * power)).powf(pq::M2)
}

/// The luminance in nits of a PQ value, 0 or more; infinite from 1.99 on, where the curve has its pole.
pub fn pq_decode(encoded: f64) -> f64 {
    let power = encoded.powf(1.0 / pq::M2);
    ((power - pq::C1).max(0.0) / (pq::C2 - pq::C3 * power).max(0.0)).powf(1.0 / pq::M1) * pq::PEAK
}
