//! One decoder for all files of a directory: from the second picture on it works in memory that is there.
//!
//! `cargo run --release --example directory -- testdata`

use jxlake::{Decoder, PixelFormat};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "testdata".into());
    let mut decoder = Decoder::new(); // has a pool of its own
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "jxl") {
            continue;
        }
        let before = decoder.pool().statistics().total.misses;
        match decoder.decode::<u8>(&std::fs::read(&path)?, &PixelFormat::default()) {
            Ok(image) => {
                let fresh = decoder.pool().statistics().total.misses - before;
                println!("{}: {}, {fresh} fresh buffers", path.display(), image.shape());
            }
            Err(error) => println!("{}: {error}", path.display()),
        }
    }
    Ok(())
}
