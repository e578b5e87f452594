//! The blocks of the chain, as CometBFT would have made them.

use std::collections::BTreeMap;
use std::time::Duration;

use ed25519_consensus::SigningKey;
use prost::bytes::Bytes;
use prost::Message as _;
use sha2::{Digest, Sha256};
use tendermint::block::{self, header, parts, Block, Commit, CommitSig, Header, Height, Id};
use tendermint::crypto::default::Sha256 as Hasher;
use tendermint::merkle::simple_hash_from_byte_vectors;
use tendermint::vote::{Power, Type, ValidatorIndex};
use tendermint::{account, chain, validator, AppHash, Hash, PublicKey, Signature, Time, Vote};
use tendermint_proto::v0_38::abci::{ExecTxResult, ResponseFinalizeBlock};
use tendermint_proto::v0_38::types::{HashedParams, PartSetHeader};

use super::{BlockTime, EngineConfig, EngineError};
use crate::genesis::GenesisDoc;

/// A block and what came of it.
pub(super) struct Made {
    pub(super) header: Header,
    pub(super) id: Id,
    pub(super) commit: Commit,
    /// The previous block's commit, which this block carries.
    pub(super) last_commit: Option<Commit>,
    /// Transactions and results; `None` once they were dropped for room.
    pub(super) body: Option<Body>,
}

/// A block's transactions and results.
pub(super) struct Body {
    pub(super) txs: Vec<Bytes>,
    pub(super) results: ResponseFinalizeBlock,
    size: usize,
}

/// What the engine remembers.
pub(super) struct Chain {
    chain_id: chain::Id,
    genesis_time: Time,
    initial_height: u64,
    key: SigningKey,
    pub(super) validators: Vec<validator::Info>,
    consensus_hash: Hash,
    /// The state's root after the last block, which the next header carries.
    pub(super) app_hash: Vec<u8>,
    last_results: Vec<ExecTxResult>,
    pub(super) height: u64,
    pub(super) blocks: BTreeMap<u64, Made>,
    /// Where a transaction is: height and index.
    pub(super) index: BTreeMap<[u8; 32], (u64, u32)>,
    kept_bytes: usize,
    keep_bytes: usize,
}

impl Chain {
    pub(super) fn new(doc: &GenesisDoc, config: &EngineConfig) -> Self {
        let consensus = doc.consensus();
        let block = consensus.block.unwrap_or_default();
        let hashed = HashedParams { block_max_bytes: block.max_bytes, block_max_gas: block.max_gas };
        let validators = doc
            .validators
            .iter()
            .filter_map(|validator| {
                let key = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &validator.pub_key.value)
                    .ok()?;
                let power: u64 = validator.power.parse().ok()?;
                Some(validator::Info::new(PublicKey::from_raw_ed25519(&key)?, Power::try_from(power).ok()?))
            })
            .collect();
        // In the order of a validator set: by power, then by address.
        let validators = validator::Set::without_proposer(validators).validators().clone();
        Self {
            // The application has refused a chain without an id by then.
            chain_id: doc.chain_id.parse().unwrap_or_else(|_| unnamed()),
            genesis_time: doc.genesis_time,
            initial_height: doc.initial_height().unsigned_abs(),
            key: SigningKey::from(config.key_seed),
            validators,
            consensus_hash: sha256(&hashed.encode_to_vec()),
            app_hash: Vec::new(),
            last_results: Vec::new(),
            height: doc.initial_height().unsigned_abs() - 1,
            blocks: BTreeMap::new(),
            index: BTreeMap::new(),
            kept_bytes: 0,
            keep_bytes: config.keep_bytes,
        }
    }

    /// The time of a height.
    pub(super) fn time(&self, height: u64, time: BlockTime) -> Time {
        match time {
            BlockTime::Machine => Time::now(),
            BlockTime::Step(step) => {
                let blocks = u32::try_from(height.saturating_sub(self.initial_height)).unwrap_or(u32::MAX);
                let passed: Duration = step.saturating_mul(blocks);
                // Beyond the year 9999 time stands still.
                (self.genesis_time + passed).unwrap_or(self.genesis_time)
            }
        }
    }

    /// The address of the engine's own validator.
    pub(super) fn proposer(&self) -> account::Id {
        match PublicKey::from_raw_ed25519(self.key.verification_key().as_bytes()) {
            Some(key) => account::Id::from(key),
            None => account::Id::new([0; 20]),
        }
    }

    /// The header of the next block.
    pub(super) fn next_header(&self, txs: &[Bytes], time: Time) -> Result<Header, EngineError> {
        let last = self.blocks.get(&self.height);
        let validators_hash = validator::Set::without_proposer(self.validators.clone()).hash();
        let app_hash = AppHash::try_from(self.app_hash.clone()).map_err(unusual)?;
        let results: Vec<Vec<u8>> = self.last_results.iter().map(hashed_result).collect();
        Ok(Header {
            version: header::Version { block: 11, app: crate::app::VERSION },
            chain_id: self.chain_id.clone(),
            height: height(self.height + 1)?,
            time,
            last_block_id: last.map(|made| made.id),
            last_commit_hash: Some(commit_hash(last.map(|made| &made.commit))),
            data_hash: Some(data_hash(txs)),
            validators_hash,
            next_validators_hash: validators_hash,
            consensus_hash: self.consensus_hash,
            app_hash,
            last_results_hash: Some(root(&results)),
            evidence_hash: Some(root(&Vec::<Vec<u8>>::new())),
            proposer_address: self.proposer(),
        })
    }

    /// Adds a block that was executed and committed.
    pub(super) fn add(
        &mut self,
        header: Header,
        txs: Vec<Bytes>,
        results: ResponseFinalizeBlock,
    ) -> Result<(), EngineError> {
        let hash = header.hash();
        // The block is one part, named by its data: no peer asks this engine for parts.
        let part = PartSetHeader { total: 1, hash: data_hash(&txs).into() };
        let id = Id { hash, part_set_header: parts::Header::try_from(part).map_err(unusual)? };
        let last_commit = self.blocks.get(&self.height).map(|made| made.commit.clone());
        let commit = self.sign(&header, id);
        let made_height = header.height.value();
        self.height = made_height;
        self.app_hash = results.app_hash.to_vec();
        self.last_results = results.tx_results.clone();
        for (place, tx) in txs.iter().enumerate() {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            self.index.insert(super::mempool::hash_of(tx), (made_height, place));
        }
        let size = txs.iter().map(Bytes::len).sum::<usize>() + results.encoded_len();
        self.kept_bytes += size;
        let body = Some(Body { txs, results, size });
        self.blocks.insert(made_height, Made { header, id, commit, last_commit, body });
        self.drop_old();
        Ok(())
    }

    /// Drops the oldest bodies while there are too many bytes; never the last block's.
    fn drop_old(&mut self) {
        if self.kept_bytes <= self.keep_bytes {
            return;
        }
        let last = self.height;
        for (height, made) in &mut self.blocks {
            if self.kept_bytes <= self.keep_bytes || *height == last {
                break;
            }
            if let Some(body) = made.body.take() {
                self.kept_bytes = self.kept_bytes.saturating_sub(body.size);
                for tx in &body.txs {
                    self.index.remove(&super::mempool::hash_of(tx));
                }
            }
        }
    }

    fn sign(&self, header: &Header, id: Id) -> Commit {
        let own = self.proposer();
        let signatures = self
            .validators
            .iter()
            .enumerate()
            .map(|(place, validator)| {
                if validator.address != own {
                    return CommitSig::BlockIdFlagAbsent;
                }
                let vote = Vote {
                    vote_type: Type::Precommit,
                    height: header.height,
                    round: block::Round::default(),
                    block_id: Some(id),
                    timestamp: Some(header.time),
                    validator_address: own,
                    validator_index: ValidatorIndex::try_from(place).unwrap_or_else(|_| first()),
                    signature: None,
                    extension: Vec::new(),
                    extension_signature: None,
                };
                let bytes = vote.into_signable_vec(self.chain_id.clone());
                let signature = Signature::new(self.key.sign(&bytes).to_bytes()).ok().flatten();
                CommitSig::BlockIdFlagCommit { validator_address: own, timestamp: header.time, signature }
            })
            .collect();
        Commit { height: header.height, round: block::Round::default(), block_id: id, signatures }
    }

    /// A block as clients read it.
    pub(super) fn block(&self, height: u64) -> Option<(Id, Block)> {
        let made = self.blocks.get(&height)?;
        let txs = made.body.as_ref()?.txs.iter().map(|tx| tx.to_vec()).collect();
        Some((made.id, Block::new(made.header.clone(), txs, Default::default(), made.last_commit.clone())))
    }
}

fn first() -> ValidatorIndex {
    ValidatorIndex::try_from(0_u32).expect("zero is an index")
}

fn unnamed() -> chain::Id {
    "unnamed".parse().expect("letters are a chain id")
}

pub(super) fn height(height: u64) -> Result<Height, EngineError> {
    Height::try_from(height).map_err(unusual)
}

fn unusual(error: tendermint::Error) -> EngineError {
    EngineError::App(format!("its answer cannot be put in a header: {error}"))
}

fn sha256(bytes: &[u8]) -> Hash {
    Hash::Sha256(Sha256::digest(bytes).into())
}

fn root(leaves: &[Vec<u8>]) -> Hash {
    Hash::Sha256(simple_hash_from_byte_vectors::<Hasher>(leaves))
}

/// The root over the hashes of transactions (CometBFT types/tx.go, `Txs.Hash`).
fn data_hash(txs: &[Bytes]) -> Hash {
    root(&txs.iter().map(|tx| Sha256::digest(tx).to_vec()).collect::<Vec<_>>())
}

fn commit_hash(commit: Option<&Commit>) -> Hash {
    let signatures = commit.map(|commit| commit.signatures.as_slice()).unwrap_or_default();
    let leaves: Vec<Vec<u8>> = signatures
        .iter()
        .map(|signature| tendermint_proto::v0_38::types::CommitSig::from(signature.clone()).encode_to_vec())
        .collect();
    root(&leaves)
}

/// What of a result enters the header (CometBFT types/results.go, `deterministicExecTxResult`).
fn hashed_result(result: &ExecTxResult) -> Vec<u8> {
    ExecTxResult {
        code: result.code,
        data: result.data.clone(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        ..Default::default()
    }
    .encode_to_vec()
}
