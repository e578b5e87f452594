//! What adversaries are tried against: the machine of `bauta_rounds` in memory, with the registry, the staking contract and the slashing
//! contract behind it, so that bonds, jails and bounties are the contracts' own numbers.
//!
//! The adversaries are in `tests/it`, one a file. Each has a test in which it is caught, or gains nothing, and one in which the one check
//! that stops it is taken out ([`bauta_secagg::switches`]) and it succeeds. `docs/adversaries.md` lists them.

// Tests: a failure of the world under them is a panic.
#![allow(clippy::unwrap_used)]

mod contracts;
mod penalties;

pub use contracts::{Contracts, BOND};
pub use penalties::{price, Price};
