//! queue: numbers in a contract's state, walked through with iterators.

use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{QueryAllContractStateRequest, QueryAllContractStateResponse};
use serde_json::json;

use super::artifacts;
use super::host::{person, Host};

fn queue(count: i32) -> (Host, String) {
    let mut host = Host::new();
    let code = host.store(&artifacts::of_module("queue.wasm"));
    let contract = host.instantiate(code, &json!({})).unwrap();
    for value in 0..count {
        host.execute(&person("a"), &contract, &json!({"enqueue": {"value": value}}), &[]).unwrap();
    }
    (host, contract)
}

#[test]
fn iterators_go_up_and_down() {
    let (mut host, contract) = queue(8);
    assert_eq!(host.smart(&contract, &json!({"count": {}})).unwrap(), json!({"count": 8}));
    assert_eq!(host.smart(&contract, &json!({"sum": {}})).unwrap(), json!({"sum": 28}));
    let list = host.smart(&contract, &json!({"list": {}})).unwrap();
    assert_eq!(list["early"].as_array().unwrap().len(), 8);
    host.execute(&person("a"), &contract, &json!({"dequeue": {}}), &[]).unwrap();
    assert_eq!(host.smart(&contract, &json!({"sum": {}})).unwrap(), json!({"sum": 28}));
    assert_eq!(host.smart(&contract, &json!({"count": {}})).unwrap(), json!({"count": 7}));
    // The reducer walks with two iterators at once, one of them from the top.
    let reducer = host.smart(&contract, &json!({"reducer": {}})).unwrap();
    assert_eq!(reducer["counters"].as_array().unwrap().len(), 7);
}

#[test]
fn a_query_opens_at_most_32768_iterators() {
    let (host, contract) = queue(1);
    assert!(host.smart(&contract, &json!({"open_iterators": {"count": 1_000}})).is_ok());
    let error = host.smart(&contract, &json!({"open_iterators": {"count": 40_000}})).unwrap_err();
    assert!(["wasm", "sdk"].contains(&error.codespace), "{}", error.log);
}

#[test]
fn clients_page_through_the_state_both_ways() {
    let (host, contract) = queue(5);
    let page = |request: PageRequest| {
        let request = QueryAllContractStateRequest { address: contract.clone(), pagination: Some(request) };
        host.query::<QueryAllContractStateResponse>("AllContractState", &request).unwrap()
    };
    let first = page(PageRequest { limit: 2, ..PageRequest::default() });
    assert_eq!(first.models.len(), 2);
    assert_eq!(first.models[0].key, 0u32.to_be_bytes());
    let key = first.pagination.unwrap().next_key;
    assert_eq!(key, 2u32.to_be_bytes());
    let rest = page(PageRequest { key, ..PageRequest::default() });
    assert_eq!(rest.models.len(), 3);
    assert!(rest.pagination.unwrap().next_key.is_empty());
    let last = page(PageRequest { limit: 1, reverse: true, ..PageRequest::default() });
    assert_eq!(last.models[0].key, 4u32.to_be_bytes());
}
