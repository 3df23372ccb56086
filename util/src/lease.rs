//! Guards that give storage back.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A matrix for as long as it is held: derefs to it, and gives its storage back to the pool when dropped.
///
/// It may outlive every [`Pool`](crate::Pool) handle and be sent to other threads.
///
/// ```
/// use jxlake_util::{Pool, Purpose, Shape2};
///
/// let pool = Pool::new();
/// let mut lease = pool.matrix2_zeroed::<u16>(Purpose::Output, Shape2::new(3, 5))?;
/// lease.row_mut(2)[4] = 7;
/// assert_eq!(pool.statistics().outstanding(), 1);
/// lease.release();
/// assert_eq!(pool.statistics().outstanding(), 0);
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
///
/// What was given back cannot be used, nor given back again:
///
/// ```compile_fail
/// # use jxlake_util::{Pool, Purpose};
/// let window = Pool::new().buffer_zeroed::<u8>(Purpose::Entropy, 10).unwrap();
/// window.release();
/// window.len();
/// ```
#[must_use = "a lease that is not held is given back at once"]
pub struct Lease<M> {
    // The matrix itself holds its storage and gives it back: swapping the matrices of two leases is harmless.
    matrix: M,
}

impl<M> Lease<M> {
    pub(crate) fn new(matrix: M) -> Self {
        Self { matrix }
    }

    /// Gives the storage back now; the same as dropping, by name.
    pub fn release(self) {}
}

impl<M> Deref for Lease<M> {
    type Target = M;

    #[inline]
    fn deref(&self) -> &M {
        &self.matrix
    }
}

impl<M> DerefMut for Lease<M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut M {
        &mut self.matrix
    }
}

impl<M: fmt::Debug> fmt::Debug for Lease<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.matrix).finish()
    }
}

/// A structure that holds leases past one scope, and can give them all back early and by name.
///
/// Dropping the structure does the same if nobody called [`release`](Release::release). The provided body is enough
/// for a structure that owns its leases:
///
/// ```
/// use jxlake_util::{Buffer, Lease, Matrix2, Pool, Purpose, Release, Shape2};
///
/// struct Group {
///     pixels: Lease<Matrix2<f32>>,
///     counts: Lease<Buffer<u8>>,
/// }
/// impl Release for Group {}
///
/// let pool = Pool::new();
/// let group = Group {
///     pixels: pool.matrix2(Purpose::Pixels, Shape2::new(256, 256))?,
///     counts: pool.buffer(Purpose::Metadata, 1024)?,
/// };
/// group.release();
/// assert_eq!(pool.statistics().outstanding(), 0);
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
pub trait Release: Sized {
    /// Gives every lease back now.
    fn release(self) {
        drop(self);
    }
}

impl<M> Release for Lease<M> {}
impl<R: Release> Release for Option<R> {}
impl<R: Release> Release for Vec<R> {}
impl<R: Release, const N: usize> Release for [R; N] {}
