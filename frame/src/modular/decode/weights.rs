//! The weights of the weighted predictor, by the sums of errors.

use std::sync::OnceLock;

use super::super::weighted::{PackedErrors, SATURATED, WeightedHeader, WeightedState, unpack, weight_of};

/// Sums of errors whose weights are in the table; of images with 8 bits hardly any is above.
const TABLE_SIZE: usize = 2048;

/// The weights of the sub-predictors by the sums of their errors. There is one table for each parameter, which all share.
#[derive(Debug)]
pub(crate) struct WeightTable {
    w: [u32; 4],
    weights: [&'static [u32; TABLE_SIZE]; 4],
}

impl Default for WeightTable {
    fn default() -> Self {
        /// All weights of w = 0 are 4.
        static OF_ZERO: [u32; TABLE_SIZE] = [4; TABLE_SIZE];
        Self { w: [0; 4], weights: [&OF_ZERO; 4] }
    }
}

/// The table for a parameter, which has four bits.
fn weights_of(w: u32) -> &'static [u32; TABLE_SIZE] {
    static TABLES: [OnceLock<Box<[u32; TABLE_SIZE]>>; 16] = [const { OnceLock::new() }; 16];
    TABLES[w as usize & 15].get_or_init(|| {
        let mut table = Box::new([0; TABLE_SIZE]);
        for (errors, weight) in table.iter_mut().enumerate() {
            *weight = weight_of(errors as u32, w);
        }
        table
    })
}

impl WeightTable {
    /// Takes the tables for the parameters of `header`, if it has others.
    pub(crate) fn prepare(&mut self, header: &WeightedHeader) {
        if self.w != header.w {
            *self = Self { w: header.w, weights: header.w.map(weights_of) };
        }
    }

    /// The weights for packed sums of errors, if all are in the table.
    #[inline(always)]
    pub(crate) fn weights(&self, sums: PackedErrors) -> Option<[u32; 4]> {
        const BEYOND: u64 = 0x0001_0001_0001_0001 * (0x10000 - TABLE_SIZE as u64);
        if sums & BEYOND != 0 {
            return None;
        }
        let at = |place: usize| self.weights[place][(sums >> (16 * place)) as usize % TABLE_SIZE];
        Some([at(0), at(1), at(2), at(3)])
    }

    /// The weights for any sums: at column `x` of `state`, given the errors of the two columns before and the sums of all
    /// but those of the first.
    #[inline(never)]
    pub(crate) fn weights_beyond(
        &self,
        others: PackedErrors,
        state: &WeightedState,
        (x, packed_w, packed_ww): (usize, PackedErrors, PackedErrors),
    ) -> [u32; 4] {
        let (others, errors_w) = (unpack(others), unpack(packed_w));
        // Only sums as large as that can have a saturated part.
        let sums = match others.iter().chain(&errors_w).any(|&error| error >= SATURATED) {
            true => state.errors_around(x, packed_w, packed_ww),
            false => [0, 1, 2, 3].map(|i| errors_w[i] + others[i]),
        };
        [0, 1, 2, 3].map(|i| weight_of(sums[i], self.w[i]))
    }
}
