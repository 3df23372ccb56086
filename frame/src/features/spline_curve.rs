//! From a spline's control points to the blots that are drawn along its curve.

use super::numbers::push;
use crate::error::Result;
use crate::image_header::Size;
use jxlake_util::{Pool, Rect};

type Point = [f32; 2];

/// Straight pieces that stand for the curve from one control point to the next.
const PIECES: u16 = 16;

/// A place on the curve, and how much is drawn there: 1, or less at the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    pub(super) position: Point,
    pub(super) intensity: f32,
}

/// Memory for walking along curves.
#[derive(Debug, Default)]
pub(super) struct CurveScratch {
    line: Vec<Point>,
    steps: Vec<Step>,
}

impl CurveScratch {
    /// Walks along the curve through `points` in steps of length 1, at most `longest` of them.
    pub(super) fn walk(&mut self, points: &[[i32; 2]], longest: u64, pool: &Pool) -> Result<()> {
        self.line.clear();
        self.steps.clear();
        self.draw_line(points, pool)?;
        self.take_steps(longest, pool)
    }

    /// Where the walk came by.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The centripetal Catmull-Rom spline through the points as a chain of straight pieces.
    fn draw_line(&mut self, points: &[[i32; 2]], pool: &Pool) -> Result<()> {
        let point = |i: usize| points[i].map(|v| v as f32);
        let beyond = |last: Point, before: Point| [0, 1].map(|axis| 2.0 * last[axis] - before[axis]);
        let Some(last) = points.len().checked_sub(1) else { return Ok(()) };
        for i in 0..last {
            let (from, to) = (point(i), point(i + 1));
            let before = if i == 0 { beyond(from, to) } else { point(i - 1) };
            let behind = if i + 1 == last { beyond(to, from) } else { point(i + 2) };
            let p = [before, from, to, behind];
            push(&mut self.line, from, pool)?;
            let d = [0, 1, 2].map(|k| distance(p[k + 1], p[k]).sqrt());
            let starts = [0.0, d[0], d[0] + d[1]];
            for piece in 1..PIECES {
                let t = d[0] + f32::from(piece) / f32::from(PIECES) * d[1];
                let a = [0, 1, 2].map(|k| mix(p[k], p[k + 1], (t - starts[k]) / d[k]));
                let b = [0, 1].map(|k| mix(a[k], a[k + 1], (t - starts[k]) / (d[k] + d[k + 1])));
                push(&mut self.line, mix(b[0], b[1], (t - starts[1]) / d[1]), pool)?;
            }
        }
        push(&mut self.line, point(last), pool)
    }

    fn take_steps(&mut self, longest: u64, pool: &Pool) -> Result<()> {
        let Self { line, steps } = self;
        let Some(&first) = line.first() else { return Ok(()) };
        push(steps, Step { position: first, intensity: 1.0 }, pool)?;
        let (mut current, mut next) = (first, 0);
        // Far from the origin rounding may eat up a step: such a walk ends early instead of never.
        while next < line.len() && (steps.len() as u64) < longest {
            let (mut previous, mut walked) = (current, 0.0);
            loop {
                let Some(&to) = line.get(next) else {
                    push(steps, Step { position: previous, intensity: walked }, pool)?;
                    break;
                };
                let length = distance(to, previous);
                if walked + length >= 1.0 {
                    current = mix(previous, to, (1.0 - walked) / length);
                    push(steps, Step { position: current, intensity: 1.0 }, pool)?;
                    break;
                }
                walked += length;
                previous = to;
                next += 1;
            }
        }
        Ok(())
    }
}

fn distance(a: Point, b: Point) -> f32 {
    let [x, y] = [a[0] - b[0], a[1] - b[1]];
    (x * x + y * y).sqrt()
}

/// `from` at 0, `to` at 1.
fn mix(from: Point, to: Point, t: f32) -> Point {
    [0, 1].map(|axis| from[axis] + t * (to[axis] - from[axis]))
}

/// Colour and width along a curve: coefficients of X, Y, B and the width.
#[derive(Debug, Clone, Default)]
pub(super) struct Stroke {
    pub(super) channels: [[f32; 32]; 4],
}

/// A blot: a place on the curve with what is drawn around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StrokeSample {
    pub(super) centre: Point,
    /// What is added to the three colour channels, times the square of the profile.
    pub(super) amplitude: [f32; 3],
    pub(super) inverse_sigma: f32,
    /// First and last column.
    pub(super) columns: [u32; 2],
    /// First and last row.
    pub(super) rows: [u32; 2],
}

impl StrokeSample {
    /// The pixels it covers.
    pub(super) fn rect(&self) -> Rect {
        let [[left, right], [top, bottom]] = [self.columns, self.rows].map(|side| side.map(|v| v as usize));
        Rect::new(left, top, right - left + 1, bottom - top + 1)
    }

    /// How many pixels it covers.
    pub(super) fn area(&self) -> u64 {
        let rect = self.rect();
        rect.width as u64 * rect.height as u64
    }
}

impl Stroke {
    /// The blots along a curve that cover pixels of a frame of `size`.
    pub(super) fn samples<'a>(
        &'a self,
        steps: &'a [Step],
        size: Size,
    ) -> impl Iterator<Item = StrokeSample> + 'a {
        let length = steps.len() as f32 - 2.0 + steps.last().map_or(0.0, |last| last.intensity);
        let steps = if length > 0.0 { steps } else { &[] };
        steps.iter().enumerate().filter_map(move |(k, step)| {
            let [x, y, b, sigma] = self.at(31.0 * (k as f32 / length).min(1.0));
            blot(step, [x, y, b], sigma, size)
        })
    }

    /// The four channels at `t`, from 0 to 31 along the curve.
    fn at(&self, t: f32) -> [f32; 4] {
        let angle = std::f64::consts::PI / 32.0 * (f64::from(t) + 0.5);
        let twice = 2.0 * angle.cos();
        let (mut before, mut cosine) = (angle.cos(), 1.0);
        let mut sums = [0.0f32; 4];
        for i in 0..32 {
            for (sum, channel) in sums.iter_mut().zip(&self.channels) {
                *sum += channel[i] * cosine as f32;
            }
            (before, cosine) = (cosine, twice * cosine - before);
        }
        sums.map(|sum| std::f32::consts::SQRT_2 * sum)
    }
}

/// The blot of a step; `None` if it has no pixels or is not finite.
fn blot(step: &Step, colour: [f32; 3], sigma: f32, size: Size) -> Option<StrokeSample> {
    let (intensity, inverse_sigma) = (step.intensity, 1.0 / sigma);
    if !(sigma.is_finite() && sigma != 0.0 && inverse_sigma.is_finite() && intensity.is_finite()) {
        return None;
    }
    let most = colour.iter().fold(0.01, |most: f32, colour| most.max((colour * intensity).abs()));
    // Beyond this radius less than 10^-5 is left.
    let radius = (-2.0 * sigma * sigma * (5.0 * 0.1f32.ln() - most.ln())).sqrt();
    let span = |centre: f32, size: u32| {
        let last = i64::from(size) - 1;
        // Conversions saturate.
        let (start, end) = ((centre - radius).round() as i64, (centre + radius).round() as i64);
        (start <= last && end >= 0).then(|| [start.max(0) as u32, end.min(last) as u32])
    };
    Some(StrokeSample {
        centre: step.position,
        amplitude: colour.map(|colour| colour * (sigma / 4.0 * intensity)),
        inverse_sigma,
        columns: span(step.position[0], size.width).filter(|side| side[0] <= side[1])?,
        rows: span(step.position[1], size.height).filter(|side| side[0] <= side[1])?,
    })
}
