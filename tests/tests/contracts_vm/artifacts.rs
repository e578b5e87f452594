//! What stands in the artifacts' folder, and what a chain checks before it accepts code.

use std::{fs, path::PathBuf};

use cosmwasm_vm::{capabilities_from_csv, internals, WasmLimits};
use sha2::{Digest, Sha256};

pub const CONTRACTS: [&str; 3] = ["registry", "staking", "slashing"];
/// What wasmd accepts as code.
const MAX_WASM_BYTES: usize = 800 * 1024;

fn folder() -> PathBuf {
    // A test may be pointed at artifacts of another compiler; the node never reads its environment.
    #[allow(clippy::disallowed_methods)]
    let other = std::env::var_os("BAUTA_ARTIFACTS");
    other.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../contracts/artifacts"), PathBuf::from)
}

fn read(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code of a contract.
pub fn wasm(contract: &str) -> Vec<u8> {
    read(&format!("{contract}.wasm"))
}

#[test]
fn the_checksums_are_those_of_the_artifacts() {
    let expected: String = CONTRACTS
        .iter()
        .map(|name| {
            let digest = hex::encode(Sha256::digest(wasm(name)));
            format!("{digest}  {name}.wasm\n")
        })
        .collect();
    assert_eq!(String::from_utf8(read("checksums.txt")).unwrap(), expected);
}

#[test]
fn the_compiler_is_named_beside_the_artifacts() {
    let text = String::from_utf8(read("compiler.txt")).unwrap();
    assert!(text.starts_with("rustc "), "{text}");
    assert!(text.contains("wasm-opt "), "{text}");
}

#[test]
fn the_artifacts_are_small_enough_to_be_stored() {
    for name in CONTRACTS {
        let size = wasm(name).len();
        assert!(size <= MAX_WASM_BYTES, "{name}.wasm has {size} bytes");
    }
}

#[test]
fn the_artifacts_pass_the_static_checks_and_require_nothing_but_iterators() {
    for name in CONTRACTS {
        internals::check_wasm(
            &wasm(name),
            &capabilities_from_csv("iterator"),
            &WasmLimits::default(),
            internals::Logger::Off,
        )
        .unwrap_or_else(|error| panic!("{name}.wasm: {error}"));
    }
}

#[test]
fn the_artifacts_do_not_name_the_machine_they_were_built_on() {
    for name in CONTRACTS {
        let code = wasm(name);
        for trace in ["/root/", "/home/", ".cargo/registry", "/usr/lib/rustlib"] {
            let found = code.windows(trace.len()).any(|window| window == trace.as_bytes());
            assert!(!found, "{name}.wasm contains {trace}");
        }
    }
}
