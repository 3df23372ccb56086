//! The channels as the decoding loops see them: rows of 32-bit samples, whatever type stores them. Once per row and not
//! per sample, so that each loop is compiled once for both types.

use super::super::channel::{Channel, ChannelShape, Sample};
use super::super::properties::fill_reference;

/// A list of channels of one sample type.
pub(crate) trait Store {
    /// Number of channels.
    fn channels(&self) -> usize;

    /// The shape of a channel.
    fn shape(&self, channel: usize) -> ChannelShape;

    /// Fills a channel with one value. Bits of `overflow` become set if it does not fit.
    fn fill(&mut self, channel: usize, value: i32, overflow: &mut i32);

    /// Stores row `y` of a channel; `overflow` as in [`fill`](Self::fill).
    fn store_row(&mut self, channel: usize, y: usize, row: &[i32], overflow: &mut i32);

    /// Computes the four properties that row `y` of a channel gives as a reference, one row after the other.
    fn fill_reference(&self, channel: usize, y: usize, values: &mut [i32]);
}

impl<S: Sample> Store for &mut [Channel<S>] {
    fn channels(&self) -> usize {
        self.len()
    }

    fn shape(&self, channel: usize) -> ChannelShape {
        self[channel].shape
    }

    fn fill(&mut self, channel: usize, value: i32, overflow: &mut i32) {
        if let Some(mut samples) = self[channel].view_mut() {
            samples.fill(S::narrow(value, overflow));
        }
    }

    fn store_row(&mut self, channel: usize, y: usize, row: &[i32], overflow: &mut i32) {
        if let Some(mut samples) = self[channel].view_mut() {
            for (stored, &sample) in samples.row_mut(y).iter_mut().zip(row) {
                *stored = S::narrow(sample, overflow);
            }
        }
    }

    fn fill_reference(&self, channel: usize, y: usize, values: &mut [i32]) {
        if let Some(samples) = self[channel].view() {
            let north = y.checked_sub(1).map(|y| samples.row(y));
            fill_reference(values, samples.row(y), north);
        }
    }
}
