//! Time per integer of every kind of reader, on streams like those of real files: the minimum of many runs.
//!
//! `cargo run --release -p jxlake-entropy --features test-support --example symbol_speed`

use jxlake_entropy::test_support::{BitWriter, BundleWriter, CopyWriter, Item, Kind, Random};
use jxlake_entropy::{
    BitReader, BundleLimits, Codes, Error, HybridIntegerConfig, IntegerReader, LockstepVisitor, Lz77,
    Lz77Window, StreamStart, Visitor,
};
use std::time::Instant;

const INTEGERS: usize = 1 << 18;
const CONTEXTS: usize = 8;

/// Residuals of a photograph: geometric, of widths that depend on the context.
fn residual(random: &mut Random, context: usize, bits: u32) -> u32 {
    let mut log = 0;
    while log < bits + context as u32 / 3 && !random.one_in(4) {
        log += 1;
    }
    random.next_u32() & ((1 << log) - 1)
}

struct Sum<'a> {
    clusters: &'a [u8],
    single: bool,
}

impl Visitor for Sum<'_> {
    type Output = Result<u32, Error>;

    #[inline(never)]
    fn visit<R: IntegerReader>(self, mut reader: R, outer: &mut BitReader<'_>) -> Self::Output {
        let mut bits = outer.clone();
        let mut sum = 0u32;
        if self.single {
            for _ in 0..self.clusters.len() {
                sum = sum.wrapping_mul(3).wrapping_add(reader.read(&mut bits, 0));
            }
        } else {
            for &cluster in self.clusters {
                sum = sum.wrapping_mul(3).wrapping_add(reader.read(&mut bits, cluster.into()));
            }
        }
        reader.finish(&bits)?;
        *outer = bits;
        Ok(sum)
    }
}

/// Two streams side by side.
struct SumOfTwo<'a>(Sum<'a>);

impl LockstepVisitor<2> for SumOfTwo<'_> {
    type Output = Result<u32, Error>;

    #[inline(never)]
    fn visit<R: IntegerReader>(self, streams: [(R, &mut BitReader<'_>); 2]) -> Self::Output {
        let [(mut first, first_bits), (mut second, second_bits)] = streams;
        let (mut first_bits, mut second_bits) = (first_bits.clone(), second_bits.clone());
        let mut sum = 0u32;
        for &cluster in self.0.clusters {
            let cluster = if self.0.single { 0 } else { cluster.into() };
            sum = sum.wrapping_mul(3).wrapping_add(first.read(&mut first_bits, cluster));
            sum = sum.wrapping_mul(3).wrapping_add(second.read(&mut second_bits, cluster));
        }
        first.finish(&first_bits)?;
        second.finish(&second_bits)?;
        Ok(sum)
    }
}

#[inline(never)]
fn run(name: &str, items: &[Item], contexts: usize, copies: Option<CopyWriter>, kind: Kind, usual: bool) {
    let clusters = contexts + usize::from(copies.is_some());
    let mut configs = vec![HybridIntegerConfig::USUAL; clusters];
    if !usual {
        configs[0] = HybridIntegerConfig::new(4, 1, 1).unwrap();
    }
    let map = (0..clusters).map(|cluster| cluster as u8).collect();
    let bundle = BundleWriter::with_parts(map, copies, configs, items, kind);
    let mut writer = BitWriter::new();
    bundle.write(&mut writer);
    let start = writer.position();
    bundle.write_stream(&mut writer, items);
    let per_integer = (writer.position() - start) as f64 / INTEGERS as f64;
    let data = writer.into_bytes();

    let mut of_integers = Vec::new();
    for item in items {
        match *item {
            Item::Literal { context, .. } => of_integers.push(context as u8),
            Item::Copy { context, length, .. } => of_integers.extend((0..length).map(|_| context as u8)),
        }
    }
    let mut bits = BitReader::new(&data);
    let mut codes = Codes::new();
    codes.read(&mut bits, contexts, Lz77::Allowed, &BundleLimits::default()).unwrap();
    let (mut alone, mut lockstep) = (f64::MAX, f64::MAX);
    let mut windows = [Lz77Window::default(), Lz77Window::default()];
    let symbols_to_come = of_integers.len() as u64;
    for _ in 0..60 {
        let mut two_bits = [bits.clone(), bits.clone()];
        let visitor = || Sum { clusters: &of_integers, single: contexts == 1 };
        let now = Instant::now();
        codes
            .with_reader(&mut bits.clone(), 256, symbols_to_come, &mut windows[0], visitor())
            .unwrap()
            .unwrap();
        alone = alone.min(now.elapsed().as_secs_f64());
        let [first, second] = windows.each_mut();
        let [first_bits, second_bits] = two_bits.each_mut();
        let start = |bits, window| StreamStart { bits, distance_multiplier: 256, symbols_to_come, window };
        let starts = [start(first_bits, first), start(second_bits, second)];
        let now = Instant::now();
        codes.with_readers(starts, SumOfTwo(visitor())).unwrap().unwrap();
        lockstep = lockstep.min(now.elapsed().as_secs_f64() / 2.0);
    }
    let [alone, lockstep] = [alone, lockstep].map(|seconds| seconds / of_integers.len() as f64 * 1e9);
    println!("{name:40} {per_integer:5.2} bits {alone:6.2} ns, two streams {lockstep:6.2} ns");
}

fn main() {
    let mut random = Random::new(3);
    let literals = |random: &mut Random, contexts: usize, bits: u32| -> Vec<Item> {
        (0..INTEGERS)
            .map(|_| {
                let context = random.below(contexts);
                Item::literal(context, residual(random, context, bits))
            })
            .collect()
    };
    let copies = Some(CopyWriter { min_symbol: 224, min_length: 7, config: HybridIntegerConfig::USUAL });
    let with_copies = |items: &[Item], distance: u32| -> Vec<Item> {
        let mut items = items.to_vec();
        items.truncate(INTEGERS - 10 * (INTEGERS / 100));
        (0..INTEGERS / 100)
            .for_each(|i| items.insert(i * 60, Item::Copy { context: 0, length: 10, distance }));
        items
    };
    for (prefix, kind) in [("prefix", Kind::Prefix), ("ANS", Kind::Ans(8))] {
        for (shape, bits) in [("small", 2), ("large", 7)] {
            let one = literals(&mut random, 1, bits);
            let many = literals(&mut random, CONTEXTS, bits);
            run(&format!("{prefix}, {shape}, one cluster"), &one, 1, None, kind, true);
            run(&format!("{prefix}, {shape}, one, own configuration"), &one, 1, None, kind, false);
            run(&format!("{prefix}, {shape}, many clusters"), &many, CONTEXTS, None, kind, true);
            run(&format!("{prefix}, {shape}, many, own configuration"), &many, CONTEXTS, None, kind, false);
            let runs = with_copies(&one, 1);
            run(&format!("{prefix}, {shape}, run-length"), &runs, 1, copies, kind, true);
            let mut far = with_copies(&one, 30);
            far.push(Item::Copy { context: 0, length: 10, distance: 7 });
            run(&format!("{prefix}, {shape}, LZ77"), &far, 1, copies, kind, true);
        }
    }
}
