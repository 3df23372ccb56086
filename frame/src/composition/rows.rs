//! Rows of all channels, wherever their samples lie.

use crate::render::ConsumerRow;
use jxlake_util::View2;

/// One row of all channels of a part of a frame.
pub trait ChannelRows<T> {
    /// Frame column of the first sample.
    fn x(&self) -> usize;
    /// Frame row.
    fn y(&self) -> usize;
    /// Number of samples.
    fn width(&self) -> usize;
    /// The samples of a channel; empty if it is not there. Channels 0 to 2 are colour (only 0 if the integers of a grey image
    /// are shown), 3 + i is extra channel i.
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
