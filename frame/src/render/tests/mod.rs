//! The two executors against each other: the same bits for any frame, chain, order of groups and threads.

mod artificial;
mod executors;
mod format_chains;
mod harness;
mod lifecycle;
mod self_check;
mod twins;
