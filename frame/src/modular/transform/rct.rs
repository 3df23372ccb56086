//! The reversible colour transform of three channels.

use fearless_simd::{Level, Simd, dispatch};
use jxlake_entropy::BitReader;
use jxlake_util::ViewMut2;

use super::read_begin;
use super::undo::{MISSING, Parts, UndoContext};
use crate::error::{Error, Invalid, Result};
use crate::fields::{Fields, c, u};
use crate::modular::channel::{Channel, Sample};
use crate::modular::channel_list::ChannelList;

/// A reversible colour transform of the three channels from `begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rct {
    begin: u32,
    /// Permutation of the channels times 7, plus the kind of sums.
    kind: u8,
}

impl Rct {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self> {
        let begin = read_begin(bits)?;
        let place = bits.place();
        let kind = bits.u32([c(6), u(2), 2 + u(4), 10 + u(6)])?;
        match kind < 42 {
            true => Ok(Self { begin, kind: kind as u8 }),
            false => Err(Invalid::Value { field: "rct_type", value: kind.into() }.at(place)),
        }
    }

    /// The list stays as it is; the three channels must be alike.
    pub(super) fn apply(&self, channels: &ChannelList) -> Result<()> {
        channels.alike(self.begin, 3).map(|_| ())
    }

    /// Index of the first of the three channels.
    pub fn begin(&self) -> usize {
        self.begin as usize
    }

    /// Undoes the transform of the three channels from `begin`, which also exchange their places.
    pub(in crate::modular) fn undo<S: Sample>(
        &self,
        channels: &mut [Channel<S>],
        begin: usize,
        context: &UndoContext<'_>,
    ) -> Result<()> {
        let channels = channels.get_mut(begin..).and_then(<[_]>::first_chunk_mut::<3>).ok_or(MISSING)?;
        let [a, b, c] = channels.each_mut().map(Channel::view_mut);
        if let (Some(a), Some(b), Some(c)) = (a, b, c) {
            self.undo_sums([a, b, c], context)?;
        }
        self.exchange(channels);
        Ok(())
    }

    /// Gives the three channels, or what stands for them, the places that they have after the sums are undone.
    pub(super) fn exchange<T>(&self, channels: &mut [T; 3]) {
        match self.kind / 7 {
            0 => {}
            1 => channels.rotate_right(1),
            2 => channels.rotate_left(1),
            3 => channels.swap(1, 2),
            4 => channels.swap(0, 1),
            _ => channels.swap(0, 2),
        }
    }

    fn undo_sums<S: Sample>(&self, channels: [ViewMut2<'_, S>; 3], context: &UndoContext<'_>) -> Result<()> {
        let parts = Parts::of_rows(context, channels[0].shape(), 1);
        if parts.count() <= 1 {
            return self.undo_rows(context.level, channels);
        }
        let [a, b, c] = channels.map(|channel| parts.grid(context, channel));
        let (a, b, c) = (a?, b?, c?);
        context.threads.run(parts.count(), |part| match (a.take(part, 0), b.take(part, 0), c.take(part, 0)) {
            (Some(a), Some(b), Some(c)) => self.undo_rows(context.level, [a, b, c]),
            _ => Ok(()),
        })
    }

    /// Undoes the sums of rows of the three channels, but does not exchange them.
    pub(super) fn undo_rows<S: Sample>(&self, level: Level, channels: [ViewMut2<'_, S>; 3]) -> Result<()> {
        let kind = self.kind % 7;
        match dispatch!(level, simd => undo_rows_with(simd, kind, channels)) {
            true => Err(Error::SampleOverflow),
            false => Ok(()),
        }
    }
}

/// Undoes the sums in all rows. Returns whether a sample did not fit its type.
#[inline(always)]
fn undo_rows_with<S: Sample, V: Simd>(
    _simd: V,
    kind: u8,
    [mut a, mut b, mut c]: [ViewMut2<'_, S>; 3],
) -> bool {
    let mut overflow = S::ZERO;
    for y in 0..a.rows() {
        let rows = [a.row_mut(y), b.row_mut(y), c.row_mut(y)];
        // Each kind is a loop of its own, without a decision per sample.
        overflow = overflow.or(match kind {
            0 => S::ZERO,
            1 => undo_row::<S, 1>(rows),
            2 => undo_row::<S, 2>(rows),
            3 => undo_row::<S, 3>(rows),
            4 => undo_row::<S, 4>(rows),
            5 => undo_row::<S, 5>(rows),
            _ => undo_row::<S, 6>(rows),
        });
    }
    overflow != S::ZERO
}

/// Undoes one kind of sums in a row. Returns bits that are zero if all samples fit their type.
#[inline(always)]
fn undo_row<S: Sample, const KIND: u8>([a, b, c]: [&mut [S]; 3]) -> S {
    let length = a.len();
    let (b, c) = (&mut b[..length], &mut c[..length]);
    let mut overflow = S::ZERO;
    for x in 0..length {
        [a[x], b[x], c[x]] = undo_sample::<S, KIND>([a[x], b[x], c[x]], &mut overflow);
    }
    overflow
}

#[inline(always)]
fn undo_sample<S: Sample, const KIND: u8>([a, mut b, mut c]: [S; 3], overflow: &mut S) -> [S; 3] {
    if KIND == 6 {
        // YCoCg.
        let base = a.difference(c.shifted(1), overflow);
        let green = c.sum(base, overflow);
        let blue = base.difference(b.shifted(1), overflow);
        return [blue.sum(b, overflow), green, blue];
    }
    if KIND & 1 != 0 {
        c = c.sum(a, overflow);
    }
    if KIND >> 1 == 1 {
        b = b.sum(a, overflow);
    }
    if KIND >> 1 == 2 {
        b = b.sum(a.sum(c, overflow).shifted(1), overflow);
    }
    [a, b, c]
}
