//! Splines as a stage: rows of blots.

use super::spline_curve::StrokeSample;
use super::splines::SplineList;
use crate::error::Result;
use crate::render::{PointRows, PointStage};
use fearless_simd::{Simd, dispatch};

/// Draws splines onto the colour channels, in their order.
#[derive(Clone, Copy)]
pub struct DrawSplines<'f> {
    pub(super) splines: &'f SplineList,
}

impl PointStage for DrawSplines<'_> {
    fn name(&self) -> &'static str {
        "splines"
    }

    fn touches(&self, channel: usize) -> bool {
        channel < 3
    }

    fn run(&self, rows: &mut PointRows<'_>) -> Result<()> {
        let (level, x, y, width) = (rows.level(), rows.x(), rows.y(), rows.width());
        let SplineList { samples, tiles, .. } = self.splines;
        let mut parts = tiles.parts(y, x..x + width).filter(|(_, numbers)| !numbers.is_empty()).peekable();
        if parts.peek().is_none() {
            return Ok(());
        }
        let mut row = Row { x, y, columns: [0; 2], colour: rows.rows([0, 1, 2])? };
        for (columns, numbers) in parts {
            row.columns = [columns.start, columns.end];
            dispatch!(level, simd => row.draw(simd, samples, numbers));
        }
        Ok(())
    }
}

/// A row of the three colour channels.
struct Row<'a> {
    /// Frame column of the first sample.
    x: usize,
    y: usize,
    /// Frame columns to draw in: the first one, and the one behind the last.
    columns: [usize; 2],
    colour: [&'a mut [f32]; 3],
}

impl Row<'_> {
    #[inline(always)]
    fn draw<S: Simd>(&mut self, _simd: S, samples: &[StrokeSample], numbers: &[u32]) {
        for &number in numbers {
            let Some(sample) = samples.get(number as usize) else { continue };
            let y = self.y as u32;
            let first = self.columns[0].max(sample.columns[0] as usize);
            let end = self.columns[1].min(sample.columns[1] as usize + 1);
            if sample.rows[0] <= y && y <= sample.rows[1] && first < end {
                self.draw_sample(sample, first, end);
            }
        }
    }

    #[inline(always)]
    fn draw_sample(&mut self, sample: &StrokeSample, first: usize, end: usize) {
        let [a, b, c] = &mut self.colour;
        let (from, to) = (first - self.x, end - self.x);
        let (a, b, c) = (&mut a[from..to], &mut b[from..to], &mut c[from..to]);
        let y = self.y as f32 - sample.centre[1];
        let y = y * y;
        let inverse = sample.inverse_sigma;
        let [ka, kb, kc] = sample.amplitude;
        for (i, ((a, b), c)) in a.iter_mut().zip(b).zip(c).enumerate() {
            let x = (first + i) as u32 as f32 - sample.centre[0];
            let half = 0.5 * (x * x + y).sqrt();
            let profile =
                error_function((half + SQRT_1_8) * inverse) - error_function((half - SQRT_1_8) * inverse);
            let profile = profile * profile;
            *a += ka * profile;
            *b += kb * profile;
            *c += kc * profile;
        }
    }
}

/// The square root of 1/8.
const SQRT_1_8: f32 = 0.353_553_39;

/// The error function as the format has it: up to 7e-4 away from the true one.
#[inline(always)]
pub(super) fn error_function(x: f32) -> f32 {
    let a = x.abs();
    let q = ((7.773_943_7e-2 * a + 2.052_600_2e-4) * a + 2.321_202_2e-1) * a + 2.778_208e-1;
    let q = q * a + 1.0;
    let q = q * q;
    (1.0 - 1.0 / (q * q)).copysign(x)
}
