//! What tests and figures that need more than one crate stand on.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod network;
