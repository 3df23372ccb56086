//! Random valid headers.

use jxlake_entropy::test_support::Random;

use crate::frame_header::{
    BlendMode, BlendingInfo, ChromaSubsampling, Encoding, FrameFlags, FrameHeader, FrameType, Passes,
    RestorationFilter,
};
use crate::image_header::{
    Animation, BitDepth, Chromaticity, ColourEncoding, ColourSpace, ExtraChannelKind, ImageHeader,
    Orientation, Primaries, RenderingIntent, Size, TransferFunction, WhitePoint,
};

fn pick<T: Copy>(random: &mut Random, of: &[T]) -> T {
    of[random.below(of.len())]
}

/// A number that binary16 has, above 0.
fn real(random: &mut Random) -> f32 {
    (1 + random.below(2047)) as f32 / pick(random, &[1.0, 64.0, 1024.0, 16_777_216.0])
}

fn signed_real(random: &mut Random) -> f32 {
    let value = real(random);
    if random.one_in(2) { -value } else { value }
}

fn size(random: &mut Random, bits: u32) -> Size {
    let height = 1 + random.of_bits(bits);
    let width = if random.one_in(2) { height * 4 / 3 } else { 1 + random.of_bits(bits) };
    Size { width: width.max(1), height }
}

fn bytes(random: &mut Random) -> Vec<u8> {
    let length = pick(random, &[0, 0, 1, 15, 16, 47, 48, 300]);
    (0..length).map(|_| random.of_bits(8) as u8).collect()
}

fn bit_depth(random: &mut Random) -> BitDepth {
    if random.one_in(2) {
        return BitDepth::Integer { bits_per_sample: 1 + random.below(31) as u32 };
    }
    let exponent_bits = 2 + random.below(7) as u32;
    BitDepth::Float { bits_per_sample: exponent_bits + 3 + random.below(22) as u32, exponent_bits }
}

fn extra_channel_kind(random: &mut Random) -> ExtraChannelKind {
    let associated = random.one_in(2);
    let rgb = [signed_real(random), real(random), real(random)];
    let kinds = [
        ExtraChannelKind::Alpha { associated },
        ExtraChannelKind::Depth,
        ExtraChannelKind::SpotColour { rgb, solidity: real(random) },
        ExtraChannelKind::SelectionMask,
        ExtraChannelKind::Black,
        ExtraChannelKind::Cfa { channel: random.of_bits(8) },
        ExtraChannelKind::Thermal,
        ExtraChannelKind::Optional,
    ];
    pick(random, &kinds)
}

fn chromaticity(random: &mut Random) -> Chromaticity {
    let mut coordinate = || {
        let value = random.of_bits(21) as i32;
        if random.one_in(3) { !value } else { value }
    };
    Chromaticity { x: coordinate(), y: coordinate() }
}

pub(crate) fn colour_encoding(random: &mut Random) -> ColourEncoding {
    use ColourSpace::{Grey, Rgb, Unknown, Xyb};
    let mut encoding = ColourEncoding { want_icc: random.one_in(3), ..ColourEncoding::default() };
    if encoding.want_icc {
        encoding.colour_space = pick(random, &[Rgb, Grey, Xyb, Unknown]);
        return encoding;
    }
    encoding.colour_space = pick(random, &[Rgb, Grey, Xyb]);
    if encoding.colour_space == Xyb {
        encoding.transfer_function = TransferFunction::Gamma { exponent: 3_333_333 };
    } else {
        let custom = WhitePoint::Custom(chromaticity(random));
        encoding.white_point = pick(random, &[WhitePoint::D65, custom, WhitePoint::E, WhitePoint::Dci]);
        if encoding.colour_space == Rgb {
            let custom =
                Primaries::Custom([chromaticity(random), chromaticity(random), chromaticity(random)]);
            encoding.primaries = pick(random, &[Primaries::Srgb, custom, Primaries::Bt2100, Primaries::P3]);
        }
        use TransferFunction::{Bt709, Dci, Gamma, Hlg, Linear, Pq, Srgb};
        let exponent = pick(random, &[1221, 4_545_454, 10_000_000]);
        encoding.transfer_function = pick(random, &[Gamma { exponent }, Bt709, Linear, Srgb, Pq, Dci, Hlg]);
    }
    use RenderingIntent::{Absolute, Perceptual, Relative, Saturation};
    encoding.rendering_intent = pick(random, &[Perceptual, Relative, Saturation, Absolute]);
    encoding
}

/// A valid image header with few defaults.
pub(crate) fn image_header(random: &mut Random) -> ImageHeader {
    let mut header = ImageHeader {
        size: size(random, 14),
        bit_depth: bit_depth(random),
        modular_16bit_buffers: random.one_in(2),
        xyb_encoded: random.one_in(2),
        colour_encoding: colour_encoding(random),
        ..ImageHeader::default()
    };
    if random.one_in(2) {
        header.orientation = Orientation::from_code(1 + random.below(8) as u32).unwrap();
        header.intrinsic_size = random.one_in(2).then(|| size(random, 29));
        header.preview = random.one_in(2).then(|| size(random, 11));
        header.animation = random.one_in(2).then(|| Animation {
            tps_numerator: 1 + random.of_bits(30),
            tps_denominator: 1 + random.of_bits(10),
            num_loops: random.of_bits(32),
            have_timecodes: random.one_in(2),
        });
        header.tone_mapping.intensity_target = real(random);
        header.tone_mapping.min_nits = header.tone_mapping.intensity_target;
        header.tone_mapping.linear_below = real(random);
    }
    for _ in 0..random.below(4) {
        header.push_extra_channel(extra_channel_kind(random), &bytes(random));
        let channel = header.extra_channels.last_mut().unwrap();
        channel.bit_depth = bit_depth(random);
        channel.dim_shift = random.below(4) as u32;
    }
    if header.xyb_encoded && random.one_in(2) {
        let matrix = &mut header.opsin_inverse_matrix;
        let values =
            matrix.inverse_matrix.iter_mut().chain(&mut matrix.opsin_biases).chain(&mut matrix.quant_biases);
        values.for_each(|value| *value = signed_real(random));
    }
    let weights = &mut header.upsampling_weights;
    let lists: [&mut [f32]; 3] = [&mut weights.up2, &mut weights.up4, &mut weights.up8];
    for list in lists {
        if random.one_in(3) {
            list.fill_with(|| signed_real(random));
        }
    }
    header
}

fn passes(random: &mut Random) -> Passes {
    let count = 1 + random.below(11);
    let shifts: Vec<u8> = (1..count).map(|_| random.below(4) as u8).collect();
    let mut steps = Vec::new();
    let mut pass = random.below(3);
    for downsample in [8, 4, 2, 1] {
        if random.one_in(2) && pass < count.min(8) && count > 1 {
            steps.push((downsample, pass as u8));
            pass += 1 + random.below(3);
        }
    }
    Passes::new(&shifts, &steps)
}

fn blending_info(random: &mut Random, extra_channels: usize, covers: bool) -> BlendingInfo {
    use BlendMode::{Add, AlphaWeightedAdd, Blend, Mul, Replace};
    let mut info = BlendingInfo {
        mode: pick(random, &[Replace, Add, Blend, AlphaWeightedAdd, Mul]),
        ..Default::default()
    };
    let alpha = extra_channels > 0 && info.mode.uses_alpha();
    if alpha {
        info.alpha_channel = random.below(extra_channels) as u32;
    }
    if alpha || info.mode == Mul {
        info.clamp = random.one_in(2);
    }
    if info.mode != Replace || !covers {
        info.source = random.below(4) as u8;
    }
    info
}

fn restoration_filter(random: &mut Random, encoding: Encoding) -> RestorationFilter {
    let mut filter =
        RestorationFilter { gab: random.one_in(2), epf_iters: random.below(4) as u32, ..Default::default() };
    if filter.gab && random.one_in(2) {
        filter.gab_weights.as_flattened_mut().fill_with(|| real(random));
    }
    if filter.epf_iters > 0 {
        if encoding == Encoding::VarDct && random.one_in(2) {
            filter.epf_sharp_lut.fill_with(|| signed_real(random));
        }
        if random.one_in(2) {
            filter.epf_channel_scale.fill_with(|| signed_real(random));
        }
        if random.one_in(2) {
            if encoding == Encoding::VarDct {
                filter.epf_quant_mul = real(random);
            }
            filter.epf_pass0_sigma_scale = real(random);
            filter.epf_pass2_sigma_scale = signed_real(random);
            filter.epf_border_sad_mul = real(random);
        }
        if encoding == Encoding::Modular {
            filter.epf_sigma_for_modular = real(random);
        }
    }
    filter
}

/// A valid header of a frame of the image, with few defaults.
pub(crate) fn frame_header(random: &mut Random, image: &ImageHeader) -> FrameHeader {
    use FrameType::{Lf, ReferenceOnly, Regular, SkipProgressive};
    let extra_channels = image.extra_channels.len();
    let mut header = FrameHeader {
        frame_type: pick(random, &[Regular, Lf, ReferenceOnly, SkipProgressive]),
        encoding: pick(random, &[Encoding::VarDct, Encoding::Modular]),
        do_ycbcr: !image.xyb_encoded && random.one_in(2),
        extra_upsampling: image.extra_channels.iter().map(|channel| 1 << channel.dim_shift).collect(),
        extra_blending: vec![BlendingInfo::default(); extra_channels],
        name: bytes(random),
        size: image.size,
        x_qm_scale: 2,
        ..FrameHeader::default()
    };
    let flags = random.next_u32() & 0xffd & if random.one_in(2) { !32 } else { !0 };
    header.flags = FrameFlags::from_bits(flags.into());
    if !header.flags.use_lf_frame() {
        if header.do_ycbcr {
            let mode = |random: &mut Random| random.below(4) as u8;
            header.subsampling = ChromaSubsampling::new([mode(random), mode(random), mode(random)]);
        }
        let least = header.extra_upsampling.iter().max().copied().unwrap_or(1);
        header.upsampling = 1 << random.below(least.ilog2() as usize + 1);
        header.extra_upsampling.iter_mut().for_each(|factor| *factor = least);
        let flags = header.flags.bits() | if header.subsampling.is_none() { 0 } else { 128 };
        header.flags = FrameFlags::from_bits(flags);
    }
    if header.encoding == Encoding::Modular {
        header.group_size_shift = random.below(4) as u32;
    } else if image.xyb_encoded {
        header.x_qm_scale = random.below(8) as u32;
        header.b_qm_scale = random.below(8) as u32;
    }
    let grey =
        header.encoding == Encoding::Modular && image.is_grey() && !image.xyb_encoded && !header.do_ycbcr;
    header.colour_channels = if grey { 1 } else { 3 };
    if header.frame_type != ReferenceOnly {
        header.passes = passes(random);
    }
    if header.frame_type == Lf {
        header.lf_level = 1 + random.below(if header.flags.use_lf_frame() { 3 } else { 4 }) as u32;
        header.is_last = false;
        header.save_before_colour_transform = true;
    } else {
        place(random, &mut header, image.size);
        use_of(random, &mut header, image);
    }
    header.restoration_filter = restoration_filter(random, header.encoding);
    header
}

fn place(random: &mut Random, header: &mut FrameHeader, whole: Size) {
    header.have_crop = random.one_in(2);
    if !header.have_crop {
        return;
    }
    header.size = size(random, 14);
    if header.frame_type != FrameType::ReferenceOnly {
        header.x0 = random.of_bits(12) as i32 - 2000;
        header.y0 = random.of_bits(12) as i32 - 2000;
    }
    let inside =
        |start: i32, length: u32, whole: u32| start <= 0 && start as i64 + length as i64 >= whole as i64;
    header.covers = inside(header.x0, header.size.width, whole.width)
        && inside(header.y0, header.size.height, whole.height);
}

/// What becomes of a frame that is no LF frame.
fn use_of(random: &mut Random, header: &mut FrameHeader, image: &ImageHeader) {
    if header.frame_type == FrameType::ReferenceOnly {
        header.is_last = false;
        header.save_as_reference = random.below(4) as u8;
        let smaller = header.size.width < image.size.width || header.size.height < image.size.height;
        header.save_before_colour_transform = smaller || random.one_in(2);
        return;
    }
    let extra_channels = image.extra_channels.len();
    header.blending = blending_info(random, extra_channels, header.covers);
    header.extra_blending.fill_with(|| blending_info(random, extra_channels, header.covers));
    if let Some(animation) = image.animation {
        header.duration = random.of_bits(32);
        header.timecode = if animation.have_timecodes { random.next_u32() } else { 0 };
    }
    header.is_last = random.one_in(2);
    if !header.is_last {
        header.save_as_reference = random.below(4) as u8;
        header.save_before_colour_transform = header.can_be_referenced()
            && header.blending.mode == BlendMode::Replace
            && header.covers
            && random.one_in(2);
    }
}
