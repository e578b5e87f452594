//! The machine with real clients of `secagg`, in memory.
#![allow(clippy::unwrap_used)]

mod adversary;
mod attacks;
mod budget;
mod creation;
mod epochs;
mod evidence;
mod hostile;
mod schedules;
mod store;
mod whole_round;
mod windows;
mod world;
