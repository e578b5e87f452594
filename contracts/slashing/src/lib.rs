//! Slashing: what an offence costs, and what was done about each. See [`bauta_messages::slashing`] for what it is told and asked.
//!
//! What must stay true: a verdict is carried out once and wholly, or not at all. The slash, the jail and the tombstone are
//! sub-messages of the verdict, none of whose failures is caught, so that a failure undoes the verdict and reaches the chain, which
//! keeps it and tries again. *One round, one penalty per provider: the largest* is the chain's rule, applied before it speaks.

pub mod contract;
mod error;
mod execute;
mod penalties;
mod query;
mod settle;
mod state;

pub use error::ContractError;
pub use penalties::defaults;
