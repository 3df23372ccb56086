//! Permutations coded as Lehmer codes: of the sections of a frame, and of coefficient orders.

use jxlake_entropy::{BitReader, SymbolReader};

use crate::error::{Invalid, Result};

/// The number of contexts that the symbols of permutations have.
pub const PERMUTATION_CONTEXTS: usize = 8;

/// A permutation, read into storage that is kept.
#[derive(Debug, Clone, Default)]
pub struct Permutation {
    order: Vec<u32>,
    /// A Fenwick tree over the elements that are left: entry `i` counts those among the last `i & -i` before `i`.
    tree: Vec<u32>,
    taken: Vec<bool>,
}

impl Permutation {
    /// The permutation that was read last: element `i` goes to the place `i` of the new order.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Reads a permutation of `size` elements of which the first `skip` stay where they are; `symbols` is a stream of
    /// [`PERMUTATION_CONTEXTS`] contexts.
    ///
    /// # Errors
    ///
    /// [`Invalid::Permutation`] if the code names more elements than there are, and what the stream's own checks find.
    pub fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        symbols: &mut SymbolReader<'_>,
        size: u32,
        skip: u32,
    ) -> Result<()> {
        self.order.clear();
        let left = size.saturating_sub(skip);
        let count = symbols.read(bits, context(size));
        // The zeros that come after the end of the input must not be judged.
        symbols.check(bits)?;
        if count > left {
            return Err(Invalid::Permutation { value: count, bound: left }.at(bits.position()));
        }
        self.order.extend(0..size - left);
        self.fill(left);
        let mut previous = 0;
        for i in 0..count {
            let code = symbols.read(bits, context(previous));
            symbols.check(bits)?;
            let bound = left - i - 1;
            if code > bound {
                return Err(Invalid::Permutation { value: code, bound }.at(bits.position()));
            }
            let element = self.take(code);
            self.order.push(skip + element);
            previous = code;
        }
        let rest = self.taken.iter().zip(skip..).filter(|&(&taken, _)| !taken).map(|(_, element)| element);
        self.order.extend(rest);
        Ok(())
    }

    /// Makes `size` elements available.
    fn fill(&mut self, size: u32) {
        self.tree.clear();
        self.tree.extend((0..=size).map(|i| i & i.wrapping_neg()));
        self.taken.clear();
        self.taken.resize(size as usize, false);
    }

    /// Removes the element that has `before` others before it.
    fn take(&mut self, mut before: u32) -> u32 {
        let mut element = 0;
        let mut step = self.taken.len().checked_ilog2().map_or(0, |log| 1 << log);
        while step > 0 {
            // The nodes that are not passed are just those that count the element.
            match self.tree.get_mut(element + step) {
                Some(node) if *node <= before => {
                    before -= *node;
                    element += step;
                }
                Some(node) => *node -= 1,
                None => {}
            }
            step /= 2;
        }
        self.taken[element] = true;
        element as u32
    }
}

/// The context of a number that follows `value`: its length in bits, at most 7.
fn context(value: u32) -> usize {
    (u32::BITS - value.leading_zeros()).min(7) as usize
}
