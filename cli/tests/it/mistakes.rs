//! What is said when something is wrong.

use crate::bauta::{repository, Bauta};
use crate::node::Node;

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn someone() -> Bauta {
    let bauta = Bauta::scripted(NOWHERE);
    bauta.ok(&["keys", "add", "alice"]);
    bauta
}

#[test]
fn a_node_that_is_not_there_is_said_by_every_command_that_asks_one() {
    let bauta = someone();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let wasm = repository("contracts/artifacts/registry.wasm");
    let wasm = wasm.to_str().unwrap();
    let data = repository("data/digits.csv");
    let data = data.to_str().unwrap();
    let hash = "0".repeat(64);
    for args in [
        &["status"][..],
        &["params"],
        &["params", "set", "--min-window", "5"],
        &["rewards"],
        &["bank", "balances"],
        &["bank", "send", "alice", "1ubauta", "--yes"],
        &["tx", "show", &hash],
        &["task", "list"],
        &["task", "show", "1"],
        &["task", "watch", "1"],
        &["task", "estimate", "task.toml"],
        &["task", "create", "task.toml", "--budget", "5000000", "--yes"],
        &["task", "cancel", "1", "--yes"],
        &["task", "top-up", "1", "5", "--yes"],
        &["task", "model", "1", "--out", "model.safetensors"],
        &["wasm", "store", wasm],
        &["wasm", "instantiate", "1", "{}", "--label", "x", "--no-admin"],
        &["wasm", "execute", "alice", "{}"],
        &["wasm", "migrate", "alice", "2", "{}"],
        &["wasm", "set-admin", "alice", "--none", "--yes"],
        &["wasm", "query", "smart", "alice", "{}"],
        &["wasm", "query", "raw", "alice", "key"],
        &["wasm", "query", "contract", "alice"],
        &["wasm", "query", "contracts", "1"],
        &["wasm", "query", "codes"],
        &["wasm", "query", "code", "1"],
        &["wasm", "query", "history", "alice"],
        &["wasm", "query", "state", "alice"],
        &["provider", "register", "--name", "clinic"],
        &["provider", "bond", "5"],
        &["provider", "unbond", "5"],
        &["provider", "withdraw"],
        &["provider", "unjail"],
        &["provider", "status"],
        &["provider", "check", "--task", "1", "--data", data],
        &["provider", "run", "--task", "1", "--data", data, "--no-wait"],
    ] {
        bauta.fails(args, 1, "no node answers at http://127.0.0.1:1");
    }
}

#[test]
fn an_address_that_is_none_is_noticed_before_a_node_is_asked() {
    let bauta = someone();
    let good = bauta.ok(&["keys", "show", "alice", "--address"]).trim().to_owned();
    let typo = format!("{}{}", &good[..good.len() - 1], if good.ends_with('q') { 'p' } else { 'q' });
    let foreign = "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6";
    for args in [
        &["bank", "balances", &typo][..],
        &["bank", "send", &typo, "1ubauta", "--yes"],
        &["rewards", &typo],
        &["provider", "status", &typo],
        &["wasm", "execute", &typo, "{}"],
        &["wasm", "query", "smart", &typo, "{}"],
    ] {
        bauta.fails(args, 1, "is not an address: its checksum or its length is wrong");
    }
    bauta.fails(&["bank", "balances", foreign], 1, "an address of another chain");
    bauta.fails(&["bank", "balances", "nobody"], 1, "neither an address nor the name of a key");
    bauta.fails(&["bank", "balances", "--from", "nobody"], 1, "has no key named");
    bauta.fails(&["wasm", "instantiate", "1", "{}", "--label", "x", "--admin", "nobody"], 1, "neither an address");
}

#[test]
fn amounts_gas_and_options_that_are_none_are_usage() {
    let bauta = someone();
    for amount in ["", "1.5ubauta", "ten", "5ubauta,5ubauta"] {
        bauta.fails(&["bank", "send", "alice", amount, "--yes"], 2, "which is not a list of amounts");
    }
    bauta.fails(&["task", "top-up", "1", "ten"], 2, "which is not an amount");
    bauta.fails(&["provider", "bond", "none"], 2, "which is not an amount");
    bauta.fails(&["provider", "bond", "0"], 2, "which is nothing");
    bauta.fails(&["status", "--gas", "lots"], 2, "--gas is \"lots\"");
    bauta.fails(&["status", "--log", "a=b=c"], 2, "log filter");
    bauta.fails(&["tx", "show", "beef"], 2, "64 hexadecimal digits");
    bauta.fails(&["task", "model", "1", "--out", "x", "--hash", "beef"], 2, "64 hexadecimal digits");
    bauta.fails(&["bank", "send", "alice", "1ubauta"], 2, "needs a yes");
    bauta.fails(&["status", "--node", "not a url"], 1, "is not the URL");
    for args in [&["nonsense"][..], &["task"], &["task", "show", "one"], &["keys", "add"], &["demo", "--dataset", "x"]]
    {
        let output = bauta.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn without_a_key_nobody_signs_and_with_several_one_must_be_named() {
    let bauta = Bauta::scripted(NOWHERE);
    bauta.fails(&["provider", "withdraw"], 2, "has no key to sign with");
    bauta.ok(&["keys", "add", "alice"]);
    bauta.ok(&["keys", "add", "bob"]);
    bauta.fails(&["provider", "withdraw"], 2, "it is not said who signs");
}

#[test]
fn files_that_are_missing_or_wrong_are_named() {
    let bauta = someone();
    bauta.file("not.wasm", "hello");
    bauta.fails(&["wasm", "store", "nowhere.wasm"], 1, "cannot read nowhere.wasm");
    bauta.fails(&["wasm", "store", "not.wasm"], 1, "not.wasm is not WebAssembly");
    bauta.fails(&["task", "estimate", "nowhere.toml", "--offline"], 1, "nowhere.toml");
    bauta.fails(&["wasm", "execute", "alice", "{"], 1, "the argument is not JSON");
    bauta.fails(&["wasm", "execute", "alice", "@nowhere.json"], 1, "cannot read nowhere.json");
    bauta.fails(&["wasm", "query", "raw", "alice", "xyz", "--hex"], 2, "not hexadecimal");
}

#[test]
fn toml_that_is_wrong_is_named_by_its_line() {
    let bauta = someone();
    let good = bauta.ok(&["task", "init"]);
    let line = good.lines().position(|line| line == "rounds = 30").unwrap() + 1;
    bauta.file("task.toml", good.replace("rounds = 30", "rounds = \"thirty\""));
    let place = format!("task.toml, line {line}, column 10");
    bauta.fails(&["task", "estimate", "task.toml", "--offline"], 1, &place);
    bauta.fails(&["task", "create", "task.toml", "--budget", "5"], 1, &place);
    bauta.file("task.toml", good.replace("[model]\n", "[model\n"));
    bauta.fails(&["task", "estimate", "task.toml", "--offline"], 1, "task.toml, line ");
    bauta.file("task.toml", good.replace("kind = \"softmax\"", "kind = \"mlp\""));
    bauta.fails(&["task", "estimate", "task.toml", "--offline"], 1, "task.toml: model.hidden is missing");

    bauta.file("task.toml", &good);
    bauta.file("policy.toml", "min_group = 3\nmin_grou = 4\n");
    let data = repository("data/digits.csv");
    let check = ["provider", "check", "--task-file", "task.toml", "--data", data.to_str().unwrap()];
    bauta.fails(
        &[&check[..], &["--policy", "policy.toml"]].concat(),
        1,
        "policy.toml, line 2, column 1: unknown field `min_grou`",
    );
    bauta.fails(&[&check[..], &["--policy", "nowhere.toml"]].concat(), 1, "nowhere.toml");

    bauta.file("bauta/config.toml", "node = \"http://localhost:1\"\nfrm = \"alice\"\n");
    bauta.fails(&["keys", "list"], 1, "config.toml, line 2, column 1: unknown field `frm`");
}

#[test]
fn data_that_are_wrong_are_named_by_row_and_column() {
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let check = |data: &str, words: &str| {
        bauta.fails(&["provider", "check", "--task-file", "task.toml", "--data", data], 1, words);
    };
    let digits = std::fs::read_to_string(repository("data/digits.csv")).unwrap();
    let mut lines: Vec<String> = digits.lines().take(4).map(str::to_owned).collect();
    let (values, _) = lines[3].rsplit_once(',').unwrap();
    lines[3] = format!("{values},seven");
    bauta.file("label.csv", lines.join("\n"));
    check("label.csv", "label.csv, row 3, column label");
    bauta.file("short.csv", digits.lines().take(2).map(|line| &line[..line.len() / 2]).collect::<Vec<_>>().join("\n"));
    check("short.csv", "short.csv");
    bauta.file("rows.txt", "1,2,3");
    check("rows.txt", "must end in .csv, .npz or .safetensors");
    check("nowhere.csv", "cannot read nowhere.csv");
    bauta.file("junk.npz", "junk");
    check("junk.npz", "junk.npz");
    bauta.file("junk.safetensors", "junk");
    check("junk.safetensors", "junk.safetensors");
}

#[test]
fn trainers_that_do_not_work_are_named() {
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let data = repository("data/digits.csv");
    let check = |trainer: &str, words: &str| {
        let data = data.to_str().unwrap();
        let args = ["provider", "check", "--task-file", "task.toml", "--data", data, "--trainer", trainer];
        bauta.fails(&args, 1, words);
    };
    check("no-such-program --fast", "cannot start the trainer \"no-such-program\"");
    check("false", "the trainer ended with exit status: 1");
    check("true", "update.safetensors");
    check("'unclosed", "quote that is never closed");
    check("", "is empty");
}

#[test]
fn errors_are_json_where_answers_are() {
    let bauta = someone();
    let output = bauta.run(&["status", "--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("no node answers"));
    assert!(error["error"]["hint"].as_str().unwrap().contains("--node"));
}

#[test]
fn what_a_chain_refuses_is_said_in_its_words() {
    let node = Node::start(&[]);
    let bauta = Bauta::scripted(&node.url);
    bauta.ok(&["keys", "add", "alice"]);
    bauta.fails(&["task", "show", "7"], 1, "7");
    bauta.fails(&["task", "watch", "7"], 1, "hint: `bauta task list`");
    bauta.fails(&["task", "model", "7", "--out", "m"], 1, "hint: `bauta task list`");
    bauta.fails(&["status", "--chain-id", "other-1"], 1, "belongs to the chain \"bauta-1\"");
    bauta.fails(&["tx", "show", &"0".repeat(64)], 1, "no block holds a transaction");
    bauta.fails(&["bank", "send", "alice", "1ubauta", "--yes"], 1, "does not exist on the chain yet");
    bauta.fails(&["provider", "status"], 1, "has no contracts for data providers yet");
    bauta.fails(&["params", "set", "--min-window", "5"], 1, "may not change the parameters");
    bauta.fails(&["wasm", "query", "smart", "alice", "{}"], 1, "no such contract");
    bauta.fails(&["wasm", "query", "code", "9"], 1, "refused");
    assert_eq!(bauta.json(&["task", "list"])["tasks"].as_array().unwrap().len(), 0);
    assert_eq!(bauta.json(&["rewards"])["total"], "0");
    assert_eq!(bauta.json(&["bank", "balances"])["balances"].as_array().unwrap().len(), 0);
}

#[test]
fn a_block_that_the_node_has_not_is_told_with_those_that_it_has() {
    let node = Node::start(&[]);
    let bauta = Bauta::scripted(&node.url);
    bauta.fails(&["block", "0"], 1, "heights count from 1; the node has blocks 1 to");
    bauta.fails(&["block", "99999999"], 1, "block 99999999 is not made yet; the node has blocks 1 to");
}

#[test]
fn an_amount_of_nothing_is_said_to_be_nothing() {
    let bauta = someone();
    bauta.fails(&["bank", "send", "alice", "0ubauta", "--yes"], 2, "is 0ubauta, which is nothing");
    bauta.fails(&["task", "top-up", "1", "0", "--yes"], 2, "is 0, which is nothing");
}
