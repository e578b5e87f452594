//! The registry: who is a provider, who vouches for it, and whether it may take part. See [`bauta_messages::registry`] for what it
//! is told and asked.

pub mod contract;
mod error;
mod execute;
mod query;
mod state;

pub use error::ContractError;
