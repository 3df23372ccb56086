//! Trees as tables: for each property, from its value to the number of an interval between splits, and from that to a mask
//! with a bit for every leaf that is not ruled out. The AND of the masks of all properties has one bit left, that of the
//! leaf. Trees of more leaves than masks have bits take two steps: to a subtree, then to the leaf.
//!
//! Against a walk down the tree this takes no branches, and the masks of properties of the row above are ready before
//! the sample to the left is.

use super::super::prune::PrunedTree;
use super::super::tree::Node;

/// One bit for each leaf, in 1 or 2 words.
pub(crate) type Mask<const W: usize> = [u64; W];

/// Clears the bits of `mask` that are not in `other`.
#[inline(always)]
pub(crate) fn restrict<const W: usize>(mask: &mut Mask<W>, other: &Mask<W>) {
    for w in 0..W {
        mask[w] &= other[w];
    }
}

/// The place of the only bit of a mask: its word, below `W` for any mask, and its number there, below 64.
#[inline(always)]
pub(crate) fn only_bit<const W: usize>(mask: &Mask<W>) -> (usize, usize) {
    let (mut any, mut word) = (0, 0);
    for w in 0..W {
        any |= mask[w];
        word |= if mask[w] != 0 { w } else { 0 };
    }
    (word % W, any.trailing_zeros() as usize % 64)
}

/// The least value that has an entry in a table; encoders' splits and the properties of images with 8 bits lie around 0.
pub(crate) const FIRST: i32 = -1024;

/// Values that have an entry in a table.
pub(crate) const ENTRIES: usize = 2048;

/// Intervals that a table has room for: those between its splits and that of `i32::MIN` alone, whose magnitude wraps to
/// itself.
const INTERVALS: usize = 256;

/// The interval of `i32::MIN`.
const LEAST: u8 = (INTERVALS - 1) as u8;

/// What a table is indexed by. Two properties that are functions of the same sample share a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    /// Property 2.
    Row,
    /// Property 3.
    Column,
    /// Properties 4 and 6.
    North,
    /// Properties 5 and 7.
    West,
    /// A property of its own.
    Property(u8),
}

impl Index {
    fn of(property: u8) -> Self {
        match property {
            2 => Self::Row,
            3 => Self::Column,
            4 | 6 => Self::North,
            5 | 7 => Self::West,
            _ => Self::Property(property),
        }
    }
}

/// The tables that a row's own samples are looked up in; trees that do not look at them have tables that rule out
/// nothing.
pub(crate) const LEFT: [Index; 6] = [
    Index::West,
    Index::Property(8),
    Index::Property(9),
    Index::Property(10),
    Index::Property(14),
    Index::Property(15),
];

/// Places in [`LEFT`].
pub(crate) mod left_table {
    pub(crate) const WEST: usize = 0;
    pub(crate) const GRADIENT_STEP: usize = 1;
    pub(crate) const GRADIENT: usize = 2;
    pub(crate) const WEST_STEP: usize = 3;
    pub(crate) const WEST_WEST_STEP: usize = 4;
    pub(crate) const MAX_ERROR: usize = 5;
}

/// From a value to the number of its interval: no split distinguishes the values of an interval.
type Intervals = [u8; ENTRIES];

/// The interval of a value. Exact for every value: the outermost entries stand for all beyond.
#[inline(always)]
fn interval(intervals: &Intervals, value: i32) -> u8 {
    match intervals.get(value.wrapping_sub(FIRST) as u32 as usize) {
        Some(&interval) => interval,
        None if value == i32::MIN => LEAST,
        None if value < 0 => 0,
        None => intervals[ENTRIES - 1],
    }
}

/// From a value to the leaves that it leaves possible, by way of its interval.
///
/// All sizes are constants, so that a look-up is a comparison and two loads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaskTable<'a, const W: usize> {
    intervals: &'a Intervals,
    /// Of each interval, in ascending order; the last one that of `i32::MIN`.
    masks: &'a [Mask<W>; INTERVALS],
}

impl<'a, const W: usize> MaskTable<'a, W> {
    /// The leaves that `value` leaves possible.
    #[inline(always)]
    pub(crate) fn at(&self, value: i32) -> &'a Mask<W> {
        self.mask(self.interval(value))
    }

    /// The interval of a value.
    #[inline(always)]
    pub(crate) fn interval(&self, value: i32) -> u8 {
        interval(self.intervals, value)
    }

    /// The leaves that the values of an interval leave possible.
    #[inline(always)]
    pub(crate) fn mask(&self, interval: u8) -> &'a Mask<W> {
        &self.masks[usize::from(interval)]
    }
}

/// The tables [`LEFT`], in one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeftTables<'a, const W: usize> {
    intervals: &'a [Intervals; LEFT.len()],
    masks: &'a [[Mask<W>; INTERVALS]; LEFT.len()],
}

impl<'a, const W: usize> LeftTables<'a, W> {
    /// The table at one of the places [`left_table`].
    #[inline(always)]
    pub(crate) fn table(&self, place: usize) -> MaskTable<'a, W> {
        MaskTable { intervals: &self.intervals[place], masks: &self.masks[place] }
    }
}

/// The tables of a tree.
#[derive(Debug, Default)]
pub(crate) struct MaskTables {
    /// Words of a mask.
    words: usize,
    /// What each table is indexed by: those of [`LEFT`], then those that the tree looks at besides.
    indices: Vec<Index>,
    intervals: Vec<Intervals>,
    /// Where the masks of each table are.
    places: Vec<MaskPlaces>,
    /// The masks of all tables; those of no interval are unspecified.
    masks: Vec<u64>,
    /// For masks with a word for each subtree: for each table and interval, which words are not 0.
    tops: Vec<[u64; INTERVALS]>,
    /// The mask of all leaves.
    every_leaf: Vec<u64>,
}

/// What is needed of a tree only while its tables are made. One serves all tables.
#[derive(Debug, Default)]
pub(crate) struct MaskScratch {
    /// The first value of each interval of a table but the lowest.
    bounds: Vec<i64>,
    /// How many bits each node takes.
    sizes: Vec<u32>,
    /// The bits that each node takes: those of its leaves are among them, and no others' are.
    bits: Vec<[u32; 2]>,
}

/// Where the masks of a table are.
#[derive(Clone, Copy, Debug, Default)]
struct MaskPlaces {
    /// That of the lowest interval.
    first: usize,
    /// That of the interval of `i32::MIN`, counted from there: those of other intervals come before.
    least: usize,
}

impl MaskTables {
    /// Makes the tables of `tree` with masks of so many words, if its splits are not too far apart or too many.
    pub(crate) fn build(&mut self, tree: &PrunedTree, words: usize, scratch: &mut MaskScratch) -> bool {
        scratch.number_leaves(tree, 1);
        self.words = words;
        self.build_tables(tree, scratch, |at, _| MaskPlaces {
            first: at * INTERVALS,
            least: usize::from(LEAST),
        })
    }

    /// Makes the tables of `tree` with masks that have a word for each of its largest subtrees of at most 64 leaves, if
    /// there are at most 64 of these.
    pub(crate) fn build_by_subtree(&mut self, tree: &PrunedTree, scratch: &mut MaskScratch) -> bool {
        self.words = scratch.number_leaves(tree, 64).div_ceil(64) as usize;
        if self.words > 64 {
            return false;
        }
        let mut next = 0;
        let built = self.build_tables(tree, scratch, |_, intervals| {
            let first = next;
            next += intervals + 1;
            MaskPlaces { first, least: intervals }
        });
        if !built {
            return false;
        }
        self.tops.clear();
        self.tops.reserve_exact(self.places.len());
        for places in &self.places {
            let mut tops = [0; INTERVALS];
            let masks = self.masks[places.first * self.words..].chunks_exact(self.words);
            for (interval, mask) in masks.take(places.least + 1).enumerate() {
                let top = (0..).zip(mask).fold(0, |top, (word, &mask)| top | u64::from(mask != 0) << word);
                tops[if interval == places.least { usize::from(LEAST) } else { interval }] = top;
            }
            self.tops.push(tops);
        }
        true
    }

    /// Words of a mask.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The mask of all leaves.
    pub(crate) fn every_leaf<const W: usize>(&self) -> Mask<W> {
        self.every_leaf.first_chunk().copied().unwrap_or([u64::MAX; W])
    }

    /// The tables [`LEFT`]. `W` must be [`words`](Self::words).
    pub(crate) fn left<const W: usize>(&self) -> LeftTables<'_, W> {
        debug_assert_eq!(W, self.words);
        let intervals = self.intervals.first_chunk().unwrap_or(&[[0; ENTRIES]; LEFT.len()]);
        let masks = self.tables_of_masks().first_chunk();
        LeftTables { intervals, masks: masks.unwrap_or(&[[[u64::MAX; W]; INTERVALS]; LEFT.len()]) }
    }

    /// All other tables. `W` must be [`words`](Self::words).
    pub(crate) fn above<const W: usize>(&self) -> impl Iterator<Item = (Index, MaskTable<'_, W>)> {
        debug_assert_eq!(W, self.words);
        let tables = self.intervals.iter().zip(self.tables_of_masks());
        let tables = tables.map(|(intervals, masks)| MaskTable { intervals, masks });
        self.indices.iter().copied().zip(tables).skip(LEFT.len())
    }

    fn tables_of_masks<const W: usize>(&self) -> &[[Mask<W>; INTERVALS]] {
        self.masks.as_chunks().0.as_chunks().0
    }

    /// The tables whose masks have a word for each subtree.
    pub(crate) fn by_subtree(&self) -> SubtreeTables<'_> {
        let Self { words, intervals, places, masks, tops, .. } = self;
        SubtreeTables { intervals, tops, places, masks, words: *words }
    }

    /// What the tables of the rows above are indexed by, in their order behind [`LEFT`].
    pub(crate) fn above_indices(&self) -> impl Iterator<Item = Index> {
        self.indices.iter().copied().skip(LEFT.len())
    }

    /// Makes the tables. `place` says where the masks of a table come, given its number of intervals.
    fn build_tables(
        &mut self,
        tree: &PrunedTree,
        scratch: &mut MaskScratch,
        mut place: impl FnMut(usize, usize) -> MaskPlaces,
    ) -> bool {
        self.every_leaf.clear();
        resize_exactly(&mut self.every_leaf, self.words, 0);
        for (_, bit) in scratch.leaves(tree) {
            self.every_leaf[bit / 64] |= 1 << (bit % 64);
        }
        self.indices.clear();
        self.indices.extend(LEFT);
        for (property, _) in tree.splits() {
            let index = Index::of(property);
            if !self.indices.contains(&index) {
                self.indices.push(index);
            }
        }
        resize_exactly(&mut self.intervals, self.indices.len(), [0; ENTRIES]);
        self.places.clear();
        for &index in &self.indices {
            if !scratch.find_bounds(tree, index) {
                return false;
            }
            self.places.push(place(self.places.len(), scratch.bounds.len() + 1));
        }
        let masks = self.places.iter().map(|places| places.first + places.least + 1).max().unwrap_or(0);
        resize_exactly(&mut self.masks, masks * self.words, 0);
        for at in 0..self.places.len() {
            scratch.find_bounds(tree, self.indices[at]);
            self.build_table(tree, scratch, at);
        }
        true
    }

    /// Makes the table at a place in `indices`, of its bounds.
    fn build_table(&mut self, tree: &PrunedTree, scratch: &MaskScratch, at: usize) {
        let (index, places) = (self.indices[at], self.places[at]);
        let Self { words, intervals, masks, every_leaf, .. } = self;
        let mut fill_mask = |value: i32, at: usize| {
            let mask = &mut masks[at * *words..][..*words];
            mask.copy_from_slice(every_leaf);
            scratch.rule_out(tree, (index, value), mask);
        };
        let bounds = &scratch.bounds;
        let mut entry = 0;
        for interval in 0..=bounds.len() {
            fill_mask(entry as i32 + FIRST, places.first + interval);
            let end = bounds.get(interval).map_or(ENTRIES, |bound| (bound - i64::from(FIRST)) as usize);
            intervals[at][entry..end].fill(interval as u8);
            entry = end;
        }
        fill_mask(i32::MIN, places.first + places.least);
    }
}

impl MaskScratch {
    /// The leaves and their bits.
    pub(crate) fn leaves(&self, tree: &PrunedTree) -> impl Iterator<Item = (usize, usize)> {
        tree.nodes.iter().zip(&self.bits).filter_map(|(node, &[bit, _])| match *node {
            Node::Leaf(leaf) => Some((leaf as usize, bit as usize)),
            Node::Split { .. } => None,
        })
    }

    /// Finds the bounds of a table, and whether it has room for them.
    fn find_bounds(&mut self, tree: &PrunedTree, index: Index) -> bool {
        self.bounds.clear();
        for (property, value) in tree.splits().filter(|split| Index::of(split.0) == index) {
            let value = i64::from(value);
            self.bounds.push(value + 1);
            if is_magnitude(property) {
                self.bounds.push(-value);
            }
        }
        self.bounds.sort_unstable();
        self.bounds.dedup();
        let allowed = i64::from(FIRST) + 1..i64::from(FIRST) + ENTRIES as i64;
        self.bounds.len() < usize::from(LEAST) && self.bounds.iter().all(|bound| allowed.contains(bound))
    }

    /// Clears the bits of the leaves that a value of what a table is indexed by rules out.
    fn rule_out(&self, tree: &PrunedTree, (index, value): (Index, i32), mask: &mut [u64]) {
        for node in &tree.nodes {
            if let Node::Split { property, value: bound, children } = *node
                && Index::of(property) == index
            {
                let value = if is_magnitude(property) { value.wrapping_abs() } else { value };
                let other = children as usize + usize::from(value > bound);
                clear_bits(mask, self.bits[other]);
            }
        }
    }

    /// Gives each leaf a bit, from the left to the right; gives how many bits the tree takes. The largest subtrees of at
    /// most 64 leaves, if there are several, begin at multiples of `alignment`. Children come behind their parents.
    fn number_leaves(&mut self, tree: &PrunedTree, alignment: u32) -> u32 {
        let Self { sizes, bits, .. } = self;
        let left_size = |left: u32, right: u32| match left + right <= 64 {
            true => left,
            false => left.next_multiple_of(alignment),
        };
        sizes.clear();
        resize_exactly(sizes, tree.nodes.len(), 1);
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            if let Node::Split { children, .. } = *node {
                let [left, right] = [0, 1].map(|side| sizes[children as usize + side]);
                sizes[at] = left_size(left, right) + right;
            }
        }
        bits.clear();
        resize_exactly(bits, tree.nodes.len(), [0, sizes[0]]);
        for (at, node) in tree.nodes.iter().enumerate() {
            if let Node::Split { children, .. } = *node {
                let children = children as usize;
                let ([left, right], [start, end]) = ([0, 1].map(|side| sizes[children + side]), bits[at]);
                let middle = start + left_size(left, right);
                (bits[children], bits[children + 1]) = ([start, middle], [middle, end]);
            }
        }
        sizes[0]
    }
}

/// Clears a range of bits.
fn clear_bits(mask: &mut [u64], [start, end]: [u32; 2]) {
    let (mut at, end) = (start as usize, end as usize);
    while at < end {
        let next = (at / 64 * 64 + 64).min(end);
        mask[at / 64] &= !(u64::MAX >> (64 - (next - at)) << (at % 64));
        at = next;
    }
}

/// The tables of a tree of many leaves, whose masks have a word for each subtree: see [`MaskTables::build_by_subtree`].
///
/// For each value there is also a mask of the subtrees that it leaves possible. The AND of these has one bit left, and
/// then one word of each mask is enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubtreeTables<'a> {
    intervals: &'a [Intervals],
    tops: &'a [[u64; INTERVALS]],
    places: &'a [MaskPlaces],
    masks: &'a [u64],
    words: usize,
}

impl SubtreeTables<'_> {
    /// The interval of a value in a table.
    #[inline(always)]
    pub(crate) fn interval(&self, table: usize, value: i32) -> u8 {
        interval(&self.intervals[table], value)
    }

    /// The subtrees that an interval of a table leaves possible.
    #[inline(always)]
    pub(crate) fn subtrees(&self, table: usize, interval: u8) -> u64 {
        self.tops[table][usize::from(interval)]
    }

    /// The leaves of a subtree that an interval of a table leaves possible.
    #[inline(always)]
    pub(crate) fn leaves(&self, table: usize, interval: u8, subtree: usize) -> u64 {
        let MaskPlaces { first, least } = self.places[table];
        self.masks[(first + usize::from(interval).min(least)) * self.words + subtree]
    }
}

fn is_magnitude(property: u8) -> bool {
    matches!(property, 4 | 5)
}

/// As [`Vec::resize`], without room for more: tables of a tree do not grow.
fn resize_exactly<T: Clone>(list: &mut Vec<T>, len: usize, value: T) {
    list.reserve_exact(len.saturating_sub(list.len()));
    list.resize(len, value);
}
