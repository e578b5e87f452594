//! bautad: the ABCI application that runs federated rounds and CosmWasm contracts.
//!
//! `app` is the life of a block; `tx` what happens to a transaction before its messages; `store` the state and its
//! commitment; `modules` what the chain can do; `sequencer` the engine of one process.

pub mod context;
pub mod error;
pub mod events;
pub mod gas;
pub mod store;
