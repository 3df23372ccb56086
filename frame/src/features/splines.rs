//! Splines: smooth strokes given by control points, and by colours and a width along them.

use super::numbers::{NumberCodes, Numbers, push};
use super::spline_curve::{CurveScratch, Stroke, StrokeSample};
use super::tiles::TileIndex;
use super::{BaseCorrelation, FeatureContext, FeatureFault};
use crate::error::{Invalid, Result};
use crate::limits::Limit;
use jxlake_entropy::BitReader;
use std::ops::Range;

/// Contexts of the numbers.
mod contexts {
    pub(super) const ADJUSTMENT: usize = 0;
    pub(super) const START: usize = 1;
    pub(super) const NUM_SPLINES: usize = 2;
    pub(super) const NUM_POINTS: usize = 3;
    pub(super) const POINT: usize = 4;
    pub(super) const DCT: usize = 5;
    pub(super) const ALL: usize = 6;
}

/// Positions and steps are less than this.
const FARTHEST: i64 = 1 << 23;

/// Changes of steps are less than this.
const LARGEST_CHANGE: u32 = 1 << 30;

/// Weights of the quantised coefficients of X, Y, B and the width.
const WEIGHTS: [f32; 4] = [0.0042, 0.075, 0.07, 0.3333];

/// A spline as it is coded; one that has a control point alone draws nothing and is not kept.
#[derive(Debug, Clone)]
struct QuantisedSpline {
    /// Its control points in the list of all.
    points: Range<usize>,
    /// Length of its polygon, in horizontal and vertical steps.
    length: u64,
    /// Coefficients of X, Y, B and the width.
    coefficients: [[i32; 32]; 4],
}

/// The splines of a frame. Kept from frame to frame for its memory.
#[derive(Debug, Default)]
pub struct SplineList {
    adjustment: i32,
    splines: Vec<QuantisedSpline>,
    points: Vec<[i32; 2]>,
    starts: Vec<[i64; 2]>,
    scratch: CurveScratch,
    /// What is drawn, in order.
    pub(super) samples: Vec<StrokeSample>,
    pub(super) tiles: TileIndex,
}

impl SplineList {
    /// Forgets all splines; lists keep their storage.
    pub fn clear(&mut self) {
        self.splines.clear();
        self.points.clear();
        self.samples.clear();
        self.tiles.clear();
    }

    /// Whether nothing is drawn.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Reads the splines.
    pub(super) fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        codes: &mut NumberCodes,
        context: &FeatureContext<'_>,
    ) -> Result<()> {
        self.clear();
        let mut stream = codes.begin(bits, contexts::ALL, context.pool)?;
        let numbers = &mut stream;
        let bound = (context.geometry.coded.pixels() / 2).min(1 << 20);
        let count = u64::from(numbers.unsigned(contexts::NUM_SPLINES)) + 1;
        numbers.check_count("splines", count, bound)?;
        self.read_starts(numbers, count, context)?;
        self.adjustment = numbers.signed(contexts::ADJUSTMENT);
        let mut total = count;
        for index in 0..self.starts.len() {
            let points = numbers.unsigned(contexts::NUM_POINTS);
            total += u64::from(points);
            numbers.check_count("control points", total, bound)?;
            let first = self.points.len();
            let length = self.read_points(numbers, self.starts[index], points, context)?;
            let coefficients = read_coefficients(numbers)?;
            numbers.check()?;
            if points > 0 {
                let spline = QuantisedSpline { points: first..self.points.len(), length, coefficients };
                push(&mut self.splines, spline, context.pool)?;
            } else {
                self.points.truncate(first);
            }
        }
        stream.finish()
    }

    fn read_starts(
        &mut self,
        numbers: &mut Numbers<'_, '_, '_>,
        count: u64,
        context: &FeatureContext<'_>,
    ) -> Result<()> {
        self.starts.clear();
        let mut position = [0; 2];
        for index in 0..count {
            if index == 0 {
                position = [0, 1].map(|_| i64::from(numbers.unsigned(contexts::START)));
            } else {
                position = add(position, [0, 1].map(|_| i64::from(numbers.signed(contexts::START))));
            }
            check_near(numbers, position)?;
            push(&mut self.starts, position, context.pool)?;
            numbers.check()?;
        }
        Ok(())
    }

    /// Reads the control points behind the first one, `start`; returns the length of their polygon.
    fn read_points(
        &mut self,
        numbers: &mut Numbers<'_, '_, '_>,
        start: [i64; 2],
        count: u32,
        context: &FeatureContext<'_>,
    ) -> Result<u64> {
        let (mut position, mut step, mut length) = (start, [0; 2], 0);
        let longest = longest(context);
        let narrow = |position: [i64; 2]| position.map(|v| v as i32);
        push(&mut self.points, narrow(position), context.pool)?;
        for _ in 0..count {
            let change = [0, 1].map(|_| numbers.signed(contexts::POINT));
            for value in change {
                if value.unsigned_abs() >= LARGEST_CHANGE {
                    return Err(numbers.refuse(FeatureFault::SplineStep { value }));
                }
            }
            step = add(step, change.map(i64::from));
            check_near(numbers, step)?;
            position = add(position, step);
            check_near(numbers, position)?;
            if step == [0, 0] {
                let [x, y] = position;
                return Err(numbers.refuse(FeatureFault::SplineRepeatedPoint { x, y }));
            }
            length += step[0].unsigned_abs() + step[1].unsigned_abs();
            if length > longest {
                let fault = FeatureFault::SplineSize { what: "length", value: length, bound: longest };
                return Err(numbers.refuse(fault));
            }
            push(&mut self.points, narrow(position), context.pool)?;
            numbers.check()?;
        }
        Ok(length)
    }

    /// Computes all that is drawn.
    pub(super) fn prepare(
        &mut self,
        correlation: BaseCorrelation,
        context: &FeatureContext<'_>,
    ) -> Result<()> {
        if self.splines.is_empty() {
            return Ok(());
        }
        self.check_area(correlation, context)?;
        let coded = context.geometry.coded;
        let inverse = self.inverse_quantiser();
        let mut area = 0;
        for spline in &self.splines {
            let mut stroke = Stroke::default();
            let quantised = stroke.channels.iter_mut().zip(&spline.coefficients).zip(WEIGHTS);
            for ((channel, coefficients), weight) in quantised {
                for (to, from) in channel.iter_mut().zip(coefficients) {
                    *to = *from as f32 * weight * inverse;
                }
                channel[0] *= std::f32::consts::FRAC_1_SQRT_2;
            }
            let [x, y, b, _] = &mut stroke.channels;
            for ((x, y), b) in x.iter_mut().zip(y).zip(b) {
                *x += correlation.x * *y;
                *b += correlation.b * *y;
            }
            let points = self.points.get(spline.points.clone()).unwrap_or_default();
            let longest = spline.length.saturating_mul(4).saturating_add(64);
            self.scratch.walk(points, longest, context.pool)?;
            for sample in stroke.samples(self.scratch.steps(), coded) {
                area += sample.area();
                context.limits.check_linear(Limit::SplineArea, area, context.geometry.upsampled.pixels())?;
                push(&mut self.samples, sample, context.pool)?;
            }
        }
        if self.samples.is_empty() {
            return Ok(());
        }
        let samples = &self.samples;
        self.tiles.build(coded, samples.len(), |i| samples[i].rect(), context.pool)
    }

    fn inverse_quantiser(&self) -> f32 {
        let adjustment = self.adjustment as f32 / 8.0;
        if self.adjustment >= 0 { 1.0 / (1.0 + adjustment) } else { 1.0 - adjustment }
    }

    /// Checks an estimate of how many pixels are drawn.
    fn check_area(&self, correlation: BaseCorrelation, context: &FeatureContext<'_>) -> Result<()> {
        let inverse = self.inverse_quantiser();
        let bound = longest(context);
        let mut area = 0u64;
        for spline in &self.splines {
            let amplitude = |value: &i32| (inverse * value.unsigned_abs() as f32).ceil() as u64;
            let [x, y, b, width] = &spline.coefficients;
            let [x, y, b] =
                [x, y, b].map(|channel| channel.iter().map(amplitude).fold(0, u64::saturating_add));
            let from_luma = |factor: f32| (factor.abs().ceil() as u64).saturating_mul(y);
            let x = x.saturating_add(from_luma(correlation.x));
            let b = b.saturating_add(from_luma(correlation.b));
            let most = x.max(y).max(b);
            let log = (1.0 + most as f64).log2().ceil().max(1.0);
            let length = spline.length.max(1);
            let widest = (bound as f64 / log / length as f64).sqrt().ceil() as u64;
            let mut estimate = 0u64;
            for value in width {
                let width = amplitude(value).max(1).min(widest);
                estimate = estimate.saturating_add(width.saturating_mul(width).saturating_mul(log as u64));
            }
            area = area.saturating_add(estimate.saturating_mul(spline.length));
            if area > bound {
                let fault = FeatureFault::SplineSize { what: "area", value: area, bound };
                return Err(Invalid::Feature(fault).into());
            }
        }
        context.limits.check_linear(Limit::SplineArea, area, context.geometry.upsampled.pixels())
    }
}

/// The largest length and area that the format allows.
fn longest(context: &FeatureContext<'_>) -> u64 {
    let pixels = context.geometry.upsampled.pixels();
    pixels.saturating_mul(1024).saturating_add(1 << 32).min(1 << 42)
}

fn add(a: [i64; 2], b: [i64; 2]) -> [i64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

fn check_near(numbers: &Numbers<'_, '_, '_>, [x, y]: [i64; 2]) -> Result<()> {
    if x.abs().max(y.abs()) < FARTHEST {
        return Ok(());
    }
    Err(numbers.refuse(FeatureFault::SplinePosition { x, y }))
}

fn read_coefficients(numbers: &mut Numbers<'_, '_, '_>) -> Result<[[i32; 32]; 4]> {
    let mut coefficients = [[0; 32]; 4];
    for value in coefficients.as_flattened_mut() {
        *value = numbers.signed(contexts::DCT);
        if *value == i32::MIN {
            return Err(numbers.refuse(FeatureFault::SplineCoefficient));
        }
    }
    Ok(coefficients)
}
