//! Pools, grids, scratch and runs under many threads.

use jxlake_util::{Axis, Pool, Purpose, Scratch, Shape2, Threads};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier};

fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 33) as usize
}

fn own_pool(threads: usize) -> Threads {
    Threads::Pool(Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()))
}

/// Threads that lease, write, hand over and return at random never see each other's writes, never pass the budget,
/// and leave nothing behind, while somebody reads the statistics and trims.
#[test]
fn threads_do_not_share_storage() {
    let budget = 3 << 20;
    let pool = Pool::with_budget(budget);
    let stop = AtomicBool::new(false);
    let (sender, receiver) =
        std::sync::mpsc::sync_channel::<(jxlake_util::Lease<jxlake_util::Matrix2<u32>>, u32)>(8);
    let receiver = std::sync::Mutex::new(receiver);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..=4u32)
            .map(|thread| {
                let (pool, receiver, sender) = (&pool, &receiver, sender.clone());
                scope.spawn(move || {
                    let mut seed = u64::from(thread) << 40 | 12345;
                    let mut held = Vec::new();
                    for round in 0..3000u32 {
                        let shape = Shape2::new(1 + random(&mut seed) % 60, 1 + random(&mut seed) % 300);
                        if let Ok(mut matrix) = pool.matrix2::<u32>(Purpose::ALL[round as usize % 10], shape)
                        {
                            let mark = thread << 24 | round;
                            matrix.fill(mark);
                            held.push((matrix, mark));
                        }
                        if held.len() > random(&mut seed) % 8 {
                            let place = random(&mut seed) % held.len();
                            let (matrix, mark) = held.swap_remove(place);
                            assert!(matrix.view().iter_rows().flatten().all(|&value| value == mark));
                            if random(&mut seed).is_multiple_of(3) {
                                let _ = sender.try_send((matrix, mark)); // returned by another thread, or here
                            }
                        }
                        if random(&mut seed).is_multiple_of(2)
                            && let Ok((matrix, mark)) = receiver.lock().unwrap().try_recv()
                        {
                            assert!(matrix.view().iter_rows().flatten().all(|&value| value == mark));
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                assert!(pool.statistics().peak_held_bytes <= budget);
                pool.trim(1 << 20);
                std::thread::yield_now();
            }
        });
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        stop.store(true, Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    drop((sender, receiver));
    let statistics = pool.statistics();
    assert_eq!((statistics.outstanding(), statistics.total.in_use_bytes), (0, 0));
    assert_eq!(statistics.total.leases, statistics.total.hits + statistics.total.misses);
    let idle = statistics.total.idle_bytes;
    assert_eq!(pool.clear(), idle);
    assert_eq!(pool.statistics().total.idle_bytes, 0);
}

/// Storage in the magazines of other workers is found before memory is asked for.
#[test]
fn magazines_strand_nothing() {
    let pool = Pool::new();
    let lease =
        |n: usize| -> Vec<_> { (0..n).map(|_| pool.buffer::<u8>(Purpose::Other, 6400).unwrap()).collect() };
    let held = lease(100);
    let barrier = Barrier::new(5);
    std::thread::scope(|scope| {
        let mut held = held;
        for _ in 0..4 {
            let part = held.split_off(held.len() - 25);
            let barrier = &barrier;
            scope.spawn(move || {
                drop(part);
                barrier.wait();
            });
        }
        barrier.wait();
    });
    drop(lease(100));
    let total = pool.statistics().total;
    assert_eq!((total.misses, total.hits), (100, 100));
}

/// While leases come and go on all threads, a lease that fits within the budget is never refused: what
/// another thread is about to free is waited for.
#[test]
fn what_fits_is_never_refused() {
    // Four threads with two leases of at most 20 lines each, of all classes: idle storage must be freed all the time.
    let pool = Pool::with_budget(64 * 160);
    std::thread::scope(|scope| {
        for thread in 1..=4 {
            let pool = &pool;
            scope.spawn(move || {
                let mut seed = thread << 40 | 12345u64;
                for _ in 0..5000 {
                    let mut lease = || pool.buffer::<u8>(Purpose::Other, 64 * (1 + random(&mut seed) % 20));
                    let (first, second) = (lease(), lease());
                    assert!(first.is_ok() && second.is_ok());
                }
            });
        }
    });
    assert!(pool.statistics().peak_held_bytes <= 64 * 160);
    assert!(pool.statistics().freed > 0);
}

/// Every task runs once, on every kind of threads.
#[test]
fn every_task_runs_once() {
    for threads in [Threads::Calling, Threads::Global, own_pool(1), own_pool(3), own_pool(8)] {
        for tasks in [0, 1, 2, 7, 1000] {
            let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
            threads
                .run(tasks, |task| {
                    counts[task].fetch_add(1, Relaxed);
                    Ok::<(), ()>(())
                })
                .unwrap();
            assert!(counts.iter().all(|count| count.load(Relaxed) == 1));
        }
    }
}

/// The lowest error wins, all tasks below it have run, and few above it.
#[test]
fn the_first_error_wins() {
    for threads in [Threads::Calling, Threads::Global, own_pool(4)] {
        for failing in [0, 1, 17, 400] {
            let ran = AtomicUsize::new(0);
            let below = AtomicUsize::new(0);
            let result = threads.run(1_000_000, |task| {
                ran.fetch_add(1, Relaxed);
                below.fetch_add(usize::from(task < failing), Relaxed);
                if task >= failing { Err(task) } else { Ok(()) }
            });
            assert_eq!(result, Err(failing));
            assert_eq!(below.into_inner(), failing);
            assert!(ran.into_inner() <= failing + threads.workers());
        }
    }
}

/// Tasks start in the order of their indices.
#[test]
fn tasks_start_in_order() {
    let threads = own_pool(4);
    let started = AtomicUsize::new(0);
    threads
        .run(10_000, |task| {
            // All tasks below were taken before; at most three of them, on the other workers, have not come here yet.
            let before = started.fetch_add(1, Relaxed);
            if before + 3 >= task { Ok(()) } else { Err((before, task)) }
        })
        .unwrap();
}

/// One task, and all tasks of `Calling`, run on the thread that asks.
#[test]
fn small_work_stays_on_the_calling_thread() {
    let me = std::thread::current().id();
    let here = |_| if std::thread::current().id() == me { Ok(()) } else { Err(()) };
    assert_eq!(Threads::Calling.run(100, here), Ok(()));
    assert_eq!(own_pool(4).run(1, here), Ok(()));
    assert_eq!(own_pool(1).run(100, here), Ok(()));
    assert_eq!((Threads::Calling.workers(), own_pool(3).workers()), (1, 3));
}

/// Runs within runs, and within `enter`, finish.
#[test]
fn runs_nest() {
    for threads in [Threads::Calling, Threads::Global, own_pool(3)] {
        let count = AtomicUsize::new(0);
        let result = threads.enter(|| {
            threads.run(20, |_| {
                threads.run(20, |inner| {
                    count.fetch_add(1, Relaxed);
                    if inner < 20 { Ok(()) } else { Err(()) }
                })
            })
        });
        assert_eq!((result, count.into_inner()), (Ok(()), 400));
    }
}

/// Each tile is taken by one worker only, however many try, and tiles of all workers make up the picture.
#[test]
fn tiles_are_taken_once() {
    let pool = Pool::new();
    let threads = own_pool(4);
    let mut picture = pool.matrix2_zeroed::<u32>(Purpose::Pixels, Shape2::new(130, 170)).unwrap();
    let (rows, cols) = ([0, 7, 7, 64, 130], [0, 64, 100, 170]);
    let mut grid = picture.view_mut().into_grid(&pool, Axis::Edges(&rows), Axis::Edges(&cols)).unwrap();
    assert_eq!((grid.rows(), grid.cols(), grid.tiles()), (4, 3, 12));
    for round in 1..=20 {
        let taken = AtomicUsize::new(0);
        threads
            .run(4 * grid.tiles(), |task| {
                let (row, col) = (task % 12 / 3, task % 3);
                if let Some(mut tile) = grid.take(row, col) {
                    taken.fetch_add(1, Relaxed);
                    for line in tile.iter_rows_mut() {
                        line.iter_mut().for_each(|value| *value += 1);
                    }
                }
                Ok::<(), ()>(())
            })
            .unwrap();
        assert_eq!(taken.into_inner(), 12, "round {round}");
        assert!(grid.take(1, 1).is_none() && grid.take(4, 0).is_none() && grid.take(0, 3).is_none());
        grid.reset();
    }
    drop(grid);
    assert!(picture.view().iter_rows().flatten().all(|&value| value == 20));
    assert_eq!(pool.statistics().outstanding(), 1);
}

/// Tiles are held at the same time by several threads, next to each other in the same cache lines.
#[test]
fn neighbouring_tiles_are_written_at_once() {
    let mut samples = vec![0u8; 64 * 64];
    let pool = Pool::new();
    let view = jxlake_util::ViewMut2::from_slice(&mut samples, 64, 64, 64).unwrap();
    let grid = view.into_grid(&pool, Axis::Every(5), Axis::Every(3)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let grid = &grid;
            scope.spawn(move || {
                let tiles: Vec<_> = (thread..grid.tiles())
                    .step_by(3)
                    .filter_map(|tile| Some((tile, grid.take(tile / grid.cols(), tile % grid.cols())?)))
                    .collect();
                for (tile, mut view) in tiles {
                    view.fill((tile % 251) as u8);
                }
            });
        }
    });
    drop(grid);
    for (place, &value) in samples.iter().enumerate() {
        let tile = place / 64 / 5 * 22 + place % 64 / 3;
        assert_eq!(usize::from(value), tile % 251);
    }
}

/// Edges that are no partition are refused.
#[test]
fn bad_edges_are_refused() {
    let pool = Pool::new();
    let mut matrix = pool.matrix2::<u8>(Purpose::Other, Shape2::new(10, 20)).unwrap();
    let all = Axis::Every(20);
    let bad: [&[usize]; 7] = [&[], &[10], &[0], &[0, 9], &[0, 11], &[1, 10], &[0, 6, 5, 10]];
    for edges in bad {
        assert!(matrix.view_mut().into_grid(&pool, Axis::Edges(edges), all).is_err(), "{edges:?}");
    }
    assert!(matrix.view_mut().into_grid(&pool, Axis::Every(0), all).is_err());
    assert!(matrix.view_mut().into_grid(&pool, Axis::Every(usize::MAX), all).is_ok());
}

/// There are never more workspaces than were used at once, and a panic loses one instead of passing it on.
#[test]
fn workspaces_are_used_again() {
    let scratch = Scratch::<Vec<u8>>::new();
    let threads = own_pool(4);
    threads
        .run(1000, |_| {
            let mut mine = scratch.take();
            assert!(mine.len() < 1000);
            mine.push(1);
            Ok::<(), ()>(())
        })
        .unwrap();
    assert!((1..=4).contains(&scratch.len()));
    let before = scratch.len();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _mine = scratch.take();
        panic!("half way");
    }));
    assert!(result.is_err());
    assert_eq!(scratch.len(), before - 1);
    scratch.clear();
    assert!(scratch.is_empty());
    assert!(scratch.take().is_empty());
}

/// A thread gets back the workspace it had last.
#[test]
fn a_thread_gets_its_own_workspace() {
    let scratch = Scratch::<u32>::new();
    let barrier = Barrier::new(3);
    std::thread::scope(|scope| {
        for thread in 1..=3 {
            let (scratch, barrier) = (&scratch, &barrier);
            scope.spawn(move || {
                let mut mine = scratch.take();
                barrier.wait(); // all hold one at the same time
                *mine = thread;
                drop(mine);
                barrier.wait();
                for _ in 0..10 {
                    assert_eq!(*scratch.take(), thread);
                }
            });
        }
    });
}
