//! What can go wrong, as kinds a caller can act on.

use crate::shape::{Shape2, Shape3};
use thiserror::Error;

/// Why a lease was refused.
///
/// ```
/// use jxlake_util::{Pool, PoolError, Purpose};
///
/// let pool = Pool::with_budget(1 << 20);
/// let refused = pool.buffer::<f32>(Purpose::Pixels, 1 << 20).map(|_| ());
/// assert_eq!(refused, Err(PoolError::OverBudget { requested: 4 << 20, in_use: 0, budget: 1 << 20 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The bytes in use plus the bytes asked for pass the pool's budget, with no idle storage left to free.
    #[error("{requested} bytes were asked for with {in_use} in use: the budget is {budget}")]
    OverBudget {
        /// Bytes asked for.
        requested: u64,
        /// Bytes leased at that moment.
        in_use: u64,
        /// The pool's budget in bytes.
        budget: u64,
    },
    /// The system refused to allocate.
    #[error("the system refused to allocate {requested} bytes")]
    Allocation {
        /// Bytes asked for.
        requested: u64,
    },
    /// The memory that the caller gave the pool has no such piece in a row left.
    #[error("{requested} bytes in a row were asked for: the caller's memory has {largest} left")]
    Scratch {
        /// Bytes asked for.
        requested: u64,
        /// Bytes of the largest piece.
        largest: u64,
    },
    /// The shape's bytes do not fit in an address space.
    #[error("a shape of {shape} with elements of {element} bytes does not fit in memory")]
    TooLarge {
        /// The shape asked for; a matrix has one plane, a buffer also one row.
        shape: Shape3,
        /// Bytes of one element.
        element: usize,
    },
    /// The shape of a view or a grid is wrong.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// Why a shape was refused.
///
/// ```
/// use jxlake_util::{Pool, Purpose, Shape2};
///
/// let mut matrix = Pool::new().matrix2::<u8>(Purpose::Other, Shape2::new(4, 100))?;
/// let refused = matrix.reshape(Shape2::new(2, 101)).unwrap_err();
/// assert_eq!(refused.to_string(), "a shape of 2×101 is beyond the capacity of 4×100");
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A reshape of a [`Matrix2`](crate::Matrix2) beyond what was leased.
    #[error("a shape of {requested} is beyond the capacity of {capacity}")]
    BeyondCapacity2 {
        /// The shape asked for.
        requested: Shape2,
        /// The shape that was leased.
        capacity: Shape2,
    },
    /// A reshape of a [`Matrix3`](crate::Matrix3) beyond what was leased.
    #[error("a shape of {requested} is beyond the capacity of {capacity}")]
    BeyondCapacity3 {
        /// The shape asked for.
        requested: Shape3,
        /// The shape that was leased.
        capacity: Shape3,
    },
    /// A reshape of a [`Buffer`](crate::Buffer) beyond what was leased.
    #[error("a length of {requested} is beyond the capacity of {capacity}")]
    BeyondLength {
        /// The elements asked for.
        requested: usize,
        /// The elements that were leased.
        capacity: usize,
    },
    /// A slice cannot hold the rows of a view.
    #[error("a slice of {length} elements cannot hold {shape} with a stride of {stride}")]
    Slice {
        /// The shape of the view.
        shape: Shape2,
        /// Elements from one row to the next.
        stride: usize,
        /// Elements in the slice.
        length: usize,
    },
    /// The edges of a grid are no partition of the view.
    #[error("the edges of a grid do not divide 0..{length} into ascending parts")]
    Edges {
        /// Rows or columns of the view.
        length: usize,
    },
}
