//! VarDCT: frames coded as quantised coefficients of transforms of many sizes.

mod dequantisation;
mod transform_type;
mod transforms;

#[cfg(test)]
mod test_support;

pub use dequantisation::QuantizationBias;
pub use transform_type::TransformType;
