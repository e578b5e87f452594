//! What needs more than one crate, as one binary.

#![allow(clippy::unwrap_used)]

mod contracts_vm;
