//! The chain of stages applied to whole planes, one stage after the other: the oracle that tests hold the
//! [streaming executor](super::StreamingExecutor) against.

use super::consumer::{Region, RowConsumer};
use super::group_input::{Extent, GroupInput};
use super::invalid_call;
use super::plan::{ChannelPlan, Origin, Plan};
use super::rows::{Area, ConsumerRow, OutputRows, Place, PointRows, ScratchRows, Store, Window};
use super::stage::{Reach, Shift, Stage, WindowStage, mirror};
use super::streaming::StreamingExecutor;
use super::{LANES, PAD, PAD_END};
use crate::Error;
use fearless_simd::Level;
use jxlake_util::Rect;

/// All samples of a channel, row by row, and its resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Exponents by which the plane is smaller than the finished frame.
    pub shift: Shift,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` samples.
    pub samples: Vec<f32>,
}

impl Plane {
    /// A plane of the resolution `shift` for a finished frame of `width` x `height`, with the samples that
    /// `sample` gives for column and row.
    pub fn new(width: usize, height: usize, shift: Shift, sample: impl Fn(usize, usize) -> f32) -> Self {
        let width = width.div_ceil(1 << shift.horizontal);
        let height = height.div_ceil(1 << shift.vertical);
        let samples = (0..width * height).map(|i| sample(i % width, i / width)).collect();
        Self { shift, width, height, samples }
    }

    /// The sample at a column and row, mirrored if they lie outside.
    pub fn mirrored(&self, x: isize, y: isize) -> f32 {
        self.samples[mirror(y, self.height) * self.width + mirror(x, self.width)]
    }

    /// The samples of a row.
    pub fn row(&self, y: usize) -> &[f32] {
        &self.samples[y * self.width..][..self.width]
    }
}

/// Renders a finished frame of `width` x `height` from `planes`: the planes at each tap, and at last those at
/// the end of the chain.
///
/// ```
/// use jxlake_frame::render::{Shift, Stage, oracle, stages};
///
/// let plane = || oracle::Plane::new(2, 2, Shift::default(), |x, y| (x ^ y) as f32);
/// let gaborish = stages::Gaborish::new([[0.115169525, 0.061248592]; 3]);
/// let planes = vec![plane(), plane(), plane()];
/// let taps = oracle::render(2, 2, planes, &[Stage::Window(&gaborish)], fearless_simd::Level::new())?;
/// assert!((taps[0][1].samples[0] - 0.20686048).abs() < 1e-6);
/// # Ok::<(), jxlake_frame::Error>(())
/// ```
pub fn render(
    width: usize,
    height: usize,
    mut planes: Vec<Plane>,
    stages: &[Stage<'_>],
    level: Level,
) -> Result<Vec<Vec<Plane>>, Error> {
    let mut taps = Vec::new();
    for stage in stages {
        match stage {
            Stage::Window(stage) => {
                let mut touched = Vec::new();
                for (channel, plane) in planes.iter().enumerate() {
                    if let Some(reach) = stage.reach(channel, plane.shift) {
                        touched.push((channel, reach));
                    }
                }
                let together = if stage.joint() { touched.len().max(1) } else { 1 };
                for channels in touched.chunks(together) {
                    let made = window(*stage, channels, &planes, (width, height), level)?;
                    for ((channel, _), plane) in channels.iter().zip(made) {
                        planes[*channel] = plane;
                    }
                }
            }
            Stage::Point(stage) => {
                let touched: Vec<usize> = (0..planes.len()).filter(|&c| stage.touches(c)).collect();
                let Some(&first) = touched.first() else { continue };
                let (columns, rows) = (planes[first].width, planes[first].height);
                let (stores, mut buffer) = lay_out(&planes, 0);
                let current: Vec<u32> = (0..planes.len() as u32).collect();
                for y in 0..rows {
                    let area = Area { x: 0, y, width: columns.next_multiple_of(LANES), rows: 1 };
                    stage.run(&mut PointRows {
                        level,
                        area,
                        valid: columns,
                        stores: &stores,
                        current: &current,
                        group: &mut buffer,
                        rings: &mut [],
                    })?;
                }
                for channel in touched {
                    read_back(&stores[channel], &buffer, &mut planes[channel]);
                }
            }
            Stage::Tap => taps.push(planes.clone()),
        }
    }
    taps.push(planes);
    Ok(taps)
}

/// Renders a frame as a [`StreamingExecutor`] would, from the same groups to the same consumer, but by whole planes.
///
/// `bring` writes the samples of a group. Everything happens on the calling thread, and memory comes from the system.
///
/// # Errors
///
/// Those of the stages, of `bring` and of the consumer.
pub fn run(
    executor: &StreamingExecutor<'_>,
    channels: &[ChannelPlan],
    bring: &dyn Fn(usize, &mut GroupInput<'_>) -> Result<(), Error>,
    consumer: &dyn RowConsumer,
) -> Result<(), Error> {
    let job = executor.job();
    let frame = job.plan.frame.ok_or(invalid_call("no frame was laid out"))?;
    let mut planes = gather(executor, channels, bring)?;
    for (channel, plan) in channels.iter().enumerate().filter(|(_, plan)| plan.origin == Origin::Rows) {
        let source = job.source.ok_or(invalid_call("no source of rows"))?;
        let mut plane = Plane::new(frame.width, frame.height, plan.shift, |_, _| 0.0);
        for y in 0..plane.height {
            source.read(channel, 0, y, &mut plane.samples[y * plane.width..][..plane.width])?;
        }
        planes[channel] = plane;
    }
    let taps = render(frame.width, frame.height, planes, job.stages, job.level)?;
    deliver(job.plan, &taps, consumer)
}

/// The planes of the channels that groups bring; those of other channels are zero.
fn gather(
    executor: &StreamingExecutor<'_>,
    channels: &[ChannelPlan],
    bring: &dyn Fn(usize, &mut GroupInput<'_>) -> Result<(), Error>,
) -> Result<Vec<Plane>, Error> {
    let plan = executor.job().plan;
    let frame = plan.frame.ok_or(invalid_call("no frame was laid out"))?;
    let plane = |plan: &ChannelPlan| Plane::new(frame.width, frame.height, plan.shift, |_, _| 0.0);
    let mut planes: Vec<Plane> = channels.iter().map(plane).collect();
    let columns = frame.width.div_ceil(frame.group_size);
    for group in 0..columns * frame.height.div_ceil(frame.group_size) {
        let mut input = executor.lease_group(group)?;
        bring(group, &mut input)?;
        for (channel, plane) in planes.iter_mut().enumerate() {
            if channels[channel].origin != Origin::Group {
                continue;
            }
            let x = (group % columns * frame.group_size) >> plane.shift.horizontal;
            let y = (group / columns * frame.group_size) >> plane.shift.vertical;
            let samples = input.channel(channel, Extent::Exact)?;
            for row in 0..samples.rows() {
                let from = samples.row(row);
                plane.samples[(y + row) * plane.width + x..][..from.len()].copy_from_slice(from);
            }
        }
    }
    Ok(planes)
}

/// Shows the planes at each tap to a consumer, by the regions of `plan`.
fn deliver(plan: &Plan, taps: &[Vec<Plane>], consumer: &dyn RowConsumer) -> Result<(), Error> {
    let current: Vec<u32> = (0..taps[0].len() as u32).collect();
    for (row, rows) in plan.row_edges().windows(2).enumerate() {
        for (column, columns) in plan.column_edges().windows(2).enumerate() {
            let rect = Rect::new(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0]);
            consumer.region(&Region { column, row, rect }, &mut |sink| {
                for (tap, planes) in taps.iter().enumerate() {
                    let (stores, buffer) = lay_out(planes, 0);
                    for y in rows[0]..rows[1] {
                        let area = Area { x: rect.x, y, width: rect.width, rows: 1 };
                        let (stores, current) = (&stores, &current);
                        sink.row(&ConsumerRow { tap, area, stores, current, group: &buffer, rings: &[] })?;
                    }
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// The planes that a window stage makes of the given channels.
fn window(
    stage: &dyn WindowStage,
    channels: &[(usize, Reach)],
    planes: &[Plane],
    (width, height): (usize, usize),
    level: Level,
) -> Result<Vec<Plane>, Error> {
    let inputs: Vec<Plane> = channels.iter().map(|&(channel, _)| planes[channel].clone()).collect();
    let reach = channels[0].1;
    let scale = reach.scale;
    let mut outputs = Vec::new();
    for plane in &inputs {
        let shift = Shift {
            horizontal: plane.shift.horizontal - scale.horizontal,
            vertical: plane.shift.vertical - scale.vertical,
        };
        outputs.push(Plane::new(width, height, shift, |_, _| 0.0));
    }
    let (columns, rows) = (inputs[0].width, inputs[0].height);
    let (input_stores, input_buffer) = lay_out(&inputs, reach.columns.into());
    let (output_stores, mut output_buffer) =
        lay_out_for(&outputs, columns.next_multiple_of(LANES) << scale.horizontal, rows << scale.vertical);
    let row_length = PAD + columns.next_multiple_of(LANES) + PAD_END + PAD;
    let mut scratch = vec![f32::NAN; stage.scratch_rows() * row_length];
    for y in 0..rows {
        let area = Area { x: 0, y, width: columns.next_multiple_of(LANES), rows: 1 };
        let made = Area {
            x: 0,
            y: y << scale.vertical,
            width: area.width << scale.horizontal,
            rows: 1 << scale.vertical,
        };
        let mut input = Window::new(level, area, rows);
        let mut output = OutputRows::new(made, &mut output_buffer);
        for (index, (channel, _)) in channels.iter().enumerate() {
            input.push(*channel, &input_stores[index], &input_buffer)?;
            output.push(&output_stores[index], 0)?;
        }
        scratch.fill(f32::NAN);
        stage.run(&input, &mut output, &mut ScratchRows::new(&mut scratch, row_length, false))?;
    }
    for (store, plane) in output_stores.iter().zip(&mut outputs) {
        read_back(store, &output_buffer, plane);
    }
    Ok(outputs)
}

/// Copies planes to rows as stages want them, with `border` mirrored columns on either side.
fn lay_out(planes: &[Plane], border: usize) -> (Vec<Store>, Vec<f32>) {
    let width = planes.iter().map(|plane| plane.width).max().unwrap_or(0).next_multiple_of(LANES);
    let rows = planes.iter().map(|plane| plane.height).max().unwrap_or(0);
    let (stores, mut buffer) = lay_out_for(planes, width, rows);
    for (store, plane) in stores.iter().zip(planes) {
        for y in 0..plane.height {
            for x in -(border as isize)..(plane.width + border) as isize {
                buffer[store.range(y, x, 1).start] = plane.mirrored(x, y as isize);
            }
        }
    }
    (stores, buffer)
}

/// Room for planes of that many columns and rows, full of NaN.
fn lay_out_for(planes: &[Plane], width: usize, rows: usize) -> (Vec<Store>, Vec<f32>) {
    let stride = PAD + width + PAD_END;
    let store = |index| Store {
        place: Place::Group,
        offset: index * rows * stride,
        stride,
        slots: rows,
        first_row: 0,
        first_column: -(PAD as isize),
    };
    ((0..planes.len()).map(store).collect(), vec![f32::NAN; planes.len() * rows * stride])
}

fn read_back(store: &Store, buffer: &[f32], plane: &mut Plane) {
    for (y, row) in plane.samples.chunks_exact_mut(plane.width).enumerate() {
        row.copy_from_slice(&buffer[store.range(y, 0, plane.width)]);
    }
}
