//! The inverse transforms by themselves, for benches.

use super::TransformType;
use super::transforms::{Destination, Extent, LfSamples, Spectrum, inverse_transform};
use fearless_simd::{Level, dispatch};
use jxlake_util::{View2, ViewMut2};

/// Transforms varblocks of one type, which lie side by side: `values` has their stored arrays one after the other, `lf`
/// one row of LF samples for each row of blocks, `dest` their rows. `scratch` holds at least as many values as one varblock.
pub fn inverse_row(
    level: Level,
    ty: TransformType,
    values: &mut [f32],
    lf: View2<'_, f32>,
    scratch: &mut [f32],
    dest: &mut ViewMut2<'_, f32>,
) {
    let width = dest.cols() / (values.len() / ty.size()).max(1);
    let extent = Extent { rows: (ty.stored_rows() / 8) as u8, cols: (ty.stored_cols() / 8) as u8 };
    dispatch!(level, simd => {
        for (index, values) in values.chunks_exact_mut(ty.size()).enumerate() {
            let lf = LfSamples { view: lf, x: index * width / 8, y: 0 };
            let spectrum = Spectrum { values, extent };
            let dest = Destination { view: &mut *dest, x: index * width, y: 0 };
            inverse_transform(simd, ty, spectrum, lf, scratch, dest);
        }
    });
}
