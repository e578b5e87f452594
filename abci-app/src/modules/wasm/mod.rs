//! Contracts: x/wasm as wasmd v0.61 defines it, on the CosmWasm VM.
//!
//! [`Keeper::handle`] executes the messages of transactions, [`Keeper::check`] is what the mempool asks, [`Keeper::query`] answers clients, [`Keeper::sudo`] and
//! [`Keeper::query_smart`] serve native modules. `keys` says what is stored, `errors` what can go wrong, `neighbours` what
//! the rest of the chain provides.

pub mod access;
pub mod addresses;
mod admission;
mod api;
mod codes;
mod coins;
mod contracts;
mod dispatch;
mod env;
pub mod errors;
mod events;
pub mod gas;
pub mod genesis;
mod genesis_json;
mod keeper;
pub mod keys;
pub mod messages;
pub mod neighbours;
mod pagination;
mod querier;
mod queries;
mod raw_range;
mod response;
mod state;
mod storage;
mod types;
mod vm;

pub use codes::MAX_WASM;
pub use dispatch::MAX_CALL_DEPTH;
pub use genesis_json::Genesis;
pub use keeper::{Keeper, MAX_QUERY_DEPTH, QUERY_GAS_LIMIT};
pub use queries::PATHS;
pub use storage::MAX_ITERATORS;
pub use types::{QueryCodeInfoRequest, QueryCodeInfoResponse};
pub use vm::{blobs, checksum, Analysis, OpenError, Vm, VmOptions, CAPABILITIES};

#[cfg(test)]
mod tests;
