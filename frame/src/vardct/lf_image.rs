//! The LF image of a frame: dequantised LF samples, with luma added to chroma, adaptively smoothed.

use std::sync::OnceLock;

use fearless_simd::{Level, dispatch};
use jxlake_util::{
    Axis, Buffer, Grid, Lease, Matrix2, Pool, Purpose, Release, Shape2, Threads, View2, ViewMut2,
};

use super::VarDctFault;
use super::lf_group::LfGroup;
use crate::error::{Error, Result};
use crate::geometry::FrameGeometry;

/// Rows of the LF image that one task finishes.
const BAND: usize = 64;

/// The LF image: for each channel X, Y, B one sample per block of the channel.
#[derive(Debug, Default)]
pub(super) struct LfImage {
    planes: [Option<Lease<Matrix2<f32>>>; 3],
}

impl Release for LfImage {}

/// How LF samples are dequantised.
#[derive(Clone, Copy)]
pub(super) struct LfDequantisation {
    /// Steps of X, Y, B without extra precision.
    pub(super) steps: [f32; 3],
    /// How much of luma is added to X and to B; nothing in subsampled frames.
    pub(super) from_luma: Option<[f32; 2]>,
    pub(super) smoothing: bool,
}

/// What finishing the LF image needs.
#[derive(Clone, Copy)]
pub(super) struct LfContext<'a> {
    pub(super) geometry: &'a FrameGeometry,
    pub(super) dequantisation: LfDequantisation,
    /// Decoded LF groups; those that are missing count as zero.
    pub(super) groups: &'a [OnceLock<LfGroup>],
    pub(super) pool: &'a Pool,
    pub(super) level: Level,
}

impl LfImage {
    /// A plane, if the image is there.
    #[inline(always)]
    pub(super) fn plane(&self, channel: usize) -> Option<View2<'_, f32>> {
        self.planes[channel].as_ref().map(|plane| plane.view())
    }

    /// Gives the planes back.
    pub(super) fn clear(&mut self) {
        self.planes = Default::default();
    }

    /// Leases planes for a frame; the samples are unspecified.
    fn lease(&mut self, geometry: &FrameGeometry, pool: &Pool) -> Result<()> {
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            let size = geometry.channel_blocks(channel);
            let shape = Shape2::new(size.height as usize, size.width as usize);
            match plane {
                Some(plane) if plane.shape() == shape => {}
                _ => *plane = Some(pool.matrix2(Purpose::LfCoefficients, shape)?),
            }
        }
        Ok(())
    }

    /// Takes the LF image from the planes of an LF frame, whose upper left part is used.
    ///
    /// # Errors
    ///
    /// [`VarDctFault::LfFrameSize`] if a plane is smaller than the LF image.
    pub(super) fn copy(
        &mut self,
        sources: [View2<'_, f32>; 3],
        geometry: &FrameGeometry,
        pool: &Pool,
    ) -> Result<()> {
        self.lease(geometry, pool)?;
        for (plane, source) in self.planes.iter_mut().flatten().zip(sources) {
            if !plane.shape().fits_in(source.shape()) {
                let (width, height) = (source.cols() as u32, source.rows() as u32);
                let (blocks_wide, blocks_high) = (plane.cols() as u32, plane.rows() as u32);
                return Err(VarDctFault::LfFrameSize { width, height, blocks_wide, blocks_high }.into());
            }
            let cols = plane.cols();
            for y in 0..plane.rows() {
                plane.row_mut(y).copy_from_slice(&source.row(y)[..cols]);
            }
        }
        Ok(())
    }

    /// Dequantises and smooths the LF samples of all LF groups.
    ///
    /// # Errors
    ///
    /// If there is no memory.
    pub(super) fn finish(&mut self, context: &LfContext<'_>, threads: &Threads) -> Result<()> {
        self.lease(context.geometry, context.pool)?;
        let blocks = context.geometry.blocks;
        let mut dequantisation = context.dequantisation;
        dequantisation.smoothing &= blocks.width > 2 && blocks.height > 2;
        let context = &LfContext { dequantisation, ..*context };
        let [Some(x), Some(y), Some(b)] = &mut self.planes else {
            return Err(Error::Misuse("no LF planes"));
        };
        let grids = [bands(x, context.pool)?, bands(y, context.pool)?, bands(b, context.pool)?];
        let bands = grids.iter().map(Grid::rows).max().unwrap_or(0);
        threads.run(bands, |band| {
            // Of a subsampled channel there are fewer bands.
            let out = [0, 1, 2].map(|channel| grids[channel].take(band, 0).unwrap_or_default());
            context.finish_band(band * BAND, out)
        })
    }
}

/// A plane divided into bands.
fn bands<'a>(plane: &'a mut Matrix2<f32>, pool: &Pool) -> Result<Grid<'a, f32>> {
    let cols = plane.cols();
    Ok(plane.view_mut().into_grid(pool, Axis::Every(BAND), Axis::Every(cols))?)
}

/// Rows of the three channels.
type RowsMut<'a> = [&'a mut [f32]; 3];

impl LfContext<'_> {
    /// Finishes a band of rows, those of the LF image from `first` on.
    fn finish_band(&self, first: usize, mut out: [ViewMut2<'_, f32>; 3]) -> Result<()> {
        if !self.dequantisation.smoothing {
            for y in 0..BAND {
                let [x, luma, b] = &mut out;
                let rows = [x, luma, b].map(|view| if y < view.rows() { view.row_mut(y) } else { &mut [] });
                self.dequantise_row(first + y, rows);
            }
            return Ok(());
        }
        let (rows, cols) = (self.geometry.blocks.height as usize, self.geometry.blocks.width as usize);
        let mut window = Window { rows: self.pool.buffer(Purpose::LfCoefficients, 9 * cols)?, cols };
        if first > 0 {
            self.dequantise_row(first - 1, window.row_mut(first - 1));
        }
        self.dequantise_row(first, window.row_mut(first));
        let [x, luma, b] = &mut out;
        for y in 0..luma.rows() {
            let row = first + y;
            if row + 1 < rows {
                self.dequantise_row(row + 1, window.row_mut(row + 1));
            }
            let out = [x.row_mut(y), luma.row_mut(y), b.row_mut(y)];
            if row == 0 || row + 1 == rows {
                for (out, source) in out.into_iter().zip(window.row(row)) {
                    out.copy_from_slice(source);
                }
            } else {
                let neighbours = [window.row(row - 1), window.row(row), window.row(row + 1)];
                let steps = self.dequantisation.steps;
                dispatch!(self.level, _simd => smooth_row(neighbours, steps, out));
            }
        }
        Ok(())
    }

    /// Dequantises row `y` of each channel; empty rows are of channels that do not have it.
    fn dequantise_row(&self, y: usize, mut out: RowsMut<'_>) {
        let FrameGeometry { hshift, vshift, lf_groups, .. } = self.geometry;
        let columns = lf_groups.width as usize;
        let side = self.geometry.group_dim;
        for column in 0..columns {
            let mut segments = [0, 1, 2].map(|channel| {
                let width = side >> hshift[channel];
                let row: &mut [f32] = std::mem::take(&mut out[channel]);
                let (segment, rest) = row.split_at_mut(width.min(row.len()));
                out[channel] = rest;
                segment
            });
            for (channel, segment) in
                segments.iter_mut().enumerate().filter(|(_, segment)| !segment.is_empty())
            {
                let height = side >> vshift[channel];
                let group = self.groups.get(y / height * columns + column).and_then(OnceLock::get);
                let lf = group.and_then(|group| group.lf.as_ref());
                let source = lf.and_then(|lf| Some((lf, lf.channels[channel].view()?)));
                let Some((lf, source)) = source else {
                    segment.fill(0.0);
                    continue;
                };
                let step = self.dequantisation.steps[channel] / (1u32 << lf.extra_precision) as f32;
                for (sample, quantised) in segment.iter_mut().zip(source.row(y % height)) {
                    *sample = *quantised as f32 * step;
                }
            }
            if let Some([to_x, to_b]) = self.dequantisation.from_luma {
                let [x, luma, b] = segments;
                for ((x, luma), b) in x.iter_mut().zip(luma.iter()).zip(b) {
                    *x += to_x * luma;
                    *b += to_b * luma;
                }
            }
        }
    }
}

/// The last three rows of the unsmoothed image, each of three channels.
struct Window {
    rows: Lease<Buffer<f32>>,
    cols: usize,
}

impl Window {
    fn row(&self, y: usize) -> [&[f32]; 3] {
        let row = &self.rows[y % 3 * 3 * self.cols..];
        [0, 1, 2].map(|channel| &row[channel * self.cols..][..self.cols])
    }

    fn row_mut(&mut self, y: usize) -> RowsMut<'_> {
        let row = &mut self.rows[y % 3 * 3 * self.cols..][..3 * self.cols];
        let (x, rest) = row.split_at_mut(self.cols);
        let (luma, b) = rest.split_at_mut(self.cols);
        [x, luma, b]
    }
}

/// Weights of the four next neighbours, the four diagonal ones and the centre.
const SIDE: f32 = 0.203_451_4;
const CORNER: f32 = 0.033_482_92;
const CENTRE: f32 = 0.052_262_735;

/// Columns that are smoothed together.
const CHUNK: usize = 64;

/// Smooths a row that is not the first or the last one. `rows` are those above, at and below it.
///
/// A sample moves to the weighted mean of its neighbourhood as far as that is not more than quantisation explains: all
/// of the way where no channel differs by more than half a step, not at all from three quarters on.
#[inline(always)]
fn smooth_row(rows: [[&[f32]; 3]; 3], steps: [f32; 3], out: RowsMut<'_>) {
    let [[_, above, _], ..] = rows;
    let cols = above.len();
    let inverse_steps = steps.map(|step| 1.0 / step);
    for (channel, out) in out.iter().enumerate() {
        debug_assert!(out.len() == cols && rows[1][channel].len() == cols);
    }
    let [out_x, out_y, out_b] = out;
    for (channel, out) in [&mut *out_x, &mut *out_y, &mut *out_b].into_iter().enumerate() {
        out[0] = rows[1][channel][0];
        out[cols - 1] = rows[1][channel][cols - 1];
    }
    let mut means = [[0.0f32; CHUNK]; 3];
    let mut first = 1;
    while first < cols - 1 {
        let len = CHUNK.min(cols - 1 - first);
        let mut gap = [0.5f32; CHUNK];
        for channel in 0..3 {
            let [above, at, below] = rows.map(|row| &row[channel][first - 1..first + len + 1]);
            let means = &mut means[channel][..len];
            for (i, (mean, gap)) in means.iter_mut().zip(&mut gap).enumerate() {
                let side = (at[i] + at[i + 2]) + (above[i + 1] + below[i + 1]);
                let corner = (above[i] + above[i + 2]) + (below[i] + below[i + 2]);
                *mean = corner * CORNER + side * SIDE + at[i + 1] * CENTRE;
                *gap = gap.max((at[i + 1] - *mean).abs() * inverse_steps[channel]);
            }
        }
        for (channel, out) in [&mut *out_x, &mut *out_y, &mut *out_b].into_iter().enumerate() {
            let centres = &rows[1][channel][first..first + len];
            for (((out, centre), mean), gap) in
                out[first..].iter_mut().zip(centres).zip(&means[channel]).zip(&gap)
            {
                *out = centre + (mean - centre) * (3.0 - 4.0 * gap).max(0.0);
            }
        }
        first += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vardct::test_support::{Random, levels};

    /// The definition of smoothing, in 64 bits.
    fn smooth(image: &[Vec<Vec<f64>>; 3], steps: [f64; 3]) -> [Vec<Vec<f64>>; 3] {
        let (w1, w2) = (0.20345139757231578, 0.0334829185968739);
        let w0 = 1.0 - 4.0 * (w1 + w2);
        let mut out = image.clone();
        let (rows, cols) = (image[0].len(), image[0][0].len());
        for y in 1..rows - 1 {
            for x in 1..cols - 1 {
                let mean = [0, 1, 2].map(|c: usize| {
                    let at = |dy: usize, dx: usize| image[c][y + dy - 1][x + dx - 1];
                    let side = at(1, 0) + at(1, 2) + at(0, 1) + at(2, 1);
                    let corner = at(0, 0) + at(0, 2) + at(2, 0) + at(2, 2);
                    corner * w2 + side * w1 + at(1, 1) * w0
                });
                let gap = (0..3).map(|c| (image[c][y][x] - mean[c]).abs() / steps[c]).fold(0.5, f64::max);
                let f = (3.0 - 4.0 * gap).max(0.0);
                for c in 0..3 {
                    out[c][y][x] += (mean[c] - image[c][y][x]) * f;
                }
            }
        }
        out
    }

    fn kernel(level: Level, image: &[Vec<Vec<f64>>; 3], steps: [f64; 3], y: usize) -> [Vec<f32>; 3] {
        let row = |c: usize, y: usize| image[c][y].iter().map(|v| *v as f32).collect::<Vec<f32>>();
        let rows = [y - 1, y, y + 1].map(|y| [row(0, y), row(1, y), row(2, y)]);
        let mut out = [0; 3].map(|_| vec![f32::NAN; image[0][0].len()]);
        let [x, luma, b] = &mut out;
        let views = [0, 1, 2].map(|r: usize| [0, 1, 2].map(|c: usize| &rows[r][c][..]));
        let steps = steps.map(|step| step as f32);
        dispatch!(level, _simd => smooth_row(views, steps, [&mut x[..], luma, b]));
        out
    }

    #[test]
    fn smoothing_agrees_with_its_definition() {
        let mut random = Random::new(7);
        for cols in [3, 4, 17, 66, 67, 200] {
            let steps = [0.01, 0.02, 0.04];
            // Rough in some places, smooth in most.
            let image = [0, 1, 2].map(|c: usize| {
                let mut sample =
                    |_| f64::from(random.float()) * steps[c] * if random.below(40) == 0 { 9.0 } else { 0.7 };
                (0..3).map(|_| (0..cols).map(&mut sample).collect()).collect::<Vec<Vec<f64>>>()
            });
            let expected = smooth(&image, steps);
            for level in levels() {
                let found = kernel(level, &image, steps, 1);
                for c in 0..3 {
                    for (found, expected) in found[c].iter().zip(&expected[c][1]) {
                        assert!(
                            (f64::from(*found) - expected).abs() < 1e-6 * steps[c] * 20.0,
                            "{found} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn smoothing_follows_the_numbers_of_the_reference() {
        let steps = [2.180_074_1e-4, 1.744_059_3e-3, 3.488_118_6e-3];
        for (t, expected) in [(0.5, 0.052_262_735_32), (0.65, 0.492_123_605_4)] {
            let value = t * steps[1];
            let mut image = [0; 3].map(|_| vec![vec![0.0; 5]; 3]);
            image[1][1][2] = value;
            for level in levels() {
                let found = f64::from(kernel(level, &image, steps, 1)[1][2]);
                assert!((found - expected * value).abs() < 1e-6 * value, "{t}: {}", found / value);
            }
        }
    }
}
