//! How stages see rows: windows of input rows, output rows, rows to change in place.
//!
//! All samples of a region live in two flat buffers, the group's own samples and the row rings behind the
//! stages; a [`Store`] says where a channel's rows at one point of the chain lie in them. Rows begin on cache
//! lines, and columns on the same place of a line as in the frame.

use super::stage::mirror;
use super::{MAX_JOINT, PAD, PAD_END, invalid_call};
use crate::Error;
use fearless_simd::Level;
use std::ops::Range;

/// The buffer a [`Store`] lies in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// The samples of the group.
    Group,
    /// The row rings.
    #[default]
    Rings,
}

/// Where the rows of one channel at one point of the chain are: `slots` rows, used in turn.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Store {
    pub(crate) place: Place,
    /// Element of slot 0's start.
    pub(crate) offset: usize,
    /// Elements from row to row, a multiple of 16.
    pub(crate) stride: usize,
    /// Rows there is room for.
    pub(crate) slots: usize,
    /// Frame row that is in slot 0 first; row `r` is in slot `(r - first_row) % slots`.
    pub(crate) first_row: usize,
    /// Frame column of element 0 of a row, negative when the left padding reaches out of the frame.
    pub(crate) first_column: isize,
}

impl Store {
    #[inline]
    pub(crate) fn slot(&self, row: usize) -> usize {
        let slot = row - self.first_row;
        if slot < self.slots { slot } else { slot % self.slots }
    }

    /// Elements of columns `x .. x + len` of `row`.
    #[inline]
    pub(crate) fn range(&self, row: usize, x: isize, len: usize) -> Range<usize> {
        let start = self.offset + self.slot(row) * self.stride + (x - self.first_column) as usize;
        start..start + len
    }
}

/// A run of rows and columns of the frame, in the resolution of the samples at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    /// First column, a multiple of 16.
    pub(crate) x: usize,
    /// First row.
    pub(crate) y: usize,
    /// Columns, a multiple of 16; samples past the frame's edge are arbitrary.
    pub(crate) width: usize,
    pub(crate) rows: usize,
}

#[derive(Clone, Copy, Default)]
struct InputPlane<'a> {
    channel: usize,
    samples: &'a [f32],
    stride: usize,
    slots: usize,
    /// Slot of the window's first centre row.
    slot: usize,
}

/// The input of a [`WindowStage`](super::WindowStage): rows `y - border .. y + rows + border` of one or more
/// channels, columns `x - border .. x + width + border`, all with samples, mirrored outside of the frame.
pub struct Window<'a> {
    level: Level,
    area: Area,
    frame_rows: usize,
    planes: [InputPlane<'a>; MAX_JOINT],
    channels: usize,
}

impl<'a> Window<'a> {
    /// An empty window onto `area` of a frame of `frame_rows` rows.
    pub(crate) fn new(level: Level, area: Area, frame_rows: usize) -> Self {
        Self { level, area, frame_rows, planes: Default::default(), channels: 0 }
    }

    /// Adds a channel, whose rows are in `store` of `buffer`.
    pub(crate) fn push(&mut self, channel: usize, store: &Store, buffer: &'a [f32]) -> Result<(), Error> {
        let first = self.area.x as isize - PAD as isize - store.first_column;
        let start =
            store.offset + usize::try_from(first).map_err(|_| invalid_call("column before the store"))?;
        let plane = self.planes.get_mut(self.channels).ok_or(invalid_call("too many joint channels"))?;
        *plane = InputPlane {
            channel,
            samples: buffer.get(start..).ok_or(invalid_call("store outside of its buffer"))?,
            stride: store.stride,
            slots: store.slots,
            slot: store.slot(self.area.y),
        };
        self.channels += 1;
        Ok(())
    }

    /// The instruction set to dispatch on.
    #[inline]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Frame column of the first centre column, in the channel's resolution; a multiple of 16.
    #[inline]
    pub fn x(&self) -> usize {
        self.area.x
    }

    /// Frame row of the first centre row.
    #[inline]
    pub fn y(&self) -> usize {
        self.area.y
    }

    /// Centre columns, a multiple of 16. The ones past the frame's right edge hold arbitrary samples and
    /// their results are not used.
    #[inline]
    pub fn width(&self) -> usize {
        self.area.width
    }

    /// Centre rows, at least one.
    #[inline]
    pub fn rows(&self) -> usize {
        self.area.rows
    }

    /// Number of channels in the window.
    #[inline]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Which channel of the frame the `index`th one of the window is.
    #[inline]
    pub fn channel(&self, index: usize) -> usize {
        self.planes[index].channel
    }

    /// Row `y() + row` of the window's `index`th channel: `PAD + width() + PAD_END` samples, element
    /// [`PAD`] being column `x()`. `row` is in `-border .. rows() + border`.
    #[inline(always)]
    pub fn row(&self, index: usize, row: isize) -> &'a [f32] {
        let plane = &self.planes[index];
        let y = self.area.y as isize;
        let offset = mirror(y + row, self.frame_rows) as isize - y;
        let mut slot = plane.slot as isize + offset;
        if slot < 0 {
            slot += plane.slots as isize;
        } else if slot >= plane.slots as isize {
            slot -= plane.slots as isize;
        }
        let start = slot as usize * plane.stride;
        &plane.samples[start..start + PAD + self.area.width + PAD_END]
    }
}

#[derive(Clone, Copy, Default)]
struct OutputPlane {
    /// Element of slot 0's first column.
    start: usize,
    stride: usize,
    slots: usize,
    slot: usize,
}

/// The output of a [`WindowStage`](super::WindowStage): for each channel of the window,
/// `rows() * 2^scale.vertical` rows of `width() * 2^scale.horizontal` samples.
pub struct OutputRows<'a> {
    buffer: &'a mut [f32],
    planes: [OutputPlane; MAX_JOINT],
    channels: usize,
    area: Area,
}

impl<'a> OutputRows<'a> {
    /// No channel yet; `area` is the output's, `buffer` what the stores' offsets count in.
    pub(crate) fn new(area: Area, buffer: &'a mut [f32]) -> Self {
        Self { buffer, planes: Default::default(), channels: 0, area }
    }

    /// Adds a channel whose rows go to `store`, which begins `base` elements before the buffer does.
    pub(crate) fn push(&mut self, store: &Store, base: usize) -> Result<(), Error> {
        let first = self.area.x as isize - store.first_column;
        let start = usize::try_from(store.offset as isize - base as isize + first);
        let start = start.map_err(|_| invalid_call("output outside of its buffer"))?;
        let plane = self.planes.get_mut(self.channels).ok_or(invalid_call("too many joint channels"))?;
        *plane =
            OutputPlane { start, stride: store.stride, slots: store.slots, slot: store.slot(self.area.y) };
        self.channels += 1;
        Ok(())
    }

    /// Samples in an output row.
    #[inline]
    pub fn width(&self) -> usize {
        self.area.width
    }

    /// Several output rows at once, each named by the channel's index in the window and the row.
    /// Fails when a row is named twice or does not exist.
    #[inline(always)]
    pub fn get<const N: usize>(&mut self, rows: [(usize, usize); N]) -> Result<[&mut [f32]; N], Error> {
        let mut ranges = [const { 0..0 }; N];
        for (range, (index, row)) in ranges.iter_mut().zip(rows) {
            let plane = &self.planes[index];
            let mut slot = plane.slot + row;
            if slot >= plane.slots {
                slot -= plane.slots;
            }
            let start = plane.start + slot * plane.stride;
            *range = start..start + self.area.width;
        }
        self.buffer.get_disjoint_mut(ranges).map_err(|_| invalid_call("output rows overlap"))
    }
}

/// Rows a [`WindowStage`](super::WindowStage) keeps between calls, for what neighbouring rows share.
pub struct ScratchRows<'a> {
    samples: &'a mut [f32],
    row_length: usize,
    continues: bool,
}

impl<'a> ScratchRows<'a> {
    pub(crate) fn new(samples: &'a mut [f32], row_length: usize, continues: bool) -> Self {
        Self { samples, row_length, continues }
    }

    /// Whether the stage's last call ended just above this one's first row, with the same columns, so that
    /// the scratch still holds what it stored then. Otherwise the contents are arbitrary.
    #[inline]
    pub fn continues(&self) -> bool {
        self.continues
    }

    /// Samples from one scratch row to the next, at least [`PAD`] more than a window's row has.
    #[inline]
    pub fn row_length(&self) -> usize {
        self.row_length
    }

    /// All rows, one after the other.
    #[inline]
    pub fn samples(&mut self) -> &mut [f32] {
        self.samples
    }
}

/// One row of all channels, to be changed in place by a [`PointStage`](super::PointStage).
pub struct PointRows<'a> {
    pub(crate) level: Level,
    pub(crate) area: Area,
    /// Columns of `area` that are in the frame.
    pub(crate) valid: usize,
    pub(crate) stores: &'a [Store],
    /// Store of each channel.
    pub(crate) current: &'a [u32],
    pub(crate) group: &'a mut [f32],
    pub(crate) rings: &'a mut [f32],
}

impl PointRows<'_> {
    /// The instruction set to dispatch on.
    #[inline]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Frame column of the rows' first sample, in the channels' resolution; a multiple of 16.
    #[inline]
    pub fn x(&self) -> usize {
        self.area.x
    }

    /// Frame row.
    #[inline]
    pub fn y(&self) -> usize {
        self.area.y
    }

    /// How many of the rows' samples lie in the frame. The first up to 15 of them may be arbitrary and are
    /// not used, and so are the ones past `width()`.
    #[inline]
    pub fn width(&self) -> usize {
        self.valid
    }

    /// The row of one channel; `width()` samples and as many more as fill up a multiple of 16.
    #[inline]
    pub fn row(&mut self, channel: usize) -> Result<&mut [f32], Error> {
        let [row] = self.rows([channel])?;
        Ok(row)
    }

    /// The rows of several channels at once, each of which must be named only once.
    #[inline]
    pub fn rows<const N: usize>(&mut self, channels: [usize; N]) -> Result<[&mut [f32]; N], Error> {
        let mut wanted = [(Place::Group, 0, 0); N];
        for (index, (want, channel)) in wanted.iter_mut().zip(channels).enumerate() {
            let store = *self.current.get(channel).ok_or(invalid_call("no such channel"))? as usize;
            let store = &self.stores[store];
            *want = (store.place, store.range(self.area.y, self.area.x as isize, 0).start, index);
        }
        wanted.sort_unstable_by_key(|want| (want.0 == Place::Rings, want.1));
        let mut rows: [&mut [f32]; N] = std::array::from_fn(|_| Default::default());
        let (mut group, mut rings) = ((&mut *self.group, 0), (&mut *self.rings, 0));
        for (place, start, index) in wanted {
            let (rest, taken) = if place == Place::Group { &mut group } else { &mut rings };
            let row = cut(rest, taken, start, self.area.width);
            rows[index] = row.ok_or(invalid_call("rows overlap or do not exist"))?;
        }
        Ok(rows)
    }
}

/// Takes elements `start .. start + len` off the front part of `rest`, which begins at element `taken`.
#[inline]
fn cut<'a>(rest: &mut &'a mut [f32], taken: &mut usize, start: usize, len: usize) -> Option<&'a mut [f32]> {
    let skip = start.checked_sub(*taken)?;
    let (_, tail) = std::mem::take(rest).split_at_mut_checked(skip)?;
    let (row, tail) = tail.split_at_mut_checked(len)?;
    (*rest, *taken) = (tail, start + len);
    Some(row)
}

/// One finished row of a region, as the consumer gets it.
pub struct ConsumerRow<'a> {
    pub(crate) tap: usize,
    pub(crate) area: Area,
    pub(crate) stores: &'a [Store],
    pub(crate) current: &'a [u32],
    pub(crate) group: &'a [f32],
    pub(crate) rings: &'a [f32],
}

impl<'a> ConsumerRow<'a> {
    /// Which tap of the chain the row is from; the end of the chain has the highest number.
    #[inline]
    pub fn tap(&self) -> usize {
        self.tap
    }

    /// Frame column of the first sample.
    #[inline]
    pub fn x(&self) -> usize {
        self.area.x
    }

    /// Frame row.
    #[inline]
    pub fn y(&self) -> usize {
        self.area.y
    }

    /// Samples in the row.
    #[inline]
    pub fn width(&self) -> usize {
        self.area.width
    }

    /// Number of channels.
    #[inline]
    pub fn channels(&self) -> usize {
        self.current.len()
    }

    /// The samples of a channel; empty if there is no such channel.
    #[inline]
    pub fn channel(&self, channel: usize) -> &'a [f32] {
        let Some(&store) = self.current.get(channel) else { return &[] };
        let store = &self.stores[store as usize];
        let range = store.range(self.area.y, self.area.x as isize, self.area.width);
        let buffer = if store.place == Place::Group { self.group } else { self.rings };
        buffer.get(range).unwrap_or(&[])
    }
}
