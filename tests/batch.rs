//! Many files at once give the same pictures as one after another.

mod common;

use jxlake::{Batch, Channels, Decoder, Error, ErrorKind, Image, Order, PixelFormat, Pool, Split, Threads};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const FORMAT: PixelFormat = PixelFormat {
    channels: Channels::All,
    layout: jxlake::output::Layout::Interleaved,
    endianness: jxlake::output::Endianness::Native,
    bits: None,
    alpha: jxlake::output::AlphaMode::AsStored,
};

/// Some small files, of one group and of several.
fn paths() -> Vec<PathBuf> {
    let names = [
        "effort1",
        "gray",
        "rgba",
        "palette",
        "float32_gray",
        "one_pixel",
        "squeeze",
        "container",
        "rct06",
        "lz77",
    ];
    names.iter().map(|name| common::testdata().join(format!("{name}.jxl"))).collect()
}

fn bytes() -> Vec<Vec<u8>> {
    paths().iter().map(|path| std::fs::read(path).expect("a readable file")).collect()
}

fn samples(image: &Image<u8>) -> Vec<u8> {
    image.rows().flatten().copied().collect()
}

fn two_threads() -> Threads {
    Threads::Pool(Arc::new(jxlake::thread_pool(2).expect("threads")))
}

fn batch() -> Batch {
    Batch::with_decoder(Decoder::new().with_threads(two_threads()))
}

/// Every split and order gives each picture once, and the same as a decoder alone; from bytes and from paths.
#[test]
fn pictures_are_those_of_single_decodes() {
    let (files, paths) = (bytes(), paths());
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let expected: Vec<_> =
        files.iter().map(|file| samples(&decoder.decode(file, &FORMAT).expect("decodes"))).collect();
    for split in [Split::Auto, Split::Files, Split::Groups] {
        for order in [Order::AsFinished, Order::OfFiles] {
            let mut batch = batch().with_split(split).with_order(order);
            for from_paths in [false, true] {
                let got = Mutex::new(vec![None; files.len()]);
                let take = |index: usize, picture: jxlake::Result<Image<u8>>| {
                    let before = got.lock().unwrap()[index].replace(samples(&picture.expect("decodes")));
                    assert!(before.is_none(), "picture {index} came twice");
                };
                match from_paths {
                    true => batch.decode_many(&paths, &FORMAT, take),
                    false => batch.decode_many(&files, &FORMAT, take),
                }
                let got: Vec<_> =
                    got.into_inner().unwrap().into_iter().map(|picture| picture.expect("came")).collect();
                assert!(got == expected, "{split:?} {order:?}");
                assert_eq!(
                    (batch.watch().done(), batch.watch().total(), batch.watch().failed()),
                    (10, 10, 0)
                );
            }
        }
    }
}

/// Pictures asked for in order come in order, one at a time, even if the first takes longest; what takes them may use the
/// same threads for work of its own.
#[test]
fn pictures_come_in_order() {
    let mut files = bytes(); // effort1, the largest, is the first
    files.extend(bytes());
    let threads = two_threads();
    let mut batch =
        Batch::with_decoder(Decoder::new().with_threads(threads.clone())).with_order(Order::OfFiles);
    let seen = Mutex::new(Vec::new());
    batch.decode_many::<u8, _>(&files, &FORMAT, |index, picture| {
        let mut seen = seen.try_lock().expect("one at a time");
        seen.push(index);
        drop(seen);
        assert!(picture.is_ok());
        threads.run(4, |_| Ok::<(), ()>(())).expect("runs");
    });
    assert_eq!(seen.into_inner().unwrap(), (0..files.len()).collect::<Vec<_>>());
}

/// A file that fails fails alone, and the error says of what kind it is.
#[test]
fn errors_are_those_of_their_files() {
    let good = common::testdata().join("gray.jxl");
    let paths = [&good, Path::new("no/such/file.jxl"), &common::testdata().join("make.py"), &good];
    let mut batch = batch();
    let results = batch.decode_all::<u8, _>(&paths, &PixelFormat::default());
    assert!(results[0].is_ok() && results[3].is_ok());
    assert!(matches!(results[1], Err(Error::Read(std::io::ErrorKind::NotFound))), "{:?}", results[1]);
    assert_eq!(results[2].as_ref().unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!((batch.watch().failed(), batch.watch().done()), (2, 4));
}

/// After a cancellation no file is decoded, yet each is answered for; a batch that is resumed decodes again.
#[test]
fn a_cancelled_batch_ends() {
    let files = vec![bytes().swap_remove(1); 40];
    let mut batch = batch();
    let watch = batch.watch();
    let decoded = Mutex::new((0, 0));
    batch.decode_many::<u8, _>(&files, &FORMAT, |_, picture| {
        let mut decoded = decoded.lock().unwrap();
        match picture {
            Ok(_) => decoded.0 += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                decoded.1 += 1;
            }
        }
        watch.cancel();
    });
    let (decoded, cancelled) = decoded.into_inner().unwrap();
    assert!((1..=3).contains(&decoded) && decoded + cancelled == 40, "{decoded} decoded, {cancelled} not");
    assert!(batch.decode_all::<u8, _>(&files[..2], &FORMAT).iter().all(Result::is_err));
    watch.resume();
    assert!(batch.decode_all::<u8, _>(&files[..2], &FORMAT).iter().all(Result::is_ok));
}

/// Files that have no room beside others are decoded when the others are done; what is too large even so is an error.
#[test]
fn a_budget_puts_files_one_behind_another() {
    let path = common::testdata().join("squeeze_groups.jxl");
    let files = vec![std::fs::read(path).expect("a readable file"); 6];
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    drop(decoder.decode::<u8>(&files[0], &FORMAT).expect("decodes"));
    let alone = decoder.pool().statistics().peak_held_bytes;

    let pool = Pool::with_budget(alone + alone / 4);
    let mut batch = Batch::with_decoder(Decoder::new().with_threads(two_threads()).with_pool(pool.clone()))
        .with_split(Split::Files);
    batch.decode_many::<u8, _>(&files, &FORMAT, |index, picture| {
        assert!(picture.is_ok(), "{index}: {picture:?}")
    });
    assert!(pool.statistics().peak_held_bytes <= alone + alone / 4);
    batch.clear();
    pool.statistics().leaks().expect("everything is back");

    let mut batch = Batch::with_decoder(
        Decoder::new().with_threads(two_threads()).with_pool(Pool::with_budget(alone / 4)),
    );
    for picture in batch.decode_all::<u8, _>(&files, &FORMAT) {
        assert_eq!(picture.unwrap_err().kind(), ErrorKind::Limit);
    }
}
