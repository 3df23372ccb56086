//! Look-up tables of prefix codes, from the next bits straight to an integer.
//!
//! An entry knows the code's length, the number of raw bits and the base value of the token, so an integer takes one
//! look-up without branches however many raw bits it has.

use crate::hybrid_integer::{Expansion, HybridIntegerConfig};
use crate::prefix_code::CodedSymbol;

/// What the next bits mean.
///
/// | bits | literal or copy length | pointer to a second table |
/// |---|---|---|
/// | 0..6 | bits of code and raw bits | bits of the first table |
/// | 8..14 | bits of the code | the same |
/// | 16..22 | raw bits | bits of the second table |
/// | 24..28 | shift of the raw bits | 0 |
/// | 30, 31 | 1 for a copy length | 1 for a pointer |
/// | 32..64 | base value | index of the second table |
///
/// Shift counts are in the lowest bits of a shifted entry, so that the processor's own masking of shift counts does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct PrefixEntry(u64);

const COPY_LENGTH: u64 = 1 << 30;
const POINTER: u64 = 1 << 31;

impl PrefixEntry {
    fn integer(length: u8, expansion: Expansion, is_copy_length: bool) -> Self {
        let Expansion { base, raw_bits, lsb } = expansion;
        let fields = (u64::from(length) + u64::from(raw_bits))
            | u64::from(length) << 8
            | u64::from(raw_bits) << 16
            | u64::from(lsb) << 24
            | u64::from(base) << 32;
        Self(if is_copy_length { fields | COPY_LENGTH } else { fields })
    }

    fn pointer(root_bits: u32, bits: u32, index: usize) -> Self {
        let root_bits = u64::from(root_bits);
        Self(root_bits | root_bits << 8 | u64::from(bits) << 16 | POINTER | (index as u64) << 32)
    }

    #[inline(always)]
    pub(crate) fn is_pointer(self) -> bool {
        self.0 & POINTER != 0
    }

    #[inline(always)]
    pub(crate) fn is_copy_length(self) -> bool {
        self.0 & COPY_LENGTH != 0
    }

    /// Bits to consume, raw bits included; of a pointer, the bits of the first table.
    #[inline(always)]
    pub(crate) fn total_bits(self) -> u32 {
        (self.0 & 63) as u32
    }

    #[inline(always)]
    pub(crate) fn raw_bits(self) -> u32 {
        (self.0 >> 16 & 63) as u32
    }

    #[inline(always)]
    pub(crate) fn base(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The integer, given the bits from the start of the code.
    #[inline(always)]
    pub(crate) fn value(self, buffer: u64) -> u32 {
        let raw = buffer >> (self.0 >> 8 & 63) & ((1 << self.raw_bits()) - 1);
        self.base().wrapping_add((raw << (self.0 >> 24 & 15)) as u32)
    }

    /// Index into the tables of the entry that the pointer means.
    #[inline(always)]
    pub(crate) fn follow(self, buffer: u64) -> usize {
        self.base() as usize + (buffer >> self.total_bits() & ((1 << self.raw_bits()) - 1)) as usize
    }
}

/// What the tokens of one code mean.
#[derive(Clone, Copy)]
pub(crate) struct TokenMeaning {
    pub(crate) literal: HybridIntegerConfig,
    /// First token that is a copy length, and the configuration of copy lengths.
    pub(crate) copy: Option<(u32, HybridIntegerConfig)>,
}

impl TokenMeaning {
    fn entry(&self, coded: CodedSymbol) -> PrefixEntry {
        let token = u32::from(coded.symbol);
        match self.copy {
            Some((first, config)) if token >= first => {
                PrefixEntry::integer(coded.length, config.expand(token - first), true)
            }
            _ => PrefixEntry::integer(coded.length, self.literal.expand(token), false),
        }
    }
}

/// Bits of the first-level tables of `tables` codes of which the longest has `longest` bits: fewer when there are many
/// codes, so that those in use stay in the first-level cache.
pub(crate) fn root_bits(tables: usize, longest: u32) -> u32 {
    let most = match tables {
        0..=4 => 10,
        5..=8 => 9,
        _ => 8,
    };
    longest.min(most)
}

/// Number of second-level entries for a code, in the order of [`CodedSymbol`]s of one code.
pub(crate) fn second_level_len(symbols: &[CodedSymbol], root_bits: u32) -> usize {
    groups(symbols, root_bits).map(|group| 1 << group_bits(group, root_bits)).sum()
}

/// Writes the tables of one code: the first level at `root` and the second levels, which must fit, from `second` on.
pub(crate) fn fill_tables(
    tables: &mut [PrefixEntry],
    (root, second): (usize, usize),
    root_bits: u32,
    symbols: &[CodedSymbol],
    meaning: TokenMeaning,
) {
    let first_level = &mut tables[root..root + (1 << root_bits)];
    for coded in symbols.iter().take_while(|coded| u32::from(coded.length) <= root_bits) {
        fill_strided(first_level, coded.code.into(), coded.length.into(), meaning.entry(*coded));
    }
    let mut index = second;
    for group in groups(symbols, root_bits) {
        let bits = group_bits(group, root_bits);
        tables[root + root_of(group[0], root_bits)] = PrefixEntry::pointer(root_bits, bits, index);
        let table = &mut tables[index..index + (1 << bits)];
        for coded in group {
            let length = u32::from(coded.length) - root_bits;
            fill_strided(table, usize::from(coded.code >> root_bits), length, meaning.entry(*coded));
        }
        index += 1 << bits;
    }
}

fn fill_strided(table: &mut [PrefixEntry], first: usize, length: u32, entry: PrefixEntry) {
    for place in table.iter_mut().skip(first).step_by(1 << length) {
        *place = entry;
    }
}

/// Long codes that share the bits of the first level. They are neighbours, the longest last.
fn groups(symbols: &[CodedSymbol], root_bits: u32) -> impl Iterator<Item = &[CodedSymbol]> {
    let short = symbols.partition_point(|coded| u32::from(coded.length) <= root_bits);
    symbols[short..].chunk_by(move |a, b| root_of(*a, root_bits) == root_of(*b, root_bits))
}

fn group_bits(group: &[CodedSymbol], root_bits: u32) -> u32 {
    group.last().map_or(0, |coded| u32::from(coded.length) - root_bits)
}

fn root_of(coded: CodedSymbol, root_bits: u32) -> usize {
    usize::from(coded.code) & ((1 << root_bits) - 1)
}
