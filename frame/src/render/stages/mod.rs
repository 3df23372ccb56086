//! The stages of the format.

mod chroma_upsampling;
mod colour;
mod edge_preserving_filter;
mod epf_kernels;
mod gaborish;
mod upsampling;
mod vector;

pub use chroma_upsampling::{ChromaUpsamplingHorizontal, ChromaUpsamplingVertical};
pub use colour::{Decode, Encode, MultiplyMatrix, XybScaling, XybToRgb, YcbcrToRgb};
pub use edge_preserving_filter::{EdgePreservingFilter, EpfParameters, EpfStep, Sigma};
pub use gaborish::Gaborish;
pub use upsampling::{Upsampled, Upsampling, UpsamplingKernels};
