//! A JPEG XL decoder that works in pooled matrices: a warm decode allocates nothing.
//!
//! ```
//! use jxlake::{Decoder, PixelFormat};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let file = std::fs::read("testdata/container.jxl")?;
//! let mut decoder = Decoder::new(); // keep it: the next decode uses its memory again
//! let image = decoder.decode::<u8>(&file, &PixelFormat::default())?;
//! let shape = image.shape();
//! println!("{} x {} pixels of {} channels", shape.width, shape.height, shape.channels);
//! let first_red = image.row(0)[0];
//! # let _ = first_red;
//! # Ok(())
//! # }
//! ```

pub mod container;

mod batch;
mod decoder;
mod error;
mod frame_info;

pub mod colour;

pub mod jpeg;

pub mod output;

pub use batch::{Batch, BatchWatch, Order, Source, Split};
pub use colour::OutputColour;
pub use decoder::{Decoder, Frames, MemoryEstimate};
pub use error::{Error, ErrorKind, Result};
pub use frame_info::FrameInfo;
pub use jxlake_frame as frame;
pub use jxlake_frame::limits::Limits;
pub use jxlake_util::{
    FormatUsage, Leaks, Pool, PoolBuilder, PoolError, PoolEvent, Purpose, Release, SampleFormat, Statistics,
    Threads, Usage,
};
pub use output::{Channels, Image, ImageMut, PixelFormat};

/// A pool of so many threads, for [`Threads::Pool`].
///
/// # Errors
///
/// If the system has no more threads to give.
pub fn thread_pool(threads: usize) -> std::result::Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build()
}
