//! A chain of real processes (`bautad`, CometBFT and providers' daemons, found beside this program), and what may befall them.
//!
//! What is checked is what anybody sees from outside: blocks, what was offered to the mempool, and the contracts' books.

// None of this executes a block; it looks at clocks and is told by the environment how long to go on.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod crashes;
mod daemon;
mod fleet;
mod ledger;
mod node;
mod people;
mod plan;
mod process;
mod tasks;
mod transport;
mod wire;
mod world;
