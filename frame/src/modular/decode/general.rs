//! The loop for any tree, sample by sample as the format says; also for every channel's first row.

use jxlake_entropy::IntegerReader;

use super::super::predictor::Neighbours;
use super::super::properties::{Place, References, fill_plain, gradient};
use super::super::prune::PrunedTree;
use super::super::weighted::WeightedState;
use super::rows::Rows;
use super::stream::Stream;

/// What the loop needs besides the rows.
pub(crate) struct General<'a> {
    pub(crate) tree: &'a PrunedTree,
    /// With the properties of this row.
    pub(crate) references: &'a References,
    /// `None` if the tree does not need it.
    pub(crate) weighted: Option<&'a mut WeightedState>,
}

impl General<'_> {
    /// Decodes a row. Not ended in the weighted predictor.
    pub(crate) fn decode_row<R: IntegerReader>(&mut self, stream: &mut Stream<'_, R>, rows: &mut Rows<'_>) {
        let width = rows.row.len();
        let above = |row| if rows.y > 0 { Some(row) } else { None };
        let north = above(&rows.north[..width]);
        let north_north = above(&rows.north_north[..width]);
        let mut properties = [0; 256];
        let mut gradient_before = 0;
        for x in 0..width {
            let around = Neighbours::around(rows.row, north, north_north, x);
            let prediction = self.weighted.as_ref().map(|weighted| weighted.predict(x, &around));
            let (weighted, max_error) =
                prediction.as_ref().map_or((0, 0), |prediction| (prediction.value(), prediction.max_error));
            fill_plain(&mut properties, &around, Place { x, y: rows.y, gradient_before, max_error });
            self.references.fill(&mut properties, x);
            gradient_before = gradient(&around);

            let leaf = self.tree.walk(&properties);
            let sample = stream
                .residual(leaf.cluster)
                .wrapping_mul(leaf.multiplier)
                .wrapping_add(leaf.offset)
                .wrapping_add(around.predict(leaf.predictor, weighted));
            rows.row[x] = sample;
            if let (Some(weighted), Some(prediction)) = (&mut self.weighted, &prediction) {
                weighted.update(x, prediction, sample);
            }
        }
    }
}
