//! Undoing transforms: what it needs besides the channels, and how the work is divided.

use fearless_simd::Level;
use jxlake_util::{Axis, Grid, Pool, Scratch, Shape2, Threads, ViewMut2};

use super::{SqueezeLayout, Transform, TransformList};
use crate::error::{Error, Result};
use crate::modular::channel::{Channel, Sample};
use crate::modular::weighted::{WeightedHeader, WeightedState};

/// A thread gets at least this many samples at a time.
const SAMPLES_PER_PART: usize = 1 << 15;

/// What undoing transforms needs besides the channels.
#[derive(Clone, Copy, Debug)]
pub struct UndoContext<'a> {
    /// Where new channels come from.
    pub pool: &'a Pool,
    /// The threads that share the work.
    pub threads: &'a Threads,
    /// The instruction set.
    pub level: Level,
    /// Bits per sample of the image (8 for quantisation tables): implicit palette colours depend on it.
    pub bit_depth: u32,
    /// Parameters of the weighted predictor, which palettes of deltas may use.
    pub weighted: &'a WeightedHeader,
    /// Workspaces of the weighted predictor.
    pub weighted_states: &'a Scratch<WeightedState>,
    /// Workspaces for layouts of squeezes.
    pub(in crate::modular) layouts: &'a Scratch<SqueezeLayout>,
}

impl TransformList {
    /// Undoes all transforms of the coded `channels`, which become those that the image is made of.
    ///
    /// # Errors
    ///
    /// [`Error::SampleOverflow`] for 16-bit samples that do not suffice, [`Error::Pool`] if there is no memory.
    pub fn undo<S: Sample>(&self, channels: &mut Vec<Channel<S>>, context: &UndoContext<'_>) -> Result<()> {
        self.undo_transforms(self.transforms(), channels, context)
    }

    /// The same, of channels that `layout`, that of the [last squeeze](Self::last_squeeze), has gathered.
    pub(in crate::modular) fn undo_gathered<S: Sample>(
        &self,
        layout: &SqueezeLayout,
        channels: &mut Vec<Channel<S>>,
        context: &UndoContext<'_>,
    ) -> Result<()> {
        layout.undo(channels, context)?;
        let rest = match self.transforms() {
            [rest @ .., Transform::Squeeze(_)] => rest,
            all => all,
        };
        self.undo_transforms(rest, channels, context)
    }

    fn undo_transforms<S: Sample>(
        &self,
        transforms: &[Transform],
        channels: &mut Vec<Channel<S>>,
        context: &UndoContext<'_>,
    ) -> Result<()> {
        for transform in transforms.iter().rev() {
            match transform {
                Transform::Rct(rct) => rct.undo(channels, rct.begin(), context)?,
                Transform::Palette(palette) => {
                    if channels.is_empty() {
                        return Err(MISSING);
                    }
                    let table = channels.remove(0);
                    palette.undo(&table, channels, palette.begin(), context)?;
                }
                Transform::Squeeze(squeeze) => {
                    let mut layout = context.layouts.take();
                    layout.lay_out(self.steps(squeeze), channels.iter().map(|channel| channel.shape))?;
                    layout.gather(channels, context.pool)?;
                    layout.undo(channels, context)?;
                }
            }
        }
        Ok(())
    }
}

/// The channels are not those that the transforms were read for.
pub(in crate::modular) const MISSING: Error = Error::Misuse("channels that do not belong to the transforms");

/// How a matrix is divided among threads: into bands of rows, or of columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    rows: usize,
    cols: usize,
    count: usize,
}

impl Parts {
    /// Bands of whole rows, their number a multiple of `multiple` in each but the last.
    pub(super) fn of_rows(context: &UndoContext<'_>, shape: Shape2, multiple: usize) -> Self {
        let rows = part_length(context, shape, shape.rows, multiple);
        Self { rows, cols: shape.cols.max(1), count: shape.rows.div_ceil(rows) }
    }

    /// Number of bands.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// A matrix of the shape that was divided, as a grid whose tiles, of which one side has just one, are the bands.
    pub(super) fn grid<'a, S: Sample>(
        &self,
        context: &UndoContext<'_>,
        matrix: ViewMut2<'a, S>,
    ) -> Result<Grid<'a, S>> {
        Ok(matrix.into_grid(context.pool, Axis::Every(self.rows), Axis::Every(self.cols))?)
    }
}

/// The part of `length` rows or columns that one thread handles at a time.
fn part_length(context: &UndoContext<'_>, shape: Shape2, length: usize, multiple: usize) -> usize {
    let samples = shape.rows.saturating_mul(shape.cols);
    // Several parts for each worker, so that none waits long for the last.
    let parts = (samples / SAMPLES_PER_PART).min(4 * context.threads.workers());
    match parts {
        0 | 1 => length.max(1),
        _ => length.div_ceil(parts).next_multiple_of(multiple),
    }
}
