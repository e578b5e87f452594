//! Tests of the contracts' messages.

#![allow(clippy::unwrap_used)]

mod json;
mod schemas;
