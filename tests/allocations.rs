//! A warm decode asks the system for no memory.

mod common;

use jxlake::output::ImageShape;
use jxlake::{Channels, Decoder, ImageMut, PixelFormat, Pool, Threads};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FORMAT: PixelFormat = PixelFormat {
    channels: Channels::All,
    layout: jxlake::output::Layout::Interleaved,
    endianness: jxlake::output::Endianness::Native,
    bits: None,
    alpha: jxlake::output::AlphaMode::AsStored,
};

/// Decodes all frames of a file into `memory`; the allocations that it took.
fn decode(decoder: &mut Decoder, file: &[u8], memory: &mut Vec<f32>) -> usize {
    let region = Region::new(ALLOCATOR);
    let mut frames = decoder.open(file).expect("headers");
    let shape: ImageShape = frames.shape(&FORMAT).expect("a shape");
    let samples = shape.height * shape.row_samples().expect("a row");
    let before = region.change().allocations;
    if memory.len() < samples {
        memory.resize(samples, 0.0);
    }
    let region = Region::new(ALLOCATOR);
    while frames.next_into(&FORMAT, ImageMut::from_slice(memory, shape).expect("room")).expect("a frame") {}
    before + region.change().allocations + region.change().reallocations
}

/// Unpacks the metadata of a file and decodes its preview; the allocations that it took.
fn read_beside(decoder: &mut Decoder, file: &[u8]) -> usize {
    let mut frames = decoder.open(file).expect("headers");
    let region = Region::new(ALLOCATOR);
    for found in frames.container().metadata() {
        frames.box_content(found).expect("content");
    }
    frames.preview::<u8>(&FORMAT).expect("a preview, if there is one");
    region.change().allocations + region.change().reallocations
}

fn files() -> Vec<(String, Vec<u8>)> {
    let read = |path: std::path::PathBuf| {
        (path.display().to_string(), std::fs::read(path).expect("a readable file"))
    };
    common::files(&common::testdata(), "jxl").into_iter().map(read).collect()
}

/// JPEGs that were there before, and then all of them one after another, need no memory either.
fn reconstructions_allocate_nothing() {
    let allocations = |decoder: &mut Decoder, file: &[u8]| {
        let region = Region::new(ALLOCATOR);
        decoder.jpeg_into(file, &mut std::io::sink()).expect("a JPEG");
        region.change().allocations + region.change().reallocations
    };
    let read = |path: std::path::PathBuf| (path.display().to_string(), std::fs::read(path).expect("a file"));
    let files: Vec<_> =
        common::files(&common::testdata().join("jpeg"), "jxl").into_iter().map(read).collect();
    let mut common = Decoder::new().with_threads(Threads::Calling);
    for (name, file) in &files {
        let mut decoder = Decoder::new().with_threads(Threads::Calling);
        allocations(&mut decoder, file);
        assert_eq!(allocations(&mut decoder, file), 0, "the second reconstruction of {name}");
        allocations(&mut common, file);
    }
    let again: Vec<_> =
        (0..3).map(|_| files.iter().map(|(_, file)| allocations(&mut common, file)).sum()).collect();
    assert_eq!(again.last(), Some(&0usize), "allocations of each round: {again:?}");
}

/// The tests of this binary count for the whole process, so they are one test.
#[test]
fn warm_decodes_allocate_nothing() {
    let files = files();
    let mut memory = Vec::new();
    for (name, file) in &files {
        let mut decoder = Decoder::new().with_threads(Threads::Calling);
        decode(&mut decoder, file, &mut memory);
        assert_eq!(decode(&mut decoder, file, &mut memory), 0, "the second decode of {name}");
    }

    let find = |part: &str| files.iter().find(|(name, _)| name.contains(part)).expect("a stream");
    for name in ["box_brob", "preview.jxl"] {
        let (mut decoder, file) = (Decoder::new().with_threads(Threads::Calling), &find(name).1);
        assert!(read_beside(&mut decoder, file) > 0);
        assert_eq!(read_beside(&mut decoder, file), 0, "beside the frames of {name}");
    }

    // All of them in an order that mixes sizes: sooner or later there is memory for each.
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let mut random = common::Random::new(5);
    let mut round = |decoder: &mut Decoder| {
        let mut order: Vec<_> = (0..files.len()).collect();
        order.sort_by_cached_key(|_| random.below(1 << 20));
        order.iter().map(|&i| decode(decoder, &files[i].1, &mut memory)).sum::<usize>()
    };
    let rounds: Vec<_> = (0..6).map(|_| round(&mut decoder)).collect();
    assert_eq!(rounds.last(), Some(&0), "allocations of each round: {rounds:?}");

    reconstructions_allocate_nothing();

    // Without pooling the same code asks for memory each time.
    let mut decoder = Decoder::new().with_threads(Threads::Calling).with_pool(Pool::unpooled());
    decode(&mut decoder, &find("squeeze_groups").1, &mut memory);
    assert!(decode(&mut decoder, &find("squeeze_groups").1, &mut memory) > 10, "unpooled decodes allocate");
}
