//! Two nodes agree to the unit, whatever each has in memory and on disk.

use std::sync::Arc;

use cosmos_sdk_proto::cosmwasm::wasm::v1::GenesisState;
use serde_json::json;
use tempfile::TempDir;

use super::artifacts;
use super::host::{address, coin, person, Host, PLENTY};
use super::scripted::Scripted;
use crate::events::Event;
use crate::modules::wasm::{blobs, checksum, Genesis, OpenError, Vm, VmOptions};
use crate::store::{Changes, MemoryBase, Store, View};

/// A day in the life of a chain: what was left, what each transaction cost and said.
fn day(host: &mut Host) -> (Changes, Vec<u64>, Vec<Event>) {
    let (mut used, mut events) = (Vec::new(), Vec::new());
    let hackatom = host.store(&artifacts::of_crate("hackatom.wasm"));
    used.push(host.used);
    let queue = host.store(&artifacts::of_module("queue.wasm"));
    let replier = host.store(&artifacts::of_module("replier.wasm"));
    host.mint(&person("creator"), 1_000, "ubauta");
    let init = json!({"verifier": person("v"), "beneficiary": person("b")});
    let escrow = host.instantiate_with(hackatom, &init, &[coin(10, "ubauta")], "").unwrap();
    let queue = host.instantiate(queue, &json!({})).unwrap();
    let replier = host.instantiate(replier, &json!({})).unwrap();
    let leaf = json!({"msg_id": 2, "set_data_in_exec_and_reply": true, "return_order_in_reply": false,
        "exec_error": true, "reply_error": false, "reply_on_never": false, "messages": []});
    let tree = json!({"msg_id": 1, "set_data_in_exec_and_reply": true, "return_order_in_reply": true,
        "exec_error": false, "reply_error": false, "reply_on_never": false, "messages": [leaf]});
    for (contract, msg) in [
        (&queue, json!({"enqueue": {"value": 5}})),
        (&queue, json!({"enqueue": {"value": 6}})),
        (&queue, json!({"dequeue": {}})),
        (&replier, tree),
        (&escrow, json!({"release": {"denom": "ubauta"}})),
        (&escrow, json!({"cpu_loop": {}})),
        (&escrow, json!({"panic": {}})),
    ] {
        match host.execute_with_gas(&person("v"), contract, &msg, &[], 2_000_000) {
            Ok(done) => events.extend(done.events),
            Err(error) => events.push(Event::new(error.codespace).with("code", error.code.to_string())),
        }
        used.push(host.used);
    }
    (host.state(), used, events)
}

#[test]
fn two_nodes_agree_on_state_gas_and_events() {
    assert_eq!(day(&mut Host::new()), day(&mut Host::new()));
}

#[test]
fn a_node_that_was_restarted_or_lost_its_compiled_codes_charges_the_same() {
    let folder = Arc::new(TempDir::new().unwrap());
    let mut host = Host::in_folder(folder.clone());
    let code = host.store(&artifacts::of_crate("hackatom.wasm"));
    let init = json!({"verifier": person("v"), "beneficiary": person("b")});
    let contract = host.instantiate(code, &init).unwrap();
    host.mint(&contract, 1_000, "ubauta");
    let release = |host: &mut Host| {
        host.mint(&contract, 1, "ubauta");
        host.execute(&person("v"), &contract, &json!({"release": {"denom": "ubauta"}}), &[]).unwrap();
        host.used
    };
    release(&mut host);
    let warm = release(&mut host);
    assert_eq!(release(&mut host), warm);
    let changes = host.state();

    let reopen = |host: Host| {
        drop(host);
        let mut base = MemoryBase::default();
        for store in Store::ALL {
            let kept = changes.of(store).iter();
            base.0.extend(kept.filter_map(|(key, value)| Some(((store, key.clone()), value.clone()?))));
        }
        let mut host = Host::in_folder(folder.clone());
        host.view = View::new(Arc::new(base));
        host
    };
    let mut host = reopen(host);
    host.keeper.clone().check_codes(&mut host.query_context()).unwrap();
    assert_eq!(release(&mut host), warm, "compiled code on disk");

    std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
    let mut host = reopen(host);
    assert_eq!(release(&mut host), warm, "compiled code gone");
    assert_eq!(release(&mut host), warm);

    // In memory because the state says so: cheaper on every node alike.
    let mut ctx = host.context(PLENTY);
    host.keeper.clone().pin(&mut ctx, code).unwrap();
    assert_eq!(release(&mut host), warm - 58_000);
    let mut host = reopen(host);
    let mut ctx = host.context(PLENTY);
    host.keeper.clone().pin(&mut ctx, code).unwrap();
    host.keeper.clone().vm().unpin(&checksum(&artifacts::of_crate("hackatom.wasm"))).unwrap();
    assert_eq!(release(&mut host), warm - 58_000, "pinned in state, not in memory");
    host.keeper.clone().load_pinned(&mut host.query_context()).unwrap();
    assert_eq!(release(&mut host), warm - 58_000);
}

#[test]
fn a_code_loads_at_a_discount_from_its_second_call_in_a_transaction() {
    let mut host = Host::new();
    let code = host.store(&Scripted::new().wasm());
    let contract = host.instantiate(code, &json!({})).unwrap();
    let keeper = host.keeper.clone();
    let cost = |ctx: &mut crate::context::Context| {
        let before = ctx.gas.consumed();
        keeper.execute(ctx, &person("a"), &contract, b"{}", &[]).unwrap();
        ctx.gas.consumed() - before
    };
    let mut ctx = host.context(PLENTY);
    let (first, second, third) = (cost(&mut ctx), cost(&mut ctx), cost(&mut ctx));
    assert_eq!((first - second, second - third), (58_000, 0));
    // Outside of transactions nothing is remembered.
    ctx.calls.loaded = None;
    assert_eq!((cost(&mut ctx), cost(&mut ctx)), (first, first));
}

#[test]
fn a_folder_belongs_to_one_process() {
    let host = Host::new();
    let again = Vm::open(VmOptions::new(host.folder.path()));
    assert!(matches!(again, Err(OpenError::InUse(_))));
    let folder = host.folder.clone();
    drop(host);
    assert!(Vm::open(VmOptions::new(folder.path())).is_ok());
}

#[test]
fn a_node_whose_blobs_are_gone_knows_that_it_is_broken() {
    let folder = Arc::new(TempDir::new().unwrap());
    let mut host = Host::in_folder(folder.clone());
    let code = host.store(&Scripted::new().wasm());
    let contract = host.instantiate(code, &json!({})).unwrap();
    let view = host.view.clone();
    drop(host);
    std::fs::remove_dir_all(blobs(folder.path())).unwrap();
    std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
    let mut host = Host::in_folder(folder);
    host.view = view;
    assert!(host.keeper.clone().check_codes(&mut host.query_context()).is_err());
    let mut host = Host { keeper: host.keeper.clone(), ..host };
    assert!(host.execute(&person("a"), &contract, &json!({}), &[]).is_err());
    assert!(host.keeper.vm().broken().is_some());
}

#[test]
fn a_genesis_that_was_exported_begins_the_same_chain() {
    let mut host = Host::new();
    day(&mut host);
    let mut ctx = host.context(PLENTY);
    host.keeper.clone().pin(&mut ctx, 1).unwrap();
    let genesis = host.keeper.export_genesis(&mut host.query_context()).unwrap();
    let text = serde_json::to_string(&Genesis::from(genesis.clone())).unwrap();
    let read: Genesis = serde_json::from_str(&text).unwrap();
    assert_eq!(GenesisState::try_from(&read).unwrap(), genesis);
    let mut copy = Host::new();
    let mut ctx = copy.context(u64::MAX);
    copy.keeper.clone().init_genesis(&mut ctx, &genesis).unwrap();
    let wasm = |host: &Host| {
        let changes = host.state().of(Store::Wasm).clone().into_iter();
        // Parameters are written by genesis only; the default is not stored.
        let live = changes.filter(|(key, value)| value.is_some() && key[0] != crate::modules::wasm::keys::PARAMS);
        live.collect::<Vec<_>>()
    };
    assert_eq!(wasm(&copy), wasm(&host));
    assert_eq!(copy.keeper.export_genesis(&mut copy.query_context()).unwrap(), genesis);
    let mut ctx = copy.context(u64::MAX);
    assert!(copy.keeper.clone().init_genesis(&mut ctx, &genesis).is_err(), "twice");
}

#[test]
fn contracts_are_told_block_transaction_and_address() {
    let mut host = Host::new();
    let code = host.store(&artifacts::of_crate("cyberpunk.wasm"));
    let contract = host.instantiate(code, &json!({})).unwrap();
    let env = host.smart(&contract, &json!({"mirror_env": {}})).unwrap();
    assert_eq!(env["block"], json!({"height": 12345, "time": "1571797419879305533", "chain_id": "bauta-1"}));
    assert_eq!(env["transaction"], json!(null));
    assert_eq!(env["contract"]["address"], json!(contract));
    let index = host.next_tx;
    let done = host.execute(&person("a"), &contract, &json!({"mirror_env": {}}), &[]).unwrap();
    let response = <cosmos_sdk_proto::cosmwasm::wasm::v1::MsgExecuteContractResponse as prost::Message>::decode(
        done.response.value.as_slice(),
    );
    let env: serde_json::Value = serde_json::from_slice(&response.unwrap().data).unwrap();
    assert_eq!(env["transaction"]["index"], json!(index));
    assert_eq!(address(&contract).len(), 32);
}
