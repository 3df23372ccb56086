//! Pictures: leased from the pool, or in the caller's memory.

use jxlake_util::{Lease, Matrix2, Pool, PoolError, Purpose, Rect, Release, Shape2, View2, ViewMut2};

use super::error::OutputError;
use super::format::{ImageShape, Layout};
use super::sample::OutputSample;

/// A decoded picture in memory leased from a [`Pool`], which gets it back when the picture is dropped or
/// [released](Image::release).
///
/// A picture has a *shape*, what it holds now, and a *capacity*, the largest shape it can take without new memory: one
/// image of 4096 × 4096 pixels takes all smaller pictures one after the other. Contents are unspecified until they are
/// written.
///
/// ```
/// use jxlake::output::{Image, ImageShape, Layout, OutputError};
/// use jxlake_util::Pool;
///
/// let shape = |width, height| ImageShape { width, height, channels: 3, layout: Layout::Interleaved };
/// let mut image = Image::<u8>::with_capacity(&Pool::new(), shape(1000, 500))?;
/// image.reshape(shape(100, 50))?;
/// image.row_mut(49)[299] = 7;
/// assert_eq!((image.row(49).len(), image.row(49)[299]), (300, 7));
///
/// let error = image.reshape(shape(1001, 20)).unwrap_err();
/// assert_eq!(error.to_string(), "a picture of 20×1001×3 interleaved does not fit an image that holds 500×1000×3 interleaved");
/// assert_eq!((image.shape(), image.capacity()), (shape(100, 50), shape(1000, 500)));
/// # Ok::<(), OutputError>(())
/// ```
#[derive(Debug)]
pub struct Image<T: OutputSample> {
    shape: ImageShape,
    capacity: ImageShape,
    /// The planes one below the other.
    samples: Lease<Matrix2<T>>,
}

impl<T: OutputSample> Image<T> {
    /// Leases a picture.
    ///
    /// # Errors
    /// The pool's.
    pub fn new(pool: &Pool, shape: ImageShape) -> Result<Self, OutputError> {
        Ok(Self { shape, capacity: shape, samples: pool.matrix2(Purpose::Output, stacked(shape)?)? })
    }

    /// Leases an image for pictures of up to this width, height and number of channels, in any layout. Its shape is the
    /// capacity to begin with.
    ///
    /// # Errors
    /// The pool's.
    pub fn with_capacity(pool: &Pool, capacity: ImageShape) -> Result<Self, OutputError> {
        let laid = |layout| stacked(ImageShape { layout, ..capacity });
        let (interleaved, planar) = (laid(Layout::Interleaved)?, laid(Layout::Planar)?);
        let mut samples = pool.matrix2(Purpose::Output, interleaved)?;
        // Rows are padded, which takes more where they are short.
        if samples.relay(planar).is_err() {
            drop(samples);
            samples = pool.matrix2(Purpose::Output, planar)?;
        }
        samples.relay(stacked(capacity)?).map_err(PoolError::from)?;
        Ok(Self { shape: capacity, capacity, samples })
    }

    /// Gives the picture another shape within its capacity, which costs nothing and leaves contents unspecified.
    ///
    /// # Errors
    /// [`OutputError::BeyondCapacity`], which names both shapes; the picture then stays as it is. An image that was not made
    /// [`with_capacity`](Self::with_capacity) may also have no room for another layout.
    pub fn reshape(&mut self, shape: ImageShape) -> Result<(), OutputError> {
        let capacity = self.capacity;
        let beyond = OutputError::BeyondCapacity { picture: shape, capacity };
        let fits = shape.width <= capacity.width
            && shape.height <= capacity.height
            && shape.channels <= capacity.channels;
        if !fits || self.samples.relay(stacked(shape)?).is_err() {
            return Err(beyond);
        }
        self.shape = shape;
        Ok(())
    }

    /// Bytes that a picture of this shape takes from a pool.
    pub fn bytes(shape: ImageShape) -> u64 {
        stacked(shape).map_or(u64::MAX, Pool::bytes_of::<T>)
    }

    /// Size, channels and layout.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The largest picture that the image can take: no side may be longer, nor may there be more channels.
    pub fn capacity(&self) -> ImageShape {
        self.capacity
    }

    /// Gives the memory back to the pool now; the same as dropping, by name.
    pub fn release(self) {}

    /// One plane; an interleaved picture has only plane 0.
    ///
    /// # Panics
    /// If there is no such plane.
    pub fn plane(&self, plane: usize) -> View2<'_, T> {
        let (rows, cols) = (self.shape.height, self.samples.cols());
        self.samples.view().sub(Rect::new(0, plane * rows, cols, rows))
    }

    /// The samples of row `y`, of the first plane if there are several.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, y: usize) -> &[T] {
        self.plane(0).row(y)
    }

    /// Row `y` of the first plane, to write.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_mut(&mut self, y: usize) -> &mut [T] {
        assert!(y < self.shape.height, "row {y} of {}", self.shape.height);
        self.samples.row_mut(y)
    }

    /// All rows from the top, plane by plane.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.samples.view().iter_rows()
    }

    /// The picture as memory to write to.
    pub fn as_mut(&mut self) -> ImageMut<'_, T> {
        ImageMut { shape: self.shape, plane_rows: self.shape.height, view: self.samples.view_mut() }
    }
}

impl<T: OutputSample> Release for Image<T> {
    fn release(self) {
        self.samples.release();
    }
}

fn stacked(shape: ImageShape) -> Result<Shape2, OutputError> {
    let rows = shape.height.checked_mul(shape.planes()).ok_or(OutputError::TooLarge)?;
    Ok(Shape2::new(rows, shape.row_samples()?))
}

/// The caller's memory as a picture to write.
///
/// ```
/// use jxlake::output::{ImageMut, ImageShape, Layout, OutputError};
///
/// let shape = ImageShape { width: 4, height: 3, channels: 3, layout: Layout::Interleaved };
/// let mut pixels = vec![0u8; 36];
/// assert!(ImageMut::from_slice(&mut pixels, shape).is_ok());
/// assert!(ImageMut::with_stride(&mut pixels, shape, 12).is_ok());
/// assert_eq!(
///     ImageMut::with_stride(&mut pixels, shape, 16).unwrap_err(),
///     OutputError::SliceTooShort { needed: 44, length: 36 }
/// );
/// ```
#[derive(Debug)]
pub struct ImageMut<'a, T> {
    shape: ImageShape,
    /// Rows from one plane to the next.
    plane_rows: usize,
    /// The planes one below the other, without the rows behind the last one.
    view: ViewMut2<'a, T>,
}

impl<'a, T> ImageMut<'a, T> {
    /// A picture whose rows and planes follow one another without gaps.
    ///
    /// # Errors
    /// [`OutputError::SliceTooShort`].
    pub fn from_slice(samples: &'a mut [T], shape: ImageShape) -> Result<Self, OutputError> {
        Self::with_stride(samples, shape, shape.row_samples()?)
    }

    /// A picture whose rows start `stride` samples apart; planes follow one another without gaps.
    ///
    /// # Errors
    /// [`OutputError::RowStride`] and [`OutputError::SliceTooShort`].
    pub fn with_stride(samples: &'a mut [T], shape: ImageShape, stride: usize) -> Result<Self, OutputError> {
        let plane = stride.checked_mul(shape.height).ok_or(OutputError::TooLarge)?;
        Self::with_strides(samples, shape, stride, plane)
    }

    /// A picture whose rows start `row_stride` samples apart and whose planes start `plane_stride` samples apart. The
    /// plane stride of interleaved pictures does not matter.
    ///
    /// # Errors
    /// [`OutputError::RowStride`], [`OutputError::PlaneStride`] and [`OutputError::SliceTooShort`]. The last row of the
    /// last plane needs no padding.
    pub fn with_strides(
        samples: &'a mut [T],
        shape: ImageShape,
        row_stride: usize,
        plane_stride: usize,
    ) -> Result<Self, OutputError> {
        let row = shape.row_samples()?;
        if row_stride < row && shape.height.max(shape.planes()) > 1 {
            return Err(OutputError::RowStride { row, stride: row_stride });
        }
        let mut plane_rows = shape.height;
        if shape.layout == Layout::Planar && shape.channels > 1 && row_stride > 0 {
            plane_rows = plane_stride / row_stride;
            if plane_rows < shape.height || !plane_stride.is_multiple_of(row_stride) {
                let (plane, row, height) = (plane_stride, row_stride, shape.height);
                return Err(OutputError::PlaneStride { plane, row, height });
            }
        }
        let before_last = (shape.planes().saturating_sub(1)).checked_mul(plane_rows);
        let rows =
            before_last.and_then(|rows| rows.checked_add(shape.height)).ok_or(OutputError::TooLarge)?;
        let length = samples.len();
        ViewMut2::from_slice(samples, rows, row, row_stride)
            .map(|view| Self { shape, plane_rows, view })
            .map_err(|_| {
                let needed = rows.saturating_sub(1).saturating_mul(row_stride).saturating_add(row);
                OutputError::SliceTooShort { needed, length }
            })
    }

    /// Size, channels and layout.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The same picture, borrowed for a while.
    pub fn reborrow(&mut self) -> ImageMut<'_, T> {
        ImageMut { shape: self.shape, plane_rows: self.plane_rows, view: self.view.reborrow() }
    }

    /// The planes one below the other, and how many rows lie from one to the next.
    pub(super) fn into_parts(self) -> (ViewMut2<'a, T>, usize) {
        (self.view, self.plane_rows)
    }
}
