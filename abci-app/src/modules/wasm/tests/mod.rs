//! The host against contracts written by others, and against what wasmd does.

#![allow(clippy::unwrap_used)]

mod artifacts;
mod hackatom;
mod host;
mod queue;
mod replier;
mod scripted;
