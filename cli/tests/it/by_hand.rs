//! What an operator, a model provider and three data providers do by hand, each with a home of its own.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::bauta::{repository, Bauta};
use crate::node::Node;

/// People with a key each, and the node on which they have coins.
fn people(names: &[&str]) -> (Node, Vec<Bauta>) {
    let makers: Vec<Bauta> =
        names.iter().map(|_| Bauta::new().with("BAUTA_KEYRING_BACKEND", "test").with("BAUTA_FROM", "me")).collect();
    let addresses: Vec<String> =
        makers.iter().map(|maker| maker.json(&["keys", "add", "me"])["address"].as_str().unwrap().to_owned()).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let node = Node::start(&addresses);
    let people = makers.into_iter().map(|maker| maker.with("BAUTA_NODE", node.url.clone())).collect();
    (node, people)
}

fn address(bauta: &Bauta) -> String {
    bauta.ok(&["keys", "show", "me", "--address"]).trim().to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

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

/// Stores and instantiates the three contracts and tells the chain about them.
fn found_contracts(authority: &Bauta) {
    let me = address(authority);
    let mut codes = Vec::new();
    for name in ["registry", "staking", "slashing"] {
        let file = repository(&format!("contracts/artifacts/{name}.wasm"));
        let stored = authority.json(&["wasm", "store", file.to_str().unwrap()]);
        codes.push(stored["code_id"].to_string());
    }
    let make = |code: &str, message: &str, label: &str| -> String {
        let made = authority.json(&["wasm", "instantiate", code, message, "--label", label, "--admin", &me]);
        text(&made["contract"]).to_owned()
    };
    let registry = make(&codes[0], "{}", "registry");
    let staking = make(&codes[1], r#"{"bond_denom":"ubauta","unbonding_seconds":10}"#, "staking");
    let slashing = make(&codes[2], &format!(r#"{{"staking":"{staking}","registry":"{registry}"}}"#), "slashing");
    let update = format!(r#"{{"update_config":{{"slashing":"{slashing}"}}}}"#);
    for contract in [&registry, &staking] {
        authority.json(&["wasm", "execute", contract, &update]);
    }
    let set = ["params", "set", "--registry", &registry, "--staking", &staking, "--slashing", &slashing];
    authority.json(&set);
    assert_eq!(authority.json(&["params"])["slashing"], slashing);

    // What can be asked about them.
    assert_eq!(authority.json(&["wasm", "query", "codes"])["codes"].as_array().unwrap().len(), 3);
    assert_eq!(authority.json(&["wasm", "query", "contracts", &codes[0]])["contracts"][0], registry);
    assert_eq!(authority.json(&["wasm", "query", "contract", &staking])["label"], "staking");
    assert_eq!(authority.json(&["wasm", "query", "history", &staking])["history"][0]["operation"], "instantiate");
    let config = authority.json(&["wasm", "query", "smart", &staking, r#"{"config":{}}"#]);
    assert_eq!(config["slashing"], slashing);
    let version = authority.json(&["wasm", "query", "raw", &registry, "contract_info"]);
    assert!(version["value"].is_string());
    assert!(authority.json(&["wasm", "query", "state", &registry])["state"].as_array().unwrap().len() > 1);
    let code = authority.json(&["wasm", "query", "code", &codes[0], "--out", "again.wasm"]);
    let original = std::fs::read(repository("contracts/artifacts/registry.wasm")).unwrap();
    assert_eq!(code["bytes"], original.len());
    assert_eq!(std::fs::read(authority.home.path().join("again.wasm")).unwrap(), original);
}

/// Every third row of the digits, from a first one on.
fn digits_from(first: usize) -> String {
    let all = std::fs::read_to_string(repository("data/digits.csv")).unwrap();
    let mut lines = all.lines();
    let header = lines.next().unwrap();
    let rows = lines.skip(first).step_by(3);
    std::iter::once(header).chain(rows).map(|line| format!("{line}\n")).collect()
}

fn running(bauta: &Bauta, args: &[&str]) -> Child {
    bauta.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn three_providers_train_a_task_from_its_file_to_its_model() {
    let (_node, people) = people(&["alice", "bob", "carol", "dave"]);
    let (alice, providers) = people.split_first().unwrap();
    found_contracts(alice);

    let file = alice.ok(&["task", "init", "--providers", "3"]).replace("rounds = 30", "rounds = 2");
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
