//! A JPEG XL decoder that works in pooled matrices: a warm decode allocates nothing.

pub mod container;

pub mod colour;

pub mod output;
