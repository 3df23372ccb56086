//! What the pool is worth: allocations, bytes asked for, and time of a warm decode, pooled and unpooled, as a table.
//!
//! `cargo bench --bench allocations [-- FILE…]`; without files, those of `testdata` and of a bench corpus beside the
//! project, if there is one.

use jxlake::{Channels, Decoder, ImageMut, PixelFormat, Pool, Threads};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use std::alloc::System;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Decodes that are timed; the median counts.
const ROUNDS: usize = 5;

fn main() {
    let mut files: Vec<PathBuf> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).map(PathBuf::from).collect();
    if files.is_empty() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let shared =
            std::env::var_os("JXLAKE_SHARED").map_or_else(|| project.join("../shared"), PathBuf::from);
        for folder in [project.join("testdata"), shared.join("bench")] {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            files.extend(entries.filter(|path| path.extension().is_some_and(|e| e == "jxl")));
        }
        files.sort();
    }
    println!(
        "{:30} {:>8} {:>10} {:>10} {:>8} {:>10} {:>10} {:>7}",
        "file, one thread", "pooled", "bytes", "ms", "unpooled", "bytes", "ms", "time"
    );
    for path in &files {
        let file = std::fs::read(path).expect("a readable file");
        let (pooled, pooled_time) = measure(&file, Pool::new());
        let (unpooled, unpooled_time) = measure(&file, Pool::unpooled());
        let count = |stats: &Stats| stats.allocations + stats.reallocations;
        println!(
            "{:30} {:>8} {:>10} {:>10.3} {:>8} {:>10} {:>10.3} {:>6.2}x",
            path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            count(&pooled),
            pooled.bytes_allocated,
            pooled_time * 1e3,
            count(&unpooled),
            unpooled.bytes_allocated,
            unpooled_time * 1e3,
            unpooled_time / pooled_time
        );
    }
}

/// What the second decode of a file asks for, and the median seconds of those after it.
fn measure(file: &[u8], pool: Pool) -> (Stats, f64) {
    let mut decoder = Decoder::new().with_threads(Threads::Calling).with_pool(pool);
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let shape = decoder.open(file).and_then(|frames| frames.shape(&format)).expect("a shape");
    let mut memory = vec![0u8; shape.height * shape.row_samples().expect("a row")];
    let mut decode = || {
        let mut frames = decoder.open(file).expect("headers");
        while frames
            .next_into(&format, ImageMut::from_slice(&mut memory, shape).expect("room"))
            .expect("a frame")
        {}
    };
    decode();
    let region = Region::new(ALLOCATOR);
    decode();
    let asked = region.change();
    let mut times = [0.0; ROUNDS];
    for time in &mut times {
        let start = Instant::now();
        decode();
        *time = start.elapsed().as_secs_f64();
    }
    times.sort_by(f64::total_cmp);
    (asked, times[ROUNDS / 2])
}
