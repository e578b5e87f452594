//! The registry alone, in cw-multi-test.

#![allow(clippy::unwrap_used)]

mod admission;
mod roles;
mod standing;
mod world;
