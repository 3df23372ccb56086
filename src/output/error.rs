//! Why samples cannot be written.

use jxlake_util::PoolError;

/// A request that does not fit the image, or the memory that it is to be written to.
///
/// No file alone can cause any of these: all but [`OutputError::Pool`] are the caller's to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The slice ends before the image does.
    #[error("an image of {needed} samples does not fit a slice of {length}")]
    SliceTooShort {
        /// Samples from the first to the last of the image, with the gaps between rows and planes.
        needed: usize,
        /// Samples in the slice.
        length: usize,
    },
    /// Rows overlap.
    #[error("rows of {row} samples overlap at a stride of {stride}")]
    RowStride {
        /// Samples in a row.
        row: usize,
        /// Samples from one row to the next.
        stride: usize,
    },
    /// Planes overlap, or do not start where a row could.
    #[error("a plane stride of {plane} is no multiple of the row stride {row} of at least {height} rows")]
    PlaneStride {
        /// Samples from one plane to the next.
        plane: usize,
        /// Samples from one row to the next.
        row: usize,
        /// Rows in a plane.
        height: usize,
    },
    /// The size of an image in samples cannot be expressed.
    #[error("the image is too large for this machine")]
    TooLarge,
    /// The memory has another shape than the image takes in the format asked for.
    #[error("the picture has {expected} rows, columns and channels, the memory {found}")]
    Shape {
        /// The shape of the image in that format.
        expected: super::ImageShape,
        /// The shape that was given.
        found: super::ImageShape,
    },
    /// The picture is wider or higher than an image can hold, or has more channels.
    #[error("a picture of {picture} does not fit an image that holds {capacity}")]
    BeyondCapacity {
        /// The shape of the picture.
        picture: super::ImageShape,
        /// The largest shape that the image can take.
        capacity: super::ImageShape,
    },
    /// Gray was asked for, but the image is in colour: to make gray of it is colour management.
    #[error("gray samples of a colour image were asked for")]
    GrayFromColour,
    /// An extra channel was asked for that the image does not have.
    #[error("extra channel {index} was asked for of an image that has {count}")]
    NoSuchChannel {
        /// The channel asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// Integers of so many bits do not fit the samples; samples that are floats have no such number.
    #[error("samples cannot have {bits} significant bits")]
    Bits {
        /// The bits asked for.
        bits: u32,
    },
    /// The tiles do not divide the image.
    #[error("the tiles do not divide {width} columns and {height} rows")]
    Tiles {
        /// Columns of the image as stored.
        width: usize,
        /// Rows of the image as stored.
        height: usize,
    },
    /// A tile that is not there, or was taken before.
    #[error("tile {column}, {row} is not there or was taken before")]
    NoSuchTile {
        /// Column of the tile.
        column: usize,
        /// Row of the tile.
        row: usize,
    },
    /// Samples outside their tile.
    #[error("{width} samples at column {x} of row {y} are not inside the tile")]
    OutsideTile {
        /// The first column.
        x: usize,
        /// The row.
        y: usize,
        /// How many samples.
        width: usize,
    },
    /// The rows of a pixel's channels differ in length.
    #[error("channel {channel} has {found} samples in a row of {expected}")]
    RowLength {
        /// The channel whose row it is.
        channel: usize,
        /// Samples in the row of the first channel that is needed.
        expected: usize,
        /// Samples in this one.
        found: usize,
    },
    /// Integer samples were given for a channel of floats.
    #[error("integer samples were given for a channel whose samples are floats")]
    IntegersOfFloats,
    /// There is no memory.
    #[error(transparent)]
    Pool(#[from] PoolError),
}
