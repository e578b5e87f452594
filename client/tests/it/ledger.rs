//! The training module in memory, behind the mocked node: `rounds` itself, with everything that was ever received written down.

use std::collections::{BTreeMap, BTreeSet};

use bauta_rounds::{
    charge, check, end_block, handle, keys, params, query, record_offence, state, Blobs, Budget, Call, EnrolQuery, Env,
    Message, Output, Providers, Response, Storage,
};
use bauta_schema::{training::v1 as pb, type_url};
use bauta_secagg::signature::Signed;
use bauta_secagg::submit::Header;
use bauta_secagg::unmask::Partial;
use cosmrs::{AccountId, Any};
use prost::Message as _;
use sha2::{Digest, Sha256};

use crate::mock::{Checked, Executed, Machine};

pub const CHAIN: &str = "bauta-1";

#[derive(Clone, Default)]
pub struct Memory(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl Storage for Memory {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.remove(key);
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        if start >= end {
            return Vec::new();
        }
        let range = self.0.range(start.to_vec()..end.to_vec());
        range.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

#[derive(Clone, Default)]
pub struct BlobStore(BTreeMap<[u8; 32], Vec<u8>>);

impl Blobs for BlobStore {
    fn get(&self, hash: &[u8; 32]) -> Option<Vec<u8>> {
        self.0.get(hash).cloned()
    }

    fn put(&mut self, bytes: &[u8]) -> [u8; 32] {
        let hash = Sha256::digest(bytes).into();
        self.0.insert(hash, bytes.to_vec());
        hash
    }

    fn release(&mut self, _hash: &[u8; 32]) {}
}

impl BlobStore {
    /// All that was ever put.
    pub fn all(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.0.values()
    }
}

struct Anybody;

impl Providers for Anybody {
    fn may_enrol(&self, _: &EnrolQuery<'_>) -> Result<u128, String> {
        Ok(1_000)
    }

    fn is_jailed(&self, _: &[u8]) -> bool {
        false
    }
}

/// Changes an answer before it leaves the node.
pub type Lie = Box<dyn FnMut(&str, Vec<u8>) -> Vec<u8> + Send>;

#[derive(Default)]
pub struct Ledger {
    pub storage: Memory,
    pub blobs: BlobStore,
    pub verdicts: Vec<pb::Verdict>,
    /// Every header body received, by sender and round, wherever it ended.
    pub headers: BTreeMap<(String, u64), BTreeSet<Vec<u8>>>,
    /// What every seat ever answered, by sender and round: slot and kind.
    pub answers: BTreeMap<(String, u64), BTreeSet<(u32, u8)>>,
    /// Every different body of an answer, by sender and round, in the order in which they came.
    pub partials: BTreeMap<(String, u64), Vec<Vec<u8>>>,
    /// Messages received, by type.
    pub received: BTreeMap<String, usize>,
    pub lie: Option<Lie>,
}

fn raw(address: &str) -> Vec<u8> {
    address.parse::<AccountId>().unwrap().to_bytes()
}

fn call(any: &Any) -> Message {
    let value = any.value.as_slice();
    macro_rules! protocol {
        ($message:ty, $call:path) => {{
            let msg = <$message>::decode(value).unwrap();
            Message { sender: raw(&msg.sender), call: $call(msg) }
        }};
    }
    match any.type_url.as_str() {
        type_url::CREATE_TASK => {
            let msg = pb::MsgCreateTask::decode(value).unwrap();
            Message { sender: raw(&msg.owner), call: Call::CreateTask(Box::new(msg)) }
        }
        type_url::CANCEL_TASK => {
            let msg = pb::MsgCancelTask::decode(value).unwrap();
            Message { sender: raw(&msg.owner), call: Call::CancelTask(msg) }
        }
        type_url::TOP_UP_TASK => protocol!(pb::MsgTopUpTask, Call::TopUpTask),
        type_url::ENROL => protocol!(pb::MsgEnrol, Call::Enrol),
        type_url::DEAL => protocol!(pb::MsgDeal, Call::Deal),
        type_url::COMPLAIN => protocol!(pb::MsgComplain, Call::Complain),
        type_url::CONTRIBUTE => protocol!(pb::MsgContribute, Call::Contribute),
        type_url::EVALUATE => protocol!(pb::MsgEvaluate, Call::Evaluate),
        type_url::CHECK_IN => protocol!(pb::MsgCheckIn, Call::CheckIn),
        type_url::SUBMIT_HEADER => protocol!(pb::MsgSubmitHeader, Call::SubmitHeader),
        type_url::SUBMIT_CHUNK => protocol!(pb::MsgSubmitChunk, Call::SubmitChunk),
        type_url::UNMASK => protocol!(pb::MsgUnmask, Call::Unmask),
        type_url::BLAME_VALUES => protocol!(pb::MsgBlameValues, Call::BlameValues),
        type_url::WRAP_KEYS => protocol!(pb::MsgWrapKeys, Call::WrapKeys),
        type_url::PUBLISH_MODEL => {
            let msg = pb::MsgPublishModel::decode(value).unwrap();
            Message { sender: raw(&msg.sender), call: Call::PublishModel(Box::new(msg)) }
        }
        type_url::PUBLISH_MODEL_CHUNK => protocol!(pb::MsgPublishModelChunk, Call::PublishModelChunk),
        type_url::COMPLAIN_ABOUT_WRAP => protocol!(pb::MsgComplainAboutWrap, Call::ComplainAboutWrap),
        type_url::REPORT => {
            let msg = pb::MsgReport::decode(value).unwrap();
            let accused = raw(&msg.accused);
            Message { sender: raw(&msg.sender), call: Call::Report { msg: Box::new(msg), accused } }
        }
        other => panic!("the ledger does not know {other}"),
    }
}

impl Ledger {
    pub fn new() -> Self {
        let mut ledger = Self::default();
        let params = pb::Params {
            registry: "registry".into(),
            staking: "staking".into(),
            slashing: "slashing".into(),
            min_window: 2,
            ..params::default_params()
        };
        state::save(&mut ledger.storage, keys::PARAMS.to_vec(), &params);
        ledger
    }

    pub fn task(&self, id: u64) -> pb::Task {
        state::task(&self.storage, id).unwrap()
    }

    /// An epoch; 0 means the current one.
    pub fn epoch(&self, task: u64, number: u64) -> pb::QueryEpochResponse {
        query::epoch(&self.storage, task, number).unwrap()
    }

    pub fn round(&self, task: u64, number: u64) -> pb::QueryRoundResponse {
        query::round(&self.storage, task, number).unwrap()
    }

    pub fn aggregate(&self, task: u64, number: u64) -> Vec<i64> {
        let request = pb::QueryAggregateRequest { task_id: task, round: number, ..Default::default() };
        let bytes = query::aggregate(&self.storage, &self.blobs, &request).unwrap().aggregate;
        bytes.chunks_exact(8).map(|value| i64::from_le_bytes(value.try_into().unwrap())).collect()
    }

    pub fn offences(&self) -> Vec<(Vec<u8>, pb::OffenceKind)> {
        self.verdicts.iter().map(|verdict| (verdict.provider.clone(), verdict.kind())).collect()
    }

    fn note(&mut self, any: &Any) {
        *self.received.entry(any.type_url.clone()).or_default() += 1;
        if any.type_url == type_url::SUBMIT_HEADER {
            let msg = pb::MsgSubmitHeader::decode(any.value.as_slice()).unwrap();
            Signed::<Header>::from_parts(&msg.body, &msg.signature).unwrap();
            self.headers.entry((msg.sender, msg.round)).or_default().insert(msg.body);
        }
        if any.type_url == type_url::UNMASK {
            let msg = pb::MsgUnmask::decode(any.value.as_slice()).unwrap();
            let partial = Signed::<Partial>::from_parts(&msg.body, &msg.signature).unwrap();
            let bodies = self.partials.entry((msg.sender.clone(), msg.round)).or_default();
            if !bodies.contains(&msg.body) {
                bodies.push(msg.body);
            }
            let answered = self.answers.entry((msg.sender, msg.round)).or_default();
            let entries = partial.body.entries.iter();
            answered.extend(entries.map(|entry| (entry.asked.provider().get(), entry.asked.kind().byte())));
        }
    }

    fn keep(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Verdict(verdict) => self.verdicts.push(verdict),
                Output::Event(event) => assert_ne!(event.kind, "task_fault", "{event:?}"),
                _ => {}
            }
        }
    }
}

fn refused(error: &bauta_rounds::Error) -> (String, u32, String) {
    (bauta_rounds::CODESPACE.to_owned(), error.code(), error.to_string())
}

impl Machine for Ledger {
    fn received(&mut self, messages: &[Any]) {
        messages.iter().for_each(|any| self.note(any));
    }

    fn check(&mut self, height: u64, messages: &[Any]) -> Checked {
        let env = Env { chain_id: CHAIN, height, tx_index: 0 };
        for any in messages {
            check(&env, &self.storage, &Anybody, &call(any)).map_err(|error| refused(&error))?;
        }
        Ok(())
    }

    fn execute(&mut self, height: u64, index: u32, messages: &[Any]) -> Executed {
        let env = Env { chain_id: CHAIN, height, tx_index: index };
        let mut answers = Vec::new();
        for any in messages {
            let message = call(any);
            let admission = check(&env, &self.storage, &Anybody, &message).map_err(|error| refused(&error))?;
            if let Some(fee) = &admission.fee {
                charge(&mut self.storage, fee).map_err(|error| refused(&error))?;
            }
            match handle(&env, &mut self.storage, &mut self.blobs, &Anybody, &message) {
                Ok((response, outputs)) => {
                    self.keep(outputs);
                    let value = match response {
                        Response::Task(task_id) => pb::MsgCreateTaskResponse { task_id }.encode_to_vec(),
                        Response::Empty => Vec::new(),
                    };
                    answers.push(Any { type_url: format!("{}Response", any.type_url), value });
                }
                Err(rejection) => {
                    if let Some(offence) = &rejection.offence {
                        let outputs = record_offence(&env, &mut self.storage, offence).unwrap();
                        self.keep(outputs);
                    }
                    return Err(refused(&rejection.error));
                }
            }
        }
        Ok(answers)
    }

    fn end_block(&mut self, height: u64) {
        let env = Env { chain_id: CHAIN, height, tx_index: 0 };
        let mut budget = Budget::new(10_000_000);
        let outputs = end_block(&env, &mut self.storage, &mut self.blobs, &Anybody, true, &mut budget);
        self.keep(outputs);
    }

    fn state(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.storage.0.clone()
    }

    fn query(&mut self, path: &str, data: &[u8]) -> Result<Vec<u8>, (u32, String)> {
        let failed = |error: bauta_rounds::Error| (error.code(), error.to_string());
        let method =
            path.strip_prefix("/bauta.training.v1.Query/").ok_or_else(|| (6, format!("unknown path {path}")))?;
        let answer = match method {
            "Params" => query::params(&self.storage).map_err(failed)?.encode_to_vec(),
            "Task" => {
                let request = pb::QueryTaskRequest::decode(data).unwrap();
                query::task(&self.storage, request.task_id).map_err(failed)?.encode_to_vec()
            }
            "Epoch" => {
                let request = pb::QueryEpochRequest::decode(data).unwrap();
                query::epoch(&self.storage, request.task_id, request.epoch).map_err(failed)?.encode_to_vec()
            }
            "Deals" => {
                let request = pb::QueryDealsRequest::decode(data).unwrap();
                let after = if request.start_after.is_empty() { Vec::new() } else { raw(&request.start_after) };
                let (task, epoch) = (request.task_id, request.epoch);
                query::deals(&self.storage, task, epoch, &[], &after, request.limit).map_err(failed)?.encode_to_vec()
            }
            "Round" => {
                let request = pb::QueryRoundRequest::decode(data).unwrap();
                query::round(&self.storage, request.task_id, request.round).map_err(failed)?.encode_to_vec()
            }
            "Model" => {
                let request = pb::QueryModelRequest::decode(data).unwrap();
                let model = query::model(&self.storage, &self.blobs, &request);
                model.map_err(failed)?.encode_to_vec()
            }
            "Aggregate" => {
                let request = pb::QueryAggregateRequest::decode(data).unwrap();
                query::aggregate(&self.storage, &self.blobs, &request).map_err(failed)?.encode_to_vec()
            }
            "Tasks" => {
                let request = pb::QueryTasksRequest::decode(data).unwrap();
                query::tasks(&self.storage, &request).map_err(failed)?.encode_to_vec()
            }
            "Verdicts" => {
                let request = pb::QueryVerdictsRequest::decode(data).unwrap();
                let provider = if request.provider.is_empty() { Vec::new() } else { raw(&request.provider) };
                let (task, limit) = (request.task_id, request.limit);
                query::verdicts(&self.storage, task, &provider, limit).map_err(failed)?.encode_to_vec()
            }
            "Rewards" => {
                let request = pb::QueryRewardsRequest::decode(data).unwrap();
                query::rewards(&self.storage, &raw(&request.address)).map_err(failed)?.encode_to_vec()
            }
            "Estimate" => {
                let request = pb::QueryEstimateRequest::decode(data).unwrap();
                let params = query::params(&self.storage).map_err(failed)?.params.unwrap();
                bauta_rounds::estimate(&params, &request).encode_to_vec()
            }
            other => return Err((6, format!("unknown method {other}"))),
        };
        Ok(match &mut self.lie {
            Some(lie) => lie(method, answer),
            None => answer,
        })
    }
}
