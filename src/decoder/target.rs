//! Pictures in the caller's memory as what a codestream writes to.

use super::Delivered;
use crate::output::{
    Image, ImageMut, InputSample, OutputError, OutputSample, PixelFormat, SampleRows, TileWriter, Tiling,
    Writer, WriterJob,
};
use jxlake_frame::composition::ChannelRows;
use jxlake_frame::decoder::{
    Codestream, Context, DisplayedFrame, DrawFrame, DrawTile, Output, Partition, PixelTile, PixelWriter,
};
use jxlake_frame::error::Error as FrameError;
use jxlake_util::Rect;

/// A sample type that the decoder writes. What depends on it is compiled in this crate, once, and not again by each user.
pub trait DecodeTarget: Sized {
    /// Decodes the next displayed frame; false behind the last one.
    #[doc(hidden)]
    fn decode_next(
        codestream: &mut Codestream,
        data: &[u8],
        output: &mut PictureOutput<'_, Self>,
    ) -> jxlake_frame::Result<bool>;

    /// Decodes the next layer; false behind the last one.
    #[doc(hidden)]
    fn decode_layer(
        codestream: &mut Codestream,
        data: &[u8],
        output: &mut LayerOutput<'_, Self>,
    ) -> jxlake_frame::Result<bool>
    where
        Self: OutputSample;

    /// Decodes the preview; false if there is none.
    #[doc(hidden)]
    fn decode_preview(
        codestream: &mut Codestream,
        data: &[u8],
        output: &mut LayerOutput<'_, Self>,
    ) -> jxlake_frame::Result<bool>
    where
        Self: OutputSample;
}

/// [`DecodeTarget::decode_layer`] or [`DecodeTarget::decode_preview`].
pub(super) type DecodeLone<T> =
    fn(&mut Codestream, &[u8], &mut LayerOutput<'_, T>) -> jxlake_frame::Result<bool>;

macro_rules! decode_target {
    ($($sample:ty),*) => {$(
        impl DecodeTarget for $sample {
            fn decode_next(
                codestream: &mut Codestream,
                data: &[u8],
                output: &mut PictureOutput<'_, Self>,
            ) -> jxlake_frame::Result<bool> {
                let context = output.context;
                // The threads are entered once, and not for each phase.
                context.threads.enter(|| Ok(codestream.next_displayed(data, context, output)?.is_some()))
            }

            fn decode_layer(
                codestream: &mut Codestream,
                data: &[u8],
                output: &mut LayerOutput<'_, Self>,
            ) -> jxlake_frame::Result<bool> {
                let context = output.context;
                context.threads.enter(|| Ok(codestream.next_layer(data, context, output)?.is_some()))
            }

            fn decode_preview(
                codestream: &mut Codestream,
                data: &[u8],
                output: &mut LayerOutput<'_, Self>,
            ) -> jxlake_frame::Result<bool> {
                let context = output.context;
                context.threads.enter(|| codestream.decode_preview(data, context, output))
            }
        }
    )*};
}

decode_target!(u8, u16, half::f16, f32);

/// A picture in memory as what a codestream writes to.
#[derive(Debug)]
pub struct PictureOutput<'o, T> {
    pub(super) image: ImageMut<'o, T>,
    pub(super) format: PixelFormat,
    pub(super) context: &'o Context,
    pub(super) tiling: &'o mut Tiling,
    pub(super) delivered: Delivered,
}

impl<T: OutputSample> Output for PictureOutput<'_, T> {
    fn show(
        &mut self,
        frame: DisplayedFrame<'_>,
        partition: Partition<'_>,
        draw: &mut DrawFrame<'_>,
    ) -> jxlake_frame::Result<()> {
        let job = WriterJob {
            canvas: self.delivered.canvas(frame.image),
            format: self.format,
            pool: &self.context.pool,
            level: self.context.level,
        };
        let partition = crate::output::Partition { columns: partition.columns, rows: partition.rows };
        let writer = Writer::new(self.image.reborrow(), &job, partition, self.tiling).map_err(refused)?;
        draw(&PictureWriter(writer))
    }
}

/// Layers, or a preview, as what a codestream writes to; each has a size of its own.
#[derive(Debug)]
pub struct LayerOutput<'o, T: OutputSample> {
    pub(super) image: Option<Image<T>>,
    pub(super) format: PixelFormat,
    pub(super) context: &'o Context,
    pub(super) tiling: &'o mut Tiling,
    pub(super) delivered: Delivered,
}

impl<T: OutputSample> Output for LayerOutput<'_, T> {
    fn show(
        &mut self,
        frame: DisplayedFrame<'_>,
        partition: Partition<'_>,
        draw: &mut DrawFrame<'_>,
    ) -> jxlake_frame::Result<()> {
        let mut canvas = self.delivered.canvas(frame.image);
        (canvas.width, canvas.height) = (frame.size.width as usize, frame.size.height as usize);
        self.image = None;
        let shape = canvas.shape(&self.format).map_err(refused)?;
        let image = self.image.insert(Image::new(&self.context.pool, shape).map_err(refused)?);
        let job =
            WriterJob { canvas, format: self.format, pool: &self.context.pool, level: self.context.level };
        let partition = crate::output::Partition { columns: partition.columns, rows: partition.rows };
        let writer = Writer::new(image.as_mut(), &job, partition, self.tiling).map_err(refused)?;
        draw(&PictureWriter(writer))
    }
}

/// The picture of one frame while it is written.
struct PictureWriter<'a, T>(Writer<'a, T>);

impl<T: OutputSample> PixelWriter for PictureWriter<'_, T> {
    fn tile(&self, row: usize, column: usize, _: Rect, draw: &mut DrawTile<'_>) -> jxlake_frame::Result<()> {
        draw(&mut PictureTile(self.0.tile(column, row).map_err(refused)?))
    }
}

/// A tile of the picture while it is written.
struct PictureTile<'a, T: OutputSample>(TileWriter<'a, T>);

impl<T: OutputSample> PictureTile<'_, T> {
    fn write<I: InputSample>(&mut self, row: &dyn ChannelRows<I>) -> jxlake_frame::Result<()> {
        self.0.write_row(row.x(), row.y(), &Rows(row)).map_err(refused)
    }
}

impl<T: OutputSample> PixelTile for PictureTile<'_, T> {
    fn real_row(&mut self, row: &dyn ChannelRows<f32>) -> jxlake_frame::Result<()> {
        self.write(row)
    }

    fn narrow_row(&mut self, row: &dyn ChannelRows<i16>) -> jxlake_frame::Result<()> {
        self.write(row)
    }

    fn wide_row(&mut self, row: &dyn ChannelRows<i32>) -> jxlake_frame::Result<()> {
        self.write(row)
    }
}

/// A row of a frame, as the output takes it.
struct Rows<'r, I>(&'r dyn ChannelRows<I>);

impl<I> SampleRows<I> for Rows<'_, I> {
    fn row(&self, channel: usize) -> &[I] {
        self.0.channel(channel)
    }
}

/// An error of the output on its way through the codestream's decoder; all but the pool's are excluded by checks before.
fn refused(error: OutputError) -> FrameError {
    match error {
        OutputError::Pool(error) => error.into(),
        _ => FrameError::Misuse("the picture does not fit its memory"),
    }
}
