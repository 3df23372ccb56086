//! Pooled matrices, views and threading helpers: nothing here knows JPEG XL.
//!
//! # Memory, as a device would hand it out
//!
//! A program that decodes many images spends as much time in the allocator, in page faults and in cold caches
//! as in arithmetic. So memory is used here the way GPU programs use device memory: a [`Pool`] owns it, work
//! *leases* typed matrices from it, and a warm pool hands out storage that is already mapped and often still
//! in the cache of the core that asks.
//!
//! ```
//! use jxlake_util::{Pool, Purpose, Shape2};
//!
//! let pool = Pool::new();
//! {
//!     let mut pixels = pool.matrix2::<f32>(Purpose::Pixels, Shape2::new(8, 100))?;
//!     pixels.fill(0.5);
//!     assert_eq!(pixels.row(7).len(), 100);
//! } // given back here
//! let again = pool.matrix2::<i32>(Purpose::Modular, Shape2::new(8, 100))?; // the same bytes, as integers
//! let statistics = pool.statistics();
//! assert_eq!((statistics.total.leases, statistics.total.hits), (2, 1));
//! # drop(again);
//! # Ok::<(), jxlake_util::PoolError>(())
//! ```
//!
//! # Leases
//!
//! [`Pool::matrix2`], [`Pool::matrix3`] and [`Pool::buffer`] return a [`Lease`]: a guard that derefs to the
//! [`Matrix2`], [`Matrix3`] or [`Buffer`] and gives the storage back when it is dropped. A structure that holds
//! several leases implements [`Release`], so that it can be given back early and by name.
//! Storage never leaves a lease, so it cannot be returned twice or used after its return.
//!
//! **Contents are unspecified on lease.** Whoever leases writes every element before reading it, or asks for
//! the `_zeroed` variant, which costs a pass over memory. Debug builds fill fresh and returned storage with
//! a poison pattern (see [`Element::POISON`]), so that reading stale data breaks a test and not a picture.
//!
//! # Shapes
//!
//! A matrix has a *capacity*, the shape that was leased, and a *logical shape*, the part in use.
//! [`Matrix2::reshape`] changes the logical shape within the capacity: it costs nothing, moves nothing, and every
//! element keeps its row and column. Beyond the capacity it fails with an error that names both shapes.
//!
//! Rows start on 64-byte cache lines, and the stride is kept off multiples of 512 bytes: rows that far
//! apart would share a few sets of the cache, and a walk down a column would evict itself.
//!
//! # Sizes and reuse
//!
//! Storage is untyped bytes on shelves keyed by size class, a quarter octave apart: 4, 5, 6, 7, 8, 10, 12, 14, 16 …
//! lines of 64 bytes. A lease takes idle storage of its class, or of the next class up while no more than a fifth
//! of it would lie idle. All element types share the shelves, and an image of another size finds storage too.
//!
//! # Budget
//!
//! [`Pool::with_budget`] bounds the bytes in use plus the bytes idle. A lease that would pass the bound first
//! frees idle storage, oldest first, and then fails with [`PoolError::OverBudget`], which names what was asked
//! for, what is in use, and the bound. [`Pool::check`] asks beforehand. An allocation that the system refuses is
//! [`PoolError::Allocation`]: nothing aborts. [`Pool::with_scratch`] cuts all storage from one piece of the caller's
//! memory, and so never asks the system.
//!
//! # Threads
//!
//! A worker returns storage to a small magazine of its own, which goes to the shared shelves in batches;
//! before memory is allocated, the magazines of all workers are searched, so nothing is stranded.
//! [`Threads`] says how work runs, [`Scratch`] keeps per-worker workspaces, and [`Grid`] hands disjoint tiles of one
//! picture to many workers.
#![warn(missing_docs)]

mod buffer;
mod element;
mod error;
mod grid;
mod layout;
mod lease;
mod matrix2;
mod matrix3;
mod pool;
mod scratch;
mod shape;
mod threads;
mod view;
mod view_mut;
mod worker;

pub use buffer::Buffer;
pub use element::{Element, SampleFormat};
pub use error::{PoolError, ShapeError};
pub use grid::{Axis, Grid};
pub use lease::{Lease, Release};
pub use matrix2::Matrix2;
pub use matrix3::Matrix3;
pub use pool::{FormatUsage, Leaks, Pool, PoolBuilder, PoolEvent, Purpose, Statistics, Usage};
pub use scratch::{Scratch, ScratchGuard};
pub use shape::{Rect, Shape2, Shape3};
pub use threads::Threads;
pub use view::View2;
pub use view_mut::ViewMut2;
