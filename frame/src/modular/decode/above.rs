//! What the properties of a row that do not depend on its own samples leave possible.

use super::super::properties::References;
use super::super::tree::PLAIN_PROPERTIES;
use super::mask::{Index, Mask, MaskTables, restrict};
use super::rows::Rows;

/// Computes for each column which leaves are left by the properties that do not depend on samples of the row.
pub(crate) fn fill_above<const W: usize>(
    above: &mut [Mask<W>],
    masks: &MaskTables,
    rows: &Rows<'_>,
    references: &References,
) {
    let width = above.len();
    let (north, north_north) = (&rows.north[..width + 2], &rows.north_north[..width]);
    above.fill(masks.every_leaf());
    for (index, table) in masks.above() {
        match index {
            Index::Row => {
                let mask = table.at(rows.y as i32);
                above.iter_mut().for_each(|above| restrict(above, mask));
            }
            Index::Column => {
                above.iter_mut().zip(0..).for_each(|(above, x)| restrict(above, table.at(x)));
            }
            Index::North => {
                above.iter_mut().zip(north).for_each(|(above, &north)| restrict(above, table.at(north)));
            }
            Index::Property(11) => {
                let mut north_west = north[0];
                for (above, &north) in above.iter_mut().zip(north) {
                    restrict(above, table.at(north_west.wrapping_sub(north)));
                    north_west = north;
                }
            }
            Index::Property(12) => {
                for (above, pair) in above.iter_mut().zip(north.windows(2)) {
                    restrict(above, table.at(pair[0].wrapping_sub(pair[1])));
                }
            }
            Index::Property(13) => {
                for ((above, &north), &north_north) in above.iter_mut().zip(north).zip(north_north) {
                    restrict(above, table.at(north.wrapping_sub(north_north)));
                }
            }
            Index::Property(property) if usize::from(property) >= PLAIN_PROPERTIES => {
                for (above, &value) in above.iter_mut().zip(references.row(property)) {
                    restrict(above, table.at(value));
                }
            }
            // These depend on the sample to the left.
            Index::West | Index::Property(_) => {}
        }
    }
}
