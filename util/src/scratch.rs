//! Workspaces that workers take and put back.

use crate::worker;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Workspaces that are made once and used again: a worker takes one, uses it, and puts it back.
///
/// There are as many as were in use at one time. A thread gets the one it had last, if that is there, because it may
/// still be in its cache. What a workspace holds is what its last user left.
///
/// ```
/// use jxlake_util::{Scratch, Threads};
///
/// let scratch = Scratch::<Vec<u32>>::new();
/// Threads::Global.run(100, |task| {
///     let mut list = scratch.take();
///     list.clear();
///     list.extend(0..task as u32);
///     Ok::<(), ()>(())
/// })?;
/// assert!(scratch.len() >= 1);
/// # Ok::<(), ()>(())
/// ```
pub struct Scratch<T> {
    // Boxed, so that a large workspace moves as a pointer.
    idle: Mutex<Vec<(usize, Box<T>)>>,
}

impl<T: Default + Send> Scratch<T> {
    /// No workspaces yet.
    pub const fn new() -> Self {
        Self { idle: Mutex::new(Vec::new()) }
    }

    /// Takes a workspace, or makes one. It is put back when the guard is dropped.
    pub fn take(&self) -> ScratchGuard<'_, T> {
        let me = worker::index();
        let found = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = idle.iter().rposition(|&(last, _)| last == me);
            match mine {
                Some(place) => Some(idle.swap_remove(place).1),
                None => idle.pop().map(|(_, workspace)| workspace),
            }
        };
        ScratchGuard { scratch: self, workspace: ManuallyDrop::new(found.unwrap_or_default()) }
    }

    /// Drops the workspaces that nobody uses now.
    pub fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }

    /// Whether nobody's workspaces are left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Workspaces that nobody uses now.
    pub fn len(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<T: Default + Send> Default for Scratch<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Scratch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// A workspace in use; derefs to it, and puts it back into its [`Scratch`] when dropped.
///
/// If the thread panics the workspace is dropped: it may be half changed.
///
/// ```
/// use jxlake_util::Scratch;
///
/// let scratch = Scratch::<Vec<u8>>::new();
/// scratch.take().push(7);
/// assert_eq!(*scratch.take(), [7]);
/// ```
pub struct ScratchGuard<'a, T> {
    scratch: &'a Scratch<T>,
    // Invariant: holds a workspace until the guard is dropped.
    workspace: ManuallyDrop<Box<T>>,
}

impl<T> Deref for ScratchGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.workspace
    }
}

impl<T> DerefMut for ScratchGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.workspace
    }
}

impl<T> Drop for ScratchGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the guard is being dropped, so that this is the only time the workspace is taken.
        let workspace = unsafe { ManuallyDrop::take(&mut self.workspace) };
        if !std::thread::panicking() {
            let mut idle = self.scratch.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((worker::index(), workspace));
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for ScratchGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScratchGuard").field(&**self).finish()
    }
}
