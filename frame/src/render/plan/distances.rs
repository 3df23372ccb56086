//! How far everything runs behind the edges of groups, and ahead of the rows that are wanted.

use super::level::{Level, Margins, row_stride, strip_size};
use super::link::{Action, Link, Node};
use super::{AXES, Axis, Plan};
use crate::Error;
use crate::render::{LANES, PAD, PAD_END, Stage, invalid_call};

/// State of a channel while the plan walks the chain backwards.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Need {
    margins: Margins,
    /// As [`Node::ahead`], for the rows of the level at hand.
    ahead: usize,
    /// The same for the window stage (or the consumer) that reads the level, and its border.
    reader_ahead: usize,
    reader_border: usize,
}

impl Plan {
    /// Walks the chain forwards: how far behind a group's edge each result stays.
    pub(super) fn find_lag(&mut self) -> Result<(), Error> {
        let group_size = self.frame.map_or(0, |frame| frame.group_size);
        for axis in AXES {
            self.lag[axis as usize] = 0;
            if self.groups[axis as usize] == 1 {
                continue;
            }
            let mut start = Need::default();
            start.margins.after[Axis::Rows as usize] = self.frame.map_or(0, |frame| frame.behind);
            self.needs.clear();
            self.needs.resize(self.channels, start);
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
    pub(super) fn find_needs(&mut self, stages: &[Stage<'_>]) -> Result<(), Error> {
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
    pub(super) fn place_levels(&mut self) {
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
            // What is read behind a row is the front of the next one; behind the last one there is room for it.
            level.stride = row_stride(level.lead + level.columns);
            if level.in_group {
                let rows = level.tile[1].min(level.size[1]).next_multiple_of(LANES);
                level.slots = level.margins.before[1] + rows;
                level.offset = self.group_elements;
                self.group_elements += level.slots * level.stride + PAD_END;
                let [width, height] = strip_size(level);
                level.strips = self.strip_elements;
                self.strip_elements[0] += width * level.tile[1];
                self.strip_elements[1] += height * level.tile[0];
            } else {
                level.offset = self.ring_elements;
                self.ring_elements += level.slots * level.stride + PAD_END;
            }
        }
        for node in &mut self.nodes {
            let links = &self.links[node.links.clone()];
            let columns = |link: &Link| self.levels[link.input].lead + self.levels[link.input].columns;
            let stride = row_stride(links.iter().map(columns).max().unwrap_or(0) + PAD_END + PAD);
            node.scratch = (self.ring_elements, node.scratch.1, stride);
            self.ring_elements += node.scratch.1 * stride;
        }
    }

    pub(super) fn find_edges(&mut self) {
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
