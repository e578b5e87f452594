//! What a newcomer gets wrong, and is told before it costs anything.

use serde_json::Value;

use crate::bauta::{repository, stderr, Bauta};
use crate::node::Node;
use crate::people::{address, create_task, digits_from, found_contracts, people, text};

#[test]
fn a_bond_that_is_too_small_is_refused_before_anything_is_sent() {
    let (_node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    found_contracts(alice);
    create_task(alice, 1);
    bob.file("rows.csv", digits_from(0));
    alice.file("rows.csv", digits_from(0));
    let run = ["provider", "run", "--task", "1", "--data", "rows.csv", "--name", "bob", "--yes", "--bond"];
    let before = bob.json(&["bank", "balances"]);
    bob.fails(&[&run[..], &["5ubauta"]].concat(), 1, "asks for a bond of 1000000ubauta, and 5 are bonded");
    assert_eq!(bob.json(&["bank", "balances"]), before);
    alice.fails(&[&run[..], &["1000000ubauta"]].concat(), 1, "owns task 1");

    let status = bob.json(&["provider", "status"]);
    assert_eq!((&status["registered"], &status["standing"]), (&Value::from(false), &Value::from("unregistered")));
    assert_eq!((&status["bonded"], &status["may_take_part"]), (&Value::from("0"), &Value::from(false)));
    bob.json(&["provider", "register", "--name", "bob"]);
    let status = bob.json(&["provider", "status"]);
    assert_eq!((&status["standing"], &status["may_take_part"]), (&Value::from("good"), &Value::from(false)));
    assert!(text(&status["why_not"]).contains("nothing is bonded"), "{status:#}");
}

#[test]
fn contracts_of_another_kind_are_no_parameters() {
    let (_node, people) = people(&["alice"]);
    let alice = &people[0];
    found_contracts(alice);
    let params = alice.json(&["params"]);
    let (registry, staking) = (text(&params["registry"]), text(&params["staking"]));
    let words = "which is a contract \"bauta:registry\"; a contract \"bauta:slashing\" is wanted";
    alice.fails(&["params", "set", "--slashing", registry], 1, words);
    alice.fails(&["params", "set", "--staking", staking, "--registry", staking], 1, "\"bauta:registry\" is wanted");
    alice.fails(&["params", "set", "--registry", &address(alice)], 1, "which is no contract of this chain");
    assert_eq!(alice.json(&["params"]), params);
    alice.json(&["params", "set", "--registry", registry]);
}

#[test]
fn an_estimate_says_what_creating_the_task_would() {
    let (_node, people) = people(&["alice"]);
    let alice = &people[0];
    found_contracts(alice);
    let good = alice.ok(&["task", "init"]);
    alice.file("good.toml", &good);
    let said = alice.ok(&["task", "estimate", "good.toml"]);
    let budget = said.lines().find(|line| line.starts_with("least budget")).unwrap();
    assert!(budget.ends_with("ubauta"), "{said}");
    let bad = good.replace("# issuer = \"bauta1...\"", "issuer = \"p9\"").replace("min_group = 6", "min_group = 2");
    alice.file("bad.toml", bad);
    for more in [&[][..], &["--offline"]] {
        let output = alice.run(&[&["task", "estimate", "bad.toml", "--output", "json"], more].concat());
        assert_eq!(output.status.code(), Some(1));
        let estimate: Value = serde_json::from_slice(&output.stdout).unwrap();
        let refusals = estimate["refusals"].to_string();
        assert!(refusals.contains("cohort.issuer is") && refusals.contains("min_group"), "{refusals}");
    }
    alice.fails(&["task", "create", "bad.toml", "--budget", "900000000", "--yes"], 1, "cohort.issuer is \"p9\"");
}

#[test]
fn files_are_written_over_only_when_that_is_asked_for() {
    let (_node, people) = people(&["alice"]);
    let alice = &people[0];
    found_contracts(alice);
    create_task(alice, 1);
    alice.file("m", "precious");
    alice.fails(&["task", "model", "1", "--out", "m"], 1, "m exists already");
    assert_eq!(std::fs::read_to_string(alice.home.path().join("m")).unwrap(), "precious");
    alice.ok(&["task", "model", "1", "--out", "m", "--force"]);
    alice.file("m", "precious");
    alice.fails(&["task", "init", "--out", "m"], 1, "write over it with --force");
    alice.ok(&["task", "init", "--out", "m", "--force"]);
}

#[test]
fn the_demo_looks_at_its_options_before_anything_runs() {
    let bauta = Bauta::new();
    // What fails has printed nothing: not even what it would train.
    bauta.fails(&["demo", "--json", "/nonexistent/x"], 1, "--json: cannot write /nonexistent/x");
    bauta.fails(&["demo", "--out", "/proc/x"], 1, "--out: cannot make the folder /proc/x");
    bauta.fails(&["demo", "--rounds", "99999999"], 1, "--rounds is 99999999; a task has at most");
}

#[test]
fn whose_rewards_are_meant_is_asked_in_those_words() {
    let bauta = Bauta::scripted("http://127.0.0.1:1");
    bauta.fails(&["rewards"], 2, "whose account is meant");
    bauta.ok(&["keys", "add", "alice"]);
    bauta.ok(&["keys", "add", "bob"]);
    bauta.fails(&["rewards"], 2, "the keyring has alice, bob");
    bauta.fails(&["rewards", "alice"], 1, "no node answers");
}

#[test]
fn addresses_are_faulted_for_what_is_wrong_with_them() {
    let bauta = Bauta::scripted("http://127.0.0.1:1");
    for text in ["bauta1pkptre7fdk16gfrz1esjjvhxhlc3r4gmmk8rs6", "bauta1pkptre7"] {
        bauta.fails(&["bank", "balances", text], 1, "its checksum or its length is wrong");
    }
    let cosmos = "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs7";
    bauta.fails(&["bank", "balances", cosmos], 1, "an address of another chain: it begins with \"cosmos\"");
}

#[test]
fn without_a_terminal_an_export_names_what_gives_it_its_passphrase() {
    let bauta = Bauta::scripted("http://127.0.0.1:1");
    bauta.ok(&["keys", "add", "alice"]);
    let output = bauta.run(&["keys", "export", "alice"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("BAUTA_EXPORT_PASSPHRASE") && !said.contains("--passphrase-file"), "{said}");
}

#[test]
fn a_mnemonic_is_shown_in_numbered_rows_and_read_back_from_them() {
    let bauta = Bauta::scripted("http://127.0.0.1:1");
    let shown = bauta.ok(&["keys", "add", "alice"]);
    let rows: Vec<&str> = shown.lines().rev().take(4).collect();
    assert!(rows[3].starts_with(" 1 ") && rows[0].starts_with("19 ") && rows[0].contains("24 "), "{shown}");
    assert!(shown.lines().all(|line| line.len() <= 120) && rows.iter().all(|row| row.len() <= 80), "{shown}");
    let rows: Vec<&str> = rows.into_iter().rev().collect();
    bauta.file("words", rows.join("\n"));
    let again = bauta.json(&["keys", "add", "again", "--recover", "--mnemonic-file", "words"]);
    assert_eq!(bauta.json(&["keys", "show", "alice"])["address"], again["address"]);
}

#[test]
fn the_demo_shows_no_options_of_other_chains_and_the_help_every_key_of_the_configuration() {
    let bauta = Bauta::new();
    let help = bauta.ok(&["demo", "--help"]);
    for option in ["--node", "--fees", "--gas", "--from", "--chain-id", "--keyring-backend", "--memo"] {
        assert!(!help.contains(option), "{option}");
    }
    assert!(help.contains("--output") && help.contains("--rounds"));
    // What is not shown is still taken, wherever it stands.
    bauta.fails(&["demo", "--node", "http://127.0.0.1:1", "--rounds", "0"], 1, "at least one round");
    bauta.fails(&["--yes", "demo", "--rounds", "0"], 1, "at least one round");
    let help = bauta.ok(&["--help"]);
    assert!(help.contains("passphrase_file") && help.contains("log."), "{help}");
    assert!(repository("data/digits.csv").exists());
}

#[test]
fn the_faucet_pays_from_the_devnets_words_and_says_so_as_json() {
    use bauta_client::keys::{Mnemonic, SecretKey};

    let words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                 abandon abandon abandon abandon abandon abandon abandon abandon abandon art";
    let devnet = SecretKey::from_mnemonic(&Mnemonic::parse(words).unwrap(), 0, 0).unwrap().account("bauta").unwrap();
    let node = Node::start(&[devnet.as_ref()]);
    let bauta = Bauta::scripted(&node.url);
    let alice = bauta.json(&["keys", "add", "alice"])["address"].clone();
    bauta.file("words", format!("{words}\n"));
    let paid = bauta.json(&["faucet", "alice", "5000000ubauta", "--mnemonic", "words"]);
    assert_eq!(paid["from"], devnet.as_ref());
    assert_eq!(paid["to"], alice);
    assert_eq!(paid["amount"], serde_json::json!([{ "denom": "ubauta", "amount": "5000000" }]));
    assert_eq!(paid["tx_hash"].as_str().unwrap().len(), 64);
    assert!(paid["height"].as_u64().unwrap() > 0);
    let balances = bauta.json(&["bank", "balances", "alice"]);
    assert_eq!(balances["balances"], paid["amount"]);
    bauta.fails(&["faucet", "alice", "--mnemonic", "nowhere"], 1, "the devnet's words in nowhere cannot be read");
}
