//! Contracts written by others, from the caches of package managers: never committed, never skipped.

#![allow(clippy::disallowed_methods, reason = "tests look for files of this machine")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const CRATE: &str = "cosmwasm-vm-3.0.10";
const MODULE: &str = "github.com/CosmWasm/wasmd@v0.61.14";

/// A contract of the crate `cosmwasm-vm`'s test data: `hackatom.wasm`, `floaty.wasm`, ...
pub fn of_crate(name: &str) -> Vec<u8> {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| home().map(|home| home.join(".cargo")));
    let sources = cargo.map(|cargo| cargo.join("registry").join("src")).unwrap_or_default();
    let registries = std::fs::read_dir(&sources).into_iter().flatten().flatten();
    let found = registries.map(|registry| registry.path().join(CRATE).join("testdata").join(name));
    let file = found.into_iter().find(|file| file.is_file());
    read(&file.unwrap_or_else(|| panic!("{CRATE}/testdata/{name} is not under {}: run cargo fetch", sources.display())))
}

/// A contract of wasmd's test data: `reflect_2_0.wasm`, `replier.wasm`, `queue.wasm`, `burner.wasm`, ...
pub fn of_module(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let path = std::env::var_os("GOMODCACHE")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("GOPATH").map(|path| PathBuf::from(path).join("pkg").join("mod")))
            .or_else(|| home().map(|home| home.join("go").join("pkg").join("mod")));
        let cached = path.map(|path| path.join("github.com").join("!cosm!wasm").join("wasmd@v0.61.14"));
        cached.filter(|folder| folder.is_dir()).unwrap_or_else(download)
    });
    read(&folder.join("x").join("wasm").join("keeper").join("testdata").join(name))
}

fn download() -> PathBuf {
    eprintln!("downloading the Go module {MODULE} for its test contracts, about 20 s, once");
    let empty = tempfile::tempdir().expect("a temporary folder can be made");
    let output = Command::new("go")
        .args(["mod", "download", "-json", MODULE])
        .current_dir(empty.path())
        .output()
        .unwrap_or_else(|error| panic!("go is needed for wasmd's test contracts ({error}): install Go 1.22 or newer"));
    assert!(
        output.status.success(),
        "go mod download {MODULE} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("go answers in JSON");
    PathBuf::from(answer["Dir"].as_str().expect("go names the folder"))
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()))
}
