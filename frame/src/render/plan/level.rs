//! Levels: the samples of a channel between two window stages, and where they lie.

use super::{AXES, Axis, Plan, Shift};
use crate::Error;
use crate::render::{LANES, invalid_call};

/// Distances of an interval from the edges of a group, constant over the frame (except at its edges, where
/// the interval ends).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Margins {
    /// How far the interval begins before the group, per axis.
    pub(crate) before: [usize; 2],
    /// How far it ends before the group does, per axis.
    pub(crate) after: [usize; 2],
}

/// The samples of one channel between two window stages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) shift: Shift,
    /// Columns and rows in the frame.
    pub(crate) size: [usize; 2],
    /// Columns and rows of a group.
    pub(crate) tile: [usize; 2],
    pub(crate) margins: Margins,
    pub(crate) in_group: bool,
    /// Elements of a row before the group's first column, a multiple of 16.
    pub(crate) lead: usize,
    /// Columns from the group's first one on that there is room for, a multiple of 16.
    pub(crate) columns: usize,
    /// First element in its buffer, row distance, rows.
    pub(crate) offset: usize,
    pub(crate) stride: usize,
    pub(crate) slots: usize,
    /// Rows its producer makes at a time.
    pub(super) emission: usize,
    /// Where its part of a right strip and of a bottom strip begins.
    pub(crate) strips: [usize; 2],
}

impl Level {
    /// `[start, end)` of the samples of `margins` along an axis for the `index`th group of `groups`.
    pub(crate) fn span(&self, margins: &Margins, axis: Axis, index: usize, groups: usize) -> (usize, usize) {
        let axis = axis as usize;
        let (tile, size) = (self.tile[axis], self.size[axis]);
        let start = if index == 0 { 0 } else { index * tile - margins.before[axis] };
        let end = if index + 1 == groups { size } else { (index + 1) * tile - margins.after[axis] };
        (start, end)
    }

    /// How many columns and rows the group at `position` has.
    pub(crate) fn tile_size(&self, position: [usize; 2]) -> [usize; 2] {
        [0, 1]
            .map(|axis| self.tile[axis].min(self.size[axis].saturating_sub(position[axis] * self.tile[axis])))
    }

    /// The element of a group's buffer that holds this row and column, counted from the group's first ones.
    /// They may be negative as far as the margins go.
    pub(crate) fn element(&self, row: isize, column: isize) -> usize {
        let row = (self.margins.before[1] as isize + row) as usize;
        self.offset + row * self.stride + (self.lead as isize + column) as usize
    }
}

impl Plan {
    /// A level of this resolution, not yet placed.
    pub(super) fn level(&self, shift: Shift, in_group: bool) -> Result<Level, Error> {
        let frame = self.frame.ok_or(invalid_call("no frame"))?;
        let size = AXES.map(|axis| frame.size(axis).div_ceil(1 << shift.along(axis)));
        let tile = AXES.map(|axis| frame.group_size >> shift.along(axis));
        if AXES.iter().any(|&axis| !frame.group_size.is_multiple_of(LANES << shift.along(axis))) {
            return Err(invalid_call("group size is not a multiple of the scale"));
        }
        Ok(Level {
            shift,
            size,
            tile,
            margins: Margins::default(),
            in_group,
            lead: 0,
            columns: tile[0].min(size[0]).next_multiple_of(LANES),
            offset: 0,
            stride: 0,
            slots: 0,
            emission: 1,
            strips: [0, 0],
        })
    }
}

/// Width of a group's right strip and height of its bottom strip; the width is whole lines.
pub(crate) fn strip_size(level: &Level) -> [usize; 2] {
    [level.margins.before[0].next_multiple_of(LANES), level.margins.before[1]]
}

/// Elements from row to row: whole lines, and no two rows of a window at the same place of a page.
pub(super) fn row_stride(elements: usize) -> usize {
    let stride = elements.next_multiple_of(LANES);
    if stride.is_multiple_of(512) { stride + LANES } else { stride }
}
