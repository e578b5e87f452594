//! Runs the program with a home folder of its own, and nothing of the environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub struct Bauta {
    pub home: TempDir,
    variables: Vec<(String, String)>,
}

impl Bauta {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// With keys that need no passphrase, against a node.
    pub fn scripted(node: &str) -> Self {
        Self::new().with("BAUTA_KEYRING_BACKEND", "test").with("BAUTA_NODE", node)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bauta"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RUST_BACKTRACE", "1")
            .env("BAUTA_HOME", self.home.path().join("bauta"))
            .envs(self.variables.iter().cloned())
            .current_dir(self.home.path())
            .args(args)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs with something on standard input.
    pub fn run_with_input(&self, args: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The program may have ended before it read anything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs what must succeed, and gives what it prints.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "bauta {}\n{}", args.join(" "), stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same as JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["--output", "json"]);
        serde_json::from_str(&self.ok(&all)).unwrap()
    }

    /// Runs what must fail: with this exit code, one sentence that has these words, at most one hint, and no backtrace.
    pub fn fails(&self, args: &[&str], code: i32, words: &str) {
        check_failure(&self.run(args), args, code, words);
    }

    /// Writes a file in the home folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

pub fn check_failure(output: &Output, args: &[&str], code: i32, words: &str) {
    let said = stderr(output);
    let what = format!("bauta {}\nexit {:?}\n{said}", args.join(" "), output.status.code());
    assert_eq!(output.status.code(), Some(code), "{what}");
    assert!(output.stdout.is_empty(), "{what}{}", String::from_utf8_lossy(&output.stdout));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.first().is_some_and(|line| line.starts_with("error: ")), "{what}");
    assert!(lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("hint: "), "{what}");
    assert!(said.contains(words), "no {words:?} in: {what}");
    for bad in ["backtrace", "panicked", "RUST_BACKTRACE", ".rs:"] {
        assert!(!said.contains(bad), "{what}");
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The folder of caches of whoever runs the tests.
pub fn cache() -> PathBuf {
    let set = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    set.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"))
}
