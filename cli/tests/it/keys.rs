//! Keys through the program.

use crate::bauta::{check_failure, Bauta};

const PASSPHRASE: &str = "correct horse";

fn locked() -> Bauta {
    Bauta::new().with("BAUTA_PASSPHRASE", PASSPHRASE).with("BAUTA_EXPORT_PASSPHRASE", "for the road")
}

#[test]
fn a_key_goes_through_a_file_into_another_keyring() {
    let from = locked();
    let made = from.json(&["keys", "add", "alice"]);
    assert_eq!(made["mnemonic"].as_str().unwrap().split(' ').count(), 24);
    let file = from.home.path().join("alice.key");
    from.ok(&["keys", "export", "alice", "--out", file.to_str().unwrap()]);

    let to = Bauta::new().with("BAUTA_KEYRING_BACKEND", "test").with("BAUTA_EXPORT_PASSPHRASE", "for the road");
    let read = to.json(&["keys", "import", "copy", file.to_str().unwrap()]);
    assert_eq!(read["address"], made["address"]);
    assert_eq!(read["public_key"], made["public_key"]);
    assert_eq!(to.ok(&["keys", "show", "copy", "--address"]).trim(), made["address"].as_str().unwrap());
}

#[test]
fn a_mnemonic_makes_the_same_key_again_and_is_not_shown_twice() {
    let first = locked();
    let made = first.json(&["keys", "add", "alice"]);
    let words = made["mnemonic"].as_str().unwrap();
    assert!(!first.ok(&["keys", "show", "alice"]).contains(words));

    let second = locked();
    let args = ["keys", "add", "again", "--recover", "--output", "json"];
    let output = second.run_with_input(&args, &format!("{words}\n"));
    let again: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(again["address"], made["address"]);
    assert!(again.get("mnemonic").is_none());
}

#[test]
fn keys_are_listed_and_erased() {
    let bauta = Bauta::new().with("BAUTA_KEYRING_BACKEND", "test");
    for name in ["bob", "alice"] {
        bauta.ok(&["keys", "add", name]);
    }
    let names = |json: &serde_json::Value| -> Vec<String> {
        json["keys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&bauta.json(&["keys", "list"])), ["alice", "bob"]);
    bauta.fails(&["keys", "delete", "bob"], 2, "needs a yes");
    bauta.ok(&["keys", "delete", "bob", "--yes"]);
    assert_eq!(names(&bauta.json(&["keys", "list"])), ["alice"]);
}

#[test]
fn a_wrong_passphrase_opens_nothing() {
    let bauta = locked();
    bauta.ok(&["keys", "add", "alice"]);
    let args = ["keys", "export", "alice"];
    let output = bauta.command(&args).env("BAUTA_PASSPHRASE", "incorrect horse").output().unwrap();
    check_failure(&output, &args, 1, "the passphrase does not open the key");
}

#[test]
fn a_passphrase_may_come_from_a_file_or_from_standard_input() {
    let bauta = Bauta::new();
    bauta.file("secret", format!("{PASSPHRASE}\n"));
    bauta.ok(&["keys", "add", "alice", "--passphrase-file", "secret"]);
    let output = bauta.run_with_input(&["keys", "add", "bob"], &format!("{PASSPHRASE}\n"));
    assert!(output.status.success());
    bauta.fails(&["keys", "add", "carol"], 1, "a passphrase is needed");
}

#[test]
fn mistakes_with_keys_are_explained() {
    let bauta = Bauta::new().with("BAUTA_KEYRING_BACKEND", "test").with("BAUTA_EXPORT_PASSPHRASE", "short");
    bauta.ok(&["keys", "add", "alice"]);
    bauta.file("words", "abandon abandon about");
    bauta.file("junk", "{}");
    bauta.fails(&["keys", "add", "alice"], 1, "already");
    bauta.fails(&["keys", "add", "a b"], 1, "name");
    bauta.fails(&["keys", "show", "nobody"], 1, "has no key named");
    bauta.fails(&["keys", "add", "bob", "--recover"], 2, "no mnemonic");
    bauta.fails(&["keys", "add", "bob", "--recover", "--mnemonic-file", "words"], 1, "not a BIP-39 mnemonic");
    bauta.fails(&["keys", "add", "bob", "--recover", "--mnemonic-file", "nowhere"], 1, "cannot read nowhere");
    bauta.fails(&["keys", "add", "bob", "--index", "2147483648"], 2, "below");
    bauta.fails(&["keys", "import", "bob", "nowhere"], 1, "cannot read nowhere");
    bauta.fails(&["keys", "import", "bob", "junk"], 1, "junk is not a key file");
    bauta.fails(&["keys", "export", "alice"], 1, "at least 8 characters");
    bauta.fails(&["keys", "export", "alice", "--out", "junk"], 1, "exists already");
}
