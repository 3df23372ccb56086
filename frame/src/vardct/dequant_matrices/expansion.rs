//! From the parameters of a dequantisation table to its multipliers.

use core::f64::consts::SQRT_2;

use super::TABLE_SHAPES;
use super::encoding::{Bands, Encoding, MAX_BANDS};
use crate::error::Result;
use crate::vardct::VarDctFault;
use crate::vardct::lf_global::LEAST_FACTOR;

/// Weights must be below this.
const WEIGHT_BOUND: f64 = 1e8;

/// The weights of a table of 8 x 8.
type Weights = [[f64; 8]; 8];

/// Writes the multipliers (inverse weights) of a table that is neither `Library` nor `Raw`: three matrices, for X, Y, B,
/// one after the other.
///
/// # Errors
///
/// [`VarDctFault::TableParameter`] for bands below 1e-8, [`VarDctFault::TableWeight`] for weights outside 1e-8 to 1e8.
pub(super) fn expand(table: usize, encoding: &Encoding, multipliers: &mut [f32]) -> Result<()> {
    let (rows, cols) = TABLE_SHAPES[table];
    let distances = |bands: &Bands, channel: usize, rows, cols| {
        DistanceWeights::new(table, bands.channel(channel).iter().map(|v| f64::from(*v)), rows, cols)
    };
    for (channel, multipliers) in multipliers.chunks_exact_mut(rows * cols).enumerate() {
        let weights = match encoding {
            Encoding::Library | Encoding::Raw { .. } => continue,
            Encoding::Dct(bands) => {
                let weights = distances(bands, channel, rows, cols)?;
                for (y, row) in multipliers.chunks_exact_mut(cols).enumerate() {
                    invert(table, (0..cols).map(|x| weights.at(y, x)), row)?;
                }
                continue;
            }
            Encoding::Hornuss(parameters) => hornuss(parameters[channel].map(f64::from)),
            Encoding::Dct2(parameters) => dct_2(parameters[channel].map(f64::from)),
            Encoding::Dct4(divisors, bands) => {
                dct_4(divisors[channel].map(f64::from), &distances(bands, channel, 4, 4)?)
            }
            Encoding::Dct4x8(divisors, bands) => {
                dct_4x8(divisors[channel].map(f64::from), &distances(bands, channel, 4, 8)?)
            }
            Encoding::Afv(parameters, bands_4x8, bands_4x4) => {
                let parameters = parameters[channel].map(f64::from);
                let corner = geometric_bands(table, parameters[5..].iter().copied())?;
                let (beside, other_half) =
                    (distances(bands_4x4, channel, 4, 4)?, distances(bands_4x8, channel, 4, 8)?);
                afv(parameters, corner, &beside, &other_half)
            }
        };
        invert(table, weights.into_iter().flatten(), multipliers)?;
    }
    Ok(())
}

/// Writes the inverses of weights, which must be in range.
pub(super) fn invert(
    table: usize,
    weights: impl Iterator<Item = f64>,
    multipliers: &mut [f32],
) -> Result<()> {
    let mut in_range = true;
    for (multiplier, weight) in multipliers.iter_mut().zip(weights) {
        in_range &= weight >= f64::from(LEAST_FACTOR) && weight < WEIGHT_BOUND;
        *multiplier = (1.0 / weight) as f32;
    }
    if in_range { Ok(()) } else { Err(VarDctFault::TableWeight { table: table as u32 }.into()) }
}

/// The bands of a list of parameters: the first as it is, each other one the one before times `1 + v` or `1 / (1 - v)`.
fn geometric_bands(table: usize, parameters: impl Iterator<Item = f64>) -> Result<[f64; MAX_BANDS]> {
    let mut bands = [1.0; MAX_BANDS];
    let mut band = 1.0;
    for (i, (slot, v)) in bands.iter_mut().zip(parameters).enumerate() {
        band *= match v {
            _ if i == 0 => v,
            _ if v > 0.0 => 1.0 + v,
            _ => 1.0 / (1.0 - v),
        };
        if band < f64::from(LEAST_FACTOR) {
            return Err(VarDctFault::TableParameter { table: table as u32, value: v as f32 }.into());
        }
        *slot = band;
    }
    Ok(bands)
}

/// The weight at a place between bands, on the geometric mean of its neighbours.
fn interpolate(bands: &[f64; MAX_BANDS], len: usize, place: f64) -> f64 {
    let band = (place as usize).min(len - 2);
    bands[band] * (bands[band + 1] / bands[band]).powf(place - band as f64)
}

/// Weights that depend on the distance from the lowest frequency.
struct DistanceWeights {
    bands: [f64; MAX_BANDS],
    len: usize,
    /// Band places per row and per column.
    steps: (f64, f64),
}

impl DistanceWeights {
    fn new(
        table: usize,
        parameters: impl ExactSizeIterator<Item = f64>,
        rows: usize,
        cols: usize,
    ) -> Result<Self> {
        let len = parameters.len();
        // The small term keeps the far corner inside the last band.
        let scale = (len - 1) as f64 / (SQRT_2 + 1e-6);
        let steps = (scale / (rows - 1) as f64, scale / (cols - 1) as f64);
        Ok(Self { bands: geometric_bands(table, parameters)?, len, steps })
    }

    fn at(&self, y: usize, x: usize) -> f64 {
        if self.len == 1 {
            return self.bands[0];
        }
        let (dy, dx) = (y as f64 * self.steps.0, x as f64 * self.steps.1);
        interpolate(&self.bands, self.len, (dx * dx + dy * dy).sqrt())
    }
}

fn hornuss([most, first, diagonal]: [f64; 3]) -> Weights {
    let mut weights = [[most; 8]; 8];
    weights[0][1] = first;
    weights[1][0] = first;
    weights[1][1] = diagonal;
    weights
}

/// Each stage has a weight beside and below its corner and one on the diagonal.
fn dct_2(parameters: [f64; 6]) -> Weights {
    let mut weights = [[1.0; 8]; 8];
    for (y, row) in weights.iter_mut().enumerate() {
        for (x, weight) in row.iter_mut().enumerate() {
            let stage = match x.max(y) {
                0 => continue,
                1 => 0,
                2..=3 => 1,
                _ => 2,
            };
            let diagonal = x.min(y) >> stage != 0;
            *weight = parameters[2 * stage + usize::from(diagonal)];
        }
    }
    weights
}

fn dct_4(divisors: [f64; 2], distances: &DistanceWeights) -> Weights {
    let mut weights = [[0.0; 8]; 8];
    for (y, row) in weights.iter_mut().enumerate() {
        for (x, weight) in row.iter_mut().enumerate() {
            *weight = distances.at(y / 2, x / 2);
        }
    }
    weights[0][1] /= divisors[0];
    weights[1][0] /= divisors[0];
    weights[1][1] /= divisors[1];
    weights
}

fn dct_4x8([divisor]: [f64; 1], distances: &DistanceWeights) -> Weights {
    let mut weights = [[0.0; 8]; 8];
    for (y, row) in weights.iter_mut().enumerate() {
        for (x, weight) in row.iter_mut().enumerate() {
            *weight = distances.at(y / 2, x);
        }
    }
    weights[1][0] /= divisor;
    weights
}

/// Frequencies of the AFV basis functions, by row and column of 4 x 4. Those of the first two rows and columns that have
/// weights of their own are not used.
const AFV_FREQUENCIES: [[f64; 4]; 4] = [
    [0.0, 0.0, 0.8517778890324296, 5.37778436506804],
    [0.0, 0.0, 4.734747904497923, 5.449245381693219],
    [1.6598270267479331, 4.0, 7.275749096817861, 10.423227632456525],
    [2.662932286148962, 7.630657783650829, 8.962388608184032, 12.97166202570235],
];

fn afv(
    parameters: [f64; 9],
    corner: [f64; MAX_BANDS],
    beside: &DistanceWeights,
    other_half: &DistanceWeights,
) -> Weights {
    let lowest = AFV_FREQUENCIES[0][2];
    let range = AFV_FREQUENCIES[3][3] - lowest + 1e-6;
    let mut weights = [[1.0; 8]; 8];
    for r in 0..4 {
        for x in 0..8 {
            weights[2 * r + 1][x] = other_half.at(r, x);
        }
        for s in 0..4 {
            weights[2 * r][2 * s + 1] = beside.at(r, s);
            if r >= 2 || s >= 2 {
                let place = 3.0 * (AFV_FREQUENCIES[r][s] - lowest) / range;
                weights[2 * r][2 * s] = interpolate(&corner, 4, place);
            }
        }
    }
    weights[1][0] = parameters[0];
    weights[0][1] = parameters[1];
    weights[2][0] = parameters[2];
    weights[0][2] = parameters[3];
    weights[2][2] = parameters[4];
    weights
}
