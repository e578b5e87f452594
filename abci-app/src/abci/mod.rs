//! The door to the engine: requests in, responses out, on CometBFT's wire types.
//!
//! [`AbciService`] is what an engine needs of an application, so that the transport can be swapped: [`Server`] is one, the
//! embedded sequencer another. Contracts run deep, so whatever may run them is given a thread with a large stack.

mod library;
mod server;
mod socket;

use std::panic::{catch_unwind, AssertUnwindSafe};

use prost::Message as _;
use tendermint_proto::v0_38::abci::{
    request, response, response_apply_snapshot_chunk, response_offer_snapshot,
    response_verify_vote_extension::VerifyStatus, Request, RequestApplySnapshotChunk, RequestCheckTx,
    RequestExtendVote, RequestFinalizeBlock, RequestInfo, RequestInitChain, RequestOfferSnapshot,
    RequestPrepareProposal, RequestProcessProposal, RequestQuery, RequestVerifyVoteExtension, Response,
    ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseEcho, ResponseException, ResponseExtendVote,
    ResponseFinalizeBlock, ResponseFlush, ResponseInfo, ResponseInitChain, ResponseListSnapshots,
    ResponseLoadSnapshotChunk, ResponseOfferSnapshot, ResponsePrepareProposal, ResponseProcessProposal, ResponseQuery,
    ResponseVerifyVoteExtension,
};

use crate::app::{App, AppError};
use crate::deep_stack;

pub use library::Application;
pub use server::{Server, MAX_REQUEST};

/// What an engine asks of an application. Methods that can fail do so only where going on would fork the node.
pub trait AbciService: Send + Sync + 'static {
    /// What is committed.
    fn info(&self, request: RequestInfo) -> ResponseInfo;
    /// Begins the chain.
    ///
    /// # Errors
    /// When the genesis is none.
    fn init_chain(&self, request: RequestInitChain) -> Result<ResponseInitChain, AppError>;
    /// Answers from what is committed.
    fn query(&self, request: RequestQuery) -> ResponseQuery;
    /// Admits a transaction to the mempool.
    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx;
    /// Makes a block.
    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal;
    /// Accepts or refuses a block.
    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal;
    /// Executes a decided block.
    ///
    /// # Errors
    /// When it does not fit what came before, or the state cannot be read.
    fn finalize_block(&self, request: RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, AppError>;
    /// Writes what the block did.
    ///
    /// # Errors
    /// When there is none, or it cannot be written.
    fn commit(&self) -> Result<ResponseCommit, AppError>;

    /// What is added to a vote: nothing on this chain.
    fn extend_vote(&self, _request: RequestExtendVote) -> ResponseExtendVote {
        ResponseExtendVote::default()
    }

    /// Whether what another added to its vote is right: nothing is.
    fn verify_vote_extension(&self, request: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
        let status = if request.vote_extension.is_empty() { VerifyStatus::Accept } else { VerifyStatus::Reject };
        ResponseVerifyVoteExtension { status: status as i32 }
    }

    /// Takes the state of another node. This application has no snapshots, and says so: state sync is to end, where an answer
    /// of 0, "unknown", would be an error of its own (CometBFT v0.38, statesync/syncer.go).
    fn offer_snapshot(&self, _request: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        ResponseOfferSnapshot { result: response_offer_snapshot::Result::Abort as i32 }
    }

    /// Takes a part of such a state, which it never asked for.
    fn apply_snapshot_chunk(&self, _request: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        let result = response_apply_snapshot_chunk::Result::Abort as i32;
        ResponseApplySnapshotChunk { result, ..Default::default() }
    }
}

impl AbciService for App {
    fn info(&self, request: RequestInfo) -> ResponseInfo {
        App::info(self, &request)
    }

    fn init_chain(&self, request: RequestInitChain) -> Result<ResponseInitChain, AppError> {
        deep_stack::run(|| App::init_chain(self, request))
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        contained("Query", || deep_stack::run(|| App::query(self, &request))).unwrap_or_else(|| ResponseQuery {
            code: PANIC.1,
            codespace: PANIC.0.into(),
            log: PANIC.2.into(),
            ..Default::default()
        })
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        // A message runs no contract here; what is asked of contracts goes to a deep stack of its own.
        contained("CheckTx", || App::check_tx(self, &request)).unwrap_or_else(|| {
            // What the mempool's view was left in the middle of is forgotten.
            self.restart_mempool();
            ResponseCheckTx { code: PANIC.1, codespace: PANIC.0.into(), log: PANIC.2.into(), ..Default::default() }
        })
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        deep_stack::run(|| App::prepare_proposal(self, &request))
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        App::process_proposal(self, &request)
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, AppError> {
        deep_stack::run(|| App::finalize_block(self, &request))
    }

    fn commit(&self) -> Result<ResponseCommit, AppError> {
        App::commit(self)
    }
}

/// Codespace, code and sentence of an answer that there is none (cosmos-sdk types/errors, `ErrPanic`).
const PANIC: (&str, u32, &str) = ("undefined", 111_222, "the node could not work on this request; its log says why");

/// Runs a call on which no block depends; `None` if it panicked. The engine would take a connection that ends for the end of the
/// application, and everybody may send such calls.
fn contained<T>(what: &str, call: impl FnOnce() -> T) -> Option<T> {
    let answer = catch_unwind(AssertUnwindSafe(call));
    if answer.is_err() {
        tracing::error!("{what} panicked, which is a defect; only this request fails");
    }
    answer.ok()
}

/// Answers one request.
///
/// # Errors
/// Those of the service's consensus methods.
pub fn dispatch(service: &dyn AbciService, request: Request) -> Result<Response, AppError> {
    use request::Value as Ask;
    use response::Value as Say;
    let Some(ask) = request.value else {
        // A kind of request that a later CometBFT knows: it is told so, and the connection lives on.
        return Ok(exception("this application does not know that kind of request"));
    };
    let say = match ask {
        Ask::Echo(echo) => Say::Echo(ResponseEcho { message: echo.message }),
        Ask::Flush(_) => Say::Flush(ResponseFlush {}),
        Ask::Info(request) => Say::Info(service.info(request)),
        Ask::InitChain(request) => Say::InitChain(service.init_chain(request)?),
        Ask::Query(request) => Say::Query(service.query(request)),
        Ask::CheckTx(request) => Say::CheckTx(service.check_tx(request)),
        Ask::PrepareProposal(request) => Say::PrepareProposal(service.prepare_proposal(request)),
        Ask::ProcessProposal(request) => Say::ProcessProposal(service.process_proposal(request)),
        Ask::FinalizeBlock(request) => Say::FinalizeBlock(service.finalize_block(request)?),
        Ask::Commit(_) => Say::Commit(service.commit()?),
        Ask::ExtendVote(request) => Say::ExtendVote(service.extend_vote(request)),
        Ask::VerifyVoteExtension(request) => Say::VerifyVoteExtension(service.verify_vote_extension(request)),
        Ask::ListSnapshots(_) => Say::ListSnapshots(ResponseListSnapshots::default()),
        Ask::OfferSnapshot(request) => Say::OfferSnapshot(service.offer_snapshot(request)),
        Ask::LoadSnapshotChunk(_) => Say::LoadSnapshotChunk(ResponseLoadSnapshotChunk::default()),
        Ask::ApplySnapshotChunk(request) => Say::ApplySnapshotChunk(service.apply_snapshot_chunk(request)),
    };
    Ok(Response { value: Some(say) })
}

/// The answer that there is none.
fn exception(error: &str) -> Response {
    Response { value: Some(response::Value::Exception(ResponseException { error: error.to_owned() })) }
}

/// Answers one serialised request with a serialised response, as an engine in another process is answered.
///
/// # Errors
/// When the bytes are no request, or those of [`dispatch`].
pub fn dispatch_bytes(service: &dyn AbciService, request: &[u8]) -> Result<Vec<u8>, AppError> {
    let request =
        Request::decode(request).map_err(|error| AppError::Order(format!("the bytes are no ABCI request: {error}")))?;
    Ok(dispatch(service, request)?.encode_to_vec())
}
