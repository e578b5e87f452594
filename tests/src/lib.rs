//! What tests and figures that need more than one crate stand on.
// Seconds and quantiles for people.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, clippy::float_arithmetic)]

pub mod network;
