//! The three ways to code a block.

use fearless_simd::prelude::*;

use super::error::Result;
use super::huffman::CodeTable;
use super::output::{BUFFER, Bits, Output};
use super::scan::{ScanPlane, above};

/// Symbol of 16 zeros.
const ZERO_RUN: usize = 0xf0;
/// Symbol of the end of a block.
const END_OF_BLOCK: usize = 0x00;
/// Most blocks of an end-of-band run.
const MAX_RUN: u32 = 32767;

/// Codes the blocks of a scan one after another.
pub(super) trait BlockCoder<'a> {
    /// Codes a block, `zero_runs` of whose trailing zeros are coded in runs of 16. The buffer has room for it.
    fn block<S: Simd>(
        &mut self,
        simd: S,
        plane: (&ScanPlane<'a>, usize),
        block: &[i16; 64],
        zero_runs: u8,
        bits: Bits,
        output: &mut Output<'_>,
    ) -> Result<Bits>;

    /// Ends an end-of-band run, if there is one.
    fn flush(&mut self, bits: Bits, output: &mut Output<'_>) -> Result<Bits>;

    /// Begins anew behind a restart marker.
    fn restart(&mut self);

    /// All table entries that were used, or-ed: [`CodeTable::MISSING`] if one was missing.
    fn seen(&self) -> u64;
}

/// Number of bits of a magnitude.
#[inline(always)]
fn bit_length(magnitude: u32) -> u32 {
    u32::BITS - magnitude.leading_zeros()
}

/// Puts codes out and remembers which entries were used.
#[derive(Default)]
struct Codes {
    seen: u64,
}

impl Codes {
    #[inline(always)]
    fn symbol(&mut self, bits: Bits, buffer: &mut [u8; BUFFER], table: &CodeTable, symbol: usize) -> Bits {
        self.value(bits, buffer, table, symbol, 0)
    }

    /// A symbol and the bits that follow it.
    #[inline(always)]
    fn value(
        &mut self,
        bits: Bits,
        buffer: &mut [u8; BUFFER],
        table: &CodeTable,
        symbol: usize,
        follow: u32,
    ) -> Bits {
        let entry = table.entries[symbol & 255];
        self.seen |= entry;
        bits.put(buffer, entry >> 8 | u64::from(follow), entry as u32 & 63)
    }

    /// A signed value, after `run` zeros, at most 15; 0 only as a difference of DC.
    #[inline(always)]
    fn signed(
        &mut self,
        bits: Bits,
        buffer: &mut [u8; BUFFER],
        table: &CodeTable,
        run: u32,
        value: i32,
    ) -> Bits {
        let length = bit_length(value.unsigned_abs());
        // Of negative values all bits are inverted.
        let follow = (value + (value >> 31)) as u32 & ((1 << length) - 1);
        self.value(bits, buffer, table, (run << 4 | length) as usize, follow)
    }

    #[inline(always)]
    fn zero_runs(
        &mut self,
        mut bits: Bits,
        buffer: &mut [u8; BUFFER],
        table: &CodeTable,
        count: u32,
    ) -> Bits {
        for _ in 0..count {
            bits = self.symbol(bits, buffer, table, ZERO_RUN);
        }
        bits
    }
}

/// Whole blocks.
#[derive(Default)]
pub(super) struct Sequential {
    codes: Codes,
    predictions: [i32; 3],
}

impl<'a> BlockCoder<'a> for Sequential {
    #[inline(always)]
    fn block<S: Simd>(
        &mut self,
        simd: S,
        (plane, component): (&ScanPlane<'a>, usize),
        block: &[i16; 64],
        zero_runs: u8,
        mut bits: Bits,
        output: &mut Output<'_>,
    ) -> Result<Bits> {
        let (codes, buffer) = (&mut self.codes, &mut *output.buffer);
        let dc = i32::from(block[0]);
        let difference = dc - std::mem::replace(&mut self.predictions[component], dc);
        bits = codes.signed(bits, buffer, plane.dc, 0, difference);
        let mut places = above(simd, block, 0) & !1;
        let mut previous = 0;
        while places != 0 {
            let place = places.trailing_zeros();
            places &= places - 1;
            let run = place - previous - 1;
            previous = place;
            if run > 15 {
                bits = codes.zero_runs(bits, buffer, plane.ac, run / 16);
            }
            bits = codes.signed(bits, buffer, plane.ac, run % 16, block[place as usize & 63].into());
        }
        if zero_runs > 0 {
            bits = codes.zero_runs(bits, buffer, plane.ac, zero_runs.into());
        }
        if 63 - previous > 16 * u32::from(zero_runs) {
            bits = codes.symbol(bits, buffer, plane.ac, END_OF_BLOCK);
        }
        Ok(bits)
    }

    #[inline(always)]
    fn flush(&mut self, bits: Bits, _: &mut Output<'_>) -> Result<Bits> {
        Ok(bits)
    }

    fn restart(&mut self) {
        self.predictions = [0; 3];
    }

    fn seen(&self) -> u64 {
        self.codes.seen
    }
}

/// The part of a block that a progressive scan sends.
#[derive(Clone, Copy)]
struct Band {
    has_dc: bool,
    /// The place before the first AC coefficient.
    before: u32,
    last: u32,
    /// The places of its AC coefficients.
    places: u64,
    al: u32,
}

impl Band {
    fn new((first, last): (u8, u8), al: u8) -> Self {
        let begin = first.max(1).min(63);
        let places = if last == 0 { 0 } else { u64::MAX << begin & u64::MAX >> (63 - last.min(63)) };
        Self { has_dc: first == 0, before: u32::from(begin) - 1, last: last.into(), places, al: al.into() }
    }

    /// Magnitudes above this are not zero after the shift.
    fn threshold(&self) -> i16 {
        (1 << self.al) - 1
    }
}

/// An end-of-band run: blocks without further coefficients.
#[derive(Default)]
struct Run<'a> {
    blocks: u32,
    /// The table of its first block.
    table: Option<&'a CodeTable>,
}

impl<'a> Run<'a> {
    /// Adds a block; tells whether the run must end now.
    #[inline(always)]
    fn add(&mut self, table: &'a CodeTable) -> bool {
        if self.blocks == 0 {
            self.table = Some(table);
        }
        self.blocks += 1;
        self.blocks == MAX_RUN
    }

    /// Codes the run, if there is one.
    #[inline(always)]
    fn end(&mut self, codes: &mut Codes, mut bits: Bits, buffer: &mut [u8; BUFFER]) -> Bits {
        if let Some(table) = self.table.take() {
            let length = bit_length(self.blocks) - 1;
            bits = codes.symbol(bits, buffer, table, (length << 4) as usize);
            bits = bits.put(buffer, u64::from(self.blocks) & ((1 << length) - 1), length);
            self.blocks = 0;
        }
        bits
    }
}

/// The first bits of a part of the coefficients.
pub(super) struct FirstPass<'a> {
    codes: Codes,
    predictions: [i32; 3],
    band: Band,
    run: Run<'a>,
}

impl FirstPass<'_> {
    pub(super) fn new(spectrum: (u8, u8), al: u8) -> Self {
        let band = Band::new(spectrum, al);
        Self { codes: Codes::default(), predictions: [0; 3], band, run: Run::default() }
    }
}

impl<'a> BlockCoder<'a> for FirstPass<'a> {
    #[inline(always)]
    fn block<S: Simd>(
        &mut self,
        simd: S,
        (plane, component): (&ScanPlane<'a>, usize),
        block: &[i16; 64],
        zero_runs: u8,
        mut bits: Bits,
        output: &mut Output<'_>,
    ) -> Result<Bits> {
        let Self { codes, predictions, band, run } = self;
        let buffer = &mut *output.buffer;
        if band.has_dc {
            let dc = i32::from(block[0]) >> band.al;
            let difference = dc - std::mem::replace(&mut predictions[component], dc);
            bits = codes.signed(bits, buffer, plane.dc, 0, difference);
        }
        if band.places == 0 {
            return Ok(bits);
        }
        let mut places = above(simd, block, band.threshold()) & band.places;
        let mut previous = band.before;
        if places != 0 || zero_runs > 0 {
            bits = run.end(codes, bits, buffer);
        }
        while places != 0 {
            let place = places.trailing_zeros();
            places &= places - 1;
            let zeros = place - previous - 1;
            previous = place;
            if zeros > 15 {
                bits = codes.zero_runs(bits, buffer, plane.ac, zeros / 16);
            }
            // The magnitude is shifted, not the number.
            let value = i32::from(block[place as usize & 63]);
            let magnitude = value.abs() >> band.al;
            let value = if value < 0 { -magnitude } else { magnitude };
            bits = codes.signed(bits, buffer, plane.ac, zeros % 16, value);
        }
        if zero_runs > 0 {
            bits = codes.zero_runs(bits, buffer, plane.ac, zero_runs.into());
        }
        if band.last - previous > 16 * u32::from(zero_runs) && (run.add(plane.ac) || band.has_dc) {
            bits = run.end(codes, bits, buffer);
        }
        Ok(bits)
    }

    #[inline(always)]
    fn flush(&mut self, bits: Bits, output: &mut Output<'_>) -> Result<Bits> {
        Ok(self.run.end(&mut self.codes, bits, output.buffer))
    }

    fn restart(&mut self) {
        self.predictions = [0; 3];
    }

    fn seen(&self) -> u64 {
        self.codes.seen
    }
}

/// The next bit of a part of the coefficients.
pub(super) struct Refinement<'a, 'p> {
    codes: Codes,
    band: Band,
    run: Run<'a>,
    pending: PendingBits<'p>,
}

impl<'p> Refinement<'_, 'p> {
    /// `pending` is memory for bits that wait for the end of a run.
    pub(super) fn new(spectrum: (u8, u8), al: u8, pending: &'p mut Vec<u64>) -> Self {
        pending.clear();
        let pending = PendingBits { words: pending, last: ShortBits::default() };
        Self { codes: Codes::default(), band: Band::new(spectrum, al), run: Run::default(), pending }
    }
}

/// Up to 63 bits.
#[derive(Clone, Copy, Default)]
struct ShortBits {
    bits: u64,
    count: u32,
}

impl ShortBits {
    /// Most bits.
    const MOST: u32 = 63;

    #[inline(always)]
    fn push(&mut self, bit: u64) {
        *self = Self { bits: self.bits << 1 | bit, count: self.count + 1 };
    }

    #[inline(always)]
    fn put(&mut self, bits: Bits, buffer: &mut [u8; BUFFER]) -> Bits {
        let Self { bits: value, count } = std::mem::take(self);
        bits.put(buffer, value, count)
    }
}

/// Bits that wait for the end of a run.
struct PendingBits<'p> {
    /// Of [`ShortBits::MOST`] bits each.
    words: &'p mut Vec<u64>,
    last: ShortBits,
}

impl PendingBits<'_> {
    fn append(&mut self, more: ShortBits) {
        let room = ShortBits::MOST - self.last.count;
        if more.count <= room {
            self.last.bits = self.last.bits << more.count | more.bits;
            self.last.count += more.count;
        } else {
            let later = more.count - room;
            self.words.push(self.last.bits << room | more.bits >> later);
            self.last = ShortBits { bits: more.bits & ((1 << later) - 1), count: later };
        }
    }

    fn put(&mut self, mut bits: Bits, output: &mut Output<'_>) -> Result<Bits> {
        for word in self.words.drain(..) {
            bits = output.make_room(bits)?;
            bits = bits.put(output.buffer, word, ShortBits::MOST);
        }
        bits = output.make_room(bits)?;
        Ok(self.last.put(bits, output.buffer))
    }
}

impl<'a> BlockCoder<'a> for Refinement<'a, '_> {
    #[inline(always)]
    fn block<S: Simd>(
        &mut self,
        simd: S,
        (plane, _): (&ScanPlane<'a>, usize),
        block: &[i16; 64],
        _zero_runs: u8,
        mut bits: Bits,
        output: &mut Output<'_>,
    ) -> Result<Bits> {
        let band = self.band;
        if band.has_dc {
            bits = bits.put(output.buffer, (i32::from(block[0]) >> band.al) as u64 & 1, 1);
        }
        if band.places == 0 {
            return Ok(bits);
        }
        let mut places = above(simd, block, band.threshold()) & band.places;
        // Coefficients that the scans before have sent some of.
        let known = above(simd, block, 2 * band.threshold() + 1);
        let last_new = (u64::BITS - (places & !known).leading_zeros()).saturating_sub(1);
        let (mut zeros, mut previous) = (0, band.before);
        let mut corrections = ShortBits::default();
        while places != 0 {
            let place = places.trailing_zeros();
            places &= places - 1;
            zeros += place - previous - 1;
            previous = place;
            while zeros > 15 && place <= last_new {
                bits = self.flush(bits, output)?;
                bits = self.codes.symbol(bits, output.buffer, plane.ac, ZERO_RUN);
                zeros -= 16;
                bits = corrections.put(bits, output.buffer);
            }
            let value = i32::from(block[place as usize & 63]);
            if known >> place & 1 != 0 {
                corrections.push((value.unsigned_abs() >> band.al & 1).into());
                continue;
            }
            bits = self.flush(bits, output)?;
            let symbol = (zeros << 4 | 1) as usize;
            bits = self.codes.value(bits, output.buffer, plane.ac, symbol, u32::from(value >= 0));
            bits = corrections.put(bits, output.buffer);
            zeros = 0;
        }
        zeros += band.last - previous;
        if zeros > 0 || corrections.count > 0 {
            self.pending.append(corrections);
            if self.run.add(plane.ac) || band.has_dc {
                bits = self.flush(bits, output)?;
            }
        }
        Ok(bits)
    }

    #[inline(always)]
    fn flush(&mut self, bits: Bits, output: &mut Output<'_>) -> Result<Bits> {
        if self.run.blocks == 0 {
            return Ok(bits);
        }
        let bits = self.run.end(&mut self.codes, bits, output.buffer);
        self.pending.put(bits, output)
    }

    fn restart(&mut self) {}

    fn seen(&self) -> u64 {
        self.codes.seen
    }
}
