//! The orders in which the coefficients of a varblock are coded.

use std::sync::OnceLock;

use jxlake_entropy::{BitReader, BundleLimits, Codes, Lz77, Lz77Window, SymbolReader};
use jxlake_util::Pool;

use super::TransformType;
use super::lf_global::ORDERS;
use super::transforms::Extent;
use crate::error::Result;
use crate::fields::{Fields, c, u};
use crate::permutation::{PERMUTATION_CONTEXTS, Permutation};

/// Rows and columns of the stored arrays that the orders belong to.
pub(super) const SHAPES: [(usize, usize); ORDERS] = [
    (8, 8),
    (8, 8),
    (16, 16),
    (32, 32),
    (8, 16),
    (8, 32),
    (16, 32),
    (64, 64),
    (32, 64),
    (128, 128),
    (64, 128),
    (256, 256),
    (128, 256),
];

/// The extents of the first 1, 2, … 64 steps of an order, a step being as many positions as there are blocks.
pub(super) type Extents = [Extent; 64];

/// An order: the stored indices of coefficients, the lowest frequencies first.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// By position.
    pub(super) indices: &'a [u16],
    /// By position over blocks.
    pub(super) extents: &'a Extents,
}

struct NaturalOrder {
    indices: Vec<u16>,
    extents: Extents,
}

static NATURAL_ORDERS: [OnceLock<NaturalOrder>; ORDERS] = [const { OnceLock::new() }; ORDERS];

fn natural_order(order: usize) -> &'static NaturalOrder {
    NATURAL_ORDERS[order].get_or_init(|| {
        let (rows, cols) = SHAPES[order];
        let mut indices = Vec::with_capacity(rows * cols);
        natural_indices(rows, cols, &mut indices);
        let extents = extents_of(&indices, cols);
        NaturalOrder { indices, extents }
    })
}

/// Appends the natural order of a stored array: first the lowest frequencies row by row, then a zigzag over the array
/// stretched to a square.
fn natural_indices(rows: usize, cols: usize, indices: &mut Vec<u16>) {
    let (llf_rows, llf_cols) = (rows / 8, cols / 8);
    let stretch = cols / rows;
    for row in 0..llf_rows {
        indices.extend((0..llf_cols).map(|col| (row * cols + col) as u16));
    }
    for diagonal in 0..2 * cols - 1 {
        let (first, last) = (diagonal.saturating_sub(cols - 1), diagonal.min(cols - 1));
        for step in 0..=last - first {
            let col = if diagonal % 2 == 0 { first + step } else { last - step };
            let row = (diagonal - col) / stretch;
            let lowest = row < llf_rows && col < llf_cols;
            if (diagonal - col).is_multiple_of(stretch) && !lowest {
                indices.push((row * cols + col) as u16);
            }
        }
    }
}

fn extents_of(indices: &[u16], cols: usize) -> Extents {
    let mut extents = [Extent::default(); 64];
    let mut so_far = Extent::default();
    for (extent, step) in extents.iter_mut().zip(indices.chunks_exact(indices.len() / 64)) {
        for index in step {
            let (row, col) = (*index as usize / cols, *index as usize % cols);
            so_far = so_far.union(Extent { rows: (row / 8 + 1) as u8, cols: (col / 8 + 1) as u8 });
        }
        *extent = so_far;
    }
    extents
}

/// What orders are read with; kept for its storage.
#[derive(Debug, Default)]
pub(super) struct OrderReader {
    codes: Codes,
    window: Lz77Window,
    permutation: Permutation,
}

impl OrderReader {
    /// Takes memory from `pool` from now on.
    pub(super) fn use_pool(&mut self, pool: &Pool) {
        self.window.use_pool(pool);
    }

    /// Gives the window back: nobody needs it while groups are decoded.
    pub(super) fn give_back(&mut self) {
        self.window.release();
    }
}

/// The coefficient orders of a pass.
#[derive(Default)]
pub(super) struct CoefficientOrders {
    /// Where coded orders begin in `indices`, and which extents are theirs; by order, then by channel X, Y, B.
    coded: [Option<[CodedOrder; 3]>; ORDERS],
    indices: Vec<u16>,
    extents: Vec<Extents>,
}

#[derive(Clone, Copy)]
struct CodedOrder {
    first: usize,
    extents: usize,
}

impl CoefficientOrders {
    /// Reads the orders of a pass into the storage of those before. Orders not in the bit set `used` are checked but not
    /// kept.
    ///
    /// # Errors
    ///
    /// What permutations and entropy-coded streams give.
    pub(super) fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        reader: &mut OrderReader,
        used: u32,
    ) -> Result<()> {
        self.coded = [None; ORDERS];
        self.indices.clear();
        self.extents.clear();
        let coded = bits.u32([c(0x5f), c(0x13), c(0), u(13)])?;
        if coded == 0 {
            return Ok(());
        }
        let OrderReader { codes, window, permutation } = reader;
        codes.read(bits, PERMUTATION_CONTEXTS, Lz77::Allowed, &BundleLimits::default())?;
        let coded = || SHAPES.iter().enumerate().filter(move |(order, _)| coded >> order & 1 != 0);
        let to_come = 3 * coded().map(|(_, (rows, cols))| 1 + rows * cols).sum::<usize>();
        let mut symbols = SymbolReader::new(codes, bits, 0, to_come as u64, window)?;
        for (order, &(rows, cols)) in coded() {
            let size = rows * cols;
            let mut channels = [CodedOrder { first: 0, extents: 0 }; 3];
            for channel in &mut channels {
                permutation.read(bits, &mut symbols, size as u32, size as u32 / 64)?;
                if used >> order & 1 != 0 {
                    let first = self.indices.len();
                    let natural = &natural_order(order).indices;
                    self.indices
                        .extend(permutation.order().iter().map(|position| natural[*position as usize]));
                    *channel = CodedOrder { first, extents: self.extents.len() };
                    self.extents.push(extents_of(&self.indices[first..], cols));
                }
            }
            self.coded[order] = (used >> order & 1 != 0).then_some(channels);
        }
        Ok(symbols.finish(bits)?)
    }

    /// Makes the order of 8 x 8 coefficients lead to `places` instead of stored indices: coefficients are then stored at
    /// `places[index]`.
    pub(super) fn rearrange_8x8(&mut self, places: &[u8; 64]) {
        let first = self.indices.len();
        for channel in 0..3 {
            for position in 0..64 {
                let index = self.get(0, channel).indices[position];
                self.indices.push(places[usize::from(index) & 63].into());
            }
        }
        let extents = self.extents.len();
        self.extents.push([Extent::lowest(TransformType::Dct8x8); 64]);
        self.coded[0] = Some([0, 1, 2].map(|channel| CodedOrder { first: first + 64 * channel, extents }));
    }

    /// The order of a channel, 0 to 2; an order that was not kept is the natural one.
    #[inline(always)]
    pub(super) fn get(&self, order: usize, channel: usize) -> Order<'_> {
        match &self.coded[order] {
            Some(channels) => {
                let CodedOrder { first, extents } = channels[channel];
                let (rows, cols) = SHAPES[order];
                Order { indices: &self.indices[first..][..rows * cols], extents: &self.extents[extents] }
            }
            None => {
                let natural = natural_order(order);
                Order { indices: &natural.indices, extents: &natural.extents }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vardct::natural_order_selfcheck::SELFCHECK;
    use crate::vardct::test_support::BitWriter;

    #[test]
    fn natural_orders_have_the_checksums_of_the_reference() {
        for (order, line) in SELFCHECK.into_iter().enumerate() {
            let (rows, cols) = SHAPES[order];
            assert_eq!(line[..3], [order as u32, rows as u32, cols as u32]);
            let o = &natural_order(order).indices;
            let n = rows * cols;
            let sum = (1..).zip(o).fold(0u32, |sum, (k, index)| sum.wrapping_add(k * u32::from(*index)));
            assert_eq!(sum, line[3]);
            let places = (n / 64 - 1..n / 64 + 8).chain([n / 2, n - 2, n - 1]);
            let entries: Vec<u32> = places.map(|k| o[k].into()).collect();
            assert_eq!(entries, line[4..]);
            let mut sorted = o.clone();
            sorted.sort_unstable();
            assert!(sorted.iter().enumerate().all(|(i, index)| i == *index as usize));
        }
    }

    #[test]
    fn shapes_are_those_of_the_types() {
        for ty in TransformType::ALL {
            assert_eq!(SHAPES[ty.order()], (ty.stored_rows(), ty.stored_cols()));
        }
    }

    #[test]
    fn extents_hold_all_positions_so_far() {
        for ty in TransformType::ALL {
            let NaturalOrder { indices, extents } = natural_order(ty.order());
            for (position, index) in indices.iter().enumerate() {
                let extent = extents[position >> ty.log_blocks()];
                let (row, col) = (*index as usize / ty.stored_cols(), *index as usize % ty.stored_cols());
                assert!(row < 8 * extent.rows as usize && col < 8 * extent.cols as usize);
            }
            assert_eq!(extents[63], Extent::full(ty));
        }
    }

    #[test]
    fn orders_not_coded_are_natural() {
        let mut orders = CoefficientOrders::default();
        // The third choice: no order is coded.
        orders.read(&mut BitReader::new(&[2]), &mut OrderReader::default(), 0x1fff).unwrap();
        assert_eq!(orders.get(2, 1).indices, natural_order(2).indices);
    }

    #[test]
    fn a_coded_order_permutes_the_natural_one() {
        // Order 0 alone; prefix codes, all contexts in one cluster, four symbols of two bits: 0, 1, 2, 3.
        let mut bits = BitWriter::new();
        bits.write(3, 2).write(1, 13);
        bits.write(0, 1); // no LZ77
        bits.write(1, 1).write(0, 2); // simple context map, one cluster
        bits.write(1, 1).write(4, 4).write(0, 3).write(0, 3); // prefix code; split exponent 4, no bits in the token
        bits.write(1, 1).write(1, 4).write(1, 1); // alphabet of 4
        bits.write(1, 2).write(3, 2); // simple code of four symbols
        for symbol in 0..4 {
            bits.write(symbol, 2);
        }
        bits.write(0, 1); // all of two bits
        // Codes are read from the most significant bit: 1 is 10, 2 is 01.
        let reversed = [0, 2, 1, 3];
        for channel in [[2, 1, 2], [3, 2, 1], [0, 0, 0]] {
            // The count, then as many Lehmer codes.
            bits.write(reversed[channel[0]], 2);
            for code in &channel[1..=channel[0].min(2)] {
                bits.write(reversed[*code], 2);
            }
            if channel[0] == 3 {
                bits.write(reversed[1], 2);
            }
        }
        let data = bits.finish();
        let mut orders = CoefficientOrders::default();
        orders.read(&mut BitReader::new(&data), &mut OrderReader::default(), 1).unwrap();
        // Natural: 0 | 1 8 16 9 2 3 …
        assert_eq!(orders.get(0, 0).indices[..6], [0, 8, 9, 1, 16, 2]);
        assert_eq!(orders.get(0, 1).indices[..6], [0, 16, 8, 9, 1, 2]);
        assert_eq!(orders.get(0, 2).indices, natural_order(0).indices);
        orders.rearrange_8x8(&std::array::from_fn(|index| 63 - index as u8));
        assert_eq!(orders.get(0, 0).indices[..6], [63, 55, 54, 62, 47, 61]);
        assert_eq!(orders.get(0, 1).indices[..6], [63, 47, 55, 54, 62, 61]);
        assert_eq!(orders.get(0, 2).indices.len(), 64);
        // Orders that nobody uses are read over.
        orders.read(&mut BitReader::new(&data), &mut OrderReader::default(), 2).unwrap();
        assert_eq!(orders.get(0, 0).indices, natural_order(0).indices);
    }
}
