//! Many files at once, on all cores: handed out as they finish, or in order with `--ordered`.
//!
//! `cargo run --release --example batch -- testdata/*.jxl`

use jxlake::{Batch, Order, PixelFormat};
use std::path::PathBuf;

fn main() {
    let (options, paths): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let order = if options.is_empty() { Order::AsFinished } else { Order::OfFiles };
    let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();

    let mut batch = Batch::new().with_order(order);
    let watch = batch.watch(); // `cancel` stops the batch, from here or from another thread
    batch.decode_many::<u8, _>(&paths, &PixelFormat::default(), |index, picture| {
        let (place, name) = (watch.done() + 1, paths[index].display());
        match picture {
            Ok(picture) => println!("{place}/{}: {name} is {}", watch.total(), picture.shape()),
            Err(error) => println!("{place}/{}: {name}: {error}", watch.total()),
        }
    });
    println!("{} of {} could not be decoded", watch.failed(), watch.total());
}
