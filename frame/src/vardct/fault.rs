//! The rules of VarDCT that a codestream can break.

/// A rule of VarDCT that a codestream breaks.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VarDctFault {
    /// A factor that a value is divided by, or a weight, is too small or negative.
    #[error("{field} is {value}")]
    Factor {
        /// What it is.
        field: &'static str,
        /// Its value.
        value: f32,
    },
    /// The thresholds of the block contexts distinguish too many cases.
    #[error("the thresholds of block contexts distinguish {cases} cases")]
    BlockContextCases {
        /// Product of the numbers of intervals; 64 at most are legal.
        cases: u32,
    },
    /// More than 16 block contexts.
    #[error("{contexts} block contexts")]
    BlockContexts {
        /// Their number.
        contexts: u32,
    },
    /// A base correlation of chroma with luma beyond -4 to 4.
    #[error("a base correlation of {value}")]
    BaseCorrelation {
        /// The correlation.
        value: f32,
    },
    /// A transform type that does not exist.
    #[error("the transform type {value}")]
    TransformType {
        /// As coded.
        value: i32,
    },
    /// A varblock of several blocks in a subsampled frame.
    #[error("a varblock of several blocks with chroma subsampling")]
    SubsampledVarblock,
    /// A varblock reaches out of its group or the frame.
    #[error("the varblock at block column {x}, row {y} crosses the border of its group")]
    VarblockCrossesGroup {
        /// Block column in the LF group.
        x: u32,
        /// Block row in the LF group.
        y: u32,
    },
    /// Two varblocks overlap.
    #[error("the varblock at block column {x}, row {y} overlaps another")]
    VarblockOverlap {
        /// Block column in the LF group.
        x: u32,
        /// Block row in the LF group.
        y: u32,
    },
    /// The varblocks do not cover the LF group.
    #[error("{varblocks} varblocks do not cover their LF group")]
    TooFewVarblocks {
        /// How many are coded.
        varblocks: u32,
    },
    /// A sharpness outside 0 to 7.
    #[error("a sharpness of {value}")]
    Sharpness {
        /// As coded.
        value: i32,
    },
    /// A mode of a dequantisation table that its size does not allow.
    #[error("dequantisation table {table} has mode {mode}")]
    TableMode {
        /// Number of the table.
        table: u32,
        /// As coded.
        mode: u32,
    },
    /// A parameter of a dequantisation table is too small, or makes a band of weights too small.
    #[error("dequantisation table {table} has the parameter {value}")]
    TableParameter {
        /// Number of the table.
        table: u32,
        /// The parameter.
        value: f32,
    },
    /// A dequantisation table has a weight outside 1e-8 to 1e8.
    #[error("dequantisation table {table} has a weight out of range")]
    TableWeight {
        /// Number of the table.
        table: u32,
    },
    /// A group uses a set of histograms that does not exist.
    #[error("histograms {preset} of {presets}")]
    Preset {
        /// The set.
        preset: u32,
        /// How many there are.
        presets: u32,
    },
    /// A varblock has more non-zero coefficients than fit.
    #[error("{count} non-zero coefficients where {bound} fit")]
    NonZeros {
        /// As coded, or left at some position.
        count: u32,
        /// How many there can be.
        bound: u32,
    },
    /// The LF frame is smaller than the LF image of the frame that uses it.
    #[error("an LF frame of {width} x {height} for {blocks_wide} x {blocks_high} blocks")]
    LfFrameSize {
        /// Width of the LF frame.
        width: u32,
        /// Height of the LF frame.
        height: u32,
        /// Width of the frame in blocks.
        blocks_wide: u32,
        /// Height of the frame in blocks.
        blocks_high: u32,
    },
}
