//! A counting allocator: how often memory was asked for, and the most that was held.

#[cfg(feature = "mimalloc")]
use mimalloc::MiMalloc as System;
#[cfg(not(feature = "mimalloc"))]
use std::alloc::System;
use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts what passes through to the system's allocator, or to mimalloc.
pub struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

fn grown(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    let live = LIVE.fetch_add(bytes as u64, Relaxed) + bytes as u64;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: every call is handed on unchanged to `System`; the counters do not touch the memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as u64, Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_sub(layout.size() as u64, Relaxed);
        grown(size);
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// What happened between `start` and `end`.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    /// Calls that asked for memory.
    pub allocations: u64,
    /// Most bytes held at once.
    pub peak: u64,
}

/// Bytes held now.
pub fn live() -> u64 {
    LIVE.load(Relaxed)
}

/// Runs `work` and tells what it asked of the allocator.
pub fn measure(work: impl FnOnce()) -> Usage {
    let before = ALLOCATIONS.load(Relaxed);
    PEAK.store(live(), Relaxed);
    work();
    Usage { allocations: ALLOCATIONS.load(Relaxed) - before, peak: PEAK.load(Relaxed) }
}
