//! The samples of a group, on their way from the decoder to the chain of stages.

use super::LANES;
use super::invalid_call;
use super::plan::{Level, Plan};
use crate::Error;
use jxlake_util::{Buffer, Lease, ViewMut2};

/// How much of a group's memory to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Exactly the samples of the group.
    Exact,
    /// Columns and rows rounded up to multiples of 16, for decoders of whole blocks. What they write beyond
    /// the group's samples is never seen.
    Padded,
}

/// Memory for the samples of one group, leased from a
/// [`StreamingExecutor`](super::StreamingExecutor::lease_group). Dropping it gives it back.
#[derive(Debug)]
pub struct GroupInput<'f> {
    plan: &'f Plan,
    group: usize,
    samples: Lease<Buffer<f32>>,
}

impl<'f> GroupInput<'f> {
    pub(crate) fn new(plan: &'f Plan, group: usize, samples: Lease<Buffer<f32>>) -> Self {
        Self { plan, group, samples }
    }

    pub(crate) fn into_parts(self) -> (usize, Lease<Buffer<f32>>) {
        (self.group, self.samples)
    }

    /// The number of the group, row by row.
    pub fn group(&self) -> usize {
        self.group
    }

    /// Column and row of the group.
    pub fn position(&self) -> [usize; 2] {
        let columns = self.plan.groups[0];
        [self.group % columns, self.group / columns]
    }

    /// The samples of one channel, which must be one that groups bring. Rows and columns are those of the
    /// group's part of the channel, in the channel's own resolution.
    pub fn channel(&mut self, channel: usize, extent: Extent) -> Result<ViewMut2<'_, f32>, Error> {
        let [view] = self.channels([channel], extent)?;
        Ok(view)
    }

    /// The samples of several channels at once, each of which must be named only once.
    pub fn channels<const N: usize>(
        &mut self,
        channels: [usize; N],
        extent: Extent,
    ) -> Result<[ViewMut2<'_, f32>; N], Error> {
        let position = self.position();
        let mut ranges = [const { 0..0 }; N];
        let mut shapes = [[0; 3]; N];
        for ((range, shape), channel) in ranges.iter_mut().zip(&mut shapes).zip(channels) {
            let level = (channel < self.plan.channels).then(|| &self.plan.levels[channel]);
            let level = level.filter(|level| level.in_group);
            let level: &Level = level.ok_or(invalid_call("channel does not come in groups"))?;
            let mut size = level.tile_size(position);
            if extent == Extent::Padded {
                size = size.map(|side| side.next_multiple_of(LANES));
            }
            *range = level.element(0, 0)..level.offset + level.slots * level.stride;
            *shape = [size[1], size[0], level.stride];
        }
        let parts = self.samples.get_disjoint_mut(ranges);
        let parts = parts.map_err(|_| invalid_call("channel named twice"))?;
        let mut views = [const { None }; N];
        for ((view, part), [rows, columns, stride]) in views.iter_mut().zip(parts).zip(shapes) {
            *view = ViewMut2::from_slice(part, rows, columns, stride).ok();
        }
        if views.iter().any(Option::is_none) {
            return Err(invalid_call("channel outside of the group"));
        }
        Ok(views.map(Option::unwrap_or_default))
    }
}
