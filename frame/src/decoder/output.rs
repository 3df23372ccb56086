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
///
/// These traits are used as objects, row by row, so that the decoder is compiled once, for all kinds of output.
pub trait Output {
    /// Called for each displayed frame, with what draws it: that is to be called once, with what takes the pixels. A frame
    /// may be shown again, if its samples turn out to need more bits than its header promised; what was written of it is
    /// then written again.
    ///
    /// # Errors
    ///
    /// Those of `draw`, and whatever hinders the output; they end the decode.
    fn show(
        &mut self,
        frame: DisplayedFrame<'_>,
        partition: Partition<'_>,
        draw: &mut DrawFrame<'_>,
    ) -> Result<()>;
}

/// Draws a frame into what takes its pixels.
pub type DrawFrame<'d> = dyn FnMut(&dyn PixelWriter) -> Result<()> + 'd;

/// Draws a tile into what takes its rows.
pub type DrawTile<'d> = dyn FnMut(&mut dyn PixelTile) -> Result<()> + 'd;

/// Takes the pixels of one frame, in stored orientation, tiles in any order and on several threads at once.
pub trait PixelWriter: Sync {
    /// Called once for each tile, with what draws it: that is to be called once.
    ///
    /// # Errors
    ///
    /// Those of `draw`; misuse if there is no such tile or it has been taken.
    fn tile(&self, row: usize, column: usize, rect: Rect, draw: &mut DrawTile<'_>) -> Result<()>;
}

/// Takes the rows of a tile from top to bottom.
pub trait PixelTile {
    /// Takes a row of the tile as real numbers: 0 to 1 is black to white, values outside are kept.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output.
    fn real_row(&mut self, row: &dyn ChannelRows<f32>) -> Result<()>;

    /// Takes a row of the tile as the integers that were coded, not clamped, of the bit depths that the image header names.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output.
    fn narrow_row(&mut self, row: &dyn ChannelRows<i16>) -> Result<()>;

    /// As [`narrow_row`](Self::narrow_row), of integers that need more than 16 bits.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output.
    fn wide_row(&mut self, row: &dyn ChannelRows<i32>) -> Result<()>;
}
