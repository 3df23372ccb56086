//! Colour as the caller meets it: the colours of the output, and ICC profiles.

pub mod icc_profile;

mod named;
mod output_colour;
mod profile_transform;

pub use named::colour_encoding_named;
pub use output_colour::OutputColour;
pub use profile_transform::ConversionError;

pub(crate) use output_colour::ColourRequest;
pub(crate) use profile_transform::TransformCache;
