//! What needs more than one crate, as one binary.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../../abci-app/tests/it/chain.rs"]
#[allow(dead_code)]
mod chain;
mod conformance;
mod contracts_vm;
mod devnet;
