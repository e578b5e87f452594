//! `bauta provider run` as a process, and what it says.

use std::io::{BufRead as _, BufReader};
use std::process::ExitStatus;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::people::Person;
use super::process::Process;

/// How long an event is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A provider at work.
pub struct Daemon {
    process: Process,
    events: Receiver<Value>,
    /// What it has said so far, as far as it was read.
    pub said: Vec<Value>,
}

impl Daemon {
    /// Lets somebody serve a task through a node.
    pub fn serve(person: &Person, node: &str, task: u64) -> Self {
        let task = task.to_string();
        let args =
            ["provider", "run", "--task", &task, "--data", "rows.csv", "--leave-early", "--yes", "--output", "json"];
        let log = person.home.join("daemon.log");
        let mut process = Process::start(&person.address, person.command(node, &args), &log, true);
        let lines = BufReader::new(process.child.stdout.take().unwrap()).lines();
        let (say, events) = mpsc::channel();
        // It ends with the process.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // A line that was cut off by a kill is no event.
                if let Ok(event) = serde_json::from_str(&line) {
                    let _ = say.send(event);
                }
            }
        });
        Self { process, events, said: Vec::new() }
    }

    /// Waits for an event of this name, in this round if one is given.
    pub fn until(&mut self, name: &str, round: Option<u64>) -> Value {
        let patience = Instant::now() + PATIENCE;
        loop {
            let event = match self.events.recv_timeout(patience.saturating_duration_since(Instant::now())) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no {name} in time: {:?}\n{}", self.said, self.process.last_words())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended before {name}: {:?}\n{}", self.said, self.process.last_words())
                }
            };
            self.said.push(event.clone());
            if event["event"] == name && round.is_none_or(|round| event["round"] == round) {
                return event;
            }
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// The last of what it said.
    pub fn last_words(&mut self) -> String {
        self.said.extend(self.events.try_iter());
        let last = self.said.len().saturating_sub(10);
        format!("{:?}\n{}", &self.said[last..], self.process.last_words())
    }
}
