//! The host against contracts written by others, and against what wasmd does.

#![allow(clippy::unwrap_used)]

mod admission;
mod artifacts;
mod bauta;
mod contracts;
mod depth;
mod determinism;
mod dispatch;
mod hackatom;
mod host;
mod hostile;
mod mutated;
mod queries_of_contracts;
mod queue;
mod replier;
mod scripted;
mod uploads;
