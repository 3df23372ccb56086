//! Decoding the samples of the channels of a sub-bitstream.
//!
//! What the format defines is one loop: find the properties of a sample, walk down the tree, read a residual, add a
//! prediction. `general` does just that. For a channel whose tree is small, which almost all are once pruned, there is
//! a loop of its own for each shape of tree and each kind of symbol reader, chosen once per channel by its `plan`.

mod choosers;
mod general;
mod mask;
mod plan;
mod rows;
mod stream;
mod unweighted;
mod weighted_row;

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
use choosers::{Any, ByGradient, ByMask, GradientOrWeighted, One, Only, Unpredicted, left};
use general::General;
use mask::{Index, Mask};
use plan::{Leaves, Plan, PlanCache, Shape};
use rows::{RowBuffers, Rows};
use stream::{Stream, with_instructions};
use weighted_row::{Block, ByMaskAndMaxError, ByMaxError, WeightTable, Weighting};

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
    block: Box<Block>,
    references: References,
    /// Of each column, the leaves that the properties of the rows above leave possible.
    above: Vec<Mask>,
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
    let visitor = ChannelsVisitor { context, channels, plans, buffers };
    context.tree.codes().with_reader(bits, widest, symbols, window, visitor)?
}

struct ChannelsVisitor<'a, S: Sample> {
    context: &'a StreamContext<'a>,
    channels: &'a mut [Channel<S>],
    plans: &'a mut PlanCache,
    buffers: &'a mut Buffers,
}

impl<S: Sample> Visitor for ChannelsVisitor<'_, S> {
    type Output = Result<(), Error>;

    fn visit<R: IntegerReader>(self, reader: R, bits: &mut BitReader<'_>) -> Self::Output {
        let Self { context, channels, plans, buffers } = self;
        let mut stream = Stream { reader, bits: bits.clone() };
        for index in 0..channels.len() {
            if channels[index].samples.is_none() {
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
            let (before, rest) = channels.split_at_mut(index);
            let channel = ChannelLoop { plan, before, buffers, level: Level::new() };
            stream = channel.decode(stream, &mut rest[0], context.weighted)?;
        }
        stream.reader.finish(&stream.bits)?;
        *bits = stream.bits;
        Ok(())
    }
}

/// The loop over the rows of a channel.
struct ChannelLoop<'a, S: Sample> {
    plan: &'a Plan,
    /// The channels before this one.
    before: &'a [Channel<S>],
    buffers: &'a mut Buffers,
    level: Level,
}

impl<S: Sample> ChannelLoop<'_, S> {
    fn decode<'b, R: IntegerReader>(
        mut self,
        mut stream: Stream<'b, R>,
        channel: &mut Channel<S>,
        header: &WeightedHeader,
    ) -> Result<Stream<'b, R>, Error> {
        let (width, height) = (channel.shape.width as usize, channel.shape.height as usize);
        let Some(mut samples) = channel.view_mut() else { return Ok(stream) };
        let mut overflow = 0;
        if let Shape::Constant(value) = self.plan.shape {
            let value = S::narrow(value, &mut overflow);
            (0..height).for_each(|y| samples.row_mut(y).fill(value));
        } else {
            self.start(width, header);
            for y in 0..height {
                stream = self.decode_row(stream, y);
                stream.check()?;
                self.buffers.rows.finish_row(samples.row_mut(y), &mut overflow);
            }
        }
        if overflow != 0 { Err(Error::SampleOverflow) } else { Ok(stream) }
    }

    fn start(&mut self, width: usize, header: &WeightedHeader) {
        let Buffers { rows, weighted, weights, references, above, .. } = &mut *self.buffers;
        rows.start(width);
        references.truncate(self.plan.references);
        if self.plan.needs_weighted {
            weights.prepare(header);
            weighted.start(header, width);
        }
        above.clear();
        above.resize(width, Mask::MAX);
    }

    fn decode_row<'b, R: IntegerReader>(&mut self, mut stream: Stream<'b, R>, y: usize) -> Stream<'b, R> {
        if self.plan.references > 0 {
            self.buffers.references.fill_row(self.before, y);
        }
        let shape = if y == 0 { Shape::General } else { self.plan.shape };
        match shape {
            Shape::ByMask(leaves) => {
                self.fill_above(y);
                stream = self.decode_row_by_mask(stream, leaves);
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
        let above = std::mem::take(&mut self.buffers.above);
        let plan = self.plan;
        macro_rules! by_mask {
            ($left:expr) => {
                ByMask::<{ $left }> { above: &above, left: plan.left_tables(), leaves: &plan.leaves }
            };
        }
        macro_rules! by_max_error {
            ($left:expr) => {
                ByMaskAndMaxError { by_mask: by_mask!($left), max_error: plan.max_error_table() }
            };
        }
        const USUAL: u8 = left::GRADIENT | left::WEST_STEP;
        const SQUEEZE: u8 = left::WEST | left::GRADIENT_STEP;
        let used = plan.left_used();
        let stream = match leaves {
            _ if plan.needs_weighted => match leaves {
                Leaves::GradientOrWeighted if used & !USUAL == 0 => {
                    self.decode_weighted_row::<R, _, GradientOrWeighted>(stream, &by_max_error!(USUAL))
                }
                Leaves::GradientOrWeighted => {
                    self.decode_weighted_row::<R, _, GradientOrWeighted>(stream, &by_max_error!(left::ALL))
                }
                _ => self.decode_weighted_row::<R, _, Any>(stream, &by_max_error!(left::ALL)),
            },
            Leaves::Unpredicted if used & !SQUEEZE == 0 => {
                self.decode_unweighted_row::<R, _, Unpredicted>(stream, &by_mask!(SQUEEZE))
            }
            Leaves::Gradient => self.decode_unweighted_row::<R, _, Only<5>>(stream, &by_mask!(left::ALL)),
            _ => self.decode_unweighted_row::<R, _, Any>(stream, &by_mask!(left::ALL)),
        };
        self.buffers.above = above;
        stream
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
        let weighting = Weighting { state: weighted, table: weights, block };
        with_instructions(
            self.level,
            #[inline(always)]
            || weighted_row::decode_row::<R, C, P>(stream, rows, weighting, chooser),
        )
    }

    /// Computes which leaves the properties of row `y` that do not depend on its own samples leave possible.
    fn fill_above(&mut self, y: usize) {
        let Buffers { rows, references, above, .. } = &mut *self.buffers;
        let Rows { north, north_north, row, .. } = rows.rows();
        let width = row.len();
        let (north, north_north) = (&north[..width + 2], &north_north[..width]);
        above.fill(Mask::MAX);
        for (index, table) in self.plan.masks.iter() {
            match index {
                Index::Row => {
                    let mask = table.at(y as i32);
                    above.iter_mut().for_each(|above| *above &= mask);
                }
                Index::Column => {
                    above.iter_mut().enumerate().for_each(|(x, above)| *above &= table.at(x as i32));
                }
                Index::North => {
                    above.iter_mut().zip(north).for_each(|(above, &north)| *above &= table.at(north));
                }
                Index::Property(11) => {
                    let mut north_west = north[0];
                    for (above, &north) in above.iter_mut().zip(north) {
                        *above &= table.at(north_west.wrapping_sub(north));
                        north_west = north;
                    }
                }
                Index::Property(12) => {
                    for (above, pair) in above.iter_mut().zip(north.windows(2)) {
                        *above &= table.at(pair[0].wrapping_sub(pair[1]));
                    }
                }
                Index::Property(13) => {
                    for ((above, &north), &north_north) in above.iter_mut().zip(north).zip(north_north) {
                        *above &= table.at(north.wrapping_sub(north_north));
                    }
                }
                Index::Property(property) if usize::from(property) >= super::tree::PLAIN_PROPERTIES => {
                    for (above, &value) in above.iter_mut().zip(references.row(property)) {
                        *above &= table.at(value);
                    }
                }
                // Depend on the sample to the left.
                Index::West | Index::Property(_) => {}
            }
        }
    }
}
