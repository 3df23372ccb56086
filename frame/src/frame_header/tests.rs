//! Frame headers written by the twin writer are read back; broken and cut ones give the right error.

use jxlake_entropy::test_support::{BitWriter, Random};

use super::*;
use crate::Error;
use crate::header_writer::random::{frame_header, image_header};
use crate::header_writer::write_frame_header;
use crate::image_header::{Animation, ColourSpace, ExtraChannelKind};
use crate::limits::Limit;

fn read(bytes: &[u8], image: &ImageHeader) -> Result<(FrameHeader, u64)> {
    read_as(FrameRole::Main, bytes, image)
}

fn read_as(role: FrameRole, bytes: &[u8], image: &ImageHeader) -> Result<(FrameHeader, u64)> {
    let mut header = FrameHeader::default();
    let mut bits = BitReader::new(bytes);
    header.read(&mut bits, image, role, &Limits::none())?;
    Ok((header, bits.position()))
}

fn written(header: &FrameHeader, image: &ImageHeader, random: &mut Random) -> (Vec<u8>, u64) {
    let mut writer = BitWriter::new();
    write_frame_header(&mut writer, header, image, random);
    let length = writer.position() as u64;
    (writer.into_bytes(), length)
}

#[test]
fn every_field_comes_back() {
    let mut random = Random::new(1);
    let mut reused = FrameHeader::default();
    for _ in 0..4000 {
        let image = image_header(&mut random);
        let header = frame_header(&mut random, &image);
        let (bytes, length) = written(&header, &image, &mut random);
        let mut bits = BitReader::new(&bytes);
        reused.read(&mut bits, &image, FrameRole::Main, &Limits::none()).unwrap();
        assert_eq!(reused, header);
        assert_eq!(bits.position(), length);
    }
}

#[test]
fn a_cut_header_is_truncated_and_says_what_it_needs() {
    let mut random = Random::new(2);
    for _ in 0..300 {
        let image = image_header(&mut random);
        let (bytes, _) = written(&frame_header(&mut random, &image), &image, &mut random);
        for end in 0..bytes.len() {
            let error = read(&bytes[..end], &image).unwrap_err();
            let Error::Truncated { needed: Some(needed) } = error else { panic!("{error:?} at {end}") };
            assert!(needed > end as u64 && needed <= bytes.len() as u64);
        }
    }
}

#[test]
fn a_damaged_header_gives_one_error_however_little_of_it_is_there() {
    let mut random = Random::new(3);
    for _ in 0..1000 {
        let image = image_header(&mut random);
        let (mut bytes, _) = written(&frame_header(&mut random, &image), &image, &mut random);
        for _ in 0..3 {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        for role in [FrameRole::Main, FrameRole::Preview] {
            let whole = read_as(role, &bytes, &image);
            for end in 0..bytes.len() {
                match (read_as(role, &bytes[..end], &image), &whole) {
                    (Err(Error::Truncated { .. }), _) => {}
                    (part, whole) => assert_eq!(part, *whole, "{end} of {}", bytes.len()),
                }
            }
        }
    }
}

#[test]
fn random_bytes_are_survived() {
    let mut random = Random::new(4);
    let images: Vec<ImageHeader> = (0..50).map(|_| image_header(&mut random)).collect();
    for i in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(64)).map(|_| random.of_bits(8) as u8).collect();
        if let Ok((header, _)) = read(&bytes, &images[i % 50]) {
            let _ = crate::geometry::FrameGeometry::new(&header, &Limits::none());
        }
    }
}

fn image(width: u32, height: u32) -> ImageHeader {
    ImageHeader { size: Size { width, height }, ..ImageHeader::default() }
}

/// An animated image without XYB that has an alpha channel.
fn animation() -> ImageHeader {
    let clock = Animation { tps_numerator: 100, tps_denominator: 1, num_loops: 0, have_timecodes: false };
    let mut image = ImageHeader { xyb_encoded: false, animation: Some(clock), ..image(100, 50) };
    image.push_extra_channel(ExtraChannelKind::Alpha { associated: false }, b"");
    image
}

#[test]
fn all_default() {
    let (header, length) = read(&[1], &image(100, 50)).unwrap();
    assert_eq!(length, 1);
    assert_eq!(header, FrameHeader { size: Size { width: 100, height: 50 }, ..FrameHeader::default() });
    assert_eq!((header.x_qm_scale, header.b_qm_scale, header.is_last), (3, 2, true));
    assert!(header.visible() && !header.can_be_referenced() && !header.needs_blending());
    assert!(header.adaptive_lf_smoothing() && header.covers);
    // Scales are neutral without XYB.
    assert_eq!(read(&[1], &animation()).unwrap().0.x_qm_scale, 2);
}

#[test]
fn a_modular_frame_with_alpha() {
    let mut image = image(1024, 1024);
    image.xyb_encoded = false;
    image.push_extra_channel(ExtraChannelKind::Alpha { associated: false }, b"");
    let (header, length) = read(&[0x08, 0x18, 0x10, 0x00], &image).unwrap();
    assert_eq!(length, 31);
    let expected = FrameHeader {
        encoding: Encoding::Modular,
        extra_upsampling: vec![1],
        extra_blending: vec![BlendingInfo::default()],
        group_size_shift: 3,
        x_qm_scale: 2,
        size: image.size,
        restoration_filter: RestorationFilter { gab: false, epf_iters: 0, ..Default::default() },
        ..FrameHeader::default()
    };
    assert_eq!(header, expected);
}

/// The error of the header that `change` makes of a default one.
fn error_of(image: &ImageHeader, change: impl FnOnce(&mut FrameHeader)) -> Error {
    error_as(FrameRole::Main, image, change)
}

fn error_as(role: FrameRole, image: &ImageHeader, change: impl FnOnce(&mut FrameHeader)) -> Error {
    let mut header = FrameHeader { size: image.size, x_qm_scale: 2, ..FrameHeader::default() };
    header.extra_upsampling = image.extra_channels.iter().map(|channel| 1 << channel.dim_shift).collect();
    header.extra_blending = vec![BlendingInfo::default(); image.extra_channels.len()];
    change(&mut header);
    let mut random = Random::new(7);
    let (bytes, _) = written(&header, image, &mut random);
    read_as(role, &bytes, image).unwrap_err()
}

#[track_caller]
fn assert_invalid(error: Error, expected: Invalid) {
    assert!(matches!(error, Error::Invalid { what, bit: Some(_) } if what == expected), "{error:?}");
}

#[test]
fn subsampled_frames_are_not_smoothed() {
    let image = animation();
    let subsampled = |h: &mut FrameHeader| {
        h.do_ycbcr = true;
        h.subsampling = ChromaSubsampling::new([0, 1, 0]);
    };
    assert_invalid(error_of(&image, subsampled), Invalid::SmoothingOfSubsampledFrame);
    // Three equal modes subsample nothing, and Modular has no smoothing.
    let mut random = Random::new(8);
    for (encoding, modes) in [(Encoding::VarDct, [2, 2, 2]), (Encoding::Modular, [0, 1, 0])] {
        let mut header = FrameHeader { encoding, extra_upsampling: vec![1], ..FrameHeader::default() };
        subsampled(&mut header);
        header.subsampling = ChromaSubsampling::new(modes);
        header.extra_blending = vec![BlendingInfo::default()];
        let (bytes, _) = written(&header, &image, &mut random);
        assert_eq!(read(&bytes, &image).unwrap().0.subsampling, header.subsampling);
    }
}

#[test]
fn extra_channels_are_enlarged_at_least_as_much_as_colour() {
    let mut image = animation();
    let invalid =
        |channel, factor, colour_factor| Invalid::ExtraChannelUpsampling { channel, factor, colour_factor };
    assert_invalid(error_of(&image, |h| h.upsampling = 2), invalid(0, 1, 2));
    image.push_extra_channel(ExtraChannelKind::Depth, b"");
    image.extra_channels[1].dim_shift = 2;
    assert_invalid(error_of(&image, |h| h.extra_upsampling = vec![1, 16]), invalid(1, 16, 1));
    let mixed = |h: &mut FrameHeader| {
        h.flags = FrameFlags::from_bits(2);
        (h.upsampling, h.extra_upsampling) = (2, vec![2, 4]);
    };
    assert_invalid(error_of(&image, mixed), Invalid::PatchesWithMixedUpsampling);
}

#[test]
fn passes_are_checked() {
    let image = image(100, 50);
    for (shifts, steps) in [
        (&[0][..], &[(8, 0), (4, 1), (2, 2)][..]),
        (&[0, 0], &[(4, 0), (4, 1)]),
        (&[0, 0], &[(2, 0), (4, 1)]),
        (&[0, 0], &[(4, 1), (2, 1)]),
        (&[0, 0], &[(4, 1), (2, 0)]),
        (&[0, 0], &[(4, 3)]),
    ] {
        assert_invalid(error_of(&image, |h| h.passes = Passes::new(shifts, steps)), Invalid::Passes);
    }
}

#[test]
fn brackets_divide_the_shifts_among_passes() {
    let brackets = |count: usize, steps: &[(u8, u8)]| {
        let passes = Passes::new(&vec![0; count - 1], steps);
        (0..count).map(|pass| passes.bracket(pass)).map(|b| (b.low, b.high)).collect::<Vec<_>>()
    };
    assert_eq!(brackets(1, &[]), [(0, 2)]);
    assert_eq!(brackets(2, &[]), [(3, 2), (0, 2)]);
    assert_eq!(brackets(2, &[(2, 0)]), [(1, 2), (0, 0)]);
    assert_eq!(brackets(2, &[(8, 0)]), [(3, 2), (0, 2)]);
    assert_eq!(brackets(3, &[]), [(3, 2), (3, 2), (0, 2)]);
    assert_eq!(brackets(3, &[(4, 0), (2, 1)]), [(2, 2), (1, 1), (0, 0)]);
    assert_eq!(brackets(3, &[(4, 0)]), [(2, 2), (2, 1), (0, 1)]);
    // Nothing is left after full resolution.
    assert_eq!(brackets(3, &[(1, 0)]), [(0, 2), (0, -1), (0, -1)]);
    let mut random = Random::new(9);
    for _ in 0..1000 {
        let count = 1 + random.below(11);
        let mut steps = Vec::new();
        for downsample in [8, 4, 2, 1] {
            if random.one_in(2) {
                steps.push((
                    downsample,
                    steps.last().map_or(0, |&(_, pass)| pass + 1) + random.below(2) as u8,
                ));
            }
        }
        steps.retain(|&(_, pass)| usize::from(pass) < count);
        let passes = Passes::new(&vec![0; count - 1], &steps);
        for shift in 0..3 {
            let holders = (0..count).filter(|&pass| passes.bracket(pass).contains(shift)).count();
            assert_eq!(holders, 1, "shift {shift} of {steps:?}");
        }
    }
}

#[test]
fn crops_are_checked() {
    let image = image(100, 50);
    for (width, height) in [(0, 5), (5, 0)] {
        let crop = |h: &mut FrameHeader| {
            h.have_crop = true;
            h.size = Size { width, height };
        };
        let invalid = Invalid::Size { width: width.into(), height: height.into() };
        assert_invalid(error_of(&image, crop), invalid);
    }
}

#[test]
fn whether_a_crop_covers_the_image() {
    let image = image(100, 50);
    let mut random = Random::new(10);
    for (x0, y0, width, height, covers) in [
        (0, 0, 100, 50, true),
        (-1, 0, 100, 50, false),
        (-1, -3, 101, 53, true),
        (1, 0, 100, 50, false),
        (0, 1, 200, 200, false),
        (-500_000_000, -7, 600_000_000, 1_000_000_000, true),
        (-536_880_000, 0, 5, 50, false),
    ] {
        let size = Size { width, height };
        let header = FrameHeader { have_crop: true, x0, y0, size, covers, ..FrameHeader::default() };
        let (bytes, _) = written(&header, &image, &mut random);
        let read = read(&bytes, &image).unwrap().0;
        assert_eq!((read.x0, read.y0, read.size, read.covers), (x0, y0, size, covers));
        assert!(read.needs_blending());
    }
}

#[test]
fn blending_is_checked() {
    let image = animation();
    let error = error_of(&image, |h| {
        h.blending = BlendingInfo { mode: BlendMode::Blend, alpha_channel: 1, ..h.blending }
    });
    assert_invalid(error, Invalid::Value { field: "alpha_channel", value: 1 });
    // Not default, regular, VarDCT, no flags, YCbCr, upsampling, no crop; then the modes 5 and 6.
    for (digits, value) in [("01", 5), ("11", 6)] {
        let mut writer = BitWriter::new();
        writer.write_digits("0 00 0 00 0 00 00 00 0 11").write_digits(digits).write(0, 64);
        let error = read(&writer.into_bytes(), &image).unwrap_err();
        assert_invalid(error, Invalid::Value { field: "blend mode", value });
    }
}

#[test]
fn reference_frames_after_the_colour_transform_cover_the_image() {
    let image = image(100, 50);
    let reference = |width, height| {
        move |h: &mut FrameHeader| {
            h.frame_type = FrameType::ReferenceOnly;
            h.have_crop = true;
            h.is_last = false;
            h.size = Size { width, height };
        }
    };
    for (width, height) in [(99, 50), (100, 49)] {
        let invalid = Invalid::SmallReferenceFrame { width, height };
        assert_invalid(error_of(&image, reference(width, height)), invalid);
    }
}

#[test]
fn an_lf_frame_of_the_last_level_has_no_lf_frame() {
    let change = |h: &mut FrameHeader| {
        h.frame_type = FrameType::Lf;
        h.is_last = false;
        h.flags = FrameFlags::from_bits(32);
        h.lf_level = 4;
    };
    let error = error_of(&image(100, 50), change);
    assert_invalid(error, Invalid::Value { field: "lf_level of a frame with an LF frame", value: 4 });
}

#[test]
fn filters_are_checked() {
    let image = image(100, 50);
    let gab = |h: &mut FrameHeader| h.restoration_filter.gab_weights[1] = [-0.125, -0.125];
    // The other channels' weights are not numbers that binary16 has; the writer rounds them.
    assert_invalid(error_of(&image, gab), Invalid::GaborishSum { channel: 1 });
    let sigma = |h: &mut FrameHeader| {
        h.encoding = Encoding::Modular;
        h.restoration_filter.epf_sigma_for_modular = -1.0;
    };
    let invalid = Invalid::Real { field: "epf_sigma_for_modular", value: -1.0 };
    assert_invalid(error_of(&image, sigma), invalid);
}

#[test]
fn the_preview_is_a_plain_frame() {
    let mut image = animation();
    image.preview = Some(Size { width: 10, height: 5 });
    let preview = |change: fn(&mut FrameHeader)| error_as(FrameRole::Preview, &image, change);
    assert_invalid(preview(|h| h.frame_type = FrameType::SkipProgressive), Invalid::PreviewFrame);
    assert_invalid(preview(|h| h.have_crop = true), Invalid::PreviewFrame);
    assert_invalid(preview(|h| h.blending.mode = BlendMode::Add), Invalid::PreviewFrame);
    assert_invalid(preview(|h| h.extra_blending[0].mode = BlendMode::Mul), Invalid::PreviewFrame);
    let (header, _) = read_as(FrameRole::Preview, &[1], &image).unwrap();
    assert_eq!(header.upsampled_size(), Size { width: 10, height: 5 });
}

#[test]
fn frames_above_the_limits_are_refused() {
    let image = image(100, 50);
    let size = Size { width: 1_000_000_000, height: 1 };
    let header = FrameHeader { have_crop: true, covers: false, size, ..FrameHeader::default() };
    let (bytes, _) = written(&header, &image, &mut Random::new(11));
    let error =
        FrameHeader::default().read(&mut BitReader::new(&bytes), &image, FrameRole::Main, &Limits::default());
    assert_eq!(error, Err(Error::Limit { limit: Limit::Dimension, value: 1_000_000_000, bound: 1 << 18 }));
}

#[test]
fn what_becomes_of_a_frame() {
    let frame = |frame_type, duration, save_as_reference, is_last| {
        let header =
            FrameHeader { frame_type, duration, save_as_reference, is_last, ..FrameHeader::default() };
        (header.can_be_referenced(), header.visible())
    };
    assert_eq!(frame(FrameType::Regular, 0, 0, false), (true, false));
    assert_eq!(frame(FrameType::Regular, 0, 3, false), (true, false));
    assert_eq!(frame(FrameType::SkipProgressive, 5, 0, false), (false, true));
    assert_eq!(frame(FrameType::Regular, 5, 1, false), (true, true));
    assert_eq!(frame(FrameType::Regular, 5, 1, true), (false, true));
    assert_eq!(frame(FrameType::Regular, 0, 0, true), (false, true));
    assert_eq!(frame(FrameType::ReferenceOnly, 0, 2, false), (true, false));
    assert_eq!(frame(FrameType::Lf, 0, 0, false), (false, false));
}

#[test]
fn lf_frames_have_levels_and_slots() {
    let frame = |frame_type, lf_level, flags| FrameHeader {
        frame_type,
        lf_level,
        flags: FrameFlags::from_bits(flags),
        size: Size { width: 100, height: 8 },
        ..FrameHeader::default()
    };
    let first = frame(FrameType::Lf, 1, 32);
    assert_eq!((first.lf_slot(), first.lf_source()), (Some(0), Some(1)));
    assert_eq!(first.upsampled_size(), Size { width: 13, height: 1 });
    let normal = frame(FrameType::Regular, 0, 32);
    assert_eq!((normal.lf_slot(), normal.lf_source()), (None, Some(0)));
    assert!(!normal.adaptive_lf_smoothing());
    let last = frame(FrameType::Lf, 4, 0);
    assert_eq!((last.lf_slot(), last.lf_source()), (Some(3), None));
    assert_eq!(last.upsampled_size(), Size { width: 1, height: 1 });
}

#[test]
fn grey_images_have_one_colour_channel_in_modular_frames() {
    let mut image = animation();
    image.colour_encoding.colour_space = ColourSpace::Grey;
    let mut random = Random::new(12);
    for (encoding, do_ycbcr, xyb, channels) in [
        (Encoding::Modular, false, false, 1),
        (Encoding::Modular, true, false, 3),
        (Encoding::VarDct, false, false, 3),
        (Encoding::Modular, false, true, 3),
    ] {
        image.xyb_encoded = xyb;
        let header = FrameHeader {
            encoding,
            do_ycbcr,
            extra_upsampling: vec![1],
            extra_blending: vec![BlendingInfo::default()],
            ..FrameHeader::default()
        };
        let (bytes, _) = written(&header, &image, &mut random);
        assert_eq!(read(&bytes, &image).unwrap().0.colour_channels, channels);
    }
}

#[test]
fn filter_defaults_have_the_agreed_bits() {
    let filter = RestorationFilter::default();
    let bits = filter.gab_weights[0].map(f32::to_bits);
    assert_eq!((bits, filter.epf_border_sad_mul.to_bits()), ([0x3deb_de00, 0x3d7a_dfce], 0x3f2a_aaab));
}

#[test]
fn sampling_modes() {
    let shifts = |modes| {
        let subsampling = ChromaSubsampling::new(modes);
        let channel = |c| (subsampling.hshift(c), subsampling.vshift(c));
        ([channel(0), channel(1), channel(2)], subsampling.max_hshift(), subsampling.max_vshift())
    };
    assert_eq!(shifts([0, 0, 0]), ([(0, 0); 3], 0, 0));
    assert_eq!(shifts([1, 1, 1]), ([(0, 0); 3], 1, 1));
    assert_eq!(shifts([0, 1, 0]), ([(1, 1), (0, 0), (1, 1)], 1, 1));
    assert_eq!(shifts([0, 2, 0]), ([(1, 0), (0, 0), (1, 0)], 1, 0));
    assert_eq!(shifts([0, 3, 0]), ([(0, 1), (0, 0), (0, 1)], 0, 1));
    assert_eq!(shifts([1, 0, 2]), ([(0, 0), (1, 1), (0, 1)], 1, 1));
}
