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

#[cfg(test)]
pub(crate) mod tests {
    use jxlake_entropy::test_support::{BitWriter, BundleWriter, Item, Kind, Random};
    use jxlake_entropy::{BundleLimits, Codes, Lz77, Lz77Window};

    use super::*;
    use crate::Error;

    /// The stream of a permutation with these Lehmer codes from the element `skip` on.
    pub(crate) fn items(size: u32, codes: &[u32]) -> Vec<Item> {
        let count = Item::literal(context(size), codes.len() as u32);
        let previous = [0].iter().chain(codes);
        let codes =
            codes.iter().zip(previous).map(|(&code, &previous)| Item::literal(context(previous), code));
        core::iter::once(count).chain(codes).collect()
    }

    fn written(items: &[Item], kind: Kind) -> Vec<u8> {
        let bundle = BundleWriter::fitting(PERMUTATION_CONTEXTS, items, kind);
        let mut writer = BitWriter::new();
        bundle.write(&mut writer);
        bundle.write_stream(&mut writer, items);
        writer.into_bytes()
    }

    fn read(bytes: &[u8], size: u32, skip: u32, permutation: &mut Permutation) -> Result<()> {
        let (mut codes, mut window, mut bits) = (Codes::new(), Lz77Window::default(), BitReader::new(bytes));
        codes.read(&mut bits, PERMUTATION_CONTEXTS, Lz77::Allowed, &BundleLimits::default())?;
        let mut symbols = SymbolReader::new(&codes, &mut bits, 0, u64::from(size) + 1, &mut window)?;
        permutation.read(&mut bits, &mut symbols, size, skip)?;
        Ok(symbols.finish(&bits)?)
    }

    #[test]
    fn an_example() {
        let mut permutation = Permutation::default();
        read(&written(&items(5, &[2, 3]), Kind::Prefix), 5, 0, &mut permutation).unwrap();
        assert_eq!(permutation.order(), [2, 4, 0, 1, 3]);
    }

    #[test]
    fn codes_give_what_removal_from_a_list_gives() {
        let mut random = Random::new(1);
        let mut permutation = Permutation::default();
        for round in 0..400 {
            let size = 1 + random.of_bits(11);
            let skip = if random.one_in(2) { size / 64 } else { random.below(size as usize + 1) as u32 };
            let count = random.below((size - skip) as usize + 1) as u32;
            let codes: Vec<u32> =
                (0..count).map(|i| random.below((size - skip - i) as usize) as u32).collect();
            let mut left: Vec<u32> = (0..size).collect();
            let mut expected: Vec<u32> = left.drain(..skip as usize).collect();
            expected.extend(codes.iter().map(|&code| left.remove(code as usize)).collect::<Vec<_>>());
            expected.extend(left);
            let kind = if round % 2 == 0 { Kind::Prefix } else { Kind::Ans(8) };
            read(&written(&items(size, &codes), kind), size, skip, &mut permutation).unwrap();
            assert_eq!(permutation.order(), expected);
        }
    }

    #[test]
    fn codes_beyond_what_is_left_are_refused() {
        let error = |size, skip, codes: &[u32]| {
            read(&written(&items(size, codes), Kind::Prefix), size, skip, &mut Permutation::default())
                .unwrap_err()
        };
        let fault = |error| match error {
            Error::Invalid { what: Invalid::Permutation { value, bound }, .. } => (value, bound),
            other => panic!("{other:?}"),
        };
        assert_eq!(fault(error(5, 0, &[0; 6])), (6, 5));
        assert_eq!(fault(error(64, 1, &[0; 64])), (64, 63));
        assert_eq!(fault(error(5, 0, &[5])), (5, 4));
        assert_eq!(fault(error(5, 0, &[4, 3, 2, 2])), (2, 1));
        assert_eq!(fault(error(64, 1, &[63])), (63, 62));
    }

    #[test]
    fn cut_streams_are_truncated() {
        let bytes = written(&items(300, &[250, 3, 100, 7, 0, 290, 17]), Kind::Ans(8));
        for end in 0..bytes.len() {
            let error = read(&bytes[..end], 300, 0, &mut Permutation::default()).unwrap_err();
            assert_eq!(error, Error::Truncated { needed: Some(end as u64 + 1) }, "{end} of {}", bytes.len());
        }
    }

    #[test]
    fn a_permutation_of_65536_elements_is_no_work() {
        // Always the last of those that are left: the worst for removal from a list.
        let size = 65536;
        let codes: Vec<u32> = (0..size).map(|i| size - 1 - i).collect();
        let mut permutation = Permutation::default();
        read(&written(&items(size, &codes), Kind::Prefix), size, 0, &mut permutation).unwrap();
        assert!(permutation.order().iter().rev().eq(&(0..size).collect::<Vec<_>>()));
    }
}
