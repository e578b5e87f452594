//! The methods of CometBFT's RPC.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{json, Value};
use tendermint::abci::types::ExecTxResult;
use tendermint::block::signed_header::SignedHeader;
use tendermint_proto::v0_38::abci::{request, response, RequestInfo, RequestQuery, ResponseCheckTx};
use tendermint_rpc::endpoint;

use super::chain::{height, Chain};
use super::mempool::{hash_of, Refused};
use super::{lock, EngineError, Shared};

/// An error of JSON-RPC.
#[derive(Debug, Clone)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: &'static str,
    pub(super) data: String,
}

impl RpcError {
    pub(super) fn parse(data: &str) -> Self {
        Self { code: -32700, message: "Parse error. Invalid JSON", data: data.into() }
    }

    fn params(data: impl Into<String>) -> Self {
        Self { code: -32602, message: "Invalid params", data: data.into() }
    }

    pub(super) fn internal(data: impl Into<String>) -> Self {
        Self { code: -32603, message: "Internal error", data: data.into() }
    }
}

impl From<EngineError> for RpcError {
    fn from(error: EngineError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<tendermint::Error> for RpcError {
    fn from(error: tendermint::Error) -> Self {
        Self::internal(error.to_string())
    }
}

pub(super) type Answer = Result<Value, RpcError>;

fn read<T: DeserializeOwned>(params: &Value) -> Result<T, RpcError> {
    // Requests without parameters are `null` on the wire of this crate, and `{}` on others'.
    serde_json::from_value(params.clone()).map_err(|error| RpcError::params(error.to_string()))
}

fn write<T: Serialize>(answer: &T) -> Answer {
    serde_json::to_value(answer).map_err(|error| RpcError::internal(error.to_string()))
}

impl Shared {
    /// Answers a method.
    pub(super) fn answer(&self, method: &str, params: &Value) -> Answer {
        match method {
            "health" => Ok(json!({})),
            "status" => self.status(),
            "abci_info" => self.abci_info(),
            "abci_query" => self.abci_query(params),
            "broadcast_tx_sync" => self.broadcast_sync(params),
            "broadcast_tx_async" => self.broadcast_async(params),
            "tx" => self.tx(params),
            "tx_search" => self.tx_search(params),
            "block" => self.block(params),
            "block_by_hash" => self.block_by_hash(params),
            "block_results" => self.block_results(params),
            "header" => self.header(params),
            "commit" => self.commit(params),
            "validators" => self.validators(params),
            "consensus_params" => self.consensus_params(params),
            "genesis" => Ok(json!({ "genesis": self.genesis })),
            "unconfirmed_txs" => Ok(self.unconfirmed(shown(params))),
            "num_unconfirmed_txs" => Ok(self.unconfirmed(0)),
            "net_info" => Ok(json!({ "listening": false, "listeners": [], "n_peers": "0", "peers": [] })),
            _ => Err(RpcError { code: -32601, message: "Method not found", data: method.to_string() }),
        }
    }

    fn status(&self) -> Answer {
        let chain = lock(&self.chain);
        let hash = |made: Option<&super::chain::Made>| {
            made.map_or(String::new(), |made| hex::encode_upper(made.id.hash.as_bytes()))
        };
        let app_hash = |made: Option<&super::chain::Made>| {
            made.map_or(String::new(), |made| hex::encode_upper(made.header.app_hash.as_bytes()))
        };
        let first = chain.blocks.values().next();
        let last = chain.blocks.get(&chain.height);
        let time = |made: Option<&super::chain::Made>| made.map_or(self.doc.genesis_time, |made| made.header.time);
        let validator = chain.validators.iter().find(|validator| validator.address == chain.proposer());
        let key = validator.or(chain.validators.first());
        Ok(json!({
            "node_info": {
                "protocol_version": { "p2p": "8", "block": "11", "app": crate::app::VERSION.to_string() },
                "id": hex::encode(chain.proposer().as_bytes()),
                "listen_addr": "embedded",
                "network": self.doc.chain_id,
                "version": "0.38.25",
                "channels": "40",
                "moniker": "embedded",
                "other": { "tx_index": "on", "rpc_address": "embedded" },
            },
            "sync_info": {
                "latest_block_hash": hash(last),
                "latest_app_hash": app_hash(last),
                "latest_block_height": chain.height.to_string(),
                "latest_block_time": time(last),
                "earliest_block_hash": hash(first),
                "earliest_app_hash": app_hash(first),
                "earliest_block_height": first.map_or(0, |made| made.header.height.value()).to_string(),
                "earliest_block_time": time(first),
                "catching_up": false,
            },
            "validator_info": match key {
                Some(key) => write(key)?,
                None => return Err(RpcError::internal("the genesis names no validator")),
            },
        }))
    }

    fn abci_info(&self) -> Answer {
        match self.call(request::Value::Info(RequestInfo::default()))? {
            response::Value::Info(info) => write(&endpoint::abci_info::Response { response: info.try_into()? }),
            _ => Err(RpcError::internal("Info was answered with something else")),
        }
    }

    fn abci_query(&self, params: &Value) -> Answer {
        let request: endpoint::abci_query::Request = read(params)?;
        let query = RequestQuery {
            data: request.data.into(),
            path: request.path.unwrap_or_default(),
            height: request.height.map_or(0, i64::from),
            prove: request.prove,
        };
        let answer = match self.call(request::Value::Query(query))? {
            response::Value::Query(answer) => answer,
            _ => return Err(RpcError::internal("Query was answered with something else")),
        };
        let proof = match answer.proof_ops {
            Some(ops) => Some(ops.try_into()?),
            None => None,
        };
        write(&endpoint::abci_query::Response {
            response: endpoint::abci_query::AbciQuery {
                code: answer.code.into(),
                log: answer.log,
                info: answer.info,
                index: answer.index,
                key: answer.key.to_vec(),
                value: answer.value.to_vec(),
                proof,
                height: answer.height.try_into()?,
                codespace: answer.codespace,
            },
        })
    }

    fn offer_tx(&self, params: &Value) -> Result<(Vec<u8>, ResponseCheckTx), RpcError> {
        let request: endpoint::broadcast::tx_sync::Request = read(params)?;
        let hash = hash_of(&request.tx).to_vec();
        match self.offer(request.tx)? {
            Ok(check) => Ok((hash, check)),
            // The texts are CometBFT's, which clients look for.
            Err(Refused::Known) => Err(RpcError::internal("tx already exists in cache")),
            Err(Refused::Full) => Err(RpcError::internal("mempool is full")),
        }
    }

    fn broadcast_sync(&self, params: &Value) -> Answer {
        let (hash, check) = self.offer_tx(params)?;
        Ok(json!({
            "codespace": check.codespace,
            "code": check.code,
            "data": hex::encode_upper(&check.data),
            "log": check.log,
            "hash": hex::encode_upper(hash),
        }))
    }

    /// CometBFT does not wait for CheckTx here; its answer is the same without the wait.
    fn broadcast_async(&self, params: &Value) -> Answer {
        let (hash, _) = self.offer_tx(params)?;
        Ok(json!({ "codespace": "", "code": 0, "data": "", "log": "", "hash": hex::encode_upper(hash) }))
    }

    /// `broadcast_tx_commit`: answers when the transaction is in a block.
    pub(super) async fn broadcast_and_wait(&self, params: &Value) -> Answer {
        let mut heights = self.height.subscribe();
        let (hash, check) = self.offer_tx(params)?;
        let hash: [u8; 32] = hash.try_into().map_err(|_| RpcError::internal("a hash has 32 bytes"))?;
        let gas = (check.gas_wanted.to_string(), check.gas_used.to_string());
        let check_json = json!({
            "code": check.code, "data": null, "log": check.log, "info": "", "codespace": check.codespace,
            "gas_wanted": gas.0, "gas_used": gas.1, "events": [], "sender": "", "priority": "0", "mempool_error": "",
        });
        if check.code != 0 {
            return Ok(json!({
                "check_tx": check_json, "tx_result": ExecTxResult::default(), "hash": hex::encode_upper(hash), "height": "0",
            }));
        }
        loop {
            heights.borrow_and_update();
            if let Some((at, _, result)) = lock(&self.chain).find(&hash)? {
                return Ok(json!({
                    "check_tx": check_json,
                    "tx_result": write(&result)?,
                    "hash": hex::encode_upper(hash),
                    "height": at.to_string(),
                }));
            }
            if !lock(&self.mempool).holds(&hash) && lock(&self.chain).find(&hash)?.is_none() {
                return Err(RpcError::internal("the transaction was dropped from the mempool"));
            }
            if let Some(stopped) = self.pace.stopped() {
                return Err(stopped.into());
            }
            if heights.changed().await.is_err() {
                return Err(RpcError::internal("the engine is gone"));
            }
        }
    }

    fn tx(&self, params: &Value) -> Answer {
        let request: endpoint::tx::Request = read(params)?;
        let chain = lock(&self.chain);
        let hash: Option<[u8; 32]> = request.hash.as_bytes().try_into().ok();
        let found = match hash {
            Some(hash) => chain.response_of(&hash)?,
            None => None,
        };
        match found {
            Some(response) => write(&response),
            None => Err(RpcError::internal(format!("tx ({}) not found", request.hash))),
        }
    }

    fn at(&self, params: &Value) -> Result<(std::sync::MutexGuard<'_, Chain>, u64), RpcError> {
        let request: endpoint::block::Request = if params.is_null() { Default::default() } else { read(params)? };
        let chain = lock(&self.chain);
        let at = request.height.map_or(chain.height, |height| height.value());
        if at > chain.height {
            return Err(RpcError::internal(format!(
                "height {at} must be less than or equal to the current blockchain height {}",
                chain.height
            )));
        }
        Ok((chain, at))
    }

    fn block(&self, params: &Value) -> Answer {
        let (chain, at) = self.at(params)?;
        let (block_id, block) = chain.block(at).ok_or_else(|| not_kept(at))?;
        write(&endpoint::block::v0_38::DialectResponse { block_id, block: block.into() })
    }

    fn block_by_hash(&self, params: &Value) -> Answer {
        let request: endpoint::block_by_hash::Request = read(params)?;
        let chain = lock(&self.chain);
        let found = chain.blocks.iter().find(|(_, made)| Some(made.id.hash) == request.hash).map(|(at, _)| *at);
        match found.and_then(|at| chain.block(at)) {
            Some((block_id, block)) => {
                write(&endpoint::block_by_hash::v0_38::DialectResponse { block_id, block: Some(block.into()) })
            }
            None => Ok(json!({ "block_id": { "hash": "", "parts": { "total": 0, "hash": "" } }, "block": null })),
        }
    }

    fn block_results(&self, params: &Value) -> Answer {
        let (chain, at) = self.at(params)?;
        let made = chain.blocks.get(&at).ok_or_else(|| not_kept(at))?;
        let results = &made.body.as_ref().ok_or_else(|| not_kept(at))?.results;
        let events = results.events.iter().map(|event| event.clone().try_into()).collect::<Result<_, _>>()?;
        let txs = results.tx_results.iter().map(|result| result.clone().try_into()).collect::<Result<_, _>>()?;
        write(&endpoint::block_results::Response {
            height: height(at)?,
            txs_results: Some(txs),
            finalize_block_events: events,
            begin_block_events: None,
            end_block_events: None,
            validator_updates: Vec::new(),
            consensus_param_updates: None,
            app_hash: results.app_hash.to_vec().try_into()?,
        })
    }

    fn header(&self, params: &Value) -> Answer {
        let (chain, at) = self.at(params)?;
        let made = chain.blocks.get(&at).ok_or_else(|| not_kept(at))?;
        write(&endpoint::header::Response { header: made.header.clone() })
    }

    fn commit(&self, params: &Value) -> Answer {
        let (chain, at) = self.at(params)?;
        let made = chain.blocks.get(&at).ok_or_else(|| not_kept(at))?;
        let signed_header = SignedHeader::new(made.header.clone(), made.commit.clone())?;
        write(&endpoint::commit::Response { signed_header, canonical: true })
    }

    fn validators(&self, params: &Value) -> Answer {
        let request: endpoint::validators::Request = read(params)?;
        let chain = lock(&self.chain);
        let at = request.height.map_or(chain.height.max(1), |height| height.value());
        let total = i32::try_from(chain.validators.len()).unwrap_or(i32::MAX);
        write(&endpoint::validators::Response::new(height(at)?, chain.validators.clone(), total))
    }

    fn consensus_params(&self, params: &Value) -> Answer {
        let (_chain, at) = self.at(params)?;
        let consensus_params = self.doc.consensus().try_into()?;
        write(&endpoint::consensus_params::Response { block_height: height(at)?, consensus_params })
    }

    fn unconfirmed(&self, shown: usize) -> Value {
        let mempool = lock(&self.mempool);
        let count = mempool.waiting().len().to_string();
        let txs: Vec<String> = mempool.waiting().iter().take(shown).map(|one| STANDARD.encode(&one.tx)).collect();
        json!({ "n_txs": count, "total": count, "total_bytes": mempool.bytes().to_string(), "txs": txs })
    }
}

/// How many transactions are shown: CometBFT's 30 unless others are asked for, and at most 100.
fn shown(params: &Value) -> usize {
    let asked = params.get("limit").and_then(|limit| limit.as_u64().or_else(|| limit.as_str()?.parse().ok()));
    usize::try_from(asked.unwrap_or(30)).unwrap_or(usize::MAX).min(100)
}

fn not_kept(at: u64) -> RpcError {
    RpcError::internal(format!("height {at} is not available"))
}

impl Chain {
    /// A transaction's height, index and result.
    pub(super) fn find(&self, hash: &[u8; 32]) -> Result<Option<(u64, u32, ExecTxResult)>, RpcError> {
        let Some((at, place)) = self.index.get(hash).copied() else { return Ok(None) };
        let body = self.blocks.get(&at).and_then(|made| made.body.as_ref());
        match body.and_then(|body| body.results.tx_results.get(place as usize)) {
            Some(result) => Ok(Some((at, place, result.clone().try_into()?))),
            None => Ok(None),
        }
    }

    /// A transaction as `tx` and `tx_search` answer it.
    pub(super) fn response_of(&self, hash: &[u8; 32]) -> Result<Option<endpoint::tx::Response>, RpcError> {
        let Some((at, index, tx_result)) = self.find(hash)? else { return Ok(None) };
        let body = self.blocks.get(&at).and_then(|made| made.body.as_ref());
        let Some(tx) = body.and_then(|body| body.txs.get(index as usize)) else { return Ok(None) };
        Ok(Some(endpoint::tx::Response {
            hash: tendermint::Hash::Sha256(*hash),
            height: height(at)?,
            index,
            tx_result,
            tx: tx.to_vec(),
            proof: None,
        }))
    }
}
