//! Trees of up to 64 leaves as tables: for each property, from its value to a word with a bit for every leaf that this
//! value does not rule out. The AND of the words of all properties has one bit left, that of the leaf.
//!
//! Against a walk down the tree this takes no branches, and the words of properties of the row above are ready before
//! the sample to the left is.

use super::super::prune::PrunedTree;
use super::super::tree::Node;

/// One bit for each leaf.
pub(crate) type Mask = u64;

/// Leaves of a tree that has tables.
pub(crate) const MAX_LEAVES: usize = Mask::BITS as usize;

/// Values for which a table has an entry of its own even if no split asks for it. Of images with 8 bits few properties
/// are outside.
const USUAL_VALUES: std::ops::Range<i64> = -1024..1024;

/// Entries that all tables of a tree may have together.
const MAX_ENTRIES: usize = 1 << 17;

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
pub(crate) struct MaskTable<'a> {
    masks: &'a [Mask],
    /// Value of the first entry.
    first: i32,
    /// For `i32::MIN`, whose magnitude wraps to itself.
    least: Mask,
}

impl MaskTable<'_> {
    /// The table of a property that the tree does not look at.
    pub(crate) const ALL: MaskTable<'static> = MaskTable { masks: &[Mask::MAX], first: 0, least: Mask::MAX };

    /// Value of the first entry.
    pub(crate) fn first(&self) -> i32 {
        self.first
    }

    /// The entries.
    pub(crate) fn masks(&self) -> &[Mask] {
        self.masks
    }

    /// The leaves that `value` leaves possible. Exact for every value: the outermost entries stand for all beyond.
    #[inline(always)]
    pub(crate) fn at(&self, value: i32) -> Mask {
        let index = value.wrapping_sub(self.first) as u32;
        match self.masks.get(index as usize) {
            Some(mask) => *mask,
            None => self.outside(value),
        }
    }

    #[inline(always)]
    fn outside(&self, value: i32) -> Mask {
        let outermost = if value < self.first { self.masks.first() } else { self.masks.last() };
        if value == i32::MIN { self.least } else { outermost.copied().unwrap_or(Mask::MAX) }
    }
}

/// The tables of a tree.
#[derive(Debug, Default)]
pub(crate) struct MaskTables {
    tables: Vec<TableRange>,
    masks: Vec<Mask>,
    /// Splits by property and value.
    splits: Vec<(u8, i32)>,
    /// Of each node the values of one property that reach it.
    bounds: Vec<(i32, i32)>,
}

#[derive(Clone, Copy, Debug)]
struct TableRange {
    index: Index,
    first: i32,
    least: Mask,
    start: usize,
    end: usize,
}

impl MaskTables {
    /// Makes the tables of `tree`, if it is small enough.
    pub(crate) fn build(&mut self, tree: &PrunedTree) -> bool {
        self.tables.clear();
        self.masks.clear();
        self.splits.clear();
        if tree.leaves.len() > MAX_LEAVES {
            return false;
        }
        self.splits.extend(tree.splits());
        self.splits.sort_unstable_by_key(|&(property, value)| (Index::of(property), property, value));
        self.splits.dedup();
        let splits = std::mem::take(&mut self.splits);
        let fits = splits
            .chunk_by(|a, b| Index::of(a.0) == Index::of(b.0))
            .all(|splits| self.build_table(tree, splits));
        self.splits = splits;
        fits
    }

    /// The tables, in ascending order of what they are indexed by.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Index, MaskTable<'_>)> {
        self.tables.iter().map(|table| {
            let masks = &self.masks[table.start..table.end];
            (table.index, MaskTable { masks, first: table.first, least: table.least })
        })
    }

    /// The table with this index, or one that rules out nothing.
    pub(crate) fn get(&self, index: Index) -> MaskTable<'_> {
        self.iter().find(|(of, _)| *of == index).map_or(MaskTable::ALL, |(_, table)| table)
    }

    /// Appends the table of all splits that share an index.
    fn build_table(&mut self, tree: &PrunedTree, splits: &[(u8, i32)]) -> bool {
        let mut values = USUAL_VALUES;
        for &(property, value) in splits {
            let value = i64::from(value);
            let magnitude = if is_magnitude(property) { value.abs() } else { value };
            // Both outcomes of the split have an entry.
            values.start = values.start.min(value).min(-magnitude - 1);
            values.end = values.end.max(magnitude + 2);
        }
        let start = self.masks.len();
        let len = (values.end - values.start) as usize;
        if start + len > MAX_ENTRIES {
            return false;
        }
        self.masks.resize(start + len, Mask::MAX);
        let mut table = TableRange {
            index: Index::of(splits[0].0),
            // Fits: `values` has few entries and includes 0.
            first: values.start as i32,
            least: Mask::MAX,
            start,
            end: start + len,
        };
        for splits in splits.chunk_by(|a, b| a.0 == b.0) {
            self.rule_out(tree, splits, &mut table);
        }
        self.tables.push(table);
        true
    }

    /// Clears in `table` the bits of the leaves that each value of one property rules out.
    fn rule_out(&mut self, tree: &PrunedTree, splits: &[(u8, i32)], table: &mut TableRange) {
        let property = splits[0].0;
        self.find_bounds(tree, property);
        let masks = &mut self.masks[table.start..table.end];
        let first = i64::from(table.first);
        let mut clear = |low: i64, high: i64, possible: Mask| {
            let entry_of = |value: i64| (value - first).clamp(0, masks.len() as i64) as usize;
            let entries = entry_of(low)..entry_of(high + 1);
            masks[entries].iter_mut().for_each(|mask| *mask &= possible);
        };
        // The values between two splits are equivalent.
        let lasts = splits.iter().map(|&(_, value)| value).chain([i32::MAX]);
        let mut low = i32::MIN;
        for high in lasts {
            let reached = |bounds: &(i32, i32)| bounds.0 <= low && high <= bounds.1;
            let mut possible: Mask = 0;
            for (node, bounds) in tree.nodes.iter().zip(&self.bounds) {
                if let Node::Leaf(leaf) = *node
                    && reached(bounds)
                {
                    possible |= 1 << leaf;
                }
            }
            if low == i32::MIN {
                table.least &= possible;
            }
            let [from, to] = [low, high].map(i64::from);
            if !is_magnitude(property) {
                clear(from, to, possible);
            } else if to >= 0 {
                clear(from.max(0), to, possible);
                clear(-to, -from.max(0), possible);
            }
            low = high.wrapping_add(1);
        }
    }

    /// Fills `bounds`: of every node the values of `property` that reach it.
    fn find_bounds(&mut self, tree: &PrunedTree, of: u8) {
        self.bounds.clear();
        self.bounds.resize(tree.nodes.len(), (i32::MIN, i32::MAX));
        for (at, node) in tree.nodes.iter().enumerate() {
            if let Node::Split { property, value, children } = *node {
                let (low, high) = self.bounds[at];
                let [left, right] =
                    if property == of { [(value + 1, high), (low, value)] } else { [(low, high); 2] };
                self.bounds[children as usize] = left;
                self.bounds[children as usize + 1] = right;
            }
        }
    }
}

fn is_magnitude(property: u8) -> bool {
    matches!(property, 4 | 5)
}
