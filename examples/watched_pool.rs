//! A pool watched while it works, counted afterwards, looked through for leaks, and turned off.
//!
//! `cargo run --release --example watched_pool -- testdata/effort7.jxl`

use jxlake::{Decoder, PixelFormat, Pool, PoolEvent, Purpose, SampleFormat};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "testdata/effort7.jxl".into());
    let file = std::fs::read(path)?;

    let pool = Pool::builder()
        .observer(|event| match event {
            PoolEvent::Leased { purpose, bytes, hit: false } if bytes > 100_000 => {
                println!("allocated {bytes} bytes for {}", purpose.name());
            }
            _ => {}
        })
        .build();
    let mut decoder = Decoder::new().with_pool(pool.clone());
    for _ in 0..3 {
        decoder.decode::<u8>(&file, &PixelFormat::default())?;
    }
    let statistics = pool.statistics();
    println!("{statistics}");
    println!("{} bytes of output at most", statistics.of(Purpose::Output).peak_bytes);
    println!("{} leases of i16 samples", statistics.of_format(SampleFormat::I16).leases);
    println!("the decoder keeps {} leases for its next picture", statistics.outstanding());
    drop(decoder);
    pool.statistics().leaks()?;

    let unpooled = Pool::unpooled(); // every lease allocates
    let mut decoder = Decoder::new().with_pool(unpooled.clone());
    for _ in 0..3 {
        decoder.decode::<u8>(&file, &PixelFormat::default())?;
    }
    println!(
        "without pooling: {} of {} leases allocated",
        unpooled.statistics().total.misses,
        statistics.total.leases
    );
    Ok(())
}
