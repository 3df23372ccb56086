//! The chain of stages laid out over groups: what every link reads, how far it runs behind a group's edges,
//! how many rows it must keep.
//!
//! A group's samples reach up to its right and bottom edge, and a filter cannot pass an edge before the next
//! group is there. So the part of the finished frame that group `(i, j)` completes is shifted left and up by
//! what all borders of the chain add up to, the *lag*: its columns are `[end(i - 1), end(i))` with
//! `end(i)` = right edge - lag, or the frame's edge for the last group. Everything a region needs lies in its
//! own group and in narrow *strips* of the groups to the left and above; nothing that a stage made is ever
//! passed from group to group, and no sample of the finished frame is made twice.
//!
//! Group sizes are multiples of every scale in the chain, therefore all distances from a group's edges are
//! the same for all groups, and one layout serves them all.

mod distances;
mod level;
mod link;

pub(crate) use level::{Level, strip_size};
pub(crate) use link::{Action, Node};

use self::distances::Need;
use self::link::Link;
use super::stage::{Reach, Shift, Stage};
use super::{BAND_ROWS, LANES, invalid_call};
use crate::Error;
use jxlake_util::Pool;

/// A direction; most of the layout is the same computation for columns and for rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Columns = 0,
    Rows = 1,
}

pub(crate) const AXES: [Axis; 2] = [Axis::Columns, Axis::Rows];

impl Shift {
    pub(crate) fn along(self, axis: Axis) -> u32 {
        u32::from(if axis == Axis::Columns { self.horizontal } else { self.vertical })
    }
}

impl Reach {
    pub(crate) fn along(self, axis: Axis) -> usize {
        usize::from(if axis == Axis::Columns { self.columns } else { self.rows })
    }
}

/// The finished frame and its groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    /// Width after upsampling.
    pub width: usize,
    /// Height after upsampling.
    pub height: usize,
    /// Columns and rows a group covers after upsampling: `group_dim * upsampling`.
    pub group_size: usize,
    /// Rows, in its own resolution, that a [source](Origin::Rows) does not have yet when it has a row of groups.
    pub behind: usize,
}

impl FrameShape {
    pub(crate) fn size(&self, axis: Axis) -> usize {
        if axis == Axis::Columns { self.width } else { self.height }
    }
}

/// Where the samples of a channel come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The groups bring them ([`GroupInput`](super::GroupInput)).
    Group,
    /// A [`RowSource`](super::RowSource) gives them row by row, in any order.
    Rows,
}

/// A channel as it enters the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelPlan {
    /// Its resolution.
    pub shift: Shift,
    /// Its source.
    pub origin: Origin,
}

/// A chain of stages, checked and laid out for a frame. Reusable: building again keeps the memory.
#[derive(Debug, Default)]
pub struct Plan {
    pub(crate) frame: Option<FrameShape>,
    pub(crate) groups: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: Vec<Link>,
    /// Level of each channel, for nodes that look at rows of any channel.
    pub(crate) currents: Vec<u32>,
    pub(crate) levels: Vec<Level>,
    /// Elements of a group's samples, of the rings with the scratch behind them.
    pub(crate) group_elements: usize,
    pub(crate) ring_elements: usize,
    /// Elements of a group's right and bottom strip.
    pub(crate) strip_elements: [usize; 2],
    pub(crate) band_rows: usize,
    /// Distance of the regions' ends from the groups' edges.
    pub(crate) lag: [usize; 2],
    edges: [Vec<usize>; 2],
    needs: Vec<Need>,
}

impl Plan {
    /// Lays out `stages` for a frame. Fails with misuse when the chain does not fit together: channels of
    /// different resolution in a joint stage, channels that do not end in full resolution, borders wider than
    /// groups, a window stage behind a tap, an empty frame.
    pub fn build(
        &mut self,
        frame: FrameShape,
        channels: &[ChannelPlan],
        stages: &[Stage<'_>],
    ) -> Result<(), Error> {
        self.build_with(frame, channels, stages, BAND_ROWS)
    }

    /// As [`build`](Self::build), making `band_rows` rows in one call of a stage. The pixels are the same for
    /// any number; it is for tests and measurements.
    pub fn build_with(
        &mut self,
        frame: FrameShape,
        channels: &[ChannelPlan],
        stages: &[Stage<'_>],
        band_rows: usize,
    ) -> Result<(), Error> {
        if frame.width == 0 || frame.height == 0 || band_rows == 0 {
            return Err(invalid_call("empty frame"));
        }
        if frame.group_size == 0 || !frame.group_size.is_multiple_of(LANES) {
            return Err(invalid_call("group size"));
        }
        self.frame = Some(frame);
        self.groups = AXES.map(|axis| frame.size(axis).div_ceil(frame.group_size));
        self.channels = channels.len();
        self.band_rows = band_rows;
        self.nodes.clear();
        self.links.clear();
        self.currents.clear();
        self.levels.clear();
        self.link_channels(channels)?;
        self.link_stages(stages)?;
        self.find_lag()?;
        self.find_needs(stages)?;
        self.place_levels();
        self.find_edges();
        Ok(())
    }

    /// The columns that divide the finished frame into regions: 0, where each region but the last ends, the
    /// frame's width.
    pub fn column_edges(&self) -> &[usize] {
        &self.edges[0]
    }

    /// The rows that divide the finished frame into regions, as [`column_edges`](Self::column_edges).
    pub fn row_edges(&self) -> &[usize] {
        &self.edges[1]
    }

    /// How many rows above the end of a row of groups, and all below, the next row of groups needs of its source, in the
    /// source's resolution.
    pub fn source_rows_kept(&self) -> usize {
        // First come the levels that channels enter the chain with.
        let levels = self.levels.iter().take(self.channels).filter(|level| !level.in_group);
        levels.map(|level| level.margins.before[1]).max().unwrap_or(0)
    }

    /// Number of groups in a row of groups, and number of rows of groups.
    pub fn groups(&self) -> [usize; 2] {
        self.groups
    }

    /// Bytes that rendering takes from the pool: whatever the number of workers, more for each, and more for each beyond the
    /// first, whose groups may wait for those before.
    pub fn memory(&self) -> [u64; 3] {
        let bytes = Pool::bytes_of_buffer::<f32>;
        let [columns, rows] = self.groups.map(|groups| groups as u64);
        // Groups come nearly in order: those of a row wait for the row below.
        let [right, bottom] = self.strip_elements.map(bytes);
        let waiting = if rows > 1 { bottom.saturating_mul(columns + 1) } else { 0 };
        let beside = if columns > 1 { right } else { 0 } + if rows > 1 { bottom } else { 0 };
        let group = bytes(self.group_elements);
        let early = if self.has_strips() { group } else { 0 };
        [waiting, group + bytes(self.ring_elements) + beside, early]
    }

    /// Whether groups need anything of their neighbours.
    pub(crate) fn has_strips(&self) -> bool {
        self.strip_elements != [0, 0]
    }
}
