//! `bauta.training.v1.Query`.

use bauta_rounds::{estimate, query, state};
use bauta_schema::training::v1 as proto;
use prost::Message as _;

use super::errors;
use super::store::{BlobColumn, Records};
use crate::address::Address;
use crate::context::QueryContext;
use crate::error::{grpc, Result};
use crate::modules::pages::malformed;

const SERVICE: &str = "/bauta.training.v1.Query/";
/// Gas of a byte of an answer, as of a byte read from the store.
const BYTE: u64 = crate::gas::kv::READ_BYTE;
/// Bytes of a blob for a unit of gas: every provider reads the model in every round, and a part of it must stay far below a node's
/// `query_gas`.
const BLOB_BYTES: u64 = 64;

/// Answers a query of this module; `None` if the path is another's.
pub fn query(ctx: &mut QueryContext, path: &str, data: &[u8]) -> Option<Result<Vec<u8>>> {
    let method = path.strip_prefix(SERVICE)?;
    let answer = answer(ctx, method, data);
    Some(answer.and_then(|bytes| {
        let gas = match method {
            "Model" | "Aggregate" => (bytes.len() as u64).div_ceil(BLOB_BYTES),
            _ => BYTE.saturating_mul(bytes.len() as u64),
        };
        ctx.gas.consume(gas, "training query")?;
        Ok(bytes)
    }))
}

fn answer(ctx: &QueryContext, method: &str, data: &[u8]) -> Result<Vec<u8>> {
    let records = Records(ctx.view.clone());
    let blobs = BlobColumn(ctx.view.clone());
    match method {
        "Params" => answered(query::params(&records)),
        "Task" => {
            let request = proto::QueryTaskRequest::decode(data).map_err(malformed)?;
            answered(query::task(&records, request.task_id))
        }
        "Tasks" => {
            let request = proto::QueryTasksRequest::decode(data).map_err(malformed)?;
            answered(query::tasks(&records, &request))
        }
        "Epoch" => {
            let request = proto::QueryEpochRequest::decode(data).map_err(malformed)?;
            answered(query::epoch(&records, request.task_id, request.epoch))
        }
        "Deals" => {
            let request = proto::QueryDealsRequest::decode(data).map_err(malformed)?;
            let (dealer, after) = (optional(ctx, &request.dealer)?, optional(ctx, &request.start_after)?);
            answered(query::deals(&records, request.task_id, request.epoch, &dealer, &after, request.limit))
        }
        "Round" => {
            let request = proto::QueryRoundRequest::decode(data).map_err(malformed)?;
            answered(query::round(&records, request.task_id, request.round))
        }
        "Model" => {
            let request = proto::QueryModelRequest::decode(data).map_err(malformed)?;
            answered(query::model(&records, &blobs, &request))
        }
        "TestSet" => {
            let request = proto::QueryTestSetRequest::decode(data).map_err(malformed)?;
            answered(query::test_set(&records, &blobs, &request))
        }
        "Aggregate" => {
            let request = proto::QueryAggregateRequest::decode(data).map_err(malformed)?;
            answered(query::aggregate(&records, &blobs, &request))
        }
        "Verdicts" => {
            let request = proto::QueryVerdictsRequest::decode(data).map_err(malformed)?;
            let provider = optional(ctx, &request.provider)?;
            answered(query::verdicts(&records, request.task_id, &provider, request.limit))
        }
        "Rewards" => {
            let request = proto::QueryRewardsRequest::decode(data).map_err(malformed)?;
            answered(query::rewards(&records, address(ctx, &request.address)?.as_bytes()))
        }
        "Estimate" => {
            let request = proto::QueryEstimateRequest::decode(data).map_err(malformed)?;
            let params = state::params(&records).map_err(|error| errors::of_query(&error))?;
            Ok(estimate(&params, &request).encode_to_vec())
        }
        method => Err(grpc::unimplemented(format!("unknown method {method} for service bauta.training.v1.Query"))),
    }
}

fn answered<M: prost::Message>(answer: std::result::Result<M, bauta_rounds::Error>) -> Result<Vec<u8>> {
    answer.map(|answer| answer.encode_to_vec()).map_err(|error| errors::of_query(&error))
}

fn address(ctx: &QueryContext, text: &str) -> Result<Address> {
    Address::parse(text, &ctx.prefix).map_err(|error| grpc::invalid_argument(format!("invalid address: {}", error.log)))
}

fn optional(ctx: &QueryContext, text: &str) -> Result<Vec<u8>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    Ok(address(ctx, text)?.as_bytes().to_vec())
}
