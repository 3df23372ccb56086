//! Pictures in memory of the caller's: here a picture twice, side by side, in one buffer with the stride of a texture,
//! and everything that decoding works in from another.
//!
//! `cargo run --release --example own_memory -- testdata/gray.jxl`

use jxlake::{Channels, Decoder, ImageMut, PixelFormat, Pool};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "testdata/gray.jxl".into());
    let file = std::fs::read(path)?;
    let format = PixelFormat { channels: Channels::Rgba, ..PixelFormat::default() };
    let mut headers = Decoder::new();
    let mut frames = headers.open(&file)?;
    let shape = frames.shape(&format)?;
    let needed = frames.memory_estimate::<u8>(&format, 1)?.total() as usize;

    // Half as much again, for the holes between pieces of different sizes.
    let pool = Pool::with_scratch(vec![0; needed / 2 * 3])?;
    let mut decoder = Decoder::new().with_pool(pool.clone());

    let stride = (4 * shape.width * 2).next_multiple_of(256);
    let mut texture = vec![0u8; stride * shape.height];
    for left in [0, 4 * shape.width] {
        decoder.decode_into(&file, &format, ImageMut::with_stride(&mut texture[left..], shape, stride)?)?;
    }
    println!("{shape} twice in rows of {stride} bytes");

    // What does not fit is refused before anything is decoded.
    if let Err(error) = ImageMut::from_slice(&mut texture[..100], shape) {
        println!("100 bytes: {error}");
    }
    drop(decoder);
    let memory = pool.into_scratch().map_err(|_| "the pool is still in use")?;
    println!("decoded within {} bytes", memory.len());
    Ok(())
}
