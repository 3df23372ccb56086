//! `RestorationFilter`: the parameters of gaborish and of the edge-preserving filter.

use jxlake_entropy::BitReader;

use super::Encoding;
use crate::error::{Invalid, Result};
use crate::fields::Fields;

/// The filters that repair the traces of lossy coding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestorationFilter {
    /// Whether gaborish, a 3 x 3 smoothing, is on.
    pub gab: bool,
    /// Its weights, not yet normalised, for X, Y, B: of the four next neighbours, then of the four diagonal ones. The
    /// centre has the weight 1.
    pub gab_weights: [[f32; 2]; 3],
    /// Iterations of the edge-preserving filter, 0 to 3.
    pub epf_iters: u32,
    /// Scale of sigma by the sharpness 0 to 7 of a block; VarDCT only.
    pub epf_sharp_lut: [f32; 8],
    /// Weights of the differences in X, Y, B.
    pub epf_channel_scale: [f32; 3],
    /// From the quantisation step to sigma; VarDCT only.
    pub epf_quant_mul: f32,
    /// Scale of sigma in the first pass.
    pub epf_pass0_sigma_scale: f32,
    /// Scale of sigma in the last pass.
    pub epf_pass2_sigma_scale: f32,
    /// Factor of the differences at block borders.
    pub epf_border_sad_mul: f32,
    /// Sigma of Modular frames, at least 1e-8.
    pub epf_sigma_for_modular: f32,
}

impl Default for RestorationFilter {
    fn default() -> Self {
        let mut epf_sharp_lut = [0.0; 8];
        for (i, value) in epf_sharp_lut.iter_mut().enumerate() {
            *value = i as f32 / 7.0;
        }
        Self {
            gab: true,
            gab_weights: [[0.115169525, 0.061248593]; 3],
            epf_iters: 2,
            epf_sharp_lut,
            epf_channel_scale: [40.0, 5.0, 3.5],
            epf_quant_mul: 0.46,
            epf_pass0_sigma_scale: 0.9,
            epf_pass2_sigma_scale: 6.5,
            epf_border_sad_mul: 2.0 / 3.0,
            epf_sigma_for_modular: 1.0,
        }
    }
}

/// What a sum of weights or a sigma must reach so that one can divide by it.
const LEAST_DIVISOR: f32 = 1e-8;

impl RestorationFilter {
    pub(super) fn read(bits: &mut BitReader<'_>, encoding: Encoding) -> Result<Self> {
        let mut filter = Self::default();
        if bits.bool()? {
            return Ok(filter);
        }
        filter.gab = bits.bool()?;
        if filter.gab && bits.bool()? {
            filter.read_gab_weights(bits)?;
        }
        filter.epf_iters = bits.u(2)?;
        if filter.epf_iters > 0 {
            filter.read_epf(bits, encoding)?;
        }
        bits.extensions()?;
        Ok(filter)
    }

    fn read_gab_weights(&mut self, bits: &mut BitReader<'_>) -> Result<()> {
        for (channel, weights) in (0..).zip(&mut self.gab_weights) {
            let place = bits.place();
            bits.f16_array(weights)?;
            if (1.0 + 4.0 * (weights[0] + weights[1])).abs() < LEAST_DIVISOR {
                return Err(Invalid::GaborishSum { channel }.at(place));
            }
        }
        Ok(())
    }

    fn read_epf(&mut self, bits: &mut BitReader<'_>, encoding: Encoding) -> Result<()> {
        if encoding == Encoding::VarDct && bits.bool()? {
            bits.f16_array(&mut self.epf_sharp_lut)?;
        }
        if bits.bool()? {
            bits.f16_array(&mut self.epf_channel_scale)?;
            // epf_pass1_zeroflush and epf_pass2_zeroflush have no effect.
            bits.f16_array(&mut [0.0; 2])?;
        }
        if bits.bool()? {
            if encoding == Encoding::VarDct {
                self.epf_quant_mul = bits.f16()?;
            }
            self.epf_pass0_sigma_scale = bits.f16()?;
            self.epf_pass2_sigma_scale = bits.f16()?;
            self.epf_border_sad_mul = bits.f16()?;
        }
        if encoding == Encoding::Modular {
            let place = bits.place();
            let sigma = bits.f16()?;
            if sigma < LEAST_DIVISOR {
                return Err(Invalid::Real { field: "epf_sigma_for_modular", value: sigma }.at(place));
            }
            self.epf_sigma_for_modular = sigma;
        }
        Ok(())
    }
}
