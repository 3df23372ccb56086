//! Properties of a position, by which the MA tree chooses.

use super::channel::Sample;
use super::decode::Store;
use super::predictor::{Neighbours, clamped_gradient};
use super::prune::references_of;
use super::tree::PLAIN_PROPERTIES;

/// Properties of one sample, those of references included.
pub(crate) type Properties = [i32; 256];

/// What properties depend on besides the neighbours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) x: usize,
    pub(crate) y: usize,
    /// Property 9 of the sample to the left; 0 in the first column.
    pub(crate) gradient_before: i32,
    /// Property 15.
    pub(crate) max_error: i32,
}

/// Writes properties 2 to 15.
#[inline]
pub(crate) fn fill_plain(properties: &mut Properties, around: &Neighbours, place: Place) {
    let Neighbours { west, north, north_west, north_east, west_west, north_north, .. } = *around;
    properties[2] = place.y as i32;
    properties[3] = place.x as i32;
    properties[4] = north.wrapping_abs();
    properties[5] = west.wrapping_abs();
    properties[6] = north;
    properties[7] = west;
    properties[8] = west.wrapping_sub(place.gradient_before);
    properties[9] = gradient(around);
    properties[10] = west.wrapping_sub(north_west);
    properties[11] = north_west.wrapping_sub(north);
    properties[12] = north.wrapping_sub(north_east);
    properties[13] = north.wrapping_sub(north_north);
    properties[14] = west.wrapping_sub(west_west);
    properties[15] = place.max_error;
}

/// Property 9.
#[inline(always)]
pub(crate) fn gradient(around: &Neighbours) -> i32 {
    around.west.wrapping_add(around.north).wrapping_sub(around.north_west)
}

/// The reference channels of a channel, and the properties that they give to one row of it.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// Indices of the channels, the nearest one first.
    channels: Vec<usize>,
    /// Of each property from 16 on, its values of the row.
    values: Vec<i32>,
    width: usize,
}

impl References {
    /// Finds at most `most` references of channel `index`: the channels before it, from the nearest on, that have its
    /// shape.
    pub(crate) fn find(&mut self, channels: &dyn Store, index: usize, most: usize) {
        let shape = channels.shape(index);
        self.width = shape.width as usize;
        let alike = (0..index).rev().filter(|&other| channels.shape(other) == shape);
        self.channels.clear();
        self.channels.extend(alike.take(most));
    }

    /// Number of references that were found.
    pub(crate) fn len(&self) -> usize {
        self.channels.len()
    }

    /// Keeps the first `len` references.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.channels.truncate(len);
    }

    /// Computes the properties of row `y`.
    pub(crate) fn fill_row(&mut self, channels: &dyn Store, y: usize) {
        let width = self.width;
        self.values.resize(self.channels.len() * 4 * width, 0);
        for (&channel, values) in self.channels.iter().zip(self.values.chunks_exact_mut(4 * width)) {
            channels.fill_reference(channel, y, values);
        }
    }

    /// Property `property >= 16` of the row, by column; empty if its reference does not exist.
    pub(crate) fn row(&self, property: u8) -> &[i32] {
        if references_of(property) > self.channels.len() {
            return &[];
        }
        let start = (usize::from(property) - PLAIN_PROPERTIES) * self.width;
        &self.values[start..start + self.width]
    }

    /// Writes all properties of references at column `x`.
    pub(crate) fn fill(&self, properties: &mut Properties, x: usize) {
        let rows = self.values.chunks_exact(self.width.max(1)).take(4 * self.channels.len());
        for (property, row) in properties[PLAIN_PROPERTIES..].iter_mut().zip(rows) {
            *property = row[x];
        }
    }
}

/// Four rows of properties: magnitude, value, and the same of what the gradient leaves of the value.
pub(crate) fn fill_reference<S: Sample>(values: &mut [i32], row: &[S], north: Option<&[S]>) {
    let (magnitudes, rest) = values.split_at_mut(row.len());
    let (plain, rest) = rest.split_at_mut(row.len());
    let (residual_magnitudes, residuals) = rest.split_at_mut(row.len());
    for x in 0..row.len() {
        let value = row[x].to_i32();
        let west = x.checked_sub(1).map(|x| row[x].to_i32());
        let above = north.map_or(west.unwrap_or(0), |north| north[x].to_i32());
        let north_west = match (north, x.checked_sub(1)) {
            (Some(north), Some(x)) => north[x].to_i32(),
            _ => west.unwrap_or(0),
        };
        let residual = value.wrapping_sub(clamped_gradient(west.unwrap_or(0), above, north_west));
        magnitudes[x] = value.wrapping_abs();
        plain[x] = value;
        residual_magnitudes[x] = residual.wrapping_abs();
        residuals[x] = residual;
    }
}
