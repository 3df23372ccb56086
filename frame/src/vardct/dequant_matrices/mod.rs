//! Dequantisation matrices: what quantised HF coefficients are multiplied by.

mod defaults;
mod encoding;
mod expansion;
#[cfg(test)]
mod selfcheck;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use jxlake_entropy::BitReader;
use jxlake_util::{Buffer, Lease, Pool, Purpose, Release};

use crate::error::{Error, Result};
use crate::fields::Fields;
use defaults::DEFAULTS;
use encoding::Encoding;
use expansion::{expand, invert};

/// How many tables there are.
pub(super) const TABLES: usize = 17;

/// Rows and columns of the matrices of each table, which are stored arrays of coefficients.
const TABLE_SHAPES: [(usize, usize); TABLES] = [
    (8, 8),
    (8, 8),
    (8, 8),
    (8, 8),
    (16, 16),
    (32, 32),
    (8, 16),
    (8, 32),
    (16, 32),
    (8, 8),
    (8, 8),
    (64, 64),
    (32, 64),
    (128, 128),
    (64, 128),
    (256, 256),
    (128, 256),
];

static LIBRARY: [OnceLock<Vec<f32>>; TABLES] = [const { OnceLock::new() }; TABLES];

/// The default matrices of a table, computed when somebody first asks.
fn library(table: usize) -> &'static [f32] {
    LIBRARY[table].get_or_init(|| {
        let (rows, cols) = TABLE_SHAPES[table];
        let mut multipliers = vec![0.0; 3 * rows * cols];
        // The default parameters break no rule.
        let _ = expand(table, &DEFAULTS[table], &mut multipliers);
        multipliers
    })
}

/// Reads the samples of a table in mode `Raw`: the Modular sub-bitstream that follows in the bit stream.
pub(super) trait RawTables {
    /// Fills `samples` with the three channels, each of `size` (width, height) samples row by row.
    fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        table: usize,
        size: (usize, usize),
        samples: &mut [i32],
    ) -> Result<()>;
}

/// The dequantisation matrices of a frame.
#[derive(Default)]
pub(super) struct DequantMatrices {
    tables: [Table; TABLES],
}

#[derive(Default)]
struct Table {
    /// `None` for the default.
    encoding: Option<Encoding>,
    /// Samples of mode `Raw`: three channels.
    raw: Option<Lease<Buffer<i32>>>,
    /// Multipliers of the three channels if the table is not the default and the frame uses it.
    multipliers: Option<Lease<Buffer<f32>>>,
}

impl DequantMatrices {
    /// Reads the tables of a frame in place of those of the frame before.
    ///
    /// # Errors
    ///
    /// Broken rules of the coding (weights are looked at by [`prepare`](Self::prepare)), what `raw_tables` gives, and
    /// samples of mode `Raw` that are not positive.
    pub(super) fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        pool: &Pool,
        raw_tables: &mut impl RawTables,
    ) -> Result<()> {
        self.clear();
        if bits.bool()? {
            return Ok(());
        }
        for (number, table) in self.tables.iter_mut().enumerate() {
            let encoding = Encoding::read(bits, number)?;
            table.encoding = (encoding != Encoding::Library).then_some(encoding);
            if let Encoding::Raw { .. } = encoding {
                let (rows, cols) = TABLE_SHAPES[number];
                let mut raw = pool.buffer(Purpose::Metadata, 3 * rows * cols)?;
                // The image is as wide as the matrix has rows; its samples in raster order are those of the matrix.
                raw_tables.read(bits, number, (rows, cols), &mut raw)?;
                if raw.iter().any(|sample| *sample <= 0) {
                    return Err(
                        super::VarDctFault::TableParameter { table: number as u32, value: 0.0 }.into()
                    );
                }
                table.raw = Some(raw);
            }
        }
        Ok(())
    }

    /// Computes the matrices of the tables in the bit set `used`.
    ///
    /// # Errors
    ///
    /// [`VarDctFault::TableParameter`](super::VarDctFault) and [`VarDctFault::TableWeight`](super::VarDctFault) for bands
    /// and weights out of range.
    pub(super) fn prepare(&mut self, used: u32, pool: &Pool) -> Result<()> {
        for (number, table) in
            self.tables.iter_mut().enumerate().filter(|(number, _)| used >> number & 1 != 0)
        {
            let Some(encoding) = &table.encoding else {
                library(number);
                continue;
            };
            let (rows, cols) = TABLE_SHAPES[number];
            let mut multipliers = pool.buffer(Purpose::Metadata, 3 * rows * cols)?;
            match (encoding, &table.raw) {
                (Encoding::Raw { denominator }, Some(raw)) => {
                    let weights =
                        raw.iter().map(|sample| 1.0 / (f64::from(*denominator) * f64::from(*sample)));
                    invert(number, weights, &mut multipliers)?;
                }
                _ => expand(number, encoding, &mut multipliers)?,
            }
            table.multipliers = Some(multipliers);
        }
        Ok(())
    }

    /// The matrices of a table, for X, Y and B, by stored index.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the table is coded and was not prepared.
    pub(super) fn get(&self, table: usize) -> Result<[&[f32]; 3]> {
        let multipliers = match &self.tables[table] {
            Table { multipliers: Some(multipliers), .. } => multipliers,
            Table { encoding: None, .. } => library(table),
            _ => return Err(Error::Misuse("a dequantisation table that was not prepared")),
        };
        let (rows, cols) = TABLE_SHAPES[table];
        let (x, rest) = multipliers.split_at(rows * cols);
        let (y, b) = rest.split_at(rows * cols);
        Ok([x, y, b])
    }

    /// Denominator and samples of a table if it is in mode `Raw`; the samples of X, Y and B follow each other.
    pub(super) fn raw(&self, table: usize) -> Option<(f32, &[i32])> {
        match (&self.tables[table].encoding, &self.tables[table].raw) {
            (Some(Encoding::Raw { denominator }), Some(raw)) => Some((*denominator, raw)),
            _ => None,
        }
    }

    /// Back to the defaults; gives the leases back.
    pub(super) fn clear(&mut self) {
        self.tables = Default::default();
    }
}

impl Release for DequantMatrices {}
