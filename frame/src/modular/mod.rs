//! Modular coding: channels of integers, the transforms that made them, and how they are cut into sections.

pub mod channel;
pub mod channel_list;
pub mod decode;
pub mod fault;
pub mod global;
pub mod global_bands;
pub mod global_tree;
pub mod lane;
pub mod partition;
pub mod predictor;
pub(crate) mod properties;
pub(crate) mod prune;
pub mod sample_conversion;
pub mod stream_index;
pub mod sub_bitstream;
pub mod transform;
pub mod tree;
pub mod weighted;

#[cfg(test)]
pub(crate) mod testing;
