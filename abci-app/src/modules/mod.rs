//! What the chain can do.

pub mod wasm;
