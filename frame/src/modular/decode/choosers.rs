//! How a loop finds the leaf of a sample, and its prediction: the parts that differ from shape to shape of tree.

use super::super::predictor::{Neighbours, Predictor};
use super::super::properties::gradient;
use super::super::prune::PrunedLeaf;
use super::mask::{LEFT, LeftTables, Mask, SubtreeTables, left_table, only_bit, restrict};

/// Number of tables of a row's own samples.
const LEFT_TABLES: usize = LEFT.len();

/// Finds the leaf of a sample.
pub(crate) trait Chooser {
    /// The leaf at column `x`. `gradient_before` is property 9 of the sample to the left.
    fn choose(&self, x: usize, around: &Neighbours, gradient_before: i32) -> PrunedLeaf;
}

/// Trees of one leaf.
pub(crate) struct One(pub(crate) PrunedLeaf);

impl Chooser for One {
    #[inline(always)]
    fn choose(&self, _x: usize, _around: &Neighbours, _gradient_before: i32) -> PrunedLeaf {
        self.0
    }
}

/// From the value of one property to a cluster, for trees whose leaves do not differ in anything else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClusterTable<'a> {
    pub(crate) clusters: &'a [u8],
    /// Value of the first entry.
    pub(crate) first: i32,
}

impl ClusterTable<'_> {
    /// The cluster of a value. Exact for every value: the outermost entries stand for all beyond.
    #[inline(always)]
    pub(crate) fn at(&self, value: i32) -> u8 {
        match self.clusters.get(value.wrapping_sub(self.first) as u32 as usize) {
            Some(&cluster) => cluster,
            None => self.outside(value),
        }
    }

    #[inline(always)]
    fn outside(&self, value: i32) -> u8 {
        let outermost = if value < self.first { self.clusters.first() } else { self.clusters.last() };
        outermost.copied().unwrap_or(0)
    }
}

/// Trees of splits on property 9 whose leaves differ in their cluster only.
pub(crate) struct ByGradient<'a>(pub(crate) ClusterTable<'a>);

impl Chooser for ByGradient<'_> {
    #[inline(always)]
    fn choose(&self, _x: usize, around: &Neighbours, _gradient_before: i32) -> PrunedLeaf {
        let cluster = self.0.at(gradient(around));
        PrunedLeaf { cluster, predictor: Predictor::Gradient, offset: 0, multiplier: 1 }
    }
}

/// Tables of [`LeftTables`] that a loop looks at: bits of a constant parameter. That of property 15 is not among them.
pub(crate) mod left {
    use super::left_table;

    /// Properties 5 and 7.
    pub(crate) const WEST: u8 = 1 << left_table::WEST;
    /// Property 8.
    pub(crate) const GRADIENT_STEP: u8 = 1 << left_table::GRADIENT_STEP;
    /// Property 9.
    pub(crate) const GRADIENT: u8 = 1 << left_table::GRADIENT;
    /// Property 10.
    pub(crate) const WEST_STEP: u8 = 1 << left_table::WEST_STEP;
    /// Property 14.
    pub(crate) const WEST_WEST_STEP: u8 = 1 << left_table::WEST_WEST_STEP;
    /// All tables.
    pub(crate) const ALL: u8 = 31;
}

/// Trees with mask tables.
pub(crate) struct ByMask<'a, const W: usize, const LEFT: u8> {
    /// Of each column, the leaves that the properties of the rows above leave possible.
    pub(crate) above: &'a [Mask<W>],
    pub(crate) left: LeftTables<'a, W>,
    /// By the word and the bit of their mask.
    pub(crate) leaves: &'a [[PrunedLeaf; 64]; W],
}

impl<const W: usize, const LEFT: u8> ByMask<'_, W, LEFT> {
    /// Clears what the properties that depend on the sample to the left, but not 15, rule out.
    #[inline(always)]
    pub(crate) fn restrict_left(&self, mask: &mut Mask<W>, around: &Neighbours, gradient_before: i32) {
        let Neighbours { west, north_west, west_west, .. } = *around;
        if LEFT & left::WEST != 0 {
            restrict(mask, self.left.table(left_table::WEST).at(west));
        }
        if LEFT & left::GRADIENT_STEP != 0 {
            let step = west.wrapping_sub(gradient_before);
            restrict(mask, self.left.table(left_table::GRADIENT_STEP).at(step));
        }
        if LEFT & left::GRADIENT != 0 {
            restrict(mask, self.left.table(left_table::GRADIENT).at(gradient(around)));
        }
        if LEFT & left::WEST_STEP != 0 {
            restrict(mask, self.left.table(left_table::WEST_STEP).at(west.wrapping_sub(north_west)));
        }
        if LEFT & left::WEST_WEST_STEP != 0 {
            restrict(mask, self.left.table(left_table::WEST_WEST_STEP).at(west.wrapping_sub(west_west)));
        }
    }

    /// The leaf of a mask with one bit.
    #[inline(always)]
    pub(crate) fn leaf(&self, mask: &Mask<W>) -> PrunedLeaf {
        let (word, bit) = only_bit(mask);
        self.leaves[word][bit]
    }
}

impl<const W: usize, const LEFT: u8> Chooser for ByMask<'_, W, LEFT> {
    #[inline(always)]
    fn choose(&self, x: usize, around: &Neighbours, gradient_before: i32) -> PrunedLeaf {
        let mut mask = self.above[x];
        self.restrict_left(&mut mask, around, gradient_before);
        self.leaf(&mask)
    }
}

/// Trees of many leaves, with masks by subtree.
pub(crate) struct BySubtree<'a, const LEFT: u8> {
    pub(crate) tables: SubtreeTables<'a>,
    /// Of each column, the subtrees that the properties of the rows above leave possible.
    pub(crate) above: &'a [u64],
    /// A row for each table of these properties, of the columns' intervals.
    pub(crate) intervals: &'a [u8],
    /// By the bits of masks.
    pub(crate) leaves: &'a [PrunedLeaf],
}

impl<const LEFT: u8> BySubtree<'_, LEFT> {
    /// The leaf at column `x`. `max_error` is the interval of property 15, if the tree may look at it.
    #[inline(always)]
    pub(crate) fn leaf(
        &self,
        x: usize,
        around: &Neighbours,
        gradient_before: i32,
        max_error: Option<u8>,
    ) -> PrunedLeaf {
        let Neighbours { west, north_west, west_west, .. } = *around;
        let values = [
            (left_table::WEST, west),
            (left_table::GRADIENT_STEP, west.wrapping_sub(gradient_before)),
            (left_table::GRADIENT, gradient(around)),
            (left_table::WEST_STEP, west.wrapping_sub(north_west)),
            (left_table::WEST_WEST_STEP, west.wrapping_sub(west_west)),
        ];
        let mut intervals = [max_error; LEFT_TABLES];
        let mut subtrees = self.above[x];
        for (table, value) in values {
            intervals[table] = (LEFT >> table & 1 != 0).then(|| self.tables.interval(table, value));
        }
        for table in 0..LEFT_TABLES {
            if let Some(interval) = intervals[table] {
                subtrees &= self.tables.subtrees(table, interval);
            }
        }
        let subtree = subtrees.trailing_zeros() as usize % 64;
        let mut mask = u64::MAX;
        for (table, intervals) in (LEFT_TABLES..).zip(self.intervals.chunks_exact(self.above.len())) {
            mask &= self.tables.leaves(table, intervals[x], subtree);
        }
        for table in 0..LEFT_TABLES {
            if let Some(interval) = intervals[table] {
                mask &= self.tables.leaves(table, interval, subtree);
            }
        }
        self.leaves[subtree * 64 + mask.trailing_zeros() as usize % 64]
    }
}

impl<const LEFT: u8> Chooser for BySubtree<'_, LEFT> {
    #[inline(always)]
    fn choose(&self, x: usize, around: &Neighbours, gradient_before: i32) -> PrunedLeaf {
        self.leaf(x, around, gradient_before, None)
    }
}

/// Predicts a sample and adds its residual.
pub(crate) trait Reconstruct {
    /// The sample. `weighted` is the prediction of the weighted predictor, if it runs.
    fn sample(leaf: PrunedLeaf, residual: i32, around: &Neighbours, weighted: i32) -> i32;

    /// The sample and, modulo 2^32, eight times the sample, given eight times the prediction of the weighted predictor.
    #[inline(always)]
    fn sample_8(leaf: PrunedLeaf, residual: i32, around: &Neighbours, eighths: i32) -> (i32, i32) {
        let sample = Self::sample(leaf, residual, around, (eighths + 3) >> 3);
        (sample, sample << 3)
    }
}

/// Adds a residual to eight times a prediction: the sample, and eight times that. Both from the start, because the next
/// sample waits for either.
#[inline(always)]
fn add_to_8(prediction_8: i32, residual: i32) -> (i32, i32) {
    ((prediction_8 >> 3).wrapping_add(residual), prediction_8.wrapping_add(residual << 3))
}

/// All leaves have the same predictor, of this code, offset 0 and multiplier 1.
pub(crate) struct Only<const PREDICTOR: usize>;

impl<const PREDICTOR: usize> Reconstruct for Only<PREDICTOR> {
    #[inline(always)]
    fn sample(_leaf: PrunedLeaf, residual: i32, around: &Neighbours, weighted: i32) -> i32 {
        residual.wrapping_add(around.predict(Predictor::ALL[PREDICTOR], weighted))
    }

    #[inline(always)]
    fn sample_8(leaf: PrunedLeaf, residual: i32, around: &Neighbours, eighths: i32) -> (i32, i32) {
        if Predictor::ALL[PREDICTOR] == Predictor::Weighted {
            return add_to_8((eighths + 3) & !7, residual);
        }
        let sample = Self::sample(leaf, residual, around, 0);
        (sample, sample << 3)
    }
}

/// All leaves have the predictor Zero.
pub(crate) struct Unpredicted;

impl Reconstruct for Unpredicted {
    #[inline(always)]
    fn sample(leaf: PrunedLeaf, residual: i32, _around: &Neighbours, _weighted: i32) -> i32 {
        residual.wrapping_mul(leaf.multiplier).wrapping_add(leaf.offset)
    }
}

/// All leaves have the predictor Gradient or Weighted, offset 0 and multiplier 1.
pub(crate) struct GradientOrWeighted;

impl Reconstruct for GradientOrWeighted {
    #[inline(always)]
    fn sample(leaf: PrunedLeaf, residual: i32, around: &Neighbours, weighted: i32) -> i32 {
        let gradient = around.predict(Predictor::Gradient, 0);
        let is_weighted = leaf.predictor == Predictor::Weighted;
        residual.wrapping_add(std::hint::select_unpredictable(is_weighted, weighted, gradient))
    }

    #[inline(always)]
    fn sample_8(leaf: PrunedLeaf, residual: i32, around: &Neighbours, eighths: i32) -> (i32, i32) {
        let gradient_8 = around.predict(Predictor::Gradient, 0) * 8;
        let is_weighted = leaf.predictor == Predictor::Weighted;
        let prediction_8 = std::hint::select_unpredictable(is_weighted, (eighths + 3) & !7, gradient_8);
        add_to_8(prediction_8, residual)
    }
}

/// Leaves of any kind.
pub(crate) struct Any;

impl Reconstruct for Any {
    #[inline(always)]
    fn sample(leaf: PrunedLeaf, residual: i32, around: &Neighbours, weighted: i32) -> i32 {
        residual
            .wrapping_mul(leaf.multiplier)
            .wrapping_add(leaf.offset)
            .wrapping_add(around.predict(leaf.predictor, weighted))
    }
}
