//! Colour as numbers and as functions of rows: primaries and white points, XYB, transfer functions, tone mapping.
//!
//! Definitions are in double precision ([`Curve::encode`], [`RgbSpace::to`] …);
//! beside them stand the kernels in single precision that run over rows of samples.

mod chromaticity;
mod conversion;
mod curve;
mod curve_fits;
mod curve_rows;
mod display_mapping;
mod encoding;
mod hlg_ootf;
pub mod matrix;
pub mod rows;
mod tone_mapping;
mod transfer;
mod vector_math;
mod xyb;

#[cfg(test)]
mod row_tests;

pub use chromaticity::{
    BRADFORD, BRADFORD_INVERSE, Chromaticity, D50_XYZ, Primaries, RgbSpace, SRGB_LUMINANCES,
};
pub use conversion::{EncodingConversion, ImageLight};
pub use curve::{Curve, pq_decode, pq_encode};
pub use display_mapping::DisplayMapping;
pub use encoding::output_encoding_of_xyb;
pub use hlg_ootf::HlgOotf;
pub use tone_mapping::{GamutMapping, Rec2408};
pub use transfer::Transfer;
pub use xyb::{LinearMatrix, LinearTarget, ScaledXyb, XybToLinear};
