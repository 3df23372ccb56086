//! What the streaming executor refuses, what it leaves behind, and what it takes from the pool.

use super::artificial::{Filter, Tint};
use crate::Error;
use crate::render::*;
use fearless_simd::Level;
use jxlake_util::Pool;
use std::ops::Range;
use std::sync::Mutex;

const SHAPE: FrameShape = FrameShape { width: 200, height: 150, group_size: 64, behind: 0 };
const FULL: ChannelPlan = ChannelPlan { shift: Shift::both(0), origin: Origin::Group };

fn filter(border: u8) -> Filter {
    Filter { channels: vec![0], reach: Reach::border(border), joint: false, scratch: false }
}

/// A consumer that fails from the given row on.
struct Until(usize);

impl RowConsumer for Until {
    fn region(&self, _: &Region, render: &mut RenderRegion<'_>) -> Result<(), Error> {
        render(&mut Until(self.0))
    }
}

impl RowSink for Until {
    fn row(&mut self, row: &ConsumerRow<'_>) -> Result<(), Error> {
        if row.y() < self.0 { Ok(()) } else { Err(Error::Misuse("no more")) }
    }
}

fn submit(executor: &StreamingExecutor<'_>, group: usize, consumer: &Until) -> Result<(), Error> {
    let mut input = executor.lease_group(group)?;
    input.channel(0, Extent::Exact)?.fill(0.5);
    executor.submit(input, consumer)
}

/// The second frame takes nothing from the pool that the first did not give back, whatever became of that.
#[test]
fn a_warm_frame_leases_what_the_last_one_gave_back() {
    let (filter, pool) = (filter(3), Pool::new());
    let stages = [Stage::Window(&filter)];
    let (mut plan, mut state) = (Plan::default(), StreamingState::default());
    let mut misses = Vec::new();
    for _ in 0..3 {
        plan.build(SHAPE, &[FULL], &stages).unwrap();
        let executor = state.begin(RenderJob {
            plan: &plan,
            stages: &stages,
            source: None,
            pool: &pool,
            level: Level::new(),
        });
        for group in (0..12).rev() {
            submit(&executor, group, &Until(usize::MAX)).unwrap();
        }
        assert!(executor.is_complete());
        drop(executor);
        assert_eq!(pool.statistics().outstanding(), 0);
        misses.push(pool.statistics().total.misses);
    }
    assert_eq!(misses[1..], [misses[0]; 2]);
}

#[test]
fn an_abandoned_or_failed_frame_leaves_nothing() {
    let (filter, pool) = (filter(2), Pool::new());
    let stages = [Stage::Window(&filter)];
    let (mut plan, mut state) = (Plan::default(), StreamingState::default());
    plan.build(SHAPE, &[FULL], &stages).unwrap();
    let job = RenderJob { plan: &plan, stages: &stages, source: None, pool: &pool, level: Level::new() };
    for (groups, rows, fails) in [(vec![1, 5, 7], 1000, false), ((0..12).collect(), 70, true)] {
        let executor = state.begin(job);
        let consumer = Until(rows);
        let failed = groups.into_iter().any(|group| submit(&executor, group, &consumer).is_err());
        assert_eq!(failed, fails);
        assert!(!executor.is_complete());
        drop(executor);
        assert_eq!(pool.statistics().outstanding(), 0);
    }
    // And the state still serves.
    let executor = state.begin(job);
    (0..12).for_each(|group| submit(&executor, group, &Until(1000)).unwrap());
    assert!(executor.is_complete());
}

/// Notes the rows that are asked for.
struct AskedRows(Mutex<Range<usize>>);

impl RowSource for AskedRows {
    fn read(&self, _: usize, _: usize, y: usize, out: &mut [f32]) -> Result<(), Error> {
        let mut asked = self.0.lock().unwrap();
        *asked = asked.start.min(y)..asked.end.max(y + 1);
        out.fill(0.5);
        Ok(())
    }
}

/// A source that stays behind the groups is not asked for rows that it has not got yet, nor for those that it need not keep.
#[test]
fn rows_of_a_source_come_band_by_band() {
    let (filters, pool) = ([filter(3), filter(1)], Pool::new());
    let stages = filters.each_ref().map(|filter| Stage::Window(filter));
    let (mut plan, mut state) = (Plan::default(), StreamingState::default());
    for behind in [0, 6] {
        let shape = FrameShape { behind, ..SHAPE };
        plan.build(shape, &[ChannelPlan { origin: Origin::Rows, ..FULL }], &stages).unwrap();
        let source = AskedRows(Mutex::default());
        let job = RenderJob {
            plan: &plan,
            stages: &stages,
            source: Some(&source),
            pool: &pool,
            level: Level::new(),
        };
        let executor = state.begin(job);
        let [columns, rows] = plan.groups();
        let mut kept = 0;
        for row in 0..rows {
            *source.0.lock().unwrap() = kept..kept;
            for group in row * columns..(row + 1) * columns {
                executor.submit(executor.lease_group(group).unwrap(), &Until(usize::MAX)).unwrap();
            }
            let end = if row + 1 == rows { shape.height } else { (row + 1) * shape.group_size - behind };
            assert_eq!(*source.0.lock().unwrap(), kept..end, "row {row} of groups");
            kept = (row + 1) * shape.group_size - plan.source_rows_kept();
        }
        assert!(executor.is_complete());
        assert_eq!(plan.source_rows_kept(), behind + 2 * 4);
    }
}

#[test]
fn groups_are_checked() {
    let (filter, pool) = (filter(2), Pool::new());
    let stages = [Stage::Window(&filter)];
    let mut plan = Plan::default();
    let channels = [FULL, ChannelPlan { origin: Origin::Rows, ..FULL }];
    plan.build(SHAPE, &channels, &stages).unwrap();
    let mut state = StreamingState::default();
    let job = RenderJob { plan: &plan, stages: &stages, source: None, pool: &pool, level: Level::new() };
    let executor = state.begin(job);
    assert!(executor.lease_group(12).is_err());
    let mut input = executor.lease_group(3).unwrap();
    // The last group of the first row is 8 columns wide.
    assert_eq!(input.channel(0, Extent::Exact).unwrap().cols(), 8);
    assert_eq!(input.channel(0, Extent::Padded).unwrap().cols(), 16);
    assert!(input.channel(1, Extent::Exact).is_err());
    assert!(input.channel(2, Extent::Exact).is_err());
    assert!(input.channels([0, 0], Extent::Exact).is_err());
    executor.submit(input, &Until(1000)).unwrap();
    let again = executor.lease_group(3).unwrap();
    assert!(executor.submit(again, &Until(1000)).is_err());
    // Group 0 makes a region of its own, for which the second channel has no source.
    assert!(submit(&executor, 0, &Until(1000)).is_err());
}

#[test]
fn chains_that_do_not_fit_are_refused() {
    let build = |shape, channels: &[ChannelPlan], stages: &[Stage<'_>]| {
        Plan::default().build(shape, channels, stages).is_ok()
    };
    let half = ChannelPlan { shift: Shift::both(1), origin: Origin::Group };
    let (small, wide) = (filter(1), filter(8));
    let tint = Tint { channels: vec![0, 1] };
    let joint = Filter { channels: vec![0, 1], reach: Reach::border(1), joint: true, scratch: false };
    let double = Filter { reach: Reach { columns: 2, rows: 2, scale: Shift::both(1) }, ..filter(0) };
    assert!(build(SHAPE, &[FULL, FULL], &[Stage::Window(&joint), Stage::Point(&tint), Stage::Tap]));
    assert!(build(SHAPE, &[half], &[Stage::Window(&double)]));
    assert!(!build(FrameShape { width: 0, ..SHAPE }, &[FULL], &[]), "empty");
    assert!(!build(FrameShape { group_size: 24, ..SHAPE }, &[FULL], &[]), "group size");
    assert!(!build(SHAPE, &[half], &[]), "low resolution at the end");
    assert!(!build(SHAPE, &[FULL], &[Stage::Window(&double)]), "upsampled beyond full resolution");
    assert!(!build(SHAPE, &[FULL, half], &[Stage::Window(&joint)]), "joint channels differ");
    assert!(!build(SHAPE, &[FULL, half], &[Stage::Point(&tint)]), "point channels differ");
    assert!(!build(SHAPE, &[FULL], &[Stage::Tap, Stage::Window(&small)]), "window behind a tap");
    assert!(!build(SHAPE, &[FULL], &[Stage::Window(&wide); 8]), "borders of a group");
    let single = FrameShape { width: 60, height: 60, ..SHAPE };
    assert!(build(single, &[FULL], &[Stage::Window(&wide); 8]), "a single group has no neighbours");
}
