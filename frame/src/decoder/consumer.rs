//! What becomes of the rows of a rendered frame: they are saved, blended onto a canvas, shown.

use crate::composition::Blending;
use crate::decoder::{PixelTile, PixelWriter};
use crate::error::{Error, Result};
use crate::render::{ConsumerRow, Region, RenderRegion, RowConsumer, RowSink};
use jxlake_util::{Grid, Rect, Scratch, ScratchGuard, ViewMut2};

/// Samples of a saved frame or canvas, divided as the rendered frame is.
///
/// The grid covers the part of the destination that the frame reaches; its rows are the rows of all channels, one channel
/// after the other ([`SavedFrame`](crate::composition::SavedFrame)).
pub(super) struct Destination<'f> {
    pub(super) grid: Grid<'f, f32>,
    pub(super) channels: usize,
    /// The part of the frame, in its own pixels, that the grid covers.
    pub(super) part: Rect,
    /// How rows are combined with what is there; without it they replace it.
    pub(super) blending: Option<Blending<'f>>,
}

/// A tile of a [`Destination`].
pub(super) struct DestinationTile<'a> {
    samples: ViewMut2<'a, f32>,
    /// The tile in pixels of the frame.
    rect: Rect,
}

impl Destination<'_> {
    fn tile(&self, region: &Region) -> Result<DestinationTile<'_>> {
        let samples = self.grid.take(region.row, region.column).ok_or(TILE_TAKEN)?;
        Ok(DestinationTile { samples, rect: region.rect.intersect(self.part) })
    }

    fn put(&self, tile: &mut DestinationTile<'_>, row: &ConsumerRow<'_>, saved: &mut Vec<f32>) {
        let rect = tile.rect;
        let Some(y) = row.y().checked_sub(rect.y).filter(|&y| y < rect.height && rect.width > 0) else {
            return;
        };
        let from = rect.x - row.x();
        let part = from..from + rect.width;
        let all = Rect::new(0, y * self.channels, rect.width, self.channels);
        let mut to = tile.samples.sub_mut(all);
        if let Some(blending) = &self.blending {
            return blending.blend_row(to, row, part, saved);
        }
        for channel in 0..self.channels {
            if let Some(samples) = row.channel(channel).get(part.clone()) {
                to.row_mut(channel).copy_from_slice(samples);
            }
        }
    }
}

const TILE_TAKEN: Error = Error::Misuse("a region was rendered twice");

/// The consumer of a frame's rows.
#[derive(Clone, Copy)]
pub(super) struct FrameConsumer<'f> {
    /// Takes the rows of the first tap, in the coded colour space.
    pub(super) before: Option<&'f Destination<'f>>,
    /// Takes the rows of the next tap, in the delivered colour encoding.
    pub(super) after: Option<&'f Destination<'f>>,
    /// Takes the finished rows.
    pub(super) writer: Option<&'f dyn PixelWriter>,
    /// Memory for blending.
    pub(super) saved: &'f Scratch<Vec<f32>>,
}

/// What is saved and blended while the rows of a region come.
struct RegionTiles<'a> {
    before: Option<DestinationTile<'a>>,
    after: Option<DestinationTile<'a>>,
    saved: ScratchGuard<'a, Vec<f32>>,
}

/// Takes the rows of a region.
struct RegionSink<'a, 'c> {
    consumer: &'a FrameConsumer<'c>,
    tiles: &'a mut RegionTiles<'c>,
    shown: Option<&'a mut dyn PixelTile>,
}

impl RowConsumer for FrameConsumer<'_> {
    fn region(&self, region: &Region, render: &mut RenderRegion<'_>) -> Result<()> {
        let tiles = &mut RegionTiles {
            before: self.before.map(|to| to.tile(region)).transpose()?,
            after: self.after.map(|to| to.tile(region)).transpose()?,
            saved: self.saved.take(),
        };
        match self.writer {
            Some(writer) => writer.tile(region.row, region.column, region.rect, &mut |tile| {
                render(&mut RegionSink { consumer: self, tiles, shown: Some(tile) })
            }),
            None => render(&mut RegionSink { consumer: self, tiles, shown: None }),
        }
    }
}

impl RowSink for RegionSink<'_, '_> {
    fn row(&mut self, row: &ConsumerRow<'_>) -> Result<()> {
        let RegionTiles { before, after, saved } = &mut *self.tiles;
        let after_tap = usize::from(before.is_some());
        let end = after_tap + usize::from(after.is_some());
        if let (0, Some(to), Some(tile)) = (row.tap(), self.consumer.before, before) {
            to.put(tile, row, saved);
        } else if let (true, Some(to), Some(tile)) = (row.tap() == after_tap, self.consumer.after, after) {
            to.put(tile, row, saved);
        } else if let (true, Some(tile)) = (row.tap() == end, &mut self.shown) {
            tile.real_row(row)?;
        }
        Ok(())
    }
}
