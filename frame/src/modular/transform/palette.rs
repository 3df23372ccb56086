//! Channels replaced by one channel of indices into a palette: explicit entries, implicit colours, and deltas that are
//! added to a prediction.

use fearless_simd::{Simd, dispatch};
use jxlake_entropy::BitReader;
use jxlake_util::{View2, ViewMut2};

use super::delta_palette::DELTA_PALETTE;
use super::read_begin;
use super::undo::{MISSING, Parts, UndoContext};
use crate::error::{Error, Invalid, Result};
use crate::fields::{Fields, c, u};
use crate::limits::Limits;
use crate::modular::channel::{Channel, ChannelShape, Sample};
use crate::modular::channel_list::ChannelList;
use crate::modular::predictor::{Neighbours, Predictor};
use crate::modular::weighted::WeightedState;

/// Implicit colours and deltas have this many channels; in further ones they are 0.
const IMPLICIT_CHANNELS: usize = 3;
/// Implicit colours of the small cube, 4 × 4 × 4; those of the large cube, 5 × 5 × 5, come after it.
const SMALL_CUBE: i64 = 64;

/// A palette for the `channels` channels from `begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    begin: u32,
    channels: u32,
    colours: u32,
    deltas: u32,
    predictor: Predictor,
}

impl Palette {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let begin = read_begin(bits)?;
        let channels = bits.u32([c(1), c(3), c(4), 1 + u(13)])?;
        let colours = bits.u32([u(8), 256 + u(10), 1280 + u(12), 5376 + u(16)])?;
        let deltas = bits.u32([c(0), 1 + u(8), 257 + u(10), 1281 + u(16)])?;
        let place = bits.place();
        let code = bits.u(4)?;
        let predictor = Predictor::from_code(code)
            .ok_or_else(|| Invalid::Value { field: "d_pred", value: code.into() }.at(place))?;
        Ok(Self { begin, channels, colours, deltas, predictor })
    }

    /// The channels become one, the indices; the palette becomes the first channel of all, a meta-channel with a row
    /// for each of the channels.
    pub(super) fn apply(&self, channels: &mut ChannelList, limits: &Limits) -> Result<()> {
        let range = channels.alike(self.begin, self.channels)?;
        channels.reserve(1, limits.modular_channels)?;
        let table = ChannelShape::new(self.colours + self.deltas, self.channels).with_shifts(-1, -1);
        channels.merge(range, table);
        Ok(())
    }

    /// Index of the first of the channels, in the list without this palette.
    pub fn begin(&self) -> usize {
        self.begin as usize
    }

    /// Number of channels that the indices stand for.
    pub fn channels(&self) -> usize {
        self.channels as usize
    }

    /// Whether each sample depends on its index alone, and not on samples around it.
    pub fn is_pixel_local(&self) -> bool {
        self.predictor == Predictor::Zero
    }

    /// Replaces the indices, channel `begin` of `channels`, by what they stand for in `table`.
    pub(in crate::modular) fn undo<S: Sample>(
        &self,
        table: &Channel<S>,
        channels: &mut Vec<Channel<S>>,
        begin: usize,
        context: &UndoContext<'_>,
    ) -> Result<()> {
        let shape = channels.get(begin).ok_or(MISSING)?.shape;
        let others = channels.len();
        channels.reserve(self.channels() - 1);
        for _ in 1..self.channels() {
            channels.push(Channel::lease(context.pool, shape)?);
        }
        let (before, new) = channels.split_at_mut(others);
        let index = &mut before[begin];
        for (component, channel) in (1..).zip(new) {
            if let (Some(index), Some(output)) = (index.view(), channel.view_mut()) {
                self.component(table, component, context).undo(Some(index), output)?;
            }
        }
        // The first channel takes the place of the indices.
        if let Some(output) = index.view_mut() {
            self.component(table, 0, context).undo(None, output)?;
        }
        channels[begin + 1..].rotate_right(self.channels() - 1);
        Ok(())
    }

    fn component<'a, S: Sample>(
        &'a self,
        table: &'a Channel<S>,
        component: usize,
        context: &'a UndoContext<'a>,
    ) -> Component<'a, S> {
        let entries = table.view().map_or(&[][..], |table| table.row(component));
        Component { palette: self, entries, component, context }
    }
}

/// One of the channels that a palette stands for.
struct Component<'a, S> {
    palette: &'a Palette,
    /// Explicit entries of the palette.
    entries: &'a [S],
    component: usize,
    context: &'a UndoContext<'a>,
}

impl<S: Sample> Component<'_, S> {
    /// Writes the samples for the indices, which are in `output` itself if they are not given.
    fn undo(&self, index: Option<View2<'_, S>>, mut output: ViewMut2<'_, S>) -> Result<()> {
        if !self.palette.is_pixel_local() {
            if let Some(index) = index {
                output.copy_from(index);
            }
            return self.undo_predicted(output);
        }
        let parts = Parts::of_rows(self.context, output.shape(), 1);
        if parts.count() <= 1 {
            return self.undo_rows(index, output);
        }
        let grid = parts.grid(self.context, output)?;
        self.context.threads.run(parts.count(), |part| match (grid.rect(part, 0), grid.take(part, 0)) {
            (Some(rect), Some(output)) => self.undo_rows(index.map(|index| index.sub(rect)), output),
            _ => Ok(()),
        })
    }

    /// As [`Component::undo`], for samples that depend on their index alone.
    fn undo_rows(&self, index: Option<View2<'_, S>>, output: ViewMut2<'_, S>) -> Result<()> {
        match dispatch!(self.context.level, simd => self.undo_rows_with(simd, index, output)) {
            true => Err(Error::SampleOverflow),
            false => Ok(()),
        }
    }

    /// Returns whether a sample did not fit its type.
    #[inline(always)]
    fn undo_rows_with<V: Simd>(
        &self,
        _simd: V,
        index: Option<View2<'_, S>>,
        mut output: ViewMut2<'_, S>,
    ) -> bool {
        let entries = self.entries;
        let clamped = self.clamps();
        let mut overflow = 0;
        for y in 0..output.rows() {
            let row = output.row_mut(y);
            if let Some(index) = index {
                row.copy_from_slice(index.row(y));
            }
            let mut outside = false;
            for sample in &*row {
                outside |= sample.to_i32() as u32 as usize >= entries.len();
            }
            if !outside {
                for sample in row {
                    *sample = entries[sample.to_i32() as u32 as usize];
                }
                continue;
            }
            for sample in row {
                let index = sample.to_i32();
                let index = if clamped { self.clamp(index) } else { index };
                *sample = S::narrow_wide(self.value(index), &mut overflow);
            }
        }
        overflow != 0
    }

    /// Replaces the indices in `output`, adding predictions from samples around to those that are deltas.
    fn undo_predicted(&self, mut output: ViewMut2<'_, S>) -> Result<()> {
        let predictor = self.palette.predictor;
        let mut weighted = (predictor == Predictor::Weighted).then(|| self.context.weighted_states.take());
        if let Some(state) = &mut weighted {
            state.start(self.context.weighted, output.cols());
        }
        let mut overflow = 0;
        for y in 0..output.rows() {
            let (above, row) = output.rows_above_and_row_mut(y);
            let north = y.checked_sub(1).map(|y| above.row(y));
            let north_north = y.checked_sub(2).map(|y| above.row(y));
            match &mut weighted {
                Some(state) => self.undo_weighted_row(row, [north, north_north], state, &mut overflow),
                None => {
                    for x in 0..row.len() {
                        let index = row[x].to_i32();
                        let mut value = self.value(index);
                        if self.is_delta(index) {
                            let around = Neighbours::around(row, north, north_north, x);
                            value += i64::from(around.predict(predictor, 0));
                        }
                        row[x] = S::narrow_wide(value, &mut overflow);
                    }
                }
            }
        }
        if overflow != 0 { Err(Error::SampleOverflow) } else { Ok(()) }
    }

    /// The weighted predictor learns from all samples, deltas or not.
    fn undo_weighted_row(
        &self,
        row: &mut [S],
        [north, north_north]: [Option<&[S]>; 2],
        state: &mut WeightedState,
        overflow: &mut i32,
    ) {
        for x in 0..row.len() {
            let index = row[x].to_i32();
            let prediction = state.predict(x, &Neighbours::around(row, north, north_north, x));
            let mut value = self.value(index);
            if self.is_delta(index) {
                value += i64::from(prediction.value());
            }
            row[x] = S::narrow_wide(value, overflow);
            state.update(x, &prediction, row[x].to_i32());
        }
        state.end_row();
    }

    /// Whether the value of an index is added to a prediction: also negative ones, of which no palette has entries.
    fn is_delta(&self, index: i32) -> bool {
        i64::from(index) < i64::from(self.palette.deltas)
    }

    /// Whether indices outside the palette mean its nearest entry: a palette of one channel without deltas.
    fn clamps(&self) -> bool {
        self.palette.channels == 1 && self.palette.deltas == 0 && self.palette.is_pixel_local()
    }

    fn clamp(&self, index: i32) -> i32 {
        match self.entries.len() {
            // As it follows from clamping between 0 and −1.
            0 if index < 0 => 0,
            0 => -1,
            count => index.clamp(0, i32::try_from(count - 1).unwrap_or(i32::MAX)),
        }
    }

    /// What an index stands for: an entry, an implicit delta (below 0) or an implicit colour.
    #[inline]
    fn value(&self, index: i32) -> i64 {
        match usize::try_from(index).ok().and_then(|index| self.entries.get(index)) {
            Some(entry) => entry.to_i32().into(),
            None => self.implicit(index),
        }
    }

    #[cold]
    fn implicit(&self, index: i32) -> i64 {
        let component = self.component;
        if component >= IMPLICIT_CHANNELS {
            return 0;
        }
        let bits = self.context.bit_depth.min(24);
        let largest = (1i64 << bits) - 1;
        if index < 0 {
            let number = !index as usize % (2 * DELTA_PALETTE.len() - 1);
            let delta = i64::from(DELTA_PALETTE[number.div_ceil(2)][component]) << bits.saturating_sub(8);
            return if number % 2 == 1 { delta } else { -delta };
        }
        let colour = i64::from(index) - self.entries.len() as i64;
        match colour - SMALL_CUBE {
            ..0 => (((colour >> (2 * component)) % 4 * largest) >> 2) + (1 << bits.saturating_sub(3)),
            colour => (colour / [1, 5, 25][component] % 5 * largest) >> 2,
        }
    }
}
