//! `bauta watch` on a node.

use serde_json::Value;

use crate::people::{address, found_contracts, people, text};

#[test]
fn a_watcher_looks_once_keeps_how_far_it_was_and_says_how_it_stands() {
    let (_node, people) = people(&["alice"]);
    let alice = &people[0];
    found_contracts(alice);
    let look = |more: &[&str]| -> Vec<Value> {
        let said = alice.ok(&[&["watch", "--once", "--output", "json"], more].concat());
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let lines = look(&["--since", "1"]);
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((text(&first["event"]), text(&first["address"])), ("watching", address(alice).as_str()));
    assert_eq!(text(&first["deposit"]), "1000000");
    assert_eq!((text(&last["event"]), &last["bodies"]), ("stopped", &Value::from(0)));
    let height = last["height"].as_u64().unwrap();
    assert!(height > 0);
    let again = look(&[]);
    assert!(again[again.len() - 1]["height"].as_u64().unwrap() >= height);
    // One process a folder: its records would not be the other's.
    let folder = alice.home.path().join("bauta/watch");
    let chain = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let lock = std::fs::File::open(chain.join("lock")).unwrap();
    lock.lock().unwrap();
    alice.fails(&["watch", "--once"], 1, "another process watches with the records in");
}

#[test]
fn a_watcher_that_cannot_pay_a_deposit_is_told_so_and_may_still_look() {
    let (_node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    found_contracts(alice);
    let all: u128 = text(&bob.json(&["bank", "balances"])["balances"][0]["amount"]).parse().unwrap();
    let away = format!("{}ubauta", all - 500_000);
    bob.json(&["bank", "send", &address(alice), &away, "--fees", "7777ubauta", "--yes"]);
    bob.fails(&["watch", "--once"], 1, "a report puts up 1000000ubauta and pays a fee");
    bob.ok(&["watch", "--once", "--dry-run"]);
}
