//! The loop over a row of a channel whose tree does not need the weighted predictor.

use jxlake_entropy::IntegerReader;

use super::super::predictor::Neighbours;
use super::super::properties::gradient;
use super::choosers::{Chooser, Reconstruct};
use super::rows::Rows;
use super::stream::Stream;

/// Decodes a row that is not the first one.
#[inline(always)]
pub(crate) fn decode_row<'b, R, C, P>(mut stream: Stream<'b, R>, rows: Rows<'_>, chooser: &C) -> Stream<'b, R>
where
    R: IntegerReader,
    C: Chooser,
    P: Reconstruct,
{
    let Rows { row, north, north_north, .. } = rows;
    let width = row.len();
    // Zipped rather than as windows, which would test two ends.
    let above = north[..width].iter().zip(&north[1..=width]).zip(&north[2..width + 2]);
    let mut west = north[0];
    let mut west_west = west;
    let mut north_west = west;
    let mut gradient_before = 0;
    for (x, ((decoded, above), &north_north)) in
        row.iter_mut().zip(above).zip(&north_north[..width]).enumerate()
    {
        let ((&north, &north_east), &north_east_east) = above;
        let around =
            Neighbours { west, north, north_west, north_east, west_west, north_north, north_east_east };
        let leaf = chooser.choose(x, &around, gradient_before);
        let residual = stream.residual(leaf.cluster);
        let sample = P::sample(leaf, residual, &around, 0);
        *decoded = sample;
        gradient_before = gradient(&around);
        north_west = north;
        // In the second column the second sample to the left is again the first one.
        west_west = if x == 0 { sample } else { west };
        west = sample;
    }
    stream
}
