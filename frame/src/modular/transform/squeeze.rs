//! Squeeze: a Haar-like transform that halves channels into averages and residuals.

use std::ops::Range;

use jxlake_entropy::BitReader;

use super::read_begin;
use super::undo::MISSING;
use crate::error::Result;
use crate::fields::{Fields, c, u};
use crate::limits::Limits;
use crate::modular::channel::ChannelShape;
use crate::modular::channel_list::ChannelList;
use crate::modular::fault::ModularFault;

/// A channel with a larger shift is not squeezed again.
const MAX_SHIFT: i32 = 30;
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
    /// Where the averages and the residuals are in the list of `count` channels that the step has made; `None` if it cannot
    /// have made it.
    pub(super) fn places(&self, count: usize) -> Option<(Range<usize>, Range<usize>)> {
        let channels = self.channels as usize;
        let averages = self.begin as usize..self.begin as usize + channels;
        let first = if self.in_place { averages.end } else { count.checked_sub(channels)? };
        let residuals = first..first + channels;
        (averages.end <= residuals.start && residuals.end <= count).then_some((averages, residuals))
    }

    /// Splits what stands for the channels of a list as the step splits the channels: into averages and residuals.
    pub(super) fn split<T: Default>(&self, list: &mut Vec<T>, mut halve: impl FnMut(T) -> (T, T)) {
        let channels = self.channels as usize;
        let Some((averages, residuals)) = self.places(list.len() + channels) else { return };
        for index in averages {
            let (average, residual) = halve(std::mem::take(&mut list[index]));
            list[index] = average;
            list.push(residual);
        }
        list[residuals.start..].rotate_right(channels);
    }

    /// The shape of the channel that averages and residuals stand for.
    pub(super) fn joined_shape(
        &self,
        averages: ChannelShape,
        residuals: ChannelShape,
    ) -> Result<ChannelShape> {
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
