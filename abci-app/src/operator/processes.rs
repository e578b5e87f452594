//! A node's programs as processes of this one: started on a folder, looked after, stopped with whoever started them.

// Memory figures for people: no block is executed with them.
#![allow(clippy::float_arithmetic)]

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{bail, Context as _};
use k256::elliptic_curve::rand_core::{OsRng, RngCore as _};

use super::Home;

/// How often it is looked whether a program has ended, and how often at most.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: usize = 100;

/// How many threads run Go's code at a time (Go's package `runtime`).
const GO_THREADS: &str = "GOMAXPROCS";
/// Threads that run Go's code for each core, in CometBFT. Go lets each run for 10 ms before another has its turn (runtime/proc.go,
/// `forcePreemptNS`): with one a core, questions wait behind hashing and encoding where the cores are few. The system shares them out sooner.
const GO_THREADS_PER_CORE: usize = 4;

/// Ports that are tried.
const PORTS_TRIED: usize = 10_000;

/// A running program. Dropping it stops it.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Runs `PROGRAM start --home HOME`; what it says goes to `HOME/NAME.log`, behind what is there.
    ///
    /// # Errors
    /// When it cannot be started, or its log not be written.
    pub fn start(name: &str, program: &Path, home: &Home) -> anyhow::Result<Self> {
        let log = home.path().join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log);
        let file = file.with_context(|| format!("{} cannot be written", log.display()))?;
        let mut command = Command::new(program);
        others_choices().into_iter().for_each(|name| {
            command.env_remove(name);
        });
        let child = command
            .envs(go_threads())
            .arg("start")
            .arg("--home")
            .arg(home.path())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Whether it has not ended.
    ///
    /// # Errors
    /// When it has, with the last of what it said.
    pub fn still_runs(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let said = self.said();
            let last: Vec<&str> = said.lines().rev().take(5).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            bail!("{} ended with {status}; its last words:\n{}", self.name, last.join("\n"));
        }
        Ok(())
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Tells it to end (SIGTERM), and does not wait. One that has ended is not told: its number may be another program's by now.
    pub fn tell_to_end(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
    }

    /// Waits for a program that was told to end, and ends it if it does not listen.
    pub fn end(&mut self) {
        for _ in 0..LOOKS {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The most memory that it had resident so far, in KiB; 0 where the system does not tell.
    pub fn peak_kib(&self) -> f64 {
        self.memory("VmHWM:")
    }

    /// The memory that it has resident now, in KiB; 0 where the system does not tell.
    pub fn resident_kib(&self) -> f64 {
        self.memory("VmRSS:")
    }

    fn memory(&self, line: &str) -> f64 {
        memory_kib(&format!("/proc/{}/status", self.child.id()), line)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.tell_to_end();
        self.end();
    }
}

/// A line of a process's status file that is in kB, such as `VmHWM:`, the largest resident memory so far; 0 where there is none.
pub fn memory_kib(status: &str, line: &str) -> f64 {
    let status = std::fs::read_to_string(status).unwrap_or_default();
    status
        .lines()
        .find_map(|said| said.strip_prefix(line))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<f64>().ok())
        .unwrap_or(0.0)
}

/// Ports that nobody listens on.
///
/// # Errors
/// When there are none.
pub fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    // All are held until the last is found, so that no port comes twice. They lie below those that the system gives to connections, one of
    // which might take them before the program listens.
    let mut held = Vec::new();
    for _ in 0..PORTS_TRIED {
        if held.len() == count {
            break;
        }
        let port = 10_000 + (OsRng.next_u32() % 22_000) as u16;
        held.extend(TcpListener::bind(("0.0.0.0", port)));
    }
    anyhow::ensure!(held.len() == count, "there are no {count} free ports from 10000 to 31999");
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// What a person chose for another node on this machine: a folder that was just made has its own choices. What is logged stays.
// How a program is started does not depend on what a block does.
#[allow(clippy::disallowed_methods)]
fn others_choices() -> Vec<std::ffi::OsString> {
    const OURS: [&str; 3] = ["BAUTAD_LOG", "BAUTAD_LOG_FORMAT", "BAUTAD_WAITING_TXS"];
    let is_choice = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        (name.starts_with("CMT_") || name.starts_with("BAUTAD_")) && !OURS.contains(&name.as_ref())
    };
    std::env::vars_os().map(|(name, _)| name).filter(is_choice).collect()
}

/// What CometBFT's environment has besides this process's; nothing where somebody chose already.
// How a program is started does not depend on what a block does.
#[allow(clippy::disallowed_methods)]
fn go_threads() -> Option<(&'static str, String)> {
    if std::env::var_os(GO_THREADS).is_some() {
        return None;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Some((GO_THREADS, (GO_THREADS_PER_CORE * cores).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ended_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        std::fs::write(&program, "#!/bin/sh\necho first\necho last words >&2\nexit 3\n").expect("a file");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
        let mut running = Program::start("program", &program, &Home::at(folder.path())).expect("it starts");
        running.end();
        let ended = running.still_runs().expect_err("it has ended").to_string();
        assert!(ended.contains("program ended with exit status: 3") && ended.contains("last words"), "{ended}");
    }

    #[test]
    fn no_port_comes_twice() {
        let mut ports = free_ports(16).expect("ports");
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 16);
    }
}
