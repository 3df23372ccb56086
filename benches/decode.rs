//! Decode speed of each file of `testdata`, and of a bench corpus beside the project if there is one (`JXLAKE_SHARED` or
//! `../shared`), warm, on one thread and on all. With the corpus go two streams of the conformance suite, of upsampling and of
//! splines, and those of the folder `JXLAKE_BENCH_FILES`, for example what `benches/make_files.sh` makes.
//!
//! `cargo bench --bench decode -- --profile-time 5 lossless` writes flamegraphs to `target/criterion/*/profile`.

use criterion::profiler::Profiler;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jxlake::{Channels, Decoder, ImageMut, PixelFormat, Threads};
use pprof::{ProfilerGuard, ProfilerGuardBuilder};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "jxl")).collect();
    files.sort();
    files
}

fn decode(criterion: &mut Criterion) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("JXLAKE_SHARED").map_or_else(|| project.join("../shared"), PathBuf::from);
    let testdata = ["", "render", "vardct"].map(|folder| files(&project.join("testdata").join(folder)));
    let features = ["upsampling", "animation_spline"].map(|case| shared.join("conformance").join(case));
    let mut corpus = files(&shared.join("bench"));
    corpus.extend(features.iter().flat_map(|folder| files(folder)));
    if let Some(folder) = std::env::var_os("JXLAKE_BENCH_FILES") {
        corpus.extend(files(Path::new(&folder)));
    }
    for (group, files) in [("testdata", testdata.concat()), ("bench", corpus)] {
        for (threads, name) in [(Threads::Calling, "one thread"), (Threads::Global, "all threads")] {
            let mut group = criterion.benchmark_group(format!("{group}, {name}"));
            let mut decoder = Decoder::new().with_threads(threads);
            for path in &files {
                decode_file(&mut group, &mut decoder, path);
            }
            group.finish();
        }
    }
}

fn decode_file(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    decoder: &mut Decoder,
    path: &Path,
) {
    let file = std::fs::read(path).expect("a readable file");
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let shape = decoder.open(&file).and_then(|frames| frames.shape(&format)).expect("a shape");
    let mut memory = vec![0u8; shape.height * shape.row_samples().expect("a row")];
    let mut all_frames = || {
        let mut frames = decoder.open(&file).expect("headers");
        let mut count = 0;
        while frames
            .next_into(&format, ImageMut::from_slice(&mut memory, shape).expect("room"))
            .expect("a frame")
        {
            count += 1;
        }
        count
    };
    let pixels = shape.width * shape.height * all_frames();
    group.throughput(Throughput::Elements(pixels as u64));
    // The streams of the conformance suite all have one name.
    let folder = path.parent().filter(|_| path.ends_with("input.jxl"));
    let name = folder.and_then(Path::file_name).or_else(|| path.file_stem());
    let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    group.bench_function(name, |bencher| bencher.iter(&mut all_frames));
}

/// The JPEGs that files of both corpora were made from.
fn reconstruct(criterion: &mut Criterion) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("JXLAKE_SHARED").map_or_else(|| project.join("../shared"), PathBuf::from);
    let files = [files(&project.join("testdata/jpeg")), files(&shared.join("bench"))].concat();
    for (threads, name) in [(Threads::Calling, "one thread"), (Threads::Global, "all threads")] {
        let mut group = criterion.benchmark_group(format!("JPEG, {name}"));
        let mut decoder = Decoder::new().with_threads(threads);
        for path in &files {
            let file = std::fs::read(path).expect("a readable file");
            let frames = decoder.open(&file).expect("headers");
            if !frames.has_jpeg() {
                continue;
            }
            group.throughput(Throughput::Elements(frames.image().size.pixels()));
            let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            group.bench_function(name, |bencher| {
                bencher.iter(|| decoder.jpeg_into(&file, &mut std::io::sink()).expect("a JPEG"));
            });
        }
        group.finish();
    }
}

/// Writes a flamegraph for each benchmark that runs with `--profile-time`.
#[derive(Default)]
struct Flamegraphs {
    running: Option<ProfilerGuard<'static>>,
}

impl Profiler for Flamegraphs {
    fn start_profiling(&mut self, _: &str, _: &Path) {
        self.running = ProfilerGuardBuilder::default().frequency(1000).build().ok();
    }

    fn stop_profiling(&mut self, _: &str, folder: &Path) {
        let report = self.running.take().and_then(|guard| guard.report().build().ok());
        let file = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::File::create(folder.join("flamegraph.svg")));
        if let (Some(report), Ok(file)) = (report, file) {
            let _ = report.flamegraph(file);
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .with_profiler(Flamegraphs::default());
    targets = decode, reconstruct
}
criterion_main!(benches);
