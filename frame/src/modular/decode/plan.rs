//! Which loop decodes a channel: made from its pruned tree, and kept for groups with the same one.

use jxlake_entropy::Codes;

use super::super::predictor::Predictor;
use super::super::prune::{PrunedLeaf, PrunedTree, Situation};
use super::super::tree::{MaTree, Node, unpack_signed};
use super::choosers::{ClusterTable, left};
use super::mask::{ENTRIES, FIRST, MaskScratch, MaskTables};

/// Values that a table of clusters may have entries for.
const MAX_CLUSTER_ENTRIES: i64 = 1 << 18;

/// The shape of a pruned tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All samples are this value, and take no bits.
    Constant(i32),
    /// One leaf.
    One(PrunedLeaf),
    /// Splits on property 9, all leaves plain Gradient.
    ByGradient,
    /// Splits on property 15, all leaves plain Weighted.
    ByMaxError,
    /// Mask tables; what the leaves have in common.
    ByMask(Leaves),
    /// Mask tables by subtree.
    BySubtree(Leaves),
    /// Anything else.
    #[default]
    General,
}

/// What the leaves of a tree with mask tables have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Predictor Zero.
    Unpredicted,
    /// Predictor Gradient, offset 0, multiplier 1.
    Gradient,
    /// Predictor Gradient or Weighted, offset 0, multiplier 1.
    GradientOrWeighted,
    /// Nothing.
    Any,
}

impl Leaves {
    /// The tables of properties that depend on the sample to the left, bits of [`left`], for which there is a loop that
    /// looks at no others.
    pub(crate) const fn usual_left(self, weighted: bool) -> u8 {
        match self {
            Self::Unpredicted if !weighted => left::WEST | left::GRADIENT_STEP,
            Self::Gradient | Self::GradientOrWeighted if weighted => left::GRADIENT | left::WEST_STEP,
            _ => left::ALL,
        }
    }
}

/// A pruned tree, its shape and tables.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) tree: PrunedTree,
    pub(crate) shape: Shape,
    pub(crate) needs_weighted: bool,
    /// Number of references that the tree looks at.
    pub(crate) references: usize,
    pub(crate) masks: MaskTables,
    /// Whether splits look at no others than the [usual](Leaves::usual_left) properties of the row itself.
    pub(crate) usual: bool,
    /// The leaves, and so many more that each bit of a mask has one.
    leaves: Vec<PrunedLeaf>,
    clusters: Vec<u8>,
    first: i32,
}

/// What is needed only while a plan is made. One serves all plans.
#[derive(Debug, Default)]
struct PlanScratch {
    reachable: Vec<Node>,
    bounds: Vec<i64>,
    masks: MaskScratch,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            tree: PrunedTree::default(),
            shape: Shape::General,
            needs_weighted: false,
            references: 0,
            masks: MaskTables::default(),
            usual: false,
            leaves: Vec::new(),
            clusters: Vec::new(),
            first: 0,
        }
    }
}

impl Plan {
    fn make(&mut self, tree: &MaTree, situation: Situation, scratch: &mut PlanScratch) {
        self.tree.prune(tree, situation, &mut scratch.reachable);
        self.references = self.tree.references();
        self.needs_weighted = self.tree.needs_weighted();
        self.shape = self.find_shape(tree.codes(), scratch);
    }

    fn find_shape(&mut self, codes: &Codes, scratch: &mut PlanScratch) -> Shape {
        let leaves = &self.tree.leaves;
        if let [leaf] = leaves[..] {
            return match constant(codes, &leaf) {
                Some(value) => Shape::Constant(value),
                None if self.needs_weighted => self.tabulate(scratch),
                None => Shape::One(leaf),
            };
        }
        self.tabulate(scratch)
    }

    fn tabulate(&mut self, scratch: &mut PlanScratch) -> Shape {
        let common = self.leaves_in_common();
        self.usual = self.left_used() & !common.usual_left(self.needs_weighted) == 0;
        let only_property = self.tree.only_property();
        if common == Leaves::Gradient && only_property == Some(9) && self.fill_clusters(&mut scratch.bounds) {
            return Shape::ByGradient;
        }
        let all_weighted = self.leaves_are(|leaf| leaf.is_plain() && leaf.predictor == Predictor::Weighted);
        let by_max_error = only_property == Some(15) || self.tree.leaves.len() == 1;
        if all_weighted && by_max_error && self.fill_clusters(&mut scratch.bounds) {
            return Shape::ByMaxError;
        }
        let words = self.words(common);
        let built = match words {
            Some(words) => self.masks.build(&self.tree, words, &mut scratch.masks),
            None => self.masks.build_by_subtree(&self.tree, &mut scratch.masks),
        };
        if !built {
            return Shape::General;
        }
        self.leaves.clear();
        self.leaves.resize(self.masks.words() * 64, PrunedLeaf::default());
        for (leaf, bit) in scratch.masks.leaves(&self.tree) {
            self.leaves[bit] = self.tree.leaves[leaf];
        }
        if words.is_none() {
            return Shape::BySubtree(common);
        }
        Shape::ByMask(common)
    }

    fn leaves_are(&self, is: impl Fn(&PrunedLeaf) -> bool) -> bool {
        self.tree.leaves.iter().all(is)
    }

    fn leaves_in_common(&self) -> Leaves {
        let plain = |leaf: &PrunedLeaf, predictor| leaf.is_plain() && leaf.predictor == predictor;
        let gradient = |leaf: &PrunedLeaf| plain(leaf, Predictor::Gradient);
        if self.leaves_are(|leaf| leaf.predictor == Predictor::Zero) {
            Leaves::Unpredicted
        } else if self.leaves_are(gradient) {
            Leaves::Gradient
        } else if self.leaves_are(|leaf| gradient(leaf) || plain(leaf, Predictor::Weighted)) {
            Leaves::GradientOrWeighted
        } else {
            Leaves::Any
        }
    }

    /// Words of the masks: those for which there is a loop, so that not all loops are compiled for all sizes. `None` if
    /// there are so many leaves that masks by subtree are better.
    fn words(&self, common: Leaves) -> Option<usize> {
        let sizes: &[usize] = match (common, self.needs_weighted) {
            (Leaves::Gradient | Leaves::GradientOrWeighted, true) if self.usual => &[1, 2],
            (_, true) => &[2],
            (_, false) => &[1],
        };
        let leaves = self.tree.leaves.len();
        sizes.iter().copied().find(|words| words * 64 >= leaves)
    }

    /// Makes the table of clusters by the value of the only property, if the splits are not too far apart.
    fn fill_clusters(&mut self, bounds: &mut Vec<i64>) -> bool {
        bounds.clear();
        bounds.extend(self.tree.splits().map(|(_, value)| i64::from(value) + 1));
        bounds.sort_unstable();
        bounds.dedup();
        let [lowest, highest] = [bounds.first(), bounds.last()].map(|bound| bound.copied().unwrap_or(0));
        let first = lowest.saturating_sub(1).min(i64::from(FIRST));
        let end = (highest + 1).max(i64::from(FIRST) + ENTRIES as i64);
        if end - first > MAX_CLUSTER_ENTRIES {
            return false;
        }
        // Fits: there are few entries, and some of them are around 0.
        self.first = first as i32;
        self.clusters.clear();
        let mut low = first;
        for interval in 0..=bounds.len() {
            let high = bounds.get(interval).copied().unwrap_or(end);
            let cluster = self.tree.leaf_by_only_property(low as i32).cluster;
            self.clusters.resize((high - first) as usize, cluster);
            low = high;
        }
        true
    }

    pub(crate) fn clusters(&self) -> ClusterTable<'_> {
        ClusterTable { clusters: &self.clusters, first: self.first }
    }

    /// The leaves by the bits of masks.
    pub(crate) fn all_leaves(&self) -> &[PrunedLeaf] {
        &self.leaves
    }

    /// The leaves by the word and the bit of their mask. `W` must be the words of the masks.
    pub(crate) fn leaves<const W: usize>(&self) -> &[[PrunedLeaf; 64]; W] {
        const NONE: PrunedLeaf =
            PrunedLeaf { cluster: 0, predictor: Predictor::Zero, offset: 0, multiplier: 0 };
        let (leaves, _) = self.leaves.as_chunks();
        leaves.first_chunk().unwrap_or(&[[NONE; 64]; W])
    }

    /// Which of the tables of a row's own samples the tree needs: bits of [`left`].
    fn left_used(&self) -> u8 {
        let bit = |property| match property {
            5 | 7 => left::WEST,
            8 => left::GRADIENT_STEP,
            9 => left::GRADIENT,
            10 => left::WEST_STEP,
            14 => left::WEST_WEST_STEP,
            _ => 0,
        };
        self.tree.splits().fold(0, |bits, (property, _)| bits | bit(property))
    }
}

/// The value of all samples of a channel with this only leaf, if they take no bits.
fn constant(codes: &Codes, leaf: &PrunedLeaf) -> Option<i32> {
    let residual = unpack_signed(codes.single_value(leaf.cluster.into())?);
    let value = residual.wrapping_mul(leaf.multiplier).wrapping_add(leaf.offset);
    // Every predictor makes 0 of zeros, which is how a channel begins.
    (value == 0 || leaf.predictor == Predictor::Zero).then_some(value)
}

/// Plans that were made of one tree, so that groups share them.
///
/// With another tree the cache begins anew, in the same places: like images then find memory of the sizes they need.
#[derive(Debug, Default)]
pub(crate) struct PlanCache {
    plans: Vec<Plan>,
    scratch: PlanScratch,
    /// Which tree the plans are of.
    generation: u64,
    /// Plans of this tree; those behind are kept for their memory.
    used: usize,
    /// The next plan to be replaced.
    oldest: usize,
}

impl PlanCache {
    /// Enough for the channels of a squeezed image.
    const CAPACITY: usize = 64;
    /// For the global sub-bitstream: each of its channels comes once, so only trees that do not tell channels apart have
    /// a plan that serves again.
    const GLOBAL_CAPACITY: usize = 1;

    /// The plan for a channel.
    pub(crate) fn plan(&mut self, tree: &MaTree, situation: Situation) -> &Plan {
        if self.generation != tree.generation() {
            (self.generation, self.used, self.oldest) = (tree.generation(), 0, 0);
        }
        let known = self.plans[..self.used].iter().position(|plan| plan.tree.is_for(tree, situation));
        let at = known.unwrap_or_else(|| {
            let at = self.place(if situation.stream == 0 { Self::GLOBAL_CAPACITY } else { Self::CAPACITY });
            self.plans[at].make(tree, situation, &mut self.scratch);
            at
        });
        &self.plans[at]
    }

    /// The shapes of all plans.
    #[cfg(test)]
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        self.plans[..self.used].iter().map(|plan| plan.shape).collect()
    }

    /// Words of the masks of the last plan.
    #[cfg(test)]
    pub(crate) fn words(&self) -> usize {
        self.plans[..self.used].last().map_or(0, |plan| plan.masks.words())
    }

    /// A place for a new plan, of so many.
    fn place(&mut self, capacity: usize) -> usize {
        if self.used < capacity {
            if self.used == self.plans.len() {
                self.plans.push(Plan::default());
            }
            self.used += 1;
            return self.used - 1;
        }
        let place = self.oldest;
        self.oldest = (place + 1) % self.used;
        place
    }
}
