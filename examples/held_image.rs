//! One image that takes picture after picture, and the ways in which memory goes back to the pool.
//!
//! `cargo run --release --example held_image -- testdata/*.jxl`

use jxlake::output::{ImageShape, Layout};
use jxlake::{Decoder, Image, PixelFormat};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut decoder = Decoder::new();
    let format = PixelFormat::default();
    let capacity = ImageShape { width: 4096, height: 4096, channels: 3, layout: Layout::Interleaved };
    let mut image = Image::<u8>::with_capacity(decoder.pool(), capacity)?;
    let mut last = Vec::new();
    for path in std::env::args().skip(1) {
        last = std::fs::read(&path)?;
        match decoder.decode_reusing(&last, &format, &mut image) {
            Ok(()) => println!("{path}: {}, first row {:?} …", image.shape(), &image.row(0)[..3]),
            Err(error) => println!("{path}: {error}"), // too large: names both sizes
        }
    }
    image.release(); // given back by name

    if let Ok(picture) = decoder.decode::<f32>(&last, &format) {
        println!("{} as floats", picture.shape());
    } // given back when it is dropped

    // Lent for a closure, and given back behind it.
    if let Ok(sum) = decoder.decode_scoped(&last, &format, |picture: &Image<u16>| {
        picture.rows().flatten().map(|&sample| u64::from(sample)).sum::<u64>()
    }) {
        println!("samples add up to {sum}");
    }
    Ok(())
}
