//! A part of the picture in the hands of one worker.

use jxlake_util::{Buffer, Lease, Purpose, Rect, ViewMut2};

use super::convert::SampleRows;
use super::error::OutputError;
use super::sample::{InputSample, OutputSample};
use super::writer::Writer;

/// Planes that a tile holds without a list.
const FEW_PLANES: usize = 4;

/// Rows that are transposed together.
const BLOCK: usize = 16;

/// Writes the rows of one tile of a [`Writer`].
///
/// Rows may come in any order and in pieces. Where the picture is transposed they are gathered in blocks, which are
/// written when they are full, when a row comes that does not follow the one before, and at last when the tile is dropped.
/// Interleaved pictures, and planar ones of up to four channels, need no allocation.
#[derive(Debug)]
pub struct TileWriter<'w, T: OutputSample> {
    writer: &'w Writer<'w, T>,
    planes: Planes<'w, T>,
    /// The tile in the image as stored.
    rect: Rect,
    /// Only where the picture is transposed.
    block: Option<Block<T>>,
}

/// The parts of a tile in the planes of the picture.
#[derive(Debug)]
struct Planes<'w, T> {
    few: [ViewMut2<'w, T>; FEW_PLANES],
    more: Vec<ViewMut2<'w, T>>,
    count: usize,
}

impl<'w, T> Planes<'w, T> {
    fn push(&mut self, plane: ViewMut2<'w, T>) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = plane,
            None => self.more.push(plane),
        }
        self.count += 1;
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut ViewMut2<'w, T>> {
        self.few.iter_mut().chain(&mut self.more).take(self.count)
    }
}

/// Converted rows that wait to be transposed.
#[derive(Debug)]
struct Block<T: OutputSample> {
    /// For each plane the rows, each as long as a row of the tile.
    samples: Lease<Buffer<T>>,
    row_samples: usize,
    /// Where the rows are from, as stored; its height is how many there are.
    rect: Rect,
}

impl<'w, T: OutputSample> TileWriter<'w, T> {
    /// The tile in this column and row of the grid, in all planes, which have `plane_parts` rows of tiles each. `None` if
    /// it was taken before.
    pub(super) fn new(
        writer: &'w Writer<'_, T>,
        [column, row]: [usize; 2],
        plane_parts: usize,
    ) -> Option<Result<Self, OutputError>> {
        let mut planes = Planes { few: Default::default(), more: Vec::new(), count: 0 };
        for plane in 0..writer.shape.planes() {
            planes.push(writer.grid.take(plane * plane_parts + row, column)?);
        }
        let shape = writer.shape;
        let turned = writer.grid.rect(row, column)?;
        let per_pixel = shape.samples_per_pixel();
        let place = Rect::new(turned.x / per_pixel, turned.y, turned.width / per_pixel, turned.height);
        let rect = as_stored(writer, place);
        if !writer.turn.transpose {
            return Some(Ok(Self { writer, planes, rect, block: None }));
        }
        let row_samples = rect.width * per_pixel;
        let length = shape.planes() * BLOCK * row_samples;
        Some(match writer.pool.buffer(Purpose::Output, length) {
            Ok(samples) => {
                let block = Block { samples, row_samples, rect: Rect::default() };
                Ok(Self { writer, planes, rect, block: Some(block) })
            }
            Err(error) => Err(error.into()),
        })
    }

    /// The tile's place in the image as stored.
    pub fn rect(&self) -> Rect {
        self.rect
    }

    /// Writes samples of row `y` of the image as stored, from column `x` on: as many as the rows hold.
    ///
    /// `rows` are those of the image's channels, numbered as in a [`Canvas`](super::Canvas).
    ///
    /// # Errors
    /// [`OutputError::OutsideTile`], [`OutputError::RowLength`] and [`OutputError::IntegersOfFloats`]; nothing is written
    /// then.
    pub fn write_row<I: InputSample, R: SampleRows<I> + ?Sized>(
        &mut self,
        x: usize,
        y: usize,
        rows: &R,
    ) -> Result<(), OutputError> {
        let width = self.writer.conversion.width(rows)?;
        let inside = x >= self.rect.x
            && x <= self.rect.right()
            && width <= self.rect.right() - x
            && (self.rect.y..self.rect.bottom()).contains(&y);
        if !inside {
            return Err(OutputError::OutsideTile { x, y, width });
        }
        if width == 0 {
            return Ok(());
        }
        if self.block.is_some() {
            self.write_to_block(Rect::new(x, y, width, 1), rows);
        } else {
            self.write_direct(Rect::new(x, y, width, 1), rows);
        }
        Ok(())
    }

    /// Writes one row where it stays a row.
    fn write_direct<I: InputSample, R: SampleRows<I> + ?Sized>(&mut self, place: Rect, rows: &R) {
        let turn = self.writer.turn;
        let conversion = &self.writer.conversion;
        let per_pixel = self.writer.shape.samples_per_pixel();
        let y = if turn.flip_rows { self.rect.bottom() - 1 - place.y } else { place.y - self.rect.y };
        let x = if turn.flip_columns { self.rect.right() - place.right() } else { place.x - self.rect.x };
        let is_planar = self.planes.count > 1;
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            let out = &mut plane.row_mut(y)[x * per_pixel..(x + place.width) * per_pixel];
            if is_planar {
                conversion.write_channel(rows, channel, out);
            } else {
                conversion.write_pixels(rows, out);
            }
            if turn.flip_columns {
                reverse_pixels(out, per_pixel);
            }
        }
    }

    /// Puts one row aside to be transposed together with others.
    fn write_to_block<I: InputSample, R: SampleRows<I> + ?Sized>(&mut self, place: Rect, rows: &R) {
        let follows = self.block.as_ref().is_some_and(|block| {
            let waiting = block.rect;
            (waiting.x, waiting.width, waiting.bottom()) == (place.x, place.width, place.y)
                && waiting.height < BLOCK
        });
        if !follows {
            self.flush();
        }
        let conversion = &self.writer.conversion;
        let per_pixel = self.writer.shape.samples_per_pixel();
        let Some(block) = &mut self.block else { return };
        if block.rect.height == 0 {
            block.rect = Rect { height: 0, ..place };
        }
        for channel in 0..self.planes.count {
            let start = (channel * BLOCK + block.rect.height) * block.row_samples;
            let out = &mut block.samples[start..start + place.width * per_pixel];
            if self.planes.count > 1 {
                conversion.write_channel(rows, channel, out);
            } else {
                conversion.write_pixels(rows, out);
            }
        }
        block.rect.height += 1;
    }

    /// Transposes what waits into the picture.
    fn flush(&mut self) {
        let Some(block) = self.block.as_mut().filter(|block| block.rect.height > 0) else { return };
        let place = std::mem::take(&mut block.rect);
        let turn = self.writer.turn;
        let per_pixel = self.writer.shape.samples_per_pixel();
        // Columns become rows and rows become columns.
        let x = if turn.flip_rows { self.rect.bottom() - place.bottom() } else { place.y - self.rect.y };
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            let samples = &block.samples[channel * BLOCK * block.row_samples..];
            let block = Transposed { samples, stride: block.row_samples, flip: turn.flip_rows };
            for column in 0..place.width {
                let from_left = place.x - self.rect.x + column;
                let y = if turn.flip_columns { self.rect.width - 1 - from_left } else { from_left };
                let out = &mut plane.row_mut(y)[x * per_pixel..(x + place.height) * per_pixel];
                block.write_column(column, per_pixel, out);
            }
        }
    }
}

impl<T: OutputSample> Drop for TileWriter<'_, T> {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Rows of one plane that are read by columns.
struct Transposed<'b, T> {
    samples: &'b [T],
    stride: usize,
    /// From the last row up.
    flip: bool,
}

impl<T: Copy> Transposed<'_, T> {
    fn write_column(&self, column: usize, per_pixel: usize, out: &mut [T]) {
        match per_pixel {
            1 => self.write_column_of::<1>(column, out),
            2 => self.write_column_of::<2>(column, out),
            3 => self.write_column_of::<3>(column, out),
            4 => self.write_column_of::<4>(column, out),
            _ => {
                let height = out.len() / per_pixel;
                for (i, pixel) in out.chunks_exact_mut(per_pixel).enumerate() {
                    let row = if self.flip { height - 1 - i } else { i };
                    let start = row * self.stride + column * per_pixel;
                    pixel.copy_from_slice(&self.samples[start..start + per_pixel]);
                }
            }
        }
    }

    #[inline]
    fn write_column_of<const N: usize>(&self, column: usize, out: &mut [T]) {
        let pixels = out.as_chunks_mut::<N>().0;
        let height = pixels.len();
        for (i, pixel) in pixels.iter_mut().enumerate() {
            let row = if self.flip { height - 1 - i } else { i };
            let start = row * self.stride + column * N;
            pixel.copy_from_slice(&self.samples[start..start + N]);
        }
    }
}

/// A rectangle of the picture, in pixels, as it lies in the image as stored.
fn as_stored<T>(writer: &Writer<'_, T>, turned: Rect) -> Rect {
    let Rect { x, y, width, height } = turned;
    let shape = writer.shape;
    let (across, down) = ((x, width, shape.width), (y, height, shape.height));
    let (across, down) = if writer.turn.transpose { (down, across) } else { (across, down) };
    let start = |(start, length, whole): (usize, usize, usize), flip| {
        if flip { whole - start - length } else { start }
    };
    Rect::new(start(across, writer.turn.flip_columns), start(down, writer.turn.flip_rows), across.1, down.1)
}

/// Turns a row around, pixel by pixel.
fn reverse_pixels<T: Copy>(row: &mut [T], per_pixel: usize) {
    match per_pixel {
        1 => row.reverse(),
        2 => row.as_chunks_mut::<2>().0.reverse(),
        3 => row.as_chunks_mut::<3>().0.reverse(),
        4 => row.as_chunks_mut::<4>().0.reverse(),
        _ => {
            row.reverse();
            row.chunks_exact_mut(per_pixel).for_each(<[T]>::reverse);
        }
    }
}
