//! Coins: who holds what.

pub mod events;
pub mod genesis;
pub mod keeper;
pub mod keys;
pub mod messages;
pub mod queries;

pub use keeper::{balance, balance_of, balances, burn, mint, send, supply_of, transfer};
pub use messages::Message;

/// The module's name, in events and genesis.
pub const NAME: &str = "bank";
