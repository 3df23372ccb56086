//! Where the pixels of displayed frames go: what the caller of a codestream implements.

use crate::Result;
use crate::composition::ChannelRows;
use crate::frame_header::FrameHeader;
use crate::image_header::{ImageHeader, Size};
use jxlake_util::{Axis, Rect};

/// A frame about to be shown.
#[derive(Debug, Clone, Copy)]
pub struct DisplayedFrame<'a> {
    /// The image that it is of.
    pub image: &'a ImageHeader,
    /// The frame that completes it.
    pub header: &'a FrameHeader,
    /// Size of the picture in pixels, as stored: that of the image, or the frame's own if layers are shown.
    pub size: Size,
    /// Number of displayed frames before it.
    pub index: u64,
}

/// How a picture is divided into tiles, each of which is written by one thread, from its top row to its last.
#[derive(Debug, Clone, Copy)]
pub struct Partition<'a> {
    /// The tiles' columns.
    pub columns: Axis<'a>,
    /// The tiles' rows.
    pub rows: Axis<'a>,
}

/// Takes displayed frames.
pub trait Output {
    /// Takes the pixels of one frame.
    type Writer<'a>: PixelWriter
    where
        Self: 'a;

    /// Called before the first pixel of a displayed frame. A frame may begin again, if its samples turn out to need more
    /// bits than its header promised; what was written of it is then written again.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output; it ends the decode.
    fn begin<'a>(
        &'a mut self,
        frame: DisplayedFrame<'a>,
        partition: Partition<'a>,
    ) -> Result<Self::Writer<'a>>;
}

/// Takes the pixels of one frame, in stored orientation, tiles in any order and on several threads at once.
pub trait PixelWriter: Sync {
    /// A tile that is being written.
    type Tile<'a>
    where
        Self: 'a;

    /// Called before the first row of a tile, once for each.
    ///
    /// # Errors
    ///
    /// Misuse if there is no such tile or it has been taken.
    fn tile(&self, row: usize, column: usize, rect: Rect) -> Result<Self::Tile<'_>>;

    /// Takes a row of the tile as real numbers: 0 to 1 is black to white, values outside are kept.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output.
    fn real_row<'a>(&'a self, tile: &mut Self::Tile<'a>, row: &impl ChannelRows<f32>) -> Result<()>;

    /// Takes a row of the tile as the integers that were coded, not clamped, of the bit depths that the image header names.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output.
    fn narrow_row<'a>(&'a self, tile: &mut Self::Tile<'a>, row: &impl ChannelRows<i16>) -> Result<()>;

    /// As [`narrow_row`](Self::narrow_row), of integers that need more than 16 bits.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output.
    fn wide_row<'a>(&'a self, tile: &mut Self::Tile<'a>, row: &impl ChannelRows<i32>) -> Result<()>;
}
