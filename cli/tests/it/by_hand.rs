//! What an operator, a model provider and three data providers do by hand, each with a home of its own.

use serde_json::Value;

use crate::bauta::repository;
use crate::people::{address, digits_from, found_contracts, people, running, text};

#[test]
fn coins_are_sent_and_the_transaction_is_shown() {
    let (_node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    let to = address(bob);
    let sent = alice.json(&["bank", "send", &to, "2500000ubauta", "--yes", "--memo", "hello", "--fees", "7777ubauta"]);
    let shown = alice.json(&["tx", "show", text(&sent["tx_hash"])]);
    assert_eq!(shown["code"], 0);
    assert_eq!(shown["memo"], "hello");
    assert_eq!(shown["fee"][0]["amount"], "7777");
    assert_eq!(shown["messages"][0], "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(shown["height"], sent["height"]);
    assert_eq!(bob.json(&["bank", "balances"])["balances"][0]["amount"], "1002500000");
    assert_eq!(alice.json(&["bank", "balances"])["balances"][0]["amount"], "997492223");
    alice.fails(&["bank", "send", &to, "9000000000ubauta", "--yes"], 1, "the chain refused it");
    alice.fails(&["bank", "send", &to, "1ubauta", "--yes", "--gas", "1000"], 1, "the chain refused it");
}

#[test]
fn the_authority_alone_gives_a_chain_its_contracts() {
    let (_node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    bob.fails(&["contracts", "show"], 1, "no contracts for data providers yet");
    bob.fails(&["contracts", "deploy", "--yes"], 1, "may not change the parameters");
    let made = alice.json(&["contracts", "deploy", "--unbonding", "60", "--yes"]);
    assert_eq!(made["admin"], address(alice));
    let shown = bob.json(&["contracts", "show"]);
    for name in ["registry", "staking", "slashing"] {
        assert_eq!(shown[name], made[name]);
    }
    // They know one another: a bond is taken, and unbonds in the time that was said.
    let config = bob.json(&["wasm", "query", "smart", text(&made["staking"]), r#"{"config":{}}"#]);
    assert!(config.to_string().contains(text(&made["slashing"])), "{config}");
    assert!(config.to_string().contains("60"), "{config}");
}

#[test]
fn a_block_shows_the_transactions_that_it_holds() {
    let (_node, people) = people(&["alice", "bob"]);
    let sent = people[0].json(&["bank", "send", &address(&people[1]), "1ubauta", "--yes"]);
    let block = people[1].json(&["block", &sent["height"].to_string()]);
    assert_eq!(block["height"], sent["height"]);
    assert_eq!(block["txs"][0]["hash"], sent["tx_hash"]);
    assert_eq!(block["txs"][0]["code"], 0);
    people[1].fails(&["block", "99999999"], 1, "is not made yet");
    people[1].fails(&["faucet", "me", "--mnemonic", "nowhere"], 1, "cannot be read");
}

#[test]
fn three_providers_train_a_task_from_its_file_to_its_model() {
    let (_node, people) = people(&["alice", "bob", "carol", "dave"]);
    let (alice, providers) = people.split_first().unwrap();
    found_contracts(alice);

    let file = alice.ok(&["task", "init", "--providers", "3"]).replace("rounds = 30", "rounds = 2");
    let file = file.replace("metrics = false", "metrics = true");
    alice.file("task.toml", file);
    let estimate = alice.json(&["task", "estimate", "task.toml"]);
    assert_eq!(estimate["accepted"], true, "{estimate:#}");
    alice.fails(&["task", "create", "task.toml", "--budget", "1ubauta", "--yes"], 1, "would refuse this task");
    alice.fails(&["task", "create", "task.toml", "--budget", "1uatom", "--yes"], 1, "is in uatom");
    let budget = format!("{}ubauta", text(&estimate["least_budget"]));
    let created = alice.json(&["task", "create", "task.toml", "--budget", &budget, "--yes"]);
    assert_eq!(created["task"], 1);

    // The first by hand, the others when they start.
    let bob = &providers[0];
    bob.json(&["provider", "register", "--name", "bob"]);
    bob.fails(&["provider", "register", "--name", "bob"], 1, "the chain refused it");
    bob.file("rows.csv", digits_from(0));
    bob.fails(&["provider", "run", "--task", "1", "--data", "rows.csv"], 1, "asks for a bond of");
    assert_eq!(bob.json(&["provider", "bond", "1500000ubauta", "--yes"])["bonded"], "1500000");
    assert_eq!(bob.json(&["provider", "unbond", "400000"])["unbonding"], "400000");
    let check = bob.json(&["provider", "check", "--task", "1", "--data", "rows.csv"]);
    assert_eq!(check["rows"], 599);

    let mut daemons = Vec::new();
    for (index, provider) in providers.iter().enumerate() {
        provider.file("rows.csv", digits_from(index));
        let args = [
            "provider",
            "run",
            "--task",
            "1",
            "--data",
            "rows.csv",
            "--bond",
            "1000000ubauta",
            "--name",
            "clinic",
            "--leave-early",
            "--yes",
            "--output",
            "json",
        ];
        daemons.push(running(provider, &args));
    }
    let data = repository("data/digits.csv");
    let watched =
        alice.ok(&["task", "watch", "1", "--since", "1", "--data", data.to_str().unwrap(), "--output", "json"]);
    let lines: Vec<Value> = watched.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let finished: Vec<&Value> =
        lines.iter().filter(|line| line["status"] == "finished" && line["round"].is_u64()).collect();
    assert_eq!(finished.len(), 2, "{watched}");
    assert_eq!(finished[1]["participants"].as_array().unwrap().len(), 3);
    assert!(finished[1]["accuracy"].as_f64().unwrap() > 0.9, "{watched}");
    assert_eq!(lines.last().unwrap()["status"], "finished");
    // What the providers measured of the model they got, in a sum: the first one knows nothing, and ten digits are guessed.
    let metric = |round: usize, name: &str| finished[round]["metrics"][name].as_f64().unwrap();
    assert!((metric(0, "loss") - 10f64.ln()).abs() < 1e-3 && metric(0, "hits") < 0.2, "{watched}");
    assert!(metric(1, "loss") < 1.0 && metric(1, "hits") > 0.85, "{watched}");
    assert_eq!(finished[1]["groups"][0]["metrics"], finished[1]["metrics"]);
    let told = alice.ok(&["task", "watch", "1", "--since", "1"]);
    assert!(told.contains("  loss 2.302") && told.contains("  hits "), "{told}");

    for daemon in daemons {
        let output = daemon.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        for event in
            ["enrolled", "dealt", "trained", "checked_in", "submitted", "answered", "round_settled", "task_ended"]
        {
            assert!(said.contains(&format!("\"event\":\"{event}\"")), "no {event}: {said}");
        }
    }

    let model = alice.json(&["task", "model", "1", "--out", "model.safetensors"]);
    assert_eq!(model["model_hash"], finished[1]["model_hash"]);
    assert!(alice.home.path().join("model.safetensors").exists());
    let shown = alice.json(&["task", "show", "1"]);
    assert_eq!(shown["status"], "finished");
    assert_eq!(shown["settings"]["rounds"], 2);
    assert_eq!(shown["verdicts"].as_array().unwrap().len(), 0);
    assert_eq!(alice.json(&["task", "list"])["tasks"][0]["finished_rounds"], 2);
    assert!(alice.ok(&["task", "show", "1", "--toml"]).contains("[cohort]"));
    assert_eq!(bob.json(&["rewards"])["tasks"][0]["updates"], 2);
    let status = bob.json(&["provider", "status"]);
    assert_eq!(status["standing"], "good");
    assert_eq!(status["bonded"], "1100000");
    bob.fails(&["task", "cancel", "1", "--yes"], 1, "belongs to another account");
    bob.fails(&["provider", "unjail"], 1, "the chain refused it");
}
