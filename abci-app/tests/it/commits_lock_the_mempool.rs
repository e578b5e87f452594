use std::sync::{mpsc, Arc, Mutex};
use std::time::Duration;

use abci_app::abci::AbciService;
use abci_app::app::AppError;
use abci_app::sequencer::{Engine, EngineConfig, Pacing};
use abci_app::{Node, NodeConfig};
use tendermint_proto::v0_38::abci::{
    RequestCheckTx, RequestFinalizeBlock, RequestInfo, RequestInitChain, RequestPrepareProposal,
    RequestProcessProposal, RequestQuery, ResponseCheckTx, ResponseCommit, ResponseFinalizeBlock, ResponseInfo,
    ResponseInitChain, ResponsePrepareProposal, ResponseProcessProposal, ResponseQuery,
};
use tendermint_rpc::Client;

use crate::chain::{genesis, send, Draft};

/// How long somebody has to send what the commit is to wait for. It cannot arrive in time where the mempool is locked.
const PATIENCE: Duration = Duration::from_millis(500);

/// An application that tells when it has committed, and goes on when it hears that somebody has sent something meanwhile, or after a while.
struct TellsOfCommits {
    inner: Arc<dyn AbciService>,
    committed: mpsc::SyncSender<()>,
    sent: Mutex<mpsc::Receiver<()>>,
}

impl AbciService for TellsOfCommits {
    fn info(&self, request: RequestInfo) -> ResponseInfo {
        self.inner.info(request)
    }

    fn init_chain(&self, request: RequestInitChain) -> Result<ResponseInitChain, AppError> {
        self.inner.init_chain(request)
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        self.inner.query(request)
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        self.inner.check_tx(request)
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        self.inner.prepare_proposal(request)
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        self.inner.process_proposal(request)
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, AppError> {
        self.inner.finalize_block(request)
    }

    fn commit(&self) -> Result<ResponseCommit, AppError> {
        let answer = self.inner.commit();
        // Whoever listens does so once.
        if self.committed.try_send(()).is_ok() {
            let _ = self.sent.lock().unwrap().recv_timeout(PATIENCE);
        }
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_comes_during_a_commit_is_not_dropped_after_it() {
    let (mut accounts, builder) = genesis(2);
    let node = Node::open(NodeConfig::default()).unwrap();
    let (inner, _watch) = node.watched();
    let (committed, hears) = mpsc::sync_channel(1);
    let (tells, sent) = mpsc::channel();
    let service = TellsOfCommits { inner, committed, sent: Mutex::new(sent) };
    let config = EngineConfig { pacing: Pacing::Immediate, ..EngineConfig::new(builder.build()) };
    let engine = Engine::start(Arc::new(service), config).unwrap();
    let client = engine.client();

    let to = accounts[1].address();
    let mut transfer = |account: usize| {
        let from = accounts[account].address();
        accounts[account].tx(Draft::new(vec![send(&from, &to, 1)]))
    };
    let (first, second) = (transfer(0), transfer(1));
    // Somebody who sends at the moment of the commit.
    let late = engine.client();
    let sender = tokio::task::spawn_blocking(move || {
        let told = hears.recv_timeout(Duration::from_secs(30));
        let answer = tokio::runtime::Handle::current().block_on(late.broadcast_tx_sync(second));
        let _ = tells.send(());
        told.map(|()| answer)
    });
    client.broadcast_tx_commit(first).await.unwrap();
    let answer = sender.await.unwrap().unwrap().unwrap();
    assert!(answer.code.is_ok(), "{}", answer.log);
    let mut found = client.tx(answer.hash, false).await;
    for _ in 0..100 {
        if found.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        found = client.tx(answer.hash, false).await;
    }
    assert!(found.is_ok(), "it was taken, and is in no block: {found:?}");
}
