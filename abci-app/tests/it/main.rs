//! Tests of the node from outside.
#![allow(clippy::unwrap_used, clippy::disallowed_types, missing_docs)]

mod a_task_is_trained;
mod ante_refuses;
mod blocks_are_atomic;
mod chain;
mod coins_are_sent;
mod hostile_bytes;
mod lockstep_paces;
mod node_answers;
mod state_is_proven;
