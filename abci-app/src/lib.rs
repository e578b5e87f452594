//! bautad: the ABCI application that runs federated rounds and CosmWasm contracts.
//!
//! `app` is the life of a block; `tx` what happens to a transaction before its messages; `store` the state and its
//! commitment; `modules` what the chain can do; `sequencer` the engine of one process; `conformance` the order in which an
//! engine calls; `operator` a node's folder.

pub mod abci;
pub mod address;
pub mod app;
pub mod coin;
pub mod config;
pub mod conformance;
pub mod context;
pub mod deep_stack;
pub mod error;
pub mod events;
mod files;
pub mod gas;
pub mod genesis;
pub mod json_text;
pub mod modules;
pub mod node;
pub mod operator;
pub mod params;
pub mod sequencer;
pub mod store;
pub mod tx;

pub use node::{Node, NodeConfig};
