//! A channel of a modular image: its shape, and its samples in a pooled matrix.

use std::fmt::Debug;

use jxlake_util::{Element, Lease, Matrix2, Pool, PoolError, Purpose, Shape2, View2, ViewMut2};

use super::lane::Lane;

/// Size and subsampling of a channel.
///
/// A shift of −1 marks a channel that has no place in the picture (a palette); otherwise shifts are 0..=31 and the
/// channel is roughly the frame's size divided by 2^shift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChannelShape {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Horizontal subsampling exponent relative to the frame, or −1.
    pub hshift: i32,
    /// Vertical subsampling exponent relative to the frame, or −1.
    pub vshift: i32,
}

impl ChannelShape {
    /// A channel that is not subsampled.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, hshift: 0, vshift: 0 }
    }

    /// The same size with other shifts.
    pub fn with_shifts(self, hshift: i32, vshift: i32) -> Self {
        Self { hshift, vshift, ..self }
    }

    /// Whether the channel has no samples. Such a channel keeps its place in the list but takes no bits.
    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Number of samples.
    pub fn samples(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The shape of the matrix that holds the samples.
    pub fn matrix(&self) -> Shape2 {
        Shape2 { rows: self.height as usize, cols: self.width as usize }
    }
}

/// A channel and its samples. An empty channel has none.
#[derive(Debug)]
pub struct Channel<S: Sample> {
    /// Size and shifts.
    pub shape: ChannelShape,
    /// `shape.height` rows of `shape.width` samples; `None` if, and only if, the shape is empty.
    pub samples: Option<Lease<Matrix2<S>>>,
}

impl<S: Sample> Channel<S> {
    /// Leases a channel of this shape. Its samples are unspecified: whoever asks writes them all.
    pub fn lease(pool: &Pool, shape: ChannelShape) -> Result<Self, PoolError> {
        let samples = match shape.is_empty() {
            true => None,
            false => Some(pool.matrix2(Purpose::Modular, shape.matrix())?),
        };
        Ok(Self { shape, samples })
    }

    /// Leases a channel of zeros.
    pub fn lease_zeroed(pool: &Pool, shape: ChannelShape) -> Result<Self, PoolError> {
        let samples = match shape.is_empty() {
            true => None,
            false => Some(pool.matrix2_zeroed(Purpose::Modular, shape.matrix())?),
        };
        Ok(Self { shape, samples })
    }

    /// The samples, `None` for an empty channel.
    pub fn view(&self) -> Option<View2<'_, S>> {
        self.samples.as_ref().map(|samples| samples.view())
    }

    /// The samples of a channel of a list, `None` if there is no such channel or it is empty.
    pub(crate) fn view_of(channels: &[Self], index: usize) -> Option<View2<'_, S>> {
        channels.get(index).and_then(Self::view)
    }

    /// The samples to write, `None` for an empty channel.
    pub fn view_mut(&mut self) -> Option<ViewMut2<'_, S>> {
        self.samples.as_mut().map(|samples| samples.view_mut())
    }
}

/// The type that holds modular samples: `i32`, in which arithmetic wraps as the format says, or `i16` for images whose
/// header promises that 16 bits are enough.
///
/// The promise is not believed: everything that stores an `i16` also collects whether the value fitted, and a frame
/// that broke the promise is decoded again with `i32`.
pub trait Sample: Element + Lane + Debug + 'static {
    /// Whether values can fall outside the type and must be watched (`i16`).
    const NARROW: bool;

    /// A type in which sums and products by small numbers of samples do not overflow.
    type Wide: Lane;

    /// The value in the wider type.
    fn widen(self) -> Self::Wide;

    /// Stores a number of the wider type; `overflow` as in [`Sample::narrow`].
    fn narrow_lane(value: Self::Wide, overflow: &mut i32) -> Self;

    /// The value.
    fn to_i32(self) -> i32;

    /// The low bits of a value that is known to fit, or that may wrap.
    fn wrap(value: i32) -> Self;

    /// The low bits of a wide value; for `i32` this is the format's wrap to 32 bits.
    fn wrap_wide(value: i64) -> Self;

    /// Stores `value`; bits of `overflow` become set, apart from nothing else, if it does not fit a narrow type.
    fn narrow(value: i32, overflow: &mut i32) -> Self;

    /// Stores the wide `value`, wrapped to 32 bits first; `overflow` as in [`Sample::narrow`].
    fn narrow_wide(value: i64, overflow: &mut i32) -> Self;

    /// Sum that wraps; bits of `overflow` become set if a narrow type overflows.
    fn sum(self, other: Self, overflow: &mut Self) -> Self;

    /// Difference that wraps; bits of `overflow` become set if a narrow type overflows.
    fn difference(self, other: Self, overflow: &mut Self) -> Self;
}

impl Sample for i32 {
    const NARROW: bool = false;

    type Wide = i64;

    #[inline(always)]
    fn widen(self) -> i64 {
        i64::from(self)
    }

    #[inline(always)]
    fn narrow_lane(value: i64, _overflow: &mut i32) -> Self {
        value as i32
    }

    #[inline(always)]
    fn to_i32(self) -> i32 {
        self
    }

    #[inline(always)]
    fn wrap(value: i32) -> Self {
        value
    }

    #[inline(always)]
    fn wrap_wide(value: i64) -> Self {
        value as i32
    }

    #[inline(always)]
    fn narrow(value: i32, _overflow: &mut i32) -> Self {
        value
    }

    #[inline(always)]
    fn narrow_wide(value: i64, _overflow: &mut i32) -> Self {
        value as i32
    }

    #[inline(always)]
    fn sum(self, other: Self, _overflow: &mut Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn difference(self, other: Self, _overflow: &mut Self) -> Self {
        self.wrapping_sub(other)
    }
}

impl Sample for i16 {
    const NARROW: bool = true;

    type Wide = i32;

    #[inline(always)]
    fn widen(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn narrow_lane(value: i32, overflow: &mut i32) -> Self {
        Self::narrow(value, overflow)
    }

    #[inline(always)]
    fn to_i32(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn wrap(value: i32) -> Self {
        value as i16
    }

    #[inline(always)]
    fn wrap_wide(value: i64) -> Self {
        value as i16
    }

    #[inline(always)]
    fn narrow(value: i32, overflow: &mut i32) -> Self {
        let stored = value as i16;
        *overflow |= value ^ i32::from(stored);
        stored
    }

    #[inline(always)]
    fn narrow_wide(value: i64, overflow: &mut i32) -> Self {
        Self::narrow(value as i32, overflow)
    }

    // A saturating operation differs from a wrapping one exactly when it overflows, and both are single vector
    // instructions.
    #[inline(always)]
    fn sum(self, other: Self, overflow: &mut Self) -> Self {
        let wrapped = self.wrapping_add(other);
        *overflow |= wrapped ^ self.saturating_add(other);
        wrapped
    }

    #[inline(always)]
    fn difference(self, other: Self, overflow: &mut Self) -> Self {
        let wrapped = self.wrapping_sub(other);
        *overflow |= wrapped ^ self.saturating_sub(other);
        wrapped
    }
}
