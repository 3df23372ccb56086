//! A modular sub-bitstream: a header, perhaps a tree, and the samples of a list of channels.

use fearless_simd::Level;
use jxlake_entropy::BitReader;
use jxlake_util::{Pool, Scratch, Threads};

use super::channel::{Channel, ChannelShape, Sample};
use super::channel_list::ChannelList;
use super::decode::{DecodeWorkspace, StreamContext, decode_channels};
use super::fault::ModularFault;
use super::global_tree::GlobalTree;
use super::stream_index::ModularStream;
use super::transform::{SqueezeLayout, TransformList, UndoContext};
use super::tree::MaTree;
use super::weighted::{WeightedHeader, WeightedState};
use crate::error::Result;
use crate::fields::Fields;
use crate::geometry::FrameGeometry;
use crate::limits::Limits;

/// Local trees of more nodes are invalid, however many samples there are.
const MAX_LOCAL_NODES: u64 = 1 << 20;

/// What a frame's modular sub-bitstreams have in common.
#[derive(Clone, Copy, Debug)]
pub struct ModularContext<'a> {
    /// The frame's tree.
    pub tree: &'a GlobalTree,
    /// The frame's sizes.
    pub geometry: &'a FrameGeometry,
    /// Bits per sample of the image (8 for quantisation tables).
    pub bit_depth: u32,
    /// Bounds on what the codestream may ask for.
    pub limits: &'a Limits,
    /// Where matrices come from.
    pub pool: &'a Pool,
    /// The instruction set.
    pub level: Level,
}

/// The header of a sub-bitstream, and the channels that it makes of the initial ones.
#[derive(Clone, Debug, Default)]
pub struct SubBitstreamHeader {
    /// Whether the frame's tree is used; otherwise there is a local one.
    pub use_global_tree: bool,
    /// Parameters of the weighted predictor.
    pub weighted: WeightedHeader,
    /// The transforms.
    pub transforms: TransformList,
    /// The coded channels.
    pub channels: ChannelList,
}

impl SubBitstreamHeader {
    /// Reads the header of a sub-bitstream for these channels.
    ///
    /// # Errors
    ///
    /// As [`TransformList::read`].
    pub fn read(&mut self, bits: &mut BitReader<'_>, shapes: &[ChannelShape], limits: &Limits) -> Result<()> {
        self.clear(shapes);
        self.use_global_tree = bits.bool()?;
        self.weighted = WeightedHeader::read(bits);
        bits.check()?;
        self.transforms.read(bits, &mut self.channels, limits)
    }

    /// The header of a sub-bitstream of no bits.
    pub fn clear(&mut self, shapes: &[ChannelShape]) {
        self.use_global_tree = false;
        self.weighted = WeightedHeader::default();
        self.transforms.clear();
        self.channels.reset(shapes);
    }
}

/// Memory for decoding one sub-bitstream after another.
#[derive(Debug, Default)]
pub struct ModularWorkspace {
    header: SubBitstreamHeader,
    samples: SampleWorkspace,
}

/// Memory for decoding samples.
#[derive(Debug, Default)]
pub(super) struct SampleWorkspace {
    tree: MaTree,
    decode: DecodeWorkspace,
    weighted_states: Scratch<WeightedState>,
    layouts: Scratch<SqueezeLayout>,
}

/// A sub-bitstream for channels that are known from outside.
#[derive(Clone, Copy, Debug)]
pub struct SubBitstream<'a> {
    /// The channels.
    pub shapes: &'a [ChannelShape],
    /// Which sub-bitstream of the frame it is.
    pub stream: ModularStream,
}

impl SubBitstream<'_> {
    /// Decodes the samples of all channels and undoes the transforms: `channels` then are as `shapes` says. Reads
    /// nothing if there are no channels.
    ///
    /// # Errors
    ///
    /// Errors of the stream; [`Error::SampleOverflow`](crate::Error::SampleOverflow) if 16 bits do not suffice,
    /// [`Error::Pool`](crate::Error::Pool) if there is no memory. The channels then are unspecified.
    pub fn decode<S: Sample>(
        &self,
        bits: &mut BitReader<'_>,
        context: &ModularContext<'_>,
        workspace: &mut ModularWorkspace,
        channels: &mut Vec<Channel<S>>,
    ) -> Result<()> {
        channels.clear();
        if self.shapes.is_empty() {
            return Ok(());
        }
        let ModularWorkspace { header, samples } = workspace;
        header.read(bits, self.shapes, context.limits)?;
        for &shape in header.channels.shapes() {
            channels.push(Channel::lease(context.pool, shape)?);
        }
        decode_samples(bits, (header, self.stream), channels, context, samples)?;
        header.transforms.undo(channels, &undo_context(header, context, &Threads::Calling, samples))
    }
}

/// Reads the local tree, if the header of the stream announces one, and the samples of `channels`, the first of the coded
/// channels. Reads nothing if they have no samples.
pub(super) fn decode_samples<S: Sample>(
    bits: &mut BitReader<'_>,
    (header, stream): (&SubBitstreamHeader, ModularStream),
    channels: &mut [Channel<S>],
    context: &ModularContext<'_>,
    workspace: &mut SampleWorkspace,
) -> Result<()> {
    let samples: u64 = channels.iter().map(|channel| channel.shape.samples()).sum();
    if samples == 0 {
        return Ok(());
    }
    let SampleWorkspace { tree, decode, .. } = workspace;
    let tree = match (header.use_global_tree, context.tree.tree()) {
        (true, Some(tree)) => tree,
        (true, None) => return Err(ModularFault::NoGlobalTree.into()),
        (false, _) => {
            tree.read(bits, MAX_LOCAL_NODES.min(1024 + samples))?;
            tree
        }
    };
    let stream_index = stream.index(context.geometry);
    let stream = StreamContext { tree, weighted: &header.weighted, stream_index };
    decode_channels(bits, &stream, channels, decode, context.pool)?;
    bits.check()?;
    Ok(())
}

/// What undoing the transforms of `header` needs.
pub(super) fn undo_context<'a>(
    header: &'a SubBitstreamHeader,
    context: &ModularContext<'a>,
    threads: &'a Threads,
    workspace: &'a SampleWorkspace,
) -> UndoContext<'a> {
    UndoContext {
        pool: context.pool,
        threads,
        level: context.level,
        bit_depth: context.bit_depth,
        weighted: &header.weighted,
        weighted_states: &workspace.weighted_states,
        layouts: &workspace.layouts,
    }
}
