//! What the properties of a row that do not depend on its own samples leave possible.

use super::super::properties::References;
use super::super::tree::PLAIN_PROPERTIES;
use super::mask::{Index, LEFT, Mask, MaskTables, SubtreeTables, restrict};
use super::rows::Rows;

/// Computes for each column which leaves are left by the properties that do not depend on samples of the row.
pub(crate) fn fill_above<const W: usize>(
    above: &mut [Mask<W>],
    masks: &MaskTables,
    rows: &Rows<'_>,
    references: &References,
) {
    above.fill(masks.every_leaf());
    for (index, table) in masks.above() {
        let values = above.iter_mut();
        with_values(index, rows, references, values, |above, value| restrict(above, table.at(value)));
    }
}

/// The same for subtrees, of which each column also has its intervals in the tables: `intervals` are as many rows as
/// there are tables.
pub(crate) fn fill_subtrees_above(
    above: &mut [u64],
    intervals: &mut [u8],
    masks: &MaskTables,
    rows: &Rows<'_>,
    references: &References,
) {
    let tables: SubtreeTables<'_> = masks.by_subtree();
    let width = above.len();
    above.fill(u64::MAX >> (64 - masks.words()));
    for ((index, table), intervals) in
        masks.above_indices().zip(LEFT.len()..).zip(intervals.chunks_exact_mut(width))
    {
        let columns = above.iter_mut().zip(intervals);
        with_values(index, rows, references, columns, |(above, interval), value| {
            *interval = tables.interval(table, value);
            *above &= tables.subtrees(table, *interval);
        });
    }
}

/// Calls `f` with something of each column and the value that a table is looked up with there.
#[inline(always)]
fn with_values<T>(
    index: Index,
    rows: &Rows<'_>,
    references: &References,
    columns: impl Iterator<Item = T>,
    mut f: impl FnMut(T, i32),
) {
    let width = rows.row.len();
    let (north, north_north) = (&rows.north[..width + 2], &rows.north_north[..width]);
    match index {
        Index::Row => columns.for_each(|column| f(column, rows.y as i32)),
        Index::Column => columns.zip(0..).for_each(|(column, x)| f(column, x)),
        Index::North => columns.zip(north).for_each(|(column, &north)| f(column, north)),
        Index::Property(11) => {
            let mut north_west = north[0];
            for (column, &north) in columns.zip(north) {
                f(column, north_west.wrapping_sub(north));
                north_west = north;
            }
        }
        Index::Property(12) => {
            for (column, pair) in columns.zip(north.windows(2)) {
                f(column, pair[0].wrapping_sub(pair[1]));
            }
        }
        Index::Property(13) => {
            for ((column, &north), &north_north) in columns.zip(north).zip(north_north) {
                f(column, north.wrapping_sub(north_north));
            }
        }
        Index::Property(property) if usize::from(property) >= PLAIN_PROPERTIES => {
            columns.zip(references.row(property)).for_each(|(column, &value)| f(column, value));
        }
        // These depend on the sample to the left.
        Index::West | Index::Property(_) => {}
    }
}
