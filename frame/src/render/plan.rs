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

use super::stage::{Reach, Shift, Stage};
use super::{BAND_ROWS, LANES, MAX_BORDER, MAX_JOINT, PAD, PAD_END, invalid_call};
use crate::Error;

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

/// What a node of the plan does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Fetches rows of a channel from the row source.
    Load,
    /// Runs the window stage of this index.
    Window(usize),
    /// Runs the point stage of this index.
    Point(usize),
    /// Shows rows to the consumer, as this tap.
    Tap(usize),
}

/// Distances of an interval from the edges of a group, constant over the frame (except at its edges, where
/// the interval ends).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Margins {
    /// How far the interval begins before the group, per axis.
    pub(crate) before: [usize; 2],
    /// How far it ends before the group does, per axis.
    pub(crate) after: [usize; 2],
}

/// One action, on one channel or several together.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) action: Action,
    pub(crate) reach: Reach,
    /// Resolution of its input.
    pub(crate) shift: Shift,
    /// Its entries of [`Plan::links`].
    pub(crate) links: std::ops::Range<usize>,
    /// Its entries of [`Plan::currents`], for points and taps.
    pub(crate) currents: std::ops::Range<usize>,
    /// What it makes, in the resolution of its output.
    pub(crate) margins: Margins,
    /// When rows up to `t` of the finished frame are wanted, it must have done its input rows up to
    /// `ceil((t + ahead) / 2^shift.vertical)`.
    pub(crate) ahead: usize,
    /// Start of its scratch rows in the ring buffer, number and length of them.
    pub(crate) scratch: (usize, usize, usize),
}

/// A channel of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) channel: usize,
    /// Levels it reads and writes; equal unless the node is a window.
    pub(crate) input: usize,
    pub(crate) output: usize,
}

/// The samples of one channel between two window stages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) shift: Shift,
    /// Columns and rows in the frame.
    pub(crate) size: [usize; 2],
    /// Columns and rows of a group.
    pub(crate) tile: [usize; 2],
    pub(crate) margins: Margins,
    pub(crate) in_group: bool,
    /// Elements of a row before the group's first column, a multiple of 16.
    pub(crate) lead: usize,
    /// Columns from the group's first one on that there is room for, a multiple of 16.
    pub(crate) columns: usize,
    /// First element in its buffer, row distance, rows.
    pub(crate) offset: usize,
    pub(crate) stride: usize,
    pub(crate) slots: usize,
    /// Rows its producer makes at a time.
    emission: usize,
    /// Where its part of a right strip and of a bottom strip begins.
    pub(crate) strips: [usize; 2],
}

impl Level {
    /// `[start, end)` of the samples of `margins` along an axis for the `index`th group of `groups`.
    pub(crate) fn span(&self, margins: &Margins, axis: Axis, index: usize, groups: usize) -> (usize, usize) {
        let axis = axis as usize;
        let (tile, size) = (self.tile[axis], self.size[axis]);
        let start = if index == 0 { 0 } else { index * tile - margins.before[axis] };
        let end = if index + 1 == groups { size } else { (index + 1) * tile - margins.after[axis] };
        (start, end)
    }

    /// How many columns and rows the group at `position` has.
    pub(crate) fn tile_size(&self, position: [usize; 2]) -> [usize; 2] {
        [0, 1]
            .map(|axis| self.tile[axis].min(self.size[axis].saturating_sub(position[axis] * self.tile[axis])))
    }

    /// The element of a group's buffer that holds this row and column, counted from the group's first ones.
    /// They may be negative as far as the margins go.
    pub(crate) fn element(&self, row: isize, column: isize) -> usize {
        let row = (self.margins.before[1] as isize + row) as usize;
        self.offset + row * self.stride + (self.lead as isize + column) as usize
    }
}

/// State of a channel while the plan walks the chain backwards.
#[derive(Clone, Copy, Debug, Default)]
struct Need {
    margins: Margins,
    /// As [`Node::ahead`], for the rows of the level at hand.
    ahead: usize,
    /// The same for the window stage (or the consumer) that reads the level, and its border.
    reader_ahead: usize,
    reader_border: usize,
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
        for (channel, plan) in channels.iter().enumerate() {
            let level = self.level(plan.shift, plan.origin == Origin::Group)?;
            self.levels.push(level);
            if plan.origin == Origin::Rows {
                let at = self.links.len();
                self.links.push(Link { channel, input: channel, output: channel });
                self.push_node(Action::Load, Reach::default(), plan.shift, at);
            }
        }
        let mut current = std::mem::take(&mut self.currents);
        let linked = self.link_stages(stages, &mut current);
        self.currents = current;
        linked?;
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

    /// Number of groups in a row of groups, and number of rows of groups.
    pub fn groups(&self) -> [usize; 2] {
        self.groups
    }

    /// Whether groups need anything of their neighbours.
    pub(crate) fn has_strips(&self) -> bool {
        self.strip_elements != [0, 0]
    }

    fn level(&self, shift: Shift, in_group: bool) -> Result<Level, Error> {
        let frame = self.frame.ok_or(invalid_call("no frame"))?;
        let size = AXES.map(|axis| frame.size(axis).div_ceil(1 << shift.along(axis)));
        let tile = AXES.map(|axis| frame.group_size >> shift.along(axis));
        if AXES.iter().any(|&axis| !frame.group_size.is_multiple_of(LANES << shift.along(axis))) {
            return Err(invalid_call("group size is not a multiple of the scale"));
        }
        Ok(Level {
            shift,
            size,
            tile,
            margins: Margins::default(),
            in_group,
            lead: 0,
            columns: tile[0].min(size[0]).next_multiple_of(LANES),
            offset: 0,
            stride: 0,
            slots: 0,
            emission: 1,
            strips: [0, 0],
        })
    }

    fn push_node(&mut self, action: Action, reach: Reach, shift: Shift, first_link: usize) {
        self.nodes.push(Node {
            action,
            reach,
            shift,
            links: first_link..self.links.len(),
            currents: 0..0,
            margins: Margins::default(),
            ahead: 0,
            scratch: (0, 0, 0),
        });
    }

    /// Makes nodes, links and levels of the stages, in order. `current` holds the level every channel has
    /// arrived at in front, and a copy of that for every node that wants one behind.
    fn link_stages(&mut self, stages: &[Stage<'_>], current: &mut Vec<u32>) -> Result<(), Error> {
        let channels = self.channels;
        current.extend(0..channels as u32);
        let mut taps = 0;
        for (index, stage) in stages.iter().enumerate() {
            match stage {
                Stage::Window(_) if taps > 0 => return Err(invalid_call("window stage behind a tap")),
                Stage::Window(stage) => {
                    let mut first_link = self.links.len();
                    let mut common: Option<(Reach, Shift)> = None;
                    for channel in 0..channels {
                        let input = current[channel] as usize;
                        let shift = self.levels[input].shift;
                        let Some(reach) = stage.reach(channel, shift) else { continue };
                        let mut level = self.scaled(input, reach)?;
                        level.emission = 1 << reach.scale.vertical;
                        let output = self.levels.len();
                        self.levels.push(level);
                        self.links.push(Link { channel, input, output });
                        current[channel] = output as u32;
                        if !stage.joint() {
                            self.push_node(Action::Window(index), reach, shift, first_link);
                            first_link = self.links.len();
                        } else if *common.get_or_insert((reach, shift)) != (reach, shift) {
                            return Err(invalid_call("joint channels differ"));
                        }
                    }
                    if let Some((reach, shift)) = common {
                        if self.links.len() - first_link > MAX_JOINT {
                            return Err(invalid_call("too many joint channels"));
                        }
                        self.push_node(Action::Window(index), reach, shift, first_link);
                    }
                }
                Stage::Point(stage) => {
                    self.link_rows(Action::Point(index), |channel| stage.touches(channel), current)?;
                }
                Stage::Tap => {
                    self.link_rows(Action::Tap(taps), |_| true, current)?;
                    taps += 1;
                }
            }
        }
        self.link_rows(Action::Tap(taps), |_| true, current)
    }

    /// The level that a window stage makes of level `input`.
    fn scaled(&self, input: usize, reach: Reach) -> Result<Level, Error> {
        let shift = self.levels[input].shift;
        if AXES.iter().any(|&axis| reach.along(axis) > MAX_BORDER) {
            return Err(invalid_call("border too wide"));
        }
        let lowered =
            |from: u8, by: u8| from.checked_sub(by).ok_or(invalid_call("channel upsampled too far"));
        let shift = Shift {
            horizontal: lowered(shift.horizontal, reach.scale.horizontal)?,
            vertical: lowered(shift.vertical, reach.scale.vertical)?,
        };
        let mut level = self.level(shift, false)?;
        level.columns = self.levels[input].columns << reach.scale.horizontal;
        Ok(level)
    }

    fn link_rows(
        &mut self,
        action: Action,
        touches: impl Fn(usize) -> bool,
        current: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let (channels, first_link) = (self.channels, self.links.len());
        let mut common = None;
        for channel in (0..channels).filter(|&channel| touches(channel)) {
            let level = current[channel] as usize;
            let shift = self.levels[level].shift;
            if *common.get_or_insert(shift) != shift {
                return Err(invalid_call("point stage on channels of different resolution"));
            }
            self.links.push(Link { channel, input: level, output: level });
        }
        let shift = common.unwrap_or_default();
        if matches!(action, Action::Tap(_)) && shift != Shift::both(0) {
            return Err(invalid_call("channel delivered in low resolution"));
        }
        if common.is_some() {
            self.push_node(action, Reach::default(), shift, first_link);
            let at = current.len();
            current.extend_from_within(..channels);
            if let Some(node) = self.nodes.last_mut() {
                node.currents = at..at + channels;
            }
        }
        Ok(())
    }

    /// Walks the chain forwards: how far behind a group's edge each result stays.
    fn find_lag(&mut self) -> Result<(), Error> {
        let group_size = self.frame.map_or(0, |frame| frame.group_size);
        for axis in AXES {
            self.lag[axis as usize] = 0;
            if self.groups[axis as usize] == 1 {
                continue;
            }
            self.needs.clear();
            self.needs.resize(self.channels, Need::default());
            let behind = |need: &Need| need.margins.after[axis as usize];
            for node in &self.nodes {
                let links = &self.links[node.links.clone()];
                let joint = links.iter().map(|link| behind(&self.needs[link.channel])).max().unwrap_or(0);
                let lag = (joint + node.reach.along(axis)) << node.reach.scale.along(axis);
                for link in links {
                    self.needs[link.channel].margins.after[axis as usize] = lag;
                }
            }
            let lag = self.needs.iter().map(behind).max().unwrap_or(0);
            if lag >= group_size {
                return Err(invalid_call("borders wider than a group"));
            }
            self.lag[axis as usize] = lag;
        }
        Ok(())
    }

    /// Walks the chain backwards from the finished regions: what each node has to make, what each level has
    /// to keep.
    fn find_needs(&mut self, stages: &[Stage<'_>]) -> Result<(), Error> {
        let margins = Margins { before: self.lag, after: self.lag };
        self.needs.clear();
        self.needs.resize(self.channels, Need { margins, ..Need::default() });
        let band = self.band_rows;
        for node in self.nodes.iter_mut().rev() {
            let links = &self.links[node.links.clone()];
            let mut union = self.needs[links[0].channel];
            for link in &links[1..] {
                let need = &self.needs[link.channel];
                union.ahead = union.ahead.max(need.ahead);
                for axis in 0..2 {
                    let (all, one) = (&mut union.margins, &need.margins);
                    all.before[axis] = all.before[axis].max(one.before[axis]);
                    all.after[axis] = all.after[axis].min(one.after[axis]);
                }
            }
            node.margins = union.margins;
            node.ahead = union.ahead;
            if let Action::Window(stage) = node.action
                && let Stage::Window(stage) = stages[stage]
            {
                node.scratch.1 = stage.scratch_rows();
            }
            let inner = match node.action {
                Action::Window(_) => widened(&union, node, self.groups)?,
                _ => union,
            };
            for link in links {
                let need = &mut self.needs[link.channel];
                if matches!(node.action, Action::Window(_) | Action::Load) {
                    keep(&mut self.levels[link.output], &union, need, band);
                }
                if let Action::Window(_) = node.action {
                    *need = inner;
                } else {
                    (need.margins, need.ahead) = (union.margins, union.ahead);
                }
            }
        }
        for (level, need) in self.levels.iter_mut().zip(&self.needs).filter(|(level, _)| level.in_group) {
            level.margins = need.margins;
        }
        for level in &self.levels {
            for axis in 0..2 {
                if self.groups[axis] > 1 && level.margins.before[axis] > level.tile[axis] {
                    return Err(invalid_call("borders wider than a group"));
                }
            }
        }
        Ok(())
    }

    /// Gives every level and every scratch its place in the group's buffer or in the rings.
    fn place_levels(&mut self) {
        (self.group_elements, self.ring_elements, self.strip_elements) = (0, 0, [0, 0]);
        for index in 0..self.levels.len() {
            let producer = self.links.iter().position(|link| link.output == index && link.input != index);
            let scale = producer.map_or(0, |link| {
                let from = &self.levels[self.links[link].input];
                from.shift.horizontal - self.levels[index].shift.horizontal
            });
            let level = &mut self.levels[index];
            // Upsampling starts on a line of its input, which is up to `scale` lines of the output.
            level.lead = level.margins.before[0].next_multiple_of(LANES << scale) + PAD;
            level.stride = row_stride(level.lead + level.columns + PAD_END);
            if level.in_group {
                let rows = level.tile[1].min(level.size[1]).next_multiple_of(LANES);
                level.slots = level.margins.before[1] + rows;
                level.offset = self.group_elements;
                self.group_elements += level.slots * level.stride;
                let [width, height] = strip_size(level);
                level.strips = self.strip_elements;
                self.strip_elements[0] += width * level.tile[1];
                self.strip_elements[1] += height * level.tile[0];
            } else {
                level.offset = self.ring_elements;
                self.ring_elements += level.slots * level.stride;
            }
        }
        for node in &mut self.nodes {
            let links = &self.links[node.links.clone()];
            let stride = links.iter().map(|link| self.levels[link.input].stride).max().unwrap_or(0);
            let stride = row_stride(stride + PAD);
            node.scratch = (self.ring_elements, node.scratch.1, stride);
            self.ring_elements += node.scratch.1 * stride;
        }
    }

    fn find_edges(&mut self) {
        let Some(frame) = self.frame else { return };
        for axis in AXES {
            let (groups, lag) = (self.groups[axis as usize], self.lag[axis as usize]);
            let edges = &mut self.edges[axis as usize];
            edges.clear();
            edges.push(0);
            edges.extend((1..groups).map(|index| index * frame.group_size - lag));
            edges.push(frame.size(axis));
        }
    }
}

/// Width of a group's right strip and height of its bottom strip; the width is whole lines.
pub(crate) fn strip_size(level: &Level) -> [usize; 2] {
    [level.margins.before[0].next_multiple_of(LANES), level.margins.before[1]]
}

/// Elements from row to row: whole lines, and no two rows of a window at the same place of a page.
fn row_stride(elements: usize) -> usize {
    let stride = elements.next_multiple_of(LANES);
    if stride.is_multiple_of(512) { stride + LANES } else { stride }
}

/// What a window node needs of its input for what is needed of its output.
fn widened(need: &Need, node: &Node, groups: [usize; 2]) -> Result<Need, Error> {
    let mut inner = *need;
    for axis in AXES {
        let (border, scale) = (node.reach.along(axis), node.reach.scale.along(axis));
        let axis = axis as usize;
        if groups[axis] == 1 {
            continue;
        }
        inner.margins.before[axis] = need.margins.before[axis].div_ceil(1 << scale) + border;
        let after = (need.margins.after[axis] >> scale).checked_sub(border);
        inner.margins.after[axis] = after.ok_or(invalid_call("border beyond the group"))?;
    }
    let border = node.reach.along(Axis::Rows);
    inner.ahead = need.ahead + (border << node.shift.along(Axis::Rows));
    (inner.reader_ahead, inner.reader_border) = (inner.ahead, border);
    Ok(inner)
}

/// Notes what a level has to hold, given what is made of it (`made`) and what its reader needs (`need`).
///
/// When its reader comes to a band, the rows of the band, their borders, what the producer made beyond the
/// last one because it makes several at a time, and what it made for the sake of other channels are there.
fn keep(level: &mut Level, made: &Need, need: &Need, band: usize) {
    let step = 1usize << level.shift.along(Axis::Rows);
    let early = (made.ahead - need.reader_ahead.min(made.ahead)).div_ceil(step);
    level.margins = made.margins;
    level.slots = band.div_ceil(step) + 2 * need.reader_border + level.emission - 1 + early;
}
