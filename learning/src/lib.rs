//! Fixed point, encodings, server optimisers, and the trainers of clients.
//!
//! Two halves that never mix:
//!
//! - The **deterministic half** ([`fixed`], [`model`], [`encode`], [`combine`], [`optimiser`], [`evaluate`], [`score`]) is executed by every validator. It
//!   computes with integers only, in one order, with one documented rounding; it never panics and never allocates more than its
//!   arguments declare. A result is the same to the last bit on every machine.
//! - The **client half** (feature `trainers`) holds everything that needs floats: quantising an update, data sets, the built-in
//!   trainers and the door through which any trainer is called. What it does is decided by seeds alone, with one summation order
//!   and software transcendental functions, so that a run can be repeated elsewhere; but no validator depends on that.
//!
//! A round, from one side to the other:
//!
//! ```text
//! model (i64, 2^-32) -> f32 tensors -> trainer -> new - old (f32)      client
//!   -> clip, scale, stochastic rounding -> u_i, |u_i| <= B             client   encode::quantise
//!   -> sum of w_i u_i over a group, masked                             secagg
//!   -> range check, weighted mean of the groups (i64, 2^-32)           chain    encode, combine
//!   -> server optimiser -> next model                                  chain    optimiser
//! ```
#![deny(clippy::float_arithmetic)]

mod canonical;
pub mod combine;
#[cfg(feature = "trainers")]
#[allow(clippy::float_arithmetic)]
pub mod data;
pub mod encode;
pub mod evaluate;
pub mod fixed;
pub mod model;
pub mod optimiser;
mod pass;
#[cfg(feature = "trainers")]
#[allow(clippy::float_arithmetic)]
pub mod recipes;
pub mod score;
#[cfg(feature = "trainers")]
#[allow(clippy::float_arithmetic)]
pub mod simulation;
mod sums;
#[cfg(feature = "trainers")]
#[allow(clippy::float_arithmetic)]
pub mod trainers;
