//! The part of an MA tree that one channel of one stream can reach.
//!
//! Encoders join the trees of all streams and channels into one by splits on the stream and the channel near the root.
//! For one channel of one stream these, and the properties of references that do not exist, are constants: what is left
//! is small, and often of a shape that has a fast loop.

use super::predictor::Predictor;
use super::tree::{MaTree, Node, PLAIN_PROPERTIES};

/// What is constant for all samples of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Situation {
    /// Property 0: index of the channel in the list of its sub-bitstream.
    pub(crate) channel: u32,
    /// Property 1.
    pub(crate) stream: u32,
    /// Number of reference channels.
    pub(crate) references: u32,
}

/// How samples that reach a leaf are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct PrunedLeaf {
    pub(crate) cluster: u8,
    pub(crate) predictor: Predictor,
    pub(crate) offset: i32,
    pub(crate) multiplier: i32,
}

impl PrunedLeaf {
    /// Whether the residual is added to the prediction as it is.
    pub(crate) fn is_plain(&self) -> bool {
        self.offset == 0 && self.multiplier == 1
    }
}

/// A tree without what a situation cannot reach; refilled by [`prune`](Self::prune).
#[derive(Debug, Default)]
pub(crate) struct PrunedTree {
    /// The root comes first, then the children of each split in the order of the splits.
    /// [`Node::Leaf`] is an index into `leaves`.
    pub(crate) nodes: Vec<Node>,
    /// One for each leaf node, in the order of the nodes.
    pub(crate) leaves: Vec<PrunedLeaf>,
    key: Option<Key>,
}

/// What a pruned tree was made from, and for which streams it is the same.
#[derive(Clone, Copy, Debug)]
struct Key {
    generation: u64,
    channel: u32,
    references: u32,
    first_stream: u32,
    last_stream: u32,
}

impl PrunedTree {
    /// Whether this is what [`prune`](Self::prune) would make.
    pub(crate) fn is_for(&self, tree: &MaTree, situation: Situation) -> bool {
        self.key.is_some_and(|key| {
            key.generation == tree.generation()
                && key.channel == situation.channel
                && key.references == situation.references.min(tree.references())
                && (key.first_stream..=key.last_stream).contains(&situation.stream)
        })
    }

    /// Takes from `tree` what can be reached in `situation`. `reachable` is memory to do it in.
    pub(crate) fn prune(&mut self, tree: &MaTree, situation: Situation, reachable: &mut Vec<Node>) {
        let mut descent = Descent { tree, situation, first_stream: 0, last_stream: u32::MAX };
        collect_reachable(reachable, &mut descent);
        merge_equal_leaves(reachable, tree);
        self.number_anew(reachable, tree);
        self.key = Some(Key {
            generation: tree.generation(),
            channel: situation.channel,
            references: situation.references.min(tree.references()),
            first_stream: descent.first_stream,
            last_stream: descent.last_stream,
        });
    }

    /// Fills `nodes` and `leaves` with what is left of `reachable`.
    fn number_anew(&mut self, reachable: &[Node], tree: &MaTree) {
        let Self { nodes, leaves, .. } = self;
        nodes.clear();
        leaves.clear();
        nodes.push(reachable[0]);
        let mut at = 0;
        while at < nodes.len() {
            match nodes[at] {
                Node::Split { property, value, children } => {
                    nodes[at] = Node::Split { property, value, children: nodes.len() as u32 };
                    nodes.push(reachable[children as usize]);
                    nodes.push(reachable[children as usize + 1]);
                }
                Node::Leaf(leaf) => {
                    nodes[at] = Node::Leaf(leaves.len() as u32);
                    leaves.push(pruned_leaf(tree, leaf));
                }
            }
            at += 1;
        }
    }

    /// All splits: property and value.
    pub(crate) fn splits(&self) -> impl Iterator<Item = (u8, i32)> {
        self.nodes.iter().filter_map(|node| match *node {
            Node::Split { property, value, .. } => Some((property, value)),
            Node::Leaf(_) => None,
        })
    }

    /// Whether some split looks at `property`.
    pub(crate) fn uses(&self, property: usize) -> bool {
        self.splits().any(|(used, _)| usize::from(used) == property)
    }

    /// The property of all splits, if they have the same.
    pub(crate) fn only_property(&self) -> Option<u8> {
        let (first, _) = self.splits().next()?;
        self.splits().all(|(property, _)| property == first).then_some(first)
    }

    /// The leaf of samples whose [only property](Self::only_property) has this value.
    pub(crate) fn leaf_by_only_property(&self, value: i32) -> PrunedLeaf {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Split { value: bound, children, .. } => {
                    at = children as usize + usize::from(value <= bound)
                }
                Node::Leaf(leaf) => return self.leaves[leaf as usize],
            }
        }
    }

    /// Whether the weighted predictor must run.
    pub(crate) fn needs_weighted(&self) -> bool {
        self.uses(15) || self.leaves.iter().any(|leaf| leaf.predictor == Predictor::Weighted)
    }

    /// Number of reference channels that some split looks at.
    pub(crate) fn references(&self) -> usize {
        self.splits().map(|(property, _)| references_of(property)).max().unwrap_or(0)
    }

    /// The leaf that the properties lead to. Properties of references come after the plain ones; missing ones are 0.
    #[inline]
    pub(crate) fn walk(&self, properties: &[i32]) -> &PrunedLeaf {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf(leaf) => return &self.leaves[leaf as usize],
                Node::Split { property, value, children } => {
                    let property = properties.get(property as usize).copied().unwrap_or(0);
                    at = children as usize + usize::from(property <= value);
                }
            }
        }
    }
}

/// Fills `reachable`, in breadth-first order; its leaves are those of the whole tree.
fn collect_reachable(reachable: &mut Vec<Node>, descent: &mut Descent<'_>) {
    reachable.clear();
    reachable.push(descent.node(0));
    let mut at = 0;
    while at < reachable.len() {
        if let Node::Split { property, value, children } = reachable[at] {
            reachable[at] = Node::Split { property, value, children: reachable.len() as u32 };
            reachable.push(descent.node(children));
            reachable.push(descent.node(children + 1));
        }
        at += 1;
    }
}

/// Makes a leaf of every split both of whose sides lead to leaves of the same meaning: different contexts often share a
/// cluster.
fn merge_equal_leaves(reachable: &mut [Node], tree: &MaTree) {
    for at in (0..reachable.len()).rev() {
        if let Node::Split { children, .. } = reachable[at] {
            let [left, right] = [0, 1].map(|side| reachable[children as usize + side]);
            if let (Node::Leaf(left), Node::Leaf(right)) = (left, right)
                && pruned_leaf(tree, left) == pruned_leaf(tree, right)
            {
                reachable[at] = Node::Leaf(left);
            }
        }
    }
}

/// Number of references that must be there for `property`.
pub(crate) fn references_of(property: u8) -> usize {
    (usize::from(property) + 4).saturating_sub(PLAIN_PROPERTIES) / 4
}

fn pruned_leaf(tree: &MaTree, leaf: u32) -> PrunedLeaf {
    let context = leaf as usize;
    let leaf = &tree.leaves()[context];
    PrunedLeaf {
        cluster: tree.codes().context_map()[context],
        predictor: leaf.predictor,
        offset: leaf.offset,
        multiplier: leaf.multiplier,
    }
}

/// A way down through splits whose outcome is known, narrowing the streams for which it is the same.
struct Descent<'a> {
    tree: &'a MaTree,
    situation: Situation,
    first_stream: u32,
    last_stream: u32,
}

impl Descent<'_> {
    /// The first node from `at` downwards whose outcome is not known.
    fn node(&mut self, at: u32) -> Node {
        let mut at = at as usize;
        loop {
            let node = self.tree.nodes()[at];
            let Node::Split { property, value, children } = node else { return node };
            let constant = match property {
                0 => self.situation.channel,
                1 => self.situation.stream,
                _ if references_of(property) > self.situation.references as usize => 0,
                _ => return node,
            };
            // Channels and streams are below 2^31.
            let goes_left = constant as i32 > value;
            if property == 1 && goes_left {
                self.first_stream = self.first_stream.max(value.wrapping_add(1).max(0) as u32);
            } else if property == 1 {
                self.last_stream = self.last_stream.min(value.max(0) as u32);
            }
            at = children as usize + usize::from(!goes_left);
        }
    }
}
