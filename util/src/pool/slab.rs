//! Memory of the caller's, from which a pool cuts its storage.

use super::storage::LINE;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// A caller's memory, in whole lines.
///
/// Invariant: `block` and `capacity` are those of a `Vec<u8>` of `length` initialised bytes, which is ours. The `lines`
/// lines from `first` on lie in it, `first` on a line's boundary. Whoever [took](Self::take) lines alone reaches them,
/// until they are [put](Self::put) back; nothing here does.
pub(crate) struct Slab {
    block: NonNull<u8>,
    length: usize,
    capacity: usize,
    first: NonNull<u8>,
    lines: usize,
    free: Mutex<FreeLines>,
}

// SAFETY: the slab owns its bytes like a `Vec<u8>`, and reaches none of them through a reference to itself.
unsafe impl Send for Slab {}
// SAFETY: as above.
unsafe impl Sync for Slab {}

impl Slab {
    pub(crate) fn new(memory: Vec<u8>) -> Self {
        let mut memory = ManuallyDrop::new(memory);
        let (length, capacity) = (memory.len(), memory.capacity());
        let block = NonNull::from(memory.as_mut_slice()).cast::<u8>();
        let before = block.addr().get().wrapping_neg() % LINE;
        let lines = length.saturating_sub(before) / LINE;
        // SAFETY: not more bytes than there are.
        let first = unsafe { block.add(before.min(length)) };
        let free = Mutex::new(FreeLines { holes: vec![Hole { start: 0, lines }] });
        Self { block, length, capacity, first, lines, free }
    }

    /// Bytes that storage can be cut from.
    pub(crate) fn bytes(&self) -> u64 {
        (self.lines * LINE) as u64
    }

    /// Bytes of the largest piece that could be cut now.
    pub(crate) fn largest(&self) -> u64 {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.holes.iter().map(|hole| (hole.lines * LINE) as u64).max().unwrap_or(0)
    }

    /// Cuts off `lines` lines, and gives the first byte. The caller alone reaches them until they are put back.
    pub(crate) fn take(&self, lines: usize) -> Option<NonNull<u8>> {
        let start = self.free.lock().unwrap_or_else(PoisonError::into_inner).take(lines)?;
        // SAFETY: holes lie within the slab's lines.
        Some(unsafe { self.first.add(start * LINE) })
    }

    /// Puts lines back that were taken, all of a piece.
    pub(crate) fn put(&self, data: NonNull<u8>, lines: usize) {
        let start = (data.addr().get() - self.first.addr().get()) / LINE;
        self.free.lock().unwrap_or_else(PoisonError::into_inner).put(Hole { start, lines });
    }

    /// The memory, with whatever was left in it. Nobody can hold lines any more: they hold the slab.
    pub(crate) fn into_memory(self) -> Vec<u8> {
        let slab = ManuallyDrop::new(self);
        // The list of holes is all that is lost with the guard against dropping.
        *slab.free.lock().unwrap_or_else(PoisonError::into_inner) = FreeLines { holes: Vec::new() };
        // SAFETY: by the type's invariant these are the parts of a vector, and `self` is not dropped.
        unsafe { Vec::from_raw_parts(slab.block.as_ptr(), slab.length, slab.capacity) }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: by the type's invariant these are the parts of a vector that is ours.
        drop(unsafe { Vec::from_raw_parts(self.block.as_ptr(), self.length, self.capacity) });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hole {
    start: usize,
    lines: usize,
}

/// Lines that nobody has.
#[derive(Debug)]
struct FreeLines {
    /// In order, with something between any two.
    holes: Vec<Hole>,
}

impl FreeLines {
    /// Takes lines from the smallest hole that has as many.
    fn take(&mut self, lines: usize) -> Option<usize> {
        let fitting = self.holes.iter().enumerate().filter(|(_, hole)| hole.lines >= lines);
        let (at, _) = fitting.min_by_key(|(_, hole)| hole.lines)?;
        let hole = &mut self.holes[at];
        let start = hole.start;
        *hole = Hole { start: start + lines, lines: hole.lines - lines };
        if hole.lines == 0 {
            self.holes.remove(at);
        }
        Some(start)
    }

    fn put(&mut self, mut hole: Hole) {
        let mut at = self.holes.partition_point(|other| other.start < hole.start);
        if let Some(next) = self.holes.get(at)
            && next.start == hole.start + hole.lines
        {
            hole.lines += next.lines;
            self.holes.remove(at);
        }
        if let Some(before) = at.checked_sub(1).map(|before| self.holes[before])
            && before.start + before.lines == hole.start
        {
            hole = Hole { start: before.start, lines: before.lines + hole.lines };
            at -= 1;
            self.holes.remove(at);
        }
        self.holes.insert(at, hole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pieces lie on lines, within the memory, and the memory comes back as it was given.
    #[test]
    fn pieces_are_of_the_memory() {
        for length in [0, 1, 63, 64, 127, 1000, 4096 + 17] {
            let memory = vec![7u8; length];
            let range = memory.as_ptr_range();
            let slab = Slab::new(memory);
            assert!(slab.bytes() as usize <= length && slab.bytes() as usize + 2 * LINE > length);
            let mut pieces = Vec::new();
            while let Some(data) = slab.take(1) {
                assert!(data.addr().get().is_multiple_of(LINE));
                assert!(
                    range.start.addr() <= data.addr().get() && data.addr().get() + LINE <= range.end.addr()
                );
                pieces.push(data);
            }
            assert_eq!(pieces.len() * LINE, slab.bytes() as usize);
            assert_eq!(slab.largest(), 0);
            pieces.into_iter().for_each(|data| slab.put(data, 1));
            assert_eq!(slab.largest(), slab.bytes());
            assert_eq!(slab.into_memory(), vec![7; length]);
        }
    }

    proptest! {
        /// No line is given twice, and holes grow together again.
        #[test]
        fn lines_are_given_once(steps in prop::collection::vec((any::<bool>(), 1usize..9, any::<prop::sample::Index>()), 1..200)) {
            const LINES: usize = 40;
            let mut free = FreeLines { holes: vec![Hole { start: 0, lines: LINES }] };
            let mut taken: Vec<Hole> = Vec::new();
            for (take, lines, which) in steps {
                if take {
                    let largest = free.holes.iter().map(|hole| hole.lines).max().unwrap_or(0);
                    let start = free.take(lines);
                    prop_assert_eq!(start.is_some(), largest >= lines);
                    taken.extend(start.map(|start| Hole { start, lines }));
                } else if !taken.is_empty() {
                    free.put(taken.swap_remove(which.index(taken.len())));
                }
                let mut owners = [0; LINES];
                for hole in taken.iter().chain(&free.holes) {
                    owners[hole.start..][..hole.lines].iter_mut().for_each(|owner| *owner += 1);
                }
                prop_assert!(owners.iter().all(|&owners| owners == 1));
                prop_assert!(free.holes.windows(2).all(|pair| pair[0].start + pair[0].lines < pair[1].start));
            }
            taken.into_iter().for_each(|hole| free.put(hole));
            prop_assert_eq!(free.holes, vec![Hole { start: 0, lines: LINES }]);
        }
    }
}
