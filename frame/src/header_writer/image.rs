//! Image headers, written.

use jxlake_entropy::test_support::{BitWriter, Random};

use super::{FieldWriter, packed};
use crate::image_header::{
    Animation, BitDepth, Chromaticity, ColourEncoding, ColourSpace, ExtraChannelInfo, ExtraChannelKind,
    ImageHeader, OpsinInverseMatrix, Primaries, Size, ToneMapping, TransferFunction, UpsamplingWeights,
    WhitePoint,
};

/// Writes all from the signature to the end of `CustomTransformData`.
pub(crate) fn write_image_header(writer: &mut BitWriter, header: &ImageHeader, random: &mut Random) {
    writer.write(0xff, 8).write(0x0a, 8);
    write_size(writer, header.size, random);
    write_metadata(writer, header, random);
    let default_matrix = header.opsin_inverse_matrix == OpsinInverseMatrix::default();
    let default_weights = UpsamplingWeights::default();
    let weights = &header.upsampling_weights;
    if default_matrix && *weights == default_weights && random.one_in(2) {
        writer.flag(true);
        return;
    }
    writer.flag(false);
    if header.xyb_encoded {
        let matrix = &header.opsin_inverse_matrix;
        writer.flag(default_matrix);
        if !default_matrix {
            writer.f16s(&matrix.inverse_matrix).f16s(&matrix.opsin_biases).f16s(&matrix.quant_biases);
        }
    }
    let custom = [
        weights.up2 != default_weights.up2,
        weights.up4 != default_weights.up4,
        weights.up8 != default_weights.up8,
    ];
    custom.iter().for_each(|&custom| {
        writer.flag(custom);
    });
    let lists: [&[f32]; 3] = [&weights.up2, &weights.up4, &weights.up8];
    lists.iter().zip(custom).filter(|(_, custom)| *custom).for_each(|(list, _)| {
        writer.f16s(list);
    });
}

fn ratio_of(size: Size, random: &mut Random) -> u64 {
    let ratios = [(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)];
    let fits = |&(num, den): &(u64, u64)| u64::from(size.height) * num / den == u64::from(size.width);
    let fitting: Vec<u64> =
        (1..).zip(&ratios).filter(|(_, ratio)| fits(ratio)).map(|(code, _)| code).collect();
    if fitting.is_empty() || random.one_in(3) { 0 } else { fitting[random.below(fitting.len())] }
}

fn write_size(writer: &mut BitWriter, size: Size, random: &mut Random) {
    let ratio = ratio_of(size, random);
    let small_side = |side: u32| side.is_multiple_of(8) && side <= 256;
    let small = small_side(size.height) && (ratio != 0 || small_side(size.width)) && !random.one_in(3);
    writer.flag(small);
    let mut side = |writer: &mut BitWriter, side: u32| {
        if small {
            writer.write(u64::from(side / 8 - 1), 5);
        } else {
            writer.u32(side, [(1, 9), (1, 13), (1, 18), (1, 30)], random);
        }
    };
    side(writer, size.height);
    writer.write(ratio, 3);
    if ratio == 0 {
        side(writer, size.width);
    }
}

fn write_preview(writer: &mut BitWriter, size: Size, random: &mut Random) {
    let ratio = ratio_of(size, random);
    let div8 = size.height.is_multiple_of(8) && (ratio != 0 || size.width.is_multiple_of(8));
    writer.flag(div8);
    let mut side = |writer: &mut BitWriter, side: u32| {
        if div8 {
            writer.u32(side / 8, [(16, 0), (32, 0), (1, 5), (33, 9)], random);
        } else {
            writer.u32(side, [(1, 6), (65, 8), (321, 10), (1345, 12)], random);
        }
    };
    side(writer, size.height);
    writer.write(ratio, 3);
    if ratio == 0 {
        side(writer, size.width);
    }
}

fn write_metadata(writer: &mut BitWriter, header: &ImageHeader, random: &mut Random) {
    let extra_fields = header.orientation as u8 != 1
        || header.intrinsic_size.is_some()
        || header.preview.is_some()
        || header.animation.is_some()
        || header.tone_mapping != ToneMapping::default();
    writer.flag(false).flag(extra_fields);
    if extra_fields {
        writer.write(header.orientation as u64 - 1, 3).flag(header.intrinsic_size.is_some());
        if let Some(size) = header.intrinsic_size {
            write_size(writer, size, random);
        }
        writer.flag(header.preview.is_some());
        if let Some(size) = header.preview {
            write_preview(writer, size, random);
        }
        writer.flag(header.animation.is_some());
        if let Some(animation) = header.animation {
            write_animation(writer, animation, random);
        }
    }
    write_bit_depth(writer, header.bit_depth, random);
    writer.flag(header.modular_16bit_buffers);
    writer.u32(header.extra_channels.len() as u32, [(0, 0), (1, 0), (2, 4), (1, 12)], random);
    for channel in &header.extra_channels {
        write_extra_channel(writer, channel, header.extra_channel_name(channel), random);
    }
    writer.flag(header.xyb_encoded);
    write_colour_encoding(writer, &header.colour_encoding, random);
    if extra_fields {
        write_tone_mapping(writer, &header.tone_mapping);
    }
    writer.extensions(random);
}

fn write_animation(writer: &mut BitWriter, animation: Animation, random: &mut Random) {
    writer.u32(animation.tps_numerator, [(100, 0), (1000, 0), (1, 10), (1, 30)], random);
    writer.u32(animation.tps_denominator, [(1, 0), (1001, 0), (1, 8), (1, 10)], random);
    writer.u32(animation.num_loops, [(0, 0), (0, 3), (0, 16), (0, 32)], random);
    writer.flag(animation.have_timecodes);
}

fn write_bit_depth(writer: &mut BitWriter, depth: BitDepth, random: &mut Random) {
    writer.flag(depth.is_float());
    if depth.is_float() {
        writer.u32(depth.bits_per_sample(), [(32, 0), (16, 0), (24, 0), (1, 6)], random);
        writer.write(u64::from(depth.exponent_bits()) - 1, 4);
    } else {
        writer.u32(depth.bits_per_sample(), [(8, 0), (10, 0), (12, 0), (1, 6)], random);
    }
}

fn write_extra_channel(writer: &mut BitWriter, channel: &ExtraChannelInfo, name: &[u8], random: &mut Random) {
    if *channel == (ExtraChannelInfo { name: channel.name.clone(), ..Default::default() }) && name.is_empty()
    {
        writer.flag(true);
        return;
    }
    writer.flag(false);
    writer.enumeration(match channel.kind {
        ExtraChannelKind::Alpha { .. } => 0,
        ExtraChannelKind::Depth => 1,
        ExtraChannelKind::SpotColour { .. } => 2,
        ExtraChannelKind::SelectionMask => 3,
        ExtraChannelKind::Black => 4,
        ExtraChannelKind::Cfa { .. } => 5,
        ExtraChannelKind::Thermal => 6,
        ExtraChannelKind::Optional => 16,
    });
    write_bit_depth(writer, channel.bit_depth, random);
    writer.u32(channel.dim_shift, [(0, 0), (3, 0), (4, 0), (1, 3)], random).name(name);
    match channel.kind {
        ExtraChannelKind::Alpha { associated } => writer.flag(associated),
        ExtraChannelKind::SpotColour { rgb, solidity } => writer.f16s(&rgb).f16(solidity),
        ExtraChannelKind::Cfa { channel } => writer.u32(channel, [(1, 0), (0, 2), (3, 4), (19, 8)], random),
        _ => writer,
    };
}

fn write_tone_mapping(writer: &mut BitWriter, mapping: &ToneMapping) {
    let default = *mapping == ToneMapping::default();
    writer.flag(default);
    if !default {
        writer.f16(mapping.intensity_target).f16(mapping.min_nits);
        writer.flag(mapping.relative_to_max_display).f16(mapping.linear_below);
    }
}

/// Writes a `ColourEncoding`.
pub(crate) fn write_colour_encoding(writer: &mut BitWriter, encoding: &ColourEncoding, random: &mut Random) {
    if *encoding == ColourEncoding::default() && random.one_in(2) {
        writer.flag(true);
        return;
    }
    writer.flag(false).flag(encoding.want_icc).enumeration(encoding.colour_space as u32);
    if encoding.want_icc {
        return;
    }
    if encoding.colour_space != ColourSpace::Xyb {
        match encoding.white_point {
            WhitePoint::D65 => writer.enumeration(1),
            WhitePoint::Custom(white) => write_xy(writer.enumeration(2), white, random),
            WhitePoint::E => writer.enumeration(10),
            WhitePoint::Dci => writer.enumeration(11),
        };
        if encoding.colour_space != ColourSpace::Grey {
            match encoding.primaries {
                Primaries::Srgb => writer.enumeration(1),
                Primaries::Custom(rgb) => {
                    rgb.iter().fold(writer.enumeration(2), |writer, &xy| write_xy(writer, xy, random))
                }
                Primaries::Bt2100 => writer.enumeration(9),
                Primaries::P3 => writer.enumeration(11),
            };
        }
        write_transfer_function(writer, encoding.transfer_function);
    }
    writer.enumeration(encoding.rendering_intent as u32);
}

fn write_transfer_function(writer: &mut BitWriter, function: TransferFunction) {
    let code = match function {
        TransferFunction::Gamma { exponent } => {
            writer.flag(true).write(exponent.into(), 24);
            return;
        }
        TransferFunction::Bt709 => 1,
        TransferFunction::Unknown => 2,
        TransferFunction::Linear => 8,
        TransferFunction::Srgb => 13,
        TransferFunction::Pq => 16,
        TransferFunction::Dci => 17,
        TransferFunction::Hlg => 18,
    };
    writer.flag(false).enumeration(code);
}

fn write_xy<'a>(writer: &'a mut BitWriter, xy: Chromaticity, random: &mut Random) -> &'a mut BitWriter {
    let choices = [(0, 19), (524_288, 19), (1_048_576, 20), (2_097_152, 21)];
    writer.u32(packed(xy.x), choices, random).u32(packed(xy.y), choices, random)
}
