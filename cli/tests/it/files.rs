//! Files that are cut off, garbled, or full of what nobody expects: each is an error with a sentence.

use crate::bauta::{check_failure, repository, stderr, Bauta};

fn digits(rows: usize) -> Vec<String> {
    let all = std::fs::read_to_string(repository("data/digits.csv")).unwrap();
    all.lines().take(rows + 1).map(str::to_owned).collect()
}

/// The first rows of the digits, one of them with another field.
fn with_field(row: usize, column: usize, field: &str) -> String {
    let mut lines = digits(4);
    let mut fields: Vec<String> = lines[row].split(',').map(str::to_owned).collect();
    fields[column] = field.to_owned();
    lines[row] = fields.join(",");
    lines.join("\n")
}

#[test]
fn rows_that_are_none_are_named() {
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let check = |words: &str, content: &[u8]| {
        bauta.file("rows.csv", content);
        let args = ["provider", "check", "--task-file", "task.toml", "--data", "rows.csv"];
        check_failure(&bauta.run(&args), &args, 1, words);
    };
    for number in ["NaN", "inf", "-inf", "1e400", "", "0x10"] {
        check("rows.csv, row 2", with_field(2, 3, number).as_bytes());
    }
    for label in ["10", "-1", "1.5", "", "18446744073709551616", "three"] {
        check("rows.csv, row 2, column label", with_field(2, 64, label).as_bytes());
    }
    check("row 2 has 66 columns where the header has 65", with_field(2, 3, "1,5").as_bytes());
    let lines = digits(4);
    check("rows.csv", b"");
    check("rows.csv", lines[0].as_bytes());
    check("rows.csv", format!("{}\n\n\n", lines[0]).as_bytes());
    check("rows.csv", format!("{}\n{},7", lines[0], lines[1]).as_bytes());
    check("rows.csv", format!("{},more\n{},7", lines[0], lines[1]).as_bytes());
    check("rows.csv", lines[1..].join("\n").as_bytes());
    check("rows.csv", &[0xff, 0xfe, b'a', 0, b',', 0]);
    check("rows.csv", &vec![b'"'; 100_000]);
}

#[test]
fn a_byte_order_mark_and_line_ends_of_other_systems_are_no_mistakes() {
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    let plain = digits(30).join("\n");
    let mut losses = Vec::new();
    for content in [plain.clone(), format!("{plain}\n"), plain.replace('\n', "\r\n"), format!("\u{feff}{plain}\r\n")] {
        bauta.file("rows.csv", content);
        let report = bauta.json(&["provider", "check", "--task-file", "task.toml", "--data", "rows.csv"]);
        assert_eq!(report["rows"], 30);
        losses.push(report["norm"].clone());
    }
    losses.dedup();
    assert_eq!(losses.len(), 1, "they are the same rows: {losses:?}");

    // The same of the files that people write.
    let task = std::fs::read_to_string(bauta.home.path().join("task.toml")).unwrap();
    bauta.file("other.toml", format!("\u{feff}{}", task.replace('\n', "\r\n")));
    assert_eq!(bauta.json(&["task", "estimate", "other.toml", "--offline"])["accepted"], true);
    bauta.file("policy.toml", "\u{feff}min_group = 3\r\n");
    bauta.ok(&["provider", "check", "--task-file", "task.toml", "--data", "rows.csv", "--policy", "policy.toml"]);
}

#[test]
fn binary_files_that_are_cut_off_or_garbled_are_errors() {
    let bauta = Bauta::new();
    let task = bauta.ok(&["task", "init"]);
    bauta.file("task.toml", &task);
    let header = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let huge = r#"{"x":{"dtype":"F32","shape":[4294967295,4294967295],"data_offsets":[0,16]}}"#;
    for content in [
        Vec::new(),
        vec![0xff; 64],
        vec![0; 7],
        u64::MAX.to_le_bytes().to_vec(),
        header("{}"),
        header("{\"x\":1}"),
        header(huge),
        b"PK\x03\x04 not a zip".to_vec(),
        b"PK\x05\x06".iter().copied().chain([0; 18]).collect(),
    ] {
        for name in ["rows.npz", "rows.safetensors"] {
            bauta.file(name, &content);
            bauta.fails(&["provider", "check", "--task-file", "task.toml", "--data", name], 1, name);
        }
        // The same as a first model.
        bauta.file("first.safetensors", &content);
        let from_file = task.replace("kind = \"zero\"", "kind = \"file\"\nfile = \"first.safetensors\"");
        assert_ne!(from_file, task);
        bauta.file("from-file.toml", from_file);
        bauta.fails(&["task", "estimate", "from-file.toml", "--offline"], 1, "first.safetensors");
    }
    bauta.fails(&["provider", "check", "--task-file", "task.toml", "--data", "."], 1, ".");
}

#[test]
fn keys_that_are_cut_off_or_garbled_are_named_and_the_others_still_work() {
    let bauta = Bauta::new().with("BAUTA_PASSPHRASE", "correct horse").with("BAUTA_EXPORT_PASSPHRASE", "for the road");
    bauta.ok(&["keys", "add", "alice"]);
    bauta.ok(&["keys", "add", "bob"]);
    let path = bauta.home.path().join("bauta/keyring-file/alice.json");
    let good = std::fs::read_to_string(&path).unwrap();
    let garbled = |from: &str, to: &str| {
        let garbled = good.replace(from, to);
        assert_ne!(garbled, good, "{from}");
        garbled
    };
    for content in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        garbled("\"version\": 1", "\"version\": 2"),
        garbled("argon2id", "md5"),
        garbled("\"memory_kib\": 65536", "\"memory_kib\": 4294967295"),
        garbled("\"memory_kib\": 65536", "\"memory_kib\": 0"),
        garbled("\"lanes\": 4", "\"lanes\": 0"),
        garbled("\"salt\": \"", "\"salt\": \"zz"),
        garbled("\"nonce\": \"", "\"nonce\": \"00"),
        garbled("\"ciphertext\": \"", "\"ciphertext\": \"00"),
        garbled("\"public_key\": \"0", "\"public_key\": \"1"),
        "[".repeat(100_000),
    ] {
        std::fs::write(&path, content).unwrap();
        let args = ["keys", "export", "alice"];
        let output = bauta.run(&args);
        check_failure(&output, &args, 1, "error");
        let said = stderr(&output);
        assert!(said.contains("alice") || said.contains("the key"), "{said}");
        assert!(bauta.ok(&["keys", "show", "bob", "--address"]).starts_with("bauta1"));
    }
    std::fs::write(&path, &good).unwrap();
    bauta.ok(&["keys", "export", "alice"]);
}

#[cfg(unix)]
#[test]
fn trainers_that_misbehave_are_stopped_or_named() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, Instant};
    let bauta = Bauta::new();
    bauta.ok(&["task", "init", "--out", "task.toml"]);
    bauta.file("rows.csv", digits(30).join("\n"));
    bauta.file("precious", "precious");
    let header = |text: &str| {
        let octal = |byte: u8| format!("\\{byte:03o}");
        (text.len() as u64).to_le_bytes().into_iter().chain(text.bytes()).map(octal).collect::<String>()
    };
    let tensors = |weight: &str| {
        format!(
            r#"{{"weight":{{"dtype":"F32","shape":{weight},"data_offsets":[0,2560]}},"bias":{{"dtype":"F32","shape":[10],"data_offsets":[2560,2600]}}}}"#
        )
    };
    let write = |weight: &str, values: &str| {
        format!("printf '{}' > $1/update.safetensors; {values} >> $1/update.safetensors", header(&tensors(weight)))
    };
    let metrics = "echo '{\"loss\":1,\"correct\":1,\"rows\":30}' > $1/metrics.json";
    let zeros = "head -c 2600 /dev/zero";
    let nans = "head -c 2600 /dev/zero | tr '\\0' '\\377'";
    let good = format!("{}; {metrics}", write("[10,64]", zeros));
    for (script, words) in [
        ("sleep 60".to_owned(), "was stopped after 2 s"),
        ("sleep 60 & sleep 60 & wait".to_owned(), "was stopped after 2 s"),
        ("trap '' TERM INT; while :; do :; done".to_owned(), "was stopped after 2 s"),
        ("yes | head -c 300000000; exit 7".to_owned(), "exit status: 7"),
        ("kill -SEGV $$".to_owned(), "signal: 11"),
        (format!("truncate -s 8G $1/update.safetensors; {metrics}"), "larger than"),
        (format!("{}; {metrics}", write("[64,10]", zeros)), "weight"),
        (format!("{}; {metrics}", write("[10,64]", nans)), "update.safetensors"),
        (write("[10,64]", zeros), "metrics.json"),
        (format!("{good}; echo '{{\"loss\":1e999}}' > $1/metrics.json"), "metrics.json"),
        (
            format!("{good}; echo '{{\"loss\":1,\"correct\":31,\"rows\":30}}' > $1/metrics.json"),
            "correct 31 at most rows 30",
        ),
        (format!("{good}; rm $1/update.safetensors; ln -s $PWD/precious $1/update.safetensors"), "not a plain file"),
        (format!("{good}; rm $1/update.safetensors; mkfifo $1/update.safetensors"), "not a plain file"),
        (format!("{good}; rm $1/metrics.json; mkdir $1/metrics.json"), "not a plain file"),
        ("rm -r $1".to_owned(), "update.safetensors"),
    ] {
        let program = bauta.file("train.sh", format!("#!/bin/bash\n{script}\n"));
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let args = ["provider", "check", "--task-file", "task.toml", "--data", "rows.csv"];
        let args = [&args[..], &["--trainer", "./train.sh", "--trainer-timeout", "2"]].concat();
        let started = Instant::now();
        let output = bauta.run(&args);
        check_failure(&output, &[&script], 1, words);
        assert!(started.elapsed() < Duration::from_secs(15), "{script}");
        assert_eq!(std::fs::read_to_string(bauta.home.path().join("precious")).unwrap(), "precious", "{script}");
        let left = std::fs::read_dir(bauta.home.path().join("bauta")).map(|left| left.count()).unwrap_or_default();
        assert_eq!(left, 0, "{script} left a folder with an update");
    }
    // The one that all of them are variations of works.
    bauta.file("train.sh", format!("#!/bin/bash\n{good}\n"));
    let args = ["provider", "check", "--task-file", "task.toml", "--data", "rows.csv", "--trainer", "./train.sh"];
    assert_eq!(bauta.json(&args)["norm"], 0.0);
}
