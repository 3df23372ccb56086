//! Streams that break a rule.
