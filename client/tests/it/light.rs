//! The light client: what it follows, what it keeps, and what it does not believe.

use std::sync::Arc;

use base64::Engine;
use bauta_client::chain::ChainError;
use bauta_client::light::{Clock, LightClient, LightConfig, LightError, Trust};
use proptest::prelude::*;
use serde_json::{json, Value};

use crate::headers::Validator;
use crate::ledger::Ledger;
use crate::mock::{commit_json, MockNode};
use crate::tree::State;

const KEY: &[u8] = b"params";

fn node() -> MockNode<Ledger> {
    let node = MockNode::new(Ledger::new());
    (0..9).for_each(|_| node.make_block());
    node
}

fn client(node: &MockNode<Ledger>, config: LightConfig) -> LightClient {
    LightClient::new(Arc::new(node.clone()), "bauta-1", config)
}

fn in_memory(node: &MockNode<Ledger>) -> LightClient {
    client(node, LightConfig::in_memory(Clock::Chain))
}

fn lie(node: &MockNode<Ledger>, lie: impl FnMut(&str, &Value, Value) -> Value + Send + 'static) {
    node.lock().rpc_lie = Some(Box::new(lie));
}

fn light(error: ChainError) -> LightError {
    match error {
        ChainError::Light(error) => error,
        other => panic!("{other}"),
    }
}

/// What a lie about a height leads to after honest blocks were followed.
async fn caught(told: impl FnMut(&str, &Value, Value) -> Value + Send + 'static) -> LightError {
    let node = node();
    let client = in_memory(&node);
    client.read("training", KEY).await.unwrap();
    (0..3).for_each(|_| node.make_block());
    lie(&node, told);
    light(client.read("training", KEY).await.unwrap_err())
}

#[tokio::test]
async fn values_and_absences_are_read_as_the_block_before_the_last_left_them() {
    let node = node();
    let client = in_memory(&node);
    let proven = client.read("training", KEY).await.unwrap();
    assert_eq!(proven.height, 9);
    assert_eq!(proven.value.as_deref(), node.lock().states[&9].get(KEY).map(Vec::as_slice));
    assert!(proven.value.is_some());
    for n in 0..40_u8 {
        assert_eq!(client.read("training", &[9, n]).await.unwrap().value, None);
    }
}

#[tokio::test]
async fn what_was_proven_against_a_header_is_not_asked_for_twice() {
    let node = node();
    let client = in_memory(&node);
    client.read("training", KEY).await.unwrap();
    lie(&node, |method, _, answer| {
        assert!(method == "status", "{method} was asked for again");
        answer
    });
    client.read("training", KEY).await.unwrap();
}

#[tokio::test]
async fn trust_on_first_use_is_kept_on_disk_and_goes_on_there() {
    let node = node();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("light/bauta-1.json");
    let config = || LightConfig { clock: Clock::Chain, ..LightConfig::new(&file) };
    let first = client(&node, config()).follow().await.unwrap();
    assert!(first.first_use);
    assert_eq!(first.anchor.height, 10);
    node.make_block();
    let next = client(&node, config()).follow().await.unwrap();
    assert!(!next.first_use);
    assert_eq!((next.anchor, next.last.height), (first.anchor, 11));
    // Another chain of the same name: its validators are not those that were trusted.
    node.lock().validator = Validator::new(9);
    (0..5).for_each(|_| node.make_block());
    let error = light(client(&node, config()).follow().await.unwrap_err());
    assert!(matches!(error, LightError::Forged { .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_damaged_is_an_error_that_names_it_unless_a_block_is_named() {
    let node = node();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("bauta-1.json");
    std::fs::write(&file, "{}").unwrap();
    let config = LightConfig { clock: Clock::Chain, ..LightConfig::new(&file) };
    let error = light(client(&node, config.clone()).follow().await.unwrap_err());
    assert!(error.to_string().contains("bauta-1.json") && matches!(error, LightError::Damaged { .. }), "{error}");
    let trust = in_memory(&node).follow().await.unwrap().last;
    client(&node, LightConfig { trust: Some(trust), ..config }).follow().await.unwrap();
}

/// A changed file is followed to the true last block, or refused; nothing in it is more than an error.
#[test]
fn no_file_of_trust_is_more_than_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let node = node();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("bauta-1.json");
    let config = LightConfig { clock: Clock::Chain, ..LightConfig::new(&file) };
    let last = runtime.block_on(client(&node, config.clone()).follow()).unwrap().last;
    let good: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mut places = Vec::new();
    pointers(&good, "", &mut places);
    let follow = |content: &[u8]| {
        std::fs::write(&file, content).unwrap();
        match runtime.block_on(client(&node, config.clone()).follow()) {
            Ok(standing) => standing.last == last,
            Err(ChainError::Light(error)) => !error.to_string().is_empty(),
            Err(_) => false,
        }
    };
    let place = any::<prop::sample::Index>;
    let odd = prop::sample::select(vec![
        Value::Null,
        json!(-1),
        json!(u64::MAX),
        json!("18446744073709551615"),
        json!("9223372036854775807"),
        json!("0"),
        json!(""),
        json!("="),
        json!([]),
        json!([0]),
        json!({}),
    ]);
    let changes = prop::collection::vec((place(), any::<u8>(), 0..3u8), 1..4);
    proptest!(ProptestConfig::with_cases(150), |(bytes in prop::collection::vec(any::<u8>(), 0..200),
        value in (place(), odd), changes in changes)| {
        prop_assert!(follow(&bytes));
        let mut other = good.clone();
        *other.pointer_mut(value.0.get::<String>(places.as_slice())).unwrap() = value.1;
        prop_assert!(follow(other.to_string().as_bytes()), "{}", other);
        let mut text = good.to_string().into_bytes();
        for (place, byte, kind) in changes {
            let at = place.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.remove(at)),
            }
        }
        prop_assert!(follow(&text), "{}", String::from_utf8_lossy(&text));
    });
}

#[tokio::test]
async fn an_answer_over_which_its_decoder_panics_is_the_nodes_fault_and_ends_only_the_call() {
    let node = node();
    let client = in_memory(&node);
    client.follow().await.unwrap();
    node.make_block();
    lie(&node, |method, _, mut answer| {
        if method == "commit" {
            answer["signed_header"]["commit"]["signatures"][0]["signature"] = json!("=");
        }
        answer
    });
    let error = client.follow().await.unwrap_err();
    assert!(matches!(&error, ChainError::Answer { what, .. } if what == "commit"), "{error}");
    node.lock().rpc_lie = None;
    client.follow().await.unwrap();
}

/// Every value in a document, by its JSON pointer.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_string());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found)),
        Value::Array(list) => list.iter().zip(0..).for_each(|(value, n)| pointers(value, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

#[tokio::test]
async fn trust_begins_at_the_block_that_a_person_names_and_nowhere_else() {
    let node = node();
    let shown = in_memory(&node).follow().await.unwrap().last;
    let config = |trust| LightConfig { trust: Some(trust), ..LightConfig::in_memory(Clock::Chain) };
    (0..20).for_each(|_| node.make_block());
    let standing = client(&node, config(shown)).follow().await.unwrap();
    assert_eq!((standing.anchor, standing.last.height, standing.first_use), (shown, 30, false));
    let other = Trust { hash: [1; 32], ..shown };
    let error = light(client(&node, config(other)).follow().await.unwrap_err());
    assert!(matches!(error, LightError::NotTheTrusted { height: 10, .. }), "{error}");
}

#[tokio::test]
async fn a_chain_that_is_shorter_than_it_was_is_not_believed() {
    let error = caught(|method, _, mut answer| {
        if method == "status" {
            answer["sync_info"]["latest_block_height"] = json!("5");
        }
        answer
    })
    .await;
    assert!(matches!(error, LightError::Behind { shown: 5, known: 10 }), "{error}");
}

#[tokio::test]
async fn an_old_value_with_its_old_proof_is_not_believed() {
    let mut node_of_before: Option<MockNode<Ledger>> = None;
    let error = caught(move |method, params, answer| {
        if method != "abci_query" {
            return answer;
        }
        // A state that never was at this height.
        let node = node_of_before.get_or_insert_with(node);
        let mut state = State::clone(&node.lock().states[&1]);
        state.insert(KEY.to_vec(), b"old".to_vec());
        let (value, proof) = crate::tree::prove(&state, KEY);
        let value = base64::engine::general_purpose::STANDARD.encode(value);
        json!({"response": {"code": 0, "log": "", "info": "", "index": "0", "key": null, "value": value,
            "proofOps": proof, "height": params["height"], "codespace": ""}})
    })
    .await;
    assert!(matches!(error, LightError::Proof { height: 12, .. }), "{error}");
    assert!(error.to_string().contains("app hash"), "{error}");
}

#[tokio::test]
async fn a_forged_proof_or_none_is_not_believed() {
    for what in ["value", "proof", "absence", "none", "order", "key"] {
        let error = caught(move |method, params, mut answer| {
            if method != "abci_query" || params["prove"] != true {
                return answer;
            }
            let response = &mut answer["response"];
            let base64 = base64::engine::general_purpose::STANDARD;
            match what {
                "value" => response["value"] = json!(base64.encode("another")),
                "absence" => response["value"] = json!(""),
                "none" => response["proofOps"] = Value::Null,
                "order" => response["proofOps"]["ops"].as_array_mut().unwrap().reverse(),
                "key" => {
                    let mut other = State::new();
                    other.insert(b"other".to_vec(), b"other".to_vec());
                    response["proofOps"] = crate::tree::prove(&other, b"other").1;
                }
                _ => {
                    let op = &mut response["proofOps"]["ops"][0]["data"];
                    let mut bytes = base64.decode(op.as_str().unwrap()).unwrap();
                    *bytes.last_mut().unwrap() ^= 1;
                    *op = json!(base64.encode(bytes));
                }
            }
            answer
        })
        .await;
        assert!(matches!(error, LightError::Proof { .. }), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_header_of_another_chain_is_not_believed() {
    let error = caught(|method, params, answer| match method {
        "commit" => {
            let height = params["height"].as_str().unwrap().parse().unwrap();
            let validator = Validator::new(7);
            commit_json(&validator.sign(validator.header("bauta-2", height, [0; 32])))
        }
        _ => answer,
    })
    .await;
    assert!(matches!(error, LightError::OtherChain { .. }), "{error}");
}

#[tokio::test]
async fn a_forged_commit_is_not_believed() {
    for what in ["app hash", "signature", "validators", "height"] {
        let error = caught(move |method, params, mut answer| {
            let (honest, foreign) = (Validator::new(7), Validator::new(66));
            let height = |params: &Value| params["height"].as_str().unwrap().parse::<u64>().unwrap();
            match (method, what) {
                ("commit", "app hash") => {
                    answer["signed_header"]["header"]["app_hash"] = json!("00".repeat(32));
                    answer
                }
                // The header names the honest validator, whose signature is missing.
                ("commit", "signature") => {
                    let header = honest.header("bauta-1", height(params), [0; 32]);
                    let mut forged = foreign.sign(header);
                    let address = honest.info().address;
                    if let Some(tendermint::block::CommitSig::BlockIdFlagCommit { validator_address, .. }) =
                        forged.commit.signatures.first_mut()
                    {
                        *validator_address = address;
                    }
                    commit_json(&forged)
                }
                // A whole world of its own.
                ("commit", "validators") => {
                    commit_json(&foreign.sign(foreign.header("bauta-1", height(params), [0; 32])))
                }
                ("validators", "validators") => {
                    answer["validators"] = json!([foreign.info()]);
                    answer
                }
                ("commit", "height") => {
                    commit_json(&honest.sign(honest.header("bauta-1", height(params) - 1, [0; 32])))
                }
                _ => answer,
            }
        })
        .await;
        assert!(matches!(error, LightError::Forged { .. }), "{what}: {error}");
    }
}

#[tokio::test]
async fn validators_that_were_replaced_are_followed_block_by_block() {
    // Height 13 names other validators for 14; nobody of the old ones signs from there on.
    let node = node();
    let client = in_memory(&node);
    client.follow().await.unwrap();
    (0..10).for_each(|_| node.make_block());
    lie(&node, |method, params, mut answer| {
        let height: u64 = params["height"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
        let (old, new) = (Validator::new(7), Validator::new(8));
        match method {
            "commit" => {
                let signer = if height < 14 { &old } else { &new };
                let mut header = signer.header("bauta-1", height, [5; 32]);
                if height == 13 {
                    header.next_validators_hash = new.header("bauta-1", 14, [5; 32]).validators_hash;
                }
                commit_json(&signer.sign(header))
            }
            "validators" => {
                answer["validators"] = json!([if height < 14 { old.info() } else { new.info() }]);
                answer
            }
            _ => answer,
        }
    });
    assert_eq!(client.follow().await.unwrap().last.height, 20);
}

#[tokio::test]
async fn headers_that_are_old_by_this_machines_clock_are_not_believed() {
    // The blocks of the mocked chain are of January 2026.
    let node = node();
    let config = || LightConfig::in_memory(Clock::Machine);
    let client_now = client(&node, config());
    let error = light(client_now.read("training", KEY).await.unwrap_err());
    assert!(matches!(error, LightError::Stale { height: 10, .. }) && error.is_transient(), "{error}");
    node.make_block();
    let error = light(client_now.follow().await.unwrap_err());
    assert!(matches!(error, LightError::Expired { height: 10, days: 14, .. }), "{error}");
}
