//! Who receives the finished rows, and who provides samples that groups do not bring.

use super::rows::ConsumerRow;
use crate::Error;
use jxlake_util::Rect;

/// A part of the finished frame that is made in one go, by one thread.
///
/// Regions tile the frame. There is one for each group, shifted to the left and up against it
/// ([`Plan::column_edges`](super::Plan::column_edges), [`Plan::row_edges`](super::Plan::row_edges)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Column of the region, which is that of its group.
    pub column: usize,
    /// Row of the region.
    pub row: usize,
    /// Its pixels.
    pub rect: Rect,
}

/// Takes the rows of the finished frame: writes them to the caller's memory, to a reference frame, onto a
/// canvas.
///
/// Regions come in any order and on several threads at once; the rows of a region come from top to bottom on
/// one thread, and each pixel comes exactly once (for each tap).
pub trait RowConsumer: Sync {
    /// Called once for each region, with what renders it: that is to be called once, with what takes the region's rows,
    /// for example its tile of a [`Grid`](jxlake_util::Grid).
    fn region(&self, region: &Region, render: &mut RenderRegion<'_>) -> Result<(), Error>;
}

/// Renders a region into what takes its rows.
pub type RenderRegion<'r> = dyn FnMut(&mut dyn RowSink) -> Result<(), Error> + 'r;

/// Takes the rows of one region.
pub trait RowSink {
    /// Takes a row.
    fn row(&mut self, row: &ConsumerRow<'_>) -> Result<(), Error>;
}

/// Gives the samples of channels that are not brought by groups: planes that are there for the whole frame, or
/// numbers that are made as they are needed.
pub trait RowSource: Sync {
    /// Writes the samples `x .. x + out.len()` of row `y` of `channel`, all of them in the frame, in the
    /// channel's own resolution. Any part may be asked for, in any order, more than once, by any thread.
    fn read(&self, channel: usize, x: usize, y: usize, out: &mut [f32]) -> Result<(), Error>;
}
