//! PassGroup: the quantised HF coefficients of a group, accumulated over passes.

use jxlake_entropy::{BitReader, Lz77Window};
use jxlake_util::{Buffer, Lease, Pool, PoolError, Purpose, Rect, Release};

use super::dequantisation::Quantised;
use super::hf_coefficients::{Accumulator, PassStream, Varblock};
use super::transforms::Extent;
use crate::error::{Error, Result};

/// The HF coefficients of a group. Keep one per worker and decode group after group in it, or one per group to refine
/// pictures pass by pass.
///
/// [`VarDctFrame::begin_group`](super::VarDctFrame::begin_group) makes it that of a group; without any pass all
/// coefficients are zero.
#[derive(Debug, Default)]
pub struct PassGroup {
    /// The varblocks, in the order in which their coefficients are stored.
    pub(super) varblocks: Vec<Varblock>,
    /// The blocks of the group in the frame.
    pub(super) blocks: Rect,
    /// By how many powers of two channels are narrower and lower.
    pub(super) hshift: [u32; 3],
    pub(super) vshift: [u32; 3],
    /// One for each pass that is decoded at a time.
    windows: Vec<Lz77Window>,
    /// Most symbols of a group.
    symbols: u64,
    pool: Option<Pool>,
    coefficients: Option<Coefficients>,
    /// Whether coefficients may not be zero outside the varblocks' extents, after an error.
    is_dirty: bool,
}

impl Release for PassGroup {}

pub(super) const NOT_BEGUN: Error = Error::Misuse("a pass group that was not begun for this group");

/// Coefficients of three channels, one after the other in a buffer of three equal parts. Zero outside the extents of the
/// varblocks.
#[derive(Debug)]
enum Coefficients {
    I16(Lease<Buffer<i16>>),
    I32(Lease<Buffer<i32>>),
}

/// The coefficients of three channels, as they are stored.
pub(super) enum Parts<'a> {
    I16([&'a [i16]; 3]),
    I32([&'a [i32]; 3]),
}

/// Where a group lies, and how its coefficients are stored.
pub(super) struct GroupLayout {
    pub(super) blocks: Rect,
    pub(super) hshift: [u32; 3],
    pub(super) vshift: [u32; 3],
    /// Blocks of the largest group of the frame.
    pub(super) most_blocks: usize,
    /// Coefficients of a channel that there is room for: those of a group, or of a part of it that is rendered at a time.
    pub(super) room: usize,
    pub(super) fits_i16: bool,
}

impl PassGroup {
    /// Makes this the group of `layout`, with no varblocks yet and all coefficients zero.
    pub(super) fn begin(&mut self, layout: &GroupLayout, pool: &Pool) -> Result<()> {
        let len = 3 * layout.room;
        let fits = match &self.coefficients {
            Some(Coefficients::I16(buffer)) => layout.fits_i16 && buffer.capacity() >= len,
            Some(Coefficients::I32(buffer)) => !layout.fits_i16 && buffer.capacity() >= len,
            None => false,
        };
        if fits {
            self.clear();
            match &mut self.coefficients {
                Some(Coefficients::I16(buffer)) => buffer.reshape(len),
                Some(Coefficients::I32(buffer)) => buffer.reshape(len),
                None => Ok(()),
            }
            .map_err(PoolError::from)?;
        } else {
            self.windows.iter_mut().for_each(|window| window.use_pool(pool));
            self.pool = Some(pool.clone());
            // Given back before another one is leased.
            self.coefficients = None;
            self.coefficients = Some(match layout.fits_i16 {
                true => Coefficients::I16(pool.buffer_zeroed(Purpose::HfCoefficients, len)?),
                false => Coefficients::I32(pool.buffer_zeroed(Purpose::HfCoefficients, len)?),
            });
        }
        self.is_dirty = false;
        self.varblocks.clear();
        // Of each block a number of non-zeros, and the other coefficients.
        self.symbols = 3 * 64 * layout.most_blocks as u64;
        (self.blocks, self.hshift, self.vshift) = (layout.blocks, layout.hshift, layout.vshift);
        Ok(())
    }

    /// Makes the coefficients 32 bits wide, and all zero again, if they have 16; tells whether it did.
    fn widen(&mut self) -> Result<bool> {
        let Some(Coefficients::I16(narrow)) = &self.coefficients else { return Ok(false) };
        let (len, pool) = (narrow.len(), self.pool.get_or_insert_with(Pool::unpooled));
        self.coefficients = None;
        self.coefficients = Some(Coefficients::I32(pool.buffer_zeroed(Purpose::HfCoefficients, len)?));
        self.varblocks.iter_mut().for_each(|varblock| varblock.extents = Default::default());
        self.is_dirty = false;
        Ok(true)
    }

    /// Gives the coefficients' storage back; lists keep theirs for the next group.
    pub fn give_back(&mut self) {
        self.coefficients = None;
        self.varblocks.clear();
    }

    /// Sets all coefficients to zero; touches only those that may not be.
    fn clear(&mut self) {
        let places = Places { varblocks: &self.varblocks, hshift: self.hshift, vshift: self.vshift };
        match &mut self.coefficients {
            Some(Coefficients::I16(buffer)) if self.is_dirty => buffer.fill(0),
            Some(Coefficients::I32(buffer)) if self.is_dirty => buffer.fill(0),
            Some(Coefficients::I16(buffer)) => places.clear(parts_mut(buffer)),
            Some(Coefficients::I32(buffer)) => places.clear(parts_mut(buffer)),
            None => {}
        }
    }

    /// The coefficients of the channels, varblock after varblock; `None` before [`begin`](Self::begin).
    pub(super) fn parts(&self) -> Option<Parts<'_>> {
        Some(match self.coefficients.as_ref()? {
            Coefficients::I16(buffer) => Parts::I16(parts(buffer)),
            Coefficients::I32(buffer) => Parts::I32(parts(buffer)),
        })
    }

    /// Decodes passes, one for each of `bits`, and adds their coefficients to those of earlier ones. Coefficients of 16 bits
    /// become ones of 32 if they do not fit, which must not happen but in a first pass that is decoded alone.
    ///
    /// With a sink there need not be room for all: it takes those of some varblocks at a time, and the group has no
    /// varblocks afterwards.
    pub(super) fn decode<S: CoefficientSink<i16> + CoefficientSink<i32>>(
        &mut self,
        passes: &impl PassStreams,
        bits: &mut [BitReader<'_>],
        mut sink: Option<&mut S>,
    ) -> Result<()> {
        let pool = self.pool.get_or_insert_with(Pool::unpooled);
        self.windows.resize_with(self.windows.len().max(bits.len()), || Lz77Window::new(pool));
        let start = bits.first().cloned();
        let fits = self.decode_as_it_is(passes, bits, &mut sink)?;
        // Encoders give clusters that have no coefficients codes for any, so that the codes alone promise little.
        if !fits {
            let ([first], Some(start), true) = (&mut *bits, start, self.widen()?) else {
                return Err(Error::Misuse("coefficients that do not fit"));
            };
            *first = start;
            self.decode_as_it_is(passes, bits, &mut sink)?;
        }
        if sink.is_some() {
            self.varblocks.clear();
        }
        self.is_dirty = false;
        Ok(())
    }

    /// The group counts as unfinished afterwards.
    fn decode_as_it_is<S: CoefficientSink<i16> + CoefficientSink<i32>>(
        &mut self,
        passes: &impl PassStreams,
        bits: &mut [BitReader<'_>],
        sink: &mut Option<&mut S>,
    ) -> Result<bool> {
        let Self { varblocks, windows, symbols, coefficients, is_dirty, .. } = self;
        *is_dirty = true;
        let windows = (&mut windows[..], *symbols);
        match coefficients.as_mut().ok_or(NOT_BEGUN)? {
            Coefficients::I16(buffer) => {
                let mut parts = parts_mut(buffer);
                passes.begin(bits, windows, &mut |stream| decode_parts(stream, varblocks, &mut parts, sink))
            }
            Coefficients::I32(buffer) => {
                let mut parts = parts_mut(buffer);
                passes.begin(bits, windows, &mut |stream| decode_parts(stream, varblocks, &mut parts, sink))
            }
        }
    }
}

/// Where the coefficients of a group come from.
pub(super) trait PassStreams {
    /// Begins a pass for each of `bits` with the windows, for so many symbols, and calls `decode` with all passes as one.
    fn begin<Q: Accumulator>(
        &self,
        bits: &mut [BitReader<'_>],
        windows: (&mut [Lz77Window], u64),
        decode: &mut dyn FnMut(&mut dyn PassStream<Q>) -> Result<bool>,
    ) -> Result<bool>;
}

/// What becomes of coefficients that are complete.
pub(super) trait CoefficientSink<Q> {
    /// Takes the coefficients of these varblocks, and leaves zeros.
    fn take(&mut self, varblocks: &[Varblock], coefficients: &mut [&mut [Q]; 3]) -> Result<()>;
}

/// For coefficients that stay.
pub(super) enum NoSink {}

impl<Q> CoefficientSink<Q> for NoSink {
    fn take(&mut self, _: &[Varblock], _: &mut [&mut [Q]; 3]) -> Result<()> {
        match *self {}
    }
}

/// Decodes as many varblocks at a time as there is room for, and hands them to the sink. False if a coefficient does not
/// fit, which the sink does not see.
fn decode_parts<Q>(
    stream: &mut dyn PassStream<Q>,
    varblocks: &mut [Varblock],
    values: &mut [&mut [Q]; 3],
    sink: &mut Option<&mut impl CoefficientSink<Q>>,
) -> Result<bool> {
    let mut rest = varblocks;
    while !rest.is_empty() {
        let mut room = values[0].len();
        let fitting = rest.iter().take_while(|varblock| match room.checked_sub(varblock.ty.size()) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        });
        let (part, after) = rest.split_at_mut(fitting.count());
        if part.is_empty() {
            return Err(Error::Misuse("no room for a varblock"));
        }
        if !stream.decode(part, values)? {
            return Ok(false);
        }
        if let Some(sink) = sink {
            sink.take(part, values)?;
        }
        rest = after;
    }
    Ok(true)
}

/// Whether a channel has a block where a varblock begins.
#[inline(always)]
pub(super) fn has_block(varblock: &Varblock, hshift: u32, vshift: u32) -> bool {
    varblock.x & ((1 << hshift) - 1) == 0 && varblock.y & ((1 << vshift) - 1) == 0
}

/// Where the coefficients of varblocks are.
pub(super) struct Places<'a> {
    pub(super) varblocks: &'a [Varblock],
    pub(super) hshift: [u32; 3],
    pub(super) vshift: [u32; 3],
}

impl Places<'_> {
    /// Sets their coefficients to zero.
    pub(super) fn clear<Q: Quantised>(&self, parts: [&mut [Q]; 3]) {
        for (channel, mut rest) in parts.into_iter().enumerate() {
            let (hshift, vshift) = (self.hshift[channel], self.vshift[channel]);
            for varblock in self.varblocks.iter().filter(|varblock| has_block(varblock, hshift, vshift)) {
                let (coefficients, after) = rest.split_at_mut(varblock.ty.size());
                clear_extent(coefficients, varblock.ty.stored_cols(), varblock.extents[channel]);
                rest = after;
            }
        }
    }
}

/// Sets the coefficients of an extent to zero, in rows of `cols`: whole rows if they are short or used for the most part.
#[inline(always)]
fn clear_extent<Q: Quantised>(coefficients: &mut [Q], cols: usize, extent: Extent) {
    let (rows, used) = (8 * usize::from(extent.rows), 8 * usize::from(extent.cols));
    if let (8, Some(block)) = (cols * usize::from(extent.rows), coefficients.first_chunk_mut::<64>()) {
        // A fixed length is a few stores, not a call.
        *block = [Q::zeroed(); 64];
    } else if used < cols / 2 {
        coefficients.chunks_exact_mut(cols).take(rows).for_each(|row| row[..used].fill(Q::zeroed()));
    } else {
        coefficients[..rows * cols].fill(Q::zeroed());
    }
}

fn parts<Q>(buffer: &[Q]) -> [&[Q]; 3] {
    let (x, rest) = buffer.split_at(buffer.len() / 3);
    let (y, b) = rest.split_at(rest.len() / 2);
    [x, y, b]
}

fn parts_mut<Q>(buffer: &mut [Q]) -> [&mut [Q]; 3] {
    let (x, rest) = buffer.split_at_mut(buffer.len() / 3);
    let (y, b) = rest.split_at_mut(rest.len() / 2);
    [x, y, b]
}

#[cfg(test)]
mod tests {
    use fearless_simd::Level;
    use jxlake_entropy::test_support::{BitWriter, BundleWriter, Item, Kind, MapForm};
    use jxlake_entropy::{BundleLimits, HybridIntegerConfig, Lz77};

    use super::*;
    use crate::fields::sgn;
    use crate::vardct::HfBlockContext;
    use crate::vardct::TransformType;
    use crate::vardct::hf_coefficients::GroupContext;
    use crate::vardct::hf_contexts::{HfClusters, contexts_per_preset};
    use crate::vardct::hf_global::HfPass;

    fn layout(fits_i16: bool, most_blocks: usize) -> GroupLayout {
        let (hshift, vshift) = ([1, 0, 1], [0; 3]);
        GroupLayout { blocks: Rect::default(), hshift, vshift, most_blocks, room: 64 * most_blocks, fits_i16 }
    }

    struct OnePass<'a>(GroupContext<'a>);

    impl PassStreams for OnePass<'_> {
        fn begin<Q: Accumulator>(
            &self,
            bits: &mut [BitReader<'_>],
            (windows, symbols): (&mut [Lz77Window], u64),
            decode: &mut dyn FnMut(&mut dyn PassStream<Q>) -> Result<bool>,
        ) -> Result<bool> {
            self.0.with_stream(&mut bits[0], (&mut windows[0], symbols), |stream| decode(stream))
        }
    }

    /// A block without coefficients.
    fn varblock(x: u8) -> Varblock {
        let ty = TransformType::Dct8x8;
        Varblock { x, y: 0, ty, hf_mul: 1, context: 0, extents: Default::default() }
    }

    fn all_zero(group: &PassGroup) -> bool {
        match group.parts() {
            Some(Parts::I16(parts)) => parts.iter().all(|part| part.iter().all(|q| *q == 0)),
            Some(Parts::I32(parts)) => parts.iter().all(|part| part.iter().all(|q| *q == 0)),
            None => false,
        }
    }

    #[test]
    fn a_group_begins_with_zeros_whatever_was_decoded() {
        let pool = Pool::new();
        let mut group = PassGroup::default();
        for (fits_i16, most_blocks) in [(true, 8), (true, 4), (true, 8), (false, 8), (false, 2), (true, 16)] {
            for fails in [false, true] {
                group.begin(&layout(fits_i16, most_blocks), &pool).unwrap();
                assert!(all_zero(&group));
                for x in 0..2 {
                    let mut extents = [Extent { rows: 1, cols: 1 }; 3];
                    if x == 1 {
                        extents[1] = Extent::default();
                    }
                    group.varblocks.push(Varblock { extents, ..varblock(x) });
                }
                group.is_dirty = fails;
                let used = if fails { 64 * most_blocks } else { 64 };
                match &mut group.coefficients {
                    Some(Coefficients::I16(buffer)) => parts_mut(buffer).map(|part| part[..used].fill(3)),
                    Some(Coefficients::I32(buffer)) => parts_mut(buffer).map(|part| part[..used].fill(3)),
                    None => panic!("no coefficients"),
                };
            }
        }
        assert_eq!(pool.statistics().outstanding(), 1);
    }

    /// The largest coefficient that fits, and one that is too large by one.
    #[test]
    fn coefficients_that_do_not_fit_are_decoded_again() {
        for (packed, fits) in [(0xffff, true), (0x1_0000, false)] {
            // Numbers of non-zeros and coefficients: Y, then X and B, which have none.
            let items = [1, packed, 0, 0].map(|value| Item::literal(0, value));
            let contexts = contexts_per_preset(15);
            let bundle = BundleWriter::with_parts(
                vec![0; contexts],
                None,
                vec![HybridIntegerConfig::USUAL],
                &items,
                Kind::Ans(7),
            );
            let mut writer = BitWriter::new();
            let bundle = bundle.map_form(MapForm::Simple);
            bundle.write(&mut writer);
            bundle.write_stream(&mut writer, &items);
            let bytes = writer.into_bytes();
            let mut bits = BitReader::new(&bytes);
            let mut pass = HfPass::default();
            pass.codes.read(&mut bits, contexts, Lz77::Allowed, &BundleLimits::default()).unwrap();
            let mut block_context = HfBlockContext::default();
            block_context.read(&mut BitReader::new(&[1])).unwrap();
            let clusters = HfClusters::new(pass.codes.context_map(), 0, 15);
            let context = GroupContext {
                pass: &pass,
                clusters: &clusters,
                block_context: &block_context,
                hshift: [0; 3],
                vshift: [0; 3],
                level: Level::new(),
            };
            let pool = Pool::new();
            let mut group = PassGroup::default();
            for _ in 0..2 {
                group.begin(&GroupLayout { hshift: [0; 3], ..layout(true, 4) }, &pool).unwrap();
                group.varblocks.push(varblock(0));
                group.decode(&OnePass(context), &mut [bits.clone()], None::<&mut NoSink>).unwrap();
                let first = pass.orders.get(TransformType::Dct8x8.order(), 1).indices[1] as usize;
                let (first, others) = match group.parts().unwrap() {
                    Parts::I16([x, y, b]) if fits => {
                        (y[first].into(), [x[first], b[first], y[63]].map(i32::from))
                    }
                    Parts::I32([x, y, b]) if !fits => (y[first], [x[first], b[first], y[63]]),
                    _ => panic!("{packed}: another width"),
                };
                assert_eq!((first, others), (sgn(packed), [0; 3]));
            }
        }
    }
}
