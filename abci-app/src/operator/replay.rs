//! Decided blocks, executed once more on a node that no engine drives: two nodes that agree give the same state at every height.

use std::sync::Arc;

use serde_json::Value;
use tendermint::block::CommitSig;
use tendermint::evidence::Evidence;
use tendermint::validator::Info;
use tendermint_proto::v0_38::abci::{
    request, response, CommitInfo, Misbehavior, MisbehaviorType, Request, RequestCommit, RequestFinalizeBlock,
    Validator, VoteInfo,
};
use tendermint_proto::v0_38::types::BlockIdFlag;

use crate::abci::{dispatch, AbciService};
use crate::app::AppError;
use crate::genesis::GenesisDoc;

/// A node to which decided blocks are given, from the first on.
pub struct Replay {
    service: Arc<dyn AbciService>,
    initial_height: u64,
}

impl Replay {
    /// Begins the chain on a node without blocks.
    ///
    /// # Errors
    /// When the genesis document is none, or the node has begun a chain already.
    pub fn begin(service: Arc<dyn AbciService>, genesis: &Value) -> Result<Self, AppError> {
        let doc = GenesisDoc::read(genesis).map_err(|error| AppError::Genesis(error.to_string()))?;
        let request = doc.init_chain().map_err(|error| AppError::Genesis(error.to_string()))?;
        let replay = Self { service, initial_height: doc.initial_height().unsigned_abs() };
        replay.call(request::Value::InitChain(request))?;
        Ok(replay)
    }

    /// Executes and commits the next block, as CometBFT v0.38 asks for it (state/execution.go, `FinalizeBlock`), and answers
    /// with the state's root after it. `validators` are those of the height before it, in the order of its last commit.
    ///
    /// # Errors
    /// When the node cannot execute it.
    pub fn block(&self, block: &tendermint::Block, validators: &[Info]) -> Result<Vec<u8>, AppError> {
        let header = &block.header;
        let request = RequestFinalizeBlock {
            txs: block.data.iter().map(|tx| tx.clone().into()).collect(),
            decided_last_commit: Some(self.last_commit(block, validators)),
            misbehavior: block.evidence.iter().flat_map(misbehavior).collect(),
            hash: header.hash().as_bytes().to_vec().into(),
            height: header.height.into(),
            time: Some(header.time.into()),
            next_validators_hash: header.next_validators_hash.as_bytes().to_vec().into(),
            proposer_address: header.proposer_address.as_bytes().to_vec().into(),
        };
        let answer = self.call(request::Value::FinalizeBlock(request))?;
        let response::Value::FinalizeBlock(done) = answer else {
            return Err(AppError::Order("the node answers FinalizeBlock with something else".into()));
        };
        self.call(request::Value::Commit(RequestCommit {}))?;
        Ok(done.app_hash.to_vec())
    }

    fn last_commit(&self, block: &tendermint::Block, validators: &[Info]) -> CommitInfo {
        let Some(commit) = block.last_commit.as_ref().filter(|_| block.header.height.value() > self.initial_height)
        else {
            return CommitInfo::default();
        };
        let votes = validators
            .iter()
            .zip(&commit.signatures)
            .map(|(info, signature)| VoteInfo {
                validator: Some(validator(info)),
                block_id_flag: match signature {
                    CommitSig::BlockIdFlagAbsent => BlockIdFlag::Absent,
                    CommitSig::BlockIdFlagCommit { .. } => BlockIdFlag::Commit,
                    CommitSig::BlockIdFlagNil { .. } => BlockIdFlag::Nil,
                } as i32,
            })
            .collect();
        CommitInfo { round: i32::try_from(commit.round.value()).unwrap_or(i32::MAX), votes }
    }

    fn call(&self, ask: request::Value) -> Result<response::Value, AppError> {
        dispatch(self.service.as_ref(), Request { value: Some(ask) })?
            .value
            .ok_or_else(|| AppError::Order("the node answers nothing".into()))
    }
}

fn validator(info: &Info) -> Validator {
    Validator { address: info.address.as_bytes().to_vec().into(), power: info.power.into() }
}

/// What the application is told of a piece of evidence (CometBFT v0.38, types/evidence.go, `ABCI`).
fn misbehavior(evidence: &Evidence) -> Vec<Misbehavior> {
    match evidence {
        Evidence::DuplicateVote(twice) => vec![Misbehavior {
            r#type: MisbehaviorType::DuplicateVote as i32,
            validator: Some(Validator {
                address: twice.vote_a.validator_address.as_bytes().to_vec().into(),
                power: twice.validator_power.into(),
            }),
            height: twice.vote_a.height.into(),
            time: Some(twice.timestamp.into()),
            total_voting_power: twice.total_voting_power.into(),
        }],
        Evidence::LightClientAttack(attack) => attack
            .byzantine_validators
            .iter()
            .map(|info| Misbehavior {
                r#type: MisbehaviorType::LightClientAttack as i32,
                validator: Some(validator(info)),
                height: attack.common_height.into(),
                time: Some(attack.timestamp.into()),
                total_voting_power: attack.total_voting_power.into(),
            })
            .collect(),
    }
}
