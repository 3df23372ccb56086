//! Streams of every kind of reader are read as they were written.

use super::{Fast, Stream};
use crate::test_support::{BitWriter, BundleWriter, CopyWriter, Item, Kind, MapForm, Random};
use crate::{BitReader, BundleLimits, Codes, HybridIntegerConfig, Lz77};

/// What the copies of a test stream are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CopyTest {
    None,
    /// From the last integer.
    Runs,
    /// Of any distance.
    Any,
    /// Of any distance, distances in a cluster of other integers.
    Shared,
}

/// A random stream.
struct Case {
    contexts: usize,
    multiplier: u32,
    map: Vec<u8>,
    copies: Option<CopyWriter>,
    configs: Vec<HybridIntegerConfig>,
    kind: Kind,
    items: Vec<Item>,
}

fn random_config(random: &mut Random) -> HybridIntegerConfig {
    if random.one_in(2) {
        return HybridIntegerConfig::USUAL;
    }
    // With these every 32-bit integer has a token below 200.
    let split_exponent = random.below(6) as u8;
    let msb = random.below(usize::from(split_exponent.min(2)) + 1) as u8;
    let lsb = random.below(usize::from((split_exponent - msb).min(2 - msb)) + 1) as u8;
    HybridIntegerConfig::new(split_exponent, msb, lsb).unwrap()
}

fn case(random: &mut Random, kind: Kind, copy_test: CopyTest) -> Case {
    let (most_contexts, most_clusters) = if random.one_in(4) { (700, 255) } else { (9, 7) };
    let contexts = 1 + random.below(most_contexts);
    let multiplier = if copy_test == CopyTest::Runs { 1 + random.of_bits(20) } else { random.of_bits(12) };
    let has_copies = copy_test != CopyTest::None;
    let mut clusters = 1 + random.below(contexts.min(most_clusters));
    let mut map: Vec<u8> = (0..contexts).map(|i| (i % clusters) as u8).collect();
    if has_copies {
        map.push(if copy_test == CopyTest::Shared { random.below(clusters) } else { clusters } as u8);
        clusters = usize::from(*map.iter().max().unwrap()) + 1;
    }
    let mut configs: Vec<_> = (0..clusters).map(|_| random_config(random)).collect();
    if random.one_in(3) {
        configs.fill(HybridIntegerConfig::USUAL);
    }
    if copy_test == CopyTest::Runs {
        configs[clusters - 1] = HybridIntegerConfig::new(4, 0, 0).unwrap();
    }
    let copies = has_copies.then(|| CopyWriter {
        // Below 224 only if the literals' tokens are.
        min_symbol: if random.one_in(2) { 224 } else { 200 },
        min_length: 3 + random.below(4) as u32,
        config: HybridIntegerConfig::new(random.below(5) as u8, 0, 0).unwrap(),
    });
    // Small alphabets of ANS hold only small integers.
    let value_bits = match kind {
        Kind::Ans(5..=7) => 3,
        _ => [1, 8, 16, 32][random.below(4)],
    };
    let mut items = Vec::new();
    for _ in 0..random.below(3000) {
        let context = random.below(contexts);
        match copies {
            Some(copies) if random.one_in(20) => {
                let length = copies.min_length + random.of_bits(9);
                let distance = if copy_test == CopyTest::Runs { 1 } else { random.of_bits(13) };
                items.push(Item::Copy { context, length, distance });
            }
            _ => items.push(Item::literal(context, random.of_bits(value_bits))),
        }
    }
    Case { contexts, multiplier, map, copies, configs, kind, items }
}

impl Case {
    /// The context of each integer: during copies the readers must not care.
    fn of_integers(&self, random: &mut Random) -> Vec<usize> {
        let mut contexts = Vec::new();
        for item in &self.items {
            match *item {
                Item::Literal { context, .. } => contexts.push(context),
                Item::Copy { context, length, .. } => {
                    contexts.push(context);
                    contexts.extend((1..length).map(|_| random.below(self.contexts)));
                }
            }
        }
        contexts
    }

    fn write(&self, random: &mut Random) -> Vec<u8> {
        let mut bundle = BundleWriter::with_parts(
            self.map.clone(),
            self.copies,
            self.configs.clone(),
            &self.items,
            self.kind,
        )
        .seed(random.next_u32().into());
        bundle = match random.below(3) {
            0 if self.configs.len() <= 8 => bundle.map_form(MapForm::Simple),
            _ => {
                bundle.map_form(MapForm::Coded { move_to_front: random.one_in(2), copies: random.one_in(2) })
            }
        };
        let mut writer = BitWriter::new();
        bundle.write(&mut writer);
        bundle.write_stream(&mut writer, &self.items);
        writer.into_bytes()
    }
}

#[test]
fn every_reader_reads_what_was_written() {
    let mut random = Random::new(2024);
    let mut fast = Fast::default();
    let kinds = [Kind::Prefix, Kind::Ans(8), Kind::Ans(7), Kind::Ans(6), Kind::Ans(5)];
    for round in 0..600 {
        let kind = kinds[round % 5];
        let copy_test = match kind {
            Kind::Prefix | Kind::Ans(8) => {
                [CopyTest::None, CopyTest::Runs, CopyTest::Any, CopyTest::Shared][round / 5 % 4]
            }
            _ => CopyTest::None,
        };
        let case = case(&mut random, kind, copy_test);
        let of_integers = case.of_integers(&mut random);
        let data = case.write(&mut random);
        let stream = Stream {
            data: &data,
            contexts: case.contexts,
            multiplier: case.multiplier,
            of_integers: &of_integers,
        };
        let (values, position) = fast.compare(stream);
        let values = values.unwrap_or_else(|refusal| panic!("round {round}: {refusal:?}"));
        assert!(position.div_ceil(8) == data.len() as u64);
        // The literals are also compared with what was meant.
        let mut at = 0;
        for item in &case.items {
            match *item {
                Item::Literal { value, .. } => {
                    assert_eq!(values[at], value, "round {round}, integer {at}");
                    at += 1;
                }
                Item::Copy { length, .. } => at += length as usize,
            }
        }
        if case.copies.is_some() && !case.items.is_empty() {
            let copied = case.items.iter().any(|item| matches!(item, Item::Copy { .. }));
            assert_eq!(fast.codes.uses_lz77(), copied, "round {round}");
            if copied && copy_test == CopyTest::Runs {
                assert!(fast.codes.is_run_length(case.multiplier));
                assert!(!fast.codes.is_run_length(0));
            }
        }
    }
}

#[test]
fn copies_reach_back_exactly_a_window() {
    // Literals that tell their place, then copies from the farthest places, around the end of the window.
    let mut items: Vec<Item> = (0..(1u32 << 20) + 1000).map(|i| Item::literal(0, i % 251 * 13)).collect();
    for distance in [(1 << 20) - 1, (1 << 20) - 2, 1 << 20, u32::MAX, 0, 5, (1 << 20) - 1] {
        items.push(Item::Copy { context: 0, length: 700, distance });
    }
    let copies =
        CopyWriter { min_symbol: 200, min_length: 3, config: HybridIntegerConfig::new(4, 2, 0).unwrap() };
    for kind in [Kind::Prefix, Kind::Ans(8)] {
        let configs = vec![HybridIntegerConfig::USUAL; 2];
        let bundle = BundleWriter::with_parts(vec![0, 1], Some(copies), configs, &items, kind);
        let mut writer = BitWriter::new();
        bundle.write(&mut writer);
        bundle.write_stream(&mut writer, &items);
        let data = writer.into_bytes();
        let of_integers = vec![0; (1 << 20) + 1000 + 7 * 700];
        let stream = Stream { data: &data, contexts: 1, multiplier: 0, of_integers: &of_integers };
        assert!(Fast::default().compare(stream).0.is_ok());
    }
}

#[test]
fn copies_before_the_first_integer_are_zeros() {
    let items = [
        Item::Copy { context: 0, length: 9, distance: 3 },
        Item::literal(0, 77),
        Item::Copy { context: 0, length: 9, distance: 3 },
        Item::Copy { context: 0, length: 9, distance: 1 },
    ];
    let copies = CopyWriter { min_symbol: 224, min_length: 3, config: HybridIntegerConfig::USUAL };
    for (kind, items) in [(Kind::Prefix, &items[..]), (Kind::Ans(8), &items), (Kind::Prefix, &items[..1])] {
        let configs = vec![HybridIntegerConfig::USUAL; 2];
        let bundle = BundleWriter::with_parts(vec![0, 1], Some(copies), configs, items, kind);
        let mut writer = BitWriter::new();
        bundle.write(&mut writer);
        bundle.write_stream(&mut writer, items);
        let data = writer.into_bytes();
        let of_integers = [0; 28];
        let of_integers = &of_integers[..if items.len() == 1 { 9 } else { 28 }];
        // A window that held something else before.
        let mut fast = Fast::default();
        fast.window.prepare(64).unwrap();
        fast.window.integers().fill(5);
        let stream = Stream { data: &data, contexts: 1, multiplier: 0, of_integers };
        let (values, _) = fast.compare(stream);
        assert_eq!(values.unwrap()[..9], [0; 9]);
    }
}

#[test]
fn clusters_of_one_integer_are_known() {
    let items: Vec<Item> = (0..40)
        .flat_map(|i| [Item::literal(0, 7), Item::literal(1, i), Item::literal(2, 900), Item::literal(3, 3)])
        .collect();
    for kind in [Kind::Prefix, Kind::Ans(8)] {
        let bundle = BundleWriter::fitting(4, &items, kind);
        let mut writer = BitWriter::new();
        bundle.write(&mut writer);
        let data = writer.into_bytes();
        let mut codes = Codes::new();
        codes.read(&mut BitReader::new(&data), 4, Lz77::Allowed, &BundleLimits::default()).unwrap();
        let singles: Vec<_> = (0..4).map(|context| codes.single_value(codes.cluster(context))).collect();
        // 900 has raw bits although its token is the only one.
        assert_eq!(singles, [Some(7), None, None, Some(3)]);
        assert_eq!(codes.single_value(4), None);
    }
}

#[test]
fn a_warm_bundle_does_not_grow() {
    let mut random = Random::new(5);
    let case = case(&mut random, Kind::Prefix, CopyTest::Any);
    let data = case.write(&mut random);
    let mut codes = Codes::new();
    let mut read = || {
        codes
            .read(&mut BitReader::new(&data), case.contexts, Lz77::Allowed, &BundleLimits::default())
            .unwrap();
        (codes.prefix_entries().as_ptr(), codes.context_map().as_ptr(), codes.configs().as_ptr())
    };
    assert_eq!(read(), read());
}
