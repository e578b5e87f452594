//! The simulator over a whole node: the same plans, schedules and cheats as in [`bauta_simulation`], but every message is a signed
//! transaction that the mempool admits, a proposal takes up and a block executes, and the contracts run in the VM.
//!
//! `engine` drives the node as CometBFT would, and kills it; `world` makes transactions of messages; `setup` is what comes before the
//! task; `books` counts every coin after every block, and asks the contracts for theirs.

mod account;
mod books;
mod contracts;
mod disk;
mod engine;
mod setup;
mod world;

use bauta_simulation::{run_over, shrink_by, Failure, Outcome, Over, Plan};

pub use world::NodeWorld;

/// Runs a plan over a node, to the end of its task.
///
/// # Errors
/// [`Failure`] when something happens that must never happen.
pub fn run(plan: &Plan) -> Result<Outcome, Failure> {
    run_over(plan, Over::Node, NodeWorld::new)
}

/// Leaves out of a plan that fails over a node what is not needed for it to fail.
#[must_use]
pub fn shrink(failure: Failure) -> Failure {
    shrink_by(failure, |plan| run(plan).err())
}

fn wrong(error: impl std::fmt::Display) -> String {
    error.to_string()
}
