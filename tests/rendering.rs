//! Rendering does not depend on how it is done: by groups or by whole planes, on one thread or many. And it is right: other
//! decoders make the same pixels.

mod common;

use jxlake::{Channels, Decoder, Image, PixelFormat, Threads};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FORMAT: PixelFormat = PixelFormat {
    channels: Channels::All,
    layout: jxlake::output::Layout::Interleaved,
    endianness: jxlake::output::Endianness::Native,
    bits: None,
    alpha: jxlake::output::AlphaMode::AsStored,
};

/// All frames of a file as floats.
fn decode(decoder: &mut Decoder, path: &Path) -> Vec<Image<f32>> {
    let file = std::fs::read(path).expect("a readable file");
    let mut frames = decoder.open(&file).expect("headers");
    std::iter::from_fn(|| frames.next_image(&FORMAT).expect("a frame")).collect()
}

fn assert_same(path: &Path, a: &[Image<f32>], b: &[Image<f32>]) {
    assert_eq!(a.len(), b.len(), "{}: number of frames", path.display());
    for (a, b) in a.iter().zip(b) {
        for (y, (a, b)) in a.rows().zip(b.rows()).enumerate() {
            let same = a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{}: row {y} differs", path.display());
        }
    }
}

/// Streams of `testdata` and its folders, and conformance and bench streams if they are there; large ones left out.
fn streams() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for shared in ["bench", "bench/thumbs"] {
        folders.extend(common::shared(shared));
    }
    if let Some(conformance) = common::shared("conformance") {
        let cases = std::fs::read_dir(conformance).expect("a folder").flatten().map(|entry| entry.path());
        folders.extend(cases.filter(|path| path.is_dir()));
    }
    let small = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() < 400_000);
    let beside = folders.iter().flat_map(|folder| common::files(folder, "jxl"));
    common::streams().into_iter().chain(beside).filter(small).collect()
}

#[test]
fn whole_planes_and_streaming_give_the_same_bits() {
    let mut oracle = Decoder::new().with_threads(Threads::Calling).with_oracle(true);
    let mut one = Decoder::new().with_threads(Threads::Calling);
    let pool = Threads::Pool(Arc::new(jxlake::thread_pool(5).expect("threads")));
    let mut many = Decoder::new().with_threads(pool);
    for path in streams() {
        let expected = decode(&mut oracle, &path);
        assert_same(&path, &decode(&mut one, &path), &expected);
        assert_same(&path, &decode(&mut many, &path), &expected);
    }
}

/// 8-bit samples of lossy files differ from another decoder's by at most 1, by 2 in at most 0.01 %.
#[test]
fn lossy_files_look_as_another_decoder_has_them() {
    for name in ["photo8_d1", "photo8_d1_e3", "photo3_d05", "photo3_d2_progressive", "jpeg10", "gray_d1"] {
        let Some(path) = common::shared(&format!("bench/{name}.jxl")) else { return };
        let file = std::fs::read(&path).expect("a readable file");
        let mut decoder = Decoder::new();
        let channels = if decoder.open(&file).expect("headers").image().is_grey() {
            Channels::Gray
        } else {
            Channels::Rgb
        };
        let ours = decoder.decode::<u8>(&file, &PixelFormat { channels, ..FORMAT }).expect("a picture");
        let image = jxl_oxide::JxlImage::builder().read(&file[..]).expect("headers");
        let render = image.render_frame(0).expect("a picture");
        let mut theirs = vec![0u8; ours.rows().map(<[u8]>::len).sum()];
        render.stream().write_to_buffer(&mut theirs);
        let mut counts = [0usize; 256];
        for (a, b) in ours.rows().flatten().zip(&theirs) {
            counts[usize::from(a.abs_diff(*b))] += 1;
        }
        let far: usize = counts[3..].iter().sum();
        assert_eq!(far, 0, "{name}: samples differ by more than 2: {counts:?}");
        assert!(counts[2] * 10_000 <= theirs.len(), "{name}: {} samples differ by 2", counts[2]);
    }
}
