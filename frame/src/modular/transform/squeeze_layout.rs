//! Where the coded channels of a squeeze lie in the channels that it was made of: averages first, residuals to the right
//! of them or below. So a step is undone where the samples are, and no second matrix is needed.

use jxlake_util::{Axis, Pool, Purpose, Rect, ViewMut2};

use super::squeeze::SqueezeStep;
use super::undo::{MISSING, UndoContext};
use super::unsqueeze::{LANES, join_columns, join_rows};
use crate::error::{Error, Result};
use crate::modular::channel::{Channel, ChannelShape, Sample};

/// Rows are joined in strips of this many columns: whole cache lines, of which even tall ones stay in the L2 cache.
const COLUMNS: usize = 64;
/// Steps of fewer samples are not worth a second thread.
const MIN_SHARED: usize = 1 << 16;

/// The layout of one squeeze; of none, every channel is its own.
#[derive(Clone, Debug, Default)]
pub(in crate::modular) struct SqueezeLayout {
    /// The channels before the squeeze.
    shapes: Vec<ChannelShape>,
    /// Where each coded channel lies.
    parts: Vec<Part>,
    /// What is joined, in the order of the squeeze.
    joins: Vec<Join>,
}

/// A rectangle of a channel.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    channel: usize,
    rect: Rect,
}

/// A rectangle that holds averages and their residuals.
#[derive(Clone, Copy, Debug)]
struct Join {
    part: Part,
    /// Whether columns are joined; otherwise rows.
    horizontal: bool,
}

impl SqueezeLayout {
    /// Lays out the channels `coded` that `steps` have made.
    ///
    /// # Errors
    ///
    /// Misuse if the steps cannot have made them.
    pub(in crate::modular) fn lay_out(
        &mut self,
        steps: &[SqueezeStep],
        coded: impl Iterator<Item = ChannelShape>,
    ) -> Result<()> {
        let Self { shapes, parts, joins } = self;
        shapes.clear();
        shapes.extend(coded);
        for step in steps.iter().rev() {
            let (averages, residuals) = step.places(shapes.len()).ok_or(MISSING)?;
            for (average, residual) in averages.zip(residuals.clone()) {
                shapes[average] = step.joined_shape(shapes[average], shapes[residual])?;
            }
            shapes.drain(residuals);
        }
        parts.clear();
        parts
            .extend(shapes.iter().enumerate().map(|(channel, shape)| Part { channel, rect: rect_of(shape) }));
        joins.clear();
        for step in steps {
            let horizontal = step.horizontal;
            step.split(parts, |part| {
                joins.push(Join { part, horizontal });
                let Rect { x, y, width, height } = part.rect;
                let (left, top) = if horizontal { (width.div_ceil(2), 0) } else { (0, height.div_ceil(2)) };
                let residuals = Rect::new(x + left, y + top, width - left, height - top);
                let averages = match horizontal {
                    true => Rect { width: left, ..part.rect },
                    false => Rect { height: top, ..part.rect },
                };
                (Part { rect: averages, ..part }, Part { rect: residuals, ..part })
            });
        }
        Ok(())
    }

    /// The largest strip of a channel that is copied to be joined.
    pub(in crate::modular) fn strip(shape: &ChannelShape) -> ChannelShape {
        let (columns, rows) = (COLUMNS as u32, LANES as u32);
        match u64::from(columns) * u64::from(shape.height) > u64::from(rows) * u64::from(shape.width) {
            true => ChannelShape { width: columns.min(shape.width), ..*shape },
            false => ChannelShape { height: rows.min(shape.height), ..*shape },
        }
    }

    /// Puts the coded channels where they lie: the list becomes that of the channels before the squeeze. Samples that are
    /// not there yet are left unspecified. Does nothing if that was done before.
    ///
    /// # Errors
    ///
    /// [`Error::Pool`] if there is no memory.
    pub(in crate::modular) fn gather<S: Sample>(
        &self,
        channels: &mut Vec<Channel<S>>,
        pool: &Pool,
    ) -> Result<()> {
        let coded = self.parts.len();
        if channels.len() != coded {
            return Ok(());
        }
        channels.extend(self.shapes.iter().map(|&shape| Channel { shape, samples: None }));
        let (parts, whole) = channels.split_at_mut(coded);
        for (part, place) in parts.iter_mut().zip(&self.parts) {
            let channel = &mut whole[place.channel];
            if place.rect == rect_of(&channel.shape) {
                channel.samples = part.samples.take();
            }
            if channel.samples.is_none() {
                *channel = Channel::lease(pool, channel.shape)?;
            }
            if let (Some(samples), Some(mut channel)) = (part.view(), channel.view_mut()) {
                channel.sub_mut(place.rect).copy_from(samples);
            }
        }
        channels.drain(..coded);
        Ok(())
    }

    /// The place of each coded channel, to be written, in the list that [`gather`](Self::gather) has made.
    pub(in crate::modular) fn split<'c, S: Sample>(
        &self,
        steps: &[SqueezeStep],
        channels: &'c mut [Channel<S>],
        views: &mut Vec<ViewMut2<'c, S>>,
    ) {
        views.clear();
        views.extend(channels.iter_mut().map(|channel| channel.view_mut().unwrap_or_default()));
        for step in steps {
            step.split(views, |view| match step.horizontal {
                true => {
                    let columns = view.cols().div_ceil(2);
                    view.split_at_col(columns)
                }
                false => {
                    let rows = view.rows().div_ceil(2);
                    view.split_at_row(rows)
                }
            });
        }
    }

    /// Joins the parts of the gathered channels.
    ///
    /// # Errors
    ///
    /// [`Error::SampleOverflow`] for 16-bit samples that do not suffice, [`Error::Pool`] if there is no memory.
    pub(in crate::modular) fn undo<S: Sample>(
        &self,
        channels: &mut [Channel<S>],
        context: &UndoContext<'_>,
    ) -> Result<()> {
        for join in self.joins.iter().rev() {
            let channel = channels.get_mut(join.part.channel).ok_or(MISSING)?;
            if let Some(samples) = channel.view_mut() {
                join.undo(samples.into_sub(join.part.rect), context)?;
            }
        }
        Ok(())
    }
}

impl Join {
    /// Joins `samples`, averages and residuals, where they are.
    fn undo<S: Sample>(&self, samples: ViewMut2<'_, S>, context: &UndoContext<'_>) -> Result<()> {
        let (rows, cols) = (samples.rows(), samples.cols());
        let (rows, cols) = if self.horizontal { (LANES, cols) } else { (rows, COLUMNS) };
        let is_small = samples.rows() * samples.cols() < MIN_SHARED;
        let strips = samples.into_grid(context.pool, Axis::Every(rows), Axis::Every(cols))?;
        let join = |strip: usize| {
            let (row, col) = if self.horizontal { (strip, 0) } else { (0, strip) };
            strips.take(row, col).map_or(Ok(()), |strip| join_strip(strip, self.horizontal, context))
        };
        match is_small {
            true => (0..strips.tiles()).try_for_each(join),
            false => context.threads.run(strips.tiles(), join),
        }
    }
}

/// Joins a strip, whose lines do not depend on others, by way of a copy.
pub(super) fn join_strip<S: Sample>(
    strip: ViewMut2<'_, S>,
    horizontal: bool,
    context: &UndoContext<'_>,
) -> Result<()> {
    let (rows, cols) = (strip.rows(), strip.cols());
    let mut copy = context.pool.buffer(Purpose::Modular, rows * cols)?;
    let mut copy = ViewMut2::from_slice(&mut copy, rows, cols, cols).map_err(|_| MISSING)?;
    copy.copy_from(strip.as_view());
    let copy = copy.into_view();
    let overflows = match horizontal {
        true => {
            let (averages, residuals) = copy.split_at_col(cols.div_ceil(2));
            join_columns(context.level, averages, residuals, strip)
        }
        false => {
            let (averages, residuals) = copy.split_at_row(rows.div_ceil(2));
            join_rows(context.level, None, averages, residuals, strip)
        }
    };
    if overflows { Err(Error::SampleOverflow) } else { Ok(()) }
}

fn rect_of(shape: &ChannelShape) -> Rect {
    Rect::new(0, 0, shape.width as usize, shape.height as usize)
}
