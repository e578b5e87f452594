//! Staking: the bonds that answer for providers. See [`bauta_messages::staking`] for what it is told and asked.
//!
//! What must stay true: the contract's balance of the bond denomination is the sum of all bonds and unbonding entries (plus what
//! somebody sent to its address unasked), and nothing of a provider leaves while the chain holds a lock on it, but by a slash.

mod account;
pub mod contract;
mod error;
mod execute;
mod query;
mod slash;
mod state;
mod sudo;

pub use error::ContractError;
