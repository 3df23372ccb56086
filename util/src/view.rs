//! Rectangles of elements, to read.

use crate::error::ShapeError;
use crate::shape::{Rect, Shape2};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A rectangle of elements, to read: part of a matrix, or of a slice of the caller.
///
/// ```
/// use jxlake_util::{Rect, View2};
///
/// let samples: Vec<u8> = (0..20).collect();
/// let view = View2::from_slice(&samples, 4, 3, 5)?; // four rows of three, five apart
/// assert_eq!(view.row(1), &[5, 6, 7]);
/// let corner = view.sub(Rect::new(1, 2, 2, 2));
/// assert_eq!(corner.iter_rows().collect::<Vec<_>>(), [[11, 12], [16, 17]]);
/// assert!(View2::from_slice(&samples, 5, 3, 5).is_err());
/// # Ok::<(), jxlake_util::ShapeError>(())
/// ```
///
/// Methods that take a row or a rectangle panic if it is not inside, like indexing a slice.
pub struct View2<'a, T> {
    // Invariant: for every row `y < rows`, the `cols` elements from `data + y * stride` on are initialised and shared
    // with nobody who writes, for `'a`.
    data: NonNull<T>,
    shape: Shape2,
    stride: usize,
    lifetime: PhantomData<&'a [T]>,
}

// SAFETY: a view is a shared reference to its elements.
unsafe impl<T: Sync> Send for View2<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for View2<'_, T> {}

impl<T> Clone for View2<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View2<'_, T> {}

impl<T> Default for View2<'_, T> {
    /// A view of nothing.
    fn default() -> Self {
        Self::new(&[], Shape2::default(), 0)
    }
}

/// The stride of a view of `length` elements, if they hold its rows: the last one needs no padding, and where there are
/// no elements rows are nowhere.
pub(crate) fn check_slice(shape: Shape2, stride: usize, length: usize) -> Result<usize, ShapeError> {
    if shape.is_empty() {
        return Ok(0);
    }
    let needed = (shape.rows - 1).checked_mul(stride).and_then(|above| above.checked_add(shape.cols));
    match needed {
        Some(needed) if needed <= length && (stride >= shape.cols || shape.rows == 1) => Ok(stride),
        _ => Err(ShapeError::Slice { shape, stride, length }),
    }
}

impl<'a, T> View2<'a, T> {
    /// A view of a slice's rows, `stride` elements apart.
    ///
    /// # Errors
    /// [`ShapeError::Slice`] if the slice is too short or the rows overlap. The last row needs no padding.
    #[inline]
    pub fn from_slice(slice: &'a [T], rows: usize, cols: usize, stride: usize) -> Result<Self, ShapeError> {
        let shape = Shape2::new(rows, cols);
        let stride = check_slice(shape, stride, slice.len())?;
        // SAFETY: the rows lie in the slice, as just checked.
        Ok(unsafe { Self::from_raw(NonNull::from(slice).cast(), shape, stride) })
    }

    /// As [`from_slice`](Self::from_slice), for shapes that are known to fit.
    #[inline]
    #[track_caller]
    pub(crate) fn new(slice: &'a [T], shape: Shape2, stride: usize) -> Self {
        match Self::from_slice(slice, shape.rows, shape.cols, stride) {
            Ok(view) => view,
            Err(error) => panic!("{error}"),
        }
    }

    /// # Safety
    /// The type's invariant holds for the arguments.
    #[inline(always)]
    pub(crate) unsafe fn from_raw(data: NonNull<T>, shape: Shape2, stride: usize) -> Self {
        Self { data, shape, stride, lifetime: PhantomData }
    }

    /// Rows and columns.
    #[inline(always)]
    pub fn shape(&self) -> Shape2 {
        self.shape
    }

    /// Number of rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    /// Elements in a row.
    #[inline(always)]
    pub fn cols(&self) -> usize {
        self.shape.cols
    }

    /// Elements from one row to the next.
    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `y`.
    #[inline(always)]
    #[track_caller]
    pub fn row(&self, y: usize) -> &'a [T] {
        assert!(y < self.shape.rows, "row {y} of {}", self.shape.rows);
        // SAFETY: by the type's invariant, since `y < rows`.
        unsafe { std::slice::from_raw_parts(self.data.add(y * self.stride).as_ptr(), self.shape.cols) }
    }

    /// All rows, from the top.
    #[inline]
    pub fn iter_rows(&self) -> impl DoubleEndedIterator<Item = &'a [T]> + ExactSizeIterator + use<'a, T> {
        let view = *self;
        (0..view.rows()).map(move |y| view.row(y))
    }

    /// The part inside `rect`.
    #[inline]
    #[track_caller]
    pub fn sub(&self, rect: Rect) -> Self {
        assert!(rect.fits_in(self.shape), "{rect} of {}", self.shape);
        let offset = if rect.is_empty() { 0 } else { rect.y * self.stride + rect.x };
        // SAFETY: the rectangle's rows are parts of our rows; an empty one has no elements.
        unsafe { Self::from_raw(self.data.add(offset), rect.shape(), self.stride) }
    }

    /// Every `step`th row from row `first` on: one channel of a picture whose channels' rows alternate.
    ///
    /// ```
    /// use jxlake_util::View2;
    ///
    /// let samples = [1, 2, 10, 20, 3, 4, 30, 40];
    /// let view = View2::from_slice(&samples, 4, 2, 2)?;
    /// let second = view.every(1, 2);
    /// assert_eq!((second.row(0), second.row(1)), (&[10, 20][..], &[30, 40][..]));
    /// # Ok::<(), jxlake_util::ShapeError>(())
    /// ```
    #[track_caller]
    pub fn every(&self, first: usize, step: usize) -> Self {
        let Shape2 { rows, cols } = self.shape;
        let from = self.split_at_row(first).1;
        let shape = Shape2::new((rows - first).div_ceil(step), cols);
        // SAFETY: row `i` of the result is row `first + i * step` of ours, and `i` ends where our rows do.
        unsafe { Self::from_raw(from.data, shape, self.stride * step) }
    }

    /// The rows above row `y`, and those from it on.
    #[track_caller]
    pub fn split_at_row(&self, y: usize) -> (Self, Self) {
        let Shape2 { rows, cols } = self.shape;
        assert!(y <= rows, "row {y} of {rows}");
        (self.sub(Rect::new(0, 0, cols, y)), self.sub(Rect::new(0, y, cols, rows - y)))
    }

    /// The columns left of column `x`, and those from it on.
    #[track_caller]
    pub fn split_at_col(&self, x: usize) -> (Self, Self) {
        let Shape2 { rows, cols } = self.shape;
        assert!(x <= cols, "column {x} of {cols}");
        (self.sub(Rect::new(0, 0, x, rows)), self.sub(Rect::new(x, 0, cols - x, rows)))
    }

    /// All elements as one slice, if rows follow one another without padding.
    pub fn as_slice(&self) -> Option<&'a [T]> {
        if self.shape.is_empty() {
            return Some(&[]);
        }
        if self.stride != self.shape.cols && self.shape.rows > 1 {
            return None;
        }
        // SAFETY: by the type's invariant all rows are readable, and they follow one another.
        Some(unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.shape.rows * self.shape.cols) })
    }
}

impl<T> fmt::Debug for View2<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View2")
            .field("shape", &self.shape)
            .field("stride", &self.stride)
            .finish_non_exhaustive()
    }
}
