//! The program as people and scripts call it.
#![allow(clippy::unwrap_used, clippy::disallowed_types, clippy::disallowed_methods)]

mod bauta;
mod by_hand;
mod demo;
mod help;
mod keys;
mod mistakes;
mod node;
mod tasks;
