//! A decode seen from another thread: how far it is, and a way to stop it.

use crate::error::{Error, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Shared between a decode and whoever watches it.
///
/// ```
/// use jxlake_frame::decoder::Watch;
///
/// let watch = Watch::default();
/// assert_eq!((watch.done(), watch.total()), (0, 0));
/// watch.cancel(); // the decode ends with an error at the next group
/// ```
#[derive(Debug, Default)]
pub struct Watch {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl Watch {
    /// Groups decoded since the watch was made.
    pub fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    /// Groups of all frames that were begun since the watch was made.
    pub fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// Makes the decode end with [`Error::Cancelled`] soon.
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// Whether somebody has made the decode end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    /// Takes a cancellation back, for the next decode.
    pub fn resume(&self) {
        self.cancelled.store(false, Relaxed);
    }

    /// Notes that a frame of so many groups begins.
    pub(super) fn begin(&self, groups: usize) {
        self.total.fetch_add(groups as u64, Relaxed);
    }

    /// Notes that a group is done.
    pub(super) fn step(&self) -> Result<()> {
        self.done.fetch_add(1, Relaxed);
        if self.cancelled.load(Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }
}
