//! The canvas of a frame that is laid over others: its background, and how it is shown.

use super::frame::FrameJob;
use super::output::{Partition, PixelTile, PixelWriter};
use crate::composition::{
    BlendOperation, COLOUR_CHANNELS, ChannelBlending, ExtraChannelRole, SavedFrame, Slots, StackedRow,
};
use crate::decoder::Context;
use crate::error::{Error, Invalid, Result};
use crate::frame_header::{BlendMode, BlendingInfo, FrameHeader};
use crate::image_header::{ExtraChannelKind, ImageHeader, Size};
use jxlake_util::{Axis, Rect, Scratch, Threads};

/// Rows of the canvas that one task fills or shows.
const BAND: usize = 64;

/// How the channels of a frame are blended, in the words of the blending procedure; reused from frame to frame.
#[derive(Debug, Default)]
pub(super) struct BlendingTable {
    pub(super) colour: ChannelBlending,
    pub(super) extra: Vec<ChannelBlending>,
    pub(super) roles: Vec<ExtraChannelRole>,
}

impl BlendingTable {
    /// Takes the blending of a frame from its header.
    pub(super) fn read(&mut self, image: &ImageHeader, header: &FrameHeader) {
        self.colour = channel_blending(&header.blending);
        self.extra.clear();
        self.extra.extend(header.extra_blending.iter().map(channel_blending));
        self.read_roles(image);
    }

    /// Takes the roles of the extra channels.
    pub(super) fn read_roles(&mut self, image: &ImageHeader) {
        self.roles.clear();
        self.roles.extend(image.extra_channels.iter().map(|channel| match channel.kind {
            ExtraChannelKind::Alpha { associated } => ExtraChannelRole { is_alpha: true, associated },
            _ => ExtraChannelRole::default(),
        }));
    }
}

fn channel_blending(info: &BlendingInfo) -> ChannelBlending {
    let operation = match info.mode {
        BlendMode::Replace => BlendOperation::Replace,
        BlendMode::Add => BlendOperation::Add,
        BlendMode::Blend => BlendOperation::Above,
        BlendMode::AlphaWeightedAdd => BlendOperation::WeightedAddAbove,
        BlendMode::Mul => BlendOperation::Multiply,
    };
    ChannelBlending { operation, alpha_channel: info.alpha_channel as usize, clamp: info.clamp }
}

/// The part of a frame, in its own pixels, that lies on the canvas, and where on the canvas it begins.
pub(super) fn part_on_canvas(header: &FrameHeader, frame: Size, canvas: Size) -> (Rect, [usize; 2]) {
    let overlap = |origin: i32, length: u32, canvas: u32| {
        let origin = i64::from(origin);
        let start = origin.clamp(0, canvas.into());
        let end = (origin + i64::from(length)).clamp(start, canvas.into());
        ((start - origin).max(0) as usize, (end - start) as usize, start as usize)
    };
    let (x, width, canvas_x) = overlap(header.x0, frame.width, canvas.width);
    let (y, height, canvas_y) = overlap(header.y0, frame.height, canvas.height);
    (Rect::new(x, y, width, height), [canvas_x, canvas_y])
}

/// Fills a canvas with what lies below a frame: each channel from the slot that its blending names, zeros if that is empty.
///
/// # Errors
///
/// Invalid if a slot is smaller than the canvas or the colours' was saved before the colour transform.
pub(super) fn fill_background(
    canvas: &mut SavedFrame,
    slots: &Slots,
    header: &FrameHeader,
    context: &Context,
) -> Result<()> {
    let (size, channels) = (canvas.size(), canvas.channels());
    let source = |channel: usize| {
        let info = channel.checked_sub(COLOUR_CHANNELS).and_then(|extra| header.extra_blending.get(extra));
        &slots.reference[usize::from(info.unwrap_or(&header.blending).source) % slots.reference.len()]
    };
    for channel in 0..channels {
        let slot = source(channel);
        let small = slot.size().width < size.width || slot.size().height < size.height;
        let untransformed = channel < COLOUR_CHANNELS && slot.is_before_colour_transform();
        if !slot.is_empty() && (small || untransformed) {
            return Err(
                Invalid::BlendingSource { width: slot.size().width, height: slot.size().height }.into()
            );
        }
    }
    let Some(view) = canvas.view_mut() else { return Ok(()) };
    let bands =
        view.into_grid(&context.pool, Axis::Every(BAND * channels), Axis::Every(size.width as usize))?;
    context.threads.run(bands.rows(), |band| {
        let Some(mut rows) = bands.take(band, 0) else { return Ok(()) };
        for row in 0..rows.rows() {
            let (channel, y) = (row % channels, band * BAND + row / channels);
            match source(channel).row(channel, y).get(..size.width as usize) {
                Some(from) => rows.row_mut(row).copy_from_slice(from),
                None => rows.row_mut(row).fill(0.0),
            }
        }
        Ok(())
    })
}

/// The division of a canvas of this size into the bands that [`show`] writes.
pub(super) fn partition(size: Size) -> Partition<'static> {
    Partition { columns: Axis::Every((size.width as usize).max(1)), rows: Axis::Every(BAND) }
}

/// Shows a canvas, spot colours mixed in if the caller wants them, in the colours that are delivered.
pub(super) fn show(
    canvas: &SavedFrame,
    job: &FrameJob<'_>,
    threads: &Threads,
    writer: &dyn PixelWriter,
    scratch: &Scratch<Vec<f32>>,
) -> Result<()> {
    let (size, channels) = (canvas.size(), canvas.channels());
    let (width, height) = (size.width as usize, size.height as usize);
    let Some(samples) = canvas.view() else { return Err(Error::Misuse("no canvas to show")) };
    let spot = super::chain::SpotColours::of(job);
    let delivery = super::delivery::DeliveryStage::of(job)?;
    let show_row = |tile: &mut dyn PixelTile, y: usize, mixed: &mut Vec<f32>| {
        let channels = samples.sub(Rect::new(0, y * channels, width, channels));
        let row = StackedRow { x: 0, y, channels };
        if spot.is_none() && delivery.is_none() {
            return tile.real_row(&row);
        }
        mixed.clear();
        channels.iter_rows().for_each(|row| mixed.extend_from_slice(row));
        if let Some(spot) = &spot {
            spot.mix(mixed, width);
        }
        if let Some(delivery) = &delivery {
            delivery.apply(job.context.level, mixed, width)?;
        }
        let channels = jxlake_util::View2::from_slice(mixed, channels.rows(), width, width)
            .map_err(|_| Error::Misuse("rows of a canvas"))?;
        tile.real_row(&StackedRow { channels, ..row })
    };
    threads.run(height.div_ceil(BAND), |band| {
        let top = band * BAND;
        let rows = BAND.min(height - top);
        writer.tile(band, 0, Rect::new(0, top, width, rows), &mut |tile| {
            let mut mixed = scratch.take();
            (top..top + rows).try_for_each(|y| show_row(tile, y, &mut mixed))
        })
    })
}
