//! Decoding the HF coefficients of a group in one pass.

use std::hint::select_unpredictable;
use std::marker::PhantomData;

use fearless_simd::{Level, Simd};
use jxlake_entropy::{BitReader, IntegerReader, Lz77Window, Visitor};

use super::dequantisation::Quantised;
use super::hf_contexts::{HfClusters, WINDOW, count_context, position_context};
use super::hf_global::HfPass;
use super::lf_global::HfBlockContext;
use super::transforms::Extent;
use super::{TransformType, VarDctFault};
use crate::error::{Error, Result};
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

/// Passes of a group that are being decoded.
pub(super) trait PassStream<Q> {
    /// Decodes the coefficients of the next varblocks, and adds them to `values`: varblock after varblock, by channel. Tells
    /// whether all so far fit `Q`.
    fn decode(&mut self, varblocks: &mut [Varblock], values: &mut [&mut [Q]; 3]) -> Result<bool>;
}

impl GroupContext<'_> {
    /// Begins the symbol stream of a pass of a group, of at most so many symbols, and calls `decode`, which decodes all
    /// varblocks, or tells that coefficients do not fit.
    pub(super) fn with_stream<Q: Accumulator>(
        self,
        bits: &mut BitReader<'_>,
        (window, symbols): (&mut Lz77Window, u64),
        decode: impl FnOnce(&mut dyn PassStream<Q>) -> Result<bool>,
    ) -> Result<bool> {
        let visitor = GroupVisitor { context: self, decode, coefficient: PhantomData };
        self.pass.codes.with_reader(bits, 0, symbols, window, visitor)?
    }

    /// Whether coefficients fit that have no other bits, packed.
    fn fits<Q>(&self, seen: u32) -> bool {
        size_of::<Q>() > size_of::<i16>() || u64::from(seen) << self.pass.shift <= u16::MAX.into()
    }
}

struct GroupVisitor<'a, Q, F> {
    context: GroupContext<'a>,
    decode: F,
    coefficient: PhantomData<Q>,
}

/// A pass of a group, somewhere between varblocks.
struct GroupStream<'a, 'b, R> {
    context: GroupContext<'a>,
    /// None after an error.
    symbols: Option<Symbols<'b, R>>,
    /// Of each channel, the numbers of non-zeros of the row above, replaced from the left as a row is decoded.
    non_zeros: [[u8; 32]; 3],
}

/// Channels in coding order: slot and position in the block contexts.
const CODING_ORDER: [(usize, usize); 3] = [(1, 0), (0, 1), (2, 2)];

impl<Q: Accumulator, F: FnOnce(&mut dyn PassStream<Q>) -> Result<bool>> Visitor for GroupVisitor<'_, Q, F> {
    type Output = Result<bool>;

    fn visit<R: IntegerReader>(self, reader: R, bits: &mut BitReader<'_>) -> Result<bool> {
        let symbols = Some(Symbols { reader, bits: bits.clone(), seen: 0 });
        let mut stream = GroupStream { context: self.context, symbols, non_zeros: [[0; 32]; 3] };
        let fits = (self.decode)(&mut stream)?;
        if let Some(symbols) = stream.symbols.filter(|_| fits) {
            symbols.reader.finish(&symbols.bits)?;
            *bits = symbols.bits;
        }
        Ok(fits)
    }
}

impl<Q: Accumulator, R: IntegerReader> PassStream<Q> for GroupStream<'_, '_, R> {
    fn decode(&mut self, varblocks: &mut [Varblock], values: &mut [&mut [Q]; 3]) -> Result<bool> {
        // Not for its vectors: shifts by a register are shorter.
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if let Some(simd) = self.context.level.as_avx2() {
            return simd.vectorize(
                #[inline(always)]
                || self.run(varblocks, values),
            );
        }
        self.run(varblocks, values)
    }
}

/// A symbol stream in local variables, so that it stays in registers.
struct Symbols<'b, R> {
    reader: R,
    bits: BitReader<'b>,
    /// The bits that any of the packed coefficients so far has.
    seen: u32,
}

impl<R: IntegerReader> GroupStream<'_, '_, R> {
    #[inline(always)]
    fn run<Q: Accumulator>(
        &mut self,
        varblocks: &mut [Varblock],
        values: &mut [&mut [Q]; 3],
    ) -> Result<bool> {
        let GroupContext { pass, clusters, block_context: block_contexts, hshift, vshift, .. } = self.context;
        let mut symbols = self.symbols.take().ok_or(Error::Misuse("a pass that has failed"))?;
        let mut rest = values.each_mut().map(|values| &mut **values);
        for varblock in varblocks {
            let ty = varblock.ty;
            for (channel, position) in CODING_ORDER {
                let (hshift, vshift) = (hshift[channel], vshift[channel]);
                let (x, y) = (varblock.x >> hshift, varblock.y >> vshift);
                if x << hshift != varblock.x || y << vshift != varblock.y {
                    continue;
                }
                let (coefficients, after) = std::mem::take(&mut rest[channel]).split_at_mut(ty.size());
                rest[channel] = after;
                let block_context = block_contexts.context(varblock.context.into(), position);
                let row = &mut self.non_zeros[channel];
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
        symbols.reader.check(&symbols.bits)?;
        let fits = self.context.fits::<Q>(symbols.seen);
        self.symbols = Some(symbols);
        Ok(fits)
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
