//! A decoder for each thread, and one pool for all: what one thread gives back another finds.
//!
//! `cargo run --release --example shared_pool -- testdata/*.jxl`

use jxlake::{Decoder, PixelFormat, Pool, Threads};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args().skip(1).collect();
    let pool = Pool::new();
    std::thread::scope(|scope| {
        for share in paths.chunks(paths.len().div_ceil(4).max(1)) {
            // `Pool` is a handle: clones are the same pool. Without `with_pool` each decoder would have its own.
            let mut decoder = Decoder::new().with_pool(pool.clone()).with_threads(Threads::Calling);
            scope.spawn(move || {
                for path in share {
                    let file = std::fs::read(path).unwrap_or_default();
                    match decoder.decode::<u8>(&file, &PixelFormat::default()) {
                        Ok(image) => println!("{path}: {}", image.shape()),
                        Err(error) => println!("{path}: {error}"),
                    }
                }
            });
        }
    });
    println!("{}", pool.statistics());
    pool.statistics().leaks()?; // the decoders are gone: everything is back
    Ok(())
}
