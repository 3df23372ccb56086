//! Inverse transforms of VarDCT: from dequantised coefficients and LF samples to samples, written straight into
//! their place in a channel's matrix.

mod afv_basis;
mod dct;
mod llf;
mod separable;
mod special;
mod tables;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod selfcheck;
#[cfg(test)]
mod tests;

use fearless_simd::Simd;
use jxlake_util::{View2, ViewMut2};

use super::TransformType;

use llf::lowest_frequencies;

/// The part of a stored array outside which all coefficients are zero, in units of eight: its first `8 * rows` rows
/// and `8 * cols` columns. Zero by zero when there is no coefficient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) rows: u8,
    pub(crate) cols: u8,
}

impl Extent {
    /// All of the stored array of a type.
    #[cfg(test)]
    pub(crate) const fn full(ty: TransformType) -> Self {
        Self { rows: (ty.stored_rows() / 8) as u8, cols: (ty.stored_cols() / 8) as u8 }
    }

    /// Where the lowest frequencies of a type are.
    pub(crate) const fn lowest(ty: TransformType) -> Self {
        Self { rows: ty.stored_rows().div_ceil(64) as u8, cols: ty.stored_cols().div_ceil(64) as u8 }
    }

    /// The smallest extent that holds both.
    pub(crate) fn union(self, other: Self) -> Self {
        Self { rows: self.rows.max(other.rows), cols: self.cols.max(other.cols) }
    }

    /// Whether there is no coefficient.
    pub(crate) fn is_empty(self) -> bool {
        self.rows == 0
    }
}

/// Where a varblock's samples go: the place of its first sample in a channel's matrix.
pub(crate) struct Destination<'a, 'v> {
    pub(crate) view: &'a mut ViewMut2<'v, f32>,
    pub(crate) x: usize,
    pub(crate) y: usize,
}

impl Destination<'_, '_> {
    /// `len` samples of row `y` of the varblock, from its column `x` on.
    #[inline(always)]
    fn row(&mut self, y: usize, x: usize, len: usize) -> &mut [f32] {
        &mut self.view.row_mut(self.y + y)[self.x + x..][..len]
    }
}

/// Dequantised coefficients of a varblock, zero where the lowest frequencies belong.
pub(crate) struct Spectrum<'a> {
    /// The stored array, rows of `stored_cols` values.
    pub(crate) values: &'a mut [f32],
    /// What is outside counts as zero, whatever `values` holds there; but columns are read up to the next multiple of
    /// 16.
    pub(crate) extent: Extent,
}

/// Where the LF samples of a varblock are: the place of its first one in the LF image of the channel.
#[derive(Clone, Copy)]
pub(crate) struct LfSamples<'a> {
    pub(crate) view: View2<'a, f32>,
    pub(crate) x: usize,
    pub(crate) y: usize,
}

impl<'a> LfSamples<'a> {
    /// The first LF sample of the varblock.
    #[inline(always)]
    pub(crate) fn first(&self) -> f32 {
        self.view.row(self.y)[self.x]
    }

    /// The first `len` LF samples of row `y` of the varblock.
    #[inline(always)]
    fn row(&self, y: usize, len: usize) -> &'a [f32] {
        &self.view.row(self.y + y)[self.x..][..len]
    }
}

/// Transforms a varblock's coefficients and LF samples into its samples.
///
/// `scratch` holds at least as many values as the varblock; its contents do not matter.
#[inline(always)]
pub(crate) fn inverse_transform<S: Simd>(
    simd: S,
    ty: TransformType,
    spectrum: Spectrum<'_>,
    lf: LfSamples<'_>,
    scratch: &mut [f32],
    dest: Destination<'_, '_>,
) {
    if ty.log_blocks() == 0 {
        let average = lf.first();
        let Some(values) = spectrum.values.first_chunk::<64>() else { return };
        if ty == TransformType::Dct8x8 {
            separable::inverse_8x8(simd, values, average, dest);
        } else {
            // A function of its own, so that there is one for all who inline this one.
            simd.vectorize(
                #[inline(always)]
                || special::inverse(simd, ty, values, average, dest),
            );
        }
    } else {
        inverse_of_several(simd, ty, spectrum, lf, scratch, dest);
    }
}

/// As [`inverse_transform`], for varblocks of several blocks.
#[inline(always)]
pub(crate) fn inverse_of_several<S: Simd>(
    simd: S,
    ty: TransformType,
    spectrum: Spectrum<'_>,
    lf: LfSamples<'_>,
    scratch: &mut [f32],
    dest: Destination<'_, '_>,
) {
    simd.vectorize(
        #[inline(always)]
        || {
            lowest_frequencies(ty, lf, spectrum.values);
            separable::inverse(simd, ty, spectrum, scratch, dest);
        },
    );
}

/// Fills a varblock with one value, which is what its LF sample alone transforms to when it covers one block.
#[inline(always)]
pub(crate) fn fill_block(value: f32, mut dest: Destination<'_, '_>) {
    for y in 0..8 {
        dest.row(y, 0, 8).fill(value);
    }
}
