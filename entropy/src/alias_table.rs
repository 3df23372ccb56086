//! Alias tables: from the low bits of an ANS state to a symbol.
//!
//! The 4096 slots of a distribution are spread over equal buckets, one for each possible symbol; a bucket is shared by
//! its own symbol, below the cutoff, and at most one other.

use crate::ans_distribution::{MAX_ALPHABET, TOTAL};
use std::cmp::Ordering;
use std::hint::select_unpredictable;

/// A bucket in two words, arranged so that one instruction each takes out what the next state waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct AliasBucket {
    /// In the lowest byte the cutoff: slots from here on belong to the other symbol. In the next one the other symbol,
    /// in the upper half what is added to the position of its slots.
    sharing: u32,
    /// In the lower half the own symbol's probability, in the upper half the other's.
    probabilities: u32,
}

/// The symbol of a state, and what the next state is made of.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) symbol: u32,
    pub(crate) probability: u32,
    pub(crate) offset: u32,
}

impl AliasBucket {
    fn new(cutoff: u16, (other, offset): (u16, u16), own_probability: u16, other_probability: u16) -> Self {
        Self {
            sharing: u32::from(cutoff) | u32::from(other) << 8 | u32::from(offset) << 16,
            probabilities: u32::from(own_probability) | u32::from(other_probability) << 16,
        }
    }

    /// The slot at `position` of this bucket, which has number `bucket`.
    #[inline(always)]
    pub(crate) fn slot(&self, bucket: u32, position: u32) -> Slot {
        let Self { sharing, probabilities } = *self;
        let is_other = position as u8 >= sharing as u8;
        Slot {
            symbol: select_unpredictable(is_other, sharing >> 8 & 0xff, bucket),
            probability: select_unpredictable(is_other, probabilities >> 16, probabilities & 0xffff),
            offset: position + select_unpredictable(is_other, sharing >> 16, 0),
        }
    }
}

/// Builds the alias table of a distribution whose sum is 4096 into as many buckets, and gives the symbol if there is
/// only one. The order of construction is part of the format.
pub(crate) fn build_alias_table(probabilities: &[u16], buckets: &mut [AliasBucket]) -> Option<u32> {
    let size = TOTAL / probabilities.len() as u16;
    if let Some(symbol) = probabilities.iter().position(|&probability| probability == TOTAL) {
        for (i, bucket) in buckets.iter_mut().enumerate() {
            let offset = size * i as u16;
            *bucket = AliasBucket::new(0, (symbol as u16, offset), 0, TOTAL);
        }
        return Some(symbol as u32);
    }
    let whole =
        |symbol: usize| AliasBucket::new(0, (symbol as u16, 0), probabilities[symbol], probabilities[symbol]);
    let mut cutoffs = [0u16; MAX_ALPHABET];
    cutoffs[..probabilities.len()].copy_from_slice(probabilities);
    let (mut under, mut over) = (Stack::new(), Stack::new());
    for (i, &probability) in probabilities.iter().enumerate() {
        match probability.cmp(&size) {
            Ordering::Less => under.push(i),
            Ordering::Greater => over.push(i),
            Ordering::Equal => buckets[i] = whole(i),
        }
    }
    while let Some(big) = over.pop() {
        // What is left of the big one, as long as it would be the next to be taken anyway. There is always a small one
        // while one is too big, because the sum is exact.
        let mut left = cutoffs[big];
        while left > size {
            let Some(small) = under.pop() else { break };
            let cutoff = cutoffs[small];
            left -= size - cutoff;
            let share = (big as u16, left - cutoff);
            buckets[small] = AliasBucket::new(cutoff, share, probabilities[small], probabilities[big]);
        }
        cutoffs[big] = left;
        if left < size {
            under.push(big);
        } else {
            buckets[big] = whole(big);
        }
    }
    None
}

/// A last-in first-out list of symbols.
struct Stack {
    items: [u16; MAX_ALPHABET],
    len: usize,
}

impl Stack {
    fn new() -> Self {
        Self { items: [0; MAX_ALPHABET], len: 0 }
    }

    fn push(&mut self, item: usize) {
        self.items[self.len] = item as u16;
        self.len += 1;
    }

    fn pop(&mut self) -> Option<usize> {
        self.len = self.len.checked_sub(1)?;
        Some(self.items[self.len].into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(AliasBucket { sharing, .. }: AliasBucket) -> (u32, u32, u32) {
        (sharing & 0xff, sharing >> 8 & 0xff, sharing >> 16)
    }

    #[test]
    fn the_construction_is_the_formats() {
        let mut probabilities = [0; 32];
        probabilities[..4].copy_from_slice(&[3000, 900, 0, 196]);
        let mut buckets = [AliasBucket::default(); 32];
        assert_eq!(build_alias_table(&probabilities, &mut buckets), None);
        let expected = |i: u32| match i {
            0 => (0, 0, 0),
            1 => (72, 0, 2872),
            2 => (0, 0, 128),
            3 => (68, 1, 772),
            4..25 => (0, 0, 128 * (i - 2)),
            25..31 => (0, 1, 72 + 128 * (i - 25)),
            _ => (0, 3, 68),
        };
        for (i, &bucket) in buckets.iter().enumerate() {
            assert_eq!(fields(bucket), expected(i as u32), "bucket {i}");
        }
    }

    #[test]
    fn every_symbol_has_all_its_slots() {
        let mut random = crate::test_support::Random::new(7);
        for round in 0..200 {
            let log_alphabet = 5 + round % 4;
            let probabilities = random.distribution(1 << log_alphabet);
            let mut buckets = vec![AliasBucket::default(); 1 << log_alphabet];
            build_alias_table(&probabilities, &mut buckets);
            let size = 4096 >> log_alphabet;
            let mut seen: Vec<Vec<bool>> =
                probabilities.iter().map(|&probability| vec![false; probability.into()]).collect();
            for index in 0..4096u32 {
                let slot = buckets[(index / size) as usize].slot(index / size, index % size);
                assert_eq!(slot.probability, u32::from(probabilities[slot.symbol as usize]));
                let place = &mut seen[slot.symbol as usize][slot.offset as usize];
                assert!(!std::mem::replace(place, true), "slot {index} twice");
            }
        }
    }

    #[test]
    fn a_single_symbol_keeps_the_state() {
        let mut probabilities = [0; 64];
        probabilities[9] = 4096;
        let mut buckets = [AliasBucket::default(); 64];
        assert_eq!(build_alias_table(&probabilities, &mut buckets), Some(9));
        for index in 0..4096u32 {
            let slot = buckets[index as usize / 64].slot(index / 64, index % 64);
            assert_eq!((slot.symbol, slot.probability, slot.offset), (9, 4096, index));
        }
    }
}
