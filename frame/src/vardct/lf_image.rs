//! The LF image of a frame: dequantised LF samples, with luma added to chroma, adaptively smoothed.
//!
//! It is made tile by tile, when a group is rendered, in the memory of the worker: that of a whole frame would be twice
//! as large as the quantised samples.

use std::sync::OnceLock;

use fearless_simd::{Level, dispatch};
use jxlake_util::{Rect, Release, View2};

use super::VarDctFault;
use super::lf_group::LfGroup;
use crate::composition::SavedFrame;
use crate::error::{Error, Result};
use crate::geometry::FrameGeometry;
use crate::image_header::Size;

/// Where the LF image of a frame comes from.
#[derive(Debug, Default)]
pub(super) enum LfImage {
    /// It is not known yet.
    #[default]
    Missing,
    /// The quantised samples of the LF groups.
    Coded(LfDequantisation),
    /// An LF frame.
    Frame(SavedFrame),
}

impl Release for LfImage {}

/// How LF samples are dequantised.
#[derive(Clone, Copy, Debug)]
pub(super) struct LfDequantisation {
    /// Steps of X, Y, B without extra precision.
    pub(super) steps: [f32; 3],
    /// How much of luma is added to X and to B; nothing in subsampled frames.
    pub(super) from_luma: Option<[f32; 2]>,
    /// Never in subsampled frames.
    pub(super) smoothing: bool,
}

/// What making a tile of the LF image needs.
#[derive(Clone, Copy)]
pub(super) struct LfContext<'a> {
    pub(super) geometry: &'a FrameGeometry,
    /// Decoded LF groups; those that are missing count as zero.
    pub(super) groups: &'a [OnceLock<LfGroup>],
    pub(super) level: Level,
}

/// Part of the LF image: for each channel X, Y, B a view, and which column and row of the channel its first sample is.
#[derive(Clone, Copy)]
pub(super) struct LfTile<'a> {
    pub(super) planes: [View2<'a, f32>; 3],
    pub(super) origins: [(usize, usize); 3],
}

const SMALL_BUFFER: Error = Error::Misuse("a buffer smaller than a tile of the LF image");

impl LfImage {
    /// Takes the LF image from an LF frame, of which the upper left part is used.
    ///
    /// # Errors
    ///
    /// [`VarDctFault::LfFrameSize`] if it is smaller than the LF image.
    pub(super) fn of_frame(frame: &mut SavedFrame, geometry: &FrameGeometry) -> Result<Self> {
        let (blocks, Size { width, height }) = (geometry.blocks, frame.size());
        if width < blocks.width || height < blocks.height {
            let (blocks_wide, blocks_high) = (blocks.width, blocks.height);
            return Err(VarDctFault::LfFrameSize { width, height, blocks_wide, blocks_high }.into());
        }
        Ok(Self::Frame(std::mem::take(frame)))
    }

    /// How many values making a tile takes.
    pub(super) fn tile_len(geometry: &FrameGeometry) -> usize {
        // The planes, and the last three rows before smoothing.
        3 * (geometry.group_dim / 8 + 3) * tile_stride(geometry)
    }

    /// The samples of the blocks of a group; `buffer` has [`tile_len`](Self::tile_len) values.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the image is missing, or the buffer too small.
    pub(super) fn tile<'t>(
        &'t self,
        context: &LfContext<'_>,
        blocks: Rect,
        buffer: &'t mut [f32],
    ) -> Result<LfTile<'t>> {
        match self {
            Self::Missing => Err(Error::Misuse("the LF image was not finished")),
            Self::Frame(frame) => {
                let (Some(x), Some(y), Some(b)) = (frame.plane(0), frame.plane(1), frame.plane(2)) else {
                    return Err(Error::Misuse("an LF frame without samples"));
                };
                Ok(LfTile { planes: [x, y, b], origins: [(0, 0); 3] })
            }
            Self::Coded(dequantisation) => {
                let whole = context.geometry.blocks;
                let mut dequantisation = *dequantisation;
                dequantisation.smoothing &= whole.width > 2 && whole.height > 2;
                TileMaker { context, dequantisation, blocks }.make(buffer)
            }
        }
    }
}

/// Samples from row to row of a tile: those of a group, and a neighbour on both sides.
fn tile_stride(geometry: &FrameGeometry) -> usize {
    (geometry.group_dim / 8 + 2).next_multiple_of(16)
}

/// Rows of the three channels.
type RowsMut<'a> = [&'a mut [f32]; 3];

/// Makes the tile of some blocks.
struct TileMaker<'a> {
    context: &'a LfContext<'a>,
    dequantisation: LfDequantisation,
    blocks: Rect,
}

impl TileMaker<'_> {
    fn make<'t>(&self, buffer: &'t mut [f32]) -> Result<LfTile<'t>> {
        let stride = tile_stride(self.context.geometry);
        let rows = self.context.geometry.group_dim / 8;
        let mut sections = Sections { samples: buffer, rows, stride };
        if sections.samples.len() < LfImage::tile_len(self.context.geometry) || self.blocks.height > rows {
            return Err(SMALL_BUFFER);
        }
        dispatch!(self.context.level, _simd => match self.dequantisation.smoothing {
            true => self.smooth(&mut sections),
            false => self.dequantise(&mut sections),
        });
        let samples = &*sections.samples;
        let mut planes = [View2::default(); 3];
        for (channel, plane) in planes.iter_mut().enumerate() {
            let part = self.part(channel);
            let view =
                View2::from_slice(&samples[channel * rows * stride..], part.height, part.width, stride);
            *plane = view.map_err(|_| SMALL_BUFFER)?;
        }
        let origins = [0, 1, 2].map(|channel| self.part(channel)).map(|part| (part.x, part.y));
        Ok(LfTile { planes, origins })
    }

    /// The part of a channel that the tile holds: its blocks, and a neighbour to the left and the right of them if they
    /// are smoothed, which itself is not.
    fn part(&self, channel: usize) -> Rect {
        let FrameGeometry { hshift, vshift, blocks, .. } = self.context.geometry;
        let Rect { x, y, height, .. } = self.blocks;
        let beyond = usize::from(self.dequantisation.smoothing);
        let (first, end) =
            (x.saturating_sub(beyond), (self.blocks.right() + beyond).min(blocks.width as usize));
        let (first, end) = (first >> hshift[channel], end >> hshift[channel]);
        Rect::new(first, y >> vshift[channel], end - first, height >> vshift[channel])
    }

    /// A tile without smoothing.
    #[inline(always)]
    fn dequantise(&self, sections: &mut Sections<'_>) {
        for channel in 0..3 {
            let part = self.part(channel);
            for y in 0..part.height {
                let row = &mut sections.plane_rows(y)[channel][..part.width];
                self.dequantise_row(channel, (part.x, part.y + y), row);
            }
        }
        // Without subsampling the parts are the same.
        let part = self.part(1);
        for y in 0..part.height {
            self.add_luma(sections.plane_rows(y).map(|row| &mut row[..part.width]));
        }
    }

    /// A tile with smoothing, of equal parts of all channels.
    #[inline(always)]
    fn smooth(&self, sections: &mut Sections<'_>) {
        let part = self.part(1);
        let (rows, steps) = (self.context.geometry.blocks.height as usize, self.dequantisation.steps);
        let above = part.y.saturating_sub(1);
        for y in above..part.y + 1 {
            self.unsmoothed_rows((part.x, y), sections.window_rows(y).map(|row| &mut row[..part.width]));
        }
        for y in part.y..part.bottom() {
            if y + 1 < rows {
                let below = sections.window_rows(y + 1).map(|row| &mut row[..part.width]);
                self.unsmoothed_rows((part.x, y + 1), below);
            }
            let (window, out) = sections.window_and_plane_rows(y - part.y);
            let out = out.map(|row| &mut row[..part.width]);
            if y == 0 || y + 1 == rows {
                for (out, source) in out.into_iter().zip(window.row(y, part.width)) {
                    out.copy_from_slice(source);
                }
            } else {
                smooth_row([y - 1, y, y + 1].map(|y| window.row(y, part.width)), steps, out);
            }
        }
    }

    #[inline(always)]
    fn unsmoothed_rows(&self, (x, y): (usize, usize), rows: RowsMut<'_>) {
        for channel in 0..3 {
            self.dequantise_row(channel, (x, y), rows[channel]);
        }
        self.add_luma(rows);
    }

    /// Dequantises samples of a channel, from column `x` of row `y` on, of one LF group after the other.
    #[inline(always)]
    fn dequantise_row(&self, channel: usize, (x, y): (usize, usize), out: &mut [f32]) {
        let FrameGeometry { hshift, vshift, lf_groups, group_dim, .. } = self.context.geometry;
        let (width, height) = (group_dim >> hshift[channel], group_dim >> vshift[channel]);
        let mut done = 0;
        while done < out.len() {
            let (column, inside) = ((x + done) / width, (x + done) % width);
            let len = (width - inside).min(out.len() - done);
            let group = self.context.groups.get(y / height * lf_groups.width as usize + column);
            let segment = &mut out[done..done + len];
            match group.and_then(OnceLock::get).and_then(|group| group.lf.as_ref()) {
                Some(lf) => {
                    lf.dequantise(channel, (inside, y % height), self.dequantisation.steps[channel], segment)
                }
                None => segment.fill(0.0),
            }
            done += len;
        }
    }

    #[inline(always)]
    fn add_luma(&self, [x, luma, b]: RowsMut<'_>) {
        let Some([to_x, to_b]) = self.dequantisation.from_luma else { return };
        for ((x, luma), b) in x.iter_mut().zip(luma.iter()).zip(b) {
            *x += to_x * luma;
            *b += to_b * luma;
        }
    }
}

/// The planes of a tile, of `rows` rows each, and behind them the window: the last three rows before smoothing, with the
/// channels side by side.
struct Sections<'b> {
    samples: &'b mut [f32],
    rows: usize,
    stride: usize,
}

/// The window of [`Sections`].
struct Window<'b> {
    samples: &'b [f32],
    stride: usize,
}

impl Sections<'_> {
    /// Row `y` of each plane.
    #[inline(always)]
    fn plane_rows(&mut self, y: usize) -> RowsMut<'_> {
        self.window_and_plane_rows(y).1
    }

    /// Where row `y` of the LF image is in the window.
    #[inline(always)]
    fn window_rows(&mut self, y: usize) -> RowsMut<'_> {
        let stride = self.stride;
        let row = &mut self.samples[3 * self.rows * stride + y % 3 * 3 * stride..][..3 * stride];
        let (x, rest) = row.split_at_mut(stride);
        let (luma, b) = rest.split_at_mut(stride);
        [x, luma, b]
    }

    #[inline(always)]
    fn window_and_plane_rows(&mut self, y: usize) -> (Window<'_>, RowsMut<'_>) {
        let (stride, plane) = (self.stride, self.rows * self.stride);
        let (planes, window) = self.samples.split_at_mut(3 * plane);
        let (x, rest) = planes.split_at_mut(plane);
        let (luma, b) = rest.split_at_mut(plane);
        (Window { samples: window, stride }, [x, luma, b].map(|plane| &mut plane[y * stride..][..stride]))
    }
}

impl Window<'_> {
    /// The first `width` samples of row `y` of the LF image, by channel.
    #[inline(always)]
    fn row(&self, y: usize, width: usize) -> [&[f32]; 3] {
        let row = &self.samples[y % 3 * 3 * self.stride..];
        [0, 1, 2].map(|channel| &row[channel * self.stride..][..width])
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
