//! People who share a node, each with a home of its own, and what they have in common to do.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::bauta::{repository, Bauta};
use crate::node::Node;

/// People with a key each, and the node on which they have coins.
pub fn people(names: &[&str]) -> (Node, Vec<Bauta>) {
    let makers: Vec<Bauta> =
        names.iter().map(|_| Bauta::new().with("BAUTA_KEYRING_BACKEND", "test").with("BAUTA_FROM", "me")).collect();
    let addresses: Vec<String> =
        makers.iter().map(|maker| maker.json(&["keys", "add", "me"])["address"].as_str().unwrap().to_owned()).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let node = Node::start(&addresses);
    let people = makers.into_iter().map(|maker| maker.with("BAUTA_NODE", node.url.clone())).collect();
    (node, people)
}

pub fn address(bauta: &Bauta) -> String {
    bauta.ok(&["keys", "show", "me", "--address"]).trim().to_owned()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Stores and instantiates the three contracts and tells the chain about them.
pub fn found_contracts(authority: &Bauta) {
    found_contracts_with(authority, 10);
}

/// The same, with a time of unbonding, in seconds of the chain; a block takes one.
pub fn found_contracts_with(authority: &Bauta, unbonding_seconds: u64) {
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
    let message = format!(r#"{{"bond_denom":"ubauta","unbonding_seconds":{unbonding_seconds}}}"#);
    let staking = make(&codes[1], &message, "staking");
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
pub fn digits_from(first: usize) -> String {
    let all = std::fs::read_to_string(repository("data/digits.csv")).unwrap();
    let mut lines = all.lines();
    let header = lines.next().unwrap();
    let rows = lines.skip(first).step_by(3);
    std::iter::once(header).chain(rows).map(|line| format!("{line}\n")).collect()
}

pub fn running(bauta: &Bauta, args: &[&str]) -> Child {
    bauta.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A task of three providers and so many rounds, with a budget that is enough.
pub fn create_task(owner: &Bauta, rounds: u32) -> u64 {
    create_task_of(owner, 3, rounds)
}

/// The same for so many providers, all of whom are waited for.
pub fn create_task_of(owner: &Bauta, providers: u32, rounds: u32) -> u64 {
    // Long enough for everybody to start on a busy machine.
    create_task_with(owner, providers, rounds, 60)
}

/// The same, with so many blocks of enrolment.
pub fn create_task_with(owner: &Bauta, providers: u32, rounds: u32, enrol: u32) -> u64 {
    let file = owner
        .ok(&["task", "init", "--providers", &providers.to_string()])
        .replace("rounds = 30", &format!("rounds = {rounds}"));
    let file = file.replace("\nenrol = 30", &format!("\nenrol = {enrol}"));
    owner.file("task.toml", file);
    let estimate = owner.json(&["task", "estimate", "task.toml"]);
    let budget = format!("{}ubauta", text(&estimate["least_budget"]));
    owner.json(&["task", "create", "task.toml", "--budget", &budget, "--yes"])["task"].as_u64().unwrap()
}

/// `provider run` for a task, with every third row of the digits.
pub fn serving(provider: &Bauta, first_row: usize, more: &[&str]) -> Child {
    provider.file("rows.csv", digits_from(first_row));
    let mut args =
        vec!["provider", "run", "--task", "1", "--data", "rows.csv", "--bond", "1000000ubauta", "--name", "clinic"];
    args.extend(["--leave-early", "--yes", "--output", "json"]);
    args.extend(more);
    running(provider, &args)
}
