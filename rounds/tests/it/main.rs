//! The machine with real clients of `secagg`, in memory.
#![allow(clippy::unwrap_used)]

mod store;
mod whole_round;
mod world;
