//! What the crate promises, one sentence a test.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic)]

mod combining;
mod data_files;
mod door;
mod encoding;
mod evaluating;
mod gradient_inversion;
mod integers;
mod optimisers;
mod scoring;
mod simulated_rounds;
mod splits;
mod training;
mod vectors;
