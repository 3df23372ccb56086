//! The rules of Modular coding that a codestream can break.

use super::tree::TreeFault;

/// A rule of Modular coding that a codestream breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModularFault {
    /// The MA tree breaks a rule.
    #[error("MA tree: {0}")]
    Tree(TreeFault),
    /// A transform names channels that do not exist.
    #[error("a transform reaches channel {end} of {channels}")]
    ChannelRange {
        /// One past the last channel that it names.
        end: u64,
        /// Number of channels.
        channels: u64,
    },
    /// A transform names both meta-channels and others.
    #[error("a transform mixes the {meta} meta-channels with others")]
    MixedChannels {
        /// Number of meta-channels.
        meta: u64,
    },
    /// A transform joins channels of different size or subsampling.
    #[error("a transform joins channel {channel} with others of another shape")]
    UnequalChannels {
        /// The first channel that differs.
        channel: u64,
    },
    /// A squeeze of meta-channels that does not put its residuals beside them.
    #[error("a squeeze moves residuals of meta-channels behind the others")]
    SqueezedMeta,
    /// A squeeze of a channel without samples.
    #[error("a squeeze of the empty channel {channel}")]
    SqueezedEmpty {
        /// The channel.
        channel: u64,
    },
    /// A squeeze of a channel that is subsampled too much already.
    #[error("a squeeze of channel {channel}, subsampled by 2^{shift}")]
    SqueezedTooOften {
        /// The channel.
        channel: u64,
        /// The larger of its shifts.
        shift: i32,
    },
    /// A sub-bitstream wants the frame's tree, but the frame has none.
    #[error("there is no global tree")]
    NoGlobalTree,
    /// A channel is subsampled so much that a group does not hold one sample of it.
    #[error("channel {channel}, subsampled by 2^{shift}, has no samples in a group")]
    GroupWithoutSamples {
        /// The channel.
        channel: u64,
        /// The larger of its shifts.
        shift: i32,
    },
}
