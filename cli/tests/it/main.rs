//! The program as people and scripts call it.
#![allow(clippy::unwrap_used, clippy::disallowed_types, clippy::disallowed_methods)]

mod bauta;
mod by_hand;
mod changes;
mod daemons;
mod demo;
mod files;
mod first_steps;
mod gate;
mod help;
mod keys;
mod mistakes;
mod node;
mod people;
mod readme;
mod stops;
mod streams;
mod tasks;
mod watching;
