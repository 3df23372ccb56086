//! One region of the finished frame: rows go through the chain from top to bottom, every stage as far as the
//! next one needs it, and only the rows still to be read are kept.

use super::consumer::{Region, RowConsumer, RowSink, RowSource};
use super::plan::{Action, Axis, Level, Node, Plan};
use super::rows::{Area, ConsumerRow, OutputRows, Place, PointRows, ScratchRows, Store, Window};
use super::stage::{Stage, mirror};
use super::{LANES, invalid_call};
use crate::Error;
use jxlake_util::Rect;

/// What rendering a region needs besides samples; reused from region to region.
#[derive(Debug, Default)]
pub(crate) struct RegionState {
    stores: Vec<Store>,
    progress: Vec<Progress>,
}

/// How far a node has come, in rows of its input.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// First row of all, first row not yet done, row after the last one.
    start: usize,
    done: usize,
    end: usize,
    /// First input row whose columns outside of the frame are not yet filled.
    padded: usize,
    /// First column, a multiple of 16, and the column after the last one.
    left: usize,
    right: usize,
}

/// The chain that regions run through.
#[derive(Clone, Copy)]
pub(crate) struct Chain<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) stages: &'a [Stage<'a>],
    pub(crate) source: Option<&'a dyn RowSource>,
    pub(crate) level: fearless_simd::Level,
}

/// The stages of a job are others than those that its plan was built from.
const STAGES: Error = invalid_call("render: the plan belongs to other stages");

/// A region on its way through the chain.
pub(crate) struct Renderer<'a> {
    pub(crate) chain: Chain<'a>,
    /// Column and row of the group.
    pub(crate) position: [usize; 2],
    /// The group's samples, strips filled in.
    pub(crate) group: &'a mut [f32],
    pub(crate) rings: &'a mut [f32],
    pub(crate) state: &'a mut RegionState,
}

impl Renderer<'_> {
    /// Makes the region and hands its rows to `consumer`.
    pub(crate) fn run(&mut self, consumer: &dyn RowConsumer) -> Result<(), Error> {
        let plan = self.chain.plan;
        let [column, row] = self.position;
        let edges = [plan.column_edges(), plan.row_edges()];
        let [x, y] = [edges[0][column], edges[1][row]];
        let (width, height) = (edges[0][column + 1] - x, edges[1][row + 1] - y);
        let region = Region { column, row, rect: Rect::new(x, y, width, height) };
        consumer.region(&region, &mut |sink| self.render(region.rect, sink))
    }

    fn render(&mut self, rect: Rect, sink: &mut dyn RowSink) -> Result<(), Error> {
        let plan = self.chain.plan;
        self.set_up();
        let start = plan.nodes.iter().zip(&self.state.progress);
        let start = start.map(|(node, progress)| {
            ((progress.start as i64) << node.shift.along(Axis::Rows)) - node.ahead as i64
        });
        let mut wanted = start.min().unwrap_or(0);
        while wanted < rect.bottom() as i64 {
            wanted += plan.band_rows as i64;
            for index in 0..plan.nodes.len() {
                let node = &plan.nodes[index];
                let shift = node.shift.along(Axis::Rows);
                let target = (wanted + node.ahead as i64 + (1 << shift) - 1) >> shift;
                let target = target.clamp(0, self.state.progress[index].end as i64) as usize;
                let done = self.state.progress[index].done;
                if target <= done {
                    continue;
                }
                self.state.progress[index].done = target;
                match node.action {
                    Action::Load => self.load(node, index, done..target)?,
                    Action::Window(stage) => self.window(node, index, stage, done..target)?,
                    Action::Point(stage) => self.point(node, index, stage, done..target)?,
                    Action::Tap(tap) => {
                        for y in done..target {
                            let area = Area { x: rect.x, y, width: rect.width, rows: 1 };
                            sink.row(&self.consumer_row(node, tap, area))?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds where the rows of every level are for this region and what every node has to do.
    fn set_up(&mut self) {
        let plan = self.chain.plan;
        let position = self.position;
        self.state.stores.clear();
        self.state.stores.extend(plan.levels.iter().map(|level| store(level, position, plan.groups)));
        self.state.progress.clear();
        self.state.progress.extend(plan.nodes.iter().map(|node| {
            let output = &plan.levels[plan.links[node.links.start].output];
            let span = |axis: Axis| {
                let index = position[axis as usize];
                let span = output.span(&node.margins, axis, index, plan.groups[axis as usize]);
                let scale = node.reach.scale.along(axis);
                (span.0 >> scale, span.1.div_ceil(1 << scale))
            };
            let ((left, right), (start, end)) = (span(Axis::Columns), span(Axis::Rows));
            let border = node.reach.along(Axis::Rows);
            let left = left / LANES * LANES;
            Progress { start, done: start, end, padded: start.saturating_sub(border), left, right }
        }));
    }

    fn load(&mut self, node: &Node, index: usize, rows: std::ops::Range<usize>) -> Result<(), Error> {
        let source = self.chain.source.ok_or(invalid_call("no row source"))?;
        let link = self.chain.plan.links[node.links.start];
        let Progress { left, right, .. } = self.state.progress[index];
        for y in rows {
            let range = self.state.stores[link.output].range(y, left as isize, right - left);
            let row = self.rings.get_mut(range).ok_or(invalid_call("row outside of the rings"))?;
            source.read(link.channel, left, y, row)?;
        }
        Ok(())
    }

    fn point(
        &mut self,
        node: &Node,
        index: usize,
        stage: usize,
        rows: std::ops::Range<usize>,
    ) -> Result<(), Error> {
        let Some(Stage::Point(stage)) = self.chain.stages.get(stage) else { return Err(STAGES) };
        let Progress { left, right, .. } = self.state.progress[index];
        let width = (right - left).next_multiple_of(LANES);
        for y in rows {
            stage.run(&mut PointRows {
                level: self.chain.level,
                area: Area { x: left, y, width, rows: 1 },
                valid: right - left,
                stores: &self.state.stores,
                current: &self.chain.plan.currents[node.currents.clone()],
                group: self.group,
                rings: self.rings,
            })?;
        }
        Ok(())
    }

    fn consumer_row(&self, node: &Node, tap: usize, area: Area) -> ConsumerRow<'_> {
        ConsumerRow {
            tap,
            area,
            stores: &self.state.stores,
            current: &self.chain.plan.currents[node.currents.clone()],
            group: self.group,
            rings: self.rings,
        }
    }

    fn window(
        &mut self,
        node: &Node,
        index: usize,
        stage: usize,
        rows: std::ops::Range<usize>,
    ) -> Result<(), Error> {
        let Some(Stage::Window(stage)) = self.chain.stages.get(stage) else { return Err(STAGES) };
        self.pad(node, index, rows.end);
        let plan = self.chain.plan;
        let links = &plan.links[node.links.clone()];
        let Progress { left, right, start, .. } = self.state.progress[index];
        let width = (right - left).next_multiple_of(LANES);
        let area = Area { x: left, y: rows.start, width, rows: rows.len() };
        let scale = node.reach.scale;
        let made = Area {
            x: left << scale.horizontal,
            y: rows.start << scale.vertical,
            width: width << scale.horizontal,
            rows: rows.len() << scale.vertical,
        };
        // Levels lie in the rings in the order of the chain, scratch rows behind all of them.
        let base = plan.levels[links[0].output].offset;
        let (scratch, scratch_rows, row_length) = node.scratch;
        let (inputs, outputs) = self.rings.split_at_mut(base);
        let (outputs, scratch) = outputs.split_at_mut(scratch - base);
        let mut scratch =
            ScratchRows::new(&mut scratch[..scratch_rows * row_length], row_length, rows.start > start);
        let mut input = Window::new(self.chain.level, area, plan.levels[links[0].input].size[1]);
        let mut output = OutputRows::new(made, outputs);
        for link in links {
            let store = &self.state.stores[link.input];
            let buffer = if store.place == Place::Group { &*self.group } else { &*inputs };
            input.push(link.channel, store, buffer)?;
            output.push(&self.state.stores[link.output], base)?;
        }
        stage.run(&input, &mut output, &mut scratch)
    }

    /// Fills the columns outside of the frame in the input rows up to those that centre row `end - 1` reads.
    fn pad(&mut self, node: &Node, index: usize, end: usize) {
        let plan = self.chain.plan;
        let border = node.reach.along(Axis::Columns);
        let links = &plan.links[node.links.clone()];
        let [width, height] = plan.levels[links[0].input].size;
        let rows = self.state.progress[index].padded..height.min(end + node.reach.along(Axis::Rows));
        self.state.progress[index].padded = rows.end;
        let first = self.position[0] == 0;
        let last = self.position[0] + 1 == plan.groups[0];
        if border == 0 || !(first || last) {
            return;
        }
        for link in links {
            let store = &self.state.stores[link.input];
            let buffer = if store.place == Place::Group { &mut *self.group } else { &mut *self.rings };
            for y in rows.clone() {
                if first {
                    pad_left(buffer, store.range(y, 0, 0).start, width, border);
                }
                if last {
                    pad_right(buffer, store.range(y, width as isize, 0).start, width, border);
                }
            }
        }
    }
}

/// Mirrors the samples of a row of `width` columns, the first of which is `at`, to its left.
fn pad_left(samples: &mut [f32], at: usize, width: usize, border: usize) {
    if border <= width {
        let (outside, inside) = samples[at - border..at + border].split_at_mut(border);
        outside.iter_mut().rev().zip(inside).for_each(|(outside, inside)| *outside = *inside);
    } else {
        for x in 1..=border {
            samples[at - x] = samples[at + mirror(-(x as isize), width)];
        }
    }
}

/// Mirrors the samples of a row of `width` columns, the last of which is before `at`, to its right.
fn pad_right(samples: &mut [f32], at: usize, width: usize, border: usize) {
    if border <= width {
        let (inside, outside) = samples[at - border..at + border].split_at_mut(border);
        inside.iter().rev().zip(outside).for_each(|(inside, outside)| *outside = *inside);
    } else {
        for x in 0..border {
            samples[at + x] = samples[at - width + mirror((width + x) as isize, width)];
        }
    }
}

/// Where a level's rows are when the group at `position` is rendered.
fn store(level: &Level, position: [usize; 2], groups: [usize; 2]) -> Store {
    let [column, row] = position;
    let first_column = (column * level.tile[0]) as isize - level.lead as isize;
    let place = if level.in_group { Place::Group } else { Place::Rings };
    let mut store = Store {
        place,
        offset: level.offset,
        stride: level.stride,
        slots: level.slots,
        first_row: 0,
        first_column,
    };
    if !level.in_group {
        let start = level.span(&level.margins, Axis::Rows, row, groups[1]).0;
        // Upsampling makes eight rows at most at a time, and may begin above the first one wanted.
        store.first_row = start / 8 * 8;
    } else if row == 0 {
        store.offset += level.margins.before[1] * level.stride;
        store.slots -= level.margins.before[1];
    } else {
        store.first_row = row * level.tile[1] - level.margins.before[1];
    }
    store
}
