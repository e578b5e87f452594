//! Tests. Each checks the sentence it is named after.
#![allow(clippy::unwrap_used)]

mod algebra;
mod attacks;
mod blame;
mod cohort;
mod committee;
mod decoders;
mod eclipses;
mod joint;
mod observer;
mod residues;
mod rounds;
mod secrecy;
mod streams;
mod vectors;
mod vectors_published;
mod world;
