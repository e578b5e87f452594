//! Rounds under random schedules and hostile minorities, from a seed.
//!
//! A [`Plan`] says who takes part, how late messages are, whose lane is full, who restarts, who falls silent and who cheats; [`run`]
//! carries it out on the machine of `bauta_rounds`, [`run_over`] on any [`World`], and looks after every block at what must hold: no
//! honest provider is convicted but for its own silence, every sum of a group is exact, no round is stuck longer than its windows, coins
//! are conserved, and what is kept stays bounded. A plan that fails is made smaller by [`shrink`] until nothing can be left out, and kept
//! in a file by [`keep`]: a test replays it.

mod blame;
mod chain;
mod deeds;
mod kept;
mod ledger;
mod overheard;
mod plan;
mod provider;
mod run;
mod seat;
mod shrink;
mod world;

pub use kept::{keep, kept, Kept};
pub use plan::{Plan, WINDOW};
pub use run::{run, run_over, Failure, Outcome};
pub use shrink::{shrink, shrink_by};
pub use world::{Over, Size, World, BUDGET, TASK};

/// Of so many seeds one runs over a whole node.
pub const NODE_EVERY: u64 = 10;

/// The seeds that every change is held to: 500 rounds.
pub const TESTED_SEEDS: std::ops::RangeInclusive<u64> = 1..=70;
