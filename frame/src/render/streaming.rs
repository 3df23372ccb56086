//! The streaming executor: groups come in any order from any thread, and whatever they complete is rendered at
//! once, by the thread that brought the last missing piece.

use super::consumer::{RowConsumer, RowSource};
use super::group_input::GroupInput;
use super::invalid_call;
use super::plan::{Plan, strip_size};
use super::region::{Chain, RegionState, Renderer};
use super::stage::Stage;
use crate::Error;
use jxlake_util::{Buffer, Lease, Pool, Purpose, Scratch, View2, ViewMut2};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

type Samples = Lease<Buffer<f32>>;

/// What the executor keeps from frame to frame, so that it allocates nothing when warm.
#[derive(Debug, Default)]
pub struct StreamingState {
    slots: Vec<Slot>,
    workspaces: Scratch<RegionState>,
}

/// What is known of a group until all that depend on it are rendered.
#[derive(Debug, Default)]
struct Slot {
    /// How many of the groups that its region needs, itself included, have not come yet.
    missing: AtomicU32,
    /// Its samples, until its region is rendered.
    samples: Mutex<Option<Samples>>,
    /// Its rightmost columns, until the next group has taken them.
    right: Mutex<Option<Samples>>,
    /// Its bottom rows, and how many groups still want them.
    bottom: Mutex<Option<(Samples, u32)>>,
}

/// A frame to render, with everything that stays the same while its groups come.
#[derive(Clone, Copy)]
pub struct RenderJob<'f> {
    /// The chain, laid out.
    pub plan: &'f Plan,
    /// The stages that the plan was built from.
    pub stages: &'f [Stage<'f>],
    /// Source of the channels that groups do not bring, if there are any.
    pub source: Option<&'f dyn RowSource>,
    /// Where memory comes from.
    pub pool: &'f Pool,
    /// The instruction set to use.
    pub level: fearless_simd::Level,
}

/// Renders one frame as its groups come.
///
/// For each group: [`lease_group`](Self::lease_group), write the samples into the
/// [`GroupInput`], [`submit`](Self::submit) it. Any number of threads may do that at once, in any order, and
/// the pixels do not depend on either.
pub struct StreamingExecutor<'f> {
    job: RenderJob<'f>,
    slots: &'f [Slot],
    workspaces: &'f Scratch<RegionState>,
    rendered: AtomicUsize,
}

impl StreamingState {
    /// Starts a frame. What an unfinished one left is given back.
    pub fn begin<'f>(&'f mut self, job: RenderJob<'f>) -> StreamingExecutor<'f> {
        let [columns, rows] = job.plan.groups;
        let groups = columns * rows;
        if self.slots.len() < groups {
            self.slots.resize_with(groups, Slot::default);
        }
        let [across, down] = job.plan.strip_elements.map(|elements| u32::from(elements > 0));
        for (group, slot) in self.slots[..groups].iter_mut().enumerate() {
            let left = across * u32::from(group % columns > 0);
            let above = down * u32::from(group >= columns);
            *slot.missing.get_mut() = (1 + left) * (1 + above);
        }
        StreamingExecutor {
            job,
            slots: &self.slots[..groups],
            workspaces: &self.workspaces,
            rendered: AtomicUsize::new(0),
        }
    }
}

impl<'f> StreamingExecutor<'f> {
    /// What is rendered.
    pub fn job(&self) -> &RenderJob<'f> {
        &self.job
    }

    /// The layout of the frame.
    pub fn plan(&self) -> &'f Plan {
        self.job.plan
    }

    /// Whether all regions have been rendered.
    pub fn is_complete(&self) -> bool {
        self.rendered.load(Ordering::Acquire) == self.slots.len()
    }

    /// Memory for the samples of group `group` (counted row by row). Its contents are unspecified: every
    /// sample must be written before the group is submitted.
    pub fn lease_group(&self, group: usize) -> Result<GroupInput<'f>, Error> {
        if group >= self.slots.len() {
            return Err(invalid_call("no such group"));
        }
        let samples = self.job.pool.buffer(Purpose::Pixels, self.job.plan.group_elements)?;
        Ok(GroupInput::new(self.job.plan, group, samples))
    }

    /// Takes a group whose samples are written, and renders all regions that now can be.
    ///
    /// Each group must be submitted once. Fails with the consumer's error, with the pool's, or with misuse.
    pub fn submit(&self, input: GroupInput<'f>, consumer: &dyn RowConsumer) -> Result<(), Error> {
        let (group, mut samples) = input.into_parts();
        let plan = self.job.plan;
        if !plan.has_strips() {
            return self.render(group, samples, consumer);
        }
        let [columns, _] = plan.groups;
        // All others have come, and nobody but this group waits for itself: the strips that it takes can serve again for those
        // that it leaves.
        let is_last = self.slots[group].missing.load(Ordering::Acquire) == 1;
        if is_last {
            self.restore_strips(group, &mut samples)?;
        }
        self.save_strips(group, &samples)?;
        if lock(&self.slots[group].samples).replace(samples).is_some() {
            return Err(invalid_call("group submitted twice"));
        }
        let [across, down] = plan.strip_elements.map(|elements| elements > 0);
        let last_column = (group + 1).is_multiple_of(columns);
        for (wanted, dependent) in [
            (true, group),
            (across && !last_column, group + 1),
            (down, group + columns),
            (across && down && !last_column, group + columns + 1),
        ] {
            let Some(slot) = self.slots.get(dependent).filter(|_| wanted) else { continue };
            // The last one to come sees everything the others have left in their slots.
            if slot.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
                let samples = lock(&slot.samples).take();
                let mut samples = samples.ok_or(invalid_call("group submitted twice"))?;
                if !(is_last && dependent == group) {
                    self.restore_strips(dependent, &mut samples)?;
                }
                self.render(dependent, samples, consumer)?;
            }
        }
        Ok(())
    }

    fn render(&self, group: usize, mut samples: Samples, consumer: &dyn RowConsumer) -> Result<(), Error> {
        let RenderJob { plan, stages, source, pool, level } = self.job;
        let mut rings = pool.buffer(Purpose::Filter, plan.ring_elements)?;
        let mut state = self.workspaces.take();
        let mut renderer = Renderer {
            chain: Chain { plan, stages, source, level },
            position: self.position(group),
            group: &mut samples,
            rings: &mut rings,
            state: &mut state,
        };
        renderer.run(consumer)?;
        self.rendered.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Column and row of a group.
    fn position(&self, group: usize) -> [usize; 2] {
        let columns = self.job.plan.groups[0];
        [group % columns, group / columns]
    }

    /// Copies what the groups to the right and below will need of a group into its slot.
    fn save_strips(&self, group: usize, samples: &[f32]) -> Result<(), Error> {
        let plan = self.job.plan;
        let position = self.position(group);
        let [right, below] = [0, 1].map(|axis| position[axis] + 1 < plan.groups[axis]);
        let [across, down] = plan.strip_elements.map(|elements| elements > 0);
        if across && right {
            let mut strip = self.job.pool.buffer(Purpose::Filter, plan.strip_elements[0])?;
            for level in plan.levels.iter().filter(|level| level.in_group) {
                let ([width, _], [columns, rows]) = (strip_size(level), level.tile_size(position));
                let from = level.element(0, (columns - width) as isize);
                let from = view(samples, from, [rows, width], level.stride)?;
                view_mut(&mut strip, level.strips[0], [rows, width], width)?.copy_from(from);
            }
            *lock(&self.slots[group].right) = Some(strip);
        }
        if down && below {
            let mut strip = self.job.pool.buffer(Purpose::Filter, plan.strip_elements[1])?;
            for level in plan.levels.iter().filter(|level| level.in_group) {
                let ([_, height], [columns, rows]) = (strip_size(level), level.tile_size(position));
                let from = level.element((rows - height) as isize, 0);
                let from = view(samples, from, [height, columns], level.stride)?;
                view_mut(&mut strip, level.strips[1], [height, columns], level.tile[0])?.copy_from(from);
            }
            let readers = 1 + u32::from(across && right);
            *lock(&self.slots[group].bottom) = Some((strip, readers));
        }
        Ok(())
    }

    /// Puts what the groups to the left and above have saved around the samples of a group.
    fn restore_strips(&self, group: usize, samples: &mut [f32]) -> Result<(), Error> {
        let plan = self.job.plan;
        let position = self.position(group);
        let [across, down] = plan.strip_elements.map(|elements| elements > 0);
        let (left, above) = (across && position[0] > 0, down && position[1] > 0);
        let levels = plan.levels.iter().filter(|level| level.in_group);
        if left {
            let strip = lock(&self.slots[group - 1].right).take().ok_or(MISSING)?;
            for level in levels.clone() {
                let ([width, _], [_, rows]) = (strip_size(level), level.tile_size(position));
                let to = level.element(0, -(width as isize));
                let from = view(&strip, level.strips[0], [rows, width], width)?;
                view_mut(samples, to, [rows, width], level.stride)?.copy_from(from);
            }
        }
        if above {
            self.with_bottom(group - plan.groups[0], |strip| {
                for level in levels.clone() {
                    let ([_, height], [columns, _]) = (strip_size(level), level.tile_size(position));
                    let to = level.element(-(height as isize), 0);
                    let from = view(strip, level.strips[1], [height, columns], level.tile[0])?;
                    view_mut(samples, to, [height, columns], level.stride)?.copy_from(from);
                }
                Ok(())
            })?;
        }
        if left && above {
            self.with_bottom(group - plan.groups[0] - 1, |strip| {
                for level in levels {
                    let [width, height] = strip_size(level);
                    let to = level.element(-(height as isize), -(width as isize));
                    let from = level.strips[1] + level.tile[0] - width;
                    let from = view(strip, from, [height, width], level.tile[0])?;
                    view_mut(samples, to, [height, width], level.stride)?.copy_from(from);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Shows the bottom strip of a group to one of its readers; the last one gives it back.
    fn with_bottom(&self, group: usize, read: impl FnOnce(&[f32]) -> Result<(), Error>) -> Result<(), Error> {
        let mut bottom = lock(&self.slots[group].bottom);
        let (strip, readers) = bottom.as_mut().ok_or(MISSING)?;
        read(strip)?;
        *readers -= 1;
        if *readers == 0 {
            *bottom = None;
        }
        Ok(())
    }
}

impl Drop for StreamingExecutor<'_> {
    /// Gives back what an unfinished frame has left.
    fn drop(&mut self) {
        if self.is_complete() {
            return;
        }
        for slot in self.slots {
            lock(&slot.samples).take();
            lock(&slot.right).take();
            lock(&slot.bottom).take();
        }
    }
}

const MISSING: Error = Error::Misuse("render: strip missing");

fn view(
    from: &[f32],
    start: usize,
    [rows, cols]: [usize; 2],
    stride: usize,
) -> Result<View2<'_, f32>, Error> {
    let from = from.get(start..).unwrap_or(&[]);
    View2::from_slice(from, rows, cols, stride).map_err(|_| invalid_call("strip outside of its buffer"))
}

fn view_mut(
    to: &mut [f32],
    start: usize,
    [rows, cols]: [usize; 2],
    stride: usize,
) -> Result<ViewMut2<'_, f32>, Error> {
    let to = to.get_mut(start..).unwrap_or(&mut []);
    ViewMut2::from_slice(to, rows, cols, stride).map_err(|_| invalid_call("strip outside of its buffer"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
