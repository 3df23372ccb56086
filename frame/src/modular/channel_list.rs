//! The list of a modular image's channels as the transforms change it, without samples.

use super::channel::ChannelShape;
use super::fault::ModularFault;
use crate::error::{Error, Result};
use crate::limits::Limit;

/// Shapes of the channels of a modular image in order. The first [`ChannelList::meta`] are meta-channels (palettes and
/// what was made of them), which have no place in the picture.
#[derive(Clone, Debug, Default)]
pub struct ChannelList {
    shapes: Vec<ChannelShape>,
    meta: usize,
}

impl ChannelList {
    /// Starts again with these channels, none of them meta-channels.
    pub fn reset(&mut self, shapes: &[ChannelShape]) {
        self.shapes.clear();
        self.shapes.extend_from_slice(shapes);
        self.meta = 0;
    }

    /// The shapes in order, meta-channels first.
    pub fn shapes(&self) -> &[ChannelShape] {
        &self.shapes
    }

    /// Number of meta-channels.
    pub fn meta(&self) -> usize {
        self.meta
    }

    /// Number of channels.
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Whether there are no channels.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Samples of all channels.
    pub fn samples(&self) -> u64 {
        self.shapes.iter().map(ChannelShape::samples).sum()
    }

    /// The range of `count` channels from `begin`, which exist and are all meta-channels or all not.
    pub(crate) fn range(&self, begin: u32, count: u32) -> Result<std::ops::Range<usize>> {
        let (begin, end) = (begin as usize, begin as usize + count as usize);
        if end > self.shapes.len() {
            return Err(
                ModularFault::ChannelRange { end: end as u64, channels: self.shapes.len() as u64 }.into()
            );
        }
        if begin < self.meta && end > self.meta {
            return Err(ModularFault::MixedChannels { meta: self.meta as u64 }.into());
        }
        Ok(begin..end)
    }

    /// Like [`ChannelList::range`], and all the channels have the same size and shifts.
    pub(crate) fn alike(&self, begin: u32, count: u32) -> Result<std::ops::Range<usize>> {
        let range = self.range(begin, count)?;
        let shapes = &self.shapes[range.clone()];
        match shapes.iter().position(|shape| *shape != shapes[0]) {
            Some(offset) => {
                Err(ModularFault::UnequalChannels { channel: (range.start + offset) as u64 }.into())
            }
            None => Ok(range),
        }
    }

    /// Replaces the channels `range` by the first of them, and puts a new meta-channel before all.
    pub(crate) fn merge(&mut self, range: std::ops::Range<usize>, meta_channel: ChannelShape) {
        let in_meta = range.start < self.meta;
        self.shapes.drain(range.start + 1..range.end);
        self.shapes.insert(0, meta_channel);
        match in_meta {
            true => self.meta = self.meta + 2 - range.len(),
            false => self.meta += 1,
        }
    }

    /// Room for `more` channels, within the bound on their number.
    pub(crate) fn reserve(&mut self, more: usize, bound: u64) -> Result<()> {
        let value = self.shapes.len() as u64 + more as u64;
        match value > bound {
            true => Err(Error::Limit { limit: Limit::ModularChannels, value, bound }),
            false => {
                self.shapes.reserve(more);
                Ok(())
            }
        }
    }

    /// Halves the channels `range` (a squeeze) and inserts the shapes of their residuals at `at`.
    pub(crate) fn split(
        &mut self,
        range: std::ops::Range<usize>,
        at: usize,
        halve: impl Fn(ChannelShape) -> (ChannelShape, ChannelShape),
    ) {
        if range.start < self.meta {
            self.meta += range.len();
        }
        let count = range.len();
        let old = self.shapes.len();
        self.shapes.resize(old + count, ChannelShape::default());
        self.shapes.copy_within(at..old, at + count);
        for (k, index) in range.enumerate() {
            (self.shapes[index], self.shapes[at + k]) = halve(self.shapes[index]);
        }
    }
}
