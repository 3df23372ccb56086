//! Patches as a stage: rows of reference frames are put into rows of the frame.

use super::patches::{PatchList, Placement};
use crate::composition::{Blending, COLOUR_CHANNELS, ChannelBlending, ExtraChannelRole, Slots, StackedRow};
use crate::error::{Error, Result};
use crate::render::{PointRows, PointStage};
use jxlake_util::{Rect, Scratch, ScratchGuard, ViewMut2};
use std::ops::Range;

/// Memory for blending a part of a row.
#[derive(Debug, Default)]
pub struct PatchRow {
    samples: Vec<f32>,
    saved: Vec<f32>,
}

/// Draws patches onto all channels, in their order.
#[derive(Clone, Copy)]
pub struct DrawPatches<'f> {
    pub(super) list: &'f PatchList,
    pub(super) slots: &'f Slots,
    pub(super) roles: &'f [ExtraChannelRole],
    pub(super) scratch: &'f Scratch<PatchRow>,
}

/// A part of a row that a patch covers.
struct Piece<'f> {
    /// Columns of the frame.
    columns: Range<usize>,
    /// The same columns of the patch, in its reference frame.
    source_columns: Range<usize>,
    source_row: usize,
    slot: usize,
    /// How colours are blended, and each extra channel.
    colour: &'f ChannelBlending,
    extra: &'f [ChannelBlending],
}

impl<'f> DrawPatches<'f> {
    fn channels(&self) -> usize {
        COLOUR_CHANNELS + self.roles.len()
    }

    /// What a placement draws into these columns of row `y`.
    fn piece(&self, placement: &Placement, y: usize, columns: &Range<usize>) -> Option<Piece<'f>> {
        let list = self.list;
        let patch = list.patches.get(placement.patch as usize)?;
        let row = y.checked_sub(placement.y as usize).filter(|&row| row < patch.height as usize)?;
        let left = placement.x as usize;
        let columns = columns.start.max(left)..columns.end.min(left + patch.width as usize);
        if columns.is_empty() {
            return None;
        }
        let source = patch.x as usize + columns.start - left;
        let (colour, extra) = list.blendings.get(placement.blending as usize..)?.split_first()?;
        Some(Piece {
            source_columns: source..source + columns.len(),
            columns,
            source_row: patch.y as usize + row,
            slot: patch.slot,
            colour,
            extra: extra.get(..list.channels - 1)?,
        })
    }

    /// The pieces of row `y` between the columns `x`, in the order in which they are drawn.
    fn pieces(&self, y: usize, x: Range<usize>) -> impl Iterator<Item = Piece<'f>> {
        let stage = *self;
        let list = self.list;
        list.tiles.parts(y, x).flat_map(move |(columns, numbers)| {
            let placements = numbers.iter().filter_map(|&number| list.placements.get(number as usize));
            placements.filter_map(move |placement| stage.piece(placement, y, &columns))
        })
    }

    /// Draws a piece whose channels do not depend on each other.
    fn combine(&self, piece: &Piece<'_>, rows: &mut PointRows<'_>) -> Result<()> {
        let source = &self.slots.reference[piece.slot];
        let at = piece.columns.start - rows.x()..piece.columns.end - rows.x();
        let blendings = [piece.colour; COLOUR_CHANNELS].into_iter().chain(piece.extra);
        for (channel, blending) in blendings.enumerate() {
            let new = source.row(channel, piece.source_row).get(piece.source_columns.clone());
            let old = rows.row(channel)?.get_mut(at.clone());
            let (Some(new), Some(old)) = (new, old) else { return Err(OUTSIDE) };
            blending.combine(old, new);
        }
        Ok(())
    }

    /// Draws a piece of any blending, by way of a copy of the rows.
    fn blend(&self, piece: &Piece<'_>, rows: &mut PointRows<'_>, scratch: &mut PatchRow) -> Result<()> {
        let PatchRow { samples, saved } = scratch;
        let (channels, width) = (self.channels(), piece.columns.len());
        let at = piece.columns.start - rows.x()..piece.columns.end - rows.x();
        samples.clear();
        for channel in 0..channels {
            samples.extend_from_slice(rows.row(channel)?.get(at.clone()).ok_or(OUTSIDE)?);
        }
        let source = &self.slots.reference[piece.slot];
        let view = source.view().ok_or(OUTSIDE)?;
        let new = StackedRow {
            x: 0,
            y: piece.source_row,
            channels: view.sub(Rect::new(0, piece.source_row * channels, view.cols(), channels)),
        };
        let old = ViewMut2::from_slice(samples, channels, width, width).map_err(|_| OUTSIDE)?;
        let blending = Blending { colour: *piece.colour, extra: piece.extra, roles: self.roles };
        blending.blend_row(old, &new, piece.source_columns.clone(), saved);
        for (channel, blended) in samples.chunks_exact(width).enumerate() {
            rows.row(channel)?.get_mut(at.clone()).ok_or(OUTSIDE)?.copy_from_slice(blended);
        }
        Ok(())
    }
}

const OUTSIDE: Error = Error::Misuse("a patch outside of its frames");

impl PointStage for DrawPatches<'_> {
    fn name(&self) -> &'static str {
        "patches"
    }

    fn touches(&self, channel: usize) -> bool {
        channel < self.channels()
    }

    fn run(&self, rows: &mut PointRows<'_>) -> Result<()> {
        let (y, x) = (rows.y(), rows.x()..rows.x() + rows.width());
        if self.list.independent {
            return self.pieces(y, x).try_for_each(|piece| self.combine(&piece, rows));
        }
        let mut scratch: Option<ScratchGuard<'_, PatchRow>> = None;
        for piece in self.pieces(y, x) {
            let scratch = scratch.get_or_insert_with(|| self.scratch.take());
            self.blend(&piece, rows, scratch)?;
        }
        Ok(())
    }
}
