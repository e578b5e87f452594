//! ABCI as CometBFT means it: the order in which an engine calls, as its specification gives it (CometBFT v0.38,
//! spec/abci/abci++_comet_expected_behavior.md).
//!
//! `grammar` is that order as a value; `automaton` what a reader of calls needs of it; `recogniser` takes calls one at a time
//! and says at a wrong one what was expected; `recorder` stands before a node's application and keeps watch. Property tests
//! generate calls from the same value.

mod automaton;
pub mod grammar;
mod recogniser;
mod recorder;

pub use grammar::{Call, Rule};
pub use recogniser::{Recogniser, WrongCall, OUT_OF_ORDER};
pub use recorder::{Recorder, Watch};
