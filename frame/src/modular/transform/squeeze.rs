//! Squeeze: a Haar-like transform that halves channels into averages and residuals.

use std::ops::Range;

use jxlake_entropy::BitReader;
use jxlake_util::{Rect, Shape2, View2, ViewMut2};

use super::read_begin;
use super::undo::{MISSING, Parts, UndoContext};
use super::unsqueeze::{LANES, join_columns, join_rows};
use crate::error::{Error, Result};
use crate::fields::{Fields, c, u};
use crate::limits::Limits;
use crate::modular::channel::{Channel, ChannelShape, Sample};
use crate::modular::channel_list::ChannelList;
use crate::modular::fault::ModularFault;

/// A channel with a larger shift is not squeezed again.
const MAX_SHIFT: i32 = 30;
/// Threads that join rows get a multiple of this many columns: whole cache lines.
const COLUMNS: usize = 64;
/// The default steps go on until the first channel is at most this wide and high.
const DEFAULT_SIZE: u32 = 8;

/// A squeeze: steps in a [`TransformList`](super::TransformList).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Squeeze {
    first: u32,
    count: u32,
}

/// One step of a squeeze: the channels from `begin` are halved in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqueezeStep {
    /// Whether columns are paired; otherwise rows.
    pub horizontal: bool,
    /// Whether the residuals come directly after the averages; otherwise at the end of the list.
    pub in_place: bool,
    /// The first channel.
    pub begin: u32,
    /// Number of channels.
    pub channels: u32,
}

impl Squeeze {
    /// Reads the explicit steps; there may be none, which stands for the default ones.
    pub(super) fn read(bits: &mut BitReader<'_>, steps: &mut Vec<SqueezeStep>) -> Result<Self> {
        let first = steps.len() as u32;
        let count = bits.u32([c(0), 1 + u(4), 9 + u(6), 41 + u(8)])?;
        for _ in 0..count {
            let horizontal = bits.bool()?;
            let in_place = bits.bool()?;
            let begin = read_begin(bits)?;
            let channels = bits.u32([c(1), c(2), c(3), 4 + u(4)])?;
            steps.push(SqueezeStep { horizontal, in_place, begin, channels });
        }
        Ok(Self { first, count })
    }

    /// Derives the default steps if there are none, and applies all to the list of channels.
    pub(super) fn apply(
        mut self,
        channels: &mut ChannelList,
        steps: &mut Vec<SqueezeStep>,
        limits: &Limits,
    ) -> Result<Self> {
        if self.count == 0 {
            push_default_steps(channels, steps);
            self.count = steps.len() as u32 - self.first;
        }
        for step in steps.get(self.steps()).unwrap_or(&[]) {
            step.apply(channels, limits)?;
        }
        Ok(self)
    }

    /// Where the steps are in the list of all squeezes' steps.
    pub(super) fn steps(&self) -> Range<usize> {
        self.first as usize..self.first as usize + self.count as usize
    }
}

impl SqueezeStep {
    fn apply(&self, channels: &mut ChannelList, limits: &Limits) -> Result<()> {
        let range = channels.range(self.begin, self.channels)?;
        if range.start < channels.meta() && !self.in_place {
            return Err(ModularFault::SqueezedMeta.into());
        }
        for (index, shape) in range.clone().zip(&channels.shapes()[range.clone()]) {
            let shift = shape.hshift.max(shape.vshift);
            if shift > MAX_SHIFT {
                return Err(ModularFault::SqueezedTooOften { channel: index as u64, shift }.into());
            }
            if shape.is_empty() {
                return Err(ModularFault::SqueezedEmpty { channel: index as u64 }.into());
            }
        }
        channels.reserve(range.len(), limits.modular_channels)?;
        let residuals = if self.in_place { range.end } else { channels.len() };
        channels.split(range, residuals, |shape| self.halve(shape));
        Ok(())
    }

    /// Shapes of the averages and of the residuals.
    fn halve(&self, shape: ChannelShape) -> (ChannelShape, ChannelShape) {
        let more = |shift: i32| if shift >= 0 { shift + 1 } else { shift };
        let (mut averages, mut residuals) = (shape, shape);
        if self.horizontal {
            averages.width = shape.width.div_ceil(2);
            averages.hshift = more(shape.hshift);
            residuals.width = shape.width / 2;
        } else {
            averages.height = shape.height.div_ceil(2);
            averages.vshift = more(shape.vshift);
            residuals.height = shape.height / 2;
        }
        (averages, residuals.with_shifts(averages.hshift, averages.vshift))
    }
}

impl SqueezeStep {
    /// Joins the averages from `begin` with their residuals, which leave the list.
    pub(super) fn undo<S: Sample>(
        &self,
        channels: &mut Vec<Channel<S>>,
        context: &UndoContext<'_>,
    ) -> Result<()> {
        let count = self.channels as usize;
        let averages = self.begin as usize..self.begin as usize + count;
        let first = if self.in_place { averages.end } else { channels.len().saturating_sub(count) };
        let residuals = first..first + count;
        if residuals.start < averages.end || residuals.end > channels.len() {
            return Err(MISSING);
        }
        for (average, residual) in averages.zip(residuals.clone()) {
            let joined = self.join(&channels[average], &channels[residual], context)?;
            channels[average] = joined;
            // The storage is wanted for the next channel.
            channels[residual].samples = None;
        }
        channels.drain(residuals);
        Ok(())
    }

    /// The channel that averages and residuals stand for.
    fn join<S: Sample>(
        &self,
        averages: &Channel<S>,
        residuals: &Channel<S>,
        context: &UndoContext<'_>,
    ) -> Result<Channel<S>> {
        let mut joined = Channel::lease(context.pool, self.joined_shape(averages.shape, residuals.shape)?)?;
        let (Some(average), Some(output)) = (averages.view(), joined.view_mut()) else {
            return Ok(joined);
        };
        // Empty residuals of a single row or column of averages.
        let Shape2 { rows, cols } = residuals.shape.matrix();
        let residual = residuals.view().unwrap_or(average.sub(Rect::new(0, 0, cols, rows)));
        self.join_samples(average, residual, output, context)?;
        Ok(joined)
    }

    fn join_samples<S: Sample>(
        &self,
        averages: View2<'_, S>,
        residuals: View2<'_, S>,
        output: ViewMut2<'_, S>,
        context: &UndoContext<'_>,
    ) -> Result<()> {
        let (parts, join): (_, fn(_, _, _, _) -> bool) = match self.horizontal {
            true => (Parts::of_rows(context, output.shape(), LANES), join_columns),
            false => (Parts::of_columns(context, output.shape(), COLUMNS), join_rows),
        };
        let join = |averages, residuals, output| match join(context.level, averages, residuals, output) {
            true => Err(Error::SampleOverflow),
            false => Ok(()),
        };
        if parts.count() <= 1 {
            return join(averages, residuals, output);
        }
        let grid = parts.grid(context, output)?;
        context.threads.run(parts.count(), |part| {
            let (row, col) = if self.horizontal { (part, 0) } else { (0, part) };
            let (Some(rect), Some(output)) = (grid.rect(row, col), grid.take(row, col)) else {
                return Ok(());
            };
            let rect_of = |shape: Shape2| match self.horizontal {
                true => Rect { x: 0, width: shape.cols, ..rect },
                false => Rect { y: 0, height: shape.rows, ..rect },
            };
            let (averages, residuals) =
                (averages.sub(rect_of(averages.shape())), residuals.sub(rect_of(residuals.shape())));
            join(averages, residuals, output)
        })
    }

    /// The shape of the channel that averages and residuals stand for.
    fn joined_shape(&self, averages: ChannelShape, residuals: ChannelShape) -> Result<ChannelShape> {
        let less = |shift: i32| if shift > 0 { shift - 1 } else { shift };
        let joined = match self.horizontal {
            true => ChannelShape {
                width: averages.width + residuals.width,
                hshift: less(averages.hshift),
                ..averages
            },
            false => ChannelShape {
                height: averages.height + residuals.height,
                vshift: less(averages.vshift),
                ..averages
            },
        };
        match self.halve(joined) == (averages, residuals) {
            true => Ok(joined),
            false => Err(MISSING),
        }
    }
}

/// The steps that stand for an empty list: chroma once in both directions if it is as large as the first channel, then
/// all channels until the first is small.
fn push_default_steps(channels: &ChannelList, steps: &mut Vec<SqueezeStep>) {
    let first = channels.meta();
    let Some(ChannelShape { mut width, mut height, .. }) = channels.shapes().get(first).copied() else {
        return;
    };
    let count = channels.len() - first;
    let chroma =
        |horizontal| SqueezeStep { horizontal, in_place: false, begin: first as u32 + 1, channels: 2 };
    if count > 2 {
        let second = channels.shapes()[first + 1];
        if (second.width, second.height) == (width, height) {
            steps.extend([chroma(true), chroma(false)]);
        }
    }
    let all =
        |horizontal| SqueezeStep { horizontal, in_place: true, begin: first as u32, channels: count as u32 };
    if height >= width && height > DEFAULT_SIZE {
        steps.push(all(false));
        height = height.div_ceil(2);
    }
    while width > DEFAULT_SIZE || height > DEFAULT_SIZE {
        if width > DEFAULT_SIZE {
            steps.push(all(true));
            width = width.div_ceil(2);
        }
        if height > DEFAULT_SIZE {
            steps.push(all(false));
            height = height.div_ceil(2);
        }
    }
}
