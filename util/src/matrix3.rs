//! A pooled stack of matrices of one size.

use crate::element::Element;
use crate::error::{PoolError, ShapeError};
use crate::layout;
use crate::lease::Lease;
use crate::pool::{Held, Purpose, Shared};
use crate::shape::Shape3;
use crate::view::View2;
use crate::view_mut::ViewMut2;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// Planes of one size, leased from a pool as one piece.
///
/// Rows are laid out as in a [`Matrix2`](crate::Matrix2); capacity and logical shape follow the same rules.
///
/// ```
/// use jxlake_util::{Pool, Purpose, Shape3};
///
/// let pool = Pool::new();
/// let mut xyb = pool.matrix3_zeroed::<f32>(Purpose::Pixels, Shape3::new(3, 16, 20))?;
/// if let Some([mut x, y, mut b]) = xyb.planes_array_mut() {
///     for row in 0..y.rows() {
///         x.row_mut(row).fill(0.5);
///         b.row_mut(row).copy_from_slice(y.row(row));
///     }
/// }
/// assert_eq!(xyb.plane(0).row(15), &[0.5; 20]);
/// assert_eq!(xyb.plane(2).row(15), &[0.0; 20]);
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
///
/// Methods that take a plane panic if it is not below [`planes`](Self::planes), like indexing a slice.
pub struct Matrix3<T: Element> {
    // Invariant: `held` has at least `capacity.planes * plane_stride` elements, `shape` fits in `capacity`, and
    // `capacity.rows * stride <= plane_stride`.
    held: Held,
    shape: Shape3,
    capacity: Shape3,
    stride: usize,
    plane_stride: usize,
    elements: PhantomData<T>,
}

impl<T: Element> Matrix3<T> {
    pub(crate) fn lease(
        shared: &Arc<Shared>,
        purpose: Purpose,
        shape: Shape3,
        zeroed: bool,
    ) -> Result<Lease<Self>, PoolError> {
        let strides = || {
            let stride = layout::stride::<T>(shape.cols)?;
            let plane_stride = stride.checked_mul(shape.rows)?;
            Some((stride, plane_stride, plane_stride.checked_mul(shape.planes)?))
        };
        let (stride, plane_stride, elements) =
            strides().ok_or(PoolError::TooLarge { shape, element: size_of::<T>() })?;
        let held = Held::lease::<T>(shared, purpose, layout::lines::<T>(elements), zeroed)?;
        Ok(Lease::new(Self { held, shape, capacity: shape, stride, plane_stride, elements: PhantomData }))
    }

    /// The logical shape.
    pub fn shape(&self) -> Shape3 {
        self.shape
    }

    /// Planes of the logical shape.
    pub fn planes(&self) -> usize {
        self.shape.planes
    }

    /// The shape that was leased.
    pub fn capacity(&self) -> Shape3 {
        self.capacity
    }

    /// Elements from one row to the next: whole lines, and fixed by the capacity.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Changes the logical shape. Every element keeps its plane, row and column; those that come in are unspecified.
    ///
    /// # Errors
    /// [`ShapeError::BeyondCapacity3`] if a side is longer than the capacity's; the shape then stays.
    pub fn reshape(&mut self, shape: Shape3) -> Result<(), ShapeError> {
        if !shape.fits_in(self.capacity) {
            return Err(ShapeError::BeyondCapacity3 { requested: shape, capacity: self.capacity });
        }
        self.shape = shape;
        Ok(())
    }

    /// Plane `p`.
    #[track_caller]
    pub fn plane(&self, p: usize) -> View2<'_, T> {
        assert!(p < self.shape.planes, "plane {p} of {}", self.shape.planes);
        let elements = &self.held.elements()[p * self.plane_stride..][..self.plane_stride];
        View2::new(elements, self.shape.plane(), self.stride)
    }

    /// Plane `p`, to write.
    #[track_caller]
    pub fn plane_mut(&mut self, p: usize) -> ViewMut2<'_, T> {
        assert!(p < self.shape.planes, "plane {p} of {}", self.shape.planes);
        let elements = &mut self.held.elements_mut()[p * self.plane_stride..][..self.plane_stride];
        ViewMut2::new(elements, self.shape.plane(), self.stride)
    }

    /// All planes, to write at the same time.
    pub fn planes_mut(&mut self) -> impl Iterator<Item = ViewMut2<'_, T>> {
        let (shape, stride, size) = (self.shape, self.stride, self.plane_stride);
        let mut rest = self.held.elements_mut::<T>();
        (0..shape.planes).map(move |_| {
            let (plane, others) = std::mem::take(&mut rest).split_at_mut(size);
            rest = others;
            ViewMut2::new(plane, shape.plane(), stride)
        })
    }

    /// The `N` planes, to write at the same time; `None` if there are more or fewer.
    pub fn planes_array_mut<const N: usize>(&mut self) -> Option<[ViewMut2<'_, T>; N]> {
        if self.shape.planes != N {
            return None;
        }
        let mut planes = self.planes_mut();
        // There are N of them, so that no empty view takes the place of one.
        Some(std::array::from_fn(|_| planes.next().unwrap_or_default()))
    }

    /// Sets every element of every plane.
    pub fn fill(&mut self, value: T) {
        self.planes_mut().for_each(|mut plane| plane.fill(value));
    }
}

impl<T: Element> fmt::Debug for Matrix3<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matrix3")
            .field("shape", &self.shape)
            .field("capacity", &self.capacity)
            .field("stride", &self.stride)
            .finish_non_exhaustive()
    }
}
