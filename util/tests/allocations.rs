//! When warm, nothing here asks the allocator for anything. A test binary of its own: it counts for the whole process.

use jxlake_util::{Axis, Pool, Purpose, Scratch, Shape2, Shape3, Threads};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, data: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(data, layout, size) }
    }

    unsafe fn dealloc(&self, data: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(data, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.load(Relaxed);
    work();
    COUNT.load(Relaxed) - before
}

/// What a group's decode might lease and return, over all element types and kinds.
fn decode(pool: &Pool, group: usize) {
    let shape = Shape2::new(64, 100 + 10 * (group % 5));
    let samples = pool.matrix2::<i16>(Purpose::Modular, shape).unwrap();
    let coefficients = pool.matrix3_zeroed::<f32>(Purpose::HfCoefficients, Shape3::new(3, 64, 64)).unwrap();
    let strips: [_; 40] =
        std::array::from_fn(|strip| pool.buffer::<u8>(Purpose::Filter, 64 + strip * 32).unwrap());
    let big = pool.matrix2::<f32>(Purpose::Pixels, Shape2::new(600, 600)).unwrap();
    drop((samples, coefficients, strips, big));
}

/// Without a test harness, whose threads would be counted too.
fn main() {
    let pool = Pool::new();

    // One thread: leases and returns of all kinds, and reading the statistics.
    decode(&pool, 0);
    let count = allocations(|| {
        for group in 0..100 {
            decode(&pool, group % 2 * 5);
        }
        assert_eq!(pool.statistics().outstanding(), 0);
    });
    assert_eq!(count, 0, "leases of one thread");

    // Runs on rayon's threads.
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let threads = Threads::Pool(Arc::new(rayon));
    let work = |tasks: usize| threads.run(tasks, |task| if task < tasks { Ok(()) } else { Err(task) });
    // Each thread sets itself up when it first looks for work.
    (0..1000).for_each(|_| work(10).unwrap());
    let count = allocations(|| threads.enter(|| (0..100).for_each(|tasks| work(tasks).unwrap())));
    assert!(count <= 1, "runs: {count}, of which rayon's queue may take one for the hand-over");

    // Runs from outside: rayon's queue takes a block for every 63 of them, and a thread may still set itself up.
    let count = allocations(|| (0..630).for_each(|_| work(10).unwrap()));
    assert!(count <= 630 / 63 + 3, "runs from outside: {count}");

    // A run whose tasks lease, use scratch and take tiles, on several threads. How many do so at once varies, so that
    // it is warm when every thread has held everything at the same time as the others.
    let scratch = Scratch::<Vec<u8>>::new();
    let barrier = std::sync::Barrier::new(3);
    let mut picture = pool.matrix2_zeroed::<f32>(Purpose::Pixels, Shape2::new(640, 640)).unwrap();
    let mut frame = |together: bool| {
        let view = picture.view_mut();
        let grid = view.into_grid(&pool, Axis::Every(64), Axis::Every(64)).unwrap();
        let task = |task: usize| {
            let mut list = scratch.take();
            list.clear();
            list.resize(1000, 1);
            grid.take(task / 10, task % 10).ok_or(task)?.fill(1.0);
            let held = pool.matrix2::<i16>(Purpose::Modular, Shape2::new(64, 64)).unwrap();
            let large = pool.matrix2::<f32>(Purpose::Pixels, Shape2::new(600, 600)).unwrap();
            if together {
                barrier.wait();
            }
            drop((held, large));
            Ok::<(), usize>(())
        };
        threads.run(if together { 3 } else { 100 }, task).unwrap();
    };
    frame(true);
    let misses = pool.statistics().total.misses;
    let count = allocations(|| (0..30).for_each(|_| frame(false)));
    assert_eq!(pool.statistics().total.misses, misses);
    assert!(count <= 1, "frames: {count}, of which rayon's queue may take one for the hand-over");
}
