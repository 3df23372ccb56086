//! VarDCT: frames coded as quantised coefficients of transforms of many sizes.

mod coefficient_order;
mod dequant_matrices;
mod dequantisation;
mod fault;
mod frame;
mod hf_coefficients;
mod hf_contexts;
mod hf_global;
mod jpeg;
mod jpeg_group;
#[doc(hidden)]
pub mod kernels;
mod lf_global;
mod lf_group;
mod lf_image;
mod pass_group;
mod render_group;
mod transform_type;
mod transforms;
mod zero_density;

#[cfg(test)]
mod natural_order_selfcheck;
#[cfg(test)]
mod test_support;

pub use fault::VarDctFault;
pub use frame::VarDctFrame;
pub(crate) use frame::{PART, SIGMA_VALUES};
pub use jpeg::{JpegChannel, JpegCoefficients, NotJpeg};
pub(crate) use jpeg_group::JpegRules;
pub use lf_global::{HfBlockContext, LfChannelCorrelation, LfChannelDequantization, Quantizer};
pub use pass_group::PassGroup;
pub(crate) use render_group::buffer_len;
pub use transform_type::TransformType;
