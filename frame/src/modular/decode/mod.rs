//! Decoding the samples of the channels of a sub-bitstream.
//!
//! What the format defines is one loop: find the properties of a sample, walk down the tree, read a residual, add a
//! prediction. `general` does just that. For a channel whose tree is small, which almost all are once pruned, there is
//! a loop of its own for each shape of tree and each kind of symbol reader, chosen once per channel by its `plan`.

mod above;
mod choosers;
mod general;
mod mask;
mod plan;
mod rows;
mod store;
mod stream;
mod unweighted;
mod weighted_row;
mod weights;

#[cfg(test)]
mod plain;
#[cfg(test)]
mod tests;

use fearless_simd::Level;
use jxlake_entropy::{BitReader, IntegerReader, Lz77Window, Visitor};
use jxlake_util::Pool;

use super::channel::{Channel, Sample};
use super::properties::References;
use super::prune::Situation;
use super::tree::MaTree;
use super::weighted::{WeightedHeader, WeightedState};
use crate::error::Error;
use above::{fill_above, fill_subtrees_above};
use choosers::{Any, ByGradient, ByMask, BySubtree, GradientOrWeighted, One, Only, Unpredicted, left};
use general::General;
use plan::{Leaves, Plan, PlanCache, Shape};
use rows::RowBuffers;
pub(crate) use store::Store;
use stream::{Stream, with_instructions, with_vectors};
use weighted_row::{Block, ByMaxError, Weighting};
use weights::WeightTable;

/// What the samples of a sub-bitstream are decoded with.
#[derive(Clone, Copy, Debug)]
pub struct StreamContext<'a> {
    /// The tree, global or local, and its codes.
    pub tree: &'a MaTree,
    /// Parameters of the weighted predictor.
    pub weighted: &'a WeightedHeader,
    /// Property 1: the number of the sub-bitstream in its frame.
    pub stream_index: u32,
}

/// Memory that decoding needs besides the channels; kept from sub-bitstream to sub-bitstream.
#[derive(Debug, Default)]
pub struct DecodeWorkspace {
    window: Lz77Window,
    plans: PlanCache,
    buffers: Buffers,
}

/// Memory of one channel.
#[derive(Debug, Default)]
struct Buffers {
    rows: RowBuffers,
    weighted: WeightedState,
    weights: WeightTable,
    /// Made for the first channel with the weighted predictor.
    block: Option<Box<Block>>,
    references: References,
    /// Of each column, the mask of the leaves that the properties of the rows above leave possible.
    above: Vec<u64>,
    /// With masks by subtree also the intervals of those properties.
    intervals: Vec<u8>,
}

/// Decodes the samples of `channels`, the whole list of a sub-bitstream after its transforms' meta-effects: empty
/// channels have no samples but their index counts.
///
/// Reads nothing if no channel has samples; else a symbol stream with the codes of the tree, whose final state is
/// checked.
///
/// # Errors
/// [`Error::SampleOverflow`] if samples do not fit `S`; errors of the stream.
pub fn decode_channels<S: Sample>(
    bits: &mut BitReader<'_>,
    context: &StreamContext<'_>,
    channels: &mut [Channel<S>],
    workspace: &mut DecodeWorkspace,
    _pool: &Pool,
) -> Result<(), Error> {
    let with_samples =
        || channels.iter().filter(|channel| channel.samples.is_some()).map(|channel| channel.shape);
    let Some(widest) = with_samples().map(|shape| shape.width).max() else { return Ok(()) };
    let symbols = with_samples().map(|shape| shape.samples()).sum();
    let DecodeWorkspace { window, plans, buffers } = workspace;
    let mut channels = channels;
    let visitor = ChannelsVisitor { context, channels: &mut channels, plans, buffers };
    context.tree.codes().with_reader(bits, widest, symbols, window, visitor)?
}

struct ChannelsVisitor<'a> {
    context: &'a StreamContext<'a>,
    channels: &'a mut dyn Store,
    plans: &'a mut PlanCache,
    buffers: &'a mut Buffers,
}

impl Visitor for ChannelsVisitor<'_> {
    type Output = Result<(), Error>;

    fn visit<R: IntegerReader>(self, reader: R, bits: &mut BitReader<'_>) -> Self::Output {
        let Self { context, channels, plans, buffers } = self;
        let mut stream = Stream { reader, bits: bits.clone() };
        for index in 0..channels.channels() {
            let shape = channels.shape(index);
            if shape.is_empty() {
                continue;
            }
            let needed = context.tree.references();
            buffers.references.find(channels, index, needed as usize);
            let situation = Situation {
                channel: index as u32,
                stream: context.stream_index,
                references: buffers.references.len() as u32,
            };
            let plan = plans.plan(context.tree, situation);
            let channel = ChannelLoop { plan, channels, index, buffers, level: Level::new() };
            stream = channel.decode(stream, context.weighted)?;
        }
        stream.reader.finish(&stream.bits)?;
        *bits = stream.bits;
        Ok(())
    }
}

/// The loop over the rows of a channel.
struct ChannelLoop<'a> {
    plan: &'a Plan,
    channels: &'a mut dyn Store,
    /// Of the channel.
    index: usize,
    buffers: &'a mut Buffers,
    level: Level,
}

impl<'a> ChannelLoop<'a> {
    fn decode<'b, R: IntegerReader>(
        mut self,
        mut stream: Stream<'b, R>,
        header: &WeightedHeader,
    ) -> Result<Stream<'b, R>, Error> {
        let shape = self.channels.shape(self.index);
        let mut overflow = 0;
        if let Shape::Constant(value) = self.plan.shape {
            self.channels.fill(self.index, value, &mut overflow);
        } else {
            self.start(shape.width as usize, header);
            for y in 0..shape.height as usize {
                stream = self.decode_row(stream, y);
                stream.check()?;
                self.channels.store_row(self.index, y, self.buffers.rows.decoded(), &mut overflow);
                self.buffers.rows.finish_row();
            }
        }
        if overflow != 0 { Err(Error::SampleOverflow) } else { Ok(stream) }
    }

    fn start(&mut self, width: usize, header: &WeightedHeader) {
        let Buffers { rows, weighted, weights, references, above, intervals, .. } = &mut *self.buffers;
        rows.start(width);
        match self.plan.shape {
            Shape::ByMask(_) => above.resize(width * self.plan.masks.words(), 0),
            Shape::BySubtree(_) => {
                above.resize(width, 0);
                intervals.resize(width * self.plan.masks.above_indices().count(), 0);
            }
            _ => {}
        }
        references.truncate(self.plan.references);
        if self.plan.needs_weighted {
            weights.prepare(header);
            weighted.start(header, width);
        }
    }

    fn decode_row<'b, R: IntegerReader>(&mut self, mut stream: Stream<'b, R>, y: usize) -> Stream<'b, R> {
        if self.plan.references > 0 {
            self.buffers.references.fill_row(self.channels, y);
        }
        let shape = if y == 0 { Shape::General } else { self.plan.shape };
        match shape {
            Shape::ByMask(leaves) => {
                stream = self.decode_row_by_mask(stream, leaves);
            }
            Shape::BySubtree(leaves) => {
                stream = self.decode_row_by_subtree(stream, leaves);
            }
            Shape::ByMaxError => {
                let chooser = ByMaxError(self.plan.clusters());
                stream = self.decode_weighted_row::<R, _, Only<6>>(stream, &chooser);
            }
            Shape::ByGradient => {
                let chooser = ByGradient(self.plan.clusters());
                stream = self.decode_unweighted_row::<R, _, Only<5>>(stream, &chooser);
            }
            Shape::One(leaf) => {
                use super::predictor::Predictor;
                stream = match leaf.predictor {
                    Predictor::Gradient if leaf.is_plain() => {
                        self.decode_unweighted_row::<R, _, Only<5>>(stream, &One(leaf))
                    }
                    _ => self.decode_unweighted_row::<R, _, Any>(stream, &One(leaf)),
                };
            }
            Shape::Constant(_) | Shape::General => {
                let Buffers { rows, weighted, references, .. } = &mut *self.buffers;
                let weighted = self.plan.needs_weighted.then_some(weighted);
                let mut general = General { tree: &self.plan.tree, references, weighted };
                general.decode_row(&mut stream, &mut rows.rows());
            }
        }
        if self.plan.needs_weighted {
            self.buffers.weighted.end_row();
        }
        stream
    }

    fn decode_row_by_mask<'b, R: IntegerReader>(
        &mut self,
        stream: Stream<'b, R>,
        leaves: Leaves,
    ) -> Stream<'b, R> {
        const SQUEEZE: u8 = Leaves::Unpredicted.usual_left(false);
        const USUAL: u8 = Leaves::GradientOrWeighted.usual_left(true);
        const ALL: u8 = left::ALL;
        let mut above = std::mem::take(&mut self.buffers.above);
        macro_rules! weighted {
            ($P:ty, $words:literal, $left:ident) => {{
                let chooser: ByMask<'_, $words, $left> = self.by_mask(&mut above);
                self.decode_weighted_row::<R, _, $P>(stream, &chooser)
            }};
        }
        macro_rules! unweighted {
            ($P:ty, $left:ident) => {{
                let chooser: ByMask<'_, 1, $left> = self.by_mask(&mut above);
                self.decode_unweighted_row::<R, _, $P>(stream, &chooser)
            }};
        }
        let words = self.plan.masks.words();
        let stream = match leaves {
            Leaves::Gradient | Leaves::GradientOrWeighted if self.plan.needs_weighted => {
                match (self.plan.usual, words) {
                    (true, 1) => weighted!(GradientOrWeighted, 1, USUAL),
                    (true, _) => weighted!(GradientOrWeighted, 2, USUAL),
                    (false, _) => weighted!(GradientOrWeighted, 2, ALL),
                }
            }
            _ if self.plan.needs_weighted => weighted!(Any, 2, ALL),
            Leaves::Unpredicted if self.plan.usual => unweighted!(Unpredicted, SQUEEZE),
            Leaves::Gradient => unweighted!(Only<5>, ALL),
            _ => unweighted!(Any, ALL),
        };
        self.buffers.above = above;
        stream
    }

    fn decode_row_by_subtree<'b, R: IntegerReader>(
        &mut self,
        stream: Stream<'b, R>,
        leaves: Leaves,
    ) -> Stream<'b, R> {
        const USUAL: u8 = Leaves::GradientOrWeighted.usual_left(true);
        const ALL: u8 = left::ALL;
        let plan = self.plan;
        let Buffers { rows, references, above, intervals, .. } = &mut *self.buffers;
        let (mut above, mut intervals) = (std::mem::take(above), std::mem::take(intervals));
        fill_subtrees_above(&mut above, &mut intervals, &plan.masks, &rows.rows(), references);
        let (tables, leaves_by_bit) = (plan.masks.by_subtree(), plan.all_leaves());
        macro_rules! chooser {
            ($left:ident) => {
                &BySubtree::<'_, $left> {
                    tables,
                    above: &above,
                    intervals: &intervals,
                    leaves: leaves_by_bit,
                }
            };
        }
        let stream = match leaves {
            Leaves::Gradient | Leaves::GradientOrWeighted if plan.needs_weighted && plan.usual => {
                self.decode_weighted_row::<R, _, GradientOrWeighted>(stream, chooser!(USUAL))
            }
            _ if plan.needs_weighted => self.decode_weighted_row::<R, _, Any>(stream, chooser!(ALL)),
            _ => self.decode_unweighted_row::<R, _, Any>(stream, chooser!(ALL)),
        };
        (self.buffers.above, self.buffers.intervals) = (above, intervals);
        stream
    }

    /// The chooser of this row. `above` is the memory for its masks.
    fn by_mask<'c, const W: usize, const LEFT: u8>(&mut self, above: &'c mut [u64]) -> ByMask<'c, W, LEFT>
    where
        'a: 'c,
    {
        let Buffers { rows, references, .. } = &mut *self.buffers;
        let plan = self.plan;
        let (above, _) = above.as_chunks_mut();
        fill_above(above, &plan.masks, &rows.rows(), references);
        ByMask { above, left: plan.masks.left(), leaves: plan.leaves() }
    }

    fn decode_unweighted_row<'b, R, C, P>(&mut self, stream: Stream<'b, R>, chooser: &C) -> Stream<'b, R>
    where
        R: IntegerReader,
        C: choosers::Chooser,
        P: choosers::Reconstruct,
    {
        let rows = self.buffers.rows.rows();
        with_instructions(
            self.level,
            #[inline(always)]
            || unweighted::decode_row::<R, C, P>(stream, rows, chooser),
        )
    }

    fn decode_weighted_row<'b, R, C, P>(&mut self, stream: Stream<'b, R>, chooser: &C) -> Stream<'b, R>
    where
        R: IntegerReader,
        C: weighted_row::WeightedChooser,
        P: choosers::Reconstruct,
    {
        let Buffers { rows, weighted, weights, block, .. } = &mut *self.buffers;
        let rows = rows.rows();
        let weighting = Weighting { state: weighted, table: weights, block: block.get_or_insert_default() };
        with_vectors!(self.level, simd => {
            weighted_row::decode_row::<_, R, C, P>(simd, stream, rows, weighting, chooser)
        })
    }
}
