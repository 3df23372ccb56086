//! Trees of up to 1024 leaves as tables: for each property, from its value to the number of an interval between splits,
//! and from that to a mask with a bit for every leaf that is not ruled out. The AND of the masks of all properties has one
//! bit left, that of the leaf.
//!
//! Against a walk down the tree this takes no branches, and the masks of properties of the row above are ready before
//! the sample to the left is.

use super::super::prune::PrunedTree;
use super::super::tree::Node;

/// One bit for each leaf, in 1, 2, 4, 8 or 16 words.
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

    /// The interval of a value. Exact for every value: the outermost entries stand for all beyond.
    #[inline(always)]
    pub(crate) fn interval(&self, value: i32) -> u8 {
        match self.intervals.get(value.wrapping_sub(FIRST) as u32 as usize) {
            Some(&interval) => interval,
            None if value == i32::MIN => LEAST,
            None if value < 0 => 0,
            None => self.intervals[ENTRIES - 1],
        }
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
    /// [`INTERVALS`] masks for each table; those of no interval are unspecified.
    masks: Vec<u64>,
    /// The first value of each interval of a table but the lowest.
    bounds: Vec<i64>,
    /// Of each node the mask of its leaves, the root first.
    below: Vec<u64>,
}

impl MaskTables {
    /// Makes the tables of `tree` with masks of so many words, if its splits are not too far apart or too many.
    pub(crate) fn build(&mut self, tree: &PrunedTree, words: usize) -> bool {
        self.words = words;
        self.find_below(tree);
        self.indices.clear();
        self.indices.extend(LEFT);
        for (property, _) in tree.splits() {
            let index = Index::of(property);
            if !self.indices.contains(&index) {
                self.indices.push(index);
            }
        }
        self.intervals.resize(self.indices.len(), [0; ENTRIES]);
        self.masks.resize(self.indices.len() * INTERVALS * words, 0);
        (0..self.indices.len()).all(|at| self.build_table(tree, at))
    }

    /// Words of a mask.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The mask of all leaves. In the tables bits of no leaf are set.
    pub(crate) fn every_leaf<const W: usize>(&self) -> Mask<W> {
        self.below.first_chunk().copied().unwrap_or([u64::MAX; W])
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

    /// Makes the table at a place in `indices`.
    fn build_table(&mut self, tree: &PrunedTree, at: usize) -> bool {
        let index = self.indices[at];
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
        let bounds_allowed = i64::from(FIRST) + 1..i64::from(FIRST) + ENTRIES as i64;
        if self.bounds.len() >= usize::from(LEAST)
            || !self.bounds.iter().all(|bound| bounds_allowed.contains(bound))
        {
            return false;
        }
        let mut entry = 0;
        for interval in 0..=self.bounds.len() {
            let low = entry as i32 + FIRST;
            self.find_mask(tree, index, low, at * INTERVALS + interval);
            let end = self.bounds.get(interval).map_or(ENTRIES, |bound| (bound - i64::from(FIRST)) as usize);
            self.intervals[at][entry..end].fill(interval as u8);
            entry = end;
        }
        self.find_mask(tree, index, i32::MIN, at * INTERVALS + usize::from(LEAST));
        true
    }

    /// Finds which leaves a value of what tables are indexed by leaves possible: the mask `at`.
    fn find_mask(&mut self, tree: &PrunedTree, index: Index, value: i32, at: usize) {
        let mask = &mut self.masks[at * self.words..][..self.words];
        mask.fill(u64::MAX);
        for node in &tree.nodes {
            if let Node::Split { property, value: bound, children } = *node
                && Index::of(property) == index
            {
                let value = if is_magnitude(property) { value.wrapping_abs() } else { value };
                let other = children as usize + usize::from(value > bound);
                let below = &self.below[other * self.words..][..self.words];
                mask.iter_mut().zip(below).for_each(|(mask, below)| *mask &= !below);
            }
        }
    }

    /// Fills `below`. Children come behind their parents.
    fn find_below(&mut self, tree: &PrunedTree) {
        let words = self.words;
        self.below.clear();
        self.below.resize(tree.nodes.len() * words, 0);
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            match *node {
                Node::Leaf(leaf) => self.below[at * words + leaf as usize / 64] |= 1 << (leaf % 64),
                Node::Split { children, .. } => {
                    let children = children as usize * words;
                    for word in 0..words {
                        self.below[at * words + word] =
                            self.below[children + word] | self.below[children + words + word];
                    }
                }
            }
        }
    }
}

fn is_magnitude(property: u8) -> bool {
    matches!(property, 4 | 5)
}
