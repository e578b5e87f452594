//! Writes `src/generated` anew from `proto`: `cargo run --release -p bauta-schema --example generate`.

use std::path::Path;

#[path = "../tests/generation/mod.rs"]
mod generation;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    generation::generate(root, &root.join("src/generated"));
}
