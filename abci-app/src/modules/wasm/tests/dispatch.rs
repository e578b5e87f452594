//! Sub-messages and replies: reflect sends what it is told and keeps the replies; scripted contracts are what it sends to.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmwasm::wasm::v1::MsgExecuteContractResponse;
use prost::Message;
use serde_json::{json, Value};

use super::artifacts;
use super::host::{coin, of_kind, person, Done, Host, PLENTY};
use super::scripted::Scripted;
use crate::error::Result;
use crate::gas::Gas;
use crate::modules::wasm::errors;

struct Stage {
    host: Host,
    reflect: String,
    /// Answers with attributes, an event and data.
    good: String,
    /// Answers an error.
    bad: String,
}

fn stage() -> Stage {
    let mut host = Host::new();
    let code = host.store(&artifacts::of_module("reflect_2_0.wasm"));
    let reflect = host.instantiate(code, &json!({})).unwrap();
    let good = Scripted::new().ok(
        "execute",
        json!({
            "messages": [],
            "attributes": [{"key": "zebra", "value": "1"}, {"key": "Ape", "value": "2"}],
            "events": [{"type": "cage", "attributes": [{"key": "b", "value": "x"}, {"key": "a", "value": "y"}]}],
            "data": "AQID",
        }),
    );
    let bad = Scripted::new().error("execute", "deliberate");
    let good = deploy(&mut host, &good);
    let bad = deploy(&mut host, &bad);
    host.mint(&reflect, 100, "ubauta");
    Stage { host, reflect, good, bad }
}

fn deploy(host: &mut Host, contract: &Scripted) -> String {
    let code = host.store(&contract.wasm());
    host.instantiate(code, &json!({})).unwrap()
}

fn call(contract: &str) -> Value {
    json!({"wasm": {"execute": {"contract_addr": contract, "msg": "e30=", "funds": []}}})
}

fn sub(id: u64, msg: Value, reply_on: &str) -> Value {
    json!({"id": id, "msg": msg, "gas_limit": null, "reply_on": reply_on})
}

impl Stage {
    fn send(&mut self, sub_messages: &[Value], gas: Gas) -> Result<Done> {
        let msg = json!({"reflect_sub_msg": {"msgs": sub_messages}});
        let reflect = self.reflect.clone();
        self.host.execute_with_gas(&person("creator"), &reflect, &msg, &[], gas)
    }

    fn reply(&self, id: u64) -> Option<Value> {
        self.host.smart(&self.reflect, &json!({"sub_msg_result": {"id": id}})).ok()
    }
}

#[test]
fn a_reply_comes_when_it_was_asked_for() {
    for (reply_on, good, sent, replied) in [
        ("always", true, true, true),
        ("always", false, true, true),
        ("success", true, true, true),
        ("success", false, false, false),
        ("error", true, true, false),
        ("error", false, true, true),
        ("never", true, true, false),
        ("never", false, false, false),
    ] {
        let mut stage = stage();
        let target = if good { stage.good.clone() } else { stage.bad.clone() };
        let result = stage.send(&[sub(7, call(&target), reply_on)], PLENTY);
        let case = format!("{reply_on}, {}", if good { "success" } else { "failure" });
        assert_eq!(result.is_ok(), sent, "{case}: {result:?}");
        assert_eq!(stage.reply(7).is_some(), replied, "{case}");
        if let Err(error) = result {
            assert_eq!(error.log, "deliberate: execute wasm contract failed", "{case}");
        }
    }
}

#[test]
fn a_reply_shows_events_of_contracts_sorted_and_the_response() {
    let mut stage = stage();
    let target = stage.good.clone();
    stage.send(&[sub(7, call(&target), "success")], PLENTY).unwrap();
    let reply = stage.reply(7).unwrap();
    let attribute = |key: &str, value: &str| json!({"key": key, "value": value});
    let ok = &reply["result"]["ok"];
    assert_eq!(
        ok["events"],
        json!([
            {"type": "execute", "attributes": [attribute("_contract_address", &target)]},
            {"type": "wasm", "attributes": [
                attribute("Ape", "2"), attribute("_contract_address", &target), attribute("zebra", "1"),
            ]},
            {"type": "wasm-cage", "attributes": [
                attribute("_contract_address", &target), attribute("a", "y"), attribute("b", "x"),
            ]},
        ])
    );
    let response = MsgExecuteContractResponse { data: vec![1, 2, 3] }.encode_to_vec();
    assert_eq!(ok["data"], json!(BASE64.encode(&response)));
    let type_url = "/cosmwasm.wasm.v1.MsgExecuteContractResponse";
    assert_eq!(ok["msg_responses"], json!([{"type_url": type_url, "value": BASE64.encode(response)}]));
}

#[test]
fn a_reply_shows_no_events_of_other_modules_and_the_block_no_events_of_kind_message() {
    let mut stage = stage();
    let send = json!({"bank": {"send": {"to_address": person("b"), "amount": [{"denom": "ubauta", "amount": "5"}]}}});
    let done = stage.send(&[sub(7, send, "always")], PLENTY).unwrap();
    assert_eq!(stage.reply(7).unwrap()["result"]["ok"]["events"], json!([]));
    assert_eq!(of_kind(&done.events, "transfer").len(), 1);
    assert!(of_kind(&done.events, "message").is_empty());
    assert_eq!(stage.host.balance(&person("b"), "ubauta"), 5);
}

#[test]
fn errors_of_contracts_are_shown_and_all_others_redacted() {
    let mut stage = stage();
    // Fails inside of a message of its `instantiate`, so what is wrapped is no longer the contract's own error.
    let inner = json!({"messages": [sub(1, call(&stage.bad), "never")], "attributes": [], "events": [], "data": null});
    let nested = stage.host.store(&Scripted::new().ok("instantiate", inner).wasm());
    let bank = |verb: &str, amount: &str| {
        let amount = json!([{"denom": "ubauta", "amount": amount}]);
        match verb {
            "send" => json!({"bank": {"send": {"to_address": person("b"), "amount": amount}}}),
            _ => json!({"bank": {"burn": {"amount": amount}}}),
        }
    };
    let wasm = |name: &str, mut content: Value| {
        content["msg"] = "e30=".into();
        content["funds"] = json!([]);
        json!({"wasm": {name: content}})
    };
    let any = |type_url: &str, value: Vec<u8>| json!({"any": {"type_url": type_url, "value": BASE64.encode(value)}});
    let stolen = MsgSend { from_address: person("creator"), to_address: person("b"), amount: vec![coin(1, "ubauta")] };
    for (message, expected) in [
        (call(&stage.bad), "deliberate: execute wasm contract failed"),
        (bank("send", "101"), "codespace: sdk, code: 5"),
        (bank("send", "0"), "codespace: sdk, code: 10"),
        (bank("burn", "0"), "codespace: wasm, code: 12"),
        (bank("burn", "101"), "codespace: sdk, code: 5"),
        (call(&person("nobody")), "codespace: wasm, code: 22"),
        (call("rubbish"), "codespace: sdk, code: 7"),
        (wasm("instantiate", json!({"code_id": nested, "label": "x", "admin": null})), "codespace: wasm, code: 5"),
        (wasm("instantiate", json!({"code_id": 99, "label": "x", "admin": null})), "codespace: wasm, code: 28"),
        (wasm("instantiate", json!({"code_id": nested, "label": "", "admin": null})), "codespace: wasm, code: 12"),
        (wasm("migrate", json!({"contract_addr": stage.good, "new_code_id": 1})), "codespace: sdk, code: 4"),
        (
            json!({"staking": {"delegate": {"validator": "v", "amount": {"denom": "ubauta", "amount": "1"}}}}),
            "codespace: wasm, code: 20",
        ),
        (any("/cosmos.bank.v1beta1.MsgSend", stolen.encode_to_vec()), "codespace: sdk, code: 4"),
        (any("/cosmos.gov.v1.MsgVote", vec![]), "codespace: wasm, code: 10"),
    ] {
        let shown: String = message.to_string().chars().take(120).collect();
        stage.send(&[sub(7, message, "error")], PLENTY).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(stage.reply(7).unwrap()["result"]["error"], json!(expected), "{shown}");
    }
}

#[test]
fn protobuf_messages_run_in_the_contracts_own_name() {
    let mut stage = stage();
    let send =
        MsgSend { from_address: stage.reflect.clone(), to_address: person("b"), amount: vec![coin(4, "ubauta")] };
    let value = BASE64.encode(send.encode_to_vec());
    let message = json!({"any": {"type_url": "/cosmos.bank.v1beta1.MsgSend", "value": value}});
    stage.send(&[sub(7, message, "always")], PLENTY).unwrap();
    let ok = &stage.reply(7).unwrap()["result"]["ok"];
    assert_eq!(ok["msg_responses"][0]["type_url"], json!("/cosmos.bank.v1beta1.MsgSendResponse"));
    assert_eq!(stage.host.balance(&person("b"), "ubauta"), 4);
}

#[test]
fn a_gas_limit_ends_the_message_and_costs_what_was_allowed() {
    let mut stage = stage();
    let code = stage.host.store(&artifacts::of_crate("hackatom.wasm"));
    let init = json!({"verifier": person("v"), "beneficiary": person("b")});
    let looping = stage.host.instantiate(code, &init).unwrap();
    let message = |limit: Value, reply_on: &str| {
        let msg = BASE64.encode(json!({"cpu_loop": {}}).to_string());
        let execute = json!({"wasm": {"execute": {"contract_addr": looping, "msg": msg, "funds": []}}});
        json!({"id": 7, "msg": execute, "gas_limit": limit, "reply_on": reply_on})
    };
    stage.send(&[message(400_000.into(), "error")], 5_000_000).unwrap();
    assert!((400_000..700_000).contains(&stage.host.used), "{}", stage.host.used);
    assert_eq!(stage.reply(7).unwrap()["result"]["error"], json!("codespace: sdk, code: 11"));

    let error = stage.send(&[message(400_000.into(), "never")], 5_000_000).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 11));
    assert!((400_000..700_000).contains(&stage.host.used), "{}", stage.host.used);

    // Without a limit, or with one beyond what is left, it is the sender that runs out; nobody replies to that.
    for limit in [Value::Null, 2_000_000.into()] {
        let error = stage.send(&[message(limit, "error")], 1_000_000).unwrap_err();
        assert_eq!((error.codespace, error.code), ("sdk", 11));
        assert!(stage.host.used >= 1_000_000);
    }

    // One that is enough changes nothing but that the message has a meter of its own.
    let good = stage.good.clone();
    let enough = json!({"id": 8, "msg": call(&good), "gas_limit": 300_000, "reply_on": "success"});
    stage.send(&[enough], PLENTY).unwrap();
    let with_limit = stage.host.used;
    let mut other = self::stage();
    other.send(&[sub(8, call(&good), "success")], PLENTY).unwrap();
    assert!(with_limit.abs_diff(other.host.used) < 5_000);
}

#[test]
fn what_a_failed_message_did_is_undone_and_what_it_loaded_stays_loaded() {
    let mut stage = stage();
    let wrapper = json!({
        "messages": [
            {"id": 1, "msg": {"bank": {"burn": {"amount": [{"denom": "ubauta", "amount": "1"}]}}}, "reply_on": "never"},
            {"id": 2, "msg": call(&stage.bad), "reply_on": "never"},
        ],
        "attributes": [{"key": "a", "value": "b"}],
    });
    let wrapper = deploy(&mut stage.host, &Scripted::new().ok("execute", wrapper));
    stage.host.mint(&wrapper, 5, "ubauta");
    let done = stage.send(&[sub(7, call(&wrapper), "error")], PLENTY).unwrap();
    assert_eq!(stage.host.balance(&wrapper, "ubauta"), 5);
    assert!(of_kind(&done.events, "wasm").iter().all(|event| !event.attributes.contains(&("a".into(), "b".into()))));
    let once = stage.host.used;
    // A second try loads two codes at a discount of 58,000 each.
    stage.send(&[sub(7, call(&wrapper), "error"), sub(8, call(&wrapper), "error")], PLENTY).unwrap();
    let first_cost = once;
    let second_cost = stage.host.used - once;
    assert!(second_cost + 2 * 58_000 < first_cost, "{second_cost} after {first_cost}");
}

#[test]
fn the_data_of_a_reply_overrides_only_if_there_is_some() {
    let response = |data: Value| json!({"messages": [], "attributes": [], "events": [], "data": data});
    let mut host = Host::new();
    let target = deploy(&mut host, &Scripted::new());
    for (own, replied, expected) in [
        (json!("AQ=="), Value::Null, vec![1]),
        (json!("AQ=="), json!("Ag=="), vec![2]),
        (Value::Null, json!("Ag=="), vec![2]),
        (Value::Null, Value::Null, vec![]),
        (json!("AQ=="), json!(""), vec![]),
    ] {
        let mut execute = response(own.clone());
        execute["messages"] = json!([sub(1, call(&target), "always")]);
        let contract = Scripted::new().ok("execute", execute).ok("reply", response(replied.clone()));
        let contract = deploy(&mut host, &contract);
        let done = host.execute(&person("a"), &contract, &json!({}), &[]).unwrap();
        let data = MsgExecuteContractResponse::decode(done.response.value.as_slice()).unwrap().data;
        assert_eq!(data, expected, "{own} then {replied}");
    }
}

#[test]
fn a_payload_comes_back_in_the_reply() {
    let mut stage = stage();
    let mut message = sub(7, call(&stage.good), "always");
    message["payload"] = BASE64.encode(b"remember").into();
    stage.send(&[message], PLENTY).unwrap();
    let reply = stage.reply(7).unwrap();
    assert_eq!(reply["payload"], json!(BASE64.encode(b"remember")));
}

#[test]
fn malformed_answers_and_forbidden_events_are_errors_of_the_message() {
    let mut host = Host::new();
    let attributes = |key: &str| json!({"messages": [], "attributes": [{"key": key, "value": "x"}], "events": []});
    for (contract, code) in [
        (Scripted::new().raw("execute", "not json"), errors::VM.code),
        (Scripted::new().raw("execute", r#"{"ok":{"messages":[{"id":1}]}}"#), errors::VM.code),
        (Scripted::new().raw("execute", r#"{"error":""}"#), errors::VM.code),
        (Scripted::new().ok("execute", attributes("")), errors::INVALID_EVENT.code),
        (Scripted::new().ok("execute", attributes("_x")), errors::INVALID_EVENT.code),
        (
            Scripted::new().ok("execute", json!({"events": [{"type": "x", "attributes": []}]})),
            errors::INVALID_EVENT.code,
        ),
        (
            Scripted::new().ok("execute", json!({"messages": [sub(1, json!({"new": {}}), "never")]})),
            errors::UNKNOWN_MSG.code,
        ),
        (Scripted::new().ok("execute", json!({"messages": [sub(1, json!({}), "sometimes")]})), errors::VM.code),
    ] {
        let contract = deploy(&mut host, &contract);
        let error = host.execute(&person("a"), &contract, &json!({}), &[]).unwrap_err();
        assert_eq!((error.codespace, error.code), ("wasm", code), "{}", error.log);
    }
}

#[test]
fn a_protobuf_message_has_at_most_512_kib() {
    let mut host = Host::new();
    let answer = crate::modules::wasm::response::Message::Any {
        type_url: "/cosmos.bank.v1beta1.MsgSend".into(),
        value: cosmwasm_std::Binary::from(vec![0; 512 * 1024 + 1]),
    };
    let message = crate::modules::wasm::response::SubMessage {
        id: 1,
        message: answer,
        payload: cosmwasm_std::Binary::default(),
        gas_limit: None,
        reply_on: crate::modules::wasm::response::ReplyOn::Never,
    };
    let keeper = host.keeper.clone();
    let error = keeper.dispatch(&mut host.context(PLENTY), &[1; 32], vec![message]).unwrap_err();
    assert_eq!((error.codespace, error.code), ("wasm", errors::LIMIT.code));
}

#[test]
fn stargate_is_the_old_name_of_any() {
    let mut host = Host::new();
    let sent = MsgSend {
        from_address: crate::modules::wasm::addresses::format("bauta", &crate::modules::wasm::addresses::classic(1, 1))
            .unwrap(),
        to_address: person("b"),
        amount: vec![coin(4, "ubauta")],
    };
    let value = BASE64.encode(sent.encode_to_vec());
    let message = json!({"stargate": {"type_url": "/cosmos.bank.v1beta1.MsgSend", "value": value}});
    let contract = deploy(&mut host, &Scripted::new().ok("execute", json!({"messages": [sub(1, message, "never")]})));
    host.mint(&contract, 5, "ubauta");
    host.execute(&person("a"), &contract, &json!({}), &[]).unwrap();
    assert_eq!(host.balance(&person("b"), "ubauta"), 4);
}
