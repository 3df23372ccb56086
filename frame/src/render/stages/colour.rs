//! Colour transforms as stages.

use super::vector::splat;
use crate::Error;
use crate::colour::rows::{PixelMap, map_rows};
use crate::colour::{LinearMatrix, ScaledXyb, Transfer, XybToLinear};
use crate::render::{PointRows, PointStage};
use fearless_simd::{Simd, dispatch, prelude::*};

/// X, Y and B to red, green and blue, linear or encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct XybToRgb {
    /// The conversion to linear light.
    pub linear: XybToLinear,
    /// What to encode the linear light with, in the same pass; `None` leaves it linear.
    pub transfer: Option<Transfer>,
}

/// X, Y and B to the samples of an image whose colour space is XYB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XybScaling;

/// Cb, Y and Cr to red, green and blue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct YcbcrToRgb;

/// Encodes linear light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encode(pub Transfer);

/// Decodes to linear light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decode(pub Transfer);

/// Multiplies linear light by a matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiplyMatrix(pub LinearMatrix);

/// Implements [`PointStage`] for a stage that only changes the three rows of colour.
macro_rules! colour_stage {
    ($stage:ty, $name:literal, |$self:ident, $level:ident, $rows:ident| $run:expr) => {
        impl PointStage for $stage {
            fn name(&self) -> &'static str {
                $name
            }

            fn touches(&self, channel: usize) -> bool {
                channel < 3
            }

            fn run(&self, rows: &mut PointRows<'_>) -> Result<(), Error> {
                let ($self, $level) = (self, rows.level());
                let $rows = rows.rows([0, 1, 2])?;
                $run;
                Ok(())
            }
        }
    };
}

colour_stage!(XybToRgb, "XYB to RGB", |stage, level, rows| match &stage.transfer {
    Some(transfer) => stage.linear.convert_and_encode_rows(transfer, level, rows),
    None => stage.linear.convert_rows(level, rows),
});
colour_stage!(XybScaling, "scaled XYB", |_stage, level, rows| {
    dispatch!(level, simd => map_rows(simd, ScaledXyb, rows))
});
colour_stage!(YcbcrToRgb, "YCbCr to RGB", |stage, level, rows| {
    dispatch!(level, simd => map_rows(simd, *stage, rows))
});
colour_stage!(Encode, "encode", |stage, level, rows| stage.0.encode_rows(level, rows));
colour_stage!(Decode, "decode", |stage, level, rows| stage.0.decode_rows(level, rows));
colour_stage!(MultiplyMatrix, "matrix", |stage, level, rows| {
    dispatch!(level, simd => map_rows(simd, stage.0, rows))
});

impl PixelMap for YcbcrToRgb {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, [cb, y, cr]: [S::f32s; 3]) -> [S::f32s; 3] {
        let y = y + 128.0 / 255.0;
        let red = cr.mul_add(splat(simd, 1.402), y);
        let green = cb.mul_add(splat(simd, -0.114 * 1.772 / 0.587), y);
        let green = cr.mul_add(splat(simd, -0.299 * 1.402 / 0.587), green);
        let blue = cb.mul_add(splat(simd, 1.772), y);
        [red, green, blue]
    }
}
