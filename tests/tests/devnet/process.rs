//! A process that is started, killed, and never left behind.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// A program that runs; it is killed when this is dropped.
pub struct Process {
    pub child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts a command. What it says on standard error is added to a log; standard output goes there as well unless the command was
    /// given another place for it.
    pub fn start(name: &str, mut command: Command, log: &Path, is_read: bool) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let output = if is_read { Stdio::piped() } else { Stdio::from(file.try_clone().unwrap()) };
        let child = command.stdin(Stdio::null()).stdout(output).stderr(file).spawn();
        let child = child.unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self { child, name: name.to_owned(), log: log.to_owned() }
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The last of what it, and those before it under its name, said.
    pub fn last_words(&self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(15).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        format!("--- {}\n{}\n", self.name, last.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
