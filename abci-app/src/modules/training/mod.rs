//! Training: the glue between the chain and the state machine of `rounds`.
//!
//! The machine is pure; here it gets its store, its blobs and what the contracts know of providers, and what it decides is carried out:
//! coins move through `bank`, locks and verdicts go to the contracts by `sudo`. What a contract cannot do now is queued and retried at the
//! end of each block; a contract that errs never halts the chain.
//!
//! | file | what it does |
//! |---|---|
//! | [`messages`] | the messages of `bauta.training.v1.Msg` |
//! | [`keeper`] | the hooks: fees of protocol messages, the end of a block |
//! | [`store`] | the machine's store and blobs, over a view |
//! | [`contracts`] | what registry and staking are asked |
//! | [`effects`] | what the machine's outputs do |
//! | [`deposit`] | what a reporter puts at stake |
//! | [`queue`] | verdicts and unlocks on their way to the contracts |
//! | [`queries`], [`genesis`], [`errors`] | as in every module |

pub mod contracts;
pub mod deposit;
pub mod effects;
pub mod errors;
pub mod genesis;
pub mod keeper;
pub mod messages;
pub mod queries;
pub mod queue;
pub mod store;

pub use contracts::Contracts;
pub use keeper::{Config, Keeper};
pub use messages::Message;

/// The module's name, in events and genesis, and that of its escrow account.
pub const NAME: &str = "training";

#[cfg(test)]
mod tests;
