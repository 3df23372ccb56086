//! Colour as the caller meets it: ICC profiles.

pub mod icc_profile;
