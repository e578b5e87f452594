//! Tasks before they are on a chain.

use crate::bauta::{repository, Bauta};

const RECIPES: [(&str, &str); 4] = [
    ("digits-softmax", "data/digits.csv"),
    ("digits-mlp", "data/digits.csv"),
    ("breast-cancer-softmax", "data/breast-cancer.csv"),
    ("breast-cancer-mlp", "data/breast-cancer.csv"),
];

#[test]
fn what_init_writes_is_a_task_that_a_chain_takes() {
    let bauta = Bauta::new();
    for (recipe, _) in RECIPES {
        for providers in ["3", "10", "96"] {
            let file = format!("{recipe}-{providers}.toml");
            bauta.ok(&["task", "init", "--recipe", recipe, "--providers", providers, "--out", &file]);
            let estimate = bauta.json(&["task", "estimate", &file, "--offline"]);
            assert_eq!(estimate["accepted"], true, "{recipe} {providers}: {estimate:#}");
        }
    }
}

#[test]
fn init_prints_the_same_file_that_it_writes() {
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let printed = bauta.ok(&["task", "init"]);
    let written = std::fs::read_to_string(bauta.home.path().join("task.toml")).unwrap();
    assert_eq!(written.trim(), printed.trim());
    bauta.fails(&["task", "init", "--out", "task.toml"], 1, "exists already");
}

#[test]
fn a_budget_that_is_too_small_is_refused_with_the_least_that_is_enough() {
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let estimate = bauta.json(&["task", "estimate", "task.toml", "--offline"]);
    let least = estimate["least_budget"].as_str().unwrap();
    bauta.ok(&["task", "estimate", "task.toml", "--offline", "--budget", least]);
    let output = bauta.run(&["task", "estimate", "task.toml", "--offline", "--budget", "1000ubauta"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("refused: ") && said.contains(least), "{said}");
}

#[test]
fn every_refusal_of_a_task_is_said() {
    let bauta = Bauta::new();
    let good = bauta.ok(&["task", "init"]);
    let bad = good.replace("min_group = 6", "min_group = 2").replace("submit = 20", "submit = 1");
    bauta.file("bad.toml", bad);
    let output = bauta.run(&["task", "estimate", "bad.toml", "--offline", "--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let estimate: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(estimate["accepted"], false);
    let refusals = estimate["refusals"].as_array().unwrap();
    for word in ["min_group", "windows.submit"] {
        assert!(refusals.iter().any(|refusal| refusal.as_str().unwrap().contains(word)), "{refusals:?}");
    }
}

#[test]
fn the_declared_shares_and_their_odds_are_shown() {
    let bauta = Bauta::new();
    let good = bauta.ok(&["task", "init", "--out", "task.toml"]);
    assert!(good.contains("task.toml is written"), "{good}");
    let said = bauta.ok(&["task", "estimate", "task.toml", "--offline"]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("with 20 % of the providers corrupt, as declared") && said.contains("probability 0 at most"),
        "{said}"
    );
    assert!(!said.contains("trusts all"), "{said}");
    let estimate = bauta.json(&["task", "estimate", "task.toml", "--offline"]);
    assert_eq!(estimate["odds"]["corrupt_heads_ppm"], 200_000);

    let file = std::fs::read_to_string(bauta.home.path().join("task.toml")).unwrap();
    let declaring = |ppm: u32| {
        let declared = file.replace("# corrupt_heads_ppm = 200000", &format!("corrupt_heads_ppm = {ppm}"));
        assert_ne!(declared, file);
        bauta.file("declared.toml", declared);
    };
    declaring(0);
    let said = bauta.ok(&["task", "estimate", "declared.toml", "--offline"]);
    assert!(
        said.split_whitespace().collect::<Vec<_>>().join(" ").contains("trusts all of its providers not to collude"),
        "{said}"
    );
    // Ten providers, of whom six survive: five corrupt ones leave one honest update.
    declaring(500_000);
    let output = bauta.run(&["task", "estimate", "declared.toml", "--offline"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("refused: the group is too small: of 10 dealers with 5 corrupt ones") && said.contains("100 %"),
        "{said}"
    );
}

#[test]
fn who_tries_a_task_that_trusts_all_of_its_providers_is_told_so() {
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let file = std::fs::read_to_string(bauta.home.path().join("task.toml")).unwrap();
    bauta.file("trusting.toml", file.replace("# corrupt_heads_ppm = 200000", "corrupt_heads_ppm = 0"));
    let data = repository("data/digits.csv");
    let told = |file: &str| {
        bauta.json(&["provider", "check", "--task-file", file, "--data", data.to_str().unwrap()])["trust"].clone()
    };
    assert!(told("task.toml").is_null());
    assert!(told("trusting.toml").as_str().unwrap().contains("could single out your update"));
}

#[test]
fn data_and_built_in_trainer_are_tried_without_a_node() {
    let bauta = Bauta::new();
    for (recipe, data) in RECIPES {
        let file = format!("{recipe}.toml");
        bauta.ok(&["task", "init", "--recipe", recipe, "--out", &file]);
        let data = repository(data);
        let report = bauta.json(&["provider", "check", "--task-file", &file, "--data", data.to_str().unwrap()]);
        assert!(report["rows"].as_u64().unwrap() > 500, "{report:#}");
        assert!(report["norm"].as_f64().unwrap() > 0.0 && report["weight"] == 16, "{report:#}");
        assert!(report["refusal"].is_null());
    }
    let left: Vec<_> = std::fs::read_dir(bauta.home.path().join("bauta")).unwrap().collect();
    assert!(left.is_empty(), "the update of a trial is removed: {left:?}");
}

#[cfg(unix)]
#[test]
fn a_program_that_trains_gets_the_data_and_not_the_passphrase() {
    use std::os::unix::fs::PermissionsExt as _;
    let bauta = Bauta::new().with("BAUTA_PASSPHRASE", "a secret");
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let script = "#!/bin/sh\necho \"data=$BAUTA_DATA secret=$BAUTA_PASSPHRASE dir=$1\" > seen\nexit 3\n";
    let program = bauta.file("train.sh", script);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let data = repository("data/digits.csv");
    let data = data.to_str().unwrap();
    let args = ["provider", "check", "--task-file", "task.toml", "--data", data, "--trainer", "./train.sh"];
    bauta.fails(&args, 1, "the trainer ended with exit status: 3");
    let seen = std::fs::read_to_string(bauta.home.path().join("seen")).unwrap();
    assert!(seen.contains("digits.csv") && seen.contains("secret= ") && seen.contains("dir=/"), "{seen}");
}

#[test]
fn a_policy_that_asks_for_more_refuses_the_task() {
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    bauta.file("policy.toml", "min_group = 7\n");
    let data = repository("data/digits.csv");
    let data = data.to_str().unwrap();
    let args = ["provider", "check", "--task-file", "task.toml", "--data", data, "--policy", "policy.toml"];
    let output = bauta.run(&args);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("min_group = 7"));
}
