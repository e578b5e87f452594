//! CometBFT, as far as an application can see it: it asks what is committed when it starts, replays what is missing, and then calls
//! as scheduled.

use abci_app::abci::{dispatch, dispatch_bytes};
use abci_app::conformance::{Call, Watch};
use abci_app::genesis::GenesisDoc;
use abci_app::store::Durability;
use abci_app::{Node, NodeConfig};
use prost::bytes::Bytes;
use prost::Message as _;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use tendermint_proto::v0_38::abci::{
    request, response, Request, RequestApplySnapshotChunk, RequestCheckTx, RequestCommit, RequestEcho,
    RequestExtendVote, RequestFinalizeBlock, RequestFlush, RequestInfo, RequestInitChain, RequestListSnapshots,
    RequestLoadSnapshotChunk, RequestOfferSnapshot, RequestPrepareProposal, RequestProcessProposal, RequestQuery,
    RequestVerifyVoteExtension, Response, ResponseFinalizeBlock,
};

use super::contents::{no_transaction, Senders};
use super::schedule::{Run, Schedule};
use crate::chain::{block, genesis, Driven};

const ACCEPT: i32 = 1;
const REJECT: i32 = 2;
const ABORT: i32 = 2;

/// What schedules have been through.
#[derive(Debug, Default)]
pub struct Seen {
    heights: usize,
    replayed: usize,
    several_rounds: usize,
    crashes: usize,
    refused: usize,
    transactions: usize,
}

impl Seen {
    pub fn add(&mut self, other: &Self) {
        self.heights += other.heights;
        self.replayed += other.replayed;
        self.several_rounds += other.several_rounds;
        self.crashes += other.crashes;
        self.refused += other.refused;
        self.transactions += other.transactions;
    }

    pub fn is_plenty(&self) {
        let least = [
            self.heights / 200,
            self.replayed / 15,
            self.several_rounds / 25,
            self.crashes / 120,
            self.refused / 20,
            self.transactions / 400,
        ];
        assert!(least.iter().all(|times| *times > 0), "{self:?}");
    }
}

/// A block that was decided, and what it came to on the node that is given decided blocks alone.
struct Decided {
    request: RequestFinalizeBlock,
    answer: ResponseFinalizeBlock,
}

/// A node and its engine.
pub struct Engine {
    config: NodeConfig,
    init_chain: RequestInitChain,
    node: Option<(Node, Watch)>,
    /// Is given the decided blocks, and asked for those of other proposers.
    peer: Driven,
    senders: Senders,
    rng: ChaCha20Rng,
    decided: Vec<Decided>,
    committed: usize,
    /// Whether a block is executed and not committed.
    executed: bool,
    /// Blocks of this height that were accepted.
    accepted: Vec<Vec<Bytes>>,
    /// What the proposer that we are has just made.
    own: Option<Vec<Bytes>>,
    rounds: usize,
    seen: Seen,
}

impl Engine {
    /// Plays a schedule on a node in a folder of its own.
    pub fn play(schedule: &Schedule) -> Seen {
        let folder = tempfile::tempdir().unwrap();
        let (accounts, builder) = genesis(4);
        let init_chain = GenesisDoc::read(&builder.clone().build()).unwrap().init_chain().unwrap();
        let mut config = NodeConfig { home: Some(folder.path().into()), ..NodeConfig::default() };
        config.db.durability = match schedule.durable_every {
            1 => Durability::EveryBlock,
            blocks => Durability::EveryBlocks(blocks),
        };
        let mut engine = Self {
            config,
            init_chain,
            node: None,
            peer: Driven::new(builder),
            senders: Senders::new(accounts),
            rng: ChaCha20Rng::seed_from_u64(schedule.seed),
            decided: Vec::new(),
            committed: 0,
            executed: false,
            accepted: Vec::new(),
            own: None,
            rounds: 0,
            seen: Seen::default(),
        };
        for run in &schedule.runs {
            engine.open(schedule.durable_every);
            engine.run(run);
            // The crash: what was not committed is gone.
            engine.node = None;
            engine.seen.crashes += 1;
        }
        engine.open(schedule.durable_every);
        engine.handshake().into_iter().for_each(|call| engine.call(call));
        assert_eq!(engine.committed, engine.decided.len(), "nothing that was decided is lost");
        engine.questions(20);
        engine.seen.heights = engine.decided.len();
        engine.seen
    }

    /// Opens the folder, as `bautad start` does.
    fn open(&mut self, durable_every: u64) {
        let node = Node::open(self.config.clone()).unwrap();
        let (_, watch) = node.watched();
        let found = node.app().info(&RequestInfo::default()).last_block_height as usize;
        assert!(
            found <= self.committed && self.committed - found < durable_every as usize,
            "{found} of {}",
            self.committed
        );
        self.committed = found;
        self.executed = false;
        self.own = None;
        self.node = Some((node, watch));
    }

    fn node(&self) -> &Node {
        &self.node.as_ref().unwrap().0
    }

    /// One call, on serialised bytes, and its answer.
    fn ask(&self, value: request::Value) -> response::Value {
        let bytes = Request { value: Some(value) }.encode_to_vec();
        let answer = dispatch_bytes(self.node().service().as_ref(), &bytes).unwrap();
        Response::decode(answer.as_slice()).unwrap().value.unwrap()
    }

    /// What an engine calls first: it asks what is committed, begins the chain if nothing is, and replays the blocks that the node lacks.
    fn handshake(&self) -> Vec<Call> {
        let mut calls = vec![Call::Info];
        if self.committed == 0 {
            calls.push(Call::InitChain);
        }
        calls.extend([Call::FinalizeBlock, Call::Commit].repeat(self.decided.len() - self.committed));
        calls
    }

    /// An engine's calls, whose first is the grammar's word for the handshake, until it crashes.
    fn run(&mut self, run: &Run) {
        let calls = [self.handshake().as_slice(), &run.calls[1..]].concat();
        let made = run.cut(&calls);
        for call in made {
            self.call(*call);
            if self.rng.gen_bool(0.3) {
                self.questions(1);
            }
            if self.rng.gen_bool(0.1) {
                self.calls_out_of_order();
            }
        }
        // It may have decided, and saved what it decided, and not come to tell.
        let next = calls.get(made.len());
        if next == Some(&Call::FinalizeBlock) && self.committed == self.decided.len() && self.rng.gen() {
            self.decide();
        }
    }

    fn call(&mut self, call: Call) {
        let before = self.own.take();
        match call {
            Call::InitChain => {
                let answer = self.ask(request::Value::InitChain(self.init_chain.clone()));
                assert!(matches!(answer, response::Value::InitChain(answer) if answer.app_hash.len() == 32));
            }
            Call::Info => self.info(),
            Call::OfferSnapshot => {
                let answer = self.ask(request::Value::OfferSnapshot(RequestOfferSnapshot::default()));
                assert!(matches!(answer, response::Value::OfferSnapshot(answer) if answer.result == ABORT));
            }
            Call::ApplySnapshotChunk => {
                let answer = self.ask(request::Value::ApplySnapshotChunk(RequestApplySnapshotChunk::default()));
                assert!(matches!(answer, response::Value::ApplySnapshotChunk(answer) if answer.result == ABORT));
            }
            Call::PrepareProposal => self.prepare(),
            Call::ProcessProposal => self.process(before),
            Call::ExtendVote => {
                let answer = self.ask(request::Value::ExtendVote(RequestExtendVote::default()));
                assert!(matches!(answer, response::Value::ExtendVote(answer) if answer.vote_extension.is_empty()));
            }
            Call::VerifyVoteExtension => {
                let vote_extension = if self.rng.gen() { Bytes::new() } else { Bytes::from_static(b"more") };
                let expected = if vote_extension.is_empty() { ACCEPT } else { REJECT };
                let request = RequestVerifyVoteExtension { vote_extension, ..Default::default() };
                let answer = self.ask(request::Value::VerifyVoteExtension(request));
                assert!(matches!(answer, response::Value::VerifyVoteExtension(answer) if answer.status == expected));
            }
            Call::FinalizeBlock => self.finalize(),
            Call::Commit => self.commit(),
        }
    }

    fn height(&self) -> i64 {
        self.committed as i64 + 1
    }

    fn prepare(&mut self) {
        self.rounds += 1;
        let offered = self.senders.offer(&mut self.rng);
        let max_tx_bytes = *[0, 500, 1 << 20].choose(&mut self.rng).unwrap();
        let request = preparation(self.height(), &offered, max_tx_bytes);
        let response::Value::PrepareProposal(answer) = self.ask(request::Value::PrepareProposal(request)) else {
            panic!("another answer")
        };
        assert!(answer.txs.iter().all(|tx| offered.iter().any(|offered| tx == offered)), "a transaction from nowhere");
        assert!(answer.txs.iter().map(Bytes::len).sum::<usize>() as i64 <= max_tx_bytes);
        self.own = Some(answer.txs);
    }

    /// Its own proposal where there is one, or that of another proposer, who may be no correct one.
    fn process(&mut self, own: Option<Vec<Bytes>>) {
        let own = own.filter(|_| self.rng.gen_bool(0.8));
        self.rounds += usize::from(own.is_none());
        let (txs, correct) = match own {
            Some(own) => (own, true),
            None => {
                let offered = self.senders.offer(&mut self.rng);
                let mut txs = self.peer.node.app().prepare_proposal(&preparation(self.height(), &offered, 1 << 20)).txs;
                let correct = self.rng.gen_bool(0.7);
                if !correct {
                    // Twice the same, or no transaction at all.
                    let wrong = match txs.choose(&mut self.rng) {
                        Some(tx) if self.rng.gen() => tx.clone(),
                        _ => no_transaction(&mut self.rng).into(),
                    };
                    txs.insert(self.rng.gen_range(0..=txs.len()), wrong);
                }
                (txs, correct)
            }
        };
        let request = RequestProcessProposal { txs: txs.clone(), height: self.height(), ..Default::default() };
        let response::Value::ProcessProposal(answer) = self.ask(request::Value::ProcessProposal(request)) else {
            panic!("another answer")
        };
        assert_eq!(answer.status, if correct { ACCEPT } else { REJECT });
        self.seen.refused += usize::from(!correct);
        if correct {
            self.accepted.push(txs);
        }
    }

    /// Executes the block that is decided, or decides on one: one of this height's, or one that this node has not seen before,
    /// when the others had their rounds without it.
    fn finalize(&mut self) {
        if self.committed == self.decided.len() {
            self.decide();
        } else {
            self.seen.replayed += 1;
        }
        let decided = &self.decided[self.committed];
        let response::Value::FinalizeBlock(answer) = self.ask(request::Value::FinalizeBlock(decided.request.clone()))
        else {
            panic!("another answer")
        };
        assert_eq!(answer, decided.answer, "height {}", self.height());
        self.executed = true;
    }

    fn decide(&mut self) {
        self.seen.several_rounds += usize::from(self.rounds > 1);
        let chosen = self.accepted.choose(&mut self.rng).cloned().filter(|_| self.rng.gen_bool(0.9));
        let txs: Vec<Vec<u8>> = match chosen {
            Some(txs) => txs.iter().map(|tx| tx.to_vec()).collect(),
            // As two thirds of the others may decide that are not correct.
            None => self.senders.offer(&mut self.rng),
        };
        let request = block(self.height(), &txs);
        let service = self.peer.node.service();
        let answer = service.finalize_block(request.clone()).unwrap();
        service.commit().unwrap();
        self.peer.height += 1;
        assert_eq!(answer.tx_results.len(), txs.len());
        for (tx, result) in txs.iter().zip(&answer.tx_results) {
            if result.code == 0 {
                self.senders.executed(tx);
                self.seen.transactions += 1;
            }
        }
        self.decided.push(Decided { request, answer });
    }

    fn commit(&mut self) {
        assert!(matches!(self.ask(request::Value::Commit(RequestCommit {})), response::Value::Commit(_)));
        self.committed += 1;
        self.executed = false;
        self.accepted.clear();
        self.rounds = 0;
        self.info();
    }

    /// Whenever it is asked, a node says what is committed.
    fn info(&mut self) {
        let response::Value::Info(info) = self.ask(request::Value::Info(RequestInfo::default())) else {
            panic!("another answer")
        };
        assert_eq!(info.last_block_height as usize, self.committed);
        let hash = self.committed.checked_sub(1).map(|at| self.decided[at].answer.app_hash.clone());
        assert_eq!(info.last_block_app_hash, hash.unwrap_or_default());
    }

    /// What comes on the other connections, at any time.
    fn questions(&mut self, count: usize) {
        for _ in 0..count {
            match self.rng.gen_range(0..7) {
                0 => self.info(),
                1 => self.check_tx(),
                2 | 3 => self.query(),
                4 => {
                    let answer = self.ask(request::Value::ListSnapshots(RequestListSnapshots {}));
                    assert!(matches!(answer, response::Value::ListSnapshots(answer) if answer.snapshots.is_empty()));
                    let answer = self.ask(request::Value::LoadSnapshotChunk(RequestLoadSnapshotChunk::default()));
                    assert!(matches!(answer, response::Value::LoadSnapshotChunk(answer) if answer.chunk.is_empty()));
                }
                5 => {
                    let answer = self.ask(request::Value::Echo(RequestEcho { message: "there".into() }));
                    assert!(matches!(answer, response::Value::Echo(answer) if answer.message == "there"));
                }
                _ => {
                    assert!(matches!(self.ask(request::Value::Flush(RequestFlush {})), response::Value::Flush(_)));
                }
            }
        }
    }

    fn check_tx(&mut self) {
        let offered = self.senders.offer(&mut self.rng);
        let recheck = i32::from(self.rng.gen_bool(0.3));
        for tx in offered.iter().cloned().chain([no_transaction(&mut self.rng)]) {
            let is_one = offered.contains(&tx) && self.peer.check(&tx).code != 2;
            let request = RequestCheckTx { tx: tx.into(), r#type: recheck };
            let response::Value::CheckTx(answer) = self.ask(request::Value::CheckTx(request)) else {
                panic!("another answer")
            };
            assert!(answer.code == 0 || !answer.codespace.is_empty());
            assert!(is_one || answer.code != 0, "what is no transaction is not admitted");
        }
    }

    /// A balance with its proof, at any height: as the other node gives it, or not yet.
    fn query(&mut self) {
        let who = self.senders.somebody(&mut self.rng);
        let who = abci_app::address::Address::parse(&who, "bauta").unwrap();
        let height = self.rng.gen_range(1..=self.height());
        let request = RequestQuery {
            path: "store/bank/key".into(),
            data: abci_app::modules::bank::keys::balance(&who, "ubauta").into(),
            height,
            prove: true,
        };
        let response::Value::Query(answer) = self.ask(request::Value::Query(request.clone())) else {
            panic!("another answer")
        };
        if height as usize <= self.committed {
            assert_eq!(answer.code, 0, "{}", answer.log);
            assert_eq!(answer, self.peer.node.app().query(&request), "height {height}");
        } else {
            assert_ne!(answer.code, 0, "height {height} is not committed");
        }
    }

    /// Calls that no engine makes here are refused, and what is refused changes nothing. Past the watch, which knows them.
    fn calls_out_of_order(&mut self) {
        let app = self.node().app();
        let refused = |value: request::Value| dispatch(app.as_ref(), Request { value: Some(value) }).is_err();
        for height in [self.height() - 1, self.height() + 1] {
            assert!(refused(request::Value::FinalizeBlock(block(height, &[]))));
            let proposal = RequestProcessProposal { height, ..Default::default() };
            assert_eq!(app.process_proposal(&proposal).status, REJECT);
        }
        if !self.executed {
            assert!(refused(request::Value::Commit(RequestCommit {})));
        }
        if self.committed > 0 {
            assert!(refused(request::Value::InitChain(self.init_chain.clone())));
        }
        self.info();
    }
}

fn preparation(height: i64, offered: &[Vec<u8>], max_tx_bytes: i64) -> RequestPrepareProposal {
    RequestPrepareProposal { txs: block(height, offered).txs, max_tx_bytes, height, ..Default::default() }
}
