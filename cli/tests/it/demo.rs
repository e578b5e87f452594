//! The demo, run as a person runs it, and its report.

use serde_json::Value;

use crate::bauta::{cache, repository, stderr, Bauta};

/// Runs the demo with these options and reads its report, which must be what its schema says. A run of a few rounds may end behind
/// central training, and then fails by that check; every other check must pass, and the exit code say whether all did.
fn report(options: &[&str]) -> Value {
    report_failing_at_most(options, &["the federated model is at most"])
}

/// The same where other checks may fail.
fn report_failing_at_most(options: &[&str], may_fail: &[&str]) -> Value {
    // What is installed once, CometBFT, is there for all.
    let bauta = Bauta::new().with("XDG_CACHE_HOME", cache().to_str().unwrap());
    let file = bauta.file("report.json", "");
    let out = bauta.file("out", "").with_extension("d");
    let mut args = vec!["demo", "--json", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    args.extend(options);
    let output = bauta.run(&args);
    assert!(out.join("model.safetensors").exists(), "no model was saved: {}", stderr(&output));
    let report: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let schema: Value =
        serde_json::from_slice(&std::fs::read(repository("schema/report.schema.json")).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let failed: Vec<&str> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["passed"] == false)
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert!(failed.iter().all(|name| may_fail.iter().any(|start| name.starts_with(start))), "{failed:?}");
    assert_eq!(output.status.code(), Some(i32::from(!failed.is_empty())), "{failed:?} {}", stderr(&output));
    report
}

/// Offences with bond before and after, sorted.
fn offences(report: &Value) -> Vec<(&str, &str, &str)> {
    let slashed = report["slashed"].as_array().unwrap();
    let mut found: Vec<_> = slashed
        .iter()
        .map(|row| (row["offence"].as_str().unwrap(), row["before"].as_str().unwrap(), row["after"].as_str().unwrap()))
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn the_demo_slashes_who_went_silent_and_who_signed_twice_and_nobody_else() {
    let report = report(&["--rounds", "6", "--seed", "1"]);
    assert_eq!(offences(&report), [("no_submission", "1000000000", "990000000"), ("two_headers", "1000000000", "0")]);
    assert_eq!(report["honest_losses"], 0);
    assert_eq!(report["rounds"].as_array().unwrap().len(), 6);
    assert!(report["rounds"].as_array().unwrap().iter().all(|round| round["sum_exact"] == true));
}

#[test]
fn the_same_seed_gives_the_same_model_and_another_seed_another() {
    let model = |seed: &str| report(&["--rounds", "2", "--providers", "4", "--seed", seed])["model_hash"].clone();
    let first = model("11");
    assert_eq!(first, model("11"));
    assert_ne!(first, model("12"));
}

#[test]
fn more_drop_outs_than_the_threshold_bears_abort_the_round_and_the_next_goes_on() {
    let report = report(&["--rounds", "4", "--drop", "5", "--seed", "3"]);
    let rounds: Vec<u64> =
        report["rounds"].as_array().unwrap().iter().map(|round| round["round"].as_u64().unwrap()).collect();
    assert_eq!(rounds.len(), 4, "as many rounds finished as were asked for");
    assert_eq!(rounds.last(), Some(&5), "one more was begun: {rounds:?}");
    let silent = offences(&report).iter().filter(|(offence, ..)| *offence == "no_submission").count();
    assert!(silent >= 5, "each of the silent pays: {silent}");
    assert_eq!(report["honest_losses"], 0);
}

#[test]
fn small_runs_in_which_some_drop_out_finish_and_cost_nobody_else_anything() {
    for (providers, rounds, drop) in
        [("4", "4", "1"), ("6", "4", "1"), ("8", "4", "2"), ("10", "4", "3"), ("3", "3", "1")]
    {
        let options = ["--providers", providers, "--rounds", rounds, "--drop", drop];
        // Who is in jail at the end leaves central training with little data, too.
        let report =
            report_failing_at_most(&options, &["the federated model is at most", "central training reaches 95 %"]);
        assert_eq!(report["honest_losses"], 0, "{providers} {rounds} {drop}");
        assert_eq!(report["rounds"].as_array().unwrap().len().to_string(), rounds);
    }
}

#[test]
fn impossible_sizes_are_refused_with_a_sentence() {
    let bauta = Bauta::new();
    bauta.fails(&["demo", "--validators", "4"], 2, "--validators is for --engine cometbft");
    bauta.fails(&["demo", "--providers", "2"], 1, "between 3 and 96");
    bauta.fails(&["demo", "--rounds", "0"], 1, "at least one round");
    bauta.fails(&["demo", "--drop", "9"], 1, "can drop out");
}

#[test]
fn four_validators_under_cometbft_train_the_model_that_the_sequencer_trains() {
    let options = ["--rounds", "4", "--providers", "6", "--seed", "3"];
    let embedded = report(&options);
    let cometbft = report(&[&options[..], &["--engine", "cometbft", "--validators", "4"]].concat());
    assert_eq!(cometbft["engine"], "cometbft");
    assert_eq!(cometbft["model_hash"], embedded["model_hash"]);
    let participants = |report: &Value| -> Vec<Value> {
        report["rounds"].as_array().unwrap().iter().map(|round| round["participants"].clone()).collect()
    };
    assert_eq!(participants(&cometbft), participants(&embedded));
    assert_eq!(offences(&cometbft), offences(&embedded));
    let replayed =
        |check: &Value| check["name"].as_str().unwrap().ends_with("at every height") && check["passed"] == true;
    assert!(cometbft["checks"].as_array().unwrap().iter().any(replayed), "{}", cometbft["checks"]);
}

/// The processes that a process has started and that run this program.
fn started_by(parent: u32, program: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let is_it = |pid: &String| {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        read("status").lines().any(|line| line == format!("PPid:\t{parent}")) && read("comm").trim_end() == program
    };
    processes.filter_map(|entry| entry.file_name().into_string().ok()).filter(is_it).collect()
}

#[test]
fn a_demo_whose_node_is_killed_says_which_program_ended_and_keeps_its_logs() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};

    let bauta = Bauta::new()
        .with("XDG_CACHE_HOME", cache().to_str().unwrap())
        // Chosen for another node on this machine: no part of the demo's.
        .with("CMT_RPC_LADDR", "tcp://127.0.0.1:1")
        .with("BAUTAD_LISTEN", "127.0.0.1:1")
        .with("BAUTAD_LOG", "info,abci_app::modules::training=debug");
    let out = bauta.home.path().join("out");
    let args = ["demo", "--engine", "cometbft", "--providers", "4", "--rounds", "50", "--out", out.to_str().unwrap()];
    let mut demo = bauta.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().trim_start().starts_with("1/50 ")), "a round has finished");
    let nodes = started_by(demo.id(), "bautad");
    assert_eq!(nodes.len(), 1);
    assert!(Command::new("kill").args(["-KILL", &nodes[0]]).status().unwrap().success());
    lines.for_each(drop);
    let mut said = String::new();
    demo.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(demo.wait().unwrap().code(), Some(1), "{said}");
    // CometBFT ends when its application does; either may be seen first.
    assert!(said.contains("bautad ended with signal: 9") || said.contains("cometbft ended with"), "{said}");
    let kept = said.lines().find_map(|line| line.split_once("are kept in ")).unwrap().1;
    let log = std::fs::read_to_string(std::path::Path::new(kept).join("node0/bautad.log")).unwrap();
    assert!(log.contains("waiting for CometBFT"), "{log}");
    // The part that was asked for is logged in more detail, and no other.
    assert!(log.contains("DEBUG abci_app::modules::training") && log.contains("task_id=1"), "{log}");
    assert!(!log.contains("DEBUG abci_app::app"), "{log}");
    std::fs::remove_dir_all(kept).unwrap();
}
