//! The pool: storage by size class, a budget, statistics.

mod budget;
mod class;
mod magazine;
mod observer;
mod purpose;
mod shared;
mod shelves;
mod slab;
mod statistics;
mod storage;

pub use observer::PoolEvent;
pub use purpose::Purpose;
pub use statistics::{FormatUsage, Leaks, Statistics, Usage};

pub(crate) use shared::{Held, Shared};
pub(crate) use storage::LINE;

use crate::buffer::Buffer;
use crate::element::Element;
use crate::error::PoolError;
use crate::layout;
use crate::lease::Lease;
use crate::matrix2::Matrix2;
use crate::matrix3::Matrix3;
use crate::shape::{Shape2, Shape3};
use class::Class;
use observer::Observer;
use slab::Slab;
use std::fmt;
use std::sync::Arc;

/// A cheap handle on storage that matrices are leased from: clone it freely, share it between threads,
/// decoders and images. The storage lives until the last handle and the last lease are gone.
///
/// See the [crate's documentation](crate) for how leases, shapes, classes and the budget work.
///
/// ```
/// use jxlake_util::{Pool, Purpose, Shape3};
///
/// let pool = Pool::with_budget(16 << 20);
/// let xyb = pool.matrix3::<f32>(Purpose::Pixels, Shape3::new(3, 256, 256))?;
/// assert!(pool.check(12 << 20).is_ok());
/// assert!(pool.check(16 << 20).is_err());
/// xyb.release();
/// pool.clear(); // free all idle storage
/// assert_eq!(pool.statistics().total.idle_bytes, 0);
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// A pool without a budget.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A pool that never holds more than `bytes` bytes, in use plus idle.
    pub fn with_budget(bytes: u64) -> Self {
        Self::builder().budget(bytes).build()
    }

    /// A pool that keeps nothing: each lease allocates, each return frees. Everything else is the same.
    pub fn unpooled() -> Self {
        Self::builder().pooled(false).build()
    }

    /// A pool whose storage is all cut from the caller's memory: it never asks the system for more, and the memory comes
    /// back by [`into_scratch`](Self::into_scratch). Its budget is the whole 64-byte lines of the memory.
    ///
    /// Pieces of different sizes may leave holes that are too small for others, so that more is needed than the bytes in
    /// use.
    ///
    /// ```
    /// use jxlake_util::{Pool, PoolError, Purpose};
    ///
    /// let pool = Pool::with_scratch(vec![0; 1 << 20])?;
    /// let samples = pool.buffer::<f32>(Purpose::Pixels, 100_000)?;
    /// assert!(matches!(pool.buffer::<f32>(Purpose::Pixels, 200_000), Err(PoolError::OverBudget { .. })));
    /// let Err(pool) = pool.into_scratch() else { panic!("storage is still on loan") };
    /// samples.release();
    /// let memory = pool.into_scratch().map_err(|_| "somebody holds the pool").unwrap();
    /// assert_eq!(memory.len(), 1 << 20);
    /// # Ok::<(), PoolError>(())
    /// ```
    ///
    /// # Errors
    /// [`PoolError::Scratch`] if the memory has not one line.
    pub fn with_scratch(memory: Vec<u8>) -> Result<Self, PoolError> {
        let slab = Slab::new(memory);
        match slab.bytes() {
            0 => Err(PoolError::Scratch { requested: LINE as u64, largest: 0 }),
            _ => Ok(Self { shared: Arc::new(Shared::with_slab(slab)) }),
        }
    }

    /// The memory that was given to [`with_scratch`](Self::with_scratch), with whatever is left in it.
    ///
    /// # Errors
    /// The pool itself if it has no such memory, or if other handles or leases of it are there.
    pub fn into_scratch(self) -> Result<Vec<u8>, Self> {
        if !self.shared.has_slab() {
            return Err(self);
        }
        let shared = Arc::try_unwrap(self.shared).map_err(|shared| Self { shared })?;
        // With the last handle of a pool there are no leases, and so no storage that is not idle.
        Ok(shared.into_slab().map(Slab::into_memory).unwrap_or_default())
    }

    /// A pool with other settings.
    pub fn builder() -> PoolBuilder {
        PoolBuilder { budget: None, pooled: true, observer: Observer::default() }
    }

    /// Leases a matrix; what it holds is unspecified.
    ///
    /// # Errors
    /// The budget or the system refuses, or the shape does not fit in memory.
    pub fn matrix2<T: Element>(
        &self,
        purpose: Purpose,
        shape: Shape2,
    ) -> Result<Lease<Matrix2<T>>, PoolError> {
        Matrix2::lease(&self.shared, purpose, shape, false)
    }

    /// Leases a matrix of zeros, padding included.
    ///
    /// # Errors
    /// As [`matrix2`](Self::matrix2).
    pub fn matrix2_zeroed<T: Element>(
        &self,
        purpose: Purpose,
        shape: Shape2,
    ) -> Result<Lease<Matrix2<T>>, PoolError> {
        Matrix2::lease(&self.shared, purpose, shape, true)
    }

    /// Leases a stack of planes; what they hold is unspecified.
    ///
    /// # Errors
    /// As [`matrix2`](Self::matrix2).
    pub fn matrix3<T: Element>(
        &self,
        purpose: Purpose,
        shape: Shape3,
    ) -> Result<Lease<Matrix3<T>>, PoolError> {
        Matrix3::lease(&self.shared, purpose, shape, false)
    }

    /// Leases a stack of planes of zeros, padding included.
    ///
    /// # Errors
    /// As [`matrix2`](Self::matrix2).
    pub fn matrix3_zeroed<T: Element>(
        &self,
        purpose: Purpose,
        shape: Shape3,
    ) -> Result<Lease<Matrix3<T>>, PoolError> {
        Matrix3::lease(&self.shared, purpose, shape, true)
    }

    /// Leases `len` elements in a row; what they hold is unspecified.
    ///
    /// # Errors
    /// As [`matrix2`](Self::matrix2).
    pub fn buffer<T: Element>(&self, purpose: Purpose, len: usize) -> Result<Lease<Buffer<T>>, PoolError> {
        Buffer::lease(&self.shared, purpose, len, false)
    }

    /// Leases `len` zeros in a row.
    ///
    /// # Errors
    /// As [`matrix2`](Self::matrix2).
    pub fn buffer_zeroed<T: Element>(
        &self,
        purpose: Purpose,
        len: usize,
    ) -> Result<Lease<Buffer<T>>, PoolError> {
        Buffer::lease(&self.shared, purpose, len, true)
    }

    /// Whether `bytes` more could be leased now within the budget, were all idle storage freed.
    ///
    /// Several leases may need more than the sum of their shapes: rows are padded to whole lines, and storage to whole
    /// size classes where the budget allows it.
    ///
    /// # Errors
    /// [`PoolError::OverBudget`] if not.
    pub fn check(&self, bytes: u64) -> Result<(), PoolError> {
        self.shared.check(bytes)
    }

    /// Bytes of storage that a matrix of this shape takes: padded rows, and a whole size class.
    ///
    /// ```
    /// use jxlake_util::{Pool, Purpose, Shape2};
    ///
    /// let (pool, shape) = (Pool::new(), Shape2::new(100, 500));
    /// let matrix = pool.matrix2::<u16>(Purpose::Output, shape)?;
    /// assert_eq!(Pool::bytes_of::<u16>(shape), pool.statistics().total.in_use_bytes);
    /// # drop(matrix);
    /// # Ok::<(), jxlake_util::PoolError>(())
    /// ```
    pub fn bytes_of<T: Element>(shape: Shape2) -> u64 {
        let elements = layout::stride::<T>(shape.cols).and_then(|stride| stride.checked_mul(shape.rows));
        elements.map_or(u64::MAX, Self::bytes_of_buffer::<T>)
    }

    /// Bytes of storage that a buffer of `len` elements takes.
    pub fn bytes_of_buffer<T: Element>(len: usize) -> u64 {
        let lines = layout::lines::<T>(len);
        if lines == 0 {
            return 0;
        }
        Class::holding(lines).map_or(u64::MAX, |class| (class.lines() as u64).saturating_mul(LINE as u64))
    }

    /// Frees idle storage, oldest first, until at most `keep_bytes` bytes are idle. Returns the bytes freed.
    pub fn trim(&self, keep_bytes: u64) -> u64 {
        self.shared.trim(keep_bytes)
    }

    /// Frees all idle storage. Returns the bytes freed.
    pub fn clear(&self) -> u64 {
        self.trim(0)
    }

    /// The bound on bytes in use plus idle, if there is one.
    pub fn budget(&self) -> Option<u64> {
        self.shared.budget()
    }

    /// What the pool did and holds. Stops nobody.
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = self.statistics().total;
        f.debug_struct("Pool")
            .field("budget", &self.budget())
            .field("in_use_bytes", &usage.in_use_bytes)
            .field("idle_bytes", &usage.idle_bytes)
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Pool`].
///
/// ```
/// use jxlake_util::{Pool, Purpose};
///
/// let pool = Pool::builder().budget(1 << 20).pooled(false).build();
/// pool.buffer::<u8>(Purpose::Other, 1000)?.release();
/// assert_eq!(pool.statistics().total.idle_bytes, 0);
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PoolBuilder {
    budget: Option<u64>,
    pooled: bool,
    observer: Observer,
}

impl PoolBuilder {
    /// Bounds the bytes in use plus idle.
    pub fn budget(mut self, bytes: u64) -> Self {
        self.budget = Some(bytes);
        self
    }

    /// Whether storage is kept for the next lease (it is, unless told otherwise).
    pub fn pooled(mut self, pooled: bool) -> Self {
        self.pooled = pooled;
        self
    }

    /// Tells `observe` of every [`PoolEvent`], on the thread that causes it. It should be quick, and may read the pool's
    /// statistics, but must not lease from the pool nor give back.
    pub fn observer(mut self, observe: impl Fn(PoolEvent) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observe);
        self
    }

    /// Makes the pool. Nothing is allocated for storage yet.
    pub fn build(self) -> Pool {
        Pool { shared: Arc::new(Shared::new(self.budget, self.pooled, self.observer)) }
    }
}
