//! What contracts may ask: bank, other contracts, and what the chain accepts in protobuf.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine;
use cosmwasm_std::{Binary, ContractResult, SystemError, SystemResult};
use cosmwasm_vm::{BackendError, BackendResult, Querier};
use serde_json::{json, Value};

use super::artifacts;
use super::host::{person, Host};
use super::scripted::Scripted;
use crate::gas::GasMeter;
use crate::modules::wasm::gas::MULTIPLIER;
use crate::modules::wasm::querier::ContractQuerier;
use crate::modules::wasm::state::Reading;
use crate::modules::wasm::storage::Meter;

struct Asker {
    host: Host,
    meter: Meter,
}

impl Asker {
    fn new() -> Self {
        Self { host: Host::new(), meter: Meter::lend(&GasMeter::limited(10_000_000)) }
    }

    fn raw(&self, request: &[u8], gas: u64) -> BackendResult<SystemResult<ContractResult<Binary>>> {
        let frame = self.host.query_context().frame();
        ContractQuerier::new(self.host.keeper.clone(), frame, self.meter.clone()).query_raw(request, gas * MULTIPLIER)
    }

    fn system(&self, request: Value) -> SystemResult<ContractResult<Binary>> {
        self.raw(request.to_string().as_bytes(), 1_000_000).0.unwrap()
    }

    fn ask(&self, request: Value) -> Value {
        let answer = self.system(request).unwrap().unwrap();
        serde_json::from_slice(&answer).unwrap_or_else(|_| json!(answer.to_base64()))
    }

    fn refusal(&self, request: Value) -> String {
        self.system(request).unwrap().unwrap_err()
    }
}

#[test]
fn coins_are_known() {
    let mut asker = Asker::new();
    asker.host.mint(&person("a"), 7, "ubauta");
    asker.host.mint(&person("a"), 9, "other");
    let coin = |amount: &str, denom: &str| json!({"denom": denom, "amount": amount});
    let bank = |query: Value| json!({"bank": query});
    let balance = asker.ask(bank(json!({"balance": {"address": person("a"), "denom": "ubauta"}})));
    assert_eq!(balance, json!({"amount": coin("7", "ubauta")}));
    let none = asker.ask(bank(json!({"balance": {"address": person("b"), "denom": "ubauta"}})));
    assert_eq!(none, json!({"amount": coin("0", "ubauta")}));
    let all = asker.ask(bank(json!({"all_balances": {"address": person("a")}})));
    assert_eq!(all, json!({"amount": [coin("9", "other"), coin("7", "ubauta")]}));
    let supply = asker.ask(bank(json!({"supply": {"denom": "ubauta"}})));
    assert_eq!(supply, json!({"amount": coin("1000000", "ubauta")}));
    let metadata = asker.ask(bank(json!({"denom_metadata": {"denom": "ubauta"}})));
    assert_eq!(metadata["metadata"]["base"], json!("ubauta"));
    let all = asker.ask(bank(json!({"all_denom_metadata": {"pagination": null}})));
    assert_eq!(all["metadata"].as_array().unwrap().len(), 1);
    assert_eq!(asker.refusal(bank(json!({"denom_metadata": {"denom": "none"}}))), "codespace: sdk, code: 38");
    assert_eq!(
        asker.refusal(bank(json!({"balance": {"address": "rubbish", "denom": "ubauta"}}))),
        "codespace: sdk, code: 7"
    );
}

#[test]
fn other_contracts_are_known() {
    let mut asker = Asker::new();
    let code = asker.host.store(&artifacts::of_crate("hackatom.wasm"));
    let init = json!({"verifier": person("v"), "beneficiary": person("b")});
    let contract = asker.host.instantiate_with(code, &init, &[], &person("admin")).unwrap();
    let smart = |msg: &str| json!({"wasm": {"smart": {"contract_addr": contract, "msg": BASE64.encode(msg)}}});
    assert_eq!(asker.ask(smart(r#"{"verifier":{}}"#)), json!({"verifier": person("v")}));
    // The other contract's own words.
    let refusal = asker.refusal(smart(r#"{"nothing":{}}"#));
    assert!(refusal.contains("unknown variant") && refusal.ends_with("query wasm contract failed"), "{refusal}");
    assert_eq!(asker.refusal(smart("{")), "codespace: wasm, code: 14");
    let raw = json!({"wasm": {"raw": {"contract_addr": contract, "key": BASE64.encode("config")}}});
    assert_eq!(asker.ask(raw)["verifier"], json!(person("v")));
    let raw = json!({"wasm": {"raw": {"contract_addr": contract, "key": BASE64.encode("nothing")}}});
    assert_eq!(asker.system(raw), SystemResult::Ok(ContractResult::Ok(Binary::default())));
    let about = json!({"wasm": {"contract_info": {"contract_addr": contract}}});
    let expected = json!({"code_id": code, "creator": person("creator"), "admin": person("admin"), "pinned": false});
    assert_eq!(asker.ask(about.clone()), expected);
    let mut ctx = asker.host.context(1_000_000);
    asker.host.keeper.clone().pin(&mut ctx, code).unwrap();
    assert_eq!(asker.ask(about)["pinned"], json!(true));
    let code_info = asker.ask(json!({"wasm": {"code_info": {"code_id": code}}}));
    assert_eq!(code_info["creator"], json!(person("creator")));
    assert_eq!(code_info["checksum"].as_str().map(str::len), Some(64));
}

#[test]
fn what_is_missing_or_not_there_is_said_by_the_system() {
    let asker = Asker::new();
    let nobody = person("nobody");
    for request in [
        json!({"wasm": {"smart": {"contract_addr": nobody, "msg": "e30="}}}),
        json!({"wasm": {"contract_info": {"contract_addr": nobody}}}),
    ] {
        assert_eq!(asker.system(request), SystemResult::Err(SystemError::NoSuchContract { addr: nobody.clone() }));
    }
    let code = asker.system(json!({"wasm": {"code_info": {"code_id": 9}}}));
    assert_eq!(code, SystemResult::Err(SystemError::NoSuchCode { code_id: 9 }));
    for request in [
        json!({"custom": {"x": 1}}),
        json!({"staking": {"bonded_denom": {}}}),
        json!({"distribution": {}}),
        json!({"ibc": {"port_id": {}}}),
        json!({"bank": {"weather": {}}}),
        json!({"wasm": {"weather": {}}}),
        json!({"grpc": {"path": "/cosmos.bank.v1beta1.Query/Params", "data": ""}}),
        json!({"stargate": {"path": "/cosmos.bank.v1beta1.Query/Params", "data": ""}}),
    ] {
        let answer = asker.system(request.clone());
        assert!(matches!(answer, SystemResult::Err(SystemError::UnsupportedRequest { .. })), "{request}: {answer:?}");
    }
    assert_eq!(asker.system(json!({"weather": {}})), SystemResult::Err(SystemError::Unknown {}));
    for broken in [&b"not json"[..], b"[]", br#"{"wasm":{"smart":{"contract_addr":1}}}"#] {
        let answer = asker.raw(broken, 1_000).0.unwrap();
        assert!(matches!(answer, SystemResult::Err(SystemError::InvalidRequest { .. })), "{answer:?}");
    }
}

#[test]
fn accepted_protobuf_queries_are_answered_and_charged() {
    let asker = Asker::new();
    let request = json!({"grpc": {"path": "/test/Echo", "data": "AQID"}});
    let (answer, info) = asker.raw(request.to_string().as_bytes(), 1_000);
    assert_eq!(answer.unwrap().unwrap().unwrap().as_slice(), [1, 2, 3]);
    assert_eq!(info.externally_used, 500 * MULTIPLIER);
    assert_eq!(asker.ask(json!({"stargate": {"path": "/test/Echo", "data": ""}})), json!({}));
}

#[test]
fn a_query_has_its_own_limit_and_costs_even_when_it_fails() {
    let mut asker = Asker::new();
    let code = asker.host.store(&artifacts::of_crate("hackatom.wasm"));
    let init = json!({"verifier": person("v"), "beneficiary": person("b")});
    let contract = asker.host.instantiate(code, &init).unwrap();
    let request = json!({"wasm": {"smart": {"contract_addr": contract, "msg": BASE64.encode(r#"{"no":{}}"#)}}});
    let (answer, info) = asker.raw(request.to_string().as_bytes(), 1_000_000);
    assert!(answer.unwrap().unwrap().is_err());
    assert!(info.externally_used > 60_000 * MULTIPLIER);
    let before = asker.meter.with(|meter| meter.consumed());
    let (answer, _) = asker.raw(request.to_string().as_bytes(), 50_000);
    assert_eq!(answer, Err(BackendError::out_of_gas()));
    assert!(asker.meter.with(|meter| meter.consumed()) > before + 50_000);
}

#[test]
fn ranges_of_raw_state_are_read_in_both_orders_with_a_key_to_go_on() {
    let mut asker = Asker::new();
    let code = asker.host.store(&artifacts::of_module("queue.wasm"));
    let contract = asker.host.instantiate(code, &json!({})).unwrap();
    for value in 0..4 {
        asker.host.execute(&person("a"), &contract, &json!({"enqueue": {"value": value}}), &[]).unwrap();
    }
    let key = |key: u32| BASE64.encode(key.to_be_bytes());
    let range = |start: Option<u32>, end: Option<u32>, limit: u16, order: &str| {
        let answer = asker.ask(json!({"wasm": {"raw_range": {
            "contract_addr": contract, "start": start.map(key), "end": end.map(key), "limit": limit, "order": order,
        }}}));
        let keys: Vec<Value> = answer["data"].as_array().unwrap().iter().map(|entry| entry[0].clone()).collect();
        (keys, answer["next_key"].clone())
    };
    let keys = |keys: &[u32]| keys.iter().map(|each| json!(key(*each))).collect::<Vec<_>>();
    assert_eq!(range(None, None, 10, "ascending"), (keys(&[0, 1, 2, 3]), Value::Null));
    assert_eq!(range(None, None, 4, "ascending"), (keys(&[0, 1, 2, 3]), Value::Null));
    assert_eq!(range(None, None, 3, "ascending"), (keys(&[0, 1, 2]), json!(key(3))));
    assert_eq!(range(Some(1), Some(3), 10, "ascending"), (keys(&[1, 2]), Value::Null));
    assert_eq!(range(Some(1), Some(3), 1, "descending"), (keys(&[2]), json!(key(1))));
    assert_eq!(range(None, None, 0, "descending"), (vec![], json!(key(3))));
}

#[test]
fn an_answer_of_a_contract_that_is_no_json_is_the_vms_error() {
    let mut asker = Asker::new();
    let code = asker.host.store(&Scripted::new().raw("query", "rubbish").wasm());
    let contract = asker.host.instantiate(code, &json!({})).unwrap();
    let request = json!({"wasm": {"smart": {"contract_addr": contract, "msg": "e30="}}});
    assert_eq!(asker.refusal(request), "codespace: wasm, code: 29");
}
