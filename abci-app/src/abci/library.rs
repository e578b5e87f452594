//! The same door as `tendermint-abci` has it: its `Application`, for its server.
//!
//! [`Server`](super::Server) is what `bautad` runs: the library's copies all it has read for every window that arrives, which for the
//! mempool of a busy chain is hours, and reads requests of any length. Where requests are small either will do, and a test compares them.

use std::sync::Arc;

use tendermint_proto::v0_38::abci::{
    request, response, Request, RequestApplySnapshotChunk, RequestCheckTx, RequestCommit, RequestEcho,
    RequestExtendVote, RequestFinalizeBlock, RequestFlush, RequestInfo, RequestInitChain, RequestListSnapshots,
    RequestLoadSnapshotChunk, RequestOfferSnapshot, RequestPrepareProposal, RequestProcessProposal, RequestQuery,
    RequestVerifyVoteExtension, ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseEcho,
    ResponseExtendVote, ResponseFinalizeBlock, ResponseFlush, ResponseInfo, ResponseInitChain, ResponseListSnapshots,
    ResponseLoadSnapshotChunk, ResponseOfferSnapshot, ResponsePrepareProposal, ResponseProcessProposal, ResponseQuery,
    ResponseVerifyVoteExtension,
};

use super::server::answer_or_stop;
use super::AbciService;

/// The application for the server of `tendermint-abci`.
#[derive(Clone)]
pub struct Application(pub Arc<dyn AbciService>);

/// Each method of the library is a request and its response.
macro_rules! answered {
    ($($method:ident($kind:ident, $request:ty) -> $response:ty;)*) => {
        impl tendermint_abci::Application for Application {
            $(fn $method(&self, request: $request) -> $response {
                self.answer(request::Value::$kind(request), |answer| match answer {
                    response::Value::$kind(answer) => Some(answer),
                    _ => None,
                })
            })*

            fn flush(&self) -> ResponseFlush {
                self.answer(request::Value::Flush(RequestFlush {}), |answer| match answer {
                    response::Value::Flush(answer) => Some(answer),
                    _ => None,
                })
            }

            fn commit(&self) -> ResponseCommit {
                self.answer(request::Value::Commit(RequestCommit {}), |answer| match answer {
                    response::Value::Commit(answer) => Some(answer),
                    _ => None,
                })
            }

            fn list_snapshots(&self) -> ResponseListSnapshots {
                self.answer(request::Value::ListSnapshots(RequestListSnapshots {}), |answer| match answer {
                    response::Value::ListSnapshots(answer) => Some(answer),
                    _ => None,
                })
            }
        }
    };
}

answered! {
    echo(Echo, RequestEcho) -> ResponseEcho;
    info(Info, RequestInfo) -> ResponseInfo;
    init_chain(InitChain, RequestInitChain) -> ResponseInitChain;
    query(Query, RequestQuery) -> ResponseQuery;
    check_tx(CheckTx, RequestCheckTx) -> ResponseCheckTx;
    prepare_proposal(PrepareProposal, RequestPrepareProposal) -> ResponsePrepareProposal;
    process_proposal(ProcessProposal, RequestProcessProposal) -> ResponseProcessProposal;
    extend_vote(ExtendVote, RequestExtendVote) -> ResponseExtendVote;
    verify_vote_extension(VerifyVoteExtension, RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension;
    finalize_block(FinalizeBlock, RequestFinalizeBlock) -> ResponseFinalizeBlock;
    offer_snapshot(OfferSnapshot, RequestOfferSnapshot) -> ResponseOfferSnapshot;
    load_snapshot_chunk(LoadSnapshotChunk, RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk;
    apply_snapshot_chunk(ApplySnapshotChunk, RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk;
}

impl Application {
    /// What the door answers; a default where it answers with something else, which it does not.
    fn answer<T: Default>(&self, ask: request::Value, read: impl FnOnce(response::Value) -> Option<T>) -> T {
        let response = answer_or_stop(self.0.as_ref(), Request { value: Some(ask) });
        response.value.and_then(read).unwrap_or_default()
    }
}
