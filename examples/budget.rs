//! Memory under a bound: what a file will take is known before, and fewer threads are used where all have no room.
//!
//! `cargo run --release --example budget -- 64 testdata/*.jxl` (megabytes)

use jxlake::{Decoder, PixelFormat, Pool};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let megabytes: u64 = arguments.next().map_or(Ok(64), |number| number.parse())?;
    let pool = Pool::with_budget(megabytes << 20);
    let mut decoder = Decoder::new().with_pool(pool.clone());
    let format = PixelFormat::default();
    for path in arguments {
        let file = std::fs::read(&path)?;
        let estimate = decoder.open(&file).and_then(|mut frames| frames.memory_estimate::<u8>(&format, 1));
        match estimate.map(|estimate| (estimate.total(), pool.check(estimate.total()))) {
            Ok((bytes, Err(refused))) => println!("{path}: needs up to {bytes} bytes, and {refused}"),
            Ok((bytes, Ok(()))) => match decoder.decode::<u8>(&file, &format) {
                Ok(image) => println!("{path}: {}, up to {bytes} bytes", image.shape()),
                Err(error) => println!("{path}: {error}"),
            },
            Err(error) => println!("{path}: {error}"),
        }
    }
    println!("held at most {} bytes", pool.statistics().peak_held_bytes);
    Ok(())
}
