//! The contexts of HF coefficients.

use super::zero_density::{BY_COUNT, BY_POSITION};

/// Contexts of the numbers of non-zeros, for each block context.
const COUNT_CONTEXTS: usize = 37;

/// Contexts of coefficients, for each block context.
const COEFFICIENT_CONTEXTS: usize = 458;

/// How many contexts a set of histograms has.
pub(super) fn contexts_per_preset(num_block_contexts: usize) -> usize {
    (COUNT_CONTEXTS + COEFFICIENT_CONTEXTS) * num_block_contexts
}

/// Entries of a window on the clusters of coefficients. Contexts are below 474, and in valid streams below 458.
pub(super) const WINDOW: usize = 512;

/// The clusters of the contexts of one set of histograms.
pub(super) struct HfClusters<'a> {
    counts: &'a [u8],
    coefficients: &'a [u8],
    num_block_contexts: usize,
    /// The window of the last block context, which would reach beyond the map.
    last: [u8; WINDOW],
}

impl<'a> HfClusters<'a> {
    /// The clusters of set `preset` in the map of a pass, which has that set.
    pub(super) fn new(context_map: &'a [u8], preset: usize, num_block_contexts: usize) -> Self {
        let len = contexts_per_preset(num_block_contexts);
        let set = &context_map[preset * len..][..len];
        let (counts, coefficients) = set.split_at(COUNT_CONTEXTS * num_block_contexts);
        let mut last = [0; WINDOW];
        last[..COEFFICIENT_CONTEXTS]
            .copy_from_slice(&coefficients[coefficients.len() - COEFFICIENT_CONTEXTS..]);
        Self { counts, coefficients, num_block_contexts, last }
    }

    /// The cluster of the number of non-zeros of a block.
    #[inline(always)]
    pub(super) fn count(&self, predicted: u32, block_context: usize) -> usize {
        let bucket = if predicted < 8 { predicted } else { 4 + predicted.min(64) / 2 };
        self.counts[bucket as usize * self.num_block_contexts + block_context].into()
    }

    /// The clusters of the coefficients of a block, by [`position_context`] plus [`count_context`] plus 1 if the
    /// coefficient before is not zero.
    #[inline(always)]
    pub(super) fn coefficients(&self, block_context: usize) -> &[u8; WINDOW] {
        let window = self.coefficients.get(block_context * COEFFICIENT_CONTEXTS..).unwrap_or_default();
        window.first_chunk().unwrap_or(&self.last)
    }
}

/// The part of a coefficient's context that depends on its position over the number of blocks; of 64, one that is in
/// range.
#[inline(always)]
pub(super) fn position_context(position: usize) -> usize {
    BY_POSITION[position & 63].into()
}

/// The part of a coefficient's context that depends on the number of non-zeros left, itself included, over the number of
/// blocks, rounded up: at most 63.
#[inline(always)]
pub(super) fn count_context(non_zeros: usize) -> usize {
    BY_COUNT[non_zeros & 63].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_of_the_reference() {
        let context =
            |count, position, previous| count_context(count) + position_context(position) + previous;
        assert_eq!(context(1, 1, 0), 0);
        assert_eq!(context(63, 1, 0), 412);
        assert_eq!(context(33, 31, 1), 457);
        assert_eq!((1..64).map(position_context).sum::<usize>(), 2 * 1249);
        assert_eq!((1..64).map(count_context).sum::<usize>(), 2 * 10781);
        let largest = (1..64).map(|n| (1..64).map(|k| context(n, k, 1)).max().unwrap()).max().unwrap();
        assert!(largest < WINDOW);
    }

    #[test]
    fn valid_blocks_stay_within_their_contexts() {
        for count in 1..64 {
            for position in 1..=64 - count {
                assert!(count_context(count) + position_context(position) + 1 < COEFFICIENT_CONTEXTS);
            }
        }
    }

    #[test]
    fn clusters_follow_the_layout_of_the_map() {
        let contexts = contexts_per_preset(3);
        let map: Vec<u8> = (0..2 * contexts).map(|i| (i % 251) as u8).collect();
        let clusters = HfClusters::new(&map, 1, 3);
        for (predicted, bucket) in [(7, 7), (8, 8), (9, 8), (32, 20), (63, 35), (64, 36)] {
            for block_context in 0..3 {
                let index = contexts + bucket * 3 + block_context;
                assert_eq!(clusters.count(predicted, block_context), index % 251);
            }
        }
        for block_context in 0..3 {
            let window = clusters.coefficients(block_context);
            for context in 0..COEFFICIENT_CONTEXTS {
                let index = contexts + 37 * 3 + 458 * block_context + context;
                assert_eq!(window[context] as usize, index % 251);
            }
        }
    }
}
