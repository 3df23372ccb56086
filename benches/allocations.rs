//! What the pool is worth: allocations, bytes asked for, page faults, most bytes held and time of a warm decode, pooled and
//! unpooled, as a table.
//!
//! `cargo bench --bench allocations [-- FILE…]`; without files, those of `testdata` and of a bench corpus beside the
//! project, if there is one.

use jxlake::{Channels, Decoder, ImageMut, PixelFormat, Pool, Threads};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
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
    println!("{:30} {:^39} | {:^39} |", "one thread, warm", "pooled", "unpooled");
    let columns = format!("{:>6} {:>9} {:>7} {:>6} {:>7}", "allocs", "MB", "faults", "peak", "ms");
    println!("{:30} {columns} | {columns} | time", "file");
    let mut sums = [Measured::default(), Measured::default()];
    let mut logarithms = 0.0;
    for path in &files {
        let file = std::fs::read(path).expect("a readable file");
        let both = measure(&file);
        let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let ratio = both[1].seconds / both[0].seconds;
        println!("{name:30} {} | {} | {ratio:.2}x", both[0], both[1]);
        logarithms += ratio.ln();
        for (sum, one) in sums.iter_mut().zip(both) {
            sum.add(one);
        }
    }
    let fewer =
        |count: fn(&Measured) -> u64| 100.0 - 100.0 * count(&sums[0]) as f64 / count(&sums[1]).max(1) as f64;
    println!(
        "pooled: {:.1} % fewer allocations, {:.1} % fewer bytes, {:.1} % fewer page faults, {:.2}x the speed (geometric mean)",
        fewer(|measured| measured.allocations),
        fewer(|measured| measured.bytes),
        fewer(|measured| measured.faults),
        (logarithms / files.len().max(1) as f64).exp()
    );
}

/// What a warm decode took.
#[derive(Clone, Copy, Default)]
struct Measured {
    allocations: u64,
    bytes: u64,
    faults: u64,
    /// Most bytes that the pool held, idle ones included.
    peak: u64,
    seconds: f64,
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.allocations += other.allocations;
        self.bytes += other.bytes;
        self.faults += other.faults;
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let Self { allocations, bytes, faults, peak, seconds } = *self;
        write!(
            f,
            "{allocations:>6} {:>9.2} {faults:>7} {:>6.1} {:>7.1}",
            megabytes(bytes),
            megabytes(peak),
            seconds * 1e3
        )
    }
}

/// Page faults of this process so far that needed no disk; 0 where the system does not tell.
fn page_faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field, a name in parentheses, may hold spaces; the tenth is wanted.
    let fields = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(7));
    fields.and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// What the third decode of a file takes, pooled and unpooled, and the median seconds of decodes in turn.
fn measure(file: &[u8]) -> [Measured; 2] {
    let mut decoders = [Pool::new(), Pool::unpooled()]
        .map(|pool| Decoder::new().with_threads(Threads::Calling).with_pool(pool));
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let shape = decoders[0].open(file).and_then(|frames| frames.shape(&format)).expect("a shape");
    let mut memory = vec![0u8; shape.height * shape.row_samples().expect("a row")];
    let mut decode = |decoder: &mut Decoder| {
        let mut frames = decoder.open(file).expect("headers");
        while frames
            .next_into(&format, ImageMut::from_slice(&mut memory, shape).expect("room"))
            .expect("a frame")
        {}
    };
    let mut measured = [Measured::default(); 2];
    for (decoder, measured) in decoders.iter_mut().zip(&mut measured) {
        decode(decoder);
        decode(decoder);
        let faults = page_faults();
        let region = Region::new(ALLOCATOR);
        decode(decoder);
        let asked = region.change();
        measured.faults = page_faults() - faults;
        measured.allocations = (asked.allocations + asked.reallocations) as u64;
        measured.bytes = asked.bytes_allocated as u64;
        measured.peak = decoder.pool().statistics().peak_held_bytes;
    }
    let mut times = [[0.0; ROUNDS]; 2];
    for round in 0..ROUNDS {
        for (decoder, times) in decoders.iter_mut().zip(&mut times) {
            let start = Instant::now();
            decode(decoder);
            times[round] = start.elapsed().as_secs_f64();
        }
    }
    for (measured, times) in measured.iter_mut().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        measured.seconds = times[ROUNDS / 2];
    }
    measured
}
