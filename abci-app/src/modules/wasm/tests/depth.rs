//! How deep contracts may call and query each other.

use serde_json::json;

use super::artifacts;
use super::host::{address, person, Host, PLENTY, PREFIX};
use super::scripted::Scripted;
use crate::modules::wasm::{addresses, errors, messages, MAX_CALL_DEPTH, MAX_QUERY_DEPTH};

fn call(contract: &str) -> serde_json::Value {
    let execute = json!({"contract_addr": contract, "msg": "e30=", "funds": []});
    json!({"id": 1, "msg": {"wasm": {"execute": execute}}, "reply_on": "never"})
}

#[test]
fn a_contract_that_calls_itself_for_ever_is_stopped_at_a_hundred() {
    let mut host = Host::new();
    let own = addresses::format(PREFIX, &addresses::classic(1, 1)).unwrap();
    let code = host.store(&Scripted::new().ok("execute", json!({"messages": [call(&own)]})).wasm());
    assert_eq!(host.instantiate(code, &json!({})).unwrap(), own);
    let before = host.state();
    let error = host.execute(&person("a"), &own, &json!({}), &[]).unwrap_err();
    assert_eq!((error.codespace, error.code), ("wasm", errors::MAX_CALL_DEPTH.code));
    assert_eq!(host.state(), before);
}

#[test]
fn the_hundredth_level_still_runs() {
    let mut host = Host::new();
    let inner = host.store(&Scripted::new().wasm());
    let inner = host.instantiate(inner, &json!({})).unwrap();
    let outer = host.store(&Scripted::new().ok("execute", json!({"messages": [call(&inner)]})).wasm());
    let outer = host.instantiate(outer, &json!({})).unwrap();
    for (levels_above, runs) in [(MAX_CALL_DEPTH - 2, true), (MAX_CALL_DEPTH - 1, false)] {
        let mut ctx = host.context(PLENTY);
        ctx.calls.messages = levels_above;
        let message = cosmos_sdk_proto::cosmwasm::wasm::v1::MsgExecuteContract {
            sender: person("a"),
            contract: outer.clone(),
            msg: b"{}".to_vec(),
            funds: vec![],
        };
        let keeper = host.keeper.clone();
        assert_eq!(messages::execute(&keeper, &mut ctx, &message).is_ok(), runs);
        assert_eq!(ctx.calls.messages, levels_above);
    }
}

#[test]
fn contracts_query_each_other_ten_deep() {
    let mut host = Host::new();
    let code = host.store(&artifacts::of_crate("hackatom.wasm"));
    let contract = host.instantiate(code, &json!({"verifier": person("v"), "beneficiary": person("b")})).unwrap();
    let recurse = |depth: u32| host.smart(&contract, &json!({"recurse": {"depth": depth, "work": 1}}));
    assert!(recurse(MAX_QUERY_DEPTH - 1).is_ok());
    let error = recurse(MAX_QUERY_DEPTH).unwrap_err();
    assert!(error.log.contains("codespace: wasm, code: 27"), "{}", error.log);

    let mut ctx = host.query_context();
    ctx.calls.queries = MAX_QUERY_DEPTH;
    let error = host.keeper.query_smart(&mut ctx, &address(&contract), br#"{"verifier":{}}"#).unwrap_err();
    assert_eq!(error.code, errors::MAX_QUERY_STACK.code);
}
