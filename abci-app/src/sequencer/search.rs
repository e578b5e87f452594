//! `tx_search`: transactions by what their events say.

use std::str::FromStr as _;

use serde_json::Value;
use tendermint_proto::v0_38::abci::{Event, ExecTxResult};
use tendermint_rpc::endpoint::tx_search::{Request, Response};
use tendermint_rpc::query::{Condition, Operand, Operation, Query};
use tendermint_rpc::Order;

use super::mempool::hash_of;
use super::rpc::{Answer, RpcError};
use super::{lock, Shared};

/// The longest page (CometBFT rpc/core/pipe.go).
const MAX_PER_PAGE: usize = 100;

impl Shared {
    pub(super) fn tx_search(&self, params: &Value) -> Answer {
        let request: Request = serde_json::from_value(params.clone()).map_err(|error| RpcError {
            code: -32602,
            message: "Invalid params",
            data: error.to_string(),
        })?;
        let query = Query::from_str(&request.query).map_err(|error| RpcError {
            code: -32602,
            message: "Invalid params",
            data: error.to_string(),
        })?;
        let chain = lock(&self.chain);
        let mut found: Vec<[u8; 32]> = Vec::new();
        for (height, made) in &chain.blocks {
            let Some(body) = &made.body else { continue };
            for (tx, result) in body.txs.iter().zip(&body.results.tx_results) {
                let hash = hash_of(tx);
                if query.conditions.iter().all(|condition| matches(condition, *height, &hash, result)) {
                    found.push(hash);
                }
            }
        }
        if request.order_by == Order::Descending {
            found.reverse();
        }
        let per_page = match usize::from(request.per_page) {
            0 => 30,
            per_page => per_page.min(MAX_PER_PAGE),
        };
        let skip = (request.page.max(1) as usize - 1).saturating_mul(per_page);
        let total_count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let mut txs = Vec::new();
        for hash in found.into_iter().skip(skip).take(per_page) {
            txs.extend(chain.response_of(&hash)?);
        }
        serde_json::to_value(Response { txs, total_count }).map_err(|error| RpcError::internal(error.to_string()))
    }
}

fn matches(condition: &Condition, height: u64, hash: &[u8; 32], result: &ExecTxResult) -> bool {
    match condition.key.as_str() {
        "tx.hash" => holds(&condition.operation, &hex::encode_upper(hash)),
        "tx.height" => holds(&condition.operation, &height.to_string()),
        key => values(&result.events, key).any(|value| holds(&condition.operation, value)),
    }
}

/// The values of `kind.attribute`. A kind may itself have dots in it, an attribute has none.
fn values<'a>(events: &'a [Event], key: &'a str) -> impl Iterator<Item = &'a str> {
    let (kind, name) = key.rsplit_once('.').unwrap_or((key, ""));
    events
        .iter()
        .filter(move |event| event.r#type == kind)
        .flat_map(|event| &event.attributes)
        .filter(move |attribute| attribute.key == name)
        .map(|attribute| attribute.value.as_str())
}

fn holds(operation: &Operation, value: &str) -> bool {
    match operation {
        Operation::Eq(Operand::String(text)) => value == text || value.eq_ignore_ascii_case(text) && is_hash(text),
        Operation::Eq(operand) => compare(value, operand).is_some_and(std::cmp::Ordering::is_eq),
        Operation::Lt(operand) => compare(value, operand).is_some_and(std::cmp::Ordering::is_lt),
        Operation::Lte(operand) => compare(value, operand).is_some_and(std::cmp::Ordering::is_le),
        Operation::Gt(operand) => compare(value, operand).is_some_and(std::cmp::Ordering::is_gt),
        Operation::Gte(operand) => compare(value, operand).is_some_and(std::cmp::Ordering::is_ge),
        Operation::Contains(text) => value.contains(text.as_str()),
        Operation::Exists => true,
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn compare(value: &str, operand: &Operand) -> Option<std::cmp::Ordering> {
    let value: i128 = value.parse().ok()?;
    match operand {
        Operand::Signed(number) => Some(value.cmp(&i128::from(*number))),
        Operand::Unsigned(number) => Some(value.cmp(&i128::from(*number))),
        Operand::String(text) => Some(value.cmp(&text.parse().ok()?)),
        // Fractions and dates are in no event of this chain.
        _ => None,
    }
}
