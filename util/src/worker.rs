//! Which worker a thread is.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A small number of the calling thread, counted from 0 in the order threads first ask; never reused.
#[inline]
pub(crate) fn index() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static INDEX: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    INDEX.with(|index| *index)
}
