//! What contracts are told, as JSON: the environment, who calls, and what became of a sub-message.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::Any;
use serde::Serialize;

use crate::context::{BlockInfo, TxInfo};
use crate::error::{Error, Result};
use crate::events::Event;

#[derive(Serialize)]
struct Env<'a> {
    block: Block<'a>,
    transaction: Option<Transaction>,
    contract: Contract<'a>,
}

#[derive(Serialize)]
struct Block<'a> {
    height: u64,
    time: String,
    chain_id: &'a str,
}

#[derive(Serialize)]
struct Transaction {
    index: u32,
    hash: String,
}

#[derive(Serialize)]
struct Contract<'a> {
    address: &'a str,
}

#[derive(Serialize)]
struct Info<'a> {
    sender: &'a str,
    funds: Vec<Fund<'a>>,
}

#[derive(Serialize)]
struct Fund<'a> {
    denom: &'a str,
    amount: &'a str,
}

/// The environment of `contract`: block, transaction if there is one, address.
pub(super) fn env(block: &BlockInfo, tx: Option<&TxInfo>, contract: &str) -> Result<Vec<u8>> {
    json(&Env {
        block: Block { height: block.height, time: block.time_ns.to_string(), chain_id: &block.chain_id },
        transaction: tx.map(|tx| Transaction { index: tx.index, hash: BASE64.encode(tx.hash) }),
        contract: Contract { address: contract },
    })
}

/// Who calls and what coins came along.
pub(super) fn info(sender: &str, funds: &[Coin]) -> Result<Vec<u8>> {
    let funds = funds.iter().map(|coin| Fund { denom: &coin.denom, amount: &coin.amount }).collect();
    json(&Info { sender, funds })
}

#[derive(Serialize)]
struct MigrateInfo<'a> {
    sender: &'a str,
    old_migrate_version: Option<u64>,
}

/// Who migrates, and from which version of the state.
pub(super) fn migrate_info(sender: &str, old_migrate_version: Option<u64>) -> Result<Vec<u8>> {
    json(&MigrateInfo { sender, old_migrate_version })
}

/// What became of a sub-message.
pub(super) enum Outcome {
    /// It succeeded.
    Ok {
        /// The events that the contract may see.
        events: Vec<Event>,
        /// The first response's bytes.
        data: Option<Vec<u8>>,
        /// All responses.
        responses: Vec<Any>,
    },
    /// It failed: as much as the contract may know.
    Err(String),
}

#[derive(Serialize)]
struct Reply {
    gas_used: u64,
    id: u64,
    result: ReplyResult,
    #[serde(skip_serializing_if = "String::is_empty")]
    payload: String,
}

#[derive(Serialize)]
enum ReplyResult {
    #[serde(rename = "ok")]
    Ok { events: Vec<ReplyEvent>, data: Option<String>, msg_responses: Vec<Response> },
    #[serde(rename = "error")]
    Err(String),
}

#[derive(Serialize)]
struct ReplyEvent {
    #[serde(rename = "type")]
    kind: String,
    attributes: Vec<ReplyAttribute>,
}

#[derive(Serialize)]
struct ReplyAttribute {
    key: String,
    value: String,
}

#[derive(Serialize)]
struct Response {
    type_url: String,
    value: String,
}

/// The reply to a contract about its sub-message `id`.
pub(super) fn reply(id: u64, outcome: Outcome, payload: &[u8]) -> Result<Vec<u8>> {
    let result = match outcome {
        Outcome::Ok { events, data, responses } => ReplyResult::Ok {
            events: events.into_iter().map(ReplyEvent::from).collect(),
            data: data.filter(|data| !data.is_empty()).map(|data| BASE64.encode(data)),
            msg_responses: responses
                .into_iter()
                .map(|any| Response { type_url: any.type_url, value: BASE64.encode(any.value) })
                .collect(),
        },
        Outcome::Err(error) => ReplyResult::Err(error),
    };
    json(&Reply { gas_used: 0, id, result, payload: BASE64.encode(payload) })
}

impl From<Event> for ReplyEvent {
    fn from(event: Event) -> Self {
        let attributes = event.attributes.into_iter().map(|(key, value)| ReplyAttribute { key, value }).collect();
        Self { kind: event.kind, attributes }
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::logic(format!("what a contract is told has no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: Result<Vec<u8>>) -> String {
        String::from_utf8(json.unwrap()).unwrap()
    }

    #[test]
    fn the_environment_names_block_transaction_and_contract() {
        let block = BlockInfo { chain_id: "bauta-1".into(), height: 7, time_ns: 1_600_000_000_000_000_001 };
        let tx = TxInfo { hash: [0; 32], index: 3 };
        assert_eq!(
            text(env(&block, Some(&tx), "bauta1x")),
            concat!(
                r#"{"block":{"height":7,"time":"1600000000000000001","chain_id":"bauta-1"},"transaction":{"index":3,"#,
                r#""hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},"contract":{"address":"bauta1x"}}"#
            )
        );
        assert!(text(env(&block, None, "bauta1x")).contains(r#""transaction":null"#));
    }

    #[test]
    fn a_reply_is_what_cosmwasm_std_reads() {
        let ok = Outcome::Ok {
            events: vec![Event::new("wasm").with("a", "b")],
            data: Some(vec![1]),
            responses: vec![Any { type_url: "/x".into(), value: vec![2] }],
        };
        let read: cosmwasm_std::Reply = cosmwasm_std::from_json(reply(9, ok, b"p").unwrap()).unwrap();
        assert_eq!((read.id, read.payload.as_slice()), (9, &b"p"[..]));
        let inner = read.result.into_result().unwrap();
        assert_eq!(inner.events[0].ty, "wasm");
        assert_eq!(inner.msg_responses[0].type_url, "/x");
        let error: cosmwasm_std::Reply =
            cosmwasm_std::from_json(reply(9, Outcome::Err("no".into()), b"").unwrap()).unwrap();
        assert_eq!(error.result.into_result(), Err("no".to_string()));
    }
}
