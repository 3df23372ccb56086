//! Default weights of the upsampling kernels.

#![allow(clippy::excessive_precision, reason = "the decimals of the standard")]

mod up2;
mod up4;
mod up8;

pub(super) use up2::UP2;
pub(super) use up4::UP4;
pub(super) use up8::UP8;
