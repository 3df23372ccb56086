//! Frame headers, written.

use jxlake_entropy::test_support::{BitWriter, Random};

use super::{FieldWriter, packed};
use crate::frame_header::{
    BlendMode, BlendingInfo, Encoding, FrameHeader, FrameType, Passes, RestorationFilter,
};
use crate::image_header::ImageHeader;

/// Writes a frame header field by field, without `all_default`.
pub(crate) fn write_frame_header(
    writer: &mut BitWriter,
    header: &FrameHeader,
    image: &ImageHeader,
    random: &mut Random,
) {
    writer.flag(false).write(header.frame_type as u64, 2).flag(header.encoding == Encoding::Modular);
    writer.u64(header.flags.bits(), random);
    if !image.xyb_encoded {
        writer.flag(header.do_ycbcr);
    }
    if !header.flags.use_lf_frame() {
        if header.do_ycbcr {
            header.subsampling.modes().iter().for_each(|&mode| {
                writer.write(mode.into(), 2);
            });
        }
        writer.write(header.upsampling.ilog2().into(), 2);
        for (factor, channel) in header.extra_upsampling.iter().zip(&image.extra_channels) {
            writer.write(u64::from(factor.ilog2() - channel.dim_shift), 2);
        }
    }
    if header.encoding == Encoding::Modular {
        writer.write(header.group_size_shift.into(), 2);
    } else if image.xyb_encoded {
        writer.write(header.x_qm_scale.into(), 3).write(header.b_qm_scale.into(), 3);
    }
    if header.frame_type != FrameType::ReferenceOnly {
        write_passes(writer, &header.passes, random);
    }
    write_place(writer, header, random);
    if header.is_normal() {
        write_blending(writer, &header.blending, header, image);
        header.extra_blending.iter().for_each(|info| write_blending(writer, info, header, image));
        if let Some(animation) = image.animation {
            writer.u32(header.duration, [(0, 0), (1, 0), (0, 8), (0, 32)], random);
            writer.write(header.timecode.into(), if animation.have_timecodes { 32 } else { 0 });
        }
        writer.flag(header.is_last);
    }
    if header.frame_type != FrameType::Lf && !header.is_last {
        writer.write(header.save_as_reference.into(), 2);
    }
    let replaces = header.blending.mode == BlendMode::Replace && header.covers;
    if header.frame_type == FrameType::ReferenceOnly
        || (header.is_normal() && header.can_be_referenced() && replaces)
    {
        writer.flag(header.save_before_colour_transform);
    }
    writer.name(&header.name);
    write_filter(writer, &header.restoration_filter, header.encoding, random);
    writer.extensions(random);
}

fn write_passes(writer: &mut BitWriter, passes: &Passes, random: &mut Random) {
    let count = passes.num_passes();
    writer.u32(count as u32, [(1, 0), (2, 0), (3, 0), (4, 3)], random);
    if count == 1 {
        return;
    }
    let steps: Vec<(u32, usize)> = passes.downsampling_steps().collect();
    writer.u32(steps.len() as u32, [(0, 0), (1, 0), (2, 0), (3, 1)], random);
    (0..count - 1).for_each(|pass| {
        writer.write(passes.shift(pass).into(), 2);
    });
    steps.iter().for_each(|(downsample, _)| {
        writer.write(downsample.ilog2().into(), 2);
    });
    steps.iter().for_each(|&(_, last_pass)| {
        writer.u32(last_pass as u32, [(0, 0), (1, 0), (2, 0), (0, 3)], random);
    });
}

/// From `lf_level` to `height`.
fn write_place(writer: &mut BitWriter, header: &FrameHeader, random: &mut Random) {
    if header.frame_type == FrameType::Lf {
        writer.write(u64::from(header.lf_level) - 1, 2);
        return;
    }
    writer.flag(header.have_crop);
    if header.have_crop {
        let choices = [(0, 8), (256, 11), (2304, 14), (18688, 30)];
        if header.frame_type != FrameType::ReferenceOnly {
            writer.u32(packed(header.x0), choices, random).u32(packed(header.y0), choices, random);
        }
        writer.u32(header.size.width, choices, random).u32(header.size.height, choices, random);
    }
}

fn write_blending(writer: &mut BitWriter, info: &BlendingInfo, header: &FrameHeader, image: &ImageHeader) {
    writer.write_u32(info.mode as u32, [(0, 0), (1, 0), (2, 0), (3, 2)]);
    let alpha = !image.extra_channels.is_empty() && info.mode.uses_alpha();
    if alpha {
        writer.write_u32(info.alpha_channel, [(0, 0), (1, 0), (2, 0), (3, 3)]);
    }
    if alpha || info.mode == BlendMode::Mul {
        writer.flag(info.clamp);
    }
    if info.mode != BlendMode::Replace || !header.covers {
        writer.write(info.source.into(), 2);
    }
}

fn write_filter(writer: &mut BitWriter, filter: &RestorationFilter, encoding: Encoding, random: &mut Random) {
    let default = RestorationFilter::default();
    if *filter == default && random.one_in(2) {
        writer.flag(true);
        return;
    }
    writer.flag(false).flag(filter.gab);
    if filter.gab {
        let custom = filter.gab_weights != default.gab_weights;
        writer.flag(custom);
        filter.gab_weights.iter().filter(|_| custom).for_each(|weights| {
            writer.f16s(weights);
        });
    }
    writer.write(filter.epf_iters.into(), 2);
    if filter.epf_iters > 0 {
        if encoding == Encoding::VarDct {
            let custom = filter.epf_sharp_lut != default.epf_sharp_lut;
            writer.flag(custom).f16s(if custom { &filter.epf_sharp_lut } else { &[] });
        }
        let custom = filter.epf_channel_scale != default.epf_channel_scale;
        writer.flag(custom);
        if custom {
            writer.f16s(&filter.epf_channel_scale).f16s(&[0.5, -1.0]);
        }
        let custom = filter.epf_border_sad_mul != default.epf_border_sad_mul;
        writer.flag(custom);
        if custom {
            if encoding == Encoding::VarDct {
                writer.f16(filter.epf_quant_mul);
            }
            writer.f16(filter.epf_pass0_sigma_scale).f16(filter.epf_pass2_sigma_scale);
            writer.f16(filter.epf_border_sad_mul);
        }
        if encoding == Encoding::Modular {
            writer.f16(filter.epf_sigma_for_modular);
        }
    }
    writer.extensions(random);
}
