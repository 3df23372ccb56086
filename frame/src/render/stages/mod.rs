//! The stages of the format.

mod gaborish;

pub use gaborish::Gaborish;
