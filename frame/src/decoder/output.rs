//! Where the pixels of displayed frames go: what the caller of a codestream implements.

use crate::Result;
use crate::frame_header::FrameHeader;
use crate::image_header::ImageHeader;
use crate::render::ConsumerRow;
use jxlake_util::{Axis, Rect, View2};

/// A frame about to be shown.
#[derive(Debug, Clone, Copy)]
pub struct DisplayedFrame<'a> {
    /// The image that it is of.
    pub image: &'a ImageHeader,
    /// The frame that completes it.
    pub header: &'a FrameHeader,
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

    /// Called before the first pixel of a displayed frame.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output; it ends the decode.
    fn begin<'a>(&'a mut self, frame: &DisplayedFrame<'_>, partition: Partition<'a>) -> Result<Self::Writer<'a>>;
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
    fn real_row(&self, tile: &mut Self::Tile<'_>, row: &impl ChannelRows<f32>) -> Result<()>;

    /// Takes a row of the tile as the integers that were coded, not clamped, of the bit depths that the image header names.
    ///
    /// # Errors
    ///
    /// Whatever hinders the output.
    fn integer_row<S: Into<i32> + Copy>(&self, tile: &mut Self::Tile<'_>, row: &impl ChannelRows<S>) -> Result<()>;
}

/// One row of all channels of a part of a frame.
pub trait ChannelRows<T> {
    /// Frame column of the first sample.
    fn x(&self) -> usize;
    /// Frame row.
    fn y(&self) -> usize;
    /// Number of samples.
    fn width(&self) -> usize;
    /// The samples of a channel: colour (one channel or three), then extra.
    fn channel(&self, channel: usize) -> &[T];
}

impl ChannelRows<f32> for ConsumerRow<'_> {
    fn x(&self) -> usize {
        ConsumerRow::x(self)
    }
    fn y(&self) -> usize {
        ConsumerRow::y(self)
    }
    fn width(&self) -> usize {
        ConsumerRow::width(self)
    }
    fn channel(&self, channel: usize) -> &[f32] {
        ConsumerRow::channel(self, channel)
    }
}

/// A row whose channels are the rows of a view.
#[derive(Debug, Clone, Copy)]
pub struct StackedRow<'a> {
    /// Frame column of the first sample.
    pub x: usize,
    /// Frame row.
    pub y: usize,
    /// Row `c` is channel `c`.
    pub channels: View2<'a, f32>,
}

impl ChannelRows<f32> for StackedRow<'_> {
    fn x(&self) -> usize {
        self.x
    }
    fn y(&self) -> usize {
        self.y
    }
    fn width(&self) -> usize {
        self.channels.cols()
    }
    fn channel(&self, channel: usize) -> &[f32] {
        if channel < self.channels.rows() { self.channels.row(channel) } else { &[] }
    }
}
