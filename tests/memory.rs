//! Estimates of memory hold, and decoders keep within a budget.

mod common;

use jxlake::{Channels, Decoder, ErrorKind, PixelFormat, Pool, Threads};
use std::path::PathBuf;
use std::sync::Arc;

/// Files whose pictures are large enough that a fixed cost does not matter.
fn files() -> Vec<PathBuf> {
    let mut files = common::files(&common::testdata(), "jxl");
    files.extend(common::files(&common::testdata().join("vardct"), "jxl"));
    // Debug builds take too long for pictures of several megapixels.
    if !cfg!(debug_assertions) || std::env::var_os("JXLAKE_ALL").is_some() {
        files.extend(common::shared("bench").iter().flat_map(|folder| common::files(folder, "jxl")));
    }
    files
}

/// For each file, format and number of threads: never less than the peak, and on one thread at most a quarter more; on two
/// two fifths, because each has room for the largest transform that there may be.
#[test]
fn estimates_are_close_and_never_too_low() {
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let two = Arc::new(jxlake::thread_pool(2).expect("threads"));
    let mut wrong = Vec::new();
    for path in files() {
        let file = std::fs::read(&path).expect("a readable file");
        for threads in [1, 2] {
            let decoder = Decoder::new();
            let mut decoder = decoder.with_threads(if threads == 1 {
                Threads::Calling
            } else {
                Threads::Pool(Arc::clone(&two))
            });
            let mut frames = decoder.open(&file).expect("headers");
            let estimate = frames.memory_estimate::<u8>(&format, threads).expect("an estimate");
            let pixels = frames.image().size.pixels();
            decoder.clear();
            assert_eq!(decoder.pool().statistics().outstanding(), 0, "an estimate keeps nothing");
            let mut frames = decoder.open(&file).expect("headers");
            while frames.next_image::<u8>(&format).expect("decodes").is_some() {}
            let statistics = decoder.pool().statistics();
            let peak = statistics.total.peak_bytes;
            let ratio = estimate.total() as f64 / peak as f64;
            let enforced = pixels >= 500_000;
            if estimate.total() < peak
                || (enforced && ratio > [1.25, 1.4][threads - 1])
                || std::env::var_os("JXLAKE_VERBOSE").is_some()
            {
                let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
                wrong.push(format!(
                    "{name:?} threads {threads} px {pixels} ratio {ratio:.3} peak {peak} {estimate:?}\n{statistics}\n"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// With a budget that has room for what one thread works in but not for two, a decoder with two threads takes one, and is
/// refused nothing. With less it fails, and says why.
#[test]
fn a_budget_takes_threads_before_it_fails() {
    let file = std::fs::read(common::testdata().join("effort7.jxl")).expect("a stream");
    let format = PixelFormat::default();
    let mut decoder = Decoder::new();
    let mut frames = decoder.open(&file).expect("headers");
    let [one, two] =
        [1, 2].map(|threads| frames.memory_estimate::<u8>(&format, threads).expect("an estimate").total());
    assert!(one < two);
    let expected: Vec<u8> =
        decoder.decode::<u8>(&file, &format).expect("decodes").rows().flatten().copied().collect();

    let threads = Threads::Pool(Arc::new(jxlake::thread_pool(2).expect("threads")));
    let pool = Pool::with_budget((one + two) / 2);
    let mut decoder = Decoder::new().with_pool(pool.clone()).with_threads(threads.clone());
    let image = decoder.decode::<u8>(&file, &format).expect("has room on one thread");
    assert!(image.rows().flatten().eq(&expected));
    assert_eq!(pool.statistics().refused, 0);

    let pool = Pool::with_budget(one / 3);
    let mut decoder = Decoder::new().with_pool(pool.clone()).with_threads(threads);
    let error = decoder.decode::<u8>(&file, &format).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.to_string().contains(&(one / 3).to_string()), "{error}");
}

/// In memory of the caller's as large as the estimate everything decodes, and is what it is elsewhere; the memory comes
/// back. With less there is an error that names the sizes.
#[test]
fn pictures_decode_in_scratch_memory() {
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let mut refused = 0;
    for path in common::files(&common::testdata(), "jxl") {
        let file = std::fs::read(&path).expect("a readable file");
        let mut decoder = Decoder::new();
        let mut frames = decoder.open(&file).expect("headers");
        let needed = frames.memory_estimate::<u8>(&format, 1).expect("an estimate").total();
        let expected = decoder.decode::<u8>(&file, &format).expect("decodes");

        // Holes between pieces of different sizes take their share.
        let size = needed as usize * 3 / 2 + 4096;
        let pool = Pool::with_scratch(vec![0; size]).expect("memory");
        let mut in_scratch = Decoder::new().with_pool(pool.clone());
        for _ in 0..2 {
            let image =
                in_scratch.decode::<u8>(&file, &format).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert!(image.rows().flatten().eq(expected.rows().flatten()), "{path:?}");
        }
        drop(in_scratch);
        assert_eq!(pool.into_scratch().expect("nobody holds any").len(), size);

        let pool = Pool::with_scratch(vec![0; 64 + needed as usize / 4]).expect("memory");
        // Estimates of small pictures may be far too high.
        match Decoder::new().with_pool(pool).decode::<u8>(&file, &format) {
            Ok(image) => assert!(image.rows().flatten().eq(expected.rows().flatten()), "{path:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Limit, "{path:?}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 10, "{refused}");
}
