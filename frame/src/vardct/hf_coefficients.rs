//! Decoding the HF coefficients of a group in one pass.

use std::hint::select_unpredictable;

use fearless_simd::{Level, Simd};
use jxlake_entropy::{BitReader, IntegerReader, Lz77Window, Visitor};

use super::dequantisation::Quantised;
use super::hf_contexts::{HfClusters, WINDOW, count_context, position_context};
use super::hf_global::HfPass;
use super::lf_global::HfBlockContext;
use super::transforms::Extent;
use super::{TransformType, VarDctFault};
use crate::error::Result;
use crate::fields::sgn;

/// A varblock of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Varblock {
    /// Block column in the group.
    pub(super) x: u8,
    /// Block row in the group.
    pub(super) y: u8,
    pub(super) ty: TransformType,
    /// 1 to 256.
    pub(super) hf_mul: u16,
    /// What the block contexts of its channels begin with, see [`HfBlockContext::varblock`].
    pub(super) context: u16,
    /// Where it has coefficients that may not be zero, in all passes so far, by channel X, Y, B.
    pub(super) extents: [Extent; 3],
}

/// A kind of integer that quantised coefficients accumulate in.
pub(super) trait Accumulator: Quantised {
    /// Adds a coefficient of a pass. Wraps, as the format has it for 32 bits; in 16 bits the sum counts only if
    /// nothing wrapped.
    fn accumulate(&mut self, value: i32);
}

impl Accumulator for i16 {
    #[inline(always)]
    fn accumulate(&mut self, value: i32) {
        *self = self.wrapping_add(value as i16);
    }
}

impl Accumulator for i32 {
    #[inline(always)]
    fn accumulate(&mut self, value: i32) {
        *self = self.wrapping_add(value);
    }
}

/// What the coefficients of a group are decoded with.
#[derive(Clone, Copy)]
pub(super) struct GroupContext<'a> {
    pub(super) pass: &'a HfPass,
    pub(super) clusters: &'a HfClusters<'a>,
    pub(super) block_context: &'a HfBlockContext,
    /// By how many powers of two channels are narrower and lower.
    pub(super) hshift: [u32; 3],
    pub(super) vshift: [u32; 3],
    pub(super) level: Level,
}

/// What becomes of coefficients that are complete.
pub(super) trait CoefficientSink<Q> {
    /// Takes the coefficients of these varblocks, and leaves zeros.
    fn take(&mut self, varblocks: &[Varblock], coefficients: &mut [&mut [Q]; 3]) -> Result<()>;
}

/// Coefficients to decode.
pub(super) struct Coefficients<'a, Q> {
    pub(super) varblocks: &'a mut [Varblock],
    /// Varblock after varblock, by channel.
    pub(super) values: [&'a mut [Q]; 3],
    /// Takes them, all that there is room for at a time. Without it there is room for all.
    pub(super) sink: Option<&'a mut dyn CoefficientSink<Q>>,
}

impl GroupContext<'_> {
    /// Decodes a group: the whole symbol stream of a pass, of at most so many symbols. Gives the bits that any of the packed
    /// coefficients has, by which the caller knows whether they fit. The sink sees none that do not.
    pub(super) fn decode<Q: Accumulator>(
        self,
        bits: &mut BitReader<'_>,
        (window, symbols): (&mut Lz77Window, u64),
        coefficients: Coefficients<'_, Q>,
    ) -> Result<u32> {
        let visitor = GroupLoop { context: self, coefficients };
        self.pass.codes.with_reader(bits, 0, symbols, window, visitor)?
    }

    /// Whether coefficients fit that have no other bits, packed.
    pub(super) fn fits<Q: Accumulator>(&self, seen: u32) -> bool {
        size_of::<Q>() > size_of::<i16>() || u64::from(seen) << self.pass.shift <= u16::MAX.into()
    }
}

/// The loop over the varblocks of a group.
struct GroupLoop<'a, 'c, Q> {
    context: GroupContext<'a>,
    coefficients: Coefficients<'c, Q>,
}

/// Channels in coding order: slot and position in the block contexts.
const CODING_ORDER: [(usize, usize); 3] = [(1, 0), (0, 1), (2, 2)];

impl<Q: Accumulator> Visitor for GroupLoop<'_, '_, Q> {
    type Output = Result<u32>;

    fn visit<R: IntegerReader>(self, reader: R, bits: &mut BitReader<'_>) -> Result<u32> {
        // Not for its vectors: shifts by a register are shorter.
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if let Some(simd) = self.context.level.as_avx2() {
            return simd.vectorize(
                #[inline(always)]
                || self.run(reader, bits),
            );
        }
        self.run(reader, bits)
    }
}

/// A symbol stream in local variables, so that it stays in registers.
struct Symbols<'b, R> {
    reader: R,
    bits: BitReader<'b>,
    /// The bits that any of the packed coefficients so far has.
    seen: u32,
}

impl<Q: Accumulator> GroupLoop<'_, '_, Q> {
    #[inline(always)]
    fn run<R: IntegerReader>(self, reader: R, bits: &mut BitReader<'_>) -> Result<u32> {
        let GroupContext { pass, clusters, block_context: block_contexts, hshift, vshift, .. } = self.context;
        let mut symbols = Symbols { reader, bits: bits.clone(), seen: 0 };
        // Of each channel, the numbers of non-zeros of the row above, replaced from the left as a row is decoded.
        let mut non_zeros = [[0u8; 32]; 3];
        let Coefficients { varblocks, mut values, mut sink } = self.coefficients;
        // Of each channel, where the coefficients of the next varblock are.
        let mut ends = [0; 3];
        let mut taken = 0;
        for at in 0..varblocks.len() {
            let ty = varblocks[at].ty;
            if let Some(sink) = &mut sink
                && ends.iter().zip(&values).any(|(&end, values)| end + ty.size() > values.len())
            {
                symbols.reader.check(&symbols.bits)?;
                if !self.context.fits::<Q>(symbols.seen) {
                    return Ok(symbols.seen);
                }
                sink.take(&varblocks[taken..at], &mut values)?;
                (taken, ends) = (at, [0; 3]);
            }
            let varblock = &mut varblocks[at];
            for (channel, position) in CODING_ORDER {
                let (hshift, vshift) = (hshift[channel], vshift[channel]);
                let (x, y) = (varblock.x >> hshift, varblock.y >> vshift);
                if x << hshift != varblock.x || y << vshift != varblock.y {
                    continue;
                }
                let coefficients = &mut values[channel][ends[channel]..][..ty.size()];
                ends[channel] += ty.size();
                let block_context = block_contexts.context(varblock.context.into(), position);
                let row = &mut non_zeros[channel];
                let predicted = predict(row, x.into(), y.into());
                let count = symbols.reader.read(&mut symbols.bits, clusters.count(predicted, block_context));
                let bound = (ty.size() - ty.size() / 64) as u32;
                if count > bound {
                    symbols.reader.check(&symbols.bits)?;
                    return Err(VarDctFault::NonZeros { count, bound }.into());
                }
                let spread = count.div_ceil(1 << ty.log_blocks()) as u8;
                row[x.into()..][..ty.block_cols()].fill(spread);
                if count == 0 {
                    continue;
                }
                let order = pass.orders.get(ty.order(), channel);
                let block = Block {
                    clusters: clusters.coefficients(block_context),
                    indices: order.indices,
                    shift: pass.shift,
                    log_blocks: ty.log_blocks(),
                    count: count as usize,
                };
                let left;
                let end;
                (symbols, left, end) = if ty.log_blocks() == 0 {
                    block.read_single(symbols, coefficients)
                } else {
                    block.read(symbols, coefficients)
                };
                if left != 0 {
                    symbols.reader.check(&symbols.bits)?;
                    return Err(VarDctFault::NonZeros { count: left as u32, bound: 0 }.into());
                }
                let extent = &mut varblock.extents[channel];
                *extent = extent.union(order.extents[((end - 1) >> ty.log_blocks()) & 63]);
            }
        }
        symbols.reader.finish(&symbols.bits)?;
        *bits = symbols.bits;
        if let Some(sink) = sink.filter(|_| self.context.fits::<Q>(symbols.seen)) {
            sink.take(&varblocks[taken..], &mut values)?;
        }
        Ok(symbols.seen)
    }
}

/// The expected number of non-zeros, from the neighbours above and to the left.
#[inline(always)]
fn predict(row: &[u8; 32], x: usize, y: usize) -> u32 {
    match (x, y) {
        (0, 0) => 32,
        (0, _) => row[0].into(),
        (_, 0) => row[x - 1].into(),
        _ => (u32::from(row[x]) + u32::from(row[x - 1])).div_ceil(2),
    }
}

/// A channel of a varblock to decode.
struct Block<'a> {
    clusters: &'a [u8; WINDOW],
    indices: &'a [u16],
    shift: u32,
    log_blocks: u32,
    /// Number of non-zeros, at least 1.
    count: usize,
}

impl Block<'_> {
    /// Reads the coefficients of a varblock of one block. Gives the non-zeros that did not fit, and the position after
    /// the last coefficient.
    #[inline(always)]
    fn read_single<'b, R: IntegerReader, Q: Accumulator>(
        &self,
        symbols: Symbols<'b, R>,
        coefficients: &mut [Q],
    ) -> (Symbols<'b, R>, usize, usize) {
        match (coefficients.first_chunk_mut::<64>(), self.indices.first_chunk::<64>()) {
            (Some(coefficients), Some(indices)) => self.read_by::<0, _, _>(symbols, |position, value| {
                coefficients[indices[position & 63] as usize & 63].accumulate(value);
            }),
            _ => (symbols, self.count, 1),
        }
    }

    /// As [`read_single`](Self::read_single), for any varblock.
    #[inline(always)]
    fn read<'b, R: IntegerReader, Q: Accumulator>(
        &self,
        symbols: Symbols<'b, R>,
        coefficients: &mut [Q],
    ) -> (Symbols<'b, R>, usize, usize) {
        self.read_by::<10, _, _>(symbols, |position, value| {
            coefficients[self.indices[position] as usize].accumulate(value);
        })
    }

    /// The loop over symbols. `MAX_LOG_BLOCKS` is a bound of `log_blocks` that is known when the loop is compiled.
    ///
    /// The context of a symbol depends on whether the one before was zero. Both contexts are known earlier, so both
    /// clusters are looked up before the symbol is read, and what remains after it is a choice: 1.6 times as fast as
    /// looking up after the symbol.
    #[inline(always)]
    fn read_by<'b, const MAX_LOG_BLOCKS: u32, R: IntegerReader, F: FnMut(usize, i32)>(
        &self,
        mut symbols: Symbols<'b, R>,
        mut store: F,
    ) -> (Symbols<'b, R>, usize, usize) {
        let log_blocks = self.log_blocks.min(MAX_LOG_BLOCKS);
        let blocks = 1usize << log_blocks;
        let size = blocks << 6;
        let clusters = self.clusters;
        let mut left = self.count;
        let mut position = blocks;
        let previous = usize::from(left <= size / 16);
        let mut counted = count_context((left + blocks - 1) >> log_blocks);
        let mut cluster = clusters[(counted + position_context(1) + previous) & (WINDOW - 1)];
        while position < size {
            let counted_less = count_context((left + blocks - 2) >> log_blocks);
            let positioned = position_context((position + 1) >> log_blocks);
            let after_zero = clusters[(counted + positioned) & (WINDOW - 1)];
            let after_non_zero = clusters[(counted_less + positioned + 1) & (WINDOW - 1)];
            let value = symbols.reader.read(&mut symbols.bits, cluster.into());
            let is_zero = value == 0;
            symbols.seen |= value;
            cluster = select_unpredictable(is_zero, after_zero, after_non_zero);
            counted = select_unpredictable(is_zero, counted, counted_less);
            store(position, sgn(value).wrapping_shl(self.shift));
            left -= usize::from(!is_zero);
            position += 1;
            if left == 0 {
                break;
            }
        }
        (symbols, left, position)
    }
}
