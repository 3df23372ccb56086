//! The MA tree ("meta-adaptive"): from properties of a sample's neighbourhood to the context, predictor, multiplier and
//! offset with which the sample is decoded.

use std::sync::atomic::{AtomicU64, Ordering};

use jxlake_entropy::{BitReader, BundleLimits, Codes, Lz77, Lz77Window, SymbolReader};

use super::fault::ModularFault;
use super::predictor::Predictor;
use super::prune::references_of;
use crate::error::Error;

/// Properties that every channel has; those of reference channels follow, four for each.
pub(crate) const PLAIN_PROPERTIES: usize = 16;

/// Nodes of the largest tree of any image.
const MAX_NODES: u64 = 1 << 22;
/// Nodes that memory is asked for at first: 64 KB if symbols are copied.
const FEW_NODES: u64 = 1 << 11;

/// Nodes on the longest path of a legal tree, the root included.
const MAX_HEIGHT: usize = 2047;

/// The rule of the MA tree that a codestream breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeFault {
    /// A property above 255.
    #[error("property {0} is above 255")]
    Property(u32),
    /// A predictor that does not exist.
    #[error("predictor {0} does not exist")]
    Predictor(u32),
    /// A multiplier above 2^31 − 1.
    #[error("the multiplier {bits} · 2^{log} is too large")]
    Multiplier {
        /// Coded exponent.
        log: u32,
        /// Coded mantissa.
        bits: u32,
    },
    /// More nodes than the image may have.
    #[error("more than {0} nodes")]
    Nodes(u64),
    /// A path of 2048 nodes or more.
    #[error("a path of more than 2047 nodes")]
    Height,
    /// A split at a value that leaves nothing for one of its sides.
    #[error("a split of property {property} at {value} where it is {low} to {high}")]
    Split {
        /// The property.
        property: u8,
        /// The value of the split.
        value: i32,
        /// Least value of the property that reaches the split.
        low: i32,
        /// Largest value of the property that reaches the split.
        high: i32,
    },
}

impl From<TreeFault> for Error {
    fn from(fault: TreeFault) -> Self {
        ModularFault::Tree(fault).into()
    }
}

/// A node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// To `children` if the property is above `value`, else to `children + 1`.
    Split { property: u8, value: i32, children: u32 },
    /// The end of a path: the index of a [`Leaf`], which is its context too.
    Leaf(u32),
}

/// How samples that reach a leaf are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) predictor: Predictor,
    pub(crate) offset: i32,
    /// 1 to 2^31 − 1.
    pub(crate) multiplier: i32,
}

/// A tree and the codes of its leaves' contexts. [`read`](Self::read) fills it again without allocating when warm.
#[derive(Debug, Default)]
pub struct MaTree {
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
    codes: Codes,
    /// Different for every tree that was read, so that what is derived from a tree can be kept; 0 for none.
    generation: u64,
    references: u32,
    workspace: TreeWorkspace,
}

#[derive(Debug, Default)]
struct TreeWorkspace {
    codes: Codes,
    window: Lz77Window,
    path: Vec<Step>,
}

/// A split on the path that is being checked, with the bound of its property that one of its sides moved.
#[derive(Clone, Copy, Debug)]
struct Step {
    node: u32,
    side: Side,
    outer: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Contexts in which a tree itself is coded.
#[derive(Clone, Copy)]
enum TreeContext {
    SplitValue,
    Property,
    Predictor,
    Offset,
    MultiplierLog,
    MultiplierBits,
}

impl MaTree {
    const CONTEXTS: usize = 6;

    /// Reads a tree of at most `node_limit` nodes (about; the format tests before it reads a node), and the codes of
    /// its leaves.
    pub fn read(&mut self, bits: &mut BitReader<'_>, node_limit: u64) -> Result<(), Error> {
        self.generation = 0;
        self.read_nodes(bits, node_limit)?;
        self.check_splits()?;
        self.codes.read(bits, self.leaves.len(), Lz77::Allowed, &BundleLimits::default())?;
        static GENERATION: AtomicU64 = AtomicU64::new(1);
        self.generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The codes of the leaves' contexts.
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Nodes in breadth-first order; none if no tree was read.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Number of reference channels that some split looks at.
    pub(crate) fn references(&self) -> u32 {
        self.references
    }

    pub(crate) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Reads the nodes: with little memory for copied symbols first, and if the tree is large once more with all that
    /// the limit asks for.
    fn read_nodes(&mut self, bits: &mut BitReader<'_>, node_limit: u64) -> Result<(), Error> {
        let node_limit = node_limit.min(MAX_NODES);
        let start = bits.clone();
        if node_limit > FEW_NODES {
            if self.read_nodes_up_to(bits, FEW_NODES, node_limit)? {
                return Ok(());
            }
            *bits = start;
        }
        self.read_nodes_up_to(bits, node_limit, node_limit).map(drop)
    }

    /// As [`read_nodes`](Self::read_nodes), with memory for a tree of `room` nodes; false if there are more, and fewer
    /// than the limit.
    fn read_nodes_up_to(
        &mut self,
        bits: &mut BitReader<'_>,
        room: u64,
        node_limit: u64,
    ) -> Result<bool, Error> {
        let Self { nodes, leaves, references, workspace, .. } = self;
        *references = 0;
        nodes.clear();
        leaves.clear();
        let codes = &mut workspace.codes;
        codes.read(bits, Self::CONTEXTS, Lz77::Allowed, &BundleLimits::default())?;
        // A property that always is a split would go on to the limit without reading a bit.
        let property_cluster = codes.cluster(TreeContext::Property as usize);
        if codes.single_value(property_cluster).is_some_and(|property| property > 0) {
            return Err(TreeFault::Nodes(node_limit).into());
        }
        let mut symbols = SymbolReader::new(codes, bits, 0, 6 * room, &mut workspace.window)?;
        let mut pending = 1u64;
        while pending > 0 {
            if nodes.len() as u64 >= room && room < node_limit {
                return Ok(false);
            }
            if nodes.len() as u64 > node_limit {
                bits.check()?;
                return Err(TreeFault::Nodes(node_limit).into());
            }
            if nodes.len() % 256 == 255 {
                bits.check()?;
            }
            pending -= 1;
            let mut read = |context: TreeContext| symbols.read(bits, context as usize);
            let property = read(TreeContext::Property);
            if property == 0 {
                let leaf = read_leaf(&mut read);
                let leaf = leaf.map_err(|fault| error_unless_overrun(fault, bits))?;
                nodes.push(Node::Leaf(leaves.len() as u32));
                leaves.push(leaf);
            } else {
                let value = unpack_signed(read(TreeContext::SplitValue));
                let Ok(property) = u8::try_from(property - 1) else {
                    return Err(error_unless_overrun(TreeFault::Property(property - 1), bits));
                };
                // Below 2^23: the node limit is 2^22.
                let children = (nodes.len() as u64 + pending + 1) as u32;
                nodes.push(Node::Split { property, value, children });
                *references = (*references).max(references_of(property) as u32);
                pending += 2;
            }
        }
        symbols.finish(bits)?;
        bits.check()?;
        Ok(true)
    }

    /// Checks that every split can go both ways, and that no path is too long.
    fn check_splits(&mut self) -> Result<(), Error> {
        let path = &mut self.workspace.path;
        path.clear();
        let mut low = [i32::MIN; 256];
        let mut high = [i32::MAX; 256];
        let mut next = Some(0u32);
        loop {
            // Down to the left, as far as it goes.
            while let Some(Node::Split { property, value, children }) =
                next.and_then(|node| self.nodes.get(node as usize).copied())
            {
                let (low, high) = (&mut low[property as usize], &high[property as usize]);
                if !(*low <= value && value < *high) {
                    return Err(TreeFault::Split { property, value, low: *low, high: *high }.into());
                }
                path.push(Step { node: next.unwrap_or(0), side: Side::Left, outer: *low });
                if path.len() >= MAX_HEIGHT {
                    return Err(TreeFault::Height.into());
                }
                *low = value + 1;
                next = Some(children);
            }
            // Up to the first split whose right side is still to be checked.
            loop {
                let Some(step) = path.last_mut() else { return Ok(()) };
                let Node::Split { property, value, children } = self.nodes[step.node as usize] else {
                    return Ok(());
                };
                let (low, high) = (&mut low[property as usize], &mut high[property as usize]);
                match step.side {
                    Side::Left => {
                        *low = step.outer;
                        *step = Step { side: Side::Right, outer: *high, ..*step };
                        *high = value;
                        next = Some(children + 1);
                        break;
                    }
                    Side::Right => {
                        *high = step.outer;
                        path.pop();
                    }
                }
            }
        }
    }
}

fn read_leaf(read: &mut impl FnMut(TreeContext) -> u32) -> Result<Leaf, TreeFault> {
    let code = read(TreeContext::Predictor);
    let predictor = Predictor::from_code(code).ok_or(TreeFault::Predictor(code))?;
    let offset = unpack_signed(read(TreeContext::Offset));
    let log = read(TreeContext::MultiplierLog);
    if log >= 31 {
        return Err(TreeFault::Multiplier { log, bits: 0 });
    }
    let bits = read(TreeContext::MultiplierBits);
    if bits >= (1 << (31 - log)) - 1 {
        return Err(TreeFault::Multiplier { log, bits });
    }
    Ok(Leaf { predictor, offset, multiplier: ((bits + 1) << log) as i32 })
}

/// Zeros that are supplied past the end must not decide that a tree is invalid.
fn error_unless_overrun(fault: TreeFault, bits: &BitReader<'_>) -> Error {
    match bits.check() {
        Ok(()) => fault.into(),
        Err(overrun) => overrun.into(),
    }
}

/// 0, −1, 1, −2, 2, … for 0, 1, 2, 3, 4, …
#[inline(always)]
pub(crate) fn unpack_signed(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::VecDeque;

    use jxlake_entropy::HybridIntegerConfig;
    use jxlake_entropy::test_support::{BitWriter, BundleWriter, Item, Kind};

    use super::*;

    /// A node to be written, with what is below it.
    #[derive(Clone, Debug)]
    pub(crate) enum WrittenNode {
        Split { property: u32, value: i32, children: Box<[WrittenNode; 2]> },
        Leaf { predictor: Predictor, offset: i32, multiplier: u32 },
    }

    impl WrittenNode {
        /// `left` is for values of the property above `value`.
        pub(crate) fn split(property: u8, value: i32, left: Self, right: Self) -> Self {
            Self::Split { property: property.into(), value, children: Box::new([left, right]) }
        }

        /// A leaf with offset 0 and multiplier 1.
        pub(crate) fn leaf(predictor: Predictor) -> Self {
            Self::Leaf { predictor, offset: 0, multiplier: 1 }
        }

        /// Number of leaves.
        pub(crate) fn leaves(&self) -> usize {
            match self {
                Self::Split { children, .. } => children.iter().map(Self::leaves).sum(),
                Self::Leaf { .. } => 1,
            }
        }
    }

    /// The symbols of a tree.
    pub(crate) fn tree_items(root: &WrittenNode) -> Vec<Item> {
        let mut items = Vec::new();
        let mut push = |context: TreeContext, value| items.push(Item::literal(context as usize, value));
        let mut queue = VecDeque::from([root]);
        while let Some(node) = queue.pop_front() {
            match node {
                WrittenNode::Split { property, value, children } => {
                    push(TreeContext::Property, property + 1);
                    push(TreeContext::SplitValue, pack_signed(*value));
                    queue.extend(children.iter());
                }
                WrittenNode::Leaf { predictor, offset, multiplier } => {
                    let log = multiplier.trailing_zeros();
                    push(TreeContext::Property, 0);
                    push(TreeContext::Predictor, *predictor as u32);
                    push(TreeContext::Offset, pack_signed(*offset));
                    push(TreeContext::MultiplierLog, log);
                    push(TreeContext::MultiplierBits, (multiplier >> log) - 1);
                }
            }
        }
        items
    }

    /// Writes the tree without the codes of its leaves.
    pub(crate) fn write_tree(writer: &mut BitWriter, root: &WrittenNode, kind: Kind) {
        write_items(writer, &tree_items(root), kind);
    }

    fn write_items(writer: &mut BitWriter, items: &[Item], kind: Kind) {
        let bundle = BundleWriter::fitting(MaTree::CONTEXTS, items, kind);
        bundle.write(writer);
        bundle.write_stream(writer, items);
    }

    fn pack_signed(value: i32) -> u32 {
        (value << 1 ^ value >> 31) as u32
    }

    fn read_items(items: &[Item], kind: Kind, node_limit: u64) -> Result<MaTree, Error> {
        let mut writer = BitWriter::new();
        write_items(&mut writer, items, kind);
        let is_leaf = |item: &&Item| matches!(item, Item::Literal { context, .. } if *context == TreeContext::Predictor as usize);
        let leaves = items.iter().filter(is_leaf).count();
        write_leaf_codes(&mut writer, leaves.max(1));
        let bytes = writer.into_bytes();
        let mut tree = MaTree::default();
        tree.read(&mut BitReader::new(&bytes), node_limit).map(|()| tree)
    }

    /// Codes in which all leaves share a cluster.
    fn write_leaf_codes(writer: &mut BitWriter, leaves: usize) {
        let configs = vec![HybridIntegerConfig::USUAL];
        BundleWriter::with_parts(vec![0; leaves], None, configs, &[], Kind::Prefix).write(writer);
    }

    fn fault(items: &[(TreeContext, u32)]) -> Option<TreeFault> {
        let items: Vec<Item> =
            items.iter().map(|&(context, value)| Item::literal(context as usize, value)).collect();
        match read_items(&items, Kind::Ans(8), 1 << 22) {
            Err(Error::Invalid {
                what: crate::error::Invalid::Modular(ModularFault::Tree(fault)), ..
            }) => Some(fault),
            _ => None,
        }
    }

    /// `deep` splits, each the left child of the one before.
    fn chain(deep: u32) -> WrittenNode {
        let mut root = WrittenNode::leaf(Predictor::Zero);
        for value in (0..deep).rev() {
            root = WrittenNode::split(7, value as i32, root, WrittenNode::leaf(Predictor::West));
        }
        root
    }

    #[test]
    fn a_tree_is_read_in_breadth_first_order() {
        let leaf =
            |offset, multiplier| WrittenNode::Leaf { predictor: Predictor::Select, offset, multiplier };
        let right = WrittenNode::split(19, -7, leaf(-3, 12), leaf(0, i32::MAX as u32));
        let root = WrittenNode::split(255, i32::MIN, leaf(5, 1), right);
        let mut writer = BitWriter::new();
        write_tree(&mut writer, &root, Kind::Prefix);
        write_leaf_codes(&mut writer, 3);
        let bytes = writer.into_bytes();
        let mut tree = MaTree::default();
        tree.read(&mut BitReader::new(&bytes), 5).unwrap();
        let nodes = [
            Node::Split { property: 255, value: i32::MIN, children: 1 },
            Node::Leaf(0),
            Node::Split { property: 19, value: -7, children: 3 },
            Node::Leaf(1),
            Node::Leaf(2),
        ];
        assert_eq!(tree.nodes(), nodes);
        let leaf = |offset, multiplier| Leaf { predictor: Predictor::Select, offset, multiplier };
        assert_eq!(tree.leaves(), [leaf(5, 1), leaf(-3, 12), leaf(0, i32::MAX)]);
        assert_eq!(tree.references(), 60);
    }

    #[test]
    fn values_out_of_range_are_rejected() {
        use TreeContext::*;
        let leaf = |predictor, log, bits| {
            [(Property, 0), (Predictor, predictor), (Offset, 0), (MultiplierLog, log), (MultiplierBits, bits)]
        };
        assert_eq!(fault(&leaf(13, 30, 0)), None);
        assert_eq!(fault(&leaf(14, 0, 0)), Some(TreeFault::Predictor(14)));
        assert_eq!(fault(&leaf(0, 31, 0)), Some(TreeFault::Multiplier { log: 31, bits: 0 }));
        assert_eq!(fault(&leaf(0, 30, 1)), Some(TreeFault::Multiplier { log: 30, bits: 1 }));
        assert_eq!(
            fault(&leaf(0, 0, i32::MAX as u32)),
            Some(TreeFault::Multiplier { log: 0, bits: i32::MAX as u32 })
        );
        // The leaf is there so that not every property is a split.
        let split = [&[(Property, 257), (SplitValue, 0)], &leaf(0, 0, 0)[..]].concat();
        assert_eq!(fault(&split), Some(TreeFault::Property(256)));
    }

    #[test]
    fn splits_that_go_one_way_only_are_rejected() {
        let leaf = || WrittenNode::leaf(Predictor::Zero);
        let fault_of = |root: &WrittenNode| match read_items(&tree_items(root), Kind::Prefix, 1 << 20) {
            Err(Error::Invalid {
                what: crate::error::Invalid::Modular(ModularFault::Tree(fault)), ..
            }) => Some(fault),
            _ => None,
        };
        let split = |value, low, high| Some(TreeFault::Split { property: 9, value, low, high });
        let below = |value| WrittenNode::split(9, 4, leaf(), WrittenNode::split(9, value, leaf(), leaf()));
        assert_eq!(fault_of(&below(4)), split(4, i32::MIN, 4));
        assert_eq!(fault_of(&below(3)), None);
        let above = |value| WrittenNode::split(9, 4, WrittenNode::split(9, value, leaf(), leaf()), leaf());
        assert_eq!(fault_of(&above(4)), split(4, 5, i32::MAX));
        assert_eq!(fault_of(&above(5)), None);
        assert_eq!(
            fault_of(&WrittenNode::split(9, i32::MAX, leaf(), leaf())),
            split(i32::MAX, i32::MIN, i32::MAX)
        );
        // The bounds of one path do not leak into another.
        let side = || WrittenNode::split(9, 0, leaf(), leaf());
        assert_eq!(fault_of(&WrittenNode::split(3, 0, side(), side())), None);
    }

    #[test]
    fn trees_too_large_or_high_are_rejected() {
        let read = |root: &WrittenNode, limit| read_items(&tree_items(root), Kind::Ans(8), limit).map(|_| ());
        assert_eq!(read(&chain(100), 200), Ok(()));
        assert_eq!(read(&chain(100), 199), Err(TreeFault::Nodes(199).into()));
        assert_eq!(read(&chain(2046), 1 << 20), Ok(()));
        assert_eq!(read(&chain(2047), 1 << 20), Err(TreeFault::Height.into()));
    }

    #[test]
    fn infinite_trees_end() {
        let items = vec![Item::literal(TreeContext::Property as usize, 3); 10];
        assert!(matches!(read_items(&items, Kind::Ans(8), 1 << 22), Err(Error::Invalid { .. })));
        // The same with a second value of no probability to speak of.
        let mut items = vec![Item::literal(TreeContext::Property as usize, 3); 4000];
        items.push(Item::literal(TreeContext::Property as usize, 4));
        assert!(read_items(&items, Kind::Ans(8), 1 << 22).is_err());
    }

    #[test]
    fn every_cut_of_a_tree_is_truncated() {
        let mut writer = BitWriter::new();
        write_tree(&mut writer, &chain(20), Kind::Prefix);
        write_leaf_codes(&mut writer, 21);
        let bytes = writer.into_bytes();
        let mut tree = MaTree::default();
        assert_eq!(tree.read(&mut BitReader::new(&bytes), 1 << 20), Ok(()));
        for len in 0..bytes.len() {
            let cut = tree.read(&mut BitReader::new(&bytes[..len]), 1 << 20);
            assert!(matches!(cut, Err(Error::Truncated { .. })), "{len}: {cut:?}");
            assert!(tree.generation() == 0);
        }
    }
}
