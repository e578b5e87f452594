//! The three contracts together, in cw-multi-test.

#![allow(clippy::unwrap_used)]

mod chain;
mod parameters;
mod properties;
mod verdicts;
