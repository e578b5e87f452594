//! The JSON schemas of the three contracts' messages, as files. `examples/write_schemas.rs` writes them to `schema/contracts/`, and a
//! test compares what is committed there.

use std::collections::BTreeMap;

use cosmwasm_schema::generate_api;

use crate::{registry, slashing, staking};

/// Every schema file: its path below `schema/contracts/`, and its text.
///
/// A contract has one file with its whole interface (`registry/registry.json`, what code generators read) and one for each kind of
/// message and response in `registry/raw/`.
pub fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let registry = generate_api! {
        name: "registry",
        instantiate: registry::InstantiateMsg,
        execute: registry::ExecuteMsg,
        query: registry::QueryMsg,
        migrate: registry::MigrateMsg,
    };
    add(&mut files, "registry", registry);
    let staking = generate_api! {
        name: "staking",
        instantiate: staking::InstantiateMsg,
        execute: staking::ExecuteMsg,
        query: staking::QueryMsg,
        migrate: staking::MigrateMsg,
        sudo: staking::SudoMsg,
    };
    add(&mut files, "staking", staking);
    let slashing = generate_api! {
        name: "slashing",
        instantiate: slashing::InstantiateMsg,
        execute: slashing::ExecuteMsg,
        query: slashing::QueryMsg,
        migrate: slashing::MigrateMsg,
        sudo: slashing::SudoMsg,
    };
    add(&mut files, "slashing", slashing);
    files
}

fn add(files: &mut BTreeMap<String, String>, contract: &str, api: cosmwasm_schema::Api) {
    let api = api.render();
    let whole = api.to_string().expect("a schema of plain types is JSON");
    files.insert(format!("{contract}/{contract}.json"), whole + "\n");
    for (name, text) in api.to_schema_files().expect("a schema of plain types is JSON") {
        files.insert(format!("{contract}/raw/{name}"), text + "\n");
    }
}
