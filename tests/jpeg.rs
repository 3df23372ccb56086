//! JPEGs come back byte for byte, and what cannot come back says why.

mod common;

use common::Random;
use jxlake::jpeg::{self, Fault, Mismatch};
use jxlake::{Decoder, Error, ErrorKind, Limits, PixelFormat, Pool, Threads};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

fn folder() -> PathBuf {
    common::testdata().join("jpeg")
}

fn stream(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name).with_extension("jxl")).expect("a stream")
}

/// Name, bytes and SHA-256 of each JPEG that a stream was made from.
fn expected() -> Vec<(String, usize, String)> {
    let list = std::fs::read_to_string(folder().join("expected.tsv")).expect("a list");
    let line = |line: &str| {
        let [name, bytes, hash] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (name.to_owned(), bytes.parse().expect("a number"), hash.to_owned())
    };
    list.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every kind of JPEG, on one thread and on several, one after another by the same decoder.
#[test]
fn jpegs_come_back() {
    let several = Threads::Pool(std::sync::Arc::new(jxlake::thread_pool(3).expect("threads")));
    let mut decoders = [Threads::Calling, several].map(|threads| Decoder::new().with_threads(threads));
    let expected = expected();
    assert!(expected.len() > 40);
    for (name, bytes, sha) in &expected {
        for decoder in &mut decoders {
            let jpeg = decoder.jpeg(&stream(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((jpeg.len(), &hash(&jpeg)), (*bytes, sha), "{name}");
        }
    }
}

/// The conformance streams that were JPEGs.
#[test]
fn conformance_jpegs_come_back() {
    let Some(folder) = common::shared("conformance") else { return };
    for case in ["bench_oriented_brg", "cafe", "grayscale_jpeg"] {
        let file = std::fs::read(folder.join(case).join("input.jxl")).expect("a stream");
        let expected = std::fs::read(folder.join(case).join("reconstructed.jpg")).expect("a JPEG");
        let jpeg = Decoder::new().jpeg(&file).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(jpeg == expected, "{case}: {} bytes, {} expected", jpeg.len(), expected.len());
    }
}

/// The JPEG can be had first and the picture then, from one opened file.
#[test]
fn the_picture_comes_after_the_jpeg() {
    let file = stream("exif_xmp_icc");
    let mut decoder = Decoder::new().with_threads(Threads::Calling);
    let alone = decoder.decode::<u8>(&file, &PixelFormat::default()).expect("a picture");
    let mut frames = decoder.open(&file).expect("headers");
    assert!(frames.has_jpeg());
    let mut jpeg = Vec::new();
    frames.jpeg_into(&mut jpeg).expect("a JPEG");
    let image = frames.next_image::<u8>(&PixelFormat::default()).expect("a picture").expect("a frame");
    assert!(image.rows().eq(alone.rows()));
    assert!(frames.jpeg_into(&mut jpeg).is_err_and(|error| error.kind() == ErrorKind::Misuse));
}

/// A file as boxes, to change some: where each begins, and its type.
fn boxes(file: &[u8]) -> Vec<(usize, [u8; 4])> {
    let mut boxes = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let field = |at: usize| <[u8; 4]>::try_from(&file[at..at + 4]).expect("four bytes");
        boxes.push((at, field(at + 4)));
        let size = u32::from_be_bytes(field(at)) as usize;
        at = if size == 0 { file.len() } else { at + size };
    }
    boxes
}

/// The file with a box of type `from` called `to`.
fn renamed(file: &[u8], from: &[u8; 4], to: &[u8; 4]) -> Vec<u8> {
    let (at, _) = *boxes(file).iter().find(|(_, kind)| kind == from).expect("a box");
    let mut file = file.to_vec();
    file[at + 4..at + 8].copy_from_slice(to);
    file
}

fn failure(file: &[u8]) -> Error {
    Decoder::new().with_threads(Threads::Calling).jpeg(file).expect_err("no JPEG")
}

/// Why there is no JPEG: it was none, it was altered, it is cut, it is above a limit, it cannot be written.
#[test]
fn errors_say_why() {
    let plain = std::fs::read(common::testdata().join("container.jxl")).expect("a stream");
    assert!(matches!(failure(&plain), Error::Jpeg(jpeg::Error::NoData)));
    assert_eq!(failure(&plain).kind(), ErrorKind::Absent);

    let file = stream("exif_xmp_icc");
    let altered = |file: &[u8]| match failure(file) {
        Error::Jpeg(jpeg::Error::Altered(mismatch)) => mismatch,
        other => panic!("{other}"),
    };
    let exif = if boxes(&file).iter().any(|(_, kind)| kind == b"Exif") { b"Exif" } else { b"brob" };
    assert_eq!(altered(&renamed(&file, exif, b"free")), Mismatch::NoExif);
    // The first box holds Exif, so that the second one is XMP.
    let without =
        renamed(&renamed(&file, exif, b"held"), if exif == b"brob" { b"brob" } else { b"xml " }, b"free");
    assert_eq!(altered(&renamed(&without, b"held", exif)), Mismatch::NoXmp);
    // The data of one JPEG beside the frame of another.
    let part = |file: &[u8], kind: &[u8; 4]| {
        let boxes = boxes(file);
        let place = boxes.iter().position(|(_, found)| found == kind).expect("a box");
        boxes[place].0..boxes.get(place + 1).map_or(file.len(), |next| next.0)
    };
    let (with_profile, mut mixed) = (stream("icc"), stream("baseline_444"));
    let jbrd = with_profile[part(&with_profile, b"jbrd")].to_vec();
    mixed.splice(part(&mixed, b"jbrd"), jbrd.iter().copied());
    assert!(matches!(altered(&mixed), Mismatch::Icc { expected: 1.., found: 0 }));
    let mut again = with_profile.clone();
    again.extend(jbrd);
    assert!(matches!(failure(&again), Error::Jpeg(jpeg::Error::Invalid { what: Fault::Again, .. })));

    assert_eq!(failure(&file[..file.len() - 20]).kind(), ErrorKind::Truncated);
    let mut decoder = Decoder::new().with_limits(Limits {
        jpeg_bytes: jxlake::frame::limits::LinearLimit { per_unit: 0, base: 1000, cap: 1000 },
        ..Limits::default()
    });
    assert_eq!(decoder.jpeg(&file).expect_err("too long").kind(), ErrorKind::Limit);
    let mut short = [0; 100];
    let error =
        decoder.with_limits(Limits::default()).jpeg_into(&file, &mut &mut short[..]).expect_err("no room");
    assert!(matches!(error, Error::Jpeg(jpeg::Error::Write(std::io::ErrorKind::WriteZero))), "{error}");
}

/// Flipped bits give another JPEG or an error, cut files an error; nothing is left behind, and the picture of a file whose
/// reconstruction data are damaged is whole.
#[test]
fn damage_does_no_harm() {
    let pool = Pool::with_budget(256 << 20);
    let limits = Limits { pixels: 1 << 22, ..Limits::strict() };
    let mut decoder =
        Decoder::new().with_threads(Threads::Calling).with_pool(pool.clone()).with_limits(limits);
    for (name, bytes, _) in expected() {
        let intact = stream(&name);
        let pixels = decoder.open(&intact).expect("headers").image().size.pixels();
        let rounds = if bytes > 20_000 || pixels > 1 << 16 { 4 } else { 16 };
        let mut random = Random::new(intact.len() as u64);
        let (start, end) = match boxes(&intact).windows(2).find(|pair| &pair[0].1 == b"jbrd") {
            Some(pair) => (pair[0].0 + 8, pair[1].0),
            None => panic!("{name} has no reconstruction data"),
        };
        for round in 0..rounds {
            let mut file = intact.clone();
            for _ in 0..1 + random.below(3) {
                // Mostly in the data, which are the smaller part.
                let place =
                    if round % 4 == 0 { random.below(file.len()) } else { start + random.below(end - start) };
                file[place] ^= 1 << random.below(8);
            }
            if let Err(error) = decoder.jpeg(&file) {
                assert_ne!(error.kind(), ErrorKind::Misuse, "{name}: {error}");
            }
            if round % 4 != 0 {
                let picture = decoder.decode::<u8>(&file, &PixelFormat::default());
                assert!(picture.is_ok(), "{name}: {picture:?}");
            }
        }
        for _ in 0..rounds / 4 {
            let length = random.below(intact.len());
            let error = decoder.jpeg(&intact[..length]).expect_err("cut");
            assert_eq!(error.kind(), ErrorKind::Truncated, "{name} cut to {length}: {error}");
        }
        assert!(decoder.jpeg(&intact).is_ok(), "{name}");
    }
    drop(decoder);
    assert_eq!(pool.statistics().outstanding(), 0, "leases are left over");
}
