//! What people who use the chain need: keys, transactions and queries, data providers and model providers.
//!
//! | module | what it does |
//! |---|---|
//! | [`keys`] | mnemonics, account keys, a keyring on disk |
//! | [`chain`] | queries, transactions, waiting for blocks |
//! | [`light`] | headers are followed, records are read with proofs |
//! | [`contracts`] | registry, staking and slashing |
//! | [`deploy`](mod@deploy) | the three contracts are set up on a new chain |
//! | [`provider`] | the daemon of a data provider, its records, its checks |
//! | [`policy`] | what a data provider agrees to |
//! | [`evidence`] | second headers that are handed over and reported |
//! | [`model_provider`] | tasks are created, funded, cancelled; models are downloaded |
//! | [`watch`] | offences that others commit are found and reported |
//! | [`training`](mod@training) | a task's settings as trainers read them |
//! | [`disk`] | files for their owner only |
//! | [`toml_file`] | files that people write, and what is wrong in them |
//!
//! The chain is seen only through [`tendermint_rpc::Client`]. What it answers is checked for consistency (hashes, roots, contexts are
//! recomputed); with a light client, the records that hold those roots and contexts are read with proofs against verified headers before
//! anything secret depends on them.

// Clients have clocks and environments; nothing here executes a block.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod chain;
pub mod contracts;
pub mod deploy;
pub mod disk;
pub mod evidence;
pub mod keys;
pub mod light;
pub mod model_provider;
pub mod policy;
pub mod provider;
pub mod toml_file;
pub mod training;
pub mod watch;
