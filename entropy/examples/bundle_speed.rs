//! Time to read a bundle like that of HF coefficients, by form of its context map: the minimum of many runs.
//!
//! `cargo run --release -p jxlake-entropy --features test-support --example bundle_speed`

use jxlake_entropy::test_support::{BitWriter, BundleWriter, Item, Kind, MapForm, Random};
use jxlake_entropy::{BitReader, BundleLimits, Codes, HybridIntegerConfig, Lz77};
use std::time::Instant;

const CONTEXTS: usize = 495 * 15;

fn main() {
    let mut random = Random::new(1);
    for clusters in [1, 8, 60] {
        // Neighbouring contexts often share a cluster.
        let mut cluster = 0;
        let mut map: Vec<u8> = (0..CONTEXTS)
            .map(|_| {
                if random.one_in(3) {
                    cluster = random.below(clusters);
                }
                cluster as u8
            })
            .collect();
        map[..clusters].iter_mut().enumerate().for_each(|(i, entry)| *entry = i as u8);
        let items: Vec<Item> =
            (0..100_000).map(|_| Item::literal(random.below(CONTEXTS), random.of_bits(5))).collect();
        for kind in [Kind::Prefix, Kind::Ans(5), Kind::Ans(8)] {
            let configs = vec![HybridIntegerConfig::USUAL; clusters];
            let bundle = BundleWriter::with_parts(map.clone(), None, configs, &items, kind);
            for (form, name) in [
                (MapForm::Simple, "simple map"),
                (MapForm::Coded { move_to_front: false, copies: false }, "coded map"),
                (MapForm::Coded { move_to_front: true, copies: true }, "map with copies"),
            ] {
                if form == MapForm::Simple && clusters > 8 {
                    continue;
                }
                let mut writer = BitWriter::new();
                bundle.clone().map_form(form).write(&mut writer);
                let data = writer.into_bytes();
                let (mut codes, mut best) = (Codes::new(), f64::MAX);
                for _ in 0..200 {
                    let now = Instant::now();
                    let limits = BundleLimits::default();
                    codes.read(&mut BitReader::new(&data), CONTEXTS, Lz77::Allowed, &limits).unwrap();
                    best = best.min(now.elapsed().as_secs_f64());
                }
                println!(
                    "{clusters:2} clusters, {kind:?}, {name}: {} bytes, {:.1} µs",
                    data.len(),
                    best * 1e6
                );
            }
        }
    }
}
