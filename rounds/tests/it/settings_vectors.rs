//! `schema/vectors/settings.json`: the hash that binds a task's settings, with encodings that another implementation may not hash.
//!
//! `BAUTA_WRITE_VECTORS=1 cargo test --release -p bauta-rounds settings_vectors` writes the file anew.

use crate::world::settings;
use bauta_schema::training::v1::{settings_hash, Combination, CombinationKind, Scoring, TaskSettings, SETTINGS_TAG};
use prost::Message;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schema/vectors/settings.json")
}

/// The hash as protocol.md defines it, over bytes as they are.
fn hash_of(encoding: &[u8]) -> [u8; 32] {
    let tag = SETTINGS_TAG.as_bytes();
    let parts: [&[u8]; 3] = [&(tag.len() as u16).to_be_bytes(), tag, encoding];
    Sha256::digest(parts.concat()).into()
}

/// Whether bytes are settings in their canonical form, and so may be hashed.
fn judge(encoding: &[u8]) -> &'static str {
    match TaskSettings::decode(encoding) {
        Err(_) => "malformed",
        Ok(settings) if settings.encode_to_vec() == encoding => "canonical",
        Ok(_) => "not canonical",
    }
}

fn good() -> Vec<(&'static str, TaskSettings)> {
    let whole = settings(10, 650);
    let mut none_corrupt = whole.clone();
    none_corrupt.cohort.as_mut().unwrap().corrupt_heads = Some(0);
    let mut default_corrupt = whole.clone();
    default_corrupt.cohort.as_mut().unwrap().corrupt_heads = None;
    let mut longer = whole.clone();
    longer.rounds += 1;
    let mut wider = whole.clone();
    wider.encoding.as_mut().unwrap().bits = 64;
    let mut trimmed = whole.clone();
    let kind = CombinationKind::TrimmedMean.into();
    trimmed.combination = Some(Combination { kind, trim: 2, ..Default::default() });
    let mut scored = whole.clone();
    scored.scoring = Some(Scoring { rewards: true, test_set: vec![0xab; 32], rows: 5, sensitivity: 10 });
    vec![
        ("empty settings", TaskSettings::default()),
        ("a whole task, no corrupt heads declared to exist", none_corrupt),
        ("the same, corrupt heads not declared: absent and zero differ", default_corrupt),
        ("the same, one more round", longer),
        ("the same, a wider ring", wider),
        ("the same, groups combined by a trimmed mean", trimmed),
        ("the same, groups scored on a test set", scored),
    ]
}

fn generate() -> Value {
    let case = |(what, settings): &(&str, TaskSettings)| {
        let encoding = settings.encode_to_vec();
        json!({ "what": what, "encoding": hex::encode(encoding), "hash": hex::encode(settings_hash(settings)) })
    };
    let base = TaskSettings { rounds: 3, max_idle_epochs: 2, ..Default::default() };
    let canonical = base.encode_to_vec();
    let field = |settings: TaskSettings| settings.encode_to_vec();
    let rounds = field(TaskSettings { rounds: 3, ..Default::default() });
    let idle = field(TaskSettings { max_idle_epochs: 2, ..Default::default() });
    let ascending = if [&rounds[..], &idle].concat() == canonical { (rounds, idle) } else { (idle, rounds) };
    let bad = |what: &str, encoding: Vec<u8>| json!({ "what": what, "encoding": hex::encode(&encoding), "result": judge(&encoding) });
    // The last byte of the canonical form is the value of a varint.
    let mut long_varint = canonical.clone();
    *long_varint.last_mut().unwrap() |= 0x80;
    long_varint.push(0);
    json!({
        "description": "SHA-256(lp(tag) | encoding) of a task's settings; bad encodings must be brought to their canonical form first",
        "tag": SETTINGS_TAG,
        "good": good().iter().map(case).collect::<Vec<_>>(),
        "bad": {
            "canonical": hex::encode(&canonical),
            "hash": hex::encode(settings_hash(&base)),
            "cases": [
                bad("fields in descending order", [&ascending.1[..], &ascending.0].concat()),
                bad("an unknown field", [&canonical[..], &[0xc0, 0x3e, 0x01]].concat()),
                bad("a field twice, the last one counts", [&ascending.1[..], &canonical].concat()),
                bad("a varint that is longer than it must be", long_varint),
                bad("the last byte is missing", canonical[..canonical.len() - 1].to_vec()),
            ],
        },
    })
}

/// Fields in alphabetical order, whether or not some other crate makes serde_json keep theirs.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().collect();
            Value::Object(fields.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn bytes(case: &Value, field: &str) -> Vec<u8> {
    hex::decode(case[field].as_str().unwrap_or_else(|| panic!("{field} is missing in {case}"))).unwrap()
}

#[test]
#[allow(clippy::disallowed_methods)] // Tests execute no block.
fn the_committed_vectors_are_what_the_code_generates() {
    let generated = serde_json::to_string_pretty(&sorted(&generate())).unwrap() + "\n";
    if std::env::var_os("BAUTA_WRITE_VECTORS").is_some() {
        std::fs::write(path(), &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path()).unwrap();
    assert!(committed == generated, "schema/vectors/settings.json is not what the code generates");
}

#[test]
fn settings_read_from_the_vectors_hash_to_what_stands_there() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap();
    let good = file["good"].as_array().unwrap();
    assert!(good.len() >= 5);
    let mut seen = Vec::new();
    for case in good {
        let encoding = bytes(case, "encoding");
        assert_eq!(judge(&encoding), "canonical", "{case}");
        let hash = settings_hash(&TaskSettings::decode(&encoding[..]).unwrap());
        assert_eq!(hash[..], bytes(case, "hash"), "{case}");
        assert_eq!(hash, hash_of(&encoding), "{case}");
        assert!(!seen.contains(&hash), "two settings have one hash: {case}");
        seen.push(hash);
    }
    let bad = &file["bad"];
    let hash = bytes(bad, "hash");
    assert_eq!(hash_of(&bytes(bad, "canonical"))[..], hash);
    for case in bad["cases"].as_array().unwrap() {
        let encoding = bytes(case, "encoding");
        assert_eq!(judge(&encoding), case["result"].as_str().unwrap(), "{case}");
        assert_ne!(judge(&encoding), "canonical", "{case}");
        assert_ne!(hash_of(&encoding)[..], hash, "bytes that are not canonical were hashed as they are: {case}");
        if let Ok(settings) = TaskSettings::decode(&encoding[..]) {
            assert_eq!(settings_hash(&settings)[..], hash, "{case}");
        }
    }
}
