//! What a pool does with idle storage, and what it refuses.

use jxlake_util::{Element, Pool, PoolError, PoolEvent, Purpose, SampleFormat, Shape2, Shape3};
use std::sync::{Arc, Mutex};

/// Lines of storage, as a lease that can be told from others by its size class.
fn lines(pool: &Pool, lines: usize) -> Result<jxlake_util::Lease<jxlake_util::Buffer<u8>>, PoolError> {
    pool.buffer(Purpose::Other, 64 * lines)
}

fn misses(pool: &Pool) -> u64 {
    pool.statistics().total.misses
}

/// Storage is shared by element types, and by shapes that need up to a fifth less.
#[test]
fn storage_is_found_by_size_alone() {
    let pool = Pool::new();
    pool.matrix2::<f32>(Purpose::Pixels, Shape2::new(64, 64)).unwrap().release();
    pool.matrix2::<i32>(Purpose::Modular, Shape2::new(64, 64)).unwrap().release();
    pool.matrix3::<u8>(Purpose::Output, Shape3::new(3, 85, 50)).unwrap().release();
    pool.buffer::<half::f16>(Purpose::Filter, 64 * 64 * 2 - 64).unwrap().release();
    assert_eq!((misses(&pool), pool.statistics().total.hits), (1, 3));
    lines(&pool, 200).unwrap().release();
    assert_eq!(misses(&pool), 2, "more than a fifth would be idle");
}

/// To stay within the budget, what has been idle longest goes first, and no more of it than needed.
#[test]
fn the_oldest_idle_storage_is_freed_first() {
    let pool = Pool::with_budget(64 * 100);
    let sizes = [20, 10, 40, 14];
    let held = sizes.map(|size| lines(&pool, size).unwrap());
    held.into_iter().for_each(drop);
    let big = lines(&pool, 31).unwrap(); // 84 + 32 lines: the 20 go
    assert_eq!((pool.statistics().freed, pool.statistics().freed_bytes), (1, 64 * 20));
    let cold = misses(&pool);
    let rest = [10, 40, 14].map(|size| lines(&pool, size).unwrap());
    assert_eq!(misses(&pool), cold);
    drop((big, rest));
}

/// A refused lease names what was asked for, what is in use and the bound, and frees nothing in vain.
#[test]
fn a_lease_beyond_the_budget_is_refused() {
    let pool = Pool::with_budget(64 * 100);
    lines(&pool, 20).unwrap().release();
    let held = lines(&pool, 64).unwrap();
    let error = lines(&pool, 37).map(drop).unwrap_err();
    assert_eq!(error, PoolError::OverBudget { requested: 64 * 37, in_use: 64 * 64, budget: 6400 });
    assert_eq!(error.to_string(), "2368 bytes were asked for with 4096 in use: the budget is 6400");
    assert_eq!((pool.statistics().freed, pool.statistics().refused), (0, 1));
    assert_eq!(pool.check(64 * 37), Err(error));
    assert_eq!(pool.check(64 * 36), Ok(()));
    lines(&pool, 36).unwrap().release();
    drop(held);
    // Its class of 112 lines does not fit, but 100 do.
    lines(&pool, 100).unwrap().release();
}

/// Sizes that no memory has are errors, and leave the pool as it was.
#[test]
fn absurd_sizes_are_refused() {
    let pool = Pool::new();
    lines(&pool, 10).unwrap().release();
    let shape = Shape2::new(usize::MAX, usize::MAX);
    let error = pool.matrix2::<f32>(Purpose::Pixels, shape).map(drop).unwrap_err();
    assert_eq!(error, PoolError::TooLarge { shape: Shape3::new(1, usize::MAX, usize::MAX), element: 4 });
    let shape = Shape3::new(usize::MAX, 1 << 20, 1 << 20);
    let error = pool.matrix3::<u8>(Purpose::Pixels, shape).map(drop).unwrap_err();
    assert!(matches!(error, PoolError::TooLarge { .. }));
    for len in [usize::MAX, isize::MAX as usize, 1 << 60] {
        let error = pool.buffer::<u8>(Purpose::Pixels, len).map(drop).unwrap_err();
        assert!(matches!(error, PoolError::Allocation { .. }), "{error}");
    }
    let statistics = pool.statistics();
    assert_eq!((statistics.refused, statistics.total.idle_bytes, statistics.freed), (3, 640, 0));
}

/// Returned storage reads as poison of every type, and so does fresh storage.
#[test]
#[cfg(debug_assertions)]
fn storage_is_poisoned() {
    fn poisoned<T: Element + PartialEq>(pool: &Pool) -> bool {
        let mut matrix = pool.matrix2::<T>(Purpose::Other, Shape2::new(3, 64)).unwrap();
        let poisoned = matrix.view().iter_rows().flatten().all(|&value| value == T::POISON);
        matrix.fill(T::zeroed());
        poisoned
    }
    for pool in [Pool::new(), Pool::unpooled()] {
        for _ in 0..2 {
            assert!(poisoned::<i16>(&pool) && poisoned::<u32>(&pool) && poisoned::<i64>(&pool));
            let floats = pool.matrix2::<f32>(Purpose::Other, Shape2::new(3, 64)).unwrap();
            assert!(floats.view().iter_rows().flatten().all(|value| value.is_nan()));
        }
    }
}

/// A pool that keeps nothing counts and bounds all the same.
#[test]
fn an_unpooled_pool_keeps_nothing() {
    let pool = Pool::builder().budget(64 * 10).pooled(false).build();
    let held = lines(&pool, 9).unwrap();
    assert_eq!(pool.statistics().total.in_use_bytes, 64 * 9);
    assert!(lines(&pool, 2).is_err());
    drop(held);
    lines(&pool, 2).unwrap().release();
    let total = pool.statistics().total;
    assert_eq!((total.leases, total.misses, total.idle_bytes, total.peak_bytes), (2, 2, 0, 64 * 9));
}

/// Swapping the matrices of two leases, even of two pools, confuses nobody: storage goes home.
#[test]
fn swapped_matrices_go_home() {
    let (one, two) = (Pool::new(), Pool::new());
    let mut a = one.matrix2::<u8>(Purpose::Modular, Shape2::new(1, 64)).unwrap();
    let mut b = two.matrix2::<u8>(Purpose::Filter, Shape2::new(10, 64)).unwrap();
    std::mem::swap(&mut *a, &mut *b);
    assert_eq!(a.rows(), 10);
    drop(a);
    assert_eq!((one.statistics().outstanding(), two.statistics().outstanding()), (1, 0));
    assert_eq!(two.statistics().of(Purpose::Filter).idle_bytes, 640);
    drop(b);
    assert_eq!(one.statistics().of(Purpose::Modular).idle_bytes, 64);
}

/// A lease outlives its pool's last handle.
#[test]
fn a_lease_outlives_the_pool() {
    let pool = Pool::new();
    let mut lease = pool.matrix2_zeroed::<i32>(Purpose::Reference, Shape2::new(100, 100)).unwrap();
    drop(pool);
    lease.row_mut(99).fill(1);
    assert_eq!(lease.row(99).iter().sum::<i32>(), 100);
}

/// A lease that is forgotten shows in the leak check, and nowhere else.
#[test]
fn a_leak_shows() {
    let pool = Pool::new();
    std::mem::forget(lines(&pool, 1).unwrap());
    lines(&pool, 1).unwrap().release();
    assert_eq!(pool.statistics().outstanding(), 1);
}

/// The table names every purpose that was used, in aligned columns; JSON has balanced braces and all counts.
#[test]
fn statistics_are_printable() {
    let pool = Pool::with_budget(1 << 20);
    pool.matrix2::<f32>(Purpose::HfCoefficients, Shape2::new(64, 64)).unwrap().release();
    let statistics = pool.statistics();
    let table = statistics.to_string();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 6, "{table}");
    assert!(rows[1].starts_with("HfCoefficients          1 ") && rows[2].starts_with("total  "), "{table}");
    assert!(rows[4].starts_with("f32                     1 "), "{table}");
    assert!(rows[..3].iter().all(|row| row.len() == rows[0].len()), "{table}");
    assert!(rows[3].len() == rows[4].len() && rows[0][..rows[3].len()].ends_with("in use [B]"), "{table}");
    let json = statistics.to_json();
    assert_eq!(json.matches('{').count(), json.matches('}').count());
    assert_eq!(json.matches("\"leases\":1,").count(), 3);
    assert_eq!(json.matches("\"peak_bytes\":").count(), 1 + Purpose::ALL.len());
}

/// Bytes are counted by the format they are leased as, whoever returns them.
#[test]
fn bytes_are_counted_by_format() {
    let pool = Pool::new();
    let kept = pool.buffer::<i16>(Purpose::Modular, 32 * 10).unwrap();
    let sent = pool.buffer::<f32>(Purpose::Pixels, 16 * 4).unwrap();
    std::thread::scope(|scope| scope.spawn(|| drop(sent)).join().unwrap());
    let usage = |format| {
        let usage = pool.statistics().of_format(format);
        (usage.leases, usage.leased_bytes, usage.in_use_bytes)
    };
    assert_eq!(usage(SampleFormat::I16), (1, 640, 640));
    assert_eq!(usage(SampleFormat::F32), (1, 256, 0));
    drop(kept);
    assert_eq!(usage(SampleFormat::I16), (1, 640, 0));
}

/// A leak is named by its purpose; what was held before does not count.
#[test]
fn leaks_are_found() {
    let pool = Pool::new();
    let before = lines(&pool, 3).unwrap();
    let mark = pool.statistics();
    mark.leaks_since(&mark).unwrap();
    let leaked = pool.buffer::<u8>(Purpose::Output, 64).unwrap();
    let leaks = pool.statistics().leaks_since(&mark).unwrap_err();
    assert_eq!((leaks.leases(), leaks.bytes(), leaks.of(Purpose::Output)), (1, 64, 1));
    assert_eq!(pool.statistics().leaks().unwrap_err().leases(), 2);
    drop((before, leaked));
    pool.statistics().leaks().unwrap();
}

/// An observer hears of every lease, return, refusal and of what is freed, and adds up to the statistics.
#[test]
fn an_observer_hears_everything() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&heard);
    let pool =
        Pool::builder().budget(64 * 10).observer(move |event| tell.lock().unwrap().push(event)).build();
    lines(&pool, 4).unwrap().release();
    lines(&pool, 4).unwrap().release();
    assert!(lines(&pool, 11).is_err());
    lines(&pool, 8).unwrap().release();
    pool.clear();
    let (purpose, bytes) = (Purpose::Other, 64 * 4);
    let large = 64 * 8;
    let expected = [
        PoolEvent::Leased { purpose, bytes, hit: false },
        PoolEvent::Returned { purpose, bytes },
        PoolEvent::Leased { purpose, bytes, hit: true },
        PoolEvent::Returned { purpose, bytes },
        PoolEvent::Refused { purpose, bytes: 64 * 11 },
        PoolEvent::Freed { bytes },
        PoolEvent::Leased { purpose, bytes: large, hit: false },
        PoolEvent::Returned { purpose, bytes: large },
        PoolEvent::Freed { bytes: large },
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

/// A pool of the caller's memory lends pieces of that and of nothing else, is used again like any pool, refuses what it
/// has no room for, and gives the memory back once nobody holds any.
#[test]
fn storage_is_cut_from_memory_of_the_callers() {
    const LINES: usize = 4000;
    let memory = vec![0u8; 64 * (LINES + 1)];
    let range = memory.as_ptr_range();
    let range = range.start.addr()..=range.end.addr();
    let pool = Pool::with_scratch(memory).unwrap();
    let budget = pool.budget().unwrap();
    assert!((64 * LINES as u64..=64 * (LINES as u64 + 1)).contains(&budget));
    let inside = |lease: &jxlake_util::Buffer<u8>| {
        let lent = lease[..].as_ptr_range();
        range.contains(&lent.start.addr()) && range.contains(&lent.end.addr())
    };

    std::thread::scope(|scope| {
        for thread in 0..3u8 {
            let (pool, inside) = (&pool, &inside);
            scope.spawn(move || {
                for round in 0..200 {
                    let sizes = [1, 7, 40, 3].map(|size| (size * (round % 5 + 1)) as usize);
                    let mut held: Vec<_> = sizes.iter().map(|&size| lines(pool, size).unwrap()).collect();
                    held.iter_mut().for_each(|lease| lease[..].fill(thread));
                    std::thread::yield_now();
                    assert!(held.iter().all(|lease| lease[..].iter().all(|&byte| byte == thread)));
                    assert!(held.iter().all(|lease| inside(lease)));
                }
            });
        }
    });
    assert!(pool.statistics().total.hits > pool.statistics().total.misses);

    let whole = lines(&pool, LINES).unwrap();
    let refused = lines(&pool, 10).map(drop).unwrap_err();
    assert!(
        matches!(refused, PoolError::OverBudget { in_use, .. } if in_use >= 64 * LINES as u64),
        "{refused}"
    );
    let pool = pool.into_scratch().unwrap_err();
    whole.release();
    let other = pool.clone();
    let pool = pool.into_scratch().unwrap_err();
    drop(other);
    assert_eq!(pool.into_scratch().unwrap().len(), 64 * (LINES + 1));
    assert!(Pool::new().into_scratch().is_err());
}

/// Room that is there but not in a row is told from room that is not there.
#[test]
fn holes_in_memory_of_the_callers_are_told() {
    let pool = Pool::with_scratch(vec![0; 64 * 101]).unwrap();
    let held: Vec<_> = (0..100).map(|_| lines(&pool, 1).unwrap()).collect();
    let every_other: Vec<_> = held.into_iter().step_by(2).collect();
    let refused = lines(&pool, 40).map(drop).unwrap_err();
    assert!(
        matches!(refused, PoolError::Scratch { requested: 2560, largest } if largest < 2560),
        "{refused}"
    );
    drop(every_other);
    lines(&pool, 90).unwrap().release();
    let refused = Pool::with_scratch(vec![0; 10]).map(drop).unwrap_err();
    assert_eq!(refused, PoolError::Scratch { requested: 64, largest: 0 });
}
