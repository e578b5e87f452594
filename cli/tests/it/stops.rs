//! `provider run`, asked to stop, jailed, and left alone by its node.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::process::{Child, ChildStdout, ExitStatus};

use serde_json::Value;

use crate::bauta::Bauta;
use crate::gate::Gate;
use crate::people::{create_task, create_task_of, create_task_with, found_contracts, people, serving};

/// A daemon whose events are read one after the other.
struct Daemon {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Daemon {
    fn serve(provider: &Bauta, first_row: usize, more: &[&str]) -> Self {
        let mut child = serving(provider, first_row, more);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap())
    }

    /// Reads until an event of this name, and of this round if one is given; gives back all that were read.
    fn until(&mut self, name: &str, round: Option<u64>) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next() {
            let is_it = event["event"] == name && round.is_none_or(|round| event["round"] == round);
            events.push(event);
            if is_it {
                return events;
            }
        }
        let mut said = String::new();
        self.child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
        panic!("it ended before {name}: {events:?} {said}");
    }

    fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// What it says until it ends.
    fn end(mut self) -> (ExitStatus, Vec<Value>) {
        let events = std::iter::from_fn(|| self.next()).collect();
        (self.child.wait().unwrap(), events)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn has(events: &[Value], name: &str, round: u64) -> bool {
    events.iter().any(|event| event["event"] == name && event["round"] == round)
}

fn offences(of: &Bauta) -> usize {
    of.json(&["provider", "status"])["offences"].as_array().unwrap().len()
}

#[test]
fn the_first_signal_lets_a_provider_finish_its_round_and_the_second_says_what_it_costs() {
    let (_node, people) = people(&["alice", "bob", "carol", "dave"]);
    let (alice, providers) = people.split_first().unwrap();
    found_contracts(alice);
    create_task(alice, 3);
    let others: Vec<Daemon> = (1..3).map(|index| Daemon::serve(&providers[index], index, &[])).collect();
    let bob = &providers[0];

    let mut first = Daemon::serve(bob, 0, &[]);
    first.until("checked_in", Some(1));
    first.signal("-TERM");
    let stopping = first.until("stopping", Some(1));
    let stopping = stopping.last().unwrap();
    assert_eq!(stopping["submission"], true, "{stopping}");
    assert!(stopping["by_height"].as_u64().unwrap() > 0, "{stopping}");
    assert!(stopping["by_time"].as_str().unwrap().ends_with('Z'), "{stopping}");
    let (status, events) = first.end();
    assert!(status.success(), "{events:?}");
    assert!(has(&events, "submitted", 1), "{events:?}");
    assert!(!has(&events, "checked_in", 2), "{events:?}");
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["seat_in_epoch"]), (&Value::from("stopped"), &Value::from(1)), "{events:?}");
    assert_eq!(offences(bob), 0);
    assert_eq!(bob.json(&["rewards"])["tasks"][0]["updates"], 1);

    let mut second = Daemon::serve(bob, 0, &[]);
    second.until("checked_in", None);
    second.signal("-INT");
    second.until("stopping", None);
    second.signal("-INT");
    let (status, events) = second.end();
    assert_eq!(status.code(), Some(1), "{events:?}");
    let last = events.last().unwrap();
    assert_eq!(last["event"], "stopped");
    assert!(last["costs"][0].as_str().unwrap().contains("1 % of the bond"), "{last}");
    others.into_iter().for_each(Daemon::kill);
}

#[test]
fn one_that_is_jailed_serves_its_seat_when_it_is_started_again() {
    let (_node, people) = people(&["alice", "bob", "carol", "dave", "erin"]);
    let (alice, providers) = people.split_first().unwrap();
    found_contracts(alice);
    create_task_of(alice, 4, 30);
    let mut others: Vec<Daemon> = (1..4).map(|index| Daemon::serve(&providers[index], index % 3, &[])).collect();
    let bob = &providers[0];
    let mut first = Daemon::serve(bob, 0, &[]);
    first.until("checked_in", Some(1));
    first.kill();
    others[0].until("round_settled", Some(1));
    let status = bob.json(&["provider", "status"]);
    assert_eq!((&status["standing"], &status["may_take_part"]), (&Value::from("jailed"), &Value::from(false)));
    assert!(bob.ok(&["provider", "status"]).contains("jailed for no_submission, until 2"), "a date");
    // What happened, on what evidence, and what to do now.
    let offence = &status["offences"][0];
    let explanation = offence["explanation"].as_str().unwrap();
    for words in ["its submission was not complete", "round 1", offence["evidence"].as_str().unwrap(), "to do better"] {
        assert!(explanation.contains(words), "{words:?} is not in {explanation}");
    }
    assert!(status["now"].as_str().unwrap().contains("can return with `bauta provider unjail` from 2"), "{status:#}");

    let mut again = Daemon::serve(bob, 0, &[]);
    let events = again.until("answered", None);
    let warning = events.iter().find(|event| event["event"] == "warning").unwrap();
    let what = warning["what"].as_str().unwrap();
    for words in ["is jailed for no_submission until 2", "its seat in epoch 1 of task 1", "bauta provider unjail"] {
        assert!(what.contains(words), "{what}");
    }
    assert!(!events.iter().any(|event| event["event"] == "checked_in"), "{events:?}");
    again.kill();
    others.into_iter().for_each(Daemon::kill);
}

#[test]
fn a_node_that_is_away_is_waited_for_at_the_start_and_later() {
    let (node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    found_contracts(alice);
    create_task_with(alice, 3, 1, 500);
    let gate = Gate::before(&node.url);
    let mut daemon = Daemon::serve(bob, 0, &["--node", &gate.url]);
    daemon.until("node_away", None);
    gate.open();
    daemon.until("node_back", None);
    daemon.until("enrolled", None);
    for _ in 0..2 {
        gate.close();
        assert_eq!(daemon.until("node_away", None).len(), 1);
        gate.open();
        assert_eq!(daemon.until("node_back", None).len(), 1);
    }
    daemon.signal("-INT");
    let (status, events) = daemon.end();
    assert!(status.success(), "{events:?}");
    assert_eq!(events.last().unwrap()["event"], "stopped");
}
