//! How a dequantisation table is coded.

use jxlake_entropy::BitReader;

use crate::error::{Invalid, Result};
use crate::fields::Fields;
use crate::vardct::VarDctFault;
use crate::vardct::lf_global::LEAST_FACTOR;

/// Most bands of a list: their number has four bits.
pub(super) const MAX_BANDS: usize = 16;

/// Parameters of weights that depend on the distance from the lowest frequency, by channel X, Y, B. The first one is the
/// weight there; each other one says how the weight changes to the next band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bands {
    values: [[f32; MAX_BANDS]; 3],
    len: usize,
}

impl Bands {
    /// Bands of equally long lists.
    pub(super) const fn of(lists: [&[f32]; 3]) -> Self {
        let mut bands = Self { values: [[0.0; MAX_BANDS]; 3], len: lists[0].len() };
        let mut channel = 0;
        while channel < 3 {
            let mut i = 0;
            while i < bands.len {
                bands.values[channel][i] = lists[channel][i];
                i += 1;
            }
            channel += 1;
        }
        bands
    }

    /// The parameters of a channel.
    pub(super) fn channel(&self, channel: usize) -> &[f32] {
        &self.values[channel][..self.len]
    }

    fn read(bits: &mut BitReader<'_>, table: usize) -> Result<Self> {
        let mut bands = Self { values: [[0.0; MAX_BANDS]; 3], len: 1 + bits.u(4)? as usize };
        for values in &mut bands.values {
            let place = bits.place();
            bits.f16_array(&mut values[..bands.len])?;
            if values[0] < LEAST_FACTOR {
                return Err(parameter_fault(table, values[0], place));
            }
            values[0] *= 64.0;
        }
        Ok(bands)
    }
}

/// The coding of a dequantisation table; arrays of three are by channel X, Y, B. Weights are in the scale of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "seventeen of them live in a frame, and none is moved")]
pub(super) enum Encoding {
    /// The default of the table.
    Library,
    /// Weights of most, of the first and of the diagonal coefficients.
    Hornuss([[f32; 3]; 3]),
    /// Weights of the parts of the three stages.
    Dct2([[f32; 6]; 3]),
    /// Divisors of the weights of quadrant averages; bands of 4 x 4.
    Dct4([[f32; 2]; 3], Bands),
    /// Divisor of the weight of the difference of halves; bands of 4 x 8.
    Dct4x8([[f32; 1]; 3], Bands),
    /// Weights of the lowest coefficients and bands of the corner; bands of 4 x 8 and of 4 x 4.
    Afv([[f32; 9]; 3], Bands, Bands),
    /// Bands of the whole array.
    Dct(Bands),
    /// Every coefficient's own multiplier, an integer times the denominator.
    Raw {
        /// The denominator, to multiply by.
        denominator: f32,
    },
}

impl Encoding {
    /// Reads the coding of a table up to, in mode `Raw`, its samples, which are a Modular sub-bitstream that follows.
    ///
    /// # Errors
    ///
    /// [`VarDctFault::TableMode`] for modes of 8 x 8 in larger tables, [`VarDctFault::TableParameter`] for parameters
    /// below 1e-8 where that is the bound.
    pub(super) fn read(bits: &mut BitReader<'_>, table: usize) -> Result<Self> {
        let place = bits.place();
        let mode = bits.u(3)?;
        if (1..=5).contains(&mode) && !matches!(table, 0..=3 | 9 | 10) {
            let fault = VarDctFault::TableMode { table: table as u32, mode };
            return Err(Invalid::VarDct(fault).at(place));
        }
        Ok(match mode {
            0 => Self::Library,
            1 => Self::Hornuss(read_checked(bits, table)?.map(|values: [f32; 3]| values.map(|v| 64.0 * v))),
            2 => Self::Dct2(read_checked(bits, table)?.map(|values: [f32; 6]| values.map(|v| 64.0 * v))),
            3 => Self::Dct4(read_checked(bits, table)?, Bands::read(bits, table)?),
            4 => Self::Dct4x8(read_checked(bits, table)?, Bands::read(bits, table)?),
            5 => {
                let mut parameters = [[0.0; 9]; 3];
                for values in &mut parameters {
                    bits.f16_array(values)?;
                    values[..6].iter_mut().for_each(|value| *value *= 64.0);
                }
                Self::Afv(parameters, Bands::read(bits, table)?, Bands::read(bits, table)?)
            }
            6 => Self::Dct(Bands::read(bits, table)?),
            _ => {
                let place = bits.place();
                let denominator = bits.f16()?;
                if denominator < LEAST_FACTOR {
                    return Err(parameter_fault(table, denominator, place));
                }
                Self::Raw { denominator }
            }
        })
    }
}

/// Reads parameters none of which may be nearly zero.
fn read_checked<const N: usize>(bits: &mut BitReader<'_>, table: usize) -> Result<[[f32; N]; 3]> {
    let mut parameters = [[0.0; N]; 3];
    for value in parameters.iter_mut().flatten() {
        let place = bits.place();
        *value = bits.f16()?;
        if value.abs() < LEAST_FACTOR {
            return Err(parameter_fault(table, *value, place));
        }
    }
    Ok(parameters)
}

fn parameter_fault(table: usize, value: f32, place: u64) -> crate::Error {
    Invalid::VarDct(VarDctFault::TableParameter { table: table as u32, value }).at(place)
}
