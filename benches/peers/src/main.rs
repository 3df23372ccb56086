//! jxlake beside `jxl`, `jxl-oxide` and libjxl: megapixels per second, ratio, allocations and peak heap, in one run.
//!
//! usage: cargo run --release [--features libjxl,mimalloc] -- [--rounds N] [--threads one|all|both] [--batch FOLDER]
//!        FILE_OR_FOLDER…
//!
//! libjxl takes cmake and clang to build: `CC=clang CXX=clang++`.
//!
//! Every decoder is warm; rounds are interleaved (each round decodes the file once with every decoder) and medians count;
//! that of the ratios within each round is steadier than the ratio of the medians. Heap is the most held above the file and
//! the output buffer during a warm decode, kept buffers included.

mod batch;
mod heap;
#[cfg(feature = "libjxl")]
mod libjxl;
mod peers;

use peers::{Jxlake, JxlRs, Oxide, Peer, Shape};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: heap::Counting = heap::Counting;

type Maker = fn(bool) -> Box<dyn Peer>;

/// jxlake is the first.
const MAKERS: &[Maker] = &[
    |t| Box::new(Jxlake::new(t)),
    |t| Box::new(JxlRs::new(t)),
    |t| Box::new(Oxide::new(t)),
    #[cfg(feature = "libjxl")]
    |t| Box::new(libjxl::Libjxl::new(t)),
];

struct Row {
    name: &'static str,
    median: f64,
    best: f64,
    /// How many times as long as jxlake in the same round, the median of all rounds: a machine that is slower for a while is
    /// so for both.
    ratio: f64,
    heap: heap::Usage,
}

fn main() {
    let mut rounds = 7;
    let mut both = [false, true].as_slice();
    let (mut files, mut batch) = (Vec::new(), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().and_then(|n| n.parse().ok()).expect("--rounds N"),
            "--threads" => {
                both = match arguments.next().as_deref() {
                    Some("one") => &[false],
                    Some("all") => &[true],
                    _ => &[false, true],
                }
            }
            "--batch" => collect(Path::new(&arguments.next().expect("--batch FOLDER")), &mut batch),
            path => collect(Path::new(path), &mut files),
        }
    }
    println!("{:28} {:>3} {:12} {:>9} {:>9} {:>7} {:>8} {:>9}", "file", "thr", "decoder", "MP/s", "best", "ratio", "allocs", "heap MB");
    for &threads in both {
        let mut figures = Vec::new();
        for path in &files {
            let file = std::fs::read(path).expect("a readable file");
            let shape = peers::shape(&file);
            let rows = compare(&file, shape, threads, rounds);
            print(path, threads, &rows);
            figures.push(rows);
        }
        for peer in 1..MAKERS.len() {
            let Some(name) = figures.first().map(|rows| rows[peer].name) else { continue };
            let logs: f64 = figures.iter().map(|rows| rows[peer].ratio.ln()).sum();
            let mean = (logs / figures.len() as f64).exp();
            println!("geometric mean against {name}, {}: {mean:.2}", if threads { "all threads" } else { "one thread" });
        }
    }
    if !batch.is_empty() {
        batch::compare(&batch, rounds);
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut inside: Vec<_> = std::fs::read_dir(path).expect("a folder").flatten().map(|e| e.path()).collect();
        inside.sort();
        files.extend(inside.into_iter().filter(|p| p.extension().is_some_and(|e| e == "jxl")));
    } else {
        files.push(path.to_owned());
    }
}

fn compare(file: &[u8], shape: Shape, threads: bool, rounds: usize) -> Vec<Row> {
    let mut out = vec![0u8; shape.bytes()];
    let mut rows = Vec::new();
    for make in MAKERS {
        let before = heap::live();
        let mut peer = make(threads);
        peer.decode(file, shape, &mut out);
        peer.decode(file, shape, &mut out);
        let mut usage = heap::measure(|| {
            peer.decode(file, shape, &mut out);
        });
        usage.peak -= before;
        rows.push(Row { name: peer.name(), median: 0.0, best: 0.0, ratio: 0.0, heap: usage });
    }
    let mut peers: Vec<_> = MAKERS.iter().map(|make| make(threads)).collect();
    let mut seconds = vec![Vec::new(); peers.len()];
    let mut megapixels = 0.0;
    for round in 0..rounds + 2 {
        for (peer, times) in peers.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            let frames = peer.decode(file, shape, &mut out);
            if round >= 2 {
                times.push(start.elapsed().as_secs_f64());
            }
            megapixels = (frames * shape.width * shape.height) as f64 / 1e6;
        }
    }
    let of_jxlake = seconds[0].clone();
    for (row, times) in rows.iter_mut().zip(&mut seconds) {
        let mut ratios: Vec<f64> = times.iter().zip(&of_jxlake).map(|(peer, own)| peer / own).collect();
        ratios.sort_by(f64::total_cmp);
        row.ratio = ratios[ratios.len() / 2];
        (row.median, row.best) = median_and_best(times, megapixels);
    }
    rows
}

/// Megapixels per second of the median and of the shortest time.
fn median_and_best(times: &mut [f64], megapixels: f64) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (megapixels / times[times.len() / 2], megapixels / times[0])
}

fn print(path: &Path, threads: bool, rows: &[Row]) {
    let name = path.file_stem().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    for row in rows {
        println!(
            "{:28} {:>3} {:12} {:>9.2} {:>9.2} {:>7.2} {:>8} {:>9.2}",
            name,
            if threads { "all" } else { "1" },
            row.name,
            row.median,
            row.best,
            row.ratio,
            row.heap.allocations,
            row.heap.peak as f64 / 1e6
        );
    }
}
