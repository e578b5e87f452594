//! What the program says of itself.

use crate::bauta::Bauta;

const CHANGED: &str = "the help changed; if it should, run this test with BAUTA_WRITE_HELP=1";

/// The help of a command without the options of every command.
fn help_of(bauta: &Bauta, path: &[String]) -> String {
    let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
    args.push("--help");
    let text = bauta.ok(&args);
    let mut kept = Vec::new();
    let mut skipping = false;
    for line in text.lines() {
        if line == "Options of every command:" {
            skipping = true;
        } else if skipping && !line.is_empty() && !line.starts_with(' ') {
            skipping = false;
        }
        if !skipping {
            kept.push(line.trim_end());
        }
    }
    kept.join("\n")
}

/// The commands that a help lists.
fn commands_in(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    lines
        .take_while(|line| line.starts_with(' '))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect()
}

fn walk(bauta: &Bauta, path: &[String], all: &mut Vec<(Vec<String>, String)>) {
    let help = help_of(bauta, path);
    let commands = commands_in(&help);
    all.push((path.to_vec(), help));
    for name in commands {
        let mut below = path.to_vec();
        below.push(name);
        walk(bauta, &below, all);
    }
}

fn all_helps() -> Vec<(Vec<String>, String)> {
    let mut all = Vec::new();
    walk(&Bauta::new(), &[], &mut all);
    all
}

#[test]
fn every_command_explains_itself_as_the_file_of_helps_says() {
    let all = all_helps();
    assert!(all.len() > 40, "only {} commands were found", all.len());
    let mut text = String::new();
    for (path, help) in &all {
        let call = [&["bauta".to_owned()], path.as_slice(), &["--help".to_owned()]].concat().join(" ");
        text.push_str(&format!("$ {call}\n{}\n\n", help.trim()));
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/help.txt");
    if std::env::var_os("BAUTA_WRITE_HELP").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap();
    for (now, then) in text.lines().zip(expected.lines()) {
        assert_eq!(now, then, "{CHANGED}");
    }
    assert_eq!(text.len(), expected.len(), "{CHANGED}");
}

#[test]
fn every_command_has_an_example_and_says_what_its_json_is() {
    for (path, help) in all_helps() {
        let is_group = help.contains("\nCommands:\n");
        assert!(is_group || help.contains("Example"), "{path:?}\n{help}");
        // What a shell or a person reads has no other form.
        let has_json = !is_group && path != ["completions"];
        assert!(!has_json || help.contains("JSON:") || help.contains("schema"), "{path:?}\n{help}");
    }
}

#[test]
fn every_command_takes_the_options_of_every_command() {
    let bauta = Bauta::new();
    for path in [&["keys", "list"][..], &["task", "create"], &["wasm", "query", "smart"], &["provider", "run"]] {
        let mut args = path.to_vec();
        args.push("--help");
        let help = bauta.ok(&args);
        for option in ["--node", "--chain-id", "--home", "--from", "--gas-prices", "--output", "--yes"] {
            assert!(help.contains(option), "{path:?} {option}");
        }
    }
}

#[test]
fn completions_are_there_for_three_shells() {
    let bauta = Bauta::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = bauta.ok(&["completions", shell]);
        assert!(script.len() > 1000 && script.contains("provider"), "{shell}");
    }
}

#[test]
fn the_version_is_told_in_three_ways() {
    let bauta = Bauta::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(bauta.ok(&["--version"]), format!("bauta {version}\n"));
    assert_eq!(bauta.ok(&["version"]), format!("bauta {version}\n"));
    assert_eq!(bauta.json(&["version"])["version"], version);
}
