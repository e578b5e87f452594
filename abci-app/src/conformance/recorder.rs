//! Keeping watch over the order of calls while a node runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestCheckTx, RequestExtendVote, RequestFinalizeBlock, RequestInfo, RequestInitChain,
    RequestOfferSnapshot, RequestPrepareProposal, RequestProcessProposal, RequestQuery, RequestVerifyVoteExtension,
    ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseExtendVote, ResponseFinalizeBlock,
    ResponseInfo, ResponseInitChain, ResponseOfferSnapshot, ResponsePrepareProposal, ResponseProcessProposal,
    ResponseQuery, ResponseVerifyVoteExtension,
};

use super::grammar::Call;
use super::recogniser::{Recogniser, WrongCall};
use crate::abci::AbciService;
use crate::app::AppError;

/// A service in front of another: shows each call that has a place to a [`Recogniser`], and passes every call on.
///
/// A wrong call is logged as a warning and passed on as well. Whether it can be answered is the application's to say, which
/// refuses what it could only fork on ([`AppError::Order`]); the rest does no harm.
pub struct Recorder {
    service: Arc<dyn AbciService>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    recogniser: Recogniser,
    wrong: Option<WrongCall>,
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// Watches from here on, as over an engine that starts.
    pub fn new(service: Arc<dyn AbciService>) -> Self {
        Self { service, seen: Arc::default() }
    }

    /// The first call that CometBFT would not have made.
    pub fn wrong_call(&self) -> Option<WrongCall> {
        lock(&self.seen).wrong.clone()
    }

    /// For a test, which fails when it drops the watch after a call that CometBFT would not have made.
    pub fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.seen))
    }

    fn record(&self, call: Call) {
        let mut seen = lock(&self.seen);
        if let Err(wrong) = seen.recogniser.take(call) {
            tracing::warn!("{wrong}");
            seen.wrong.get_or_insert(wrong);
        }
    }
}

impl AbciService for Recorder {
    fn info(&self, request: RequestInfo) -> ResponseInfo {
        self.record(Call::Info);
        self.service.info(request)
    }

    fn init_chain(&self, request: RequestInitChain) -> Result<ResponseInitChain, AppError> {
        self.record(Call::InitChain);
        self.service.init_chain(request)
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        self.service.query(request)
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        self.service.check_tx(request)
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        self.record(Call::PrepareProposal);
        self.service.prepare_proposal(request)
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        self.record(Call::ProcessProposal);
        self.service.process_proposal(request)
    }

    fn extend_vote(&self, request: RequestExtendVote) -> ResponseExtendVote {
        self.record(Call::ExtendVote);
        self.service.extend_vote(request)
    }

    fn verify_vote_extension(&self, request: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
        self.record(Call::VerifyVoteExtension);
        self.service.verify_vote_extension(request)
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, AppError> {
        self.record(Call::FinalizeBlock);
        self.service.finalize_block(request)
    }

    fn commit(&self) -> Result<ResponseCommit, AppError> {
        self.record(Call::Commit);
        self.service.commit()
    }

    fn offer_snapshot(&self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        self.record(Call::OfferSnapshot);
        self.service.offer_snapshot(request)
    }

    fn apply_snapshot_chunk(&self, request: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        self.record(Call::ApplySnapshotChunk);
        self.service.apply_snapshot_chunk(request)
    }
}

/// Held by a test: when it is dropped, every call so far must have been one that CometBFT makes. It does not keep the service that it
/// watches. Bind it before the engine, so that the engine has ended by then.
#[must_use = "dropped at once, it has seen nothing"]
pub struct Watch(Arc<Mutex<Seen>>);

impl Drop for Watch {
    fn drop(&mut self) {
        // A test that fails already says why.
        if std::thread::panicking() {
            return;
        }
        let wrong = lock(&self.0).wrong.take();
        if let Some(wrong) = wrong {
            panic!("{wrong}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers nothing of its own.
    struct Silent;

    impl AbciService for Silent {
        fn info(&self, _request: RequestInfo) -> ResponseInfo {
            ResponseInfo::default()
        }
        fn init_chain(&self, _request: RequestInitChain) -> Result<ResponseInitChain, AppError> {
            Ok(ResponseInitChain::default())
        }
        fn query(&self, _request: RequestQuery) -> ResponseQuery {
            ResponseQuery::default()
        }
        fn check_tx(&self, _request: RequestCheckTx) -> ResponseCheckTx {
            ResponseCheckTx::default()
        }
        fn prepare_proposal(&self, _request: RequestPrepareProposal) -> ResponsePrepareProposal {
            ResponsePrepareProposal::default()
        }
        fn process_proposal(&self, _request: RequestProcessProposal) -> ResponseProcessProposal {
            ResponseProcessProposal::default()
        }
        fn finalize_block(&self, _request: RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, AppError> {
            Ok(ResponseFinalizeBlock::default())
        }
        fn commit(&self) -> Result<ResponseCommit, AppError> {
            Ok(ResponseCommit::default())
        }
    }

    /// Every request that has a place in the grammar, sent as an engine in another process sends it.
    fn call(service: &dyn AbciService, call: Call) {
        use tendermint_proto::v0_38::abci::{request::Value as Ask, Request, RequestCommit};
        let ask = match call {
            Call::InitChain => Ask::InitChain(RequestInitChain::default()),
            Call::OfferSnapshot => Ask::OfferSnapshot(RequestOfferSnapshot::default()),
            Call::ApplySnapshotChunk => Ask::ApplySnapshotChunk(RequestApplySnapshotChunk::default()),
            Call::Info => Ask::Info(RequestInfo::default()),
            Call::PrepareProposal => Ask::PrepareProposal(RequestPrepareProposal::default()),
            Call::ProcessProposal => Ask::ProcessProposal(RequestProcessProposal::default()),
            Call::ExtendVote => Ask::ExtendVote(RequestExtendVote::default()),
            Call::VerifyVoteExtension => Ask::VerifyVoteExtension(RequestVerifyVoteExtension::default()),
            Call::FinalizeBlock => Ask::FinalizeBlock(RequestFinalizeBlock::default()),
            Call::Commit => Ask::Commit(RequestCommit {}),
        };
        assert_eq!(Call::of(&ask), Some(call));
        crate::abci::dispatch(service, Request { value: Some(ask) }).expect("an answer");
    }

    #[test]
    fn every_call_of_the_grammar_is_recorded() {
        for recorded in Call::ALL {
            let recorder = Recorder::new(Arc::new(Silent));
            call(&recorder, recorded);
            assert_eq!(lock(&recorder.seen).recogniser.recent(), [recorded]);
        }
    }

    #[test]
    fn the_first_wrong_call_is_kept_and_fails_who_watches() {
        let recorder = Recorder::new(Arc::new(Silent));
        let watch = recorder.watch();
        [Call::Info, Call::InitChain, Call::FinalizeBlock].into_iter().for_each(|one| call(&recorder, one));
        assert_eq!(recorder.wrong_call(), None);
        [Call::FinalizeBlock, Call::Commit, Call::Commit].into_iter().for_each(|one| call(&recorder, one));
        let wrong = recorder.wrong_call().expect("a block was executed twice");
        assert_eq!((wrong.call, wrong.number), (Call::FinalizeBlock, 4));
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(watch)));
        let said = failed.expect_err("it fails");
        assert_eq!(said.downcast_ref::<String>(), Some(&wrong.to_string()));
    }
}
