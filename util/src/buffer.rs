//! A pooled run of elements.

use crate::element::Element;
use crate::error::{PoolError, ShapeError};
use crate::layout;
use crate::lease::Lease;
use crate::pool::{Held, Purpose, Shared};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// Elements in a row, leased from a pool: a slice that starts on a 64-byte line.
///
/// Its length can change within the capacity, which is what was asked for; elements stay where they are.
///
/// ```
/// use jxlake_util::{Pool, Purpose};
///
/// let pool = Pool::new();
/// let mut window = pool.buffer_zeroed::<u32>(Purpose::Entropy, 1000)?;
/// window[999] = 5;
/// window.reshape(10)?;
/// assert_eq!(window.iter().sum::<u32>(), 0);
/// window.reshape(1000)?;
/// assert_eq!(window[999], 5);
/// assert!(window.reshape(1001).is_err());
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
pub struct Buffer<T: Element> {
    held: Held,
    len: usize,
    capacity: usize,
    elements: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
    pub(crate) fn lease(
        shared: &Arc<Shared>,
        purpose: Purpose,
        len: usize,
        zeroed: bool,
    ) -> Result<Lease<Self>, PoolError> {
        let held = Held::lease::<T>(shared, purpose, layout::lines::<T>(len), zeroed)?;
        Ok(Lease::new(Self { held, len, capacity: len, elements: PhantomData }))
    }

    /// The elements that were leased.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Changes the length; elements within both lengths stay, others are unspecified.
    ///
    /// # Errors
    /// [`ShapeError::BeyondLength`] beyond the capacity; the length then stays.
    pub fn reshape(&mut self, len: usize) -> Result<(), ShapeError> {
        if len > self.capacity {
            return Err(ShapeError::BeyondLength { requested: len, capacity: self.capacity });
        }
        self.len = len;
        Ok(())
    }

    /// The first element; it does not move while the buffer is leased.
    pub(crate) fn data(&self) -> NonNull<T> {
        self.held.data().cast()
    }
}

impl<T: Element> Deref for Buffer<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.held.elements()[..self.len]
    }
}

impl<T: Element> DerefMut for Buffer<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.held.elements_mut()[..self.len]
    }
}

impl<T: Element> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
