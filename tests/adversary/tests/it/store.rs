//! What the world stands on: its store and blobs, and the contracts instead of its registry.

#[allow(dead_code)]
#[path = "../../../../rounds/tests/it/store.rs"]
mod memory;

pub use bauta_adversary::Contracts as Registry;
pub use memory::{BlobStore, Memory};
