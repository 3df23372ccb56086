//! Image headers written by the twin writer are read back; broken and cut ones give the right error.

use jxlake_entropy::test_support::{BitWriter, Random};

use super::*;
use crate::Error;
use crate::error::Unsupported;
use crate::header_writer::random::{colour_encoding, image_header};
use crate::header_writer::{FieldWriter, write_colour_encoding, write_image_header};

fn read(bytes: &[u8]) -> Result<(ImageHeader, u64)> {
    let mut header = ImageHeader::default();
    let mut bits = BitReader::new(bytes);
    header.read(&mut bits, &Limits::none())?;
    Ok((header, bits.position()))
}

fn written(header: &ImageHeader, random: &mut Random) -> (Vec<u8>, u64) {
    let mut writer = BitWriter::new();
    write_image_header(&mut writer, header, random);
    let length = writer.position() as u64;
    (writer.into_bytes(), length)
}

#[test]
fn every_field_comes_back() {
    let mut random = Random::new(1);
    let mut reused = ImageHeader::default();
    for _ in 0..2000 {
        let header = image_header(&mut random);
        let (bytes, length) = written(&header, &mut random);
        let mut bits = BitReader::new(&bytes);
        reused.read(&mut bits, &Limits::none()).unwrap();
        assert_eq!(reused, header);
        assert_eq!(bits.position(), length);
        let names = |h: &ImageHeader| {
            h.extra_channels.iter().flat_map(|c| h.extra_channel_name(c).to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(names(&reused), names(&header));
    }
}

#[test]
fn a_cut_header_is_truncated_and_says_what_it_needs() {
    let mut random = Random::new(2);
    for _ in 0..100 {
        let (bytes, _) = written(&image_header(&mut random), &mut random);
        for end in 0..bytes.len() {
            let error = read(&bytes[..end]).unwrap_err();
            let Error::Truncated { needed: Some(needed) } = error else { panic!("{error:?} at {end}") };
            assert!(
                needed > end as u64 && needed <= bytes.len() as u64,
                "{needed} at {end} of {}",
                bytes.len()
            );
        }
    }
}

#[test]
fn a_damaged_header_gives_one_error_however_little_of_it_is_there() {
    let mut random = Random::new(3);
    for _ in 0..300 {
        let (mut bytes, _) = written(&image_header(&mut random), &mut random);
        for _ in 0..4 {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let whole = read(&bytes);
        for end in 0..bytes.len() {
            match (read(&bytes[..end]), &whole) {
                (Err(Error::Truncated { .. }), _) => {}
                (part, whole) => assert_eq!(part, *whole, "{end} of {}", bytes.len()),
            }
        }
    }
}

#[test]
fn random_bytes_are_survived() {
    let mut random = Random::new(4);
    for _ in 0..20_000 {
        let mut bytes = vec![0xff, 0x0a];
        bytes.extend((0..random.below(64)).map(|_| random.of_bits(8) as u8));
        let _ = read(&bytes);
        let mut header = ImageHeader::default();
        let _ = header.read(&mut BitReader::new(&bytes), &Limits::strict());
    }
}

#[test]
fn a_header_with_preview() {
    let (header, length) = read(&[0xff, 0x0a, 0x4f, 0x84, 0x0d, 0x81, 0x9c]).unwrap();
    assert_eq!(length, 56);
    let expected = ImageHeader {
        size: Size { width: 64, height: 64 },
        preview: Some(Size { width: 16, height: 16 }),
        ..ImageHeader::default()
    };
    assert_eq!(header, expected);
}

#[test]
fn a_header_with_alpha_of_12_bits() {
    let bytes = [0xff, 0x0a, 0xfa, 0x1f, 0x81, 0x03, 0x81, 0x04];
    let (header, length) = read(&bytes).unwrap();
    assert_eq!(length, 59);
    let depth = BitDepth::Integer { bits_per_sample: 12 };
    assert_eq!((header.size, header.bit_depth), (Size { width: 1024, height: 1024 }, depth));
    assert!(!header.xyb_encoded && header.modular_16bit_buffers);
    let alpha = ExtraChannelInfo { bit_depth: depth, ..ExtraChannelInfo::default() };
    assert_eq!(header.extra_channels, [alpha]);
    assert_eq!(header.alpha_channel(), Some(0));
}

/// The error of a header with the metadata that `fields` writes after `all_default`.
fn metadata_error(fields: impl FnOnce(&mut BitWriter) -> &mut BitWriter) -> Error {
    let mut writer = BitWriter::new();
    writer.write(0x0aff, 16).write_digits("1 00000 100").write(0, 1);
    fields(&mut writer);
    let mut bytes = writer.into_bytes();
    // The error must come as soon as the bits are there; what follows is not looked at.
    let error = read(&bytes).unwrap_err();
    bytes.extend([0xff; 40]);
    assert_eq!(read(&bytes).unwrap_err(), error);
    error
}

#[track_caller]
fn assert_invalid(error: Error, expected: Invalid) {
    assert!(matches!(error, Error::Invalid { what, bit: Some(_) } if what == expected), "{error:?}");
}

#[test]
fn signature_and_size_are_checked() {
    assert_invalid(read(&[0xff, 0x0b]).unwrap_err(), Invalid::Signature);
    assert_invalid(read(&[0x0a]).unwrap_err(), Invalid::Signature);
    let mut writer = BitWriter::new();
    // 2^30 rows at twice the width.
    writer.write(0x0aff, 16).write(0, 1).write(3, 2).write((1 << 30) - 1, 30).write(7, 3);
    let bytes = writer.into_bytes();
    assert_invalid(read(&bytes).unwrap_err(), Invalid::Size { width: 1 << 31, height: 1 << 30 });
}

#[test]
fn sizes_above_the_limits_are_refused_at_once() {
    let size = |width, height| {
        let mut writer = BitWriter::new();
        let header = ImageHeader { size: Size { width, height }, ..ImageHeader::default() };
        write_image_header(&mut writer, &header, &mut Random::new(5));
        let bytes = writer.into_bytes();
        let mut header = ImageHeader::default();
        header.read(&mut BitReader::new(&bytes[..bytes.len() - 1]), &Limits::default()).unwrap_err()
    };
    let expected = |limit, value, bound| Error::Limit { limit, value, bound };
    assert_eq!(size(1 << 19, 100), expected(Limit::Dimension, 1 << 19, 1 << 18));
    assert_eq!(size(1 << 15, 1 << 14), expected(Limit::Pixels, 1 << 29, 1 << 28));
    assert!(matches!(size(1 << 14, 1 << 14), Error::Truncated { .. }));
}

#[test]
fn bit_depths_are_checked() {
    let depth = |bits_per_sample, exponent_bits| Invalid::BitDepth { bits_per_sample, exponent_bits };
    let integer = |bits: u64| metadata_error(|w| w.flag(false).flag(false).write(3, 2).write(bits - 1, 6));
    assert_invalid(integer(32), depth(32, 0));
    assert_invalid(integer(64), depth(64, 0));
    let float = |bits: u64, exponent: u64| {
        metadata_error(|w| w.flag(false).flag(true).write(3, 2).write(bits - 1, 6).write(exponent - 1, 4))
    };
    for (bits, exponent) in [(8, 1), (16, 9), (7, 5), (32, 7), (2, 8), (64, 16)] {
        assert_invalid(float(bits as u64, exponent as u64), depth(bits, exponent));
    }
}

/// Metadata up to the number of extra channels, which is `count`.
fn with_extra_channels(writer: &mut BitWriter, count: u32) -> &mut BitWriter {
    writer.write_digits("0 000 1").write_u32(count, [(0, 0), (1, 0), (2, 4), (1, 12)])
}

#[test]
fn extra_channels_are_checked() {
    let too_many = metadata_error(|w| with_extra_channels(w, 257));
    assert_invalid(too_many, Invalid::Value { field: "num_extra", value: 257 });
    for code in [7, 14, 17, 81] {
        let error = metadata_error(|w| with_extra_channels(w, 1).flag(false).enumeration(code));
        assert_invalid(error, Invalid::Value { field: "the type of an extra channel", value: code.into() });
    }
    let unknown = metadata_error(|w| {
        with_extra_channels(w, 1).flag(false).enumeration(15).write_digits("000 00").name(b"")
    });
    assert_eq!(unknown, Unsupported::ExtraChannelType(15).into());
    for (selector, bits, value) in [(2, 0, 4), (3, 3, 4), (3, 7, 8)] {
        let error = metadata_error(|w| {
            let w = with_extra_channels(w, 1).flag(false).enumeration(1).write_digits("000");
            w.write(selector, 2).write(bits, if selector == 3 { 3 } else { 0 })
        });
        assert_invalid(error, Invalid::Value { field: "dim_shift", value });
    }
}

#[test]
fn tone_mapping_is_checked() {
    let error = |target: f32, min: f32, relative: bool, below: f32| {
        metadata_error(|w| {
            // Extra fields, none of them there; 8 bits; no extra channels; XYB; sRGB.
            w.write_digits("1 000 000 000 1 00 1 1 0").f16(target).f16(min).flag(relative).f16(below)
        })
    };
    let invalid = |field, value| Invalid::Real { field, value };
    assert_invalid(error(0.0, 0.0, false, 0.0), invalid("intensity_target", 0.0));
    assert_invalid(error(-1.0, 0.0, false, 0.0), invalid("intensity_target", -1.0));
    assert_invalid(error(255.0, 256.0, false, 0.0), invalid("min_nits", 256.0));
    assert_invalid(error(255.0, -0.5, false, 0.0), invalid("min_nits", -0.5));
    assert_invalid(error(255.0, 0.0, false, -1.0), invalid("linear_below", -1.0));
    assert_invalid(error(255.0, 0.0, true, 1.5), invalid("linear_below", 1.5));
}

#[test]
fn colour_encodings_come_back_alone() {
    let mut random = Random::new(6);
    for _ in 0..1000 {
        let encoding = colour_encoding(&mut random);
        let mut writer = BitWriter::new();
        write_colour_encoding(&mut writer, &encoding, &mut random);
        let length = writer.position() as u64;
        let bytes = writer.into_bytes();
        let mut bits = BitReader::new(&bytes);
        assert_eq!(ColourEncoding::read(&mut bits), Ok(encoding));
        assert_eq!(bits.position(), length);
    }
}

#[test]
fn colour_encodings_are_checked() {
    let error = |fields: &dyn Fn(&mut BitWriter) -> &mut BitWriter| {
        let mut writer = BitWriter::new();
        writer.flag(false).flag(false);
        fields(&mut writer);
        writer.write(0, 64);
        ColourEncoding::read(&mut BitReader::new(&writer.into_bytes())).unwrap_err()
    };
    let value = |field, value| Invalid::Value { field, value };
    assert_invalid(error(&|w| w.enumeration(4)), value("colour_space", 4));
    assert_invalid(error(&|w| w.enumeration(3)), value("colour_space without ICC profile", 3));
    assert_invalid(error(&|w| w.enumeration(0).enumeration(3)), value("white_point", 3));
    assert_invalid(error(&|w| w.enumeration(0).enumeration(1).enumeration(8)), value("primaries", 8));
    for gamma in [0, 1220, 10_000_001, (1 << 24) - 1] {
        let error = error(&|w| w.enumeration(1).enumeration(1).flag(true).write(gamma, 24));
        assert_invalid(error, value("gamma", gamma as i64));
    }
    for code in [0, 2, 3, 19] {
        let error = error(&|w| w.enumeration(1).enumeration(1).flag(false).enumeration(code));
        assert_invalid(error, value("transfer_function", code.into()));
    }
    assert_invalid(error(&|w| w.enumeration(2).enumeration(4)), value("rendering_intent", 4));
}

#[test]
fn default_kernels_sum_to_one() {
    let weights = UpsamplingWeights::default();
    for factor in [2, 4, 8] {
        for (y, x) in (0..factor).flat_map(|y| (0..factor).map(move |x| (y, x))) {
            let kernel = weights.kernel(factor, (y, x)).unwrap();
            let sum: f64 = kernel.iter().map(|&weight| f64::from(weight)).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{factor} {y} {x}: {sum}");
            let mirrored = weights.kernel(factor, (factor - 1 - y, x)).unwrap();
            assert!((0..25).all(|tap| kernel[tap] == mirrored[(4 - tap / 5) * 5 + tap % 5]));
            let transposed = weights.kernel(factor, (x, y)).unwrap();
            assert!((0..25).all(|tap| kernel[tap] == transposed[tap % 5 * 5 + tap / 5]));
        }
    }
    // The corner of the kernel that leans to the upper left, and its centre.
    let kernel = weights.kernel(2, (0, 0)).unwrap();
    assert_eq!((kernel[0], kernel[24]), (-0.017162, -0.00213539));
    assert_eq!((kernel[6], kernel[12]), (0.14111091, 0.5666155));
    assert_eq!(weights.kernel(3, (0, 0)), None);
    assert_eq!(weights.kernel(2, (2, 0)), None);
}

#[test]
fn defaults_have_the_agreed_bits() {
    let bits = OpsinInverseMatrix::default().quant_biases.map(f32::to_bits);
    assert_eq!(bits, [0x3f72_0274, 0x3f6e_10e8, 0x3f73_3774, 0x3e14_7ae1]);
}

#[test]
fn orientations_swap_sides_from_the_fifth_on() {
    let stored = Size { width: 3, height: 2 };
    for code in 1..=8 {
        let orientation = Orientation::from_code(code).unwrap();
        assert_eq!(orientation as u32, code);
        let shown = orientation.displayed(stored);
        assert_eq!((shown.width, shown.height), if code < 5 { (3, 2) } else { (2, 3) });
    }
}
