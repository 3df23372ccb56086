//! Codestreams of small Modular frames, written: every sample of a frame has one value.

use crate::frame_header::{BlendMode, BlendingInfo, Encoding, FrameFlags, FrameHeader};
use crate::header_writer::{write_frame_header, write_image_header};
use crate::image_header::{ExtraChannelInfo, ImageHeader, Size};
use jxlake_entropy::test_support::{BitWriter, BundleWriter, Item, Kind, Random};

/// Patches read numbers of ten contexts, splines of six.
pub(super) const PATCHES: usize = 10;
pub(super) const SPLINES: usize = 6;

/// Numbers of patches or splines: how many contexts there are, and the context and value of each number.
pub(super) struct Numbers<'n>(pub(super) usize, pub(super) &'n [(usize, u32)]);

pub(super) struct Stream {
    pub(super) image: ImageHeader,
    bytes: Vec<u8>,
}

/// An image of 8-bit RGB with these extra channels.
pub(super) fn image(width: u32, height: u32, extra: &[ExtraChannelInfo]) -> ImageHeader {
    ImageHeader {
        size: Size { width, height },
        xyb_encoded: false,
        extra_channels: extra.to_vec(),
        ..ImageHeader::default()
    }
}

/// What `Sgn` reads as `value`.
pub(super) fn signed(value: i32) -> u32 {
    if value < 0 { (!value as u32) << 1 | 1 } else { (value as u32) << 1 }
}

impl Stream {
    pub(super) fn new(image: ImageHeader) -> Self {
        let mut writer = BitWriter::new();
        write_image_header(&mut writer, &image, &mut Random::new(1));
        writer.align();
        Self { image, bytes: writer.into_bytes() }
    }

    /// The header of the last frame, which covers the image and replaces what is below it, without filters.
    pub(super) fn last(&self) -> FrameHeader {
        let count = self.image.extra_channels.len();
        let mut header = FrameHeader {
            encoding: Encoding::Modular,
            size: self.image.size,
            extra_upsampling: vec![1; count],
            extra_blending: vec![BlendingInfo::default(); count],
            x_qm_scale: 2,
            ..FrameHeader::default()
        };
        (header.restoration_filter.gab, header.restoration_filter.epf_iters) = (false, 0);
        header
    }

    /// The header of a frame that is saved in a slot and not shown.
    pub(super) fn saved(&self, slot: u8) -> FrameHeader {
        FrameHeader { is_last: false, save_as_reference: slot, ..self.last() }
    }

    /// The same header with all channels blended like this over a slot.
    pub(super) fn blended(header: FrameHeader, mode: BlendMode, source: u8) -> FrameHeader {
        let blending = BlendingInfo { mode, source, ..BlendingInfo::default() };
        let extra_blending = vec![blending; header.extra_blending.len()];
        FrameHeader { blending, extra_blending, ..header }
    }

    /// Appends a frame of at most one group whose samples all are `value`, with these features.
    pub(super) fn frame(&mut self, header: &FrameHeader, features: &[Numbers<'_>], value: i32) -> &mut Self {
        let mut header = header.clone();
        let flag = |contexts: usize, bit: u64| {
            if features.iter().any(|Numbers(of, _)| *of == contexts) { bit } else { 0 }
        };
        header.flags = FrameFlags::from_bits(flag(PATCHES, 2) | flag(SPLINES, 16));
        let mut section = BitWriter::new();
        for &Numbers(contexts, numbers) in features {
            let items: Vec<Item> = numbers.iter().map(|&(context, v)| Item::literal(context, v)).collect();
            write_bundle(&mut section, contexts, &items, Kind::Ans(8));
        }
        // Default dequantisation, no global tree; a local one, default parameters, no transforms.
        section.write(1, 1).write(0, 1).write(0, 1).write(1, 1).write(0, 2);
        // A leaf: predictor 0, the value as offset, multiplier 1.
        let leaf = [(1, 0), (2, 0), (3, signed(value)), (4, 0), (5, 0)];
        let leaf: Vec<Item> = leaf.iter().map(|&(context, v)| Item::literal(context, v)).collect();
        write_bundle(&mut section, 6, &leaf, Kind::Prefix);
        // All that is added to the offset is 0, which takes no bits.
        write_bundle(&mut section, 1, &[Item::literal(0, 0)], Kind::Prefix);
        section.align();
        let section = section.into_bytes();

        let mut writer = BitWriter::new();
        write_frame_header(&mut writer, &header, &self.image, &mut Random::new(1));
        // A table of contents of one section, without permutation.
        writer.write(0, 1).align();
        writer.write_u32(section.len() as u32, [(0, 10), (1024, 14), (17408, 22), (4_211_712, 30)]).align();
        self.bytes.extend(writer.into_bytes());
        self.bytes.extend(section);
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn write_bundle(writer: &mut BitWriter, contexts: usize, items: &[Item], kind: Kind) {
    let bundle = BundleWriter::fitting(contexts, items, kind);
    bundle.write(writer);
    bundle.write_stream(writer, items);
}
