//! A JPEG XL codestream (ISO/IEC 18181-1): headers, TOC, Modular, VarDCT, features, filters and rendering.
//!
//! The modules are in the order in which the data flow through them.

pub mod error;
pub mod fields;
#[cfg(test)]
mod header_writer;
pub mod limits;

pub mod icc_stream;
pub mod image_header;

pub mod frame_header;
pub mod geometry;
pub mod permutation;
pub mod toc;

pub mod modular;

pub mod vardct;

pub mod features;

pub mod colour;
pub mod composition;
pub mod decoder;

pub mod render;

pub use error::{Error, Result};
