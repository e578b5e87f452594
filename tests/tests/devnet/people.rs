//! People with a home of their own, who type commands.

use std::path::{Path, PathBuf};
use std::process::Command;

use bauta_client::chain::{Signer, DEFAULT_PREFIX};
use bauta_client::keys::{Keyring, KeyringBackend};
use serde_json::Value;

use super::node::built;

/// Somebody with a key.
pub struct Person {
    pub address: String,
    pub home: PathBuf,
    program: PathBuf,
}

impl Person {
    /// Makes a home, and a key in it.
    pub fn new(folder: &Path, name: &str) -> Self {
        let home = folder.join(name);
        std::fs::create_dir(&home).unwrap();
        let mut person = Self { address: String::new(), home, program: built("bauta") };
        person.address = text(&person.json("", &["keys", "add", "me"])["address"]).to_owned();
        person
    }

    /// A command for the node behind an address.
    pub fn command(&self, node: &str, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("BAUTA_HOME", self.home.join("bauta"))
            .env("BAUTA_KEYRING_BACKEND", "test")
            .env("BAUTA_FROM", "me")
            .env("BAUTA_NODE", node)
            .current_dir(&self.home)
            .args(args);
        command
    }

    /// Runs what must succeed, and gives what it prints.
    pub fn ok(&self, node: &str, args: &[&str]) -> String {
        let output = self.command(node, args).output().unwrap();
        let (said, complained) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "bauta {}\n{said}{complained}", args.join(" "));
        said
    }

    /// The same as JSON.
    pub fn json(&self, node: &str, args: &[&str]) -> Value {
        let all: Vec<&str> = args.iter().copied().chain(["--output", "json"]).collect();
        serde_json::from_str(&self.ok(node, &all)).unwrap()
    }

    /// Its key, for a program in this process.
    pub fn signer(&self) -> Signer {
        let keyring = Keyring::new(&self.home.join("bauta"), KeyringBackend::Test, DEFAULT_PREFIX);
        Signer::new(keyring.unlock("me", None).unwrap(), DEFAULT_PREFIX).unwrap()
    }

    /// Gives it every so many-th row of the digits.
    pub fn give_rows(&self, first: usize, every: usize) {
        let all = std::fs::read_to_string(repository("data/digits.csv")).unwrap();
        let mut lines = all.lines();
        let header = lines.next().unwrap();
        let rows = std::iter::once(header).chain(lines.skip(first).step_by(every));
        std::fs::write(self.home.join("rows.csv"), rows.map(|row| format!("{row}\n")).collect::<String>()).unwrap();
    }
}

/// The text in a value.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
