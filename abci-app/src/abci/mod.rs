//! The door to the engine: requests in, responses out, on CometBFT's wire types.
//!
//! [`AbciService`] is what an engine needs of an application, so that the transport can be swapped: the server of
//! `tendermint-abci` is one, the embedded sequencer another. Contracts run deep, so whatever may run them is given a
//! thread with a large stack.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use prost::Message as _;
use tendermint_proto::v0_38::abci::{
    request, response, response_verify_vote_extension::VerifyStatus, Request, RequestApplySnapshotChunk,
    RequestCheckTx, RequestEcho, RequestExtendVote, RequestFinalizeBlock, RequestInfo, RequestInitChain,
    RequestLoadSnapshotChunk, RequestOfferSnapshot, RequestPrepareProposal, RequestProcessProposal, RequestQuery,
    RequestVerifyVoteExtension, Response, ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseEcho,
    ResponseException, ResponseExtendVote, ResponseFinalizeBlock, ResponseFlush, ResponseInfo, ResponseInitChain,
    ResponseListSnapshots, ResponseLoadSnapshotChunk, ResponseOfferSnapshot, ResponsePrepareProposal,
    ResponseProcessProposal, ResponseQuery, ResponseVerifyVoteExtension,
};

use crate::app::{App, AppError};
use crate::deep_stack;

/// The server's read window: its decoder copies the whole buffer for each attempt, so a large window is slow for many
/// small messages and a small one for large blocks.
pub const READ_WINDOW: usize = 128 * 1024;

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
        let error = "this application does not know that kind of request".to_string();
        return Ok(Response { value: Some(Say::Exception(ResponseException { error })) });
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
        // Votes carry no extensions on this chain, and snapshots are not offered.
        Ask::ExtendVote(_) => Say::ExtendVote(ResponseExtendVote::default()),
        Ask::VerifyVoteExtension(request) => Say::VerifyVoteExtension(verify_extension(&request)),
        Ask::ListSnapshots(_) => Say::ListSnapshots(ResponseListSnapshots::default()),
        Ask::OfferSnapshot(_) => Say::OfferSnapshot(ResponseOfferSnapshot::default()),
        Ask::LoadSnapshotChunk(_) => Say::LoadSnapshotChunk(ResponseLoadSnapshotChunk::default()),
        Ask::ApplySnapshotChunk(_) => Say::ApplySnapshotChunk(ResponseApplySnapshotChunk::default()),
    };
    Ok(Response { value: Some(say) })
}

fn verify_extension(request: &RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
    let status = if request.vote_extension.is_empty() { VerifyStatus::Accept } else { VerifyStatus::Reject };
    ResponseVerifyVoteExtension { status: status as i32 }
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

/// The application behind the server of `tendermint-abci`.
#[derive(Clone)]
pub struct Server(pub Arc<dyn AbciService>);

/// Runs a call of the consensus connection. The server would keep the process alive after a panic, with a state that
/// nobody can vouch for; and an error has no place in the answer. Both stop the process.
fn or_stop<T>(what: &str, call: impl FnOnce() -> Result<T, AppError>) -> T {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::error!(%error, "{what} failed; the node stops, because it could only fork from the others");
            std::process::exit(70)
        }
        Err(_) => {
            tracing::error!("{what} panicked; the node stops, because its state cannot be trusted");
            std::process::abort()
        }
    }
}

impl tendermint_abci::Application for Server {
    fn echo(&self, request: RequestEcho) -> ResponseEcho {
        ResponseEcho { message: request.message }
    }

    fn info(&self, request: RequestInfo) -> ResponseInfo {
        self.0.info(request)
    }

    fn init_chain(&self, request: RequestInitChain) -> ResponseInitChain {
        or_stop("InitChain", || self.0.init_chain(request))
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        self.0.query(request)
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        self.0.check_tx(request)
    }

    fn commit(&self) -> ResponseCommit {
        or_stop("Commit", || self.0.commit())
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        or_stop("PrepareProposal", || Ok(self.0.prepare_proposal(request)))
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        or_stop("ProcessProposal", || Ok(self.0.process_proposal(request)))
    }

    fn extend_vote(&self, _request: RequestExtendVote) -> ResponseExtendVote {
        ResponseExtendVote::default()
    }

    fn verify_vote_extension(&self, request: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
        verify_extension(&request)
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        or_stop("FinalizeBlock", || self.0.finalize_block(request))
    }

    fn offer_snapshot(&self, _request: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        ResponseOfferSnapshot::default()
    }

    fn load_snapshot_chunk(&self, _request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        ResponseLoadSnapshotChunk::default()
    }

    fn apply_snapshot_chunk(&self, _request: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        ResponseApplySnapshotChunk::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_request_and_not_the_connection() {
        assert_eq!(contained("Query", || 7), Some(7));
        assert_eq!(contained("Query", || deep_stack::run::<u8>(|| panic!("on purpose"))), None);
    }
}
