//! Tests. Each checks the sentence it is named after.
#![allow(clippy::unwrap_used)]

mod rounds;
mod streams;
mod vectors_published;
mod world;
