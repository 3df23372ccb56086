//! Random numbers, and a frame rendered by both executors.

use crate::Error;
use crate::render::oracle::{self, Plane};
use crate::render::*;
use fearless_simd::Level;
use jxlake_util::{Pool, Threads};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// xorshift64*: small, and good enough to be irregular.
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// In `0..n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// In -1 .. 1.
    pub(super) fn sample(&mut self) -> f32 {
        (self.next() & 0xffff) as f32 / 32768.0 - 1.0
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// Every instruction set of this machine.
pub(super) fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![best, Level::baseline()];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        levels.extend(best.as_avx2().map(Level::Avx2));
        levels.extend(best.as_sse4_2().map(Level::Sse4_2));
    }
    levels
}

/// Planes of noise with the given shifts.
pub(super) fn noise(random: &mut Random, width: usize, height: usize, shifts: &[Shift]) -> Vec<Plane> {
    let cell = Mutex::new(random);
    let sample = |_, _| cell.lock().unwrap().sample();
    shifts.iter().map(|&shift| Plane::new(width, height, shift, sample)).collect()
}

/// Gives the rows of planes, and fails when asked for anything outside of them.
struct PlaneRows<'a>(&'a [Plane]);

impl RowSource for PlaneRows<'_> {
    fn read(&self, channel: usize, x: usize, y: usize, out: &mut [f32]) -> Result<(), Error> {
        out.copy_from_slice(&self.0[channel].row(y)[x..x + out.len()]);
        Ok(())
    }
}

/// Puts rows into planes and counts how often each pixel comes.
struct Collector {
    width: usize,
    taps: Vec<Mutex<(Vec<Plane>, Vec<u8>)>>,
    regions: AtomicUsize,
}

impl RowConsumer for Collector {
    fn region(&self, region: &Region, render: &mut RenderRegion<'_>) -> Result<(), Error> {
        self.regions.fetch_add(1, Ordering::Relaxed);
        let next = vec![region.rect.y; self.taps.len()];
        render(&mut RegionCollector { collector: self, region: *region, next })
    }
}

/// A region that is being collected.
struct RegionCollector<'c> {
    collector: &'c Collector,
    region: Region,
    /// For each tap the row that comes next.
    next: Vec<usize>,
}

impl RowSink for RegionCollector<'_> {
    fn row(&mut self, row: &ConsumerRow<'_>) -> Result<(), Error> {
        let Self { collector: Collector { taps, width, .. }, region, next } = self;
        assert_eq!((row.x(), row.width()), (region.rect.x, region.rect.width));
        assert_eq!(row.y(), next[row.tap()], "rows come from top to bottom");
        next[row.tap()] += 1;
        let (planes, counts) = &mut *taps[row.tap()].lock().unwrap();
        let at = row.y() * width + row.x()..row.y() * width + row.x() + row.width();
        for (channel, plane) in planes.iter_mut().enumerate() {
            plane.samples[at.clone()].copy_from_slice(row.channel(channel));
        }
        counts[at].iter_mut().for_each(|count| *count += 1);
        Ok(())
    }
}

/// How the streaming executor is driven.
pub(super) struct Drive<'a> {
    pub(super) threads: &'a Threads,
    pub(super) pool: &'a Pool,
    /// Order in which groups are submitted.
    pub(super) order: &'a [usize],
    pub(super) band_rows: usize,
    pub(super) level: Level,
}

/// Asserts that both executors make the same bits of `planes`.
pub(super) fn assert_agree(
    shape: FrameShape,
    planes: &[Plane],
    origins: &[Origin],
    stages: &[Stage<'_>],
    state: &mut StreamingState,
    drive: &Drive<'_>,
) {
    let expected = oracle::render(shape.width, shape.height, planes.to_vec(), stages, drive.level).unwrap();
    let mut plan = Plan::default();
    let channels = planes.iter().zip(origins);
    let channels: Vec<_> =
        channels.map(|(plane, &origin)| ChannelPlan { shift: plane.shift, origin }).collect();
    plan.build_with(shape, &channels, stages, drive.band_rows).unwrap();
    let blank = || {
        let blank = Plane::new(shape.width, shape.height, Shift::default(), |_, _| f32::NAN);
        Mutex::new((vec![blank; planes.len()], vec![0; shape.width * shape.height]))
    };
    let collector = Collector {
        width: shape.width,
        taps: expected.iter().map(|_| blank()).collect(),
        regions: AtomicUsize::new(0),
    };
    let source = PlaneRows(planes);
    let job = RenderJob { plan: &plan, stages, source: Some(&source), pool: drive.pool, level: drive.level };
    let executor = state.begin(job);
    let [columns, rows] = plan.groups();
    assert_eq!(drive.order.len(), columns * rows);
    drive
        .threads
        .run(drive.order.len(), |task| {
            let group = drive.order[task];
            let mut input = executor.lease_group(group)?;
            for (channel, plane) in planes.iter().enumerate().filter(|(c, _)| origins[*c] == Origin::Group) {
                let [tile_width, tile_height] =
                    [shape.group_size >> plane.shift.horizontal, shape.group_size >> plane.shift.vertical];
                let [x, y] = [group % columns * tile_width, group / columns * tile_height];
                // A decoder of blocks scribbles over the padding first.
                input.channel(channel, Extent::Padded)?.fill(1e9);
                let mut view = input.channel(channel, Extent::Exact)?;
                for row in 0..view.rows() {
                    let width = view.cols();
                    view.row_mut(row).copy_from_slice(&plane.row(y + row)[x..x + width]);
                }
            }
            executor.submit(input, &collector)
        })
        .unwrap();
    assert!(executor.is_complete());
    drop(executor);
    assert_eq!(collector.regions.into_inner(), columns * rows);
    for (tap, (expected, actual)) in expected.iter().zip(collector.taps).enumerate() {
        let (actual, counts) = actual.into_inner().unwrap();
        assert!(counts.iter().all(|&count| count == 1), "every pixel comes once");
        for (channel, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
            let same = |(a, b): (&f32, &f32)| a.to_bits() != b.to_bits();
            let differs = expected.samples.iter().zip(&actual.samples).position(same);
            if let Some(at) = differs {
                panic!(
                    "{shape:?}, tap {tap}, channel {channel}, x {}, y {}: {} instead of {}",
                    at % shape.width,
                    at / shape.width,
                    actual.samples[at],
                    expected.samples[at]
                );
            }
        }
    }
}
