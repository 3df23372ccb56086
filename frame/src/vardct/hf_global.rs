//! HfGlobal: dequantisation matrices, and for each pass the coefficient orders and the codes of HF coefficients.

use jxlake_entropy::{BitReader, BundleLimits, Codes, Lz77};
use jxlake_util::Pool;

use super::TransformType;
use super::coefficient_order::{CoefficientOrders, OrderReader};
use super::dequant_matrices::{DequantMatrices, RawTables};
use super::hf_contexts::contexts_per_preset;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::frame_header::Passes;

/// What groups of a frame have in common for HF coefficients.
#[derive(Default)]
pub(super) struct HfGlobal {
    pub(super) matrices: DequantMatrices,
    /// How many sets of histograms each pass has; 0 before they are read.
    pub(super) presets: u32,
    /// Of the passes of this frame, and beyond them storage of earlier frames.
    passes: Vec<HfPass>,
    /// Whether the sums of all passes of every possible coefficient fit 16 bits.
    pub(super) fits_i16: bool,
    order_reader: OrderReader,
}

/// Orders and codes of one pass.
#[derive(Default)]
pub(super) struct HfPass {
    pub(super) orders: CoefficientOrders,
    pub(super) codes: Codes,
    /// Coefficients are multiplied by two to this power.
    pub(super) shift: u32,
}

/// What of the frame HfGlobal depends on.
pub(super) struct HfGlobalContext<'a> {
    pub(super) num_groups: usize,
    pub(super) passes: &'a Passes,
    pub(super) num_block_contexts: usize,
    /// Bit set of the transform types that occur in the frame.
    pub(super) used_types: u32,
}

/// The least `k` with `2^k >= n`, for `n >= 1`.
pub(super) fn ceil_log2(n: u64) -> u32 {
    u64::BITS - n.saturating_sub(1).leading_zeros()
}

impl HfGlobal {
    /// Reads HfGlobal in place of that of the frame before.
    ///
    /// # Errors
    ///
    /// What matrices, orders and distribution bundles give.
    pub(super) fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        context: &HfGlobalContext<'_>,
        pool: &Pool,
        raw_tables: &mut impl RawTables,
    ) -> Result<()> {
        self.clear();
        let (mut used_tables, mut used_orders) = (0, 0);
        for ty in TransformType::ALL.into_iter().filter(|ty| context.used_types >> *ty as u32 & 1 != 0) {
            used_tables |= 1 << ty.table();
            used_orders |= 1 << ty.order();
        }
        self.order_reader.use_pool(pool);
        self.matrices.read(bits, pool, raw_tables)?;
        self.matrices.prepare(used_tables, pool)?;
        let presets = 1 + bits.u(ceil_log2(context.num_groups as u64))?;
        let num_passes = context.passes.num_passes();
        if self.passes.len() < num_passes {
            self.passes.resize_with(num_passes, HfPass::default);
        }
        // Largest magnitude of a sum over the passes.
        let mut largest = 0u64;
        for (number, pass) in self.passes[..num_passes].iter_mut().enumerate() {
            pass.orders.read(bits, &mut self.order_reader, used_orders)?;
            let contexts = presets as usize * contexts_per_preset(context.num_block_contexts);
            pass.codes.read(bits, contexts, Lz77::Allowed, &BundleLimits::default())?;
            pass.shift = context.passes.shift(number);
            largest += u64::from(pass.codes.largest_value()).div_ceil(2) << pass.shift;
        }
        self.order_reader.give_back();
        self.fits_i16 = largest <= i16::MAX as u64;
        self.presets = presets;
        Ok(())
    }

    /// Makes the coefficients of 8 x 8 blocks be stored at `places`, by stored index, in all passes of the frame.
    pub(super) fn rearrange_8x8(&mut self, num_passes: usize, places: &[u8; 64]) {
        self.passes.iter_mut().take(num_passes).for_each(|pass| pass.orders.rearrange_8x8(places));
    }

    /// A pass of the frame.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if HfGlobal was not read.
    pub(super) fn pass(&self, pass: usize) -> Result<&HfPass> {
        self.passes.get(pass).filter(|_| self.presets > 0).ok_or(Error::Misuse("HfGlobal was not read"))
    }

    /// Gives leases back; other storage stays.
    pub(super) fn clear(&mut self) {
        self.matrices.clear();
        self.presets = 0;
    }
}
