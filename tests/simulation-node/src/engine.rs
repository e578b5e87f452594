//! What an engine does with a node, by hand: it offers transactions to the mempool, proposes, decides and commits blocks, and replays
//! what a node has lost that was killed.

use std::collections::VecDeque;
use std::sync::Arc;

use abci_app::abci::AbciService;
use abci_app::app::AppConfig;
use abci_app::conformance::Watch;
use abci_app::genesis::GenesisDoc;
use abci_app::modules::training::store::Records;
use abci_app::store::{Base, Db, DbConfig, Durability, View};
use abci_app::{Node, NodeConfig};
use tempfile::TempDir;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{
    response_process_proposal::ProposalStatus, CommitInfo, ExecTxResult, RequestCheckTx, RequestFinalizeBlock,
    RequestPrepareProposal, RequestProcessProposal, RequestQuery,
};

use crate::disk::Disk;
use crate::wrong;

/// Seconds between blocks: the jail of the contracts, ten minutes, is as long as it is in memory.
const BLOCK_SECONDS: u64 = 24;
/// The time of the genesis.
const GENESIS_SECONDS: u64 = 1_767_225_600;
/// Bytes of a block at most.
const BLOCK_BYTES: i64 = 20 << 20;
/// Of so many blocks one is on the disk for good; a node that is killed loses the others.
const DURABLE_EVERY: u64 = 4;

/// A running node.
struct Live {
    node: Node,
    service: Arc<dyn AbciService>,
    /// Fails the run when the calls come in an order that CometBFT would not use.
    _watch: Watch,
    /// What was committed last.
    records: Records,
}

/// A decided block, and the state's root after it.
struct Decided {
    block: RequestFinalizeBlock,
    app_hash: Vec<u8>,
}

/// A node and its engine.
pub struct Engine {
    /// There is none only while it restarts.
    live: Option<Live>,
    disk: Disk,
    /// The node's folder: codes of contracts.
    home: TempDir,
    /// The block that is made.
    height: u64,
    /// Blocks that a node which is killed may have lost.
    decided: VecDeque<Decided>,
}

impl Engine {
    /// Starts a node from a genesis.
    ///
    /// # Errors
    /// When it does not start.
    pub fn new(genesis: &GenesisDoc) -> Result<Self, String> {
        let (disk, home) = (Disk::default(), TempDir::new().map_err(wrong)?);
        let (mut live, _) = Live::open(&disk, &home)?;
        live.service.init_chain(genesis.init_chain().map_err(wrong)?).map_err(wrong)?;
        live.records = live.committed();
        Ok(Self { live: Some(live), disk, home, height: 1, decided: VecDeque::new() })
    }

    fn live(&self) -> &Live {
        self.live.as_ref().expect("a node is missing only inside `restart`, which fails the run if it does not start")
    }

    /// The state after the last block.
    pub fn view(&self) -> View {
        self.live().view()
    }

    /// The machine's records after the last block.
    pub fn records(&self) -> &Records {
        &self.live().records
    }

    /// The block that is made.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// Its time, in seconds since the Unix epoch.
    pub fn seconds(&self) -> u64 {
        GENESIS_SECONDS + BLOCK_SECONDS * self.height
    }

    /// Whether the mempool takes a transaction.
    pub fn admits(&self, tx: &[u8]) -> bool {
        self.live().service.check_tx(RequestCheckTx { tx: tx.to_vec().into(), r#type: 0 }).code == 0
    }

    /// The answer to a query of what is committed.
    ///
    /// # Errors
    /// The node's.
    pub fn query(&self, path: &str, data: Vec<u8>) -> Result<Vec<u8>, String> {
        let query = RequestQuery { path: path.into(), data: data.into(), height: 0, prove: false };
        let answer = self.live().service.query(query);
        match answer.code {
            0 => Ok(answer.value.to_vec()),
            _ => Err(format!("a query of {path} is not answered: {}", answer.log)),
        }
    }

    /// Proposes, accepts, executes and commits a block of what is offered; the transactions that are in it, with their results.
    ///
    /// # Errors
    /// When the node refuses its own block, or cannot execute it.
    pub fn block(&mut self, offered: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, ExecTxResult)>, String> {
        let (height, time) = (i64::try_from(self.height).map_err(wrong)?, self.time()?);
        let service = &self.live().service;
        let txs = service
            .prepare_proposal(RequestPrepareProposal {
                max_tx_bytes: BLOCK_BYTES,
                txs: offered.iter().map(|tx| tx.clone().into()).collect(),
                height,
                time: Some(time),
                ..Default::default()
            })
            .txs;
        let answer = service.process_proposal(RequestProcessProposal {
            txs: txs.clone(),
            proposed_last_commit: Some(CommitInfo::default()),
            height,
            time: Some(time),
            ..Default::default()
        });
        if answer.status != ProposalStatus::Accept as i32 {
            return Err("a node refuses the block that it proposed".into());
        }
        let block = RequestFinalizeBlock {
            txs: txs.clone(),
            decided_last_commit: Some(CommitInfo::default()),
            height,
            time: Some(time),
            ..Default::default()
        };
        let result = service.finalize_block(block.clone()).map_err(wrong)?;
        service.commit().map_err(wrong)?;
        self.decided.push_back(Decided { block, app_hash: result.app_hash.to_vec() });
        if self.decided.len() as u64 > 2 * DURABLE_EVERY {
            self.decided.pop_front();
        }
        self.height += 1;
        if let Some(live) = &mut self.live {
            live.records = live.committed();
        }
        Ok(txs.into_iter().map(|tx| tx.to_vec()).zip(result.tx_results).collect())
    }

    fn time(&self) -> Result<Timestamp, String> {
        Ok(Timestamp { seconds: i64::try_from(self.seconds()).map_err(wrong)?, nanos: 0 })
    }

    /// Kills the node and starts it again over what is on its disk; what it has lost is executed again, and must come to the same.
    ///
    /// # Errors
    /// When it does not start, has lost more than it may, or comes to another state.
    pub fn restart(&mut self) -> Result<(), String> {
        self.disk = self.disk.after_a_kill();
        self.live = None;
        let (mut live, height) = Live::open(&self.disk, &self.home)?;
        let lost = |decided: &&Decided| decided.block.height > height;
        let last = height.unsigned_abs() + self.decided.iter().filter(lost).count() as u64;
        if last + 1 != self.height {
            return Err(format!("a node that was killed at height {} is at {height}", self.height - 1));
        }
        for decided in self.decided.iter().filter(lost) {
            let result = live.service.finalize_block(decided.block.clone()).map_err(wrong)?;
            live.service.commit().map_err(wrong)?;
            if result.app_hash != decided.app_hash {
                return Err(format!("block {} comes to another state when it is executed again", decided.block.height));
            }
        }
        live.records = live.committed();
        self.live = Some(live);
        Ok(())
    }
}

impl Live {
    /// A node over a disk, as an engine finds it that asks what is committed; and the height of that.
    fn open(disk: &Disk, home: &TempDir) -> Result<(Self, i64), String> {
        let durability = Durability::EveryBlocks(DURABLE_EVERY);
        let config = NodeConfig {
            home: Some(home.path().to_owned()),
            db: DbConfig { durability, keep_heights: 2, cache_bytes: 8 << 20 },
            app: AppConfig::default(),
        };
        let db = Db::with_backend(disk.clone(), config.db.clone()).map_err(wrong)?;
        let node = Node::over(db, &config).map_err(wrong)?;
        let (service, watch) = node.watched();
        let height = service.info(Default::default()).last_block_height;
        let records = Records(View::new(node.app().latest() as Arc<dyn Base>));
        Ok((Self { node, service, _watch: watch, records }, height))
    }

    fn view(&self) -> View {
        View::new(self.node.app().latest() as Arc<dyn Base>)
    }

    fn committed(&self) -> Records {
        Records(self.view())
    }
}
