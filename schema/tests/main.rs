//! The generated types are those of the protos.

mod generation;

use bauta_schema::training::v1::{settings_hash, MsgEnrol, TaskSettings};
use bauta_schema::type_url;
use prost::{Message, Name};
use std::path::Path;

#[test]
fn the_committed_types_are_what_the_protos_generate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().unwrap();
    generation::generate(root, out.path());
    let mut names: Vec<_> = std::fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    let mut committed: Vec<_> =
        std::fs::read_dir(root.join("src/generated")).unwrap().map(|e| e.unwrap().file_name()).collect();
    committed.sort();
    assert_eq!(names, committed);
    for name in names {
        let fresh = std::fs::read_to_string(out.path().join(&name)).unwrap();
        let old = std::fs::read_to_string(root.join("src/generated").join(&name)).unwrap();
        assert!(
            fresh == old,
            "src/generated/{} is out of date: run `cargo run --release -p bauta-schema --example generate`",
            name.to_string_lossy()
        );
    }
}

#[test]
fn a_type_url_is_a_slash_and_the_full_name() {
    assert_eq!(type_url::ENROL, "/bauta.training.v1.MsgEnrol");
    assert_eq!(MsgEnrol::type_url(), type_url::ENROL);
}

#[test]
fn unknown_fields_do_not_change_the_settings_hash() {
    let settings = TaskSettings { rounds: 3, max_idle_epochs: 2, ..Default::default() };
    let mut bytes = settings.encode_to_vec();
    // Field 1000, varint 1.
    bytes.extend([0xc0, 0x3e, 0x01]);
    let decoded = TaskSettings::decode(&bytes[..]).unwrap();
    assert_eq!(settings_hash(&decoded), settings_hash(&settings));
    assert_ne!(settings_hash(&settings), settings_hash(&TaskSettings { rounds: 4, ..settings }));
}
