//! Accounts: who may sign, with which key, and in which order.
//!
//! The module has no messages of its own: accounts are made by what arrives at them, and the ante steps in `tx` move
//! sequences on.

pub mod events;
pub mod genesis;
pub mod keeper;
pub mod keys;
pub mod queries;

pub use keeper::{account, account_of, ensure_account, ensure_module_account, params, set_account, Account, Params};

/// The module's name, in events and genesis.
pub const NAME: &str = "auth";
/// The account that collects fees until the end of the block.
pub const FEE_COLLECTOR: &str = "fee_collector";
