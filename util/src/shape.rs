//! Sizes and places, in rows and columns.

use std::fmt;

/// Rows and columns of a matrix.
///
/// ```
/// use jxlake_util::Shape2;
///
/// let shape = Shape2::new(2, 3);
/// assert_eq!(shape.elements(), Some(6));
/// assert_eq!(shape.to_string(), "2×3");
/// assert!(shape.fits_in(Shape2::new(2, 4)) && !shape.fits_in(Shape2::new(6, 1)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shape2 {
    /// Number of rows.
    pub rows: usize,
    /// Elements in a row.
    pub cols: usize,
}

impl Shape2 {
    /// A shape of `rows` rows of `cols` elements.
    pub const fn new(rows: usize, cols: usize) -> Self {
        Self { rows, cols }
    }

    /// How many elements that is, if it can be counted.
    pub const fn elements(self) -> Option<usize> {
        self.rows.checked_mul(self.cols)
    }

    /// Whether there are no elements.
    pub const fn is_empty(self) -> bool {
        self.rows == 0 || self.cols == 0
    }

    /// Whether neither side is longer than that of `capacity`.
    pub const fn fits_in(self, capacity: Self) -> bool {
        self.rows <= capacity.rows && self.cols <= capacity.cols
    }
}

impl fmt::Display for Shape2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.rows, self.cols)
    }
}

/// Planes, rows and columns of a stack of matrices of one size.
///
/// ```
/// use jxlake_util::{Shape2, Shape3};
///
/// let shape = Shape3::new(3, 10, 20);
/// assert_eq!(shape.plane(), Shape2::new(10, 20));
/// assert_eq!(shape.to_string(), "3×10×20");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shape3 {
    /// Number of planes.
    pub planes: usize,
    /// Rows of each plane.
    pub rows: usize,
    /// Elements in a row.
    pub cols: usize,
}

impl Shape3 {
    /// A shape of `planes` planes of `rows` rows of `cols` elements.
    pub const fn new(planes: usize, rows: usize, cols: usize) -> Self {
        Self { planes, rows, cols }
    }

    /// The shape of one plane.
    pub const fn plane(self) -> Shape2 {
        Shape2 { rows: self.rows, cols: self.cols }
    }

    /// How many elements that is, if it can be counted.
    pub const fn elements(self) -> Option<usize> {
        match self.plane().elements() {
            Some(plane) => plane.checked_mul(self.planes),
            None => None,
        }
    }

    /// Whether no side is longer than that of `capacity`.
    pub const fn fits_in(self, capacity: Self) -> bool {
        self.planes <= capacity.planes && self.plane().fits_in(capacity.plane())
    }
}

impl fmt::Display for Shape3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.planes, self.rows, self.cols)
    }
}

/// A rectangle of samples: `x` and `width` count columns, `y` and `height` rows.
///
/// ```
/// use jxlake_util::Rect;
///
/// let group = Rect::new(256, 0, 256, 256);
/// let image = Rect::new(0, 0, 300, 200);
/// assert_eq!(group.intersect(image), Rect::new(256, 0, 44, 200));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rect {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

impl Rect {
    /// The rectangle of `width` × `height` samples whose first one is in column `x` of row `y`.
    pub const fn new(x: usize, y: usize, width: usize, height: usize) -> Self {
        Self { x, y, width, height }
    }

    /// The column after the last one; saturates.
    pub const fn right(self) -> usize {
        self.x.saturating_add(self.width)
    }

    /// The row after the last one; saturates.
    pub const fn bottom(self) -> usize {
        self.y.saturating_add(self.height)
    }

    /// Rows and columns.
    pub const fn shape(self) -> Shape2 {
        Shape2 { rows: self.height, cols: self.width }
    }

    /// Whether there are no samples in it.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// What is in both; empty if they do not meet.
    pub fn intersect(self, other: Self) -> Self {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = self.right().min(other.right()).saturating_sub(x);
        let height = self.bottom().min(other.bottom()).saturating_sub(y);
        Self { x, y, width, height }
    }

    /// Whether it lies inside a matrix of that shape.
    pub const fn fits_in(self, shape: Shape2) -> bool {
        self.x <= shape.cols
            && self.width <= shape.cols - self.x
            && self.y <= shape.rows
            && self.height <= shape.rows - self.y
    }
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at row {}, column {}", self.shape(), self.y, self.x)
    }
}
