//! Modular coding: channels of integers, the transforms that made them, and how they are cut into sections.

pub mod channel;
pub mod channel_list;
pub mod fault;
pub mod lane;
pub mod transform;

#[cfg(test)]
pub(crate) mod testing;
