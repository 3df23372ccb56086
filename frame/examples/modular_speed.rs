//! Times the decoding of modular samples, transforms and rendering left out: `modular_speed FILE.jxl...`, lossless or
//! lossy Modular files without patches.

use std::time::Duration;

use jxlake_entropy::BitReader;
use jxlake_frame::fields::Fields;
use jxlake_frame::frame_header::{Encoding, FrameHeader, FrameRole};
use jxlake_frame::geometry::{FrameGeometry, Section};
use jxlake_frame::image_header::ImageHeader;
use jxlake_frame::limits::Limits;
use jxlake_frame::modular::channel::{Channel, ChannelShape, Sample};
use jxlake_frame::modular::channel_list::ChannelList;
use jxlake_frame::modular::decode::{DecodeWorkspace, StreamContext, decode_channels};
use jxlake_frame::modular::transform::TransformList;
use jxlake_frame::modular::tree::MaTree;
use jxlake_frame::modular::weighted::WeightedHeader;
use jxlake_frame::toc::Toc;
use jxlake_util::Pool;

type Failure = Box<dyn std::error::Error>;

const RUNS: usize = 7;

fn main() -> Result<(), Failure> {
    for path in std::env::args().skip(1) {
        let codestream = codestream(std::fs::read(&path)?);
        let frame = Frame::read(codestream)?;
        let (time, samples) = if frame.narrow { frame.measure::<i16>()? } else { frame.measure::<i32>()? };
        let nanoseconds = time.as_nanos() as f64 / samples as f64;
        let megapixels = frame.pixels as f64 / time.as_secs_f64() / 1e6;
        println!("{path}: {samples} samples, {nanoseconds:.2} ns/sample, {megapixels:.1} MP/s");
    }
    Ok(())
}

/// The codestream of a file: its only or its concatenated `jxlc` and `jxlp` boxes, or the file itself.
fn codestream(file: Vec<u8>) -> Vec<u8> {
    if file.starts_with(&[0xff, 0x0a]) {
        return file;
    }
    let mut codestream = Vec::new();
    let mut rest = &file[..];
    while rest.len() >= 8 {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap_or_default()) as usize;
        let (header, length) = match length {
            0 => (8, rest.len()),
            1 => (16, u64::from_be_bytes(rest[8..16].try_into().unwrap_or_default()) as usize),
            length => (8, length),
        };
        match &rest[4..8] {
            b"jxlc" => codestream.extend(&rest[header..length]),
            b"jxlp" => codestream.extend(&rest[header + 4..length]),
            _ => {}
        }
        rest = &rest[length..];
    }
    codestream
}

/// The sub-bitstreams of the first frame.
struct Frame {
    codestream: Vec<u8>,
    pool: Pool,
    narrow: bool,
    pixels: u64,
    tree: MaTree,
    weighted: WeightedHeader,
    /// Position in bits, channels and stream index; the first with all global channels.
    streams: Vec<(u64, Vec<ChannelShape>, u32)>,
}

impl Frame {
    fn read(codestream: Vec<u8>) -> Result<Self, Failure> {
        let limits = Limits::default();
        let mut bits = BitReader::new(&codestream);
        let mut image = ImageHeader::default();
        image.read(&mut bits, &limits)?;
        assert!(!image.colour_encoding.want_icc, "ICC profile");
        bits.zero_pad()?;
        let mut header = FrameHeader::default();
        header.read(&mut bits, &image, FrameRole::Main, &limits)?;
        assert!(header.encoding == Encoding::Modular && !header.flags.patches(), "not plain Modular");
        let geometry = FrameGeometry::new(&header, &limits)?;
        let mut toc = Toc::default();
        toc.read(&mut bits, &geometry)?;

        let global = toc.section(Section::LfGlobal);
        let mut bits = BitReader::new(&codestream[..global.end]);
        bits.skip(global.start as u64 * 8)?;
        if !bits.bool()? {
            bits.read(16);
            bits.read(16);
            bits.read(16);
        }
        let mut tree = MaTree::default();
        if bits.bool()? {
            tree.read(&mut bits, 1 << 22)?;
        }
        let grey = image.colour_encoding.colour_space == jxlake_frame::image_header::ColourSpace::Grey;
        let colours = if grey && !image.xyb_encoded { 1 } else { 3 };
        let size = geometry.coded;
        let shapes = vec![ChannelShape::new(size.width, size.height); colours + image.extra_channels.len()];
        let mut list = ChannelList::default();
        list.reset(&shapes);
        let use_global_tree = bits.bool()?;
        let weighted = WeightedHeader::read(&mut bits);
        TransformList::default().read(&mut bits, &mut list, &limits)?;
        let small = |shape: &ChannelShape| shape.width.max(shape.height) as usize <= geometry.group_dim;
        let first = (list.meta()..list.len()).find(|&c| !small(&list.shapes()[c])).unwrap_or(list.len());
        let (globals, others) = list.shapes().split_at(first);
        if !use_global_tree && !globals.iter().all(ChannelShape::is_empty) {
            tree.read(&mut bits, 1 << 20)?;
        }
        let mut streams = vec![(bits.position(), globals.to_vec(), 0)];
        let lf_groups = geometry.num_lf_groups() as u32;
        for lf_group in 0..geometry.num_lf_groups() {
            let place = geometry.lf_group_position(lf_group);
            let dim = geometry.group_dim * 8;
            let shapes = group_channels(others, place, dim, |shift| shift >= 3);
            let range = toc.section(Section::LfGroup(lf_group));
            streams.push((range.start as u64 * 8, shapes, 1 + lf_groups + lf_group as u32));
        }
        for pass in 0..geometry.num_passes {
            for group in 0..geometry.num_groups() {
                let place = geometry.group_position(group);
                let bracket = header.passes.bracket(pass);
                let shapes = group_channels(others, place, geometry.group_dim, |shift| {
                    bracket.contains(shift) && shift < 3
                });
                let range = toc.section(Section::PassGroup { pass, group });
                let index = 18 + 3 * lf_groups + (geometry.num_groups() * pass + group) as u32;
                streams.push((range.start as u64 * 8, shapes, index));
            }
        }
        streams.retain(|(_, shapes, _)| !shapes.is_empty());
        let pixels = size.pixels();
        let pool = Pool::new();
        Ok(Self { pool, codestream, narrow: image.modular_16bit_buffers, pixels, tree, weighted, streams })
    }

    /// The least processor time of several runs over all streams, and the number of samples.
    fn measure<S: Sample>(&self) -> Result<(Duration, u64), Failure> {
        let mut workspace = DecodeWorkspace::default();
        let mut local = MaTree::default();
        let mut least = Duration::MAX;
        let mut samples = 0;
        let runs = std::env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
        for _ in 0..runs {
            samples = 0;
            let start = processor_time()?;
            for stream in &self.streams {
                samples += self.decode::<S>(stream, &mut local, &mut workspace)?;
            }
            least = least.min(processor_time()? - start);
        }
        Ok((least, samples))
    }

    /// Decodes a stream, and gives the number of its samples.
    fn decode<S: Sample>(
        &self,
        (position, shapes, stream_index): &(u64, Vec<ChannelShape>, u32),
        local: &mut MaTree,
        workspace: &mut DecodeWorkspace,
    ) -> Result<u64, Failure> {
        let mut bits = BitReader::new(&self.codestream);
        bits.skip(*position)?;
        let mut list = ChannelList::default();
        list.reset(shapes);
        let mut weighted = self.weighted;
        let mut tree = &self.tree;
        if *stream_index != 0 {
            let use_global_tree = bits.bool()?;
            weighted = WeightedHeader::read(&mut bits);
            TransformList::default().read(&mut bits, &mut list, &Limits::default())?;
            if !use_global_tree {
                local.read(&mut bits, 1 << 20)?;
                tree = local;
            }
        }
        let mut channels: Vec<Channel<S>> = Vec::new();
        for &shape in list.shapes() {
            channels.push(Channel::lease(&self.pool, shape)?);
        }
        let context = StreamContext { tree, weighted: &weighted, stream_index: *stream_index };
        decode_channels(&mut bits, &context, &mut channels, workspace, &self.pool)?;
        Ok(list.samples())
    }
}

/// Processor time of this thread: other work on the machine does not count. Linux only.
fn processor_time() -> Result<Duration, Failure> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(times.split_whitespace().next().unwrap_or_default().parse()?))
}

/// The parts of the frame's channels that belong to a section.
fn group_channels(
    channels: &[ChannelShape],
    (column, row): (usize, usize),
    dim: usize,
    is_here: impl Fn(i32) -> bool,
) -> Vec<ChannelShape> {
    let part = |shape: &ChannelShape| {
        let side = |side: u32, place: usize, shift: i32| {
            (side as usize).saturating_sub(place >> shift).min(dim >> shift) as u32
        };
        let part = ChannelShape {
            width: side(shape.width, column * dim, shape.hshift),
            height: side(shape.height, row * dim, shape.vshift),
            ..*shape
        };
        (is_here(shape.hshift.min(shape.vshift)) && !part.is_empty()).then_some(part)
    };
    channels.iter().filter_map(part).collect()
}
