//! Disjoint tiles of one picture, for many workers.

use crate::buffer::Buffer;
use crate::error::{PoolError, ShapeError};
use crate::lease::Lease;
use crate::pool::{Pool, Purpose};
use crate::shape::Rect;
use crate::view_mut::ViewMut2;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How one side of a picture is divided.
///
/// ```
/// use jxlake_util::Axis;
///
/// // Three parts: 0..256, 256..512, 512..600.
/// assert_eq!(Axis::Every(256).parts(600), Some(3));
/// assert_eq!(Axis::Edges(&[0, 256, 512, 600]).parts(600), Some(3));
/// assert_eq!(Axis::Edges(&[0, 512, 256, 600]).parts(600), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis<'a> {
    /// Parts of this length; the last may be shorter.
    Every(usize),
    /// Where each part begins, and where the last one ends: from 0, ascending, to the length. Parts may be empty.
    Edges(&'a [usize]),
}

impl Axis<'_> {
    /// Into how many parts it divides `length` rows or columns; `None` if it does not.
    pub fn parts(self, length: usize) -> Option<usize> {
        match self {
            Self::Every(0) => None,
            Self::Every(step) => Some(length.div_ceil(step)),
            Self::Edges(edges) => {
                let whole = edges.first() == Some(&0) && edges.last() == Some(&length) && edges.is_sorted();
                (whole && edges.len() > 1).then(|| edges.len() - 1)
            }
        }
    }

    /// First row or column of part `index`, and how many it has. `index` is below [`parts`](Self::parts).
    fn part(self, index: usize, length: usize) -> (usize, usize) {
        match self {
            Self::Every(step) => (index * step, step.min(length - index * step)),
            Self::Edges(edges) => (edges[index], edges[index + 1] - edges[index]),
        }
    }
}

/// A picture divided into tiles, each of which one worker may take to write.
///
/// Whether a tile is still there is checked when it is taken, with a bit of storage leased from the pool.
///
/// ```
/// use jxlake_util::{Axis, Pool, PoolError, Purpose, Shape2, Threads};
///
/// let pool = Pool::new();
/// let mut picture = pool.matrix2::<f32>(Purpose::Pixels, Shape2::new(500, 600))?;
/// let grid = picture.view_mut().into_grid(&pool, Axis::Every(256), Axis::Every(256))?;
/// Threads::Global.run(grid.tiles(), |tile| {
///     let (row, col) = (tile / grid.cols(), tile % grid.cols());
///     if let Some(mut tile) = grid.take(row, col) {
///         tile.fill((10 * row + col) as f32);
///     }
///     Ok::<(), PoolError>(())
/// })?;
/// assert!(grid.take(0, 0).is_none()); // taken above
/// drop(grid);
/// assert_eq!((picture.row(0)[0], picture.row(499)[599]), (0.0, 12.0));
/// # Ok::<(), PoolError>(())
/// ```
///
/// While a tile is held the grid cannot be [`reset`](Self::reset), nor the picture be seen:
///
/// ```compile_fail
/// # use jxlake_util::{Axis, Pool, ViewMut2};
/// # let (pool, mut samples) = (Pool::new(), [0; 4]);
/// let view = ViewMut2::from_slice(&mut samples, 2, 2, 2).unwrap();
/// let mut grid = view.into_grid(&pool, Axis::Every(1), Axis::Every(1)).unwrap();
/// let tile = grid.take(0, 0);
/// grid.reset();
/// drop(tile);
/// ```
pub struct Grid<'a, T> {
    // Invariant: `data`, `stride` and `picture` describe a `ViewMut2<'a, T>` that was used up. The axes divide it into
    // disjoint tiles, whose number is at most the bits of `claims`. A tile whose bit is 0 is reached by nobody.
    data: NonNull<T>,
    stride: usize,
    picture: Rect,
    row_axis: Axis<'a>,
    col_axis: Axis<'a>,
    rows: usize,
    cols: usize,
    // Read and written only through `claim` while the grid exists.
    claims: Lease<Buffer<u64>>,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: a grid is an exclusive reference to the picture, and its claims are accessed atomically.
unsafe impl<T: Send> Send for Grid<'_, T> {}
// SAFETY: `&Grid` gives out each tile's elements at most once, which is sending them; it never shares them.
unsafe impl<T: Send> Sync for Grid<'_, T> {}

impl<'a, T> Grid<'a, T> {
    pub(crate) fn new(
        view: ViewMut2<'a, T>,
        pool: &Pool,
        row_axis: Axis<'a>,
        col_axis: Axis<'a>,
    ) -> Result<Self, PoolError> {
        let shape = view.shape();
        let parts = |axis: Axis<'_>, length| axis.parts(length).ok_or(ShapeError::Edges { length });
        let (rows, cols) = (parts(row_axis, shape.rows)?, parts(col_axis, shape.cols)?);
        // More tiles than elements cannot be counted only if most are empty, and then no pool has the bits.
        let tiles = rows.saturating_mul(cols);
        let claims = pool.buffer_zeroed(Purpose::Metadata, tiles.div_ceil(64))?;
        let picture = Rect::new(0, 0, shape.cols, shape.rows);
        let (data, stride) = (view.data(), view.stride());
        Ok(Self { data, stride, picture, row_axis, col_axis, rows, cols, claims, lifetime: PhantomData })
    }

    /// Rows of tiles.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of tiles.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.rows * self.cols
    }

    /// Where tile (`row`, `col`) lies in the picture; `None` if there is no such tile.
    pub fn rect(&self, row: usize, col: usize) -> Option<Rect> {
        if row >= self.rows || col >= self.cols {
            return None;
        }
        let (y, height) = self.row_axis.part(row, self.picture.height);
        let (x, width) = self.col_axis.part(col, self.picture.width);
        Some(Rect::new(x, y, width, height))
    }

    /// The tile in row `row` and column `col` of the grid, to write; `None` if it was taken before, or is not there.
    pub fn take(&self, row: usize, col: usize) -> Option<ViewMut2<'_, T>> {
        let rect = self.rect(row, col)?;
        if !self.claim(row * self.cols + col) {
            return None;
        }
        // SAFETY: the tile lies in the picture; its bit was 0, so that nobody reached it, and is 1 now, so that nobody
        // else will before `reset`, which needs the grid to itself.
        Some(unsafe { ViewMut2::part(self.data, self.stride, rect) })
    }

    /// Sets the bit of a tile; `true` if it was not set. `tile` is below the number of tiles.
    fn claim(&self, tile: usize) -> bool {
        let bit = 1u64 << (tile % 64);
        // SAFETY: `tile / 64` is inside the buffer, whose memory is 8-byte-aligned and stays with the grid; all access
        // to it while the grid is shared is through these atomics.
        let word = unsafe { AtomicU64::from_ptr(self.claims.data().add(tile / 64).as_ptr()) };
        // Nothing is passed from one holder to the next through a claim, so that its order does not matter.
        word.fetch_or(bit, Relaxed) & bit == 0
    }

    /// Makes every tile available again; none of them is held any more.
    pub fn reset(&mut self) {
        self.claims.fill(0);
    }
}

impl<T> fmt::Debug for Grid<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grid")
            .field("picture", &self.picture)
            .field("rows", &self.row_axis)
            .field("cols", &self.col_axis)
            .finish_non_exhaustive()
    }
}
