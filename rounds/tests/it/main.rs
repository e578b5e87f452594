//! The machine with real clients of `secagg`, in memory.
#![allow(clippy::unwrap_used)]

mod adversary;
mod attacks;
mod blame;
mod budget;
mod cohort;
mod combining;
mod creation;
mod epochs;
mod evidence;
mod evidence_of_seats;
mod groups;
mod halting;
mod hostile;
mod largest;
mod metrics;
mod schedules;
mod scores;
mod seats;
mod settings_vectors;
mod store;
mod whole_round;
mod windows;
mod world;
