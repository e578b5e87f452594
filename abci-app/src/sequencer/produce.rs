//! The engine's thread: one block after the other.

use std::sync::Arc;

use prost::bytes::Bytes;
use prost::Message as _;
use tendermint::block::Header;
use tendermint_proto::v0_38::abci::{
    request, response, response_process_proposal::ProposalStatus, CommitInfo, Request, RequestCommit,
    RequestFinalizeBlock, RequestInfo, RequestPrepareProposal, RequestProcessProposal, ResponseFinalizeBlock,
};

use super::{lock, BlockTime, DecidedBlock, EngineError, OnBlock, Shared};

/// Makes blocks when they are due.
pub(super) struct Producer {
    pub(super) shared: Arc<Shared>,
    pub(super) time: BlockTime,
    pub(super) on_block: Option<OnBlock>,
}

/// Asks the application where it stands, and begins the chain if it stands nowhere.
pub(super) fn begin(shared: &Shared) -> Result<(), EngineError> {
    let info = match shared.call(request::Value::Info(RequestInfo::default()))? {
        response::Value::Info(info) => info,
        _ => return Err(EngineError::App("it answers Info with something else".into())),
    };
    let mut chain = lock(&shared.chain);
    if info.last_block_height == 0 {
        let request = shared.doc.init_chain()?;
        match shared.call(request::Value::InitChain(request))? {
            response::Value::InitChain(begun) => chain.app_hash = begun.app_hash.to_vec(),
            _ => return Err(EngineError::App("it answers InitChain with something else".into())),
        }
    } else {
        chain.app_hash = info.last_block_app_hash.to_vec();
        chain.height = info.last_block_height.unsigned_abs();
    }
    shared.pace.passed(chain.height);
    shared.height.send_replace(chain.height);
    Ok(())
}

/// A panic of the application is not survived, and nobody waits for ever because of it.
struct StopsAll(Arc<Shared>);

impl Drop for StopsAll {
    fn drop(&mut self) {
        self.0.pace.stop("its thread has ended");
        // Wakes all who wait; they find it stopped.
        self.0.height.send_modify(|_| {});
    }
}

impl Producer {
    pub(super) fn run(mut self) {
        let _stops = StopsAll(Arc::clone(&self.shared));
        while self.shared.pace.due() {
            if let Err(error) = self.make() {
                tracing::error!(%error, "the engine stops");
                self.shared.pace.stop(&error.to_string());
            }
        }
    }

    fn make(&mut self) -> Result<(), EngineError> {
        let shared = Arc::clone(&self.shared);
        let (height, time) = {
            let chain = lock(&shared.chain);
            (chain.height + 1, chain.time(chain.height + 1, self.time))
        };
        let offered = lock(&shared.mempool).reap(height, shared.pace.is_lockstep());
        let txs = propose(&shared, height, time, offered)?;
        let header = lock(&shared.chain).next_header(&txs, time)?;
        accept(&shared, &header, &txs)?;
        let (request, results) = execute(&shared, &header, &txs)?;
        let app_hash = results.app_hash.to_vec();
        {
            let mut mempool = lock(&shared.mempool);
            match shared.call(request::Value::Commit(RequestCommit {}))? {
                response::Value::Commit(_) => {}
                _ => return Err(EngineError::App("it answers Commit with something else".into())),
            }
            lock(&shared.chain).add(header, txs.clone(), results)?;
            shared.update_mempool(&mut mempool, &txs)?;
        }
        if let Some(on_block) = &mut self.on_block {
            let txs = txs.iter().map(|tx| tx.to_vec()).collect();
            on_block(&DecidedBlock { height, txs, request, app_hash });
        }
        // Last: who waited sees the block, its results and the mempool after it.
        shared.pace.passed(height);
        shared.height.send_replace(height);
        Ok(())
    }
}

fn propose(
    shared: &Shared,
    height: u64,
    time: tendermint::Time,
    offered: Vec<Bytes>,
) -> Result<Vec<Bytes>, EngineError> {
    let max_bytes = shared.doc.consensus().block.map_or(-1, |block| block.max_bytes);
    let proposer = lock(&shared.chain).proposer();
    let request = RequestPrepareProposal {
        // CometBFT's own parts of a block come off (types/block.go, `MaxDataBytes`).
        max_tx_bytes: if max_bytes < 0 { 104_857_600 } else { max_bytes } - 2_048,
        txs: offered,
        height: i64::try_from(height).unwrap_or(i64::MAX),
        time: Some(time.into()),
        proposer_address: proposer.as_bytes().to_vec().into(),
        ..Default::default()
    };
    match shared.call(request::Value::PrepareProposal(request))? {
        response::Value::PrepareProposal(proposal) => Ok(proposal.txs),
        _ => Err(EngineError::App("it answers PrepareProposal with something else".into())),
    }
}

fn accept(shared: &Shared, header: &Header, txs: &[Bytes]) -> Result<(), EngineError> {
    let request = RequestProcessProposal {
        txs: txs.to_vec(),
        proposed_last_commit: Some(CommitInfo::default()),
        misbehavior: Vec::new(),
        hash: header.hash().as_bytes().to_vec().into(),
        height: header.height.into(),
        time: Some(header.time.into()),
        next_validators_hash: header.next_validators_hash.as_bytes().to_vec().into(),
        proposer_address: header.proposer_address.as_bytes().to_vec().into(),
    };
    match shared.call(request::Value::ProcessProposal(request))? {
        response::Value::ProcessProposal(answer) if answer.status == ProposalStatus::Accept as i32 => Ok(()),
        _ => Err(EngineError::App("it refuses the proposal that it made".into())),
    }
}

fn execute(shared: &Shared, header: &Header, txs: &[Bytes]) -> Result<(Vec<u8>, ResponseFinalizeBlock), EngineError> {
    let request = RequestFinalizeBlock {
        txs: txs.to_vec(),
        decided_last_commit: Some(CommitInfo::default()),
        misbehavior: Vec::new(),
        hash: header.hash().as_bytes().to_vec().into(),
        height: header.height.into(),
        time: Some(header.time.into()),
        next_validators_hash: header.next_validators_hash.as_bytes().to_vec().into(),
        proposer_address: header.proposer_address.as_bytes().to_vec().into(),
    };
    let bytes = Request { value: Some(request::Value::FinalizeBlock(request)) }.encode_to_vec();
    match shared.call_bytes(&bytes)? {
        response::Value::FinalizeBlock(results) if results.tx_results.len() == txs.len() => Ok((bytes, results)),
        _ => Err(EngineError::App("it answers FinalizeBlock with something else".into())),
    }
}
