//! Noise as stages: random numbers are filtered, then added to the colour channels.

use super::{BaseCorrelation, NoiseParameters};
use crate::error::Result;
use crate::render::{OutputRows, PAD, PointRows, PointStage, Reach, ScratchRows, Shift, Window, WindowStage};
use fearless_simd::{Simd, dispatch};

/// Keeps the high frequencies of the three channels of random numbers.
#[derive(Debug, Clone, Copy)]
pub struct ConvolveNoise {
    /// The first of the channels.
    pub first: usize,
}

impl WindowStage for ConvolveNoise {
    fn name(&self) -> &'static str {
        "noise filter"
    }

    fn reach(&self, channel: usize, _: Shift) -> Option<Reach> {
        (self.first..self.first + 3).contains(&channel).then_some(Reach::border(2))
    }

    fn scratch_rows(&self) -> usize {
        1
    }

    fn run(
        &self,
        input: &Window<'_>,
        output: &mut OutputRows<'_>,
        scratch: &mut ScratchRows<'_>,
    ) -> Result<()> {
        let width = input.width();
        for y in 0..input.rows() {
            let rows = [-2, -1, 0, 1, 2].map(|dy| &input.row(0, y as isize + dy)[PAD - 2..PAD + width + 2]);
            let sums = &mut scratch.samples()[..width + 4];
            let [to] = output.get([(0, y)])?;
            dispatch!(input.level(), simd => convolve(simd, rows, sums, to));
        }
        Ok(())
    }
}

/// 0.16 times the sum of the 24 neighbours, less 3.84 times the sample: columns are summed first.
#[inline(always)]
fn convolve<S: Simd>(_: S, rows: [&[f32]; 5], sums: &mut [f32], to: &mut [f32]) {
    let n = sums.len();
    let [a, b, c, d, e] = rows;
    let (a, b, c, d, e) = (&a[..n], &b[..n], &c[..n], &d[..n], &e[..n]);
    for i in 0..n {
        sums[i] = a[i] + b[i] + c[i] + d[i] + e[i];
    }
    let n = to.len();
    let centre = &c[2..n + 2];
    let (a, b, c, d, e) = (&sums[..n], &sums[1..n + 1], &sums[2..n + 2], &sums[3..n + 3], &sums[4..n + 4]);
    for i in 0..n {
        to[i] = (a[i] + b[i] + c[i] + d[i] + e[i]) * 0.16 - 4.0 * centre[i];
    }
}

/// Adds noise to the colour channels.
#[derive(Debug, Clone, Copy)]
pub struct AddNoise {
    /// The first of the three channels of filtered random numbers.
    pub first: usize,
    /// How strong it is.
    pub parameters: NoiseParameters,
    /// How much of the noise of the second channel is in the others.
    pub correlation: BaseCorrelation,
}

impl PointStage for AddNoise {
    fn name(&self) -> &'static str {
        "noise"
    }

    fn touches(&self, channel: usize) -> bool {
        channel < 3 || (self.first..self.first + 3).contains(&channel)
    }

    fn run(&self, rows: &mut PointRows<'_>) -> Result<()> {
        let level = rows.level();
        let [x, y, b, red, green, both] = rows.rows([0, 1, 2, self.first, self.first + 1, self.first + 2])?;
        let noise = [&*red, &*green, &*both];
        dispatch!(level, simd => self.add(simd, [x, y, b], noise));
        Ok(())
    }
}

impl AddNoise {
    #[inline(always)]
    fn add<S: Simd>(&self, _: S, [x, y, b]: [&mut [f32]; 3], [red, green, both]: [&[f32]; 3]) {
        let n = x.len();
        let (x, y, b) = (&mut x[..n], &mut y[..n], &mut b[..n]);
        let (red, green, both) = (&red[..n], &green[..n], &both[..n]);
        let strength = Strength::new(&self.parameters);
        let BaseCorrelation { x: to_x, b: to_b } = self.correlation;
        for i in 0..n {
            let at_green = strength.at(0.5 * (y[i] - x[i]));
            let at_red = strength.at(0.5 * (y[i] + x[i]));
            let common = 0.9921875 * both[i];
            let red = at_red * 0.22 * (0.0078125 * red[i] + common);
            let green = at_green * 0.22 * (0.0078125 * green[i] + common);
            let sum = red + green;
            x[i] += to_x * sum + red - green;
            y[i] += sum;
            b[i] += to_b * sum;
        }
    }
}

/// The strength of noise as a sum of ramps, which vectors compute faster than they look things up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strength {
    base: f32,
    rises: [f32; 7],
}

impl Strength {
    pub(super) fn new(parameters: &NoiseParameters) -> Self {
        let lut = &parameters.lut;
        let mut rises = [0.0; 7];
        for (rise, pair) in rises.iter_mut().zip(lut.windows(2)) {
            *rise = pair[1] - pair[0];
        }
        Self { base: lut[0], rises }
    }

    /// The strength where the brightness is `value`; that of 0 where it is not a number.
    #[inline(always)]
    pub(super) fn at(&self, value: f32) -> f32 {
        let scaled = (6.0 * value).max(0.0);
        let mut strength = self.base;
        for i in 0..7 {
            strength += self.rises[i] * (scaled - i as f32).max(0.0).min(1.0);
        }
        strength.max(0.0).min(1.0)
    }
}
