//! JPEGs come back byte for byte.

mod common;

use jxlake::{Decoder, Threads};

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
