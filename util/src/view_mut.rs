//! Rectangles of elements, to write.

use crate::error::{PoolError, ShapeError};
use crate::grid::{Axis, Grid};
use crate::pool::Pool;
use crate::shape::{Rect, Shape2};
use crate::view::{View2, check_slice};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A rectangle of elements, to write: part of a matrix, or of a slice of the caller.
///
/// It can be divided into disjoint rectangles that are written at the same time, by rows, by columns, or into a
/// [`Grid`] of tiles.
///
/// ```
/// use jxlake_util::{Rect, ViewMut2};
///
/// let mut samples = [0u8; 20];
/// let view = ViewMut2::from_slice(&mut samples, 4, 5, 5)?;
/// let (mut left, mut right) = view.split_at_col(2);
/// left.fill(1);
/// right.sub_mut(Rect::new(0, 3, 3, 1)).fill(2);
/// assert_eq!(samples[15..], [1, 1, 2, 2, 2]);
/// # Ok::<(), jxlake_util::ShapeError>(())
/// ```
///
/// Methods that take a row, a column or a rectangle panic if it is not inside, like indexing a slice.
pub struct ViewMut2<'a, T> {
    // Invariant: for every row `y < rows`, the `cols` elements from `data + y * stride` on are initialised and reached
    // by nobody else, for `'a`; these ranges do not overlap.
    data: NonNull<T>,
    shape: Shape2,
    stride: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: a view is an exclusive reference to its elements.
unsafe impl<T: Send> Send for ViewMut2<'_, T> {}
// SAFETY: through `&self` elements are only read.
unsafe impl<T: Sync> Sync for ViewMut2<'_, T> {}

impl<T> Default for ViewMut2<'_, T> {
    /// A view of nothing.
    fn default() -> Self {
        Self::new(&mut [], Shape2::default(), 0)
    }
}

impl<'a, T> ViewMut2<'a, T> {
    /// A view of a slice's rows, `stride` elements apart.
    ///
    /// # Errors
    /// [`ShapeError::Slice`] if the slice is too short or the rows overlap. The last row needs no padding.
    #[inline]
    pub fn from_slice(
        slice: &'a mut [T],
        rows: usize,
        cols: usize,
        stride: usize,
    ) -> Result<Self, ShapeError> {
        let shape = Shape2::new(rows, cols);
        let stride = check_slice(shape, stride, slice.len())?;
        // SAFETY: the rows lie in the slice and do not overlap, as just checked.
        Ok(unsafe { Self::from_raw(NonNull::from(slice).cast(), shape, stride) })
    }

    /// As [`from_slice`](Self::from_slice), for shapes that are known to fit.
    #[inline]
    #[track_caller]
    pub(crate) fn new(slice: &'a mut [T], shape: Shape2, stride: usize) -> Self {
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

    /// The first element, for who takes the view apart.
    pub(crate) fn data(&self) -> NonNull<T> {
        self.data
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
    pub fn row(&self, y: usize) -> &[T] {
        self.as_view().row(y)
    }

    /// Row `y`, to write.
    #[inline(always)]
    #[track_caller]
    pub fn row_mut(&mut self, y: usize) -> &mut [T] {
        self.reborrow().into_row(y)
    }

    /// Row `y`, to write for as long as the view was borrowed for.
    #[inline(always)]
    #[track_caller]
    pub fn into_row(self, y: usize) -> &'a mut [T] {
        assert!(y < self.shape.rows, "row {y} of {}", self.shape.rows);
        // SAFETY: by the type's invariant, since `y < rows`; the view is used up.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(y * self.stride).as_ptr(), self.shape.cols) }
    }

    /// Rows `a` and `b`, both to write.
    ///
    /// # Panics
    /// If they are the same row, or one is not there.
    #[inline]
    #[track_caller]
    pub fn two_rows_mut(&mut self, a: usize, b: usize) -> (&mut [T], &mut [T]) {
        self.reborrow().into_two_rows(a, b)
    }

    #[inline]
    #[track_caller]
    pub(crate) fn into_two_rows(self, a: usize, b: usize) -> (&'a mut [T], &'a mut [T]) {
        assert!(a != b, "row {a} twice");
        let (upper, lower) = self.split_at_row(a.max(b));
        let (upper, lower) = (upper.into_row(a.min(b)), lower.into_row(0));
        if a < b { (upper, lower) } else { (lower, upper) }
    }

    /// The rows above row `y`, to read, and row `y`, to write.
    #[inline]
    #[track_caller]
    pub fn rows_above_and_row_mut(&mut self, y: usize) -> (View2<'_, T>, &mut [T]) {
        self.reborrow().into_rows_above_and_row(y)
    }

    #[inline]
    #[track_caller]
    pub(crate) fn into_rows_above_and_row(self, y: usize) -> (View2<'a, T>, &'a mut [T]) {
        let (above, below) = self.split_at_row(y);
        (above.into_view(), below.into_row(0))
    }

    /// All rows, from the top, each to write.
    #[inline]
    pub fn iter_rows_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [T]> {
        self.reborrow().into_rows()
    }

    /// All rows, from the top, to write for as long as the view was borrowed for.
    #[inline]
    pub fn into_rows(self) -> impl ExactSizeIterator<Item = &'a mut [T]> {
        let mut rest = self;
        (0..rest.rows()).map(move |_| {
            let (first, others) = std::mem::take(&mut rest).split_at_row(1);
            rest = others;
            first.into_row(0)
        })
    }

    /// The same rectangle, for a shorter time.
    #[inline(always)]
    pub fn reborrow(&mut self) -> ViewMut2<'_, T> {
        // SAFETY: the invariant holds for the shorter time too, in which `self` cannot be used.
        unsafe { ViewMut2::from_raw(self.data, self.shape, self.stride) }
    }

    /// The same rectangle, to read.
    #[inline(always)]
    pub fn as_view(&self) -> View2<'_, T> {
        // SAFETY: what we alone reach nobody writes while `self` is borrowed.
        unsafe { View2::from_raw(self.data, self.shape, self.stride) }
    }

    /// The same rectangle, to read for as long as the view was borrowed for.
    #[inline(always)]
    pub fn into_view(self) -> View2<'a, T> {
        // SAFETY: what we alone reached nobody writes now that the view is used up.
        unsafe { View2::from_raw(self.data, self.shape, self.stride) }
    }

    /// The part inside `rect`, to write.
    #[inline]
    #[track_caller]
    pub fn sub_mut(&mut self, rect: Rect) -> ViewMut2<'_, T> {
        self.reborrow().into_sub(rect)
    }

    /// The part inside `rect`, to write for as long as the view was borrowed for.
    #[inline]
    #[track_caller]
    pub fn into_sub(self, rect: Rect) -> Self {
        assert!(rect.fits_in(self.shape), "{rect} of {}", self.shape);
        // SAFETY: the rectangle lies in the view, which is used up.
        unsafe { Self::part(self.data, self.stride, rect) }
    }

    /// The rectangle `rect` of the view that starts at `data`.
    ///
    /// # Safety
    /// The rectangle lies in that view, and for `'a` nobody else reaches its elements.
    #[inline(always)]
    pub(crate) unsafe fn part(data: NonNull<T>, stride: usize, rect: Rect) -> Self {
        let offset = if rect.is_empty() { 0 } else { rect.y * stride + rect.x };
        // SAFETY: the first element of a rectangle that is not empty lies in the view's memory; the rest is the
        // caller's promise.
        unsafe { Self::from_raw(data.add(offset), rect.shape(), stride) }
    }

    /// The rows above row `y`, and those from it on.
    #[inline]
    #[track_caller]
    pub fn split_at_row(self, y: usize) -> (Self, Self) {
        let Shape2 { rows, cols } = self.shape;
        assert!(y <= rows, "row {y} of {rows}");
        // SAFETY: two rectangles of the view without a common element; the view is used up.
        unsafe {
            (
                Self::part(self.data, self.stride, Rect::new(0, 0, cols, y)),
                Self::part(self.data, self.stride, Rect::new(0, y, cols, rows - y)),
            )
        }
    }

    /// The columns left of column `x`, and those from it on.
    #[inline]
    #[track_caller]
    pub fn split_at_col(self, x: usize) -> (Self, Self) {
        let Shape2 { rows, cols } = self.shape;
        assert!(x <= cols, "column {x} of {cols}");
        // SAFETY: two rectangles of the view without a common element; the view is used up.
        unsafe {
            (
                Self::part(self.data, self.stride, Rect::new(0, 0, x, rows)),
                Self::part(self.data, self.stride, Rect::new(x, 0, cols - x, rows)),
            )
        }
    }

    /// Divides the view into tiles that many workers can write at the same time.
    ///
    /// # Errors
    /// [`ShapeError::Edges`] if an axis does not divide the view; or the pool has no room for a bit for each tile.
    pub fn into_grid(self, pool: &Pool, rows: Axis<'a>, cols: Axis<'a>) -> Result<Grid<'a, T>, PoolError> {
        Grid::new(self, pool, rows, cols)
    }

    /// Sets every element.
    pub fn fill(&mut self, value: T)
    where
        T: Copy,
    {
        let rows = if self.shape.is_empty() { 0 } else { self.rows() };
        for y in 0..rows {
            self.row_mut(y).fill(value);
        }
    }

    /// Copies a view of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn copy_from(&mut self, source: View2<'_, T>)
    where
        T: Copy,
    {
        assert!(self.shape == source.shape(), "{} from {}", self.shape, source.shape());
        let rows = if self.shape.is_empty() { 0 } else { self.rows() };
        for y in 0..rows {
            self.row_mut(y).copy_from_slice(source.row(y));
        }
    }
}

impl<T> fmt::Debug for ViewMut2<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewMut2")
            .field("shape", &self.shape)
            .field("stride", &self.stride)
            .finish_non_exhaustive()
    }
}
