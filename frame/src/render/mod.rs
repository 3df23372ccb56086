//! Rendering: from decoded samples to finished rows, through a chain of row stages.
//!
//! A stage is a kernel that makes rows from rows ([`WindowStage`]) or changes rows in place ([`PointStage`]); it
//! says which channels it touches and how far around a sample it reads, and knows nothing of groups, threads and
//! frames. A chain of them is laid out over a frame as a [`Plan`], and run by one of two executors:
//!
//! * [`StreamingExecutor`], the way of production. Groups come in any order from any number of threads; what
//!   they complete is rendered at once, row by row, within a core's cache.
//! * [`oracle`], which applies one stage after the other to planes of the whole frame. It is slow, obviously
//!   right, and the measure of the other: both give the same bits.
//!
//! Whatever a stage reads outside of the frame is mirrored, on the input of each stage.

mod consumer;
mod group_input;
pub mod oracle;
mod plan;
mod region;
mod rows;
mod stage;
pub mod stages;
mod streaming;

#[cfg(test)]
mod tests;

pub use consumer::{Region, RenderRegion, RowConsumer, RowSink, RowSource};
pub use group_input::{Extent, GroupInput};
pub use plan::{ChannelPlan, FrameShape, Origin, Plan};
pub use rows::{ConsumerRow, OutputRows, PointRows, ScratchRows, Window};
pub use stage::{PointStage, Reach, Shift, Stage, WindowStage, mirror};
pub use streaming::{RenderJob, StreamingExecutor, StreamingState};

use crate::Error;

/// Samples in front of column 0 in a window's row: one cache line, so that rows stay aligned.
pub const PAD: usize = 16;

/// Samples behind the last column in a window's row: a vector that starts at the last border column ends there.
pub const PAD_END: usize = 32;

/// Columns and rows of border a window stage may read.
pub const MAX_BORDER: usize = 8;

/// Channels a joint window stage may have.
pub const MAX_JOINT: usize = 3;

/// Samples in a cache line; rows begin at multiples of it, which whole vectors of all instruction sets divide.
const LANES: usize = 16;

/// Rows a stage makes in one call: 4 to 6 % faster than 4, 15 % than 1, and more rings would leave the cache.
const BAND_ROWS: usize = 8;

/// An error that only a wrong use of this module can cause.
const fn invalid_call(what: &'static str) -> Error {
    Error::Misuse(what)
}
