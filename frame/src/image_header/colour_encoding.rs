//! `ColourEncoding`: the colour space of an image, by names or by an ICC profile that follows.

use jxlake_entropy::BitReader;

use crate::colour;
use crate::error::{Invalid, Result};
use crate::fields::{Fields, sgn, u};

/// The colour space of an image.
///
/// If [`want_icc`](Self::want_icc) is set the ICC profile after the image header describes it, and of the fields here only
/// `colour_space` counts (it says how many channels there are); the others have their defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColourEncoding {
    /// Whether an ICC profile follows the image header.
    pub want_icc: bool,
    /// The kind of colour space.
    pub colour_space: ColourSpace,
    /// The chromaticity of white.
    pub white_point: WhitePoint,
    /// The chromaticities of red, green and blue; only meaningful for [`ColourSpace::Rgb`].
    pub primaries: Primaries,
    /// From coded values to linear light.
    pub transfer_function: TransferFunction,
    /// What to keep when colours do not fit the display.
    pub rendering_intent: RenderingIntent,
}

/// The kind of a colour space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourSpace {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// One channel of luminance.
    Grey,
    /// XYB, the colour space of lossy JPEG XL.
    Xyb,
    /// Something that only the ICC profile knows, with three channels (and K of CMYK in an extra channel).
    Unknown,
}

/// The CIE 1931 chromaticity of a colour, in millionths; each coordinate is -2097152 to 2097151.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chromaticity {
    /// x, in millionths.
    pub x: i32,
    /// y, in millionths.
    pub y: i32,
}

impl Chromaticity {
    /// x and y as fractions.
    pub fn xy(self) -> [f64; 2] {
        [f64::from(self.x) / 1e6, f64::from(self.y) / 1e6]
    }

    fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let mut coordinate =
            || bits.u32([u(19), 524_288 + u(19), 1_048_576 + u(20), 2_097_152 + u(21)]).map(sgn);
        Ok(Self { x: coordinate()?, y: coordinate()? })
    }
}

/// The white of a colour space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhitePoint {
    /// CIE standard illuminant D65.
    #[default]
    D65,
    /// Any other.
    Custom(Chromaticity),
    /// CIE standard illuminant E: equal energy.
    E,
    /// The white of digital cinema projectors.
    Dci,
}

impl WhitePoint {
    /// The chromaticity x, y.
    pub fn xy(self) -> [f64; 2] {
        match self {
            Self::D65 => colour::Chromaticity::D65.xy(),
            Self::Custom(white) => white.xy(),
            Self::E => colour::Chromaticity::E.xy(),
            Self::Dci => colour::Chromaticity::DCI.xy(),
        }
    }
}

/// The red, green and blue of a colour space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Primaries {
    /// Those of sRGB and BT.709.
    #[default]
    Srgb,
    /// Any others: red, green, blue.
    Custom([Chromaticity; 3]),
    /// Those of BT.2100 and BT.2020.
    Bt2100,
    /// Those of DCI P3.
    P3,
}

impl Primaries {
    /// The chromaticities x, y of red, green and blue.
    pub fn xy(self) -> [[f64; 2]; 3] {
        match self {
            Self::Srgb => colour::Primaries::SRGB.xy(),
            Self::Custom(rgb) => rgb.map(Chromaticity::xy),
            Self::Bt2100 => colour::Primaries::BT2100.xy(),
            Self::P3 => colour::Primaries::P3.xy(),
        }
    }
}

/// From coded values to linear light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransferFunction {
    /// A power: coded = linear^(`exponent` / 10^7).
    Gamma {
        /// 1221 to 10 000 000.
        exponent: u32,
    },
    /// BT.709.
    Bt709,
    /// Something that only the ICC profile knows.
    Unknown,
    /// None: coded values are linear light.
    Linear,
    /// sRGB.
    #[default]
    Srgb,
    /// Perceptual quantiser, SMPTE ST 2084.
    Pq,
    /// Digital cinema, a power of 2.6.
    Dci,
    /// Hybrid log-gamma, BT.2100.
    Hlg,
}

/// What to keep when colours do not fit the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RenderingIntent {
    /// What looks pleasant.
    Perceptual,
    /// Colours relative to the display's white.
    #[default]
    Relative,
    /// Vividness.
    Saturation,
    /// Colours as measured.
    Absolute,
}

/// The exponent that the colour space XYB implies.
const XYB_GAMMA: TransferFunction = TransferFunction::Gamma { exponent: 3_333_333 };

impl Default for ColourEncoding {
    /// sRGB.
    fn default() -> Self {
        Self {
            want_icc: false,
            colour_space: ColourSpace::default(),
            white_point: WhitePoint::default(),
            primaries: Primaries::default(),
            transfer_function: TransferFunction::default(),
            rendering_intent: RenderingIntent::default(),
        }
    }
}

impl ColourEncoding {
    /// Reads one; also what a gain map box holds.
    ///
    /// # Errors
    ///
    /// Truncated, or invalid if a name is not defined or the description of a colour space without ICC profile is
    /// incomplete.
    pub fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let mut encoding = Self::default();
        if bits.bool()? {
            return Ok(encoding);
        }
        encoding.want_icc = bits.bool()?;
        let place = bits.place();
        encoding.colour_space = read_colour_space(bits)?;
        if encoding.want_icc {
            return Ok(encoding);
        }
        if encoding.colour_space == ColourSpace::Unknown {
            return Err(Invalid::Value { field: "colour_space without ICC profile", value: 3 }.at(place));
        }
        if encoding.colour_space == ColourSpace::Xyb {
            encoding.transfer_function = XYB_GAMMA;
        } else {
            encoding.white_point = read_white_point(bits)?;
            if encoding.colour_space != ColourSpace::Grey {
                encoding.primaries = read_primaries(bits)?;
            }
            encoding.transfer_function = read_transfer_function(bits)?;
        }
        encoding.rendering_intent = bits.enumeration("rendering_intent", |code| {
            Some(match code {
                0 => RenderingIntent::Perceptual,
                1 => RenderingIntent::Relative,
                2 => RenderingIntent::Saturation,
                3 => RenderingIntent::Absolute,
                _ => return None,
            })
        })?;
        Ok(encoding)
    }
}

fn read_colour_space(bits: &mut BitReader<'_>) -> Result<ColourSpace> {
    bits.enumeration("colour_space", |code| {
        Some(match code {
            0 => ColourSpace::Rgb,
            1 => ColourSpace::Grey,
            2 => ColourSpace::Xyb,
            3 => ColourSpace::Unknown,
            _ => return None,
        })
    })
}

fn read_white_point(bits: &mut BitReader<'_>) -> Result<WhitePoint> {
    let code = bits.enumeration("white_point", |code| matches!(code, 1 | 2 | 10 | 11).then_some(code))?;
    Ok(match code {
        1 => WhitePoint::D65,
        2 => WhitePoint::Custom(Chromaticity::read(bits)?),
        10 => WhitePoint::E,
        _ => WhitePoint::Dci,
    })
}

fn read_primaries(bits: &mut BitReader<'_>) -> Result<Primaries> {
    let code = bits.enumeration("primaries", |code| matches!(code, 1 | 2 | 9 | 11).then_some(code))?;
    Ok(match code {
        1 => Primaries::Srgb,
        2 => {
            let (red, green) = (Chromaticity::read(bits)?, Chromaticity::read(bits)?);
            Primaries::Custom([red, green, Chromaticity::read(bits)?])
        }
        9 => Primaries::Bt2100,
        _ => Primaries::P3,
    })
}

fn read_transfer_function(bits: &mut BitReader<'_>) -> Result<TransferFunction> {
    if bits.bool()? {
        let place = bits.place();
        let exponent = bits.u(24)?;
        // An exponent above 1, or below 1/8192.
        if exponent > 10_000_000 || u64::from(exponent) * 8192 < 10_000_000 {
            return Err(Invalid::Value { field: "gamma", value: exponent.into() }.at(place));
        }
        return Ok(TransferFunction::Gamma { exponent });
    }
    // 2, an unknown function, is of use only beside an ICC profile, and then it is not read.
    bits.enumeration("transfer_function", |code| {
        Some(match code {
            1 => TransferFunction::Bt709,
            8 => TransferFunction::Linear,
            13 => TransferFunction::Srgb,
            16 => TransferFunction::Pq,
            17 => TransferFunction::Dci,
            18 => TransferFunction::Hlg,
            _ => return None,
        })
    })
}
