//! The picture under construction: divided into tiles, each written by one worker.

use fearless_simd::Level;
use jxlake_util::{Axis, Grid, Pool};

use super::convert::Conversion;
use super::error::OutputError;
use super::format::{Canvas, ImageShape, PixelFormat};
use super::image::ImageMut;
use super::sample::OutputSample;
use super::tile::TileWriter;

/// What is written, and how.
#[derive(Clone, Copy, Debug)]
pub struct WriterJob<'a> {
    /// The image.
    pub canvas: Canvas<'a>,
    /// The format of the picture.
    pub format: PixelFormat,
    /// Where small memory comes from.
    pub pool: &'a Pool,
    /// The instruction set to use.
    pub level: Level,
}

/// A division of the image, as stored, into tiles.
#[derive(Clone, Copy, Debug)]
pub struct Partition<'a> {
    /// How the columns are divided.
    pub columns: Axis<'a>,
    /// How the rows are divided.
    pub rows: Axis<'a>,
}

impl Partition<'_> {
    /// One tile.
    pub const WHOLE: Self = Self { columns: Axis::Every(usize::MAX), rows: Axis::Every(usize::MAX) };
}

/// Where the tiles lie in the memory of a picture; kept from one picture to the next, so that nothing is allocated.
#[derive(Clone, Debug, Default)]
pub struct Tiling {
    columns: Vec<usize>,
    rows: Vec<usize>,
}

/// How a picture is turned: flipped as stored, then perhaps transposed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    pub(super) flip_columns: bool,
    pub(super) flip_rows: bool,
    pub(super) transpose: bool,
}

impl Turn {
    fn of(canvas: &Canvas<'_>) -> Self {
        let code = canvas.orientation as u8;
        Self {
            flip_columns: matches!(code, 2 | 3 | 7 | 8),
            flip_rows: matches!(code, 3 | 4 | 6 | 7),
            transpose: code >= 5,
        }
    }
}

/// Writes an image, whose rows come in any order of tiles and from any threads, to a picture in memory.
///
/// ```
/// use jxlake::output::{Canvas, Channels, ImageMut, Partition, PixelFormat, Tiling, Writer, WriterJob};
/// use jxlake_frame::image_header::{BitDepth, Orientation};
/// use jxlake_util::{Axis, Pool};
///
/// // A gray image of two columns and one row, a quarter turn clockwise.
/// let canvas = Canvas {
///     width: 2,
///     height: 1,
///     orientation: Orientation::Rotate90,
///     is_gray: true,
///     colour_depth: BitDepth::default(),
///     extra_channels: &[],
/// };
/// let format = PixelFormat { channels: Channels::Gray, ..PixelFormat::default() };
/// let mut memory = [0u8; 2];
/// let image = ImageMut::from_slice(&mut memory, canvas.shape(&format)?)?;
///
/// let pool = Pool::new();
/// let mut tiling = Tiling::default();
/// let job = WriterJob { canvas, format, pool: &pool, level: fearless_simd::Level::new() };
/// let partition = Partition { columns: Axis::Every(1), rows: Axis::Every(1) };
/// let writer = Writer::new(image, &job, partition, &mut tiling)?;
/// writer.tile(1, 0)?.write_row(1, 0, &[&[1.0f32][..]])?;
/// writer.tile(0, 0)?.write_row(0, 0, &[&[0.5f32][..]])?;
/// drop(writer);
/// assert_eq!(memory, [128, 255]);
/// # Ok::<(), jxlake::output::OutputError>(())
/// ```
#[derive(Debug)]
pub struct Writer<'a, T> {
    pub(super) grid: Grid<'a, T>,
    pub(super) conversion: Conversion<'a>,
    pub(super) shape: ImageShape,
    pub(super) turn: Turn,
    pub(super) pool: &'a Pool,
    /// Tiles in a row and in a column, as stored.
    tiles: [usize; 2],
}

impl<'a, T: OutputSample> Writer<'a, T> {
    /// Divides the picture `image` into the tiles of `partition`.
    ///
    /// # Errors
    /// If the image cannot be had in the format, if its shape in that format is not the memory's, or if the partition is
    /// not one of the image.
    pub fn new(
        image: ImageMut<'a, T>,
        job: &WriterJob<'a>,
        partition: Partition<'_>,
        tiling: &'a mut Tiling,
    ) -> Result<Self, OutputError> {
        let conversion = Conversion::new::<T>(&job.canvas, &job.format, job.level)?;
        let shape = job.canvas.shape(&job.format)?;
        if image.shape() != shape {
            return Err(OutputError::Shape { expected: shape, found: image.shape() });
        }
        let (width, height) = (job.canvas.width, job.canvas.height);
        let parts = |axis: Axis<'_>, length| axis.parts(length).ok_or(OutputError::Tiles { width, height });
        let tiles = [parts(partition.columns, width)?, parts(partition.rows, height)?];

        let turn = Turn::of(&job.canvas);
        let across = Side { axis: partition.columns, length: width, flip: turn.flip_columns };
        let down = Side { axis: partition.rows, length: height, flip: turn.flip_rows };
        let (across, down) = if turn.transpose { (down, across) } else { (across, down) };
        let (view, plane_rows) = image.into_parts();
        tiling.columns.clear();
        across.append_edges(shape.samples_per_pixel(), 0, &mut tiling.columns);
        tiling.rows.clear();
        for plane in 0..shape.planes() {
            // Between the planes lies one part more, which nobody takes: empty, or the rows that no plane has.
            down.append_edges(1, plane * plane_rows, &mut tiling.rows);
        }
        let grid = view.into_grid(job.pool, Axis::Edges(&tiling.rows), Axis::Edges(&tiling.columns))?;
        Ok(Self { grid, conversion, shape, turn, pool: job.pool, tiles })
    }

    /// The tile in `column` and `row` of the partition, to write; each can be had once.
    ///
    /// # Errors
    /// [`OutputError::NoSuchTile`], or the pool's.
    pub fn tile(&self, column: usize, row: usize) -> Result<TileWriter<'_, T>, OutputError> {
        let [columns, rows] = self.tiles;
        if column >= columns || row >= rows {
            return Err(OutputError::NoSuchTile { column, row });
        }
        let turned = |index: usize, count: usize, flip: bool| if flip { count - 1 - index } else { index };
        let across = turned(column, columns, self.turn.flip_columns);
        let down = turned(row, rows, self.turn.flip_rows);
        if self.turn.transpose {
            TileWriter::new(self, [down, across], columns + 1)
        } else {
            TileWriter::new(self, [across, down], rows + 1)
        }
        .ok_or(OutputError::NoSuchTile { column, row })?
    }
}

/// One side of the image and how it is divided.
struct Side<'a> {
    axis: Axis<'a>,
    length: usize,
    flip: bool,
}

impl Side<'_> {
    /// Appends where the parts begin and where the last one ends, each times `scale` plus `offset`.
    fn append_edges(&self, scale: usize, offset: usize, edges: &mut Vec<usize>) {
        let start = edges.len();
        let mut push = |edge: usize| {
            let edge = if self.flip { self.length - edge } else { edge };
            edges.push(edge * scale + offset);
        };
        match self.axis {
            Axis::Edges(edges) => edges.iter().for_each(|edge| push(*edge)),
            Axis::Every(step) => {
                (0..self.length).step_by(step).for_each(&mut push);
                push(self.length);
            }
        }
        if self.flip {
            edges[start..].reverse();
        }
    }
}
