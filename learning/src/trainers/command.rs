//! Any program as a trainer.
// A client waits for a program by the clock of its machine; nothing here executes a block.
#![allow(clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{Trainer, TrainerError};

/// Bytes of a trainer's output that are kept: the last ones.
const KEPT_OUTPUT: usize = 64 * 1024;
/// How often a running trainer is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs `CMD DIR`: the program with its arguments, then the folder's path. It runs in the caller's working directory and environment
/// (additions and removals apart), with no standard input; what it writes to stdout and stderr goes to the log. An exit code other than
/// zero skips the round. On Unix it is in a process group of its own, which is killed as a whole when time is up, and when this process
/// ends before the program does, however it ends.
#[derive(Clone, Debug)]
pub struct CommandTrainer {
    program: String,
    arguments: Vec<String>,
    set: BTreeMap<String, String>,
    removed: Vec<String>,
    timeout: Duration,
}

impl CommandTrainer {
    /// From a command line, split into words as [`split_words`] does. No shell is involved.
    ///
    /// # Errors
    /// [`TrainerError::CommandLine`].
    pub fn from_command_line(line: &str, timeout: Duration) -> Result<Self, TrainerError> {
        let mut words = split_words(line).ok_or_else(|| TrainerError::CommandLine(line.to_owned()))?.into_iter();
        let program = words.next().ok_or_else(|| TrainerError::CommandLine(line.to_owned()))?;
        Ok(Self { program, arguments: words.collect(), set: BTreeMap::new(), removed: Vec::new(), timeout })
    }

    /// Sets an environment variable for the program; `BAUTA_DATA`, by convention, is the data file.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.insert(name.into(), value.into());
        self
    }

    /// Keeps an environment variable, such as a keyring's passphrase, from the program.
    #[must_use]
    pub fn without(mut self, name: impl Into<String>) -> Self {
        self.removed.push(name.into());
        self
    }

    fn start(&self, folder: &Path, watcher: Option<&Watcher>) -> Result<Child, TrainerError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(folder);
        for name in &self.removed {
            command.env_remove(name);
        }
        command.envs(&self.set).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, watcher.map_or(0, Watcher::group));
        command.spawn().map_err(|source| TrainerError::Start { program: self.program.clone(), source })
    }
}

impl Trainer for CommandTrainer {
    fn run(&self, folder: &Path) -> Result<String, TrainerError> {
        let watcher = Watcher::start();
        let mut child = self.start(folder, watcher.as_ref())?;
        let kill = |child: &mut Child| kill(child, watcher.as_ref());
        let output = Arc::new(Mutex::new(Vec::new()));
        let readers: Vec<_> = [
            child.stdout.take().map(|pipe| keep_output(pipe, Arc::clone(&output))),
            child.stderr.take().map(|pipe| keep_output(pipe, Arc::clone(&output))),
        ]
        .into_iter()
        .flatten()
        .collect();

        let started = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if started.elapsed() < self.timeout => thread::sleep(PAUSE),
                Ok(None) => {
                    kill(&mut child);
                    break None;
                }
                Err(source) => {
                    kill(&mut child);
                    return Err(TrainerError::Start { program: self.program.clone(), source });
                }
            }
        };
        // A grandchild may hold the pipes open after the program has ended: its output is waited for only a moment.
        let patience = Instant::now();
        while readers.iter().any(|reader| !reader.is_finished()) && patience.elapsed() < Duration::from_millis(500) {
            thread::sleep(PAUSE);
        }
        let log = output.lock().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        match status {
            None => Err(TrainerError::TimedOut { seconds: self.timeout.as_secs(), log }),
            Some(status) if status.success() => Ok(log),
            Some(status) => Err(TrainerError::Skipped { status: status.to_string(), log }),
        }
    }
}

fn keep_output(mut pipe: impl Read + Send + 'static, output: Arc<Mutex<Vec<u8>>>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0u8; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            if let Ok(mut kept) = output.lock() {
                kept.extend_from_slice(&buffer[..count]);
                let excess = kept.len().saturating_sub(KEPT_OUTPUT);
                kept.drain(..excess);
            }
        }
    })
}

/// A shell that leads the program's process group and waits at a pipe, whose other end goes with this process: then it kills the group.
/// A signal that ends this process, or a power of the system that does, leaves no program behind.
struct Watcher(Child);

impl Watcher {
    /// `None` where there is no shell; then the program is killed by this process alone.
    fn start() -> Option<Self> {
        #[cfg(unix)]
        {
            let mut shell = Command::new("sh");
            // Closed input ends `read`; a group of 0 is its own.
            shell.args(["-c", "read -r _; kill -KILL 0"]).stdout(Stdio::null()).stderr(Stdio::null());
            std::os::unix::process::CommandExt::process_group(&mut shell, 0);
            shell.stdin(Stdio::piped()).spawn().ok().map(Self)
        }
        #[cfg(not(unix))]
        None
    }

    /// The group it leads.
    #[cfg(unix)]
    fn group(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap_or(0)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Before its input closes, so that what the program left running on purpose runs on.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends the program and, on Unix, everything it started.
fn kill(child: &mut Child, watcher: Option<&Watcher>) {
    // The standard library signals a single process only; `kill` with a negative number reaches the group. Failures mean it is gone.
    #[cfg(unix)]
    {
        let group = watcher.map_or(child.id(), |watcher| watcher.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).stderr(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Splits a command line at white space; single and double quotes keep words together, a backslash keeps the next character (not within
/// single quotes). `None` when a quote is never closed or the line ends in a backslash.
#[must_use]
pub fn split_words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(characters.next()?),
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}
