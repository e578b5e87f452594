//! The staking contract alone, in cw-multi-test.

#![allow(clippy::unwrap_used)]

mod bonds;
mod parameters;
mod slashes;
mod world;
