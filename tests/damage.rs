//! Damaged and truncated files give errors of the right kind: never a panic, an endless loop or memory on a claim.

mod common;

use common::Random;
use jxlake::{Channels, Decoder, ErrorKind, Limits, PixelFormat, Pool, Threads};
use std::path::PathBuf;

/// Bytes that a damaged file of `testdata` may make the decoder hold; the intact ones need far less.
const BUDGET: u64 = 256 << 20;

/// Larger files are cut and flipped less often, so that the test stays quick.
fn repeats(length: usize) -> usize {
    (60_000 / length.max(1)).clamp(2, 24)
}

fn decoder() -> Decoder {
    Decoder::new()
        .with_threads(Threads::Calling)
        .with_pool(Pool::with_budget(BUDGET))
        .with_limits(Limits { pixels: 1 << 22, ..Limits::strict() })
}

fn decode(decoder: &mut Decoder, file: &[u8]) -> jxlake::Result<()> {
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let mut frames = decoder.open(file)?;
    while frames.next_image::<u8>(&format)?.is_some() {}
    Ok(())
}

fn streams() -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| {
        let file = std::fs::read(&path).expect("a readable file");
        (path, file)
    };
    common::streams().into_iter().map(read).collect()
}

/// Flipped bits decode to something or give an error, and leave no lease behind.
#[test]
fn flipped_bits_do_no_harm() {
    let mut decoder = decoder();
    for (path, intact) in streams() {
        let mut random = Random::new(intact.len() as u64);
        for _ in 0..repeats(intact.len()) {
            let mut file = intact.clone();
            for _ in 0..1 + random.below(3) {
                let place = random.below(file.len());
                file[place] ^= 1 << random.below(8);
            }
            let result = decode(&mut decoder, &file);
            let misuse = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Misuse);
            assert!(!misuse, "{}: {result:?} is not the caller's fault", path.display());
        }
    }
    let pool = decoder.pool().clone();
    drop(decoder);
    assert_eq!(pool.statistics().outstanding(), 0, "leases are left over");
}

/// A cut file is truncated, unless all of its codestream is left; it says how many bytes it needs, more than it has.
#[test]
fn cut_files_are_truncated() {
    let mut decoder = decoder();
    for (path, intact) in streams() {
        let mut random = Random::new(intact.len() as u64 + 1);
        let begin = (0..40.min(intact.len())).collect::<Vec<_>>();
        let places = (0..repeats(intact.len())).map(|_| random.below(intact.len()));
        for length in begin.into_iter().chain(places.collect::<Vec<_>>()) {
            let Err(error) = decode(&mut decoder, &intact[..length]) else { continue };
            assert_eq!(error.kind(), ErrorKind::Truncated, "{} cut to {length}: {error}", path.display());
            let needed = match &error {
                jxlake::Error::Container(jxlake::container::Error::Truncated { needed }) => *needed,
                _ => None,
            };
            assert!(needed.is_none_or(|needed| needed > length as u64), "{} cut to {length}", path.display());
        }
        decode(&mut decoder, &intact).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Random bytes behind a signature are an error.
#[test]
fn random_bytes_are_no_image() {
    let mut decoder = decoder();
    let mut random = Random::new(7);
    for _ in 0..500 {
        let mut file = vec![0xff, 0x0a];
        file.extend((0..random.below(300)).map(|_| random.below(256) as u8));
        // Some happen to be images; none may panic.
        let _ = decode(&mut decoder, &file);
    }
}
