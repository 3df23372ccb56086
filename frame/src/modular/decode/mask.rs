//! Trees of up to 1024 leaves as tables: for each property, from its value to a mask with a bit for every leaf that this
//! value does not rule out. The AND of the masks of all properties has one bit left, that of the leaf.
//!
//! Against a walk down the tree this takes no branches, and the masks of properties of the row above are ready before
//! the sample to the left is.

use std::ops::Range;

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

/// The number of the only bit of a mask; below `64 * W` for any mask.
#[inline(always)]
pub(crate) fn only_bit<const W: usize>(mask: &Mask<W>) -> usize {
    let (mut any, mut word) = (0, 0);
    for w in 0..W {
        any |= mask[w];
        word |= if mask[w] != 0 { w } else { 0 };
    }
    (any.trailing_zeros() as usize % 64 + word * 64) % (64 * W)
}

/// Values for which a table has an entry of its own even if no split asks for it: of images with 8 bits few properties
/// are outside.
const USUAL_VALUES: std::ops::Range<i64> = -1024..1024;

/// Values that all tables of a tree may have entries for.
const MAX_ENTRIES: usize = 1 << 20;

/// What a table is indexed by. Two properties that are functions of the same sample share a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// From a value to the leaves that it leaves possible.
///
/// By way of the number of the value's interval between splits: the masks stay few where splits are far apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaskTable<'a, const W: usize> {
    intervals: &'a [u16],
    /// Of each interval, in ascending order, and behind them that of `i32::MIN`, whose magnitude wraps to itself.
    masks: &'a [Mask<W>],
    /// Value of the first entry.
    first: i32,
}

impl<'a, const W: usize> MaskTable<'a, W> {
    const EVERY: &'static [Mask<W>; 1] = &[[u64::MAX; W]];

    /// The table of a property that the tree does not look at.
    pub(crate) const ALL: MaskTable<'static, W> = MaskTable { intervals: &[0], masks: Self::EVERY, first: 0 };

    /// Value of the first entry.
    pub(crate) fn first(&self) -> i32 {
        self.first
    }

    /// The masks of the values that have an entry.
    pub(crate) fn masks(&self) -> impl Iterator<Item = &'a Mask<W>> {
        self.intervals.iter().map(|&interval| self.mask(interval))
    }

    /// The leaves that `value` leaves possible. Exact for every value: the outermost entries stand for all beyond.
    #[inline(always)]
    pub(crate) fn at(&self, value: i32) -> &'a Mask<W> {
        let index = value.wrapping_sub(self.first) as u32;
        self.mask(match self.intervals.get(index as usize) {
            Some(&interval) => interval,
            None => self.outside(value),
        })
    }

    #[inline(always)]
    fn mask(&self, interval: u16) -> &'a Mask<W> {
        self.masks.get(usize::from(interval)).unwrap_or(&Self::EVERY[0])
    }

    #[inline(always)]
    fn outside(&self, value: i32) -> u16 {
        let least = self.masks.len() as u16 - 1;
        match value {
            i32::MIN => least,
            _ if value < self.first => 0,
            _ => least.saturating_sub(1),
        }
    }
}

/// The tables of a tree.
#[derive(Debug, Default)]
pub(crate) struct MaskTables {
    /// Words of a mask.
    words: usize,
    tables: Vec<TableRange>,
    /// The entries of all tables.
    intervals: Vec<u16>,
    /// The masks of all tables.
    masks: Vec<u64>,
    /// Splits by property and value.
    splits: Vec<(u8, i32)>,
    /// The first value of each interval of a table but the lowest.
    bounds: Vec<i64>,
    /// Of each node the mask of its leaves, the root first.
    below: Vec<u64>,
}

#[derive(Clone, Debug)]
struct TableRange {
    index: Index,
    /// Value of the first entry.
    first: i32,
    intervals: Range<usize>,
    /// In words.
    masks: Range<usize>,
}

impl MaskTables {
    /// Makes the tables of `tree` with masks of so many words, if its splits are not too far apart.
    pub(crate) fn build(&mut self, tree: &PrunedTree, words: usize) -> bool {
        self.tables.clear();
        self.intervals.clear();
        self.masks.clear();
        self.splits.clear();
        self.words = words;
        self.splits.extend(tree.splits());
        self.splits.sort_unstable_by_key(|&(property, value)| (Index::of(property), property, value));
        self.splits.dedup();
        self.find_below(tree);
        let splits = std::mem::take(&mut self.splits);
        let fits = splits
            .chunk_by(|a, b| Index::of(a.0) == Index::of(b.0))
            .all(|splits| self.build_table(tree, splits));
        self.splits = splits;
        fits
    }

    /// Words of a mask.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The mask of all leaves. In the tables bits of no leaf are set.
    pub(crate) fn every_leaf<const W: usize>(&self) -> Mask<W> {
        self.below.first_chunk().copied().unwrap_or([u64::MAX; W])
    }

    /// What the tables are indexed by, in ascending order.
    pub(crate) fn indices(&self) -> impl Iterator<Item = Index> {
        self.tables.iter().map(|table| table.index)
    }

    /// The table with this index, or one that rules out nothing. `W` must be [`words`](Self::words).
    pub(crate) fn get<const W: usize>(&self, index: Index) -> MaskTable<'_, W> {
        debug_assert_eq!(W, self.words);
        let Some(table) = self.tables.iter().find(|table| table.index == index) else {
            return MaskTable::ALL;
        };
        let (masks, _) = self.masks[table.masks.clone()].as_chunks();
        MaskTable { intervals: &self.intervals[table.intervals.clone()], masks, first: table.first }
    }

    /// Appends the table of all splits that share an index.
    fn build_table(&mut self, tree: &PrunedTree, splits: &[(u8, i32)]) -> bool {
        self.bounds.clear();
        for &(property, value) in splits {
            let value = i64::from(value);
            self.bounds.push(value + 1);
            if is_magnitude(property) {
                self.bounds.push(-value);
            }
        }
        self.bounds.sort_unstable();
        self.bounds.dedup();
        let [lowest, highest] =
            [self.bounds.first(), self.bounds.last()].map(|bound| bound.map_or(0, |&b| b));
        let values = USUAL_VALUES.start.min(lowest - 1)..USUAL_VALUES.end.max(highest + 1);
        let start = self.intervals.len();
        if start + (values.end - values.start) as usize > MAX_ENTRIES {
            return false;
        }
        let index = Index::of(splits[0].0);
        let bounds = std::mem::take(&mut self.bounds);
        let masks = self.masks.len();
        let lows = std::iter::once(values.start).chain(bounds.iter().copied());
        let highs = bounds.iter().copied().chain([values.end]);
        for (interval, (low, high)) in lows.zip(highs).enumerate() {
            let end = self.intervals.len() + (high - low) as usize;
            self.intervals.resize(end, interval as u16);
            self.push_mask(tree, index, low as i32);
        }
        self.push_mask(tree, index, i32::MIN);
        self.bounds = bounds;
        self.tables.push(TableRange {
            index,
            // Fits: `values` has few entries and includes 0.
            first: values.start as i32,
            intervals: start..self.intervals.len(),
            masks: masks..self.masks.len(),
        });
        true
    }

    /// Appends the mask of the leaves that a value of what tables are indexed by leaves possible.
    fn push_mask(&mut self, tree: &PrunedTree, index: Index, value: i32) {
        let start = self.masks.len();
        self.masks.resize(start + self.words, u64::MAX);
        let mask = &mut self.masks[start..];
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
