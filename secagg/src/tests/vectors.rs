//! Our own vectors in `schema/vectors`: generated from seeds, compared byte for byte with the committed files, and then read
//! back from the files and checked as any implementation in another language would.
//!
//! `BAUTA_WRITE_VECTORS=1 cargo test --release -p bauta-secagg vectors` writes the files anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

mod messages;
mod primitives;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schema/vectors").join(name)
}

pub(crate) fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("schema/vectors/{name}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// Compares what was generated with the committed file.
#[allow(clippy::disallowed_methods)] // Tests execute no block.
fn compare(name: &str, value: &Value) {
    let generated = serde_json::to_string_pretty(&sorted(value)).unwrap() + "\n";
    if std::env::var_os("BAUTA_WRITE_VECTORS").is_some() {
        std::fs::create_dir_all(path("")).unwrap();
        std::fs::write(path(name), &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path(name)).unwrap();
    assert!(
        committed == generated,
        "schema/vectors/{name} is not what the code generates; write it anew and look at it"
    );
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

pub(crate) fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_else(|| panic!("{field} is missing in {case}"))
}

pub(crate) fn bytes(case: &Value, field: &str) -> Vec<u8> {
    hex::decode(text(case, field)).unwrap()
}

pub(crate) fn bytes32(case: &Value, field: &str) -> [u8; 32] {
    bytes(case, field).try_into().unwrap()
}

pub(crate) fn number(case: &Value, field: &str) -> u64 {
    case[field].as_u64().unwrap_or_else(|| panic!("{field} is missing in {case}"))
}

pub(crate) fn list<'a>(case: &'a Value, field: &str) -> &'a Vec<Value> {
    case[field].as_array().unwrap_or_else(|| panic!("{field} is missing in {case}"))
}
