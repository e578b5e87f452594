//! What is changed after it was made: contracts, bonds, budgets, and the end of a task.

use std::time::{Duration, Instant};

use crate::bauta::repository;
use crate::people::{address, create_task, found_contracts, found_contracts_with, people, text};

#[test]
fn a_contract_is_migrated_by_its_admin_alone_and_never_again_without_one() {
    let (_node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    let store = |name: &str| {
        let file = repository(&format!("contracts/artifacts/{name}.wasm"));
        alice.json(&["wasm", "store", file.to_str().unwrap()])["code_id"].to_string()
    };
    let (registry, again, staking) = (store("registry"), store("registry"), store("staking"));
    let (me, other) = (address(alice), address(bob));
    let made = alice.json(&["wasm", "instantiate", &registry, "{}", "--label", "registry", "--admin", &me]);
    let contract = text(&made["contract"]);

    bob.fails(&["wasm", "migrate", contract, &again, "{}"], 1, "the chain refused it");
    alice.fails(&["wasm", "migrate", contract, &staking, "{}"], 1, "the chain refused it");
    alice.fails(&["wasm", "migrate", contract, "99", "{}"], 1, "the chain refused it");
    alice.fails(&["wasm", "migrate", contract, &again, "{"], 1, "not JSON");
    let moved = alice.json(&["wasm", "migrate", contract, &again, "{}"]);
    assert!(moved["tx_hash"].is_string(), "{moved:#}");
    let history = alice.json(&["wasm", "query", "history", contract]);
    assert_eq!(history["history"][1]["operation"], "migrate");
    assert_eq!(history["history"][1]["code_id"].to_string(), again);

    bob.fails(&["wasm", "set-admin", contract, &other, "--yes"], 1, "the chain refused it");
    alice.fails(&["wasm", "set-admin", contract, &other], 2, "needs a yes");
    assert_eq!(alice.json(&["wasm", "set-admin", contract, &other, "--yes"])["admin"], other.as_str());
    alice.fails(&["wasm", "migrate", contract, &registry, "{}"], 1, "the chain refused it");
    bob.json(&["wasm", "migrate", contract, &registry, "{}"]);
    assert!(bob.json(&["wasm", "set-admin", contract, "--none", "--yes"])["admin"].is_null());
    assert!(bob.json(&["wasm", "query", "contract", contract])["admin"].is_null());
    bob.fails(&["wasm", "migrate", contract, &again, "{}"], 1, "the chain refused it");
}

#[test]
fn a_task_is_topped_up_by_anyone_and_cancelled_by_its_owner_who_gets_the_rest_back() {
    let (_node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    found_contracts(alice);
    create_task(alice, 2);
    let deposited = |people: &crate::bauta::Bauta| -> u128 {
        text(&people.json(&["task", "show", "1"])["escrow"]["deposited"]).parse().unwrap()
    };
    let before = deposited(alice);
    bob.fails(&["task", "top-up", "1", "5000"], 2, "needs a yes");
    bob.fails(&["task", "top-up", "1", "0", "--yes"], 2, "which is nothing");
    bob.fails(&["task", "top-up", "1", "5uatom", "--yes"], 1, "is in uatom");
    bob.fails(&["task", "top-up", "2", "5000", "--yes"], 1, "hint: `bauta task list`");
    bob.fails(&["task", "top-up", "1", "9000000000", "--yes"], 1, "the chain refused it");
    assert_eq!(bob.json(&["task", "top-up", "1", "5000", "--yes"])["amount"], "5000");
    assert_eq!(deposited(alice), before + 5000);

    bob.fails(&["task", "cancel", "1", "--yes"], 1, "belongs to another account");
    alice.fails(&["task", "cancel", "1"], 2, "needs a yes");
    let cancelled = alice.json(&["task", "cancel", "1", "--yes"]);
    assert_eq!(cancelled["task"], 1);
    let end = alice.ok(&["task", "watch", "1", "--output", "json"]);
    assert!(end.lines().last().unwrap().contains("\"cancelled\""), "{end}");
    let escrow = &alice.json(&["task", "show", "1"])["escrow"];
    assert_eq!((text(&escrow["held"]), text(&escrow["refunded"])), ("0", (before + 5000).to_string().as_str()));
    alice.fails(&["task", "cancel", "1", "--yes"], 1, "the chain refused it");
    bob.fails(&["task", "top-up", "1", "5000", "--yes"], 1, "the chain refused it");
}

#[test]
fn a_bond_comes_back_when_its_time_is_over_and_not_before() {
    let (_node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    found_contracts_with(alice, 60);
    bob.fails(&["provider", "withdraw"], 1, "the chain refused it");
    bob.json(&["provider", "register", "--name", "bob"]);
    bob.json(&["provider", "bond", "1500000ubauta", "--yes"]);
    bob.fails(&["provider", "unbond", "1600000"], 1, "the chain refused it");
    bob.fails(&["provider", "unbond", "0"], 2, "which is nothing");
    bob.fails(&["provider", "unbond", "5uatom"], 1, "is in uatom");
    let began = bob.json(&["provider", "unbond", "400000"]);
    assert_eq!((text(&began["bonded"]), text(&began["unbonding"])), ("1100000", "400000"));
    assert_eq!(bob.json(&["provider", "status"])["unbondings"][0]["amount"], "400000");
    bob.fails(&["provider", "withdraw"], 1, "the chain refused it");

    let balance = || text(&bob.json(&["bank", "balances"])["balances"][0]["amount"]).parse::<u128>().unwrap();
    let before = balance();
    let started = Instant::now();
    let paid = loop {
        let output = bob.run(&["provider", "withdraw", "--fees", "9000ubauta", "--output", "json"]);
        if output.status.success() {
            break serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
        }
        assert!(started.elapsed() < Duration::from_secs(240), "{}", crate::bauta::stderr(&output));
        std::thread::sleep(Duration::from_millis(500));
    };
    assert_eq!((text(&paid["bonded"]), text(&paid["unbonding"])), ("1100000", "0"));
    assert_eq!(balance(), before + 400_000 - 9_000);
}
