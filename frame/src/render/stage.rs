//! What a stage of the rendering chain declares, and the rule for samples outside of the frame.

use super::rows::{OutputRows, PointRows, ScratchRows, Window};
use crate::Error;

/// How far a channel is below the resolution of the finished frame, as exponents of two: a channel has
/// `ceil(W / 2^horizontal)` x `ceil(H / 2^vertical)` samples of a frame that has `W` x `H`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Exponent of the width, 0 to 4.
    pub horizontal: u8,
    /// Exponent of the height, 0 to 4.
    pub vertical: u8,
}

impl Shift {
    /// The same shift in both directions.
    pub const fn both(shift: u8) -> Self {
        Self { horizontal: shift, vertical: shift }
    }
}

/// What a [`WindowStage`] reads around a sample and how many samples it makes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Columns read on either side of a sample, at most [`MAX_BORDER`](super::MAX_BORDER).
    pub columns: u8,
    /// Rows read above and below a sample, at most [`MAX_BORDER`](super::MAX_BORDER).
    pub rows: u8,
    /// By how much the stage raises the resolution: it takes these exponents off the channel's [`Shift`].
    pub scale: Shift,
}

impl Reach {
    /// A square border, resolution unchanged.
    pub const fn border(border: u8) -> Self {
        Self { columns: border, rows: border, scale: Shift::both(0) }
    }
}

/// A stage that makes new rows out of a window of rows: filters and upsampling.
///
/// It sees rows, never groups or threads: the executor calls it for any part of the frame, in any order of
/// places, and fills whatever lies outside of the frame by mirroring. A result may depend on nothing but
/// the samples that [`Reach`] names, so that a sample comes out the same wherever the executor cuts.
pub trait WindowStage: Sync {
    /// For error messages and statistics.
    fn name(&self) -> &'static str;

    /// What the stage needs of `channel`, which arrives at `shift`, or `None` if it leaves it alone.
    fn reach(&self, channel: usize, shift: Shift) -> Option<Reach>;

    /// Whether all channels (at most [`MAX_JOINT`](super::MAX_JOINT), of equal [`Reach`] and [`Shift`]) are
    /// handed over in one call, in ascending order. Otherwise every channel has calls of its own.
    fn joint(&self) -> bool {
        false
    }

    /// Rows of scratch the stage wants to keep from one call to the next ([`ScratchRows`]).
    fn scratch_rows(&self) -> usize {
        0
    }

    /// Makes the rows `output` from the rows `input`.
    fn run(
        &self,
        input: &Window<'_>,
        output: &mut OutputRows<'_>,
        scratch: &mut ScratchRows<'_>,
    ) -> Result<(), Error>;
}

/// A stage that changes rows in place, sample by sample: colour transforms, patches, splines, noise.
pub trait PointStage: Sync {
    /// For error messages and statistics.
    fn name(&self) -> &'static str;

    /// Whether the stage reads or changes `channel`. All channels it touches must have the same [`Shift`]
    /// when it comes.
    fn touches(&self, channel: usize) -> bool;

    /// Changes one row of the channels.
    fn run(&self, rows: &mut PointRows<'_>) -> Result<(), Error>;
}

/// One link of the chain.
#[derive(Clone, Copy)]
pub enum Stage<'f> {
    /// Makes new rows from a window.
    Window(&'f dyn WindowStage),
    /// Changes rows in place.
    Point(&'f dyn PointStage),
    /// The consumer is shown the rows as they are here, before further stages change them. Taps are numbered
    /// in the order of the chain; the end of the chain is the last one. No `Window` may follow.
    Tap,
}

/// The position that stands for `v` in a direction with `n` samples: reflection that repeats the edge.
///
/// `n` must not be 0.
pub fn mirror(v: isize, n: usize) -> usize {
    let n = n as isize;
    if v >= 0 && v < n {
        return v as usize;
    }
    let turn = v.rem_euclid(2 * n);
    if turn < n { turn as usize } else { (2 * n - 1 - turn) as usize }
}

#[cfg(test)]
mod tests {
    use super::mirror;

    /// The reference's table, and the case that needs several reflections.
    #[test]
    fn mirror_reflects_until_inside() {
        assert_eq!(mirror(-1, 5), 0);
        assert_eq!(mirror(-3, 2), 1);
        assert_eq!(mirror(5, 5), 4);
        assert_eq!(mirror(7, 3), 1);
        for v in -20..20 {
            assert_eq!(mirror(v, 1), 0);
            assert_eq!(mirror(v, 7), mirror(-v - 1, 7));
        }
    }
}
