//! The rules of image features that a codestream can break.

/// A rule of patches or splines that a codestream breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureFault {
    /// More patches, or more places for them, than the size of the frame allows.
    #[error("{count} {what}, where {bound} are possible")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many are legal.
        bound: u64,
    },
    /// Patches are taken from a reference slot that does not exist, is empty or was saved after the colour transform.
    #[error("patches from the reference slot {slot}, which has none to give")]
    PatchSource {
        /// The slot.
        slot: u32,
    },
    /// A patch reaches beyond the frame it is taken from.
    #[error("a patch of {width} x {height} at column {x}, row {y} of its reference frame")]
    PatchRectangle {
        /// First column.
        x: u32,
        /// First row.
        y: u32,
        /// Columns.
        width: u64,
        /// Rows.
        height: u64,
    },
    /// A patch is put beyond the frame.
    #[error("a patch at column {x}, row {y}")]
    PatchPosition {
        /// First column.
        x: i64,
        /// First row.
        y: i64,
    },
    /// A blend mode of patches above 7.
    #[error("the patch blend mode {mode}")]
    PatchBlendMode {
        /// The mode.
        mode: u32,
    },
    /// A patch is blended by an extra channel that does not exist.
    #[error("a patch is blended by the extra channel {channel}")]
    PatchAlphaChannel {
        /// The channel.
        channel: u32,
    },
    /// A control point of a spline, or the way to it, is 2^23 or more in size.
    #[error("a spline's control point or step {x}, {y}")]
    SplinePosition {
        /// Column.
        x: i64,
        /// Row.
        y: i64,
    },
    /// Two control points in a row are the same.
    #[error("a spline's control point {x}, {y} is repeated")]
    SplineRepeatedPoint {
        /// Column.
        x: i64,
        /// Row.
        y: i64,
    },
    /// A change of a step is 2^30 or more in size.
    #[error("a spline's step changes by {value}")]
    SplineStep {
        /// The change.
        value: i32,
    },
    /// A DCT coefficient is -2^31.
    #[error("a spline's coefficient is -2^31")]
    SplineCoefficient,
    /// Splines are longer or cover more than the size of the frame allows.
    #[error("splines of {what} {value}, where {bound} is possible")]
    SplineSize {
        /// What is measured.
        what: &'static str,
        /// The measure.
        value: u64,
        /// What is legal.
        bound: u64,
    },
}
