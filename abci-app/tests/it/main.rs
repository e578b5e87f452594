//! Tests of the node from outside.
#![allow(clippy::unwrap_used, clippy::disallowed_types, missing_docs)]

mod a_task_is_trained;
mod ante_refuses;
mod bautad_starts;
mod blocks_are_atomic;
mod calls_have_defined_answers;
mod chain;
mod coins_are_sent;
mod commits_lock_the_mempool;
mod engine_in_another_process;
mod estimates_harm_nobody;
mod hostile_bytes;
mod lockstep_paces;
mod mempool_keeps_room;
mod node_answers;
mod queries_do_not_wait;
mod state_is_proven;
