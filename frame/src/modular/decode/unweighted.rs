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
    let (windows, north_north) = (north[..row.len() + 2].windows(3), &north_north[..row.len()]);
    let mut west = north[0];
    let mut west_west = west;
    let mut north_west = west;
    let mut gradient_before = 0;
    for (x, ((decoded, window), &north_north)) in row.iter_mut().zip(windows).zip(north_north).enumerate() {
        let &[north, north_east, north_east_east] = window else { break };
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
