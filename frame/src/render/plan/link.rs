//! From stages to nodes: every stage linked to the levels it reads and writes.

use super::level::{Level, Margins};
use super::{AXES, ChannelPlan, Origin, Plan, Reach, Shift};
use crate::Error;
use crate::render::{MAX_BORDER, MAX_JOINT, Stage, WindowStage, invalid_call};

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

impl Plan {
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

    /// Makes the levels that the channels enter the chain with.
    pub(super) fn link_channels(&mut self, channels: &[ChannelPlan]) -> Result<(), Error> {
        for (channel, plan) in channels.iter().enumerate() {
            let level = self.level(plan.shift, plan.origin == Origin::Group)?;
            self.levels.push(level);
            if plan.origin == Origin::Rows {
                let at = self.links.len();
                self.links.push(Link { channel, input: channel, output: channel });
                self.push_node(Action::Load, Reach::default(), plan.shift, at);
            }
        }
        Ok(())
    }

    /// Makes nodes, links and levels of the stages, in order, and a tap at the end.
    pub(super) fn link_stages(&mut self, stages: &[Stage<'_>]) -> Result<(), Error> {
        // In front stands the level that every channel has arrived at; nodes that want one get a copy behind.
        self.currents.extend(0..self.channels as u32);
        let mut taps = 0;
        for (index, stage) in stages.iter().enumerate() {
            match stage {
                Stage::Window(_) if taps > 0 => return Err(invalid_call("window stage behind a tap")),
                Stage::Window(stage) => self.link_window(index, *stage)?,
                Stage::Point(stage) => {
                    self.link_rows(Action::Point(index), |channel| stage.touches(channel))?;
                }
                Stage::Tap => {
                    self.link_rows(Action::Tap(taps), |_| true)?;
                    taps += 1;
                }
            }
        }
        self.link_rows(Action::Tap(taps), |_| true)
    }

    fn link_window(&mut self, index: usize, stage: &dyn WindowStage) -> Result<(), Error> {
        let mut first_link = self.links.len();
        let mut common = None;
        for channel in 0..self.channels {
            let input = self.currents[channel] as usize;
            let shift = self.levels[input].shift;
            let Some(reach) = stage.reach(channel, shift) else { continue };
            let output = self.levels.len();
            self.levels.push(self.scaled(input, reach)?);
            self.links.push(Link { channel, input, output });
            self.currents[channel] = output as u32;
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
        Ok(())
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
        level.emission = 1 << reach.scale.vertical;
        Ok(level)
    }

    /// A node that looks at one row of the channels it touches.
    fn link_rows(&mut self, action: Action, touches: impl Fn(usize) -> bool) -> Result<(), Error> {
        let (channels, first_link) = (self.channels, self.links.len());
        let mut common = None;
        for channel in (0..channels).filter(|&channel| touches(channel)) {
            let level = self.currents[channel] as usize;
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
            let at = self.currents.len();
            self.currents.extend_from_within(..channels);
            if let Some(node) = self.nodes.last_mut() {
                node.currents = at..at + channels;
            }
        }
        Ok(())
    }
}
