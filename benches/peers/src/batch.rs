//! A folder of small pictures as one batch: jxlake's own way against a plain loop, or rayon's parallel one, over decoders that
//! are kept.

use crate::peers::{self, Peer, Shape};
use crate::{MAKERS, median_and_best};
use jxlake::{Batch, Decoder, PixelFormat, Threads};
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

/// A decoder and a buffer for its pictures.
type Kept = (Box<dyn Peer>, Vec<u8>);

/// Decodes all files again and again with each decoder in turn, and prints their figures on one thread and on all.
pub fn compare(paths: &[PathBuf], rounds: usize) {
    let files: Vec<_> = paths.iter().map(|path| std::fs::read(path).expect("a readable file")).collect();
    let shapes: Vec<_> = files.iter().map(|file| peers::shape(file)).collect();
    let megapixels = shapes.iter().map(|shape| shape.width * shape.height).sum::<usize>() as f64 / 1e6;
    println!("\nbatch of {} files, {megapixels:.2} MP", files.len());
    println!("{:12} {:>3} {:>9} {:>9} {:>11}", "decoder", "thr", "MP/s", "best", "to one");
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); 2 * MAKERS.len()];
    let mut batches = [Threads::Calling, Threads::Global]
        .map(|threads| Batch::with_decoder(Decoder::new().with_threads(threads)));
    let kept: Vec<Mutex<Vec<Kept>>> = MAKERS.iter().map(|_| Mutex::new(Vec::new())).collect();
    for round in 0..rounds + 2 {
        for threads in [false, true] {
            for (maker, make) in MAKERS.iter().enumerate() {
                let start = Instant::now();
                if maker == 0 {
                    let batch = &mut batches[usize::from(threads)];
                    let decoded = AtomicUsize::new(0);
                    batch.decode_many::<u8, _>(&files, &PixelFormat::default(), |_, picture| {
                        decoded.fetch_add(usize::from(picture.is_ok()), Relaxed);
                    });
                    assert_eq!(decoded.into_inner(), files.len());
                } else {
                    decode_all(&files, &shapes, threads, &kept[maker], *make);
                }
                if round >= 2 {
                    all[2 * maker + usize::from(threads)].push(start.elapsed().as_secs_f64());
                }
            }
        }
    }
    for (maker, make) in MAKERS.iter().enumerate() {
        let [one, two] = [0, 1].map(|threads| median_and_best(&mut all[2 * maker + threads], megapixels));
        let name = make(false).name();
        println!("{name:12} {:>3} {:>9.2} {:>9.2}", 1, one.0, one.1);
        println!("{name:12} {:>3} {:>9.2} {:>9.2} {:>10.2}x", "all", two.0, two.1, two.0 / one.0);
    }
}

fn decode_all(
    files: &[Vec<u8>],
    shapes: &[Shape],
    threads: bool,
    kept: &Mutex<Vec<Kept>>,
    make: fn(bool) -> Box<dyn Peer>,
) {
    let decode = |(file, shape): (&Vec<u8>, &Shape)| {
        let taken = kept.lock().expect("no panics").pop();
        let (mut peer, mut out) = taken.unwrap_or_else(|| (make(false), Vec::new()));
        out.resize(out.len().max(shape.bytes()), 0);
        assert_eq!(peer.decode(file, *shape, &mut out), 1);
        kept.lock().expect("no panics").push((peer, out));
    };
    if threads {
        files.par_iter().zip(shapes).with_max_len(1).for_each(decode);
    } else {
        files.iter().zip(shapes).for_each(decode);
    }
}
