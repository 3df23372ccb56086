//! Which loop decodes a channel: made from its pruned tree, and kept for groups with the same one.

use jxlake_entropy::Codes;

use super::super::predictor::Predictor;
use super::super::prune::{PrunedLeaf, PrunedTree, Situation};
use super::super::tree::{MaTree, unpack_signed};
use super::choosers::{ClusterTable, LeftTables, MaskLeaves, left};
use super::mask::{Index, MAX_LEAVES, MaskTable, MaskTables};

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

/// A pruned tree, its shape and tables.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) tree: PrunedTree,
    pub(crate) shape: Shape,
    pub(crate) needs_weighted: bool,
    /// Number of references that the tree looks at.
    pub(crate) references: usize,
    pub(crate) masks: MaskTables,
    pub(crate) leaves: Box<MaskLeaves>,
    clusters: Vec<u8>,
    first: i32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            tree: PrunedTree::default(),
            shape: Shape::General,
            needs_weighted: false,
            references: 0,
            masks: MaskTables::default(),
            leaves: Box::new([PrunedLeaf::default(); MAX_LEAVES]),
            clusters: Vec::new(),
            first: 0,
        }
    }
}

impl Plan {
    fn make(&mut self, tree: &MaTree, situation: Situation) {
        self.tree.prune(tree, situation);
        self.references = self.tree.references();
        self.needs_weighted = self.tree.needs_weighted();
        self.shape = self.find_shape(tree.codes());
    }

    fn find_shape(&mut self, codes: &Codes) -> Shape {
        let leaves = &self.tree.leaves;
        if let [leaf] = leaves[..] {
            return match constant(codes, &leaf) {
                Some(value) => Shape::Constant(value),
                None if self.needs_weighted => self.tabulate(),
                None => Shape::One(leaf),
            };
        }
        self.tabulate()
    }

    fn tabulate(&mut self) -> Shape {
        let leaves = &self.tree.leaves;
        if !self.masks.build(&self.tree) {
            return Shape::General;
        }
        self.leaves[..leaves.len()].copy_from_slice(leaves);
        let all = |predictor| leaves.iter().all(|leaf| leaf.is_plain() && leaf.predictor == predictor);
        let only_property = self.tree.only_property();
        let one_leaf = leaves.len() == 1;
        if all(Predictor::Gradient) && only_property == Some(9) {
            self.fill_clusters(9);
            return Shape::ByGradient;
        }
        if all(Predictor::Weighted) && (only_property == Some(15) || one_leaf) {
            self.fill_clusters(15);
            return Shape::ByMaxError;
        }
        Shape::ByMask(if leaves.iter().all(|leaf| leaf.predictor == Predictor::Zero) {
            Leaves::Unpredicted
        } else if all(Predictor::Gradient) {
            Leaves::Gradient
        } else if leaves.iter().all(|leaf| {
            leaf.is_plain() && matches!(leaf.predictor, Predictor::Gradient | Predictor::Weighted)
        }) {
            Leaves::GradientOrWeighted
        } else {
            Leaves::Any
        })
    }

    /// Makes the table of clusters from the masks of the only property.
    fn fill_clusters(&mut self, property: u8) {
        let table = self.masks.get(Index::Property(property));
        self.first = table.first();
        self.clusters.clear();
        let leaf_of = |mask: &u64| mask.trailing_zeros() as usize % MAX_LEAVES;
        self.clusters.extend(table.masks().iter().map(|mask| self.leaves[leaf_of(mask)].cluster));
    }

    pub(crate) fn clusters(&self) -> ClusterTable<'_> {
        ClusterTable { clusters: &self.clusters, first: self.first }
    }

    pub(crate) fn left_tables(&self) -> LeftTables<'_> {
        let property = |property| self.masks.get(Index::Property(property));
        LeftTables {
            west: self.masks.get(Index::West),
            gradient_step: property(8),
            gradient: property(9),
            west_step: property(10),
            west_west_step: property(14),
        }
    }

    pub(crate) fn max_error_table(&self) -> MaskTable<'_> {
        self.masks.get(Index::Property(15))
    }

    /// Which of the tables of [`LeftTables`] rule out anything: bits of [`left`].
    pub(crate) fn left_used(&self) -> u8 {
        let bit = |index| match index {
            Index::West => left::WEST,
            Index::Property(8) => left::GRADIENT_STEP,
            Index::Property(9) => left::GRADIENT,
            Index::Property(10) => left::WEST_STEP,
            Index::Property(14) => left::WEST_WEST_STEP,
            _ => 0,
        };
        self.masks.iter().fold(0, |bits, (index, _)| bits | bit(index))
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

    /// The plan for a channel.
    pub(crate) fn plan(&mut self, tree: &MaTree, situation: Situation) -> &Plan {
        if self.generation != tree.generation() {
            (self.generation, self.used, self.oldest) = (tree.generation(), 0, 0);
        }
        let known = self.plans[..self.used].iter().position(|plan| plan.tree.is_for(tree, situation));
        let at = known.unwrap_or_else(|| {
            let at = self.place();
            self.plans[at].make(tree, situation);
            at
        });
        &self.plans[at]
    }

    /// The shapes of all plans.
    #[cfg(test)]
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        self.plans[..self.used].iter().map(|plan| plan.shape).collect()
    }

    /// A place for a new plan.
    fn place(&mut self) -> usize {
        if self.used < Self::CAPACITY {
            if self.used == self.plans.len() {
                self.plans.push(Plan::default());
            }
            self.used += 1;
            return self.used - 1;
        }
        let place = self.oldest;
        self.oldest = (place + 1) % Self::CAPACITY;
        place
    }
}
