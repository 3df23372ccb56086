//! Every loop against the plain one, on random trees and random data.

use jxlake_entropy::test_support::{BitWriter, BundleWriter, CopyWriter, Item, Kind, Random};
use jxlake_entropy::{BitReader, HybridIntegerConfig};
use jxlake_util::Pool;

use super::super::channel::{Channel, ChannelShape, Sample};
use super::super::predictor::Predictor;
use super::super::tree::MaTree;
use super::super::tree::tests::{WrittenNode, write_tree};
use super::super::weighted::WeightedHeader;
use super::plain::{self, PlainChannel};
use super::plan::Leaves;
use super::*;

/// What a random tree is made of.
#[derive(Clone, Copy)]
struct TreeKind<'a> {
    properties: &'a [u8],
    predictors: &'a [Predictor],
    leaves: usize,
    /// Offset 0 and multiplier 1.
    plain: bool,
    /// Split values are of so many bits.
    value_bits: u32,
}

const USUAL: TreeKind<'static> = TreeKind {
    properties: &[15, 9, 10, 11, 12],
    predictors: &[Predictor::Gradient, Predictor::Weighted],
    leaves: 30,
    plain: true,
    value_bits: 8,
};

/// Splits leaves at random until there are enough; every split can go both ways.
fn random_tree(random: &mut Random, kind: &TreeKind<'_>) -> WrittenNode {
    let mut bounds = [(i32::MIN, i32::MAX); 256];
    grow(random, kind, &mut bounds, kind.leaves)
}

fn grow(
    random: &mut Random,
    kind: &TreeKind<'_>,
    bounds: &mut [(i32, i32); 256],
    leaves: usize,
) -> WrittenNode {
    // A split that nothing can pass one way is refused: a few tries find one that is not.
    for _ in 0..if leaves > 1 { 8 } else { 0 } {
        let property = kind.properties.get(random.below(kind.properties.len().max(1))).copied();
        let magnitude = random.of_bits(kind.value_bits) as i32;
        let value = if random.one_in(2) { magnitude } else { magnitude.wrapping_neg() };
        if let Some(property) = property
            && (bounds[property as usize].0..bounds[property as usize].1).contains(&value)
        {
            let before = bounds[property as usize];
            let left_leaves = 1 + random.below(leaves - 1);
            bounds[property as usize].0 = value + 1;
            let left = grow(random, kind, bounds, left_leaves);
            bounds[property as usize] = (before.0, value);
            let right = grow(random, kind, bounds, leaves - left_leaves);
            bounds[property as usize] = before;
            return WrittenNode::split(property, value, left, right);
        }
    }
    let predictor = kind.predictors[random.below(kind.predictors.len())];
    match kind.plain {
        true => WrittenNode::leaf(predictor),
        false => {
            let offset = random.of_bits(6) as i32 - 20;
            WrittenNode::Leaf { predictor, offset, multiplier: 1 + random.of_bits(3) }
        }
    }
}

/// The symbols of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CopyWay {
    None,
    RunLength,
    Anywhere,
}

/// Invents integers, and notes how they are coded.
struct Source {
    random: Random,
    bits: u32,
    outlier_bits: u32,
    copies: CopyWay,
    items: Vec<Item>,
    integers: Vec<u32>,
    /// Integers left of a copy, and its distance.
    copy: (u32, usize),
}

impl Source {
    fn integer(&mut self, context: usize) -> u32 {
        if self.copy.0 == 0
            && self.copies != CopyWay::None
            && !self.integers.is_empty()
            && self.random.one_in(9)
        {
            let length = 3 + self.random.of_bits(6);
            let (coded, distance) = match self.copies {
                CopyWay::RunLength => (1, 1),
                _ => {
                    let distance = 1 + self.random.below(self.integers.len());
                    (119 + distance as u32, distance)
                }
            };
            self.items.push(Item::Copy { context, length, distance: coded });
            self.copy = (length, distance);
        }
        let integer = if self.copy.0 > 0 {
            self.copy.0 -= 1;
            self.integers[self.integers.len() - self.copy.1]
        } else {
            let is_outlier = self.outlier_bits > 0 && self.random.one_in(60);
            let integer = self.random.of_bits(if is_outlier { self.outlier_bits } else { self.bits });
            self.items.push(Item::literal(context, integer));
            integer
        };
        self.integers.push(integer);
        integer
    }
}

/// A tree with data, as bytes and as what they mean.
struct Written {
    tree: MaTree,
    data: Vec<u8>,
    channels: Vec<PlainChannel>,
}

struct Case<'a> {
    seed: u64,
    tree: &'a TreeKind<'a>,
    coding: Kind,
    usual_config: bool,
    copies: CopyWay,
    /// Integers are of so many bits.
    bits: u32,
    /// But a few of them of so many, if not 0.
    outlier_bits: u32,
    shapes: &'a [ChannelShape],
    header: WeightedHeader,
}

const SHAPES: [ChannelShape; 1] = [shape(37, 23)];

const fn shape(width: u32, height: u32) -> ChannelShape {
    ChannelShape { width, height, hshift: 0, vshift: 0 }
}

const STREAM: u32 = 5;

impl Case<'_> {
    fn usual<'a>(tree: &'a TreeKind<'a>, seed: u64) -> Case<'a> {
        Case {
            seed,
            tree,
            coding: if seed.is_multiple_of(2) { Kind::Ans(8) } else { Kind::Prefix },
            usual_config: !seed.is_multiple_of(3),
            copies: CopyWay::None,
            bits: 6,
            outlier_bits: 0,
            shapes: &SHAPES,
            header: random_header(&mut Random::new(seed)),
        }
    }

    fn write(&self) -> Written {
        let mut random = Random::new(self.seed);
        let written_tree = random_tree(&mut random, self.tree);
        let contexts = written_tree.leaves();
        // The tree is read once to get at its nodes, and again with the codes that fit the data.
        let mut tree = MaTree::default();
        let clusters = contexts.min(1 + random.below(40));
        let map: Vec<u8> = (0..contexts).map(|context| (context % clusters) as u8).collect();
        let any_configs = vec![HybridIntegerConfig::USUAL];
        let any_codes = BundleWriter::with_parts(vec![0; contexts], None, any_configs, &[], Kind::Prefix);
        read_tree(&mut tree, &written_tree, &any_codes);

        let mut source = Source {
            random: random.clone(),
            bits: self.bits,
            outlier_bits: self.outlier_bits,
            copies: self.copies,
            items: Vec::new(),
            integers: Vec::new(),
            copy: (0, 0),
        };
        let channels =
            plain::decode(&tree, &self.header, STREAM, self.shapes, |context| source.integer(context));
        let other = HybridIntegerConfig::new(4, 1, 2).unwrap();
        let config = if self.usual_config { HybridIntegerConfig::USUAL } else { other };
        let mut configs = vec![config; clusters];
        let mut map = map;
        let copies = (self.copies != CopyWay::None).then(|| {
            configs.push(HybridIntegerConfig::USUAL);
            map.push(clusters as u8);
            CopyWriter { min_symbol: 224, min_length: 3, config: HybridIntegerConfig::USUAL }
        });
        let bundle = BundleWriter::with_parts(map, copies, configs, &source.items, self.coding);
        read_tree(&mut tree, &written_tree, &bundle);
        let mut data = BitWriter::new();
        bundle.write_stream(&mut data, &source.items);
        Written { tree, data: data.into_bytes(), channels }
    }

    /// Decodes what is written with the loops, and gives the shapes of the channels' trees too.
    fn decode<S: Sample>(&self, written: &Written) -> Result<(Vec<Channel<S>>, Vec<Shape>), Error> {
        self.decode_with(written, &mut DecodeWorkspace::default())
    }

    fn decode_with<S: Sample>(
        &self,
        written: &Written,
        workspace: &mut DecodeWorkspace,
    ) -> Result<(Vec<Channel<S>>, Vec<Shape>), Error> {
        let pool = Pool::new();
        let mut channels: Vec<Channel<S>> =
            self.shapes.iter().map(|&shape| Channel::lease(&pool, shape).unwrap()).collect();
        let context = StreamContext { tree: &written.tree, weighted: &self.header, stream_index: STREAM };
        let mut bits = BitReader::new(&written.data);
        decode_channels(&mut bits, &context, &mut channels, workspace, &pool)?;
        if channels.iter().any(|channel| channel.samples.is_some()) {
            assert!(written.data.len() as u64 * 8 - bits.position() < 8);
        }
        Ok((channels, workspace.plans.shapes()))
    }

    /// Decodes what is written with the loops, and compares.
    fn check<S: Sample>(&self) -> Vec<Shape> {
        self.check_words::<S>().0
    }

    /// The same, and the words of the last channel's masks.
    fn check_words<S: Sample>(&self) -> (Vec<Shape>, usize) {
        let written = self.write();
        let mut workspace = DecodeWorkspace::default();
        let (channels, shapes) = self.decode_with::<S>(&written, &mut workspace).unwrap();
        for (index, (channel, expected)) in channels.iter().zip(&written.channels).enumerate() {
            for (y, row) in expected.rows.iter().enumerate().filter(|(_, row)| !row.is_empty()) {
                let decoded = channel.view().unwrap().row(y).iter().map(|sample| sample.to_i32());
                assert!(decoded.eq(row.iter().copied()), "seed {}, channel {index}, row {y}", self.seed);
            }
        }
        (shapes, workspace.plans.words())
    }
}

fn read_tree(tree: &mut MaTree, written: &WrittenNode, codes: &BundleWriter) {
    let mut writer = BitWriter::new();
    write_tree(&mut writer, written, Kind::Ans(8));
    codes.write(&mut writer);
    let bytes = writer.into_bytes();
    let mut bits = BitReader::new(&bytes);
    tree.read(&mut bits, 1 << 20).unwrap();
}

fn random_header(random: &mut Random) -> WeightedHeader {
    if random.one_in(2) {
        return WeightedHeader::default();
    }
    let mut p = || random.below(32) as i32;
    let (p1, p2, p3) = (p(), p(), [p(), p(), p(), p(), p()]);
    WeightedHeader { p1, p2, p3, w: [0; 4].map(|_| random.below(16) as u32) }
}

#[test]
fn usual_trees_by_every_reader() {
    let mut seed = 0;
    for coding in [Kind::Prefix, Kind::Ans(8)] {
        for copies in [CopyWay::None, CopyWay::RunLength, CopyWay::Anywhere] {
            for usual_config in [true, false] {
                seed += 1;
                let case = Case { coding, copies, usual_config, ..Case::usual(&USUAL, seed) };
                assert_eq!(case.check::<i32>(), [Shape::ByMask(Leaves::GradientOrWeighted)]);
            }
        }
    }
}

/// Checks trees of a kind with different data; all must have this shape or, being random, a simpler one.
fn check_kind(tree: &TreeKind<'_>, is_shape: impl Fn(Shape) -> bool) {
    let mut of_shape = 0;
    for seed in 0..12 {
        let shapes = Case::usual(tree, seed).check::<i32>();
        of_shape += shapes.iter().filter(|shape| is_shape(**shape)).count();
    }
    assert!(of_shape >= 6, "{of_shape}");
}

#[test]
fn single_leaves_of_every_predictor() {
    for predictor in Predictor::ALL {
        for plain in [true, false] {
            let predictors = &[predictor];
            let tree = TreeKind { properties: &[], predictors, leaves: 1, plain, value_bits: 1 };
            check_kind(&tree, |shape| match predictor {
                Predictor::Weighted if plain => shape == Shape::ByMaxError,
                Predictor::Weighted => shape == Shape::ByMask(Leaves::Any),
                _ => matches!(shape, Shape::One(_)),
            });
        }
    }
}

#[test]
fn trees_of_one_property() {
    let gradient = TreeKind {
        properties: &[9],
        predictors: &[Predictor::Gradient],
        leaves: 33,
        plain: true,
        value_bits: 9,
    };
    check_kind(&gradient, |shape| shape == Shape::ByGradient);
    let weighted = TreeKind { properties: &[15], predictors: &[Predictor::Weighted], ..gradient };
    check_kind(&weighted, |shape| shape == Shape::ByMaxError);
    // Splits far apart, as for images with 16 bits.
    let wide = TreeKind { value_bits: 16, ..gradient };
    check_kind(&wide, |shape| shape == Shape::ByGradient);
    let wide = TreeKind { value_bits: 16, ..weighted };
    check_kind(&wide, |shape| shape == Shape::ByMaxError);
    for seed in 0..6 {
        Case { bits: 15, ..Case::usual(&wide, seed) }.check::<i32>();
    }
    let row = TreeKind { properties: &[2], value_bits: 4, leaves: 8, ..gradient };
    check_kind(&row, |shape| shape == Shape::ByMask(Leaves::Gradient));
    let column = TreeKind { properties: &[3], value_bits: 4, leaves: 8, ..gradient };
    check_kind(&column, |shape| shape == Shape::ByMask(Leaves::Gradient));
}

#[test]
fn trees_with_masks() {
    let squeeze = TreeKind {
        properties: &[4, 5, 6, 7, 8],
        predictors: &[Predictor::Zero],
        leaves: 40,
        plain: false,
        value_bits: 8,
    };
    check_kind(&squeeze, |shape| shape == Shape::ByMask(Leaves::Unpredicted));
    let all = TreeKind {
        properties: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
        predictors: &[Predictor::Zero, Predictor::Select, Predictor::AverageAll, Predictor::NorthEast],
        leaves: 64,
        plain: false,
        value_bits: 9,
    };
    check_kind(&all, |shape| shape == Shape::ByMask(Leaves::Any));
    let weighted = TreeKind {
        properties: &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        predictors: &Predictor::ALL,
        ..all
    };
    check_kind(&weighted, |shape| shape == Shape::ByMask(Leaves::Any));
    let plain = TreeKind { predictors: USUAL.predictors, plain: true, ..weighted };
    check_kind(&plain, |shape| shape == Shape::ByMask(Leaves::GradientOrWeighted));
}

/// Checks trees of a kind with so many leaves; with up to 64 times `words` of them all masks have so many words, with
/// more they are by subtree.
fn check_sizes(tree: &TreeKind<'_>, leaves: Leaves, words: &[usize]) {
    let sizes = [40, 64, 65, 80, 128, 140, 200, 256, 400, 512, 700, 900, 2000];
    for (seed, leaves_of_tree) in sizes.into_iter().enumerate() {
        let tree = TreeKind { leaves: leaves_of_tree, ..*tree };
        let case = Case { bits: 5, ..Case::usual(&tree, seed as u64) };
        let (shapes, words_of_masks) = case.check_words::<i32>();
        // Trees are merged where leaves mean the same: they may have fewer than asked for.
        match shapes[..] {
            [Shape::ByMask(common)] => assert!(common == leaves && words.contains(&words_of_masks)),
            [Shape::BySubtree(common)] => {
                assert!(common == leaves && words_of_masks * 64 > words[words.len() - 1] * 64);
            }
            _ => panic!("{shapes:?} with {leaves_of_tree} leaves"),
        }
        let is_by_mask = matches!(shapes[0], Shape::ByMask(_));
        let most = 64 * words[words.len() - 1];
        assert!(is_by_mask || leaves_of_tree > most, "{leaves_of_tree}");
        assert!(!is_by_mask || leaves_of_tree < 4 * most, "{leaves_of_tree}");
    }
}

#[test]
fn masks_of_every_size() {
    let usual = TreeKind { value_bits: 9, ..USUAL };
    check_sizes(&usual, Leaves::GradientOrWeighted, &[1, 2]);
    let properties = &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let plain = TreeKind { properties, ..usual };
    check_sizes(&plain, Leaves::GradientOrWeighted, &[2]);
    let any = TreeKind { predictors: &Predictor::ALL, plain: false, ..plain };
    check_sizes(&any, Leaves::Any, &[2]);
    let predictors = &[Predictor::Select, Predictor::West];
    check_sizes(&TreeKind { properties: &properties[..13], predictors, ..any }, Leaves::Any, &[1]);
}

/// A tree with a split of one property for each of these values.
fn balanced(property: u8, values: std::ops::Range<i32>) -> WrittenNode {
    let (low, high) = (values.start, values.end);
    if values.is_empty() {
        return WrittenNode::leaf(if low % 2 == 0 { Predictor::Gradient } else { Predictor::West });
    }
    let middle = low + (high - low) / 2;
    WrittenNode::split(
        property,
        middle,
        balanced(property, middle + 1..high),
        balanced(property, low..middle),
    )
}

#[test]
fn plans_for_more_splits_than_tables_have_room_for() {
    let mut cache = PlanCache::default();
    let mut read = MaTree::default();
    let of_one = |splits| balanced(10, -150..splits - 150);
    let of_two = WrittenNode::split(9, 0, of_one(250), balanced(8, 0..250));
    for (tree, by_subtree) in [(of_two, true), (of_one(300), false), (of_one(254), true)] {
        let contexts = tree.leaves();
        let literals: Vec<Item> = (0..contexts).map(|context| Item::literal(context, 2)).collect();
        let map = (0..contexts).map(|context| (context % 2) as u8).collect();
        let configs = vec![HybridIntegerConfig::USUAL; 2];
        let codes = BundleWriter::with_parts(map, None, configs, &literals, Kind::Prefix);
        read_tree(&mut read, &tree, &codes);
        let shape = cache.plan(&read, Situation { channel: 0, stream: 8, references: 0 }).shape;
        let expected = if by_subtree { Shape::BySubtree(Leaves::Any) } else { Shape::General };
        assert_eq!(shape, expected, "{contexts} leaves");
    }
}

#[test]
fn trees_beyond_masks() {
    let large = TreeKind {
        properties: &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        predictors: &Predictor::ALL,
        leaves: 1500,
        plain: false,
        value_bits: 12,
    };
    check_kind(&large, |shape| shape == Shape::General);
    let wide = TreeKind { value_bits: 12, leaves: 20, ..large };
    check_kind(&wide, |shape| shape == Shape::General);
}

#[test]
fn references_among_other_channels() {
    let tree = TreeKind {
        properties: &[0, 1, 9, 15, 16, 17, 18, 19, 20, 21, 23, 26, 200],
        predictors: &[Predictor::Gradient, Predictor::West],
        leaves: 50,
        plain: true,
        value_bits: 7,
    };
    let other = ChannelShape { hshift: 1, ..shape(20, 11) };
    let shapes =
        [shape(20, 11), shape(20, 11), shape(0, 11), other, shape(7, 3), shape(20, 11), shape(20, 11)];
    for seed in 0..20 {
        Case { shapes: &shapes, ..Case::usual(&tree, seed) }.check::<i32>();
        let general = TreeKind { leaves: 150, ..tree };
        Case { shapes: &shapes, ..Case::usual(&general, seed) }.check::<i32>();
    }
}

#[test]
fn channels_of_few_columns_or_rows() {
    let shapes: Vec<ChannelShape> = (1..6).flat_map(|w| (1..5).map(move |h| shape(w, h))).collect();
    let all_properties = TreeKind {
        properties: &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        predictors: &Predictor::ALL,
        leaves: 30,
        plain: false,
        value_bits: 6,
    };
    for seed in 0..10 {
        for tree in [&USUAL, &all_properties] {
            for copies in [CopyWay::None, CopyWay::Anywhere] {
                Case { shapes: &shapes, copies, ..Case::usual(tree, seed) }.check::<i32>();
            }
        }
    }
}

#[test]
fn integers_of_32_bits_wrap() {
    let tree = TreeKind { predictors: &Predictor::ALL, plain: false, value_bits: 31, ..USUAL };
    for seed in 0..20 {
        for bits in [14, 20, 26, 32] {
            Case { bits, ..Case::usual(&USUAL, seed) }.check::<i32>();
            Case { bits, ..Case::usual(&tree, seed) }.check::<i32>();
        }
    }
}

#[test]
fn few_large_samples_or_errors_among_small_ones() {
    let shapes = [shape(150, 23), shape(64, 7), shape(65, 5)];
    let weighted = TreeKind { properties: &[15], predictors: &[Predictor::Weighted], plain: true, ..USUAL };
    let predictors = &[Predictor::Zero, Predictor::Weighted];
    let mixed = TreeKind { properties: &[15, 8, 9], predictors, plain: false, ..USUAL };
    for seed in 0..30 {
        for outlier_bits in [13, 17, 18, 19, 20, 22, 31] {
            for tree in [&weighted, &mixed] {
                let header = random_header(&mut Random::new(seed + u64::from(outlier_bits)));
                let usual = Case::usual(tree, seed);
                Case { bits: 4, outlier_bits, shapes: &shapes, header, ..usual }.check::<i32>();
            }
        }
    }
}

#[test]
fn samples_of_16_bits_are_kept_or_refused() {
    let tree = TreeKind { properties: &[15], predictors: &[Predictor::Weighted], ..USUAL };
    for seed in 0..10 {
        Case { bits: 5, ..Case::usual(&USUAL, seed) }.check::<i16>();
        Case { bits: 5, ..Case::usual(&tree, seed) }.check::<i16>();
        let refused = Case { bits: 20, ..Case::usual(&USUAL, seed) };
        assert_eq!(refused.decode::<i16>(&refused.write()).map(|_| ()), Err(Error::SampleOverflow));
    }
}

#[test]
fn channels_without_bits_are_filled() {
    let tree = TreeKind { properties: &[0], predictors: &[Predictor::Gradient], ..USUAL };
    let shapes = [shape(5, 4), shape(3, 3)];
    let case = Case { bits: 0, shapes: &shapes, ..Case::usual(&tree, 2) };
    assert_eq!(case.check::<i32>(), [Shape::Constant(0); 2]);
    let none = Case { shapes: &[shape(0, 4), shape(3, 0)], ..Case::usual(&tree, 2) };
    assert_eq!(none.check::<i32>(), []);
}

#[test]
fn streams_that_end_early_or_wrongly_are_errors() {
    for seed in 0..6 {
        let case = Case::usual(&USUAL, seed);
        let written = case.write();
        let cut = Written { data: written.data[..written.data.len() / 2].to_vec(), ..case.write() };
        assert!(matches!(case.decode::<i32>(&cut), Err(Error::Truncated { .. })));
        if case.coding != Kind::Prefix {
            let mut damaged = case.write();
            damaged.data[40] ^= 4;
            assert!(case.decode::<i32>(&damaged).is_err());
        }
    }
}

#[test]
fn plans_are_kept_for_streams_with_the_same_tree() {
    let tree = |bound| {
        let [a, b, c] = [Predictor::West, Predictor::Gradient, Predictor::Zero].map(WrittenNode::leaf);
        WrittenNode::split(1, bound, WrittenNode::split(9, 3, a, b), c)
    };
    let codes = || {
        let literals: Vec<Item> = (0..3).map(|context| Item::literal(context, 2)).collect();
        BundleWriter::fitting(3, &literals, Kind::Prefix)
    };
    let mut read = MaTree::default();
    read_tree(&mut read, &tree(7), &codes());
    let mut cache = PlanCache::default();
    let mut plan = |tree: &MaTree, stream, channel| {
        let shape = cache.plan(tree, Situation { channel, stream, references: 0 }).shape;
        (shape, cache.shapes().len())
    };
    assert_eq!(plan(&read, 8, 0), (Shape::ByMask(Leaves::Any), 1));
    assert_eq!(plan(&read, 100, 0).1, 1);
    assert_eq!(plan(&read, 7, 0), (Shape::Constant(1), 2));
    assert_eq!(plan(&read, 0, 0).1, 2);
    assert_eq!(plan(&read, 1, 1).1, 3);
    // With another tree the cache begins anew. Of the global sub-bitstream one plan is kept.
    read_tree(&mut read, &tree(9), &codes());
    for channel in 0..4 {
        assert_eq!(plan(&read, 0, channel).1, 1);
    }
    assert_eq!(plan(&read, 10, 0), (Shape::ByMask(Leaves::Any), 2));
}
