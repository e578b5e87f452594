//! What the crate promises, one sentence a test.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic)]

mod attacks;
mod audits;
mod exactness;
mod hostile_bytes;
mod parameters;
mod reference;
mod stage;
mod submissions;
mod training;
