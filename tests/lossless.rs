//! Lossless streams have the samples that they were made of, by the hash of those samples.

mod common;

use jxlake::output::OutputSample;
use jxlake::{Channels, Decoder, PixelFormat, Threads};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Decodes all frames of a file to samples of the coded depth and hashes them: little-endian, rows top to bottom.
fn hash(decoder: &mut Decoder, path: &Path, bits: u32) -> String {
    let file = std::fs::read(path).expect("a readable file");
    match bits {
        32 => hash_samples::<f32>(decoder, &file, None),
        9..=16 => hash_samples::<u16>(decoder, &file, Some(bits)),
        _ => hash_samples::<u8>(decoder, &file, Some(bits)),
    }
}

fn hash_samples<T: OutputSample>(decoder: &mut Decoder, file: &[u8], bits: Option<u32>) -> String {
    let format = PixelFormat { channels: Channels::All, bits, ..PixelFormat::default() };
    let mut frames = decoder.open(file).expect("headers");
    let mut hasher = Sha256::new();
    while let Some(image) = frames.next_image::<T>(&format).expect("a frame") {
        image.rows().for_each(|row| hasher.update(bytemuck::cast_slice(row)));
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every stream of `testdata`, on one thread and on several.
#[test]
fn testdata_has_the_samples_of_its_sources() {
    let list = std::fs::read_to_string(common::testdata().join("expected.tsv")).expect("a list of hashes");
    for threads in [Threads::Calling, Threads::Global] {
        let mut decoder = Decoder::new().with_threads(threads);
        let mut wrong = Vec::new();
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let [name, _, _, _, bits, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("a line of six fields: {line}");
            };
            let path = common::testdata().join(name).with_extension("jxl");
            if hash(&mut decoder, &path, bits.parse().expect("a depth")) != expected {
                wrong.push(name.to_owned());
            }
        }
        assert!(wrong.is_empty(), "other samples: {wrong:?}");
        let pool = decoder.pool().clone();
        drop(decoder);
        assert_eq!(pool.statistics().outstanding(), 0, "leases are left over");
    }
}

/// Every lossless file of the bench corpus, if it is there.
#[test]
fn bench_corpus_has_the_samples_of_its_sources() {
    let Some(list) = common::shared("bench/expected.json") else { return };
    let list: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&list).expect("readable")).expect("JSON");
    let mut decoder = Decoder::new();
    let mut wrong = Vec::new();
    for (name, facts) in list.as_object().expect("an object") {
        let Some(path) = common::shared(&format!("bench/{name}.jxl")) else { continue };
        let bits = facts["bits"].as_u64().expect("a depth") as u32;
        if Some(hash(&mut decoder, &path, bits).as_str()) != facts["sha256"].as_str() {
            wrong.push(name.clone());
        }
    }
    assert!(wrong.is_empty(), "other samples: {wrong:?}");
}
