//! From the quantised coefficients of a group to its samples.

use fearless_simd::{Level, Simd, dispatch};
use jxlake_util::{Rect, ViewMut2};

use super::dequant_matrices::DequantMatrices;
use super::dequantisation::{Multipliers, Quantised, dequantise, dequantise_block};
use super::hf_coefficients::Varblock;
use super::lf_global::LfChannelCorrelation;
use super::lf_group::LfGroup;
use super::lf_image::LfTile;
use super::pass_group::{CoefficientSink, Places, has_block};
use super::transforms::{
    Destination, Extent, LfSamples, Spectrum, fill_block, inverse_of_several, inverse_transform,
};
use crate::error::Result;

/// What a group's samples depend on besides its coefficients.
pub(super) struct Renderer<'a> {
    /// The blocks of the group in the frame.
    pub(super) blocks: Rect,
    /// By how many powers of two channels are narrower and lower.
    pub(super) hshift: [u32; 3],
    pub(super) vshift: [u32; 3],
    pub(super) lf_group: &'a LfGroup,
    /// The LF samples of the group.
    pub(super) lf: LfTile<'a>,
    pub(super) matrices: &'a DequantMatrices,
    pub(super) correlation: &'a LfChannelCorrelation,
    pub(super) quant_biases: &'a [f32; 4],
    /// Steps of coefficients whose `HfMul` is 1, of X, Y, B.
    pub(super) steps: [f32; 3],
    pub(super) is_subsampled: bool,
}

/// Coefficients of a channel of the largest varblock that has a buffer for each channel.
const FEW: usize = 4096;

/// How many values the buffers of varblocks take, whose largest one has so many coefficients in a channel.
pub(crate) fn buffer_len(largest: usize) -> usize {
    if largest > FEW { 3 * largest } else { 4 * largest }
}

/// The buffers of a varblock: its coefficients in three channels and scratch, four equal parts.
struct Buffers<'a> {
    spectra: [&'a mut [f32]; 3],
    scratch: &'a mut [f32],
}

/// Renders the coefficients of a group as they come.
pub(super) struct RenderingSink<'a, 'v> {
    pub(super) renderer: Renderer<'a>,
    pub(super) buffer: &'a mut [f32],
    pub(super) dest: &'a mut [ViewMut2<'v, f32>; 3],
    pub(super) level: Level,
}

impl<Q: Quantised> CoefficientSink<Q> for RenderingSink<'_, '_> {
    fn take(&mut self, varblocks: &[Varblock], coefficients: &mut [&mut [Q]; 3]) -> Result<()> {
        let Self { renderer, buffer, dest, level } = self;
        let [x, y, b] = coefficients;
        dispatch!(*level, simd => renderer.render(simd, (varblocks, [&**x, &**y, &**b]), buffer, dest))?;
        let Renderer { hshift, vshift, .. } = *renderer;
        Places { varblocks, hshift, vshift }.clear([x, y, b]);
        Ok(())
    }
}

impl<'a> Buffers<'a> {
    fn new(buffer: &'a mut [f32]) -> Self {
        let part = buffer.len() / 4;
        let (x, rest) = buffer.split_at_mut(part);
        let (y, rest) = rest.split_at_mut(part);
        let (b, scratch) = rest.split_at_mut(part);
        Self { spectra: [x, y, b], scratch }
    }
}

impl Renderer<'_> {
    /// Writes the samples of varblocks. `buffer` holds [so many](buffer_len) values for the largest varblock; the matrices
    /// hold all blocks of the group.
    #[inline(always)]
    pub(super) fn render<S: Simd, Q: Quantised>(
        &self,
        simd: S,
        (varblocks, coefficients): (&[Varblock], [&[Q]; 3]),
        buffer: &mut [f32],
        dest: &mut [ViewMut2<'_, f32>; 3],
    ) -> Result<()> {
        if self.is_subsampled {
            self.render_subsampled(simd, (varblocks, coefficients), buffer, dest)
        } else {
            self.render_whole(simd, (varblocks, coefficients), buffer, dest)
        }
    }

    /// Groups in which every varblock has all three channels.
    #[inline(always)]
    fn render_whole<S: Simd, Q: Quantised>(
        &self,
        simd: S,
        (varblocks, coefficients): (&[Varblock], [&[Q]; 3]),
        buffer: &mut [f32],
        dest: &mut [ViewMut2<'_, f32>; 3],
    ) -> Result<()> {
        let mut first = 0;
        for varblock in varblocks {
            let ty = varblock.ty;
            let size = ty.size();
            let coefficients = coefficients.map(|channel| &channel[first..first + size]);
            first += size;
            let [x, y, b] = varblock.extents;
            let coded = x.union(y).union(b);
            if coded.is_empty() {
                for channel in 0..3 {
                    self.render_lf(simd, varblock, channel, buffer, &mut dest[channel]);
                }
                continue;
            }
            if size > FEW {
                simd.vectorize(
                    #[inline(always)]
                    || self.render_large(simd, varblock, (coefficients, coded), buffer, dest),
                )?;
                continue;
            }
            let mut buffers = Buffers::new(buffer);
            let multipliers = self.multipliers(varblock)?;
            let extent = coded.union(Extent::lowest(ty));
            let [spectrum_x, spectrum_y, spectrum_b] = &mut buffers.spectra;
            let out = [&mut spectrum_x[..size], &mut spectrum_y[..size], &mut spectrum_b[..size]];
            dequantise(simd, coefficients, &multipliers, self.quant_biases, (ty.stored_cols(), extent), out);
            for channel in 0..3 {
                let spectrum = Spectrum { values: &mut buffers.spectra[channel][..size], extent };
                let (lf, dest) = self.places(varblock, channel, &mut dest[channel]);
                inverse_transform(simd, ty, spectrum, lf, buffers.scratch, dest);
            }
        }
        Ok(())
    }

    /// A large varblock, with three buffers: luma's, scratch, and one for both chroma channels, of which one at a time is
    /// dequantised in vain.
    #[inline(always)]
    fn render_large<S: Simd, Q: Quantised>(
        &self,
        simd: S,
        varblock: &Varblock,
        (coefficients, coded): ([&[Q]; 3], Extent),
        buffer: &mut [f32],
        dest: &mut [ViewMut2<'_, f32>; 3],
    ) -> Result<()> {
        let ty = varblock.ty;
        let (luma, rest) = buffer[..3 * ty.size()].split_at_mut(ty.size());
        let (chroma, scratch) = rest.split_at_mut(ty.size());
        let multipliers = self.multipliers(varblock)?;
        let extent = coded.union(Extent::lowest(ty));
        let area = (ty.stored_cols(), extent);
        for channel in [0, 2, 1] {
            let (x, b) =
                if channel == 0 { (&mut *chroma, &mut *scratch) } else { (&mut *scratch, &mut *chroma) };
            if channel != 1 {
                let out = [x, &mut *luma, b];
                dequantise(simd, coefficients, &multipliers, self.quant_biases, area, out);
            }
            let values = if channel == 1 { &mut *luma } else { &mut *chroma };
            let (lf, dest) = self.places(varblock, channel, &mut dest[channel]);
            inverse_transform(simd, ty, Spectrum { values, extent }, lf, scratch, dest);
        }
        Ok(())
    }

    /// Groups of subsampled frames: varblocks of one block, of which some channels have only part, and no luma in chroma.
    #[inline(always)]
    fn render_subsampled<S: Simd, Q: Quantised>(
        &self,
        simd: S,
        (varblocks, mut coefficients): (&[Varblock], [&[Q]; 3]),
        buffer: &mut [f32],
        dest: &mut [ViewMut2<'_, f32>; 3],
    ) -> Result<()> {
        for varblock in varblocks {
            let multipliers = self.multipliers(varblock)?;
            for channel in 0..3 {
                if !has_block(varblock, self.hshift[channel], self.vshift[channel]) {
                    continue;
                }
                let (block, rest) = coefficients[channel].split_at(64);
                coefficients[channel] = rest;
                let extent = varblock.extents[channel];
                if extent.is_empty() {
                    self.render_lf(simd, varblock, channel, buffer, &mut dest[channel]);
                    continue;
                }
                let (values, scratch) = buffer.split_at_mut(64);
                dequantise_block(simd, block, (channel, &multipliers), self.quant_biases, values);
                let (lf, dest) = self.places(varblock, channel, &mut dest[channel]);
                let spectrum = Spectrum { values, extent };
                inverse_transform(simd, varblock.ty, spectrum, lf, scratch, dest);
            }
        }
        Ok(())
    }

    /// A varblock's channel without HF coefficients. For varblocks of one block all transforms give a constant, exactly.
    #[inline(always)]
    fn render_lf<S: Simd>(
        &self,
        simd: S,
        varblock: &Varblock,
        channel: usize,
        buffer: &mut [f32],
        dest: &mut ViewMut2<'_, f32>,
    ) {
        let ty = varblock.ty;
        let (lf, dest) = self.places(varblock, channel, dest);
        if ty.log_blocks() == 0 {
            return fill_block(lf.first(), dest);
        }
        let extent = Extent::lowest(ty);
        let (values, scratch) = buffer.split_at_mut(ty.size());
        values[..8 * usize::from(extent.rows) * ty.stored_cols()].fill(0.0);
        inverse_of_several(simd, ty, Spectrum { values, extent }, lf, scratch, dest);
    }

    /// Where the LF samples of a channel of a varblock are, and where its samples go.
    #[inline(always)]
    fn places<'s, 'd, 'v>(
        &'s self,
        varblock: &Varblock,
        channel: usize,
        view: &'d mut ViewMut2<'v, f32>,
    ) -> (LfSamples<'s>, Destination<'d, 'v>) {
        let (hshift, vshift) = (self.hshift[channel], self.vshift[channel]);
        let (x, y) = (usize::from(varblock.x), usize::from(varblock.y));
        let (lf_x, lf_y) = ((self.blocks.x + x) >> hshift, (self.blocks.y + y) >> vshift);
        let (left, top) = self.lf.origins[channel];
        let lf = LfSamples { view: self.lf.planes[channel], x: lf_x - left, y: lf_y - top };
        (lf, Destination { view, x: 8 * (x >> hshift), y: 8 * (y >> vshift) })
    }

    #[inline(always)]
    fn multipliers(&self, varblock: &Varblock) -> Result<Multipliers<'_>> {
        let blocks = self.blocks;
        let (x, y) = (blocks.x + usize::from(varblock.x), blocks.y + usize::from(varblock.y));
        let [x_factor, b_factor] = self.lf_group.factors(x, y);
        let inverse_mul = 1.0 / f32::from(varblock.hf_mul);
        Ok(Multipliers {
            matrices: self.matrices.get(varblock.ty.table())?,
            scale: self.steps.map(|step| step * inverse_mul),
            from_luma: [self.correlation.k_x(x_factor), self.correlation.k_b(b_factor)],
        })
    }
}
