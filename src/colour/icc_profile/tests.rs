//! Whole profiles, by their hashes.

use jxlake_frame::image_header::Chromaticity;
use sha2::{Digest, Sha256};

use super::*;

fn encoding(primaries: Primaries, white_point: WhitePoint, function: TransferFunction) -> ColourEncoding {
    ColourEncoding { primaries, white_point, transfer_function: function, ..ColourEncoding::default() }
}

fn gray(function: TransferFunction) -> ColourEncoding {
    ColourEncoding {
        colour_space: ColourSpace::Grey,
        transfer_function: function,
        ..ColourEncoding::default()
    }
}

#[test]
fn profiles_are_the_same_to_the_last_byte() {
    use RenderingIntent::{Absolute, Perceptual, Saturation};
    use TransferFunction::{Bt709, Dci, Gamma, Hlg, Linear, Pq, Srgb};
    let with = |rendering_intent, encoding| ColourEncoding { rendering_intent, ..encoding };
    let d65 = |primaries, function| encoding(primaries, WhitePoint::D65, function);
    let xyb = ColourEncoding { colour_space: ColourSpace::Xyb, ..ColourEncoding::default() };
    let cases = [
        (d65(Primaries::Srgb, Srgb), 504, "87948cdb39dc5fe2"),
        (d65(Primaries::Srgb, Linear), 536, "68155f2bd3f362ca"),
        (with(Perceptual, d65(Primaries::Srgb, Bt709)), 536, "045567821c2b986e"),
        (d65(Primaries::P3, Srgb), 516, "3f8ca934c4b3ae48"),
        (encoding(Primaries::P3, WhitePoint::Dci, Dci), 536, "53413e194f813165"),
        (with(Absolute, encoding(Primaries::Bt2100, WhitePoint::E, Bt709)), 512, "0f16b69d24abe21c"),
        (d65(Primaries::Srgb, Gamma { exponent: 4_545_500 }), 504, "c102d13c98a6a9f4"),
        (gray(Srgb), 328, "48d006762d583f6e"),
        (gray(Linear), 328, "57363d9ec00043fe"),
        (gray(Pq), 436, "ebf0e2f4af24ad98"),
        (d65(Primaries::Bt2100, Pq), 4324, "745265d126b3bbfd"),
        (d65(Primaries::Bt2100, Hlg), 4324, "8c50cf64e267fd7d"),
        (with(Saturation, d65(Primaries::P3, Pq)), 4344, "be547ec6f23178e0"),
        (encoding(Primaries::P3, WhitePoint::Dci, Hlg), 4344, "bc255c0343c95e9f"),
        (encoding(Primaries::Bt2100, WhitePoint::Dci, Pq), 620, "e82c669bc692e878"),
        (encoding(Primaries::Srgb, WhitePoint::E, Hlg), 620, "1acade1e2dad072e"),
        (with(Perceptual, xyb), 720, "1f0b56ad33bd1834"),
    ];
    let mut profile = Vec::new();
    for (encoding, size, hash) in cases {
        write_profile(&encoding, &mut profile).unwrap();
        let name = Description(&encoding);
        assert_eq!(profile.len(), size, "{name}");
        let found: String = Sha256::digest(&profile)[..8].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(found, hash, "{name}");
    }
}

#[test]
fn encodings_without_profile_are_refused() {
    let srgb = ColourEncoding::default();
    let refused = |encoding| write_profile(&encoding, &mut Vec::new()).unwrap_err();
    assert_eq!(refused(ColourEncoding { want_icc: true, ..srgb }), ProfileError::NoDescription);
    assert_eq!(
        refused(ColourEncoding { transfer_function: TransferFunction::Unknown, ..srgb }),
        ProfileError::NoDescription
    );
    assert_eq!(
        refused(ColourEncoding { colour_space: ColourSpace::Unknown, ..srgb }),
        ProfileError::NoDescription
    );
    assert_eq!(refused(ColourEncoding { colour_space: ColourSpace::Xyb, ..srgb }), ProfileError::Intent);

    let black = WhitePoint::Custom(Chromaticity { x: 300_000, y: 0 });
    assert_eq!(refused(ColourEncoding { white_point: black, ..srgb }), ProfileError::WhitePoint);
    let dim = ColourEncoding { white_point: black, ..gray(TransferFunction::Srgb) };
    assert_eq!(refused(dim), ProfileError::WhitePoint);
    let point = Chromaticity { x: 300_000, y: 300_000 };
    let line = ColourEncoding { primaries: Primaries::Custom([point; 3]), ..srgb };
    assert_eq!(refused(line), ProfileError::Primaries);
}

#[test]
fn extreme_chromaticities_do_no_harm() {
    // Any combination gives a profile or an error.
    let coordinates = [-2_097_152, -1, 0, 1, 333_333, 1_000_000, 2_097_151];
    let mut profile = Vec::new();
    for x in coordinates {
        for y in coordinates {
            let point = Chromaticity { x, y };
            let white_point = WhitePoint::Custom(point);
            for function in [TransferFunction::Srgb, TransferFunction::Gamma { exponent: 1221 }] {
                _ = write_profile(&encoding(Primaries::Srgb, white_point, function), &mut profile);
                let mirrored = [point, Chromaticity { x: y, y: x }, Chromaticity { x: 0, y: 1 }];
                let custom = Primaries::Custom(mirrored);
                _ = write_profile(&encoding(custom, WhitePoint::D65, function), &mut profile);
                _ = write_profile(&ColourEncoding { white_point, ..gray(function) }, &mut profile);
            }
        }
    }
}
