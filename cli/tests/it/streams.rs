//! What goes to which stream: JSON or text, with or without a terminal, to a reader that has gone away or a disk that is full; and that
//! no secret does.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bauta::{check_failure, repository, stderr, Bauta};
use crate::node::Node;
use crate::people::{address, people};

const NOWHERE: &str = "http://127.0.0.1:1";

fn error_of(output: &std::process::Output) -> Value {
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let said = stderr(output);
    let error: Value = serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said}"));
    assert_eq!(said.lines().count(), 1, "{said}");
    error["error"].clone()
}

#[test]
fn a_command_line_that_is_wrong_is_told_as_json_where_that_is_asked_for() {
    let bauta = Bauta::new();
    for (args, words) in [
        (&["task", "show", "-o", "json"][..], "required arguments were not provided"),
        (&["task", "shwo", "1", "--output=json"], "unrecognized subcommand"),
        (&["--output", "json", "task", "show", "one"], "invalid value 'one'"),
        (&["keys", "-ojson"], "a command is missing"),
        (&["-o", "json"], "a command is missing"),
        (&["demo", "--sede", "1", "-o", "json"], "unexpected argument"),
    ] {
        let output = bauta.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let error = error_of(&output);
        assert!(error["message"].as_str().unwrap().contains(words), "{args:?} {error:#}");
        assert!(error["hint"].is_string(), "{error:#}");
    }
    // As text it is clap that speaks.
    let output = bauta.run(&["task", "show"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: ") && stderr(&output).contains("Usage:"));
    let output = bauta.command(&["task", "show"]).env("BAUTA_OUTPUT", "json").output().unwrap();
    assert!(error_of(&output)["message"].as_str().unwrap().contains("required"));
}

#[test]
fn every_failure_is_one_json_object_on_standard_error() {
    let bauta = Bauta::scripted(NOWHERE);
    bauta.ok(&["keys", "add", "alice"]);
    bauta.file("bad.toml", "rounds = [");
    bauta.file("policy.toml", "min_group = 1");
    let data = repository("data/digits.csv");
    let data = data.to_str().unwrap();
    for (args, code) in [
        (&["status"][..], 1),
        (&["keys", "show", "nobody"], 1),
        (&["keys", "add", "alice"], 1),
        (&["keys", "delete", "alice"], 2),
        (&["bank", "send", "alice", "many"], 2),
        (&["task", "estimate", "bad.toml", "--offline"], 1),
        (&["task", "model", "1", "--out", "x", "--hash", "y"], 2),
        (&["wasm", "execute", "alice", "{"], 1),
        (&["provider", "check", "--task-file", "bad.toml", "--data", data], 1),
        (&["provider", "run", "--task", "1", "--data", data, "--policy", "policy.toml"], 1),
        (&["demo", "--providers", "2"], 1),
        (&["status", "--log", "=="], 2),
        (&["status", "--gas", "much"], 2),
    ] {
        let mut all = args.to_vec();
        all.extend(["--output", "json"]);
        let output = bauta.run(&all);
        assert_eq!(output.status.code(), Some(code), "{args:?} {}", stderr(&output));
        let error = error_of(&output);
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{args:?} {error:#}");
        for field in ["hint", "codespace", "code"] {
            assert!(error.get(field).is_some(), "{args:?} {error:#}");
        }
    }
}

#[test]
fn the_demo_answers_with_its_report_as_json() {
    let bauta = Bauta::new();
    let args = ["demo", "--rounds", "1", "--providers", "3", "--out", "out", "--output", "json"];
    let output = bauta.run(&args);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["rounds"].as_array().unwrap().len(), 1);
    let schema = std::fs::read(repository("schema/report.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&report));
    let passed = report["checks"].as_array().unwrap().iter().all(|check| check["passed"] == true);
    assert_eq!(output.status.success(), passed);
    assert_eq!(stderr(&output).is_empty(), passed, "{}", stderr(&output));
}

/// Runs in a shell, as people do; `bauta` is the program.
fn shell(bauta: &Bauta, line: &str) -> std::process::Output {
    let template = bauta.command(&[]);
    let mut command = Command::new("bash");
    command.env_clear().current_dir(bauta.home.path()).stdin(Stdio::null());
    for (name, value) in template.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let line = format!("bauta() {{ {} \"$@\"; }}\n{line}", env!("CARGO_BIN_EXE_bauta"));
    command.args(["-c", &line]).output().unwrap()
}

#[test]
fn a_reader_that_goes_away_makes_nothing_panic() {
    let bauta = Bauta::new();
    for line in [
        "bauta task init | head -1; echo ${PIPESTATUS[0]}",
        "bauta completions bash | head -1; echo ${PIPESTATUS[0]}",
        "bauta task init --help | head -1; echo ${PIPESTATUS[0]}",
        "bauta demo --rounds 1 --providers 3 --out out | head -1; echo ${PIPESTATUS[0]}",
        "(bauta -vv demo --rounds 1 --providers 3 --out out 2>&1) | head -1; echo ${PIPESTATUS[0]}",
    ] {
        let output = shell(&bauta, line);
        let (said, code) = (stderr(&output), String::from_utf8(output.stdout).unwrap());
        let code = code.lines().last().unwrap().to_owned();
        assert!(!said.contains("panicked"), "{line}\n{said}");
        // A demo of one round may end behind central training, and says so by its code.
        assert!(code == "0" || code == "1" && line.contains("demo"), "{line}: {code} {said}");
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure_that_says_so() {
    let bauta = Bauta::new();
    let output = shell(&bauta, "bauta task init > /dev/full");
    check_failure(&output, &["task", "init"], 1, "cannot be written to standard output");
}

/// A disk that is full, as far as one process sees it: no file of it may grow.
#[test]
fn a_full_disk_leaves_no_half_a_key_and_says_which_file_could_not_be_written() {
    let bauta = Bauta::scripted(NOWHERE).with("BAUTA_EXPORT_PASSPHRASE", "for the road");
    bauta.ok(&["keys", "add", "bob"]);
    let full = "trap '' XFSZ; ulimit -f 0; ";
    for (line, words, file) in [
        ("bauta keys add alice", "keyring-test/alice.json", "bauta/keyring-test/alice.json"),
        ("bauta keys export bob --out bob.key", "cannot write bob.key", "bob.key"),
        ("bauta task init --out task.toml", "cannot write task.toml", "-"),
    ] {
        let output = shell(&bauta, &format!("{full}{line}"));
        check_failure(&output, &[line], 1, words);
        assert!(!bauta.home.path().join(file).exists(), "{file} is left");
    }
    bauta.ok(&["keys", "add", "alice"]);
}

#[test]
fn a_home_that_is_no_folder_is_an_error_that_names_it() {
    let bauta = Bauta::new();
    bauta.file("home", "a file");
    let args = ["keys", "add", "alice", "--keyring-backend", "test", "--home", "home"];
    bauta.fails(&args, 1, "home/keyring-test");
    let args = ["keys", "list", "--keyring-backend", "test", "--home", "home"];
    assert!(bauta.ok(&args).contains("no keys"));
}

#[test]
fn without_a_terminal_nothing_is_coloured() {
    let bauta = Bauta::scripted(NOWHERE);
    bauta.ok(&["keys", "add", "alice"]);
    let output = bauta.run(&["-vv", "--log", "trace", "bank", "balances", "alice"]);
    assert!(stderr(&output).lines().count() > 1, "something is logged: {}", stderr(&output));
    let output_of_help = bauta.run(&["--help"]);
    let wrong = bauta.run(&["nonsense"]);
    for said in [&output.stderr, &output_of_help.stdout, &wrong.stderr] {
        assert!(!said.contains(&0x1b), "{}", String::from_utf8_lossy(said));
    }
}

#[test]
fn no_secret_is_logged_or_told_however_much_is_logged() {
    let (node, me) = (Node::start(&[]), "alice");
    let words =
        "economy stock theory fatal elder harbor betray wasp final emotion task crumble siren bottom lizard educate \
                 guess current outdoor pair theory focus wife stone";
    let bauta = Bauta::new()
        .with("BAUTA_LOG", "trace")
        .with("BAUTA_NODE", node.url.clone())
        .with("BAUTA_PASSPHRASE", "hush-hush-passphrase")
        .with("BAUTA_EXPORT_PASSPHRASE", "hush-hush-too");
    bauta.file("words", words);
    let mut said = Vec::new();
    for args in [
        &["keys", "add", me, "--recover", "--mnemonic-file", "words"][..],
        &["keys", "show", me],
        &["keys", "export", me, "--out", "alice.key"],
        &["keys", "import", "again", "alice.key"],
        &["bank", "send", me, "1ubauta", "--yes"],
        &["bank", "balances", me, "--node", "http://me:hush-hush-node@127.0.0.1:1"],
        &["status", "--node", "http://me:hush-hush-node@127.0.0.1:1/\u{7f}"],
        &["keys", "delete", "again", "--yes"],
    ] {
        let output = bauta.run(args);
        said.extend(output.stdout);
        said.extend(output.stderr);
    }
    let args = ["keys", "export", me];
    let output = bauta.command(&args).env("BAUTA_PASSPHRASE", "hush-hush-wrong").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    said.extend(output.stderr);
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.len() > 1_000, "much is logged");
    // The published secret key of the published mnemonic.
    let key = bauta_client::keys::SecretKey::from_mnemonic(&bauta_client::keys::Mnemonic::parse(words).unwrap(), 0, 0);
    let key = hex::encode(key.unwrap().to_bytes().as_ref());
    for secret in ["hush-hush", "economy stock", &key, &key.to_uppercase()] {
        let place = said.find(secret).map(|at| &said[at.saturating_sub(200)..(at + 80).min(said.len())]);
        assert!(place.is_none(), "{secret:?} is in: {place:?}");
    }
}

#[cfg(unix)]
#[test]
fn files_of_keys_are_their_owners_alone_and_a_key_that_others_may_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let bauta = Bauta::scripted(NOWHERE).with("BAUTA_EXPORT_PASSPHRASE", "for the road");
    bauta.ok(&["keys", "add", "alice"]);
    bauta.ok(&["keys", "export", "alice", "--out", "alice.key"]);
    let mode = |path: &str| std::fs::metadata(bauta.home.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("alice.key"), 0o600);
    assert_eq!(mode("bauta/keyring-test"), 0o700);
    assert_eq!(mode("bauta/keyring-test/alice.json"), 0o600);
    let key = bauta.home.path().join("bauta/keyring-test/alice.json");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = bauta.run(&["keys", "export", "alice", "--out", "again.key"]);
    assert!(output.status.success());
    assert!(stderr(&output).contains("others may read the key") && stderr(&output).contains("chmod 600"));
}

#[test]
fn what_a_stranger_wrote_on_the_chain_does_not_reach_the_terminal_as_it_is() {
    let (_node, people) = people(&["mallory"]);
    let mallory = &people[0];
    let memo = "\u{1b}[2Jnothing happened\u{9b}1A\u{202e}";
    let sent = mallory.json(&["bank", "send", &address(mallory), "1ubauta", "--yes", "--memo", memo]);
    let hash = sent["tx_hash"].as_str().unwrap();
    let shown = mallory.ok(&["tx", "show", hash]);
    assert!(shown.contains("\u{fffd}[2Jnothing happened\u{fffd}1A\u{fffd}"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}']));
    // As JSON it stands escaped, or replaced, and never as it is.
    let json = mallory.ok(&["tx", "show", hash, "--output", "json"]);
    assert!(!json.contains(['\u{1b}', '\u{9b}']) && json.contains("\\u001b[2Jnothing happened"));
}
