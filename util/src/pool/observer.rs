//! A pool watched live.

use super::purpose::Purpose;
use std::fmt;
use std::sync::Arc;

/// What happens in a pool, as it happens, told to whoever [observes](crate::PoolBuilder::observer) it.
///
/// ```
/// use jxlake_util::{Pool, PoolEvent, Purpose};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// let largest = Arc::new(AtomicU64::new(0));
/// let seen = Arc::clone(&largest);
/// let pool = Pool::builder()
///     .observer(move |event| {
///         if let PoolEvent::Leased { bytes, .. } = event {
///             seen.fetch_max(bytes, Ordering::Relaxed);
///         }
///     })
///     .build();
/// pool.buffer::<u16>(Purpose::Output, 64)?.release();
/// assert_eq!(largest.load(Ordering::Relaxed), 128);
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolEvent {
    /// Storage was leased.
    Leased {
        /// What for.
        purpose: Purpose,
        /// Bytes of the storage, a whole size class.
        bytes: u64,
        /// Whether idle storage was found; else it was allocated.
        hit: bool,
    },
    /// Storage came back.
    Returned {
        /// What it was used for.
        purpose: Purpose,
        /// Bytes of the storage.
        bytes: u64,
    },
    /// A lease was refused, for want of budget or memory.
    Refused {
        /// What it was for.
        purpose: Purpose,
        /// Bytes asked for.
        bytes: u64,
    },
    /// Idle storage was freed, to stay within the budget or because the pool was trimmed.
    Freed {
        /// Bytes of it.
        bytes: u64,
    },
}

/// Who is told; nobody costs a comparison.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<dyn Fn(PoolEvent) + Send + Sync>>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(PoolEvent) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observe)))
    }

    /// Tells of an event; the caller holds no lock.
    #[inline]
    pub(crate) fn tell(&self, event: PoolEvent) {
        if let Some(observe) = &self.0 {
            observe(event);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer" } else { "None" })
    }
}
