//! Trees of up to 512 leaves as tables: for each property, from its value to a mask with a bit for every leaf that this
//! value does not rule out. The AND of the masks of all properties has one bit left, that of the leaf.
//!
//! Against a walk down the tree this takes no branches, and the masks of properties of the row above are ready before
//! the sample to the left is.

use super::super::prune::PrunedTree;
use super::super::tree::Node;

/// One bit for each leaf, in 1, 2, 4 or 8 words.
pub(crate) type Mask<const W: usize> = [u64; W];

/// Words of the largest masks.
const MAX_WORDS: usize = 8;

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

/// Values for which a table has an entry of its own even if no split asks for it. Of images with 8 bits few properties
/// are outside; large masks keep to those that most are in.
fn usual_values(words: usize) -> std::ops::Range<i64> {
    if words > 2 { -256..512 } else { -1024..1024 }
}

/// Words that all tables of a tree may have together.
const MAX_TABLE_WORDS: usize = 1 << 18;

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
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaskTable<'a, const W: usize> {
    masks: &'a [Mask<W>],
    /// Value of the first entry.
    first: i32,
    /// For `i32::MIN`, whose magnitude wraps to itself.
    least: &'a Mask<W>,
}

impl<'a, const W: usize> MaskTable<'a, W> {
    const EVERY: &'static [Mask<W>; 1] = &[[u64::MAX; W]];

    /// The table of a property that the tree does not look at.
    pub(crate) const ALL: MaskTable<'static, W> =
        MaskTable { masks: Self::EVERY, first: 0, least: &Self::EVERY[0] };

    /// Value of the first entry.
    pub(crate) fn first(&self) -> i32 {
        self.first
    }

    /// The entries.
    pub(crate) fn masks(&self) -> &[Mask<W>] {
        self.masks
    }

    /// The leaves that `value` leaves possible. Exact for every value: the outermost entries stand for all beyond.
    #[inline(always)]
    pub(crate) fn at(&self, value: i32) -> &'a Mask<W> {
        let index = value.wrapping_sub(self.first) as u32;
        match self.masks.get(index as usize) {
            Some(mask) => mask,
            None => self.outside(value),
        }
    }

    #[inline(always)]
    fn outside(&self, value: i32) -> &'a Mask<W> {
        let outermost = if value < self.first { self.masks.first() } else { self.masks.last() };
        if value == i32::MIN { self.least } else { outermost.unwrap_or(&Self::EVERY[0]) }
    }
}

/// The tables of a tree.
#[derive(Debug, Default)]
pub(crate) struct MaskTables {
    /// Words of a mask.
    words: usize,
    tables: Vec<TableRange>,
    /// The masks of all tables, each followed by that for `i32::MIN`.
    masks: Vec<u64>,
    /// Splits by property and value.
    splits: Vec<(u8, i32)>,
    /// Of each node the mask of its leaves, the root first.
    below: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
struct TableRange {
    index: Index,
    first: i32,
    /// In words.
    start: usize,
    /// End of the entries; the mask for `i32::MIN` comes behind.
    end: usize,
}

impl MaskTables {
    /// Makes the tables of `tree` with masks of so many words, if its values are not too far apart.
    pub(crate) fn build(&mut self, tree: &PrunedTree, words: usize) -> bool {
        self.tables.clear();
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
        let (masks, _) = self.masks[table.start..table.end + W].as_chunks();
        match masks {
            [masks @ .., least] => MaskTable { masks, first: table.first, least },
            [] => MaskTable::ALL,
        }
    }

    /// Appends the table of all splits that share an index.
    fn build_table(&mut self, tree: &PrunedTree, splits: &[(u8, i32)]) -> bool {
        let mut values = usual_values(self.words);
        for &(property, value) in splits {
            let value = i64::from(value);
            let magnitude = if is_magnitude(property) { value.abs() } else { value };
            // Both outcomes of the split have an entry.
            values.start = values.start.min(value).min(-magnitude - 1);
            values.end = values.end.max(magnitude + 2);
        }
        let start = self.masks.len();
        let len = (values.end - values.start) as usize * self.words;
        if start + len > MAX_TABLE_WORDS {
            return false;
        }
        let end = start + len;
        self.masks.resize(end + self.words, u64::MAX);
        // Fits: `values` has few entries and includes 0.
        let table = TableRange { index: Index::of(splits[0].0), first: values.start as i32, start, end };
        for splits in splits.chunk_by(|a, b| a.0 == b.0) {
            self.rule_out(tree, splits, &table);
        }
        self.tables.push(table);
        true
    }

    /// Clears in `table` the bits of the leaves that each value of one property rules out.
    fn rule_out(&mut self, tree: &PrunedTree, splits: &[(u8, i32)], table: &TableRange) {
        let of = splits[0].0;
        let words = self.words;
        let masks = &mut self.masks[table.start..table.end + words];
        let (masks, least) = masks.split_at_mut(table.end - table.start);
        let first = i64::from(table.first);
        let entries = (masks.len() / words) as i64;
        let mut clear = |low: i64, high: i64, possible: &[u64]| {
            let entry_of = |value: i64| (value - first).clamp(0, entries) as usize;
            for mask in masks[entry_of(low) * words..entry_of(high + 1) * words].chunks_exact_mut(words) {
                mask.iter_mut().zip(possible).for_each(|(mask, possible)| *mask &= possible);
            }
        };
        // The values between two splits are equivalent.
        let lasts = splits.iter().map(|&(_, value)| value).chain([i32::MAX]);
        let mut low = i32::MIN;
        for high in lasts {
            let mut possible = [u64::MAX; MAX_WORDS];
            let possible = &mut possible[..words];
            for node in &tree.nodes {
                if let Node::Split { property, value, children } = *node
                    && property == of
                {
                    // The side that the values do not take.
                    let other = children as usize + usize::from(high > value);
                    let below = &self.below[other * words..][..words];
                    possible.iter_mut().zip(below).for_each(|(possible, below)| *possible &= !below);
                }
            }
            if low == i32::MIN {
                least.iter_mut().zip(&*possible).for_each(|(least, possible)| *least &= possible);
            }
            let [from, to] = [low, high].map(i64::from);
            if !is_magnitude(of) {
                clear(from, to, possible);
            } else if to >= 0 {
                clear(from.max(0), to, possible);
                clear(-to, -from.max(0), possible);
            }
            low = high.wrapping_add(1);
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
