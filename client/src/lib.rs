//! What people who use the chain need: keys, transactions and queries, data providers and model providers.
//!
//! | module | what it does |
//! |---|---|
//! | [`keys`] | mnemonics, account keys, a keyring on disk |
//! | [`chain`] | queries, transactions, waiting for blocks |
//!
//! The chain is seen only through [`tendermint_rpc::Client`]. Until a light client follows the headers, the endpoint is trusted: what
//! it answers is checked for consistency (hashes, roots, contexts are recomputed), not for truth.

// Clients have clocks and environments; nothing here executes a block.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod chain;
pub mod disk;
pub mod keys;
