use std::process::Command;

fn bautad(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bautad")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn init_writes_a_configuration_and_the_applications_part_of_the_genesis() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    let genesis = folder.path().join("genesis.json");
    std::fs::write(&genesis, r#"{"chain_id":"bauta-1","validators":[]}"#).unwrap();
    let arguments = ["init", "--home", home.to_str().unwrap(), "--genesis", genesis.to_str().unwrap()];
    let (ok, text) = bautad(&arguments);
    assert!(ok, "{text}");
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&genesis).unwrap()).unwrap();
    assert_eq!(written["app_state"]["app"]["fee_denom"], "ubauta");
    assert!(home.join("config/app.toml").exists());
    // A second time it would overwrite what an operator chose.
    let (ok, text) = bautad(&arguments);
    assert!(!ok && text.contains("exists already"), "{text}");
}

#[test]
fn a_mistake_in_the_configuration_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("config")).unwrap();
    std::fs::write(folder.path().join("config/app.toml"), "min_gas_price = \"cheap\"\n").unwrap();
    let (ok, text) = bautad(&["start", "--home", folder.path().to_str().unwrap()]);
    assert!(!ok && text.contains("min_gas_price is `cheap`"), "{text}");
    assert!(!text.contains("panicked"));
}

#[test]
fn a_node_without_the_codes_that_its_state_names_does_not_start() {
    use abci_app::{Node, NodeConfig};
    use cosmos_sdk_proto::cosmwasm::wasm::v1::MsgStoreCode;
    use prost::Message as _;

    use crate::chain::{genesis, Draft, Driven};

    let folder = tempfile::tempdir().unwrap();
    let config = NodeConfig { home: Some(folder.path().into()), ..NodeConfig::default() };
    let (mut accounts, builder) = genesis(1);
    {
        let mut chain = Driven::over(Node::open(config.clone()).unwrap(), builder);
        let path = format!("{}/../contracts/artifacts/registry.wasm", env!("CARGO_MANIFEST_DIR"));
        let wasm_byte_code = std::fs::read(path).unwrap();
        let message = MsgStoreCode { sender: accounts[0].address(), wasm_byte_code, instantiate_permission: None };
        let any =
            cosmos_sdk_proto::Any { type_url: "/cosmwasm.wasm.v1.MsgStoreCode".into(), value: message.encode_to_vec() };
        let done = chain.block(&[accounts[0].tx(Draft::new(vec![any]).fee(100, 50_000_000))]);
        assert_eq!(done.results[0].code, 0, "{}", done.results[0].log);
    }
    Node::open(config.clone()).unwrap();
    std::fs::remove_dir_all(folder.path().join("wasm")).unwrap();
    let error = Node::open(config).err().unwrap();
    assert!(format!("{error:#}").contains("is not in the node's folder"), "{error:#}");
}
