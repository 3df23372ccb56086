//! Frames that become one picture: reference slots, blending, and the counters that seed noise.

mod blending;
mod rows;
mod slots;

pub use blending::{BlendOperation, Blending, COLOUR_CHANNELS, ChannelBlending, ExtraChannelRole};
pub use rows::{ChannelRows, StackedRow};
pub use slots::{FrameCounters, SavedFrame, Slots};
