//! The parameters of noise, and its random numbers.

use crate::composition::FrameCounters;
use crate::error::Result;
use crate::fields::Fields;
use crate::render::{Extent, GroupInput};
use fearless_simd::{Level, Simd, dispatch};
use jxlake_entropy::BitReader;
use jxlake_util::{Rect, ViewMut2};

/// How strong noise is, by the brightness of what it is added to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseParameters {
    /// The strength at six times the brightness 0 to 7; linear between.
    pub lut: [f32; 8],
}

impl NoiseParameters {
    /// Reads the parameters; `None` for noise that is nowhere visible.
    ///
    /// # Errors
    ///
    /// The end of the input.
    pub fn read(bits: &mut BitReader<'_>) -> Result<Option<Self>> {
        let mut lut = [0.0; 8];
        let mut visible = false;
        for strength in &mut lut {
            let value = bits.u(10)?;
            visible |= value > 1;
            *strength = value as f32 / 1024.0;
        }
        Ok(visible.then_some(Self { lut }))
    }
}

/// Lanes of the generator.
const LANES: usize = 8;

/// Numbers that the generator gives at a time.
const BATCH: usize = 2 * LANES;

/// Eight xorshift128+ generators side by side.
#[derive(Debug, Clone)]
pub(super) struct Generator {
    a: [u64; LANES],
    b: [u64; LANES],
}

impl Generator {
    /// The generator of the cell that begins at column `x`, row `y` of the upsampled frame.
    pub(super) fn new(counters: FrameCounters, x: u32, y: u32) -> Self {
        let seed = |high: u32, low: u32| {
            let seed = (u64::from(high) << 32).wrapping_add(low.into());
            let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            [(); LANES].map(|()| {
                state = split_mix(state);
                state
            })
        };
        Self { a: seed(counters.visible, counters.invisible), b: seed(x, y) }
    }

    /// The next number of each lane.
    #[inline(always)]
    pub(super) fn next(&mut self) -> [u64; LANES] {
        let mut out = [0; LANES];
        for ((a, b), out) in self.a.iter_mut().zip(&mut self.b).zip(&mut out) {
            let (mut s1, s0) = (*a, *b);
            *out = s1.wrapping_add(s0);
            *a = s0;
            s1 ^= s1 << 23;
            *b = s1 ^ s0 ^ (s1 >> 18) ^ (s0 >> 5);
        }
        out
    }

    /// The next numbers as samples from 1 to 2.
    #[inline(always)]
    pub(super) fn next_samples(&mut self) -> [f32; BATCH] {
        let mut samples = [0.0; BATCH];
        for (pair, number) in samples.chunks_exact_mut(2).zip(self.next()) {
            // The upper 23 bits of both halves are mantissas.
            let bits = number >> 9 & 0x007F_FFFF_007F_FFFF | 0x3F80_0000_3F80_0000;
            pair[0] = f32::from_bits(bits as u32);
            pair[1] = f32::from_bits((bits >> 32) as u32);
        }
        samples
    }

    /// Fills a plane of a cell; the rest of a row's last batch is thrown away.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, _simd: S, mut plane: ViewMut2<'_, f32>) {
        for y in 0..plane.rows() {
            let (batches, rest) = plane.row_mut(y).as_chunks_mut::<BATCH>();
            for batch in batches {
                *batch = self.next_samples();
            }
            if !rest.is_empty() {
                rest.copy_from_slice(&self.next_samples()[..rest.len()]);
            }
        }
    }
}

fn split_mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The random numbers of a frame: cells of the size of a group, but in the upsampled frame, each with a generator of its own.
#[derive(Debug, Clone, Copy)]
pub struct NoiseCells {
    /// Which frame it is.
    pub counters: FrameCounters,
    /// Width and height of a cell, in pixels of the upsampled frame.
    pub side: usize,
    /// Width and height of a group, in the same pixels.
    pub group_side: usize,
}

impl NoiseCells {
    /// Fills three planes, whose first sample is column `x`, row `y` of the upsampled frame: the corner of a cell.
    pub fn fill(&self, [x, y]: [usize; 2], planes: &mut [ViewMut2<'_, f32>; 3], level: Level) {
        let (rows, columns) = (planes[0].rows(), planes[0].cols());
        for top in (0..rows).step_by(self.side) {
            for left in (0..columns).step_by(self.side) {
                let cell = Rect::new(left, top, self.side.min(columns - left), self.side.min(rows - top));
                let mut generator = Generator::new(self.counters, (x + left) as u32, (y + top) as u32);
                for plane in planes.iter_mut() {
                    let plane = plane.sub_mut(cell);
                    dispatch!(level, simd => generator.fill(simd, plane));
                }
            }
        }
    }

    /// Fills the three channels from `first` on of a group of the rendering chain.
    ///
    /// # Errors
    ///
    /// Misuse, if groups do not bring those channels.
    pub fn bring(&self, first: usize, input: &mut GroupInput<'_>, level: Level) -> Result<()> {
        let corner = input.position().map(|v| v * self.group_side);
        let mut planes = input.channels([first, first + 1, first + 2], Extent::Exact)?;
        self.fill(corner, &mut planes, level);
        Ok(())
    }
}
