//! A worker's own few idle buffers.

use super::class::Class;
use super::shelves::{Idle, Shelves};

/// How many a magazine holds.
const CAPACITY: usize = 32;

/// Lines of the largest storage it takes: beyond the size of a core's cache nothing is gained by keeping it near.
const LARGEST: usize = (1 << 20) / 64;

/// The storage a worker gave back last, oldest first.
pub(crate) struct Magazine {
    idle: Vec<Idle>,
    returns: u32,
}

impl Magazine {
    pub(crate) fn new() -> Self {
        Self { idle: Vec::with_capacity(CAPACITY), returns: 0 }
    }

    /// Whether a magazine takes storage of this class; larger goes to the shelves at once.
    pub(crate) fn takes(class: Class) -> bool {
        class.lines() <= LARGEST
    }

    pub(crate) fn is_full(&self) -> bool {
        self.idle.len() >= CAPACITY
    }

    /// Takes in storage; the magazine is not full.
    pub(crate) fn put(&mut self, mut idle: Idle) {
        debug_assert!(!self.is_full());
        idle.age.order = self.returns;
        self.returns = self.returns.wrapping_add(1);
        self.idle.push(idle);
    }

    /// The latest returned storage of the smallest of these classes that has any.
    pub(crate) fn take(&mut self, smallest: Class, largest: Class) -> Option<Idle> {
        let place =
            self.idle.iter().rposition(|idle| idle.class == smallest).or_else(|| {
                self.idle.iter().rposition(|idle| smallest < idle.class && idle.class <= largest)
            })?;
        Some(self.idle.remove(place))
    }

    /// Moves the older half to the shelves.
    pub(crate) fn flush_older_half(&mut self, shelves: &mut Shelves) {
        self.idle.drain(..self.idle.len().div_ceil(2)).for_each(|idle| shelves.put(idle));
    }

    /// Moves everything to the shelves.
    pub(crate) fn flush(&mut self, shelves: &mut Shelves) {
        self.idle.drain(..).for_each(|idle| shelves.put(idle));
    }
}
