//! Pictures in the caller's format.
//!
//! A [`Canvas`] says what the image has, a [`PixelFormat`] what is wanted. Memory is an [`Image`] leased from the pool, or
//! the caller's as an [`ImageMut`]. A [`Writer`] divides it into tiles; each worker takes the [`TileWriter`] of its tile
//! and gives it rows of samples, which are converted, interleaved and turned on their way.
//!
//! Rows of f32 are what rendering makes; rows of i16 or i32 in the image's own depth go to integers without a float
//! between, and exactly.

mod convert;
mod error;
mod format;
mod image;
mod pack;
mod sample;
mod tile;
mod writer;

#[cfg(test)]
mod tests;

pub use convert::SampleRows;
pub use error::OutputError;
pub use format::{AlphaMode, Canvas, Channels, Endianness, ImageShape, Layout, PixelFormat};
pub use image::{Image, ImageMut};
pub use sample::{InputSample, OutputSample};
pub use tile::TileWriter;
pub use writer::{Partition, Tiling, Writer, WriterJob};
