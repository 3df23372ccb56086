//! Pictures in images that the caller keeps, and the ways their memory goes back.

mod common;

use half::f16;
use jxlake::output::{ImageShape, Layout, OutputError, OutputSample};
use jxlake::{Channels, Decoder, Error, Image, PixelFormat, Purpose, Threads};

const NAMES: [&str; 8] =
    ["rgba", "gray", "palette", "bits12", "float32_gray", "one_pixel", "container", "effort1"];

fn file(name: &str) -> Vec<u8> {
    std::fs::read(common::testdata().join(format!("{name}.jxl"))).expect("a stream")
}

fn capacity(width: usize, height: usize) -> ImageShape {
    ImageShape { width, height, channels: 4, layout: Layout::Interleaved }
}

/// One image takes pictures of all sizes, channels and layouts, and they are the same as in an image of their own.
fn takes_every_picture<T: OutputSample>() {
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let mut image = Image::<T>::with_capacity(decoder.pool(), capacity(4096, 4096)).expect("memory");
    for name in NAMES {
        let file = file(name);
        for layout in [Layout::Planar, Layout::Interleaved] {
            let format = PixelFormat { channels: Channels::All, layout, ..PixelFormat::default() };
            decoder.decode_reusing(&file, &format, &mut image).expect("fits");
            let held = decoder.pool().statistics().of(Purpose::Output).outstanding;
            assert_eq!(held, 1, "only the image that is kept");
            let own = decoder.decode::<T>(&file, &format).expect("decodes");
            assert_eq!((image.shape(), image.capacity()), (own.shape(), capacity(4096, 4096)));
            assert!(image.rows().eq(own.rows()), "{name}, {layout:?}");
        }
    }
}

#[test]
fn bytes_fit() {
    takes_every_picture::<u8>();
}

#[test]
fn words_fit() {
    takes_every_picture::<u16>();
}

#[test]
fn half_floats_fit() {
    takes_every_picture::<f16>();
}

#[test]
fn floats_fit() {
    takes_every_picture::<f32>();
}

/// A picture larger than the image is refused before anything is decoded; the error has both sizes, and the image stays.
#[test]
fn what_does_not_fit_names_both_sizes() {
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let file = file("effort1");
    let format = PixelFormat::default();
    let shape = decoder.open(&file).and_then(|frames| frames.shape(&format)).expect("headers");
    for held in [capacity(shape.width - 1, shape.height), capacity(shape.width, shape.height - 1)] {
        let mut image = Image::<u8>::with_capacity(decoder.pool(), held).expect("memory");
        let error = decoder.decode_reusing(&file, &format, &mut image).unwrap_err();
        let Error::Output(OutputError::BeyondCapacity { picture, capacity }) = error else {
            panic!("{error}")
        };
        assert_eq!((picture, capacity, image.shape()), (shape, held, held));
        let sizes = [shape, held].map(|shape| format!("{}×{}", shape.height, shape.width));
        assert!(sizes.iter().all(|size| error.to_string().contains(size)), "{error}");
    }
}

/// Frames of an animation come into the same image, one after the other.
#[test]
fn frames_come_into_one_image() {
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let file = file("animation");
    let mut image = Image::<u8>::with_capacity(decoder.pool(), capacity(500, 500)).expect("memory");
    let mut frames = decoder.open(&file).expect("headers");
    let mut count = 0;
    while frames.next_reusing(&PixelFormat::default(), &mut image).expect("a frame") {
        count += 1;
    }
    assert_eq!(count, 3);
}

/// Dropped, lent for a scope, or released: either way the pool has the memory back, and the next picture takes it.
#[test]
fn memory_goes_back_in_three_ways() {
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let pool = decoder.pool().clone();
    let usage = || pool.statistics().of(Purpose::Output);
    let (file, format) = (file("palette"), PixelFormat::default());

    let picture = decoder.decode::<u8>(&file, &format).expect("decodes");
    assert_eq!(usage().outstanding, 1);
    drop(picture);
    assert_eq!(usage().outstanding, 0);

    let first = decoder.decode_scoped(&file, &format, |picture: &Image<u8>| {
        assert_eq!(usage().outstanding, 1);
        picture.row(0)[0]
    });
    assert_eq!(usage().outstanding, 0);

    let picture = decoder.decode::<u8>(&file, &format).expect("decodes");
    assert_eq!(picture.row(0)[0], first.expect("decodes"));
    picture.release();
    assert_eq!((usage().outstanding, usage().misses), (0, 1));

    // A decoder keeps some leases for its next picture, until it is cleared.
    decoder.clear();
    pool.statistics().leaks().expect("everything is back");
    decoder.decode::<u8>(&file, &format).expect("a cleared decoder decodes");
}
