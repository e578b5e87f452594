//! The committed JSON schemas.

use std::{collections::BTreeMap, fs, path::Path};

use bauta_messages::schema;

fn read_into(files: &mut BTreeMap<String, String>, root: &Path, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_into(files, root, &path);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.insert(name.to_string(), fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_committed_schemas_are_what_the_types_generate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/contracts");
    let mut committed = BTreeMap::new();
    read_into(&mut committed, &root, &root);
    let generated = schema::files();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&generated));
    for (name, text) in generated {
        assert!(
            committed[&name] == text,
            "schema/contracts/{name} differs from the types; run `cargo run --release -p bauta-messages --example write_schemas`"
        );
    }
}

#[test]
fn every_query_names_its_response() {
    for contract in ["registry", "staking", "slashing"] {
        let files = schema::files();
        let whole: serde_json::Value = serde_json::from_str(&files[&format!("{contract}/{contract}.json")]).unwrap();
        let queries = whole["query"]["oneOf"].as_array().unwrap().len();
        assert_eq!(whole["responses"].as_object().unwrap().len(), queries);
    }
}
