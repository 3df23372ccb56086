//! Untyped memory in whole cache lines.

use super::slab::Slab;
use crate::element::{Element, POISON};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;

/// Bytes of a cache line; storage starts on one and is a whole number of them.
pub(crate) const LINE: usize = 64;

/// One cache line: what storage is aligned to.
#[repr(C, align(64))]
struct Line([u8; LINE]);

/// Owned bytes on a 64-byte boundary.
///
/// Invariant: `data` is aligned to [`LINE`] and valid for reads and writes of `lines * LINE` bytes, all of them
/// initialised, which nothing else reaches while this value exists. If `lines` is not 0, they were taken from `slab`, or,
/// without one, `data - shift` is the start of a block of the global allocator with `layout(lines)`.
pub(crate) struct Storage {
    data: NonNull<u8>,
    lines: usize,
    shift: u8,
    /// Every byte is known to be 0.
    zero: bool,
    slab: Option<Arc<Slab>>,
}

// SAFETY: storage owns its bytes like a `Box<[u8]>`: `&self` only reads them, `&mut self` writes.
unsafe impl Send for Storage {}
// SAFETY: as above.
unsafe impl Sync for Storage {}

impl Storage {
    /// No bytes; not allocated.
    pub(crate) const fn empty() -> Self {
        Self { data: NonNull::<Line>::dangling().cast(), lines: 0, shift: 0, zero: false, slab: None }
    }

    /// What is asked of the allocator: an alignment that every allocator meets, so that fresh zeroed pages come from
    /// the system as they are. With an alignment of 64 they would be cleared again, by a pass over memory (fresh
    /// storage of 64 MiB, written once: 1.2× the time).
    fn layout(lines: usize) -> Option<Layout> {
        let bytes = lines.checked_mul(LINE)?.checked_add(LINE - align_of::<u64>())?;
        Layout::from_size_align(bytes, align_of::<u64>()).ok()
    }

    /// Whether an address space has room for so much; no system gives more.
    pub(crate) fn can_exist(lines: usize) -> bool {
        Self::layout(lines).is_some()
    }

    /// Fresh storage, zeroed, or poisoned in debug builds; `None` if the system refuses.
    pub(crate) fn allocate(lines: usize) -> Option<Self> {
        if lines == 0 {
            return Some(Self::empty());
        }
        let layout = Self::layout(lines)?;
        // SAFETY: the layout has a size, because `lines` is not 0.
        let block = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        let shift = block.as_ptr().addr().wrapping_neg() % LINE;
        // SAFETY: the block is a multiple of 8 and so at most `LINE - 8` bytes before a line, and as many more were
        // asked for.
        let data = unsafe { block.add(shift) };
        let mut storage = Self { data, lines, shift: shift as u8, zero: true, slab: None };
        storage.poison();
        Some(storage)
    }

    /// Storage cut from a slab, poisoned in debug builds; `None` if there are not as many lines in a row.
    pub(crate) fn cut(slab: &Arc<Slab>, lines: usize) -> Option<Self> {
        if lines == 0 {
            return Some(Self::empty());
        }
        let data = slab.take(lines)?;
        let mut storage = Self { data, lines, shift: 0, zero: false, slab: Some(Arc::clone(slab)) };
        storage.poison();
        Some(storage)
    }

    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.lines * LINE) as u64
    }

    /// The first byte, on a 64-byte boundary.
    pub(crate) fn data(&self) -> NonNull<u8> {
        self.data
    }

    /// The whole storage as elements.
    #[inline(always)]
    pub(crate) fn elements<T: Element>(&self) -> &[T] {
        const { assert!(LINE.is_multiple_of(size_of::<T>()) && align_of::<T>() <= LINE) };
        // SAFETY: by the type's invariant the bytes are aligned, initialised and ours, and every pattern of them is
        // a `T` because `T: Pod`; its size divides a line, so that the length covers all bytes and no more.
        unsafe {
            std::slice::from_raw_parts(self.data.cast::<T>().as_ptr(), self.lines * (LINE / size_of::<T>()))
        }
    }

    /// The whole storage as elements to write.
    #[inline(always)]
    pub(crate) fn elements_mut<T: Element>(&mut self) -> &mut [T] {
        const { assert!(LINE.is_multiple_of(size_of::<T>()) && align_of::<T>() <= LINE) };
        // SAFETY: as in `elements`; `&mut self` makes the access exclusive, and any `T: Pod` leaves initialised bytes.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.data.cast::<T>().as_ptr(),
                self.lines * (LINE / size_of::<T>()),
            )
        }
    }

    /// Sets the first `lines` lines to 0, unless they are known to be.
    pub(crate) fn clear(&mut self, lines: usize) {
        if !self.zero {
            self.elements_mut::<u64>()[..lines * (LINE / size_of::<u64>())].fill(0);
        }
    }

    /// Notes that the holder may write anything.
    pub(crate) fn hand_out(&mut self) {
        self.zero = false;
    }

    /// Fills the storage with the poison pattern; does nothing without debug assertions.
    pub(crate) fn poison(&mut self) {
        if cfg!(debug_assertions) {
            self.elements_mut::<u16>().fill(POISON);
            self.zero = false;
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        if self.lines == 0 {
            return;
        }
        if let Some(slab) = self.slab.take() {
            return slab.put(self.data, self.lines);
        }
        if let Some(layout) = Self::layout(self.lines) {
            // SAFETY: by the type's invariant this is the block's start and layout, and we own it.
            unsafe { dealloc(self.data.sub(usize::from(self.shift)).as_ptr(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Storage of any size starts on a line, is poisoned in debug builds and can be written to its last byte.
    #[test]
    fn storage_is_aligned_and_whole() {
        for lines in [1, 2, 3, 5, 63, 64, 1000, 40_000] {
            let mut storage = Storage::allocate(lines).unwrap();
            assert_eq!(storage.data().addr().get() % LINE, 0);
            assert_eq!(storage.elements::<u8>().len(), lines * LINE);
            let fresh = if cfg!(debug_assertions) { POISON } else { 0 };
            assert!(storage.elements::<u16>().iter().all(|&v| v == fresh));
            storage.elements_mut::<u8>().fill(3);
            storage.hand_out();
            storage.clear(lines - 1);
            let bytes = storage.elements::<u8>();
            assert!(bytes[..(lines - 1) * LINE].iter().all(|&v| v == 0));
            assert!(bytes[(lines - 1) * LINE..].iter().all(|&v| v == 3));
        }
    }

    /// An absurd size is refused, not aborted on; none at all needs no allocation.
    #[test]
    fn absurd_sizes_are_refused() {
        assert!(Storage::allocate(usize::MAX).is_none());
        assert!(Storage::allocate(isize::MAX as usize / LINE).is_none());
        assert!(Storage::allocate(0).unwrap().elements::<f32>().is_empty());
    }
}
