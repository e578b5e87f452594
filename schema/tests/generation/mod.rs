//! How the generated types are made; the example writes them, a test compares them.

use std::path::Path;

/// The files, relative to `proto`.
const FILES: [&str; 5] = [
    "bauta/training/v1/types.proto",
    "bauta/training/v1/state.proto",
    "bauta/training/v1/tx.proto",
    "bauta/training/v1/query.proto",
    "bauta/training/v1/genesis.proto",
];

/// Generates the Rust types of the protos under `root` into `out`.
pub fn generate(root: &Path, out: &Path) {
    let descriptors = protox::compile(FILES, [root.join("proto")]).expect("the protos compile");
    let mut config = prost_build::Config::new();
    config.out_dir(out).enable_type_names().type_name_domain(["."], "");
    config.compile_fds(descriptors).expect("the types are generated");
}
