//! The entropy-coded data of a scan: the loop over its blocks.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use jxlake_util::View2;

use super::coders::{BlockCoder, FirstPass, Refinement, Sequential};
use super::data::ZeroRuns;
use super::error::{Fault, Result};
use super::huffman::CodeTable;
use super::output::{Bits, Output, PaddingBits};

/// A component of a scan.
#[derive(Clone, Copy)]
pub(super) struct ScanPlane<'a> {
    /// A row for each row of blocks.
    pub(super) blocks: View2<'a, i16>,
    /// Sampling factors: 1 or 2.
    pub(super) sampling: (usize, usize),
    pub(super) dc: &'a CodeTable,
    pub(super) ac: &'a CodeTable,
}

/// A scan to be coded.
pub(super) struct ScanJob<'a> {
    /// Its number in the file.
    pub(super) number: usize,
    /// One to three components.
    pub(super) planes: &'a [ScanPlane<'a>],
    /// Columns and rows of units.
    pub(super) units: (usize, usize),
    /// First and last coefficient.
    pub(super) spectrum: (u8, u8),
    pub(super) ah: u8,
    pub(super) al: u8,
    pub(super) is_progressive: bool,
    /// Units between restarts; 0 for none.
    pub(super) restart_interval: u16,
    pub(super) resets: &'a [u32],
    pub(super) zero_runs: &'a [ZeroRuns],
}

impl ScanJob<'_> {
    /// Codes the scan. `pending` is memory for bits that wait for the end of a run.
    pub(super) fn write(
        &self,
        output: &mut Output<'_>,
        padding: &mut PaddingBits<'_>,
        pending: &mut Vec<u64>,
        level: Level,
    ) -> Result<()> {
        let whole = self.spectrum == (0, 63) && self.ah == 0 && self.al == 0;
        if !self.is_progressive || whole {
            dispatch!(level, simd => Loop { job: self, simd, coder: Sequential::default() }.run(output, padding))
        } else if self.ah == 0 {
            let coder = FirstPass::new(self.spectrum, self.al);
            dispatch!(level, simd => Loop { job: self, simd, coder }.run(output, padding))
        } else {
            let coder = Refinement::new(self.spectrum, self.al, pending);
            dispatch!(level, simd => Loop { job: self, simd, coder }.run(output, padding))
        }
    }
}

/// A scan being coded by one kind of coder.
struct Loop<'a, S, C> {
    job: &'a ScanJob<'a>,
    simd: S,
    coder: C,
}

/// Blocks at which something happens besides their coefficients; [`NEVER`](Self::NEVER) behind the last one.
struct Events<'a> {
    resets: core::slice::Iter<'a, u32>,
    zero_runs: core::slice::Iter<'a, ZeroRuns>,
    /// The first of them.
    next: u64,
}

impl<'a> Events<'a> {
    const NEVER: u64 = u64::MAX;

    fn new(resets: &'a [u32], zero_runs: &'a [ZeroRuns]) -> Self {
        let mut events = Self { resets: resets.iter(), zero_runs: zero_runs.iter(), next: 0 };
        events.look();
        events
    }

    fn look(&mut self) {
        let reset = self.resets.as_slice().first().map_or(Self::NEVER, |block| u64::from(*block));
        let runs = self.zero_runs.as_slice().first().map_or(Self::NEVER, |runs| u64::from(runs.block));
        self.next = reset.min(runs);
    }

    /// Whether end-of-band runs end before block number `next`, and how many zero runs end it.
    #[cold]
    fn take(&mut self) -> (bool, u8) {
        let block = self.next;
        let is_reset = self.resets.as_slice().first().is_some_and(|reset| u64::from(*reset) == block);
        if is_reset {
            self.resets.next();
        }
        let runs = self.zero_runs.as_slice().first().filter(|runs| u64::from(runs.block) == block);
        let count = runs.map_or(0, |runs| runs.count);
        if count > 0 {
            self.zero_runs.next();
        }
        self.look();
        (is_reset, count)
    }
}

impl<'a, S: Simd, C: BlockCoder<'a>> Loop<'a, S, C> {
    #[inline(always)]
    fn run(mut self, output: &mut Output<'_>, padding: &mut PaddingBits<'_>) -> Result<()> {
        let job = self.job;
        let mut events = Events::new(job.resets, job.zero_runs);
        let (mut number, mut restarts) = (0, 0);
        let mut to_go = usize::from(job.restart_interval);
        let mut bits = output.bits();
        for row in 0..job.units.1 {
            let mut first = 0;
            while first < job.units.0 {
                if job.restart_interval > 0 && to_go == 0 {
                    bits = self.coder.flush(bits, output)?.pad(output.buffer, padding)?;
                    bits = bits.marker(output.buffer, super::data::marker::RST0 + restarts);
                    restarts = (restarts + 1) % 8;
                    to_go = job.restart_interval.into();
                    self.coder.restart();
                }
                let rest = job.units.0 - first;
                let count = if job.restart_interval > 0 { rest.min(to_go) } else { rest };
                let units = (row, first..first + count);
                (bits, number) = match job.planes {
                    [plane] => self.single(plane, units, (bits, number), output, &mut events)?,
                    planes => self.interleaved(planes, units, (bits, number), output, &mut events)?,
                };
                if self.coder.seen() & CodeTable::MISSING != 0 {
                    return Err(Fault::NoCode(job.number).into());
                }
                first += count;
                to_go = to_go.saturating_sub(count);
            }
        }
        bits = self.coder.flush(bits, output)?.pad(output.buffer, padding)?;
        if self.coder.seen() & CodeTable::MISSING != 0 {
            return Err(Fault::NoCode(job.number).into());
        }
        output.end_bits(bits);
        Ok(())
    }

    /// Units of the only component, which are blocks.
    #[inline(always)]
    fn single(
        &mut self,
        plane: &ScanPlane<'a>,
        (row, units): (usize, core::ops::Range<usize>),
        (mut bits, mut number): (Bits, u64),
        output: &mut Output<'_>,
        events: &mut Events<'_>,
    ) -> Result<(Bits, u64)> {
        for block in &plane.blocks.row(row).as_chunks::<64>().0[units] {
            bits = self.block((plane, 0), block, (bits, number), output, events)?;
            number += 1;
        }
        Ok((bits, number))
    }

    /// Units of several components.
    #[inline(always)]
    fn interleaved(
        &mut self,
        planes: &[ScanPlane<'a>],
        (row, units): (usize, core::ops::Range<usize>),
        (mut bits, mut number): (Bits, u64),
        output: &mut Output<'_>,
        events: &mut Events<'_>,
    ) -> Result<(Bits, u64)> {
        for unit in units {
            for (component, plane) in planes.iter().enumerate() {
                let (across, down) = plane.sampling;
                for y in row * down..(row + 1) * down {
                    let blocks = plane.blocks.row(y).as_chunks::<64>().0;
                    for block in &blocks[unit * across..(unit + 1) * across] {
                        bits = self.block((plane, component), block, (bits, number), output, events)?;
                        number += 1;
                    }
                }
            }
        }
        Ok((bits, number))
    }

    #[inline(always)]
    fn block(
        &mut self,
        (plane, component): (&ScanPlane<'a>, usize),
        block: &[i16; 64],
        (mut bits, number): (Bits, u64),
        output: &mut Output<'_>,
        events: &mut Events<'_>,
    ) -> Result<Bits> {
        let mut zero_runs = 0;
        if number == events.next {
            let is_reset;
            (is_reset, zero_runs) = events.take();
            if is_reset {
                bits = self.coder.flush(bits, output)?;
            }
        }
        bits = output.make_room(bits)?;
        self.coder.block(self.simd, (plane, component), block, zero_runs, bits, output)
    }
}

/// The places, as bits of the result, of values whose magnitude is above `threshold`.
#[inline(always)]
pub(super) fn above<S: Simd>(simd: S, block: &[i16; 64], threshold: i16) -> u64 {
    let (upper, lower) = (S::i16s::splat(simd, threshold), S::i16s::splat(simd, -threshold));
    let mut places = 0;
    for (number, values) in block.chunks_exact(S::i16s::LEN).enumerate() {
        let values = S::i16s::from_slice(simd, values);
        let found = values.simd_gt(upper) | values.simd_lt(lower);
        places |= found.to_bitmask() << (number * S::i16s::LEN);
    }
    places
}
