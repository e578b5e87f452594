//! replier: a contract that calls itself as a tree of messages and records in what order it ran.

use cosmos_sdk_proto::cosmwasm::wasm::v1::MsgExecuteContractResponse;
use prost::Message;
use serde_json::{json, Value};

use super::artifacts;
use super::host::{person, Host};

fn call(id: u8, messages: Vec<Value>) -> Value {
    json!({
        "msg_id": id,
        "set_data_in_exec_and_reply": true,
        "return_order_in_reply": false,
        "exec_error": false,
        "reply_error": false,
        "reply_on_never": false,
        "messages": messages,
    })
}

/// 1 calls 2, which calls 3, and then 4, which calls 5.
fn tree() -> Value {
    call(1, vec![call(2, vec![call(3, vec![])]), call(4, vec![call(5, vec![])])])
}

fn answers(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut host = Host::new();
    let code = host.store(&artifacts::of_module("replier.wasm"));
    let contract = host.instantiate(code, &json!({})).unwrap();
    let mut tree = tree();
    change(&mut tree);
    let done = host.execute(&person("a"), &contract, &tree, &[]).unwrap();
    MsgExecuteContractResponse::decode(done.response.value.as_slice()).unwrap().data
}

// The expected answers are wasmd's (x/wasm/keeper/keeper_test.go, repliesTestScenarios): ee n is an execution of n, bb n a
// reply to n.

#[test]
fn messages_run_depth_first() {
    let order = answers(|tree| tree["return_order_in_reply"] = true.into());
    assert_eq!(hex::encode(order), "ee01ee02ee03bb02bb01ee04ee05bb04bb01");
}

#[test]
fn the_last_reply_sets_the_data() {
    assert_eq!(hex::encode(answers(|_| ())), "0a060a02ee05bb04bb01");
}

#[test]
fn a_message_without_a_reply_leaves_the_data_alone() {
    let data = answers(|tree| tree["messages"][1]["reply_on_never"] = true.into());
    assert_eq!(hex::encode(data), "0a060a02ee03bb02bb01");
}

#[test]
fn data_of_a_message_within_a_message_is_not_passed_on() {
    let data = answers(|tree| tree["messages"][1]["set_data_in_exec_and_reply"] = false.into());
    assert_eq!(hex::encode(data), "bb01");
}

#[test]
fn a_failed_execution_is_undone_and_replied_to() {
    let order = answers(|tree| {
        tree["messages"][0]["messages"][0]["exec_error"] = true.into();
        tree["return_order_in_reply"] = true.into();
    });
    assert_eq!(hex::encode(order), "ee01ee02bb02bb01ee04ee05bb04bb01");
}

#[test]
fn a_failed_reply_undoes_its_whole_branch() {
    let order = answers(|tree| {
        tree["messages"][0]["reply_error"] = true.into();
        tree["return_order_in_reply"] = true.into();
    });
    assert_eq!(hex::encode(order), "ee01bb01ee04ee05bb04bb01");
}
