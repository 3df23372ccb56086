//! From the decoded coefficients of a group to blocks of a JPEG.

use fearless_simd::{Level, dispatch};
use jxlake_util::ViewMut2;

use super::frame::VarDctFrame;
use super::jpeg::{JpegCoefficients, NotJpeg};
use super::lf_group::{LfCoefficients, LfGroup};
use super::pass_group::{NOT_BEGUN, Parts, PassGroup};
use crate::error::{Error, Result};

/// Largest magnitude of a coefficient.
const MAX_COEFFICIENT: i32 = 4095;

/// Largest magnitude of a DC coefficient.
const MAX_DC: i64 = 2047;

/// What the blocks of a JPEG depend on besides their own coefficients.
pub(crate) struct JpegRules {
    /// Tables of luma over those of channels 0 and 2, scaled by 2048, in zig-zag order; `None` if chroma is not predicted
    /// from luma.
    ratios: Option<[[i32; 64]; 2]>,
    /// What is subtracted from LF samples, by channel.
    offsets: [i64; 3],
    /// Which channels the JPEG has.
    wanted: [bool; 3],
}

impl JpegRules {
    /// The rules of a frame whose tables are known.
    pub(crate) fn new(jpeg: &JpegCoefficients, is_subsampled: bool) -> Self {
        let tables = [0, 1, 2].map(|channel| jpeg.channels[channel].quantisation());
        let wanted = [0, 1, 2].map(|channel| jpeg.channels[channel].blocks().is_some());
        let predicted = !is_subsampled && wanted == [true; 3];
        // Nothing overflows: table entries have 16 bits.
        let ratio =
            |channel: usize| std::array::from_fn(|k| (2048 * tables[1][k] / tables[channel][k]) as i32);
        // Only YCbCr is centred about zero.
        let offset = |channel: usize| if jpeg.is_ycbcr() { 0 } else { (1024 / tables[channel][0]).into() };
        Self { ratios: predicted.then(|| [ratio(0), ratio(2)]), offsets: [0, 1, 2].map(offset), wanted }
    }
}

impl VarDctFrame {
    /// Writes the blocks of a group, all of whose passes were decoded, to those of its channels that the JPEG has. Rows of
    /// a matrix have 64 coefficients for each block.
    ///
    /// # Errors
    ///
    /// [`NotJpeg::Coefficient`] for coefficients out of range, [`Error::Misuse`] if a matrix is too small.
    pub(crate) fn store_jpeg_group(
        &self,
        group: usize,
        pass_group: &PassGroup,
        rules: &JpegRules,
        dest: &mut [ViewMut2<'_, i16>; 3],
        level: Level,
    ) -> Result<()> {
        let lf_group = self.lf_group_of(group)?;
        let job = GroupJob { group: pass_group, lf_group, rules };
        for channel in (0..3).filter(|channel| rules.wanted[*channel]) {
            let (rows, cols) = job.blocks(channel);
            if dest[channel].rows() < rows || dest[channel].cols() < 64 * cols {
                return Err(Error::Misuse("a matrix smaller than the group"));
            }
        }
        let in_range = match pass_group.parts().ok_or(NOT_BEGUN)? {
            Parts::I16(parts) => dispatch!(level, _simd => job.store(parts, dest)),
            Parts::I32(parts) => dispatch!(level, _simd => job.store(parts, dest)),
        };
        if !in_range {
            return Err(NotJpeg::Coefficient.into());
        }
        let lf = lf_group.lf.as_ref().ok_or(Error::Misuse("an LF group without LF samples"))?;
        for channel in (0..3).filter(|channel| rules.wanted[*channel]) {
            job.store_dc(lf, channel, &mut dest[channel]);
        }
        Ok(())
    }
}

/// A group whose blocks are stored.
struct GroupJob<'a> {
    group: &'a PassGroup,
    lf_group: &'a LfGroup,
    rules: &'a JpegRules,
}

impl GroupJob<'_> {
    /// Rows and columns of blocks of a channel.
    fn blocks(&self, channel: usize) -> (usize, usize) {
        let blocks = self.group.blocks;
        (blocks.height >> self.group.vshift[channel], blocks.width >> self.group.hshift[channel])
    }

    /// Stores all but the DC coefficients; tells whether they are in range.
    #[inline(always)]
    fn store<Q: Copy + Into<i32>>(&self, parts: [&[Q]; 3], dest: &mut [ViewMut2<'_, i16>; 3]) -> bool {
        if let Some(ratios) = &self.rules.ratios {
            return self.store_predicted(ratios, parts, dest);
        }
        let mut beyond = 0;
        for channel in (0..3).filter(|channel| self.rules.wanted[*channel]) {
            let (rows, cols) = self.blocks(channel);
            for (y, source) in parts[channel].chunks_exact(64 * cols).take(rows).enumerate() {
                let row = &mut dest[channel].row_mut(y)[..64 * cols];
                for (out, source) in row.as_chunks_mut::<64>().0.iter_mut().zip(source.as_chunks::<64>().0) {
                    beyond |= store_block(source, out);
                }
            }
        }
        beyond == 0
    }

    /// As [`store`](Self::store), where channels 0 and 2 are predicted from 1 by the factors of their tile.
    #[inline(always)]
    fn store_predicted<Q: Copy + Into<i32>>(
        &self,
        ratios: &[[i32; 64]; 2],
        parts: [&[Q]; 3],
        dest: &mut [ViewMut2<'_, i16>; 3],
    ) -> bool {
        let blocks = self.group.blocks;
        let [first, luma, last] = parts.map(|part| part.as_chunks::<64>().0);
        let mut multipliers = [[0; 64]; 2];
        let mut known = [0; 2];
        let mut beyond = 0;
        for y in 0..blocks.height {
            let [out_first, out_luma, out_last] =
                dest.each_mut().map(|view| view.row_mut(y).as_chunks_mut::<64>().0);
            for x in 0..blocks.width {
                if x % 8 == 0 {
                    let factors = self.lf_group.factors(blocks.x + x, blocks.y + y);
                    for i in 0..2 {
                        if factors[i] != known[i] {
                            multipliers[i] = multipliers_of(&ratios[i], factors[i]);
                            known[i] = factors[i];
                        }
                    }
                }
                let block = y * blocks.width + x;
                beyond |= store_block(&luma[block], &mut out_luma[x]);
                for (i, source, out) in [(0, first, &mut *out_first), (1, last, &mut *out_last)] {
                    beyond |= match known[i] {
                        0 => store_block(&source[block], &mut out[x]),
                        _ => {
                            store_predicted_block(&source[block], &luma[block], &multipliers[i], &mut out[x])
                        }
                    };
                }
            }
        }
        beyond == 0
    }

    /// Stores the DC coefficients of a channel.
    fn store_dc(&self, lf: &LfCoefficients, channel: usize, dest: &mut ViewMut2<'_, i16>) {
        let (rows, cols) = self.blocks(channel);
        let (hshift, vshift) = (self.group.hshift[channel], self.group.vshift[channel]);
        let (group, lf_group) = (self.group.blocks, self.lf_group.blocks);
        let (left, top) = ((group.x - lf_group.x) >> hshift, (group.y - lf_group.y) >> vshift);
        let offset = self.rules.offsets[channel];
        for y in 0..rows {
            let samples = lf.row(channel, (left, top + y)).take(cols);
            for (block, sample) in dest.row_mut(y).as_chunks_mut::<64>().0.iter_mut().zip(samples) {
                let scaled = i64::from(sample) - (offset << lf.extra_precision);
                let bound = MAX_DC << lf.extra_precision;
                block[0] = (scaled.clamp(-bound, bound) / (1 << lf.extra_precision)) as i16;
            }
        }
    }
}

/// Scaled by 2048, how much of each luma coefficient is in those of chroma. Wraps where the format does.
#[inline(always)]
fn multipliers_of(ratios: &[i32; 64], factor: i32) -> [i32; 64] {
    let scale = factor * 2048 / 84;
    let mut multipliers = [0; 64];
    // There is no luma in DC.
    for k in 1..64 {
        multipliers[k] = ratios[k].wrapping_mul(scale).wrapping_add(1024) >> 11;
    }
    multipliers
}

/// Copies a block; the result is not 0 if a coefficient is out of range.
#[inline(always)]
fn store_block<Q: Copy + Into<i32>>(source: &[Q; 64], out: &mut [i16; 64]) -> u32 {
    let mut beyond = 0;
    for (out, value) in out.iter_mut().zip(source) {
        beyond |= store_value((*value).into(), out);
    }
    beyond
}

/// As [`store_block`], with luma added.
#[inline(always)]
fn store_predicted_block<Q: Copy + Into<i32>>(
    source: &[Q; 64],
    luma: &[Q; 64],
    multipliers: &[i32; 64],
    out: &mut [i16; 64],
) -> u32 {
    let mut beyond = 0;
    for k in 0..64 {
        let predicted = luma[k].into().wrapping_mul(multipliers[k]).wrapping_add(1024) >> 11;
        beyond |= store_value(source[k].into().wrapping_add(predicted), &mut out[k]);
    }
    beyond
}

#[inline(always)]
fn store_value(value: i32, out: &mut i16) -> u32 {
    *out = value as i16;
    // In range if the sum is in 0 to 8191; the one value more, 4096, has no code in any scan.
    value.wrapping_add(MAX_COEFFICIENT) as u32 >> 13
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the format's description: tables 16 and 17.
    #[test]
    fn luma_in_chroma_is_rounded_and_truncated_in_its_places() {
        let ratios = [2048 * 16 / 17; 64];
        for (factor, multiplier) in [(10, 229), (-10, -229), (0, 0)] {
            let multipliers = multipliers_of(&ratios, factor);
            assert_eq!((multipliers[0], multipliers[1], multipliers[63]), (0, multiplier, multiplier));
        }
        let mut luma = [0i16; 64];
        (luma[1], luma[2]) = (100, -100);
        let mut out = [0; 64];
        let multipliers = multipliers_of(&ratios, 10);
        assert_eq!(store_predicted_block(&[1; 64], &luma, &multipliers, &mut out), 0);
        assert_eq!(out[..4], [1, 12, -10, 1]);
    }

    #[test]
    fn coefficients_out_of_range_are_noticed() {
        for (value, is_beyond) in
            [(4095, false), (-4095, false), (4097, true), (-4096, true), (i32::MIN, true), (i32::MAX, true)]
        {
            let mut source = [0; 64];
            source[63] = value;
            assert_eq!(store_block(&source, &mut [0; 64]) != 0, is_beyond, "{value}");
        }
    }
}
