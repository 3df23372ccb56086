//! A pooled matrix.

use crate::element::Element;
use crate::error::{PoolError, ShapeError};
use crate::layout;
use crate::lease::Lease;
use crate::pool::{Held, Purpose, Shared};
use crate::shape::{Shape2, Shape3};
use crate::view::View2;
use crate::view_mut::ViewMut2;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// Rows of elements, leased from a pool.
///
/// Every row starts on a 64-byte line and is padded to whole lines. The *capacity* is the shape that was leased; the
/// *logical shape* is the part in use, and changes within the capacity without moving anything.
///
/// ```
/// use jxlake_util::{Pool, Purpose, Shape2};
///
/// let pool = Pool::new();
/// let mut matrix = pool.matrix2::<i32>(Purpose::Modular, Shape2::new(256, 256))?;
/// matrix.reshape(Shape2::new(200, 44))?; // a group at the corner of the image
/// for y in 0..matrix.rows() {
///     for (x, sample) in matrix.row_mut(y).iter_mut().enumerate() {
///         *sample = (x + y) as i32;
///     }
/// }
/// assert_eq!(matrix.row(199), &(199..199 + 44).collect::<Vec<i32>>());
/// assert_eq!(matrix.row(0).as_ptr().addr() % 64, 0);
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
///
/// Methods that take a row panic if it is not below [`rows`](Self::rows), like indexing a slice.
pub struct Matrix2<T: Element> {
    // Invariant: `held` has at least `capacity.rows * stride` elements, `shape` fits in `capacity`, and
    // `padded(capacity.cols) <= stride`.
    held: Held,
    shape: Shape2,
    capacity: Shape2,
    stride: usize,
    elements: PhantomData<T>,
}

impl<T: Element> Matrix2<T> {
    pub(crate) fn lease(
        shared: &Arc<Shared>,
        purpose: Purpose,
        shape: Shape2,
        zeroed: bool,
    ) -> Result<Lease<Self>, PoolError> {
        let (stride, elements) = layout::stride::<T>(shape.cols)
            .and_then(|stride| Some((stride, stride.checked_mul(shape.rows)?)))
            .ok_or(PoolError::TooLarge {
                shape: Shape3::new(1, shape.rows, shape.cols),
                element: size_of::<T>(),
            })?;
        let held = Held::lease::<T>(shared, purpose, layout::lines::<T>(elements), zeroed)?;
        Ok(Lease::new(Self { held, shape, capacity: shape, stride, elements: PhantomData }))
    }

    /// The logical shape.
    #[inline(always)]
    pub fn shape(&self) -> Shape2 {
        self.shape
    }

    /// Rows of the logical shape.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    /// Columns of the logical shape.
    #[inline(always)]
    pub fn cols(&self) -> usize {
        self.shape.cols
    }

    /// The shape that was leased.
    pub fn capacity(&self) -> Shape2 {
        self.capacity
    }

    /// Elements from one row to the next: whole lines, and fixed by the capacity.
    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Elements of a padded row: the columns, rounded up to whole lines.
    #[inline(always)]
    pub fn padded_cols(&self) -> usize {
        layout::padded::<T>(self.shape.cols)
    }

    /// Changes the logical shape. Every element keeps its row and column; those that come in are unspecified.
    ///
    /// # Errors
    /// [`ShapeError::BeyondCapacity2`] if a side is longer than the capacity's; the shape then stays.
    pub fn reshape(&mut self, shape: Shape2) -> Result<(), ShapeError> {
        if !shape.fits_in(self.capacity) {
            return Err(ShapeError::BeyondCapacity2 { requested: shape, capacity: self.capacity });
        }
        self.shape = shape;
        Ok(())
    }

    /// Lays the storage out anew for another shape, which becomes the capacity too: rows start elsewhere, so that what the
    /// elements hold is unspecified afterwards. Unlike [`reshape`](Self::reshape) it keeps the rows of a small shape
    /// together, and takes any shape that the storage has room for.
    ///
    /// ```
    /// use jxlake_util::{Pool, Purpose, Shape2};
    ///
    /// let mut matrix = Pool::new().matrix2::<u8>(Purpose::Output, Shape2::new(100, 300))?;
    /// matrix.relay(Shape2::new(300, 64))?;
    /// assert_eq!((matrix.shape(), matrix.stride()), (Shape2::new(300, 64), 64));
    /// assert!(matrix.relay(Shape2::new(1000, 64)).is_err());
    /// # Ok::<(), jxlake_util::PoolError>(())
    /// ```
    ///
    /// # Errors
    /// [`ShapeError::BeyondLength`] if the storage is too small; the matrix then stays as it is.
    pub fn relay(&mut self, shape: Shape2) -> Result<(), ShapeError> {
        let capacity = self.held.elements::<T>().len();
        let strided = layout::stride::<T>(shape.cols)
            .and_then(|stride| Some((stride, stride.checked_mul(shape.rows)?)));
        let (stride, requested) = strided.unwrap_or((0, usize::MAX));
        if requested > capacity {
            return Err(ShapeError::BeyondLength { requested, capacity });
        }
        (self.shape, self.capacity, self.stride) = (shape, shape, stride);
        Ok(())
    }

    #[inline(always)]
    #[track_caller]
    fn start_of(&self, y: usize) -> usize {
        assert!(y < self.shape.rows, "row {y} of {}", self.shape.rows);
        y * self.stride
    }

    /// Row `y`.
    #[inline(always)]
    #[track_caller]
    pub fn row(&self, y: usize) -> &[T] {
        let start = self.start_of(y);
        &self.held.elements()[start..start + self.shape.cols]
    }

    /// Row `y`, to write.
    #[inline(always)]
    #[track_caller]
    pub fn row_mut(&mut self, y: usize) -> &mut [T] {
        let start = self.start_of(y);
        &mut self.held.elements_mut()[start..start + self.shape.cols]
    }

    /// Row `y` with its padding, which holds what was last written there: [`padded_cols`](Self::padded_cols) elements.
    #[inline(always)]
    #[track_caller]
    pub fn padded_row(&self, y: usize) -> &[T] {
        let start = self.start_of(y);
        &self.held.elements()[start..start + self.padded_cols()]
    }

    /// Row `y` with its padding, to write.
    #[inline(always)]
    #[track_caller]
    pub fn padded_row_mut(&mut self, y: usize) -> &mut [T] {
        let (start, cols) = (self.start_of(y), self.padded_cols());
        &mut self.held.elements_mut()[start..start + cols]
    }

    /// Rows `a` and `b`, both to write.
    ///
    /// # Panics
    /// If they are the same row, or one is not there.
    #[track_caller]
    pub fn two_rows_mut(&mut self, a: usize, b: usize) -> (&mut [T], &mut [T]) {
        self.view_mut().into_two_rows(a, b)
    }

    /// The rows above row `y`, to read, and row `y`, to write.
    #[inline]
    #[track_caller]
    pub fn rows_above_and_row_mut(&mut self, y: usize) -> (View2<'_, T>, &mut [T]) {
        self.view_mut().into_rows_above_and_row(y)
    }

    /// Sets every element, and the padding.
    pub fn fill(&mut self, value: T) {
        self.padded_view_mut().fill(value);
    }

    /// The logical shape, to read.
    #[inline]
    pub fn view(&self) -> View2<'_, T> {
        View2::new(self.held.elements(), self.shape, self.stride)
    }

    /// The logical shape, to write.
    #[inline]
    pub fn view_mut(&mut self) -> ViewMut2<'_, T> {
        ViewMut2::new(self.held.elements_mut(), self.shape, self.stride)
    }

    /// The logical shape with its rows' padding, to read.
    #[inline]
    pub fn padded_view(&self) -> View2<'_, T> {
        View2::new(self.held.elements(), Shape2::new(self.shape.rows, self.padded_cols()), self.stride)
    }

    /// The logical shape with its rows' padding, to write.
    #[inline]
    pub fn padded_view_mut(&mut self) -> ViewMut2<'_, T> {
        let shape = Shape2::new(self.shape.rows, self.padded_cols());
        ViewMut2::new(self.held.elements_mut(), shape, self.stride)
    }
}

impl<T: Element> fmt::Debug for Matrix2<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matrix2")
            .field("shape", &self.shape)
            .field("capacity", &self.capacity)
            .field("stride", &self.stride)
            .finish_non_exhaustive()
    }
}
