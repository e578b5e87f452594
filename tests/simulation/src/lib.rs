//! Rounds under random schedules and hostile minorities, from a seed.
//!
//! A [`Plan`] says who takes part, how late messages are, whose lane is full, who restarts, who falls silent and who cheats; [`run`]
//! carries it out on the machine of `bauta_rounds` and looks after every block at what must hold: no honest provider is convicted but
//! for its own silence, every sum of a group is exact, no round is stuck longer than its windows, coins are conserved, and what is kept
//! stays bounded. A plan that fails is made smaller by [`shrink`] until nothing can be left out.

mod blame;
mod chain;
mod deeds;
mod ledger;
mod plan;
mod provider;
mod run;
mod seat;
mod shrink;

pub use plan::{Plan, WINDOW};
pub use run::{run, Failure, Outcome};
pub use shrink::shrink;
