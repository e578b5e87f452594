//! Tests of the node from outside.
#![allow(clippy::unwrap_used, clippy::disallowed_types, missing_docs)]

mod chain;
mod coins_are_sent;
