//! A node in memory: accounts with sequences, a mempool, blocks made on demand, and faults on request. What a transaction does is left
//! to a [`Machine`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use bauta_client::chain::{Chain, ChainError, ChainSettings, Pace, Rpc, Signer};
use bauta_client::keys::SecretKey;
use cosmrs::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use cosmrs::proto::cosmos::base::abci::v1beta1::{GasInfo, TxMsgData};
use cosmrs::proto::cosmos::tx::v1beta1::{AuthInfo, SimulateResponse, TxBody, TxRaw};
use cosmrs::Any;
use prost::Message;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use tendermint::block::signed_header::SignedHeader;
use tendermint_rpc::{Client, Error, SimpleRequest};

use crate::headers::Validator;
use crate::tree::{self, State};

/// What became of a transaction: its answers, or codespace, code and sentence.
pub type Executed = Result<Vec<Any>, (String, u32, String)>;
/// Whether a transaction may come in.
pub type Checked = Result<(), (String, u32, String)>;

/// A transaction in a block: height, place, what became of it, its bytes.
pub type InBlock = (u64, u32, Executed, Vec<u8>);

/// What executes messages and answers queries.
pub trait Machine: Send + 'static {
    /// Executes a transaction's messages; codespace, code and sentence if it fails.
    fn execute(&mut self, height: u64, index: u32, messages: &[Any]) -> Executed;
    /// Whatever reaches the node, accepted or not.
    fn received(&mut self, _messages: &[Any]) {}
    /// Before a transaction enters the mempool.
    fn check(&mut self, _height: u64, _messages: &[Any]) -> Checked {
        Ok(())
    }
    /// The end of a block.
    fn end_block(&mut self, _height: u64) {}
    /// Answers a query.
    fn query(&mut self, path: &str, data: &[u8]) -> Result<Vec<u8>, (u32, String)>;
    /// The state, of which headers hold the root.
    fn state(&self) -> State {
        State::new()
    }
}

/// Changes an answer of the RPC before it leaves the node, by its method and parameters.
pub type RpcLie = Box<dyn FnMut(&str, &Value, Value) -> Value + Send>;

/// Does nothing.
pub struct Idle;

impl Machine for Idle {
    fn execute(&mut self, _: u64, _: u32, _: &[Any]) -> Executed {
        Ok(Vec::new())
    }

    fn query(&mut self, path: &str, _: &[u8]) -> Result<Vec<u8>, (u32, String)> {
        Err((6, format!("unknown query path {path}")))
    }
}

/// What goes wrong with the next broadcasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The node does not get the transaction.
    NotReached,
    /// The node gets it, and the answer is lost.
    AnswerLost,
    /// The mempool is full.
    Full,
    /// It is accepted and then forgotten.
    Dropped,
    /// It is accepted, and the node says that its sequence was wrong.
    Denied,
    /// It is kept for later, and the node says that its sequence was wrong.
    Hoarded,
}

pub struct Node<M> {
    pub height: u64,
    pub committed: BTreeMap<String, u64>,
    pub pending: BTreeMap<String, u64>,
    pub mempool: Vec<Vec<u8>>,
    pub blocks: BTreeMap<[u8; 32], InBlock>,
    pub faults: VecDeque<Fault>,
    pub broadcasts: usize,
    /// Sequences of what was broadcast.
    pub seen: Vec<u64>,
    /// After so many calls the node answers nothing more: where a process is cut off.
    pub calls_left: Option<u32>,
    pub machine: M,
    /// The state after each block.
    pub states: BTreeMap<u64, State>,
    pub validator: Validator,
    pub rpc_lie: Option<RpcLie>,
}

pub struct MockNode<M = Idle>(pub Arc<Mutex<Node<M>>>);

pub const PREFIX: &str = "bauta";

impl<M> Clone for MockNode<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Machine> MockNode<M> {
    pub fn new(machine: M) -> Self {
        Self(Arc::new(Mutex::new(Node {
            height: 1,
            committed: BTreeMap::new(),
            pending: BTreeMap::new(),
            mempool: Vec::new(),
            blocks: BTreeMap::new(),
            faults: VecDeque::new(),
            broadcasts: 0,
            seen: Vec::new(),
            states: [(0, State::new()), (1, machine.state())].into(),
            validator: Validator::new(7),
            rpc_lie: None,
            machine,
            calls_left: None,
        })))
    }

    pub fn signer(&self, seed: u8) -> Signer {
        let signer = Signer::new(SecretKey::from_bytes(&[seed; 32]).unwrap(), PREFIX).unwrap();
        self.0.lock().unwrap().committed.entry(signer.address().to_owned()).or_default();
        signer
    }

    pub fn chain(&self) -> Chain {
        let rpc: Arc<dyn Rpc> = Arc::new(self.clone());
        let mut settings = ChainSettings::new("bauta-1");
        settings.patience_blocks = 5;
        settings.retry_pause = std::time::Duration::ZERO;
        Chain::new(rpc, Arc::new(self.clone()), settings)
    }

    pub fn lock(&self) -> std::sync::MutexGuard<'_, Node<M>> {
        self.0.lock().unwrap()
    }

    pub fn make_block(&self) {
        self.lock().make_block();
    }
}

impl<M: Machine> Node<M> {
    pub fn make_block(&mut self) {
        self.height += 1;
        let height = self.height;
        for (index, bytes) in std::mem::take(&mut self.mempool).into_iter().enumerate() {
            let (body, info) = parts(&bytes);
            let index = u32::try_from(index).unwrap();
            let sender = sender_of(&info);
            let committed = self.committed.get_mut(&sender).unwrap();
            assert_eq!(*committed, info.signer_infos[0].sequence, "the mempool keeps the order");
            *committed += 1;
            let result = self.machine.execute(height, index, &body.messages);
            self.blocks.insert(Sha256::digest(&bytes).into(), (height, index, result, bytes));
        }
        self.machine.end_block(height);
        self.states.insert(height, self.machine.state());
        self.pending.clear();
    }

    fn broadcast(&mut self, bytes: &[u8]) -> Result<Value, String> {
        self.broadcasts += 1;
        let fault = self.faults.pop_front();
        match fault {
            Some(Fault::NotReached) => return Err("unreached".to_owned()),
            Some(Fault::Full) => return Err("mempool is full: number of txs 5000 (max: 5000)".to_owned()),
            _ => {}
        }
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        if self.mempool.iter().any(|known| known == bytes) || self.blocks.contains_key(&hash) {
            return Err("tx already exists in cache".to_owned());
        }
        let (body, info) = parts(bytes);
        self.machine.received(&body.messages);
        let sender = sender_of(&info);
        let Some(committed) = self.committed.get(&sender) else {
            return Ok(answer(&hash, "sdk", 9, "no such account"));
        };
        let expected = *self.pending.get(&sender).unwrap_or(committed);
        let got = info.signer_infos[0].sequence;
        self.seen.push(got);
        let mismatch = |expected: u64| {
            format!("account sequence mismatch, expected {expected}, got {got}: incorrect account sequence")
        };
        if fault == Some(Fault::Hoarded) {
            return Ok(answer(&hash, "sdk", 32, &mismatch(got + 1)));
        }
        if expected != got {
            return Ok(answer(&hash, "sdk", 32, &mismatch(expected)));
        }
        if let Err((codespace, code, sentence)) = self.machine.check(self.height + 1, &body.messages) {
            return Ok(answer(&hash, &codespace, code, &sentence));
        }
        if fault != Some(Fault::Dropped) {
            self.pending.insert(sender, expected + 1);
            self.mempool.push(bytes.to_vec());
        }
        if fault == Some(Fault::Denied) {
            return Ok(answer(&hash, "sdk", 32, &mismatch(got + 1)));
        }
        if fault == Some(Fault::AnswerLost) {
            return Err("unreached".to_owned());
        }
        Ok(answer(&hash, "", 0, ""))
    }

    fn query(&mut self, path: &str, data: &[u8]) -> Result<Vec<u8>, (u32, String)> {
        match path {
            "/cosmos.auth.v1beta1.Query/Account" => {
                let address = QueryAccountRequest::decode(data).unwrap().address;
                let sequence = *self.committed.get(&address).ok_or_else(|| {
                    (22, format!("rpc error: code = NotFound desc = account {address} not found: key not found"))
                })?;
                let account = BaseAccount { address, pub_key: None, account_number: 7, sequence };
                Ok(QueryAccountResponse {
                    account: Some(Any {
                        type_url: "/cosmos.auth.v1beta1.BaseAccount".to_owned(),
                        value: account.encode_to_vec(),
                    }),
                }
                .encode_to_vec())
            }
            "/cosmos.tx.v1beta1.Service/Simulate" => {
                Ok(SimulateResponse { gas_info: Some(GasInfo { gas_wanted: 0, gas_used: 100_000 }), result: None }
                    .encode_to_vec())
            }
            _ => self.machine.query(path, data),
        }
    }

    fn respond(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        let base64 = base64::engine::general_purpose::STANDARD;
        match method {
            "status" => Ok(status(self.height)),
            "broadcast_tx_sync" => {
                let bytes = base64.decode(params["tx"].as_str().unwrap()).unwrap();
                self.broadcast(&bytes)
            }
            "commit" => {
                let height: u64 = params["height"].as_str().unwrap().parse().unwrap();
                let state = self.states.get(&(height - 1)).filter(|_| height <= self.height);
                let state = state.ok_or_else(|| format!("height {height} is not available"))?;
                let header = self.validator.header("bauta-1", height, tree::app_hash(state));
                Ok(commit_json(&self.validator.sign(header)))
            }
            "validators" => Ok(json!({"block_height": params["height"], "validators": [self.validator.info()],
                "count": "1", "total": "1"})),
            "abci_query" if params["prove"] == true => {
                let key = hex::decode(params["data"].as_str().unwrap()).unwrap();
                let height: u64 = params["height"].as_str().unwrap().parse().unwrap();
                let (value, proof) = tree::prove(&self.states[&height], &key);
                Ok(json!({"response": {"code": 0, "log": "", "info": "", "index": "0", "key": base64.encode(key),
                    "value": base64.encode(value), "proofOps": proof, "height": height.to_string(), "codespace": ""}}))
            }
            "abci_query" => {
                let data = hex::decode(params["data"].as_str().unwrap()).unwrap();
                let height = self.height.to_string();
                let path = params["path"].as_str().unwrap();
                Ok(match self.query(path, &data) {
                    Ok(value) => json!({"response": {"code": 0, "log": "", "info": "", "index": "0", "key": null,
                        "value": base64.encode(value), "proofOps": null, "height": height, "codespace": ""}}),
                    Err((code, log)) => {
                        json!({"response": {"code": code, "log": log, "info": "", "index": "0", "key": null,
                        "value": null, "proofOps": null, "height": height, "codespace": if path.starts_with("/bauta") { "training" } else { "sdk" }}})
                    }
                })
            }
            "tx" => {
                let hash = base64.decode(params["hash"].as_str().unwrap()).unwrap();
                let hash: [u8; 32] = hash.try_into().unwrap();
                let (height, index, result, bytes) =
                    self.blocks.get(&hash).ok_or_else(|| format!("tx ({}) not found", hex::encode_upper(hash)))?;
                let mut data = TxMsgData::default();
                let (codespace, code, log) = match result {
                    Ok(answers) => {
                        data.msg_responses.clone_from(answers);
                        (String::new(), 0, String::new())
                    }
                    Err(error) => error.clone(),
                };
                let data = base64.encode(data.encode_to_vec());
                Ok(json!({"hash": hex::encode_upper(hash), "height": height.to_string(), "index": index,
                    "tx_result": {"code": code, "data": data, "log": log, "info": "", "gas_wanted": "0", "gas_used": "0",
                        "events": [], "codespace": codespace},
                    "tx": base64.encode(bytes)}))
            }
            "unconfirmed_txs" => {
                let txs: Vec<String> = self.mempool.iter().map(|tx| base64.encode(tx)).collect();
                let (count, bytes) =
                    (txs.len().to_string(), self.mempool.iter().map(Vec::len).sum::<usize>().to_string());
                Ok(json!({"n_txs": count, "total": count, "total_bytes": bytes, "txs": txs}))
            }
            other => Err(format!("method {other} is not mocked")),
        }
    }
}

/// A signed header as `commit` writes it.
pub fn commit_json(signed: &SignedHeader) -> Value {
    json!({ "signed_header": signed, "canonical": true })
}

fn answer(hash: &[u8; 32], codespace: &str, code: u32, log: &str) -> Value {
    json!({"codespace": codespace, "code": code, "data": "", "log": log, "hash": hex::encode_upper(hash)})
}

fn parts(bytes: &[u8]) -> (TxBody, AuthInfo) {
    let raw = TxRaw::decode(bytes).unwrap();
    (TxBody::decode(raw.body_bytes.as_slice()).unwrap(), AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap())
}

fn sender_of(info: &AuthInfo) -> String {
    use cosmrs::proto::cosmos::crypto::secp256k1::PubKey;
    let any = info.signer_infos[0].public_key.as_ref().unwrap();
    let key = PubKey::decode(any.value.as_slice()).unwrap().key;
    let key = cosmrs::crypto::PublicKey::from(k256::ecdsa::VerifyingKey::from_sec1_bytes(&key).unwrap());
    key.account_id(PREFIX).unwrap().to_string()
}

fn status(height: u64) -> Value {
    let zero = "0".repeat(64);
    let time = "2026-01-01T00:00:00Z";
    json!({
        "node_info": {"protocol_version": {"p2p": "8", "block": "11", "app": "0"}, "id": "0".repeat(40),
            "listen_addr": "tcp://0.0.0.0:26656", "network": "bauta-1", "version": "0.38.25", "channels": "40",
            "moniker": "mock", "other": {"tx_index": "on", "rpc_address": "tcp://127.0.0.1:26657"}},
        "sync_info": {"latest_block_hash": zero, "latest_app_hash": zero, "latest_block_height": height.to_string(),
            "latest_block_time": time, "earliest_block_hash": zero, "earliest_app_hash": zero,
            "earliest_block_height": "1", "earliest_block_time": time, "catching_up": false},
        "validator_info": {"address": "0".repeat(40),
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
            "voting_power": "10"}
    })
}

#[async_trait]
impl<M: Machine> Client for MockNode<M> {
    async fn perform<R: SimpleRequest>(&self, request: R) -> Result<R::Output, Error> {
        use tendermint_rpc::Response;
        let request: Value = serde_json::from_str(&request.into_json()).unwrap();
        let mut node = self.lock();
        match &mut node.calls_left {
            Some(0) => return Err(Error::timeout(std::time::Duration::from_secs(1))),
            Some(left) => *left -= 1,
            None => {}
        }
        let method = request["method"].as_str().unwrap();
        let mut result = node.respond(method, &request["params"]);
        if let (Some(lie), Ok(answer)) = (&mut node.rpc_lie, &mut result) {
            *answer = lie(method, &request["params"], answer.take());
        }
        drop(node);
        let answer = match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": 1, "result": result}),
            Err(error) if error == "unreached" => return Err(Error::timeout(std::time::Duration::from_secs(1))),
            Err(error) => json!({"jsonrpc": "2.0", "id": 1,
                "error": {"code": -32603, "message": "Internal error", "data": error}}),
        };
        R::Response::from_string(answer.to_string()).map(Into::into)
    }
}

#[async_trait]
impl<M: Machine> Pace for MockNode<M> {
    async fn wait_past(&self, height: u64) -> Result<u64, ChainError> {
        let mut node = self.lock();
        while node.height <= height {
            node.make_block();
        }
        Ok(node.height)
    }
}
