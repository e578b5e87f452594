use std::process::Command;

fn bautad(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bautad")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_makes_a_folder_that_cometbft_and_the_node_start_from() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    let arguments = ["init", "--home", home.to_str().unwrap(), "--devnet", "--output", "json"];
    let (ok, text) = bautad(&arguments);
    assert!(ok, "{text}");
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    let genesis: serde_json::Value =
        serde_json::from_slice(&std::fs::read(home.join("config/genesis.json")).unwrap()).unwrap();
    assert_eq!(genesis["app_state"]["training"]["params"]["authority"], answer["devnet_address"]);
    for secret in ["config/priv_validator_key.json", "config/node_key.json", "config/devnet.mnemonic"] {
        assert_eq!(mode(&home.join(secret)), 0o600, "{secret}");
    }
    let config = abci_app::config::Config::read(&home).unwrap();
    assert_eq!(config, abci_app::config::Config::default());
    // A second time it would overwrite what an operator chose, and the keys.
    let (ok, text) = bautad(&arguments);
    assert!(!ok && text.contains("exists already"), "{text}");
}

#[test]
fn a_second_node_joins_with_the_genesis_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    let (ok, text) = bautad(&["init", "--home", first.to_str().unwrap(), "--devnet", "--chain-id", "hospitals-1"]);
    assert!(ok, "{text}");
    let genesis = first.join("config/genesis.json");
    let join = ["init", "--home", second.to_str().unwrap(), "--genesis", genesis.to_str().unwrap()];
    let (ok, text) = bautad(&join);
    assert!(ok && text.contains("hospitals-1"), "{text}");
    assert_eq!(std::fs::read(genesis).unwrap(), std::fs::read(second.join("config/genesis.json")).unwrap());
    let no_genesis = first.join("config/app.toml");
    let third = folder.path().join("c");
    let (ok, text) = bautad(&["init", "--home", third.to_str().unwrap(), "--genesis", no_genesis.to_str().unwrap()]);
    assert!(!ok && text.contains("is no genesis document"), "{text}");
    assert!(!third.exists());
}

#[test]
fn a_testnet_has_one_genesis_and_everybody_for_a_peer() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("testnet");
    let (ok, text) = bautad(&["testnet", "--validators", "3", "--out", out.to_str().unwrap(), "--output", "json"]);
    assert!(ok, "{text}");
    let genesis = |index: usize| std::fs::read(out.join(format!("node{index}/config/genesis.json"))).unwrap();
    assert_eq!(genesis(0), genesis(1));
    assert_eq!(genesis(0), genesis(2));
    let read: serde_json::Value = serde_json::from_slice(&genesis(0)).unwrap();
    assert_eq!(read["validators"].as_array().unwrap().len(), 3);
    let config: toml::Table =
        toml::from_str(&std::fs::read_to_string(out.join("node1/config/config.toml")).unwrap()).unwrap();
    assert_eq!(config["p2p"]["persistent_peers"].as_str().unwrap().split(',').count(), 2);
    assert_eq!(config["proxy_app"].as_str(), Some("tcp://127.0.0.1:26668"));
    assert_eq!(mode(&out.join("start.sh")), 0o755);
}

#[test]
fn a_stopped_node_says_how_far_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    let (ok, text) = bautad(&["init", "--home", home.to_str().unwrap()]);
    assert!(ok, "{text}");
    // Nothing listens there.
    let config = home.join("config/config.toml");
    let written = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, written.replace("tcp://127.0.0.1:26657", "tcp://127.0.0.1:1")).unwrap();
    let (ok, text) = bautad(&["status", "--home", home.to_str().unwrap(), "--output", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(!ok && answer["running"] == false && answer["height"] == 0, "{text}");
}

#[test]
fn an_export_says_what_it_wants() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    let (ok, text) = bautad(&["export", "--home", home.to_str().unwrap(), "--chain-id", "bauta-2"]);
    assert!(!ok && text.contains("is no node's folder"), "{text}");
    let (ok, text) = bautad(&["init", "--home", home.to_str().unwrap()]);
    assert!(ok, "{text}");
    let (ok, text) = bautad(&["export", "--home", home.to_str().unwrap(), "--chain-id", "bauta-2"]);
    assert!(!ok && text.contains("the chain has no block yet"), "{text}");
    let odd = ["export", "--home", home.to_str().unwrap(), "--chain-id", "bauta-2", "--time", "tomorrow"];
    let (ok, text) = bautad(&odd);
    assert!(!ok && text.contains("--time is `tomorrow`"), "{text}");
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

#[test]
fn where_there_is_no_node_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("nothing");
    let of = ["--home", home.to_str().unwrap()];
    for command in [&["status"][..], &["start"], &["export", "--chain-id", "a-2"]] {
        let (ok, text) = bautad(&[command, &of].concat());
        assert!(!ok && text.contains("is no node's folder"), "{command:?}: {text}");
        assert!(!home.exists(), "{command:?}");
    }
}

#[test]
fn what_cometbft_would_refuse_is_refused_when_it_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    let home = home.to_str().unwrap();
    let account = format!("{}=5ubauta", abci_app::address::Address::module("training").to_bech32("bauta"));
    let account = account.as_str();
    for (arguments, sentence) in [
        (&["init", "--home", home, "--chain-id", "bad id"][..], "is no chain's id"),
        (&["init", "--home", home, "--chain-id", ""], "id is empty"),
        (&["init", "--home", home, "--moniker", ""], "moniker is empty"),
        (&["init", "--home", home, "--moniker", "two\nlines"], "in one line"),
        (&["init", "--home", home, "--peer", "garbage"], "write ID@HOST:PORT"),
        (&["init", "--home", home, "--account", account, "--account", account], "twice"),
        (&["testnet", "--out", home, "--chain-id", "bad id"], "is no chain's id"),
        (&["testnet", "--out", home, "--first-port", "0"], "--first-port"),
        (&["testnet", "--out", home, "--first-port", "65530"], "there are no ports for 4 nodes"),
        (&["init", "--home", home, "--block-ms", "18446744073709551615"], "--block-ms"),
    ] {
        let (ok, text) = bautad(arguments);
        assert!(!ok && text.contains(sentence), "{arguments:?}: {text}");
        assert!(!std::path::Path::new(home).exists(), "{arguments:?}");
    }
    let (ok, text) = bautad(&["init", "--home", home]);
    assert!(ok, "{text}");
    let (ok, text) = bautad(&["export", "--home", home, "--chain-id", "bad id"]);
    assert!(!ok && text.contains("is no chain's id"), "{text}");
    let (ok, text) = bautad(&["start", "--home", home, "--log", "notalevel"]);
    assert!(!ok && text.contains("`notalevel` is no level"), "{text}");
    let (ok, text) = bautad(&["start", "--home", home, "--listen", "nowhere"]);
    assert!(!ok && text.contains("write HOST:PORT"), "{text}");
}

#[test]
fn a_folder_in_use_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    let (ok, text) = bautad(&["init", "--home", home.to_str().unwrap()]);
    assert!(ok, "{text}");
    let config = abci_app::NodeConfig { home: Some(home.clone()), ..Default::default() };
    let _node = abci_app::Node::open(config).unwrap();
    for kept in ["data", "wasm"] {
        assert_eq!(mode(&home.join(kept)), 0o700, "{kept}");
    }
    let (ok, text) = bautad(&["start", "--home", home.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert!(!ok && text.contains("another bautad uses it"), "{text}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure_and_a_full_disk_is_a_sentence() {
    for arguments in [&["version"][..], &["completions", "bash"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bautad"))
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_bautad")).args(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("standard output cannot be written"), "{said}");
    }
}

#[test]
fn what_is_left_of_another_node_is_seen_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for left in ["config/devnet.mnemonic", "data/state.redb"] {
        let home = folder.path().join(left.replace('/', "-"));
        let file = home.join(left);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "left").unwrap();
        let (ok, text) = bautad(&["init", "--devnet", "--home", home.to_str().unwrap()]);
        assert!(!ok && text.contains(left) && text.contains("exists already"), "{text}");
        assert!(!home.join("config/app.toml").exists(), "{left}");
    }
    for left in ["start.sh", "devnet.mnemonic", "node1/config/app.toml"] {
        let out = folder.path().join(format!("net-{}", left.replace('/', "-")));
        let file = out.join(left);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "left").unwrap();
        let (ok, text) = bautad(&["testnet", "--validators", "2", "--out", out.to_str().unwrap()]);
        assert!(!ok && text.contains(left) && text.contains("exists already"), "{text}");
        assert!(!out.join("node0").exists(), "{left}");
    }
}

#[test]
fn a_state_under_the_genesis_of_another_chain_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let home = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (name, id) in [("one", "one-1"), ("two", "two-1")] {
        let (ok, text) = bautad(&["init", "--home", &home(name), "--chain-id", id]);
        assert!(ok, "{text}");
    }
    {
        let config = abci_app::NodeConfig { home: Some(home("one").into()), ..Default::default() };
        let node = abci_app::Node::open(config).unwrap();
        let genesis = std::fs::read(format!("{}/config/genesis.json", home("one"))).unwrap();
        let genesis = abci_app::genesis::GenesisDoc::read(&serde_json::from_slice(&genesis).unwrap()).unwrap();
        let service = node.service();
        service.info(Default::default());
        service.init_chain(genesis.init_chain().unwrap()).unwrap();
        let first = crate::chain::block(1, &[]);
        service.finalize_block(first).unwrap();
        service.commit().unwrap();
    }
    std::fs::copy(format!("{}/config/genesis.json", home("two")), format!("{}/config/genesis.json", home("one")))
        .unwrap();
    let (ok, text) = bautad(&["start", "--home", &home("one"), "--listen", "127.0.0.1:0"]);
    assert!(!ok && text.contains("is of the chain one-1") && text.contains("is of two-1"), "{text}");
}

#[test]
fn a_named_node_that_does_not_answer_is_not_told_of_as_this_folders() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("node");
    let (ok, text) = bautad(&["init", "--home", home.to_str().unwrap()]);
    assert!(ok, "{text}");
    for url in ["http://127.0.0.1:1", "ftp://x"] {
        let (ok, text) = bautad(&["status", "--home", home.to_str().unwrap(), "--node", url]);
        assert!(!ok && text.contains("no node answers at") && !text.contains("is stopped"), "{text}");
    }
    assert!(!home.join("data/state.redb").exists(), "nothing was made");
}
