//! A warm decode asks the system for no memory.

mod common;

use jxlake::output::ImageShape;
use jxlake::{Batch, Channels, Decoder, Image, ImageMut, PixelFormat, Pool, Threads};
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

/// The first decode of these lends storage to matrices of a smaller class, which the second wants for its own: that one
/// still asks for a few pieces, and only later ones for none.
const SETTLE_LATER: [&str; 2] = ["gray_alpha_lossy.jxl", "lf_frame_noise.jxl"];

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

fn read(path: std::path::PathBuf) -> (String, Vec<u8>) {
    (path.display().to_string(), std::fs::read(path).expect("a readable file"))
}

/// JPEGs that were there before, and then all of them one after another, need no memory either.
fn reconstructions_allocate_nothing() {
    let allocations = |decoder: &mut Decoder, file: &[u8]| {
        let region = Region::new(ALLOCATOR);
        decoder.jpeg_into(file, &mut std::io::sink()).expect("a JPEG");
        region.change().allocations + region.change().reallocations
    };
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

/// Without a test harness, whose own allocations would be counted: it tells of tests that take long.
fn main() {
    let files: Vec<_> = common::files(&common::testdata(), "jxl").into_iter().map(read).collect();
    let mut memory = Vec::new();
    for (name, file) in &common::streams().into_iter().map(read).collect::<Vec<_>>() {
        let mut decoder = Decoder::new().with_threads(Threads::Calling);
        decode(&mut decoder, file, &mut memory);
        if SETTLE_LATER.iter().any(|later| name.ends_with(later)) {
            decode(&mut decoder, file, &mut memory);
        }
        assert_eq!(decode(&mut decoder, file, &mut memory), 0, "a warm decode of {name}");
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
    with_threads(&files, &mut memory);
    animations(&mut memory);
    like_images(&mut memory);
    held_images(&files);
    batches(&files);

    // Without pooling the same code asks for memory each time.
    let mut decoder = Decoder::new().with_threads(Threads::Calling).with_pool(Pool::unpooled());
    decode(&mut decoder, &find("squeeze_groups").1, &mut memory);
    assert!(decode(&mut decoder, &find("squeeze_groups").1, &mut memory) > 10, "unpooled decodes allocate");
}

/// A rayon pool, entered once, so that its queue takes no block for a hand-over.
fn in_a_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    jxlake::thread_pool(2).expect("threads").install(work)
}

/// With two threads it is warm when both have held at once what they ever hold at once, which chance decides; but the
/// allocations of a file stop.
fn with_threads(files: &[(String, Vec<u8>)], memory: &mut Vec<f32>) {
    in_a_pool(|| {
        for (name, file) in files {
            let mut decoder = Decoder::new();
            let mut quiet = 0;
            let counts: Vec<_> = (0..40)
                .map_while(|_| {
                    let count = decode(&mut decoder, file, memory);
                    quiet = if count == 0 { quiet + 1 } else { 0 };
                    (quiet < 3).then_some(count)
                })
                .collect();
            assert!(quiet == 3, "allocations of each decode of {name} on two threads: {counts:?}");
        }
    });
}

/// The later frames of an animation find the memory of the first ones.
fn animations(memory: &mut Vec<f32>) {
    let file = std::fs::read(common::testdata().join("animation.jxl")).expect("a stream");
    for threads in [1, 2] {
        let mut decode = || {
            let threads = if threads == 1 { Threads::Calling } else { Threads::Global };
            let mut decoder = Decoder::new().with_threads(threads);
            let mut frames = decoder.open(&file).expect("headers");
            let shape = frames.shape(&FORMAT).expect("a shape");
            memory.resize(memory.len().max(shape.height * shape.row_samples().expect("a row")), 0.0);
            let mut counts = Vec::new();
            loop {
                let region = Region::new(ALLOCATOR);
                let image = ImageMut::from_slice(memory, shape).expect("room");
                if !frames.next_into(&FORMAT, image).expect("a frame") {
                    return counts;
                }
                counts.push(region.change().allocations + region.change().reallocations);
            }
        };
        let first = if threads == 1 { decode() } else { in_a_pool(&mut decode) };
        // A decoder that has never seen it finds less to allocate with each frame.
        assert!(first.len() == 3 && first[1] + first[2] < first[0] / 4, "{threads} threads: {first:?}");
    }
}

/// An image that was never seen needs no more than what images of its size before it have left.
fn like_images(memory: &mut Vec<f32>) {
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let mut counts = Vec::new();
    for number in 0..14 {
        let path = common::testdata().join(format!("predictor{number:02}.jxl"));
        counts.push(decode(&mut decoder, &std::fs::read(path).expect("a stream"), memory));
    }
    assert_eq!(counts[12..], [0, 0], "allocations of each image: {counts:?}");
}

/// Pictures of all sizes come into an image that is kept.
fn held_images(files: &[(String, Vec<u8>)]) {
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let capacity = ImageShape { width: 2048, height: 2048, channels: 8, layout: FORMAT.layout };
    let mut image = Image::<u8>::with_capacity(decoder.pool(), capacity).expect("memory");
    let mut round = || {
        let region = Region::new(ALLOCATOR);
        let decode =
            |(_, file): &(_, Vec<u8>)| decoder.decode_reusing(file, &FORMAT, &mut image).expect("fits");
        files.iter().for_each(decode);
        region.change().allocations + region.change().reallocations
    };
    let rounds: Vec<_> = (0..4).map(|_| round()).collect();
    assert_eq!(rounds.last(), Some(&0), "allocations of each round: {rounds:?}");
}

/// A warm batch allocates nothing for a file, however many there are.
fn batches(files: &[(String, Vec<u8>)]) {
    let small: Vec<_> =
        files.iter().map(|(_, file)| file).filter(|file| file.len() < 5000).take(20).collect();
    let files: Vec<&[u8]> = (0..5).flat_map(|_| &small).map(|file| file.as_slice()).collect();
    for threads in [Threads::Calling, Threads::Global] {
        let decoder = Decoder::new().with_threads(threads);
        let mut batch = Batch::with_decoder(decoder);
        let mut run = || {
            let region = Region::new(ALLOCATOR);
            batch.decode_many::<u8, _>(&files, &FORMAT, |_, picture| assert!(picture.is_ok()));
            region.change().allocations + region.change().reallocations
        };
        let counts: Vec<_> = in_a_pool(|| (0..30).map(|_| run()).take_while(|&count| count > 0).collect());
        assert!(counts.len() < 30, "allocations of batches of {} files: {counts:?}", files.len());
    }
}
