//! A block executed twice, or after a crash injected at every write, gives the same state.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use abci_app::app::{AppConfig, AppError};
use abci_app::conformance::Watch;
use abci_app::store::{Db, DbConfig, Durability};
use abci_app::{Node, NodeConfig};
use redb::StorageBackend;

use crate::chain::{block, genesis, init_chain, send, Draft, Driven};

mod of_contracts_and_tasks;

/// A disk in memory that dies at a write: that write is torn, and nothing is written afterwards.
#[derive(Debug, Clone, Default)]
struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// What was on it when it was last synced.
    synced: Arc<Mutex<Vec<u8>>>,
    /// Writes left before it dies.
    left: Arc<AtomicU64>,
}

impl Disk {
    fn new() -> Self {
        let disk = Self::default();
        disk.left.store(u64::MAX, Ordering::SeqCst);
        disk
    }

    fn dies_after(&self, writes: u64) {
        self.left.store(writes, Ordering::SeqCst);
    }

    /// How many of the writes after which it dies were made.
    fn written(&self, before: u64) -> u64 {
        before - self.left.load(Ordering::SeqCst)
    }

    fn dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    /// What is found after a restart.
    fn after_restart(&self) -> Self {
        let disk = Self::new();
        *disk.bytes.lock().unwrap() = self.bytes.lock().unwrap().clone();
        disk
    }

    /// What is found after a power cut that took everything since the last sync.
    fn after_power_cut(&self) -> Self {
        let disk = Self::new();
        *disk.bytes.lock().unwrap() = self.synced.lock().unwrap().clone();
        disk
    }

    /// Counts a write; how much of it happens, or an error.
    fn write_one(&self) -> Result<bool, std::io::Error> {
        match self.left.load(Ordering::SeqCst) {
            u64::MAX => Ok(true),
            0 => Err(std::io::Error::other("the disk is dead")),
            left => {
                self.left.store(left - 1, Ordering::SeqCst);
                Ok(left > 1)
            }
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, std::io::Error> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        let bytes = self.bytes.lock().unwrap();
        let start = offset as usize;
        out.copy_from_slice(&bytes[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        self.write_one()?;
        self.bytes.lock().unwrap().resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), std::io::Error> {
        if self.dead() {
            return Err(std::io::Error::other("the disk is dead"));
        }
        *self.synced.lock().unwrap() = self.bytes.lock().unwrap().clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        let whole = self.write_one()?;
        let kept = if whole { data.len() } else { data.len() / 2 };
        let start = offset as usize;
        self.bytes.lock().unwrap()[start..start + kept].copy_from_slice(&data[..kept]);
        Ok(())
    }
}

fn open(disk: &Disk) -> (Node, Watch) {
    open_durable(disk, Durability::EveryBlock)
}

/// A node as an engine finds it that has just started, and so asks what is committed.
fn open_durable(disk: &Disk, durability: Durability) -> (Node, Watch) {
    let config = DbConfig { cache_bytes: 1 << 20, keep_heights: 2, durability };
    watched(Node::over(Db::with_backend(disk.clone(), config).unwrap(), &NodeConfig::default()).unwrap())
}

fn watched(node: Node) -> (Node, Watch) {
    let (service, watch) = node.watched();
    service.info(Default::default());
    (node, watch)
}

type Txs = Vec<Vec<u8>>;

/// Blocks with their app hashes, made on a node that never crashes.
fn reference() -> (abci_app::genesis::GenesisBuilder, Vec<Txs>, Vec<Vec<u8>>) {
    let (mut accounts, builder) = genesis(6);
    let mut chain = Driven::new(builder.clone());
    let mut blocks = Vec::new();
    let mut hashes = Vec::new();
    for n in 0..5u64 {
        let txs: Vec<Vec<u8>> = (0..6)
            .map(|from| {
                let to = accounts[(from + 1) % 6].address();
                let own = accounts[from].address();
                accounts[from].tx(Draft::new(vec![send(&own, &to, 1 + u128::from(n))]))
            })
            .collect();
        hashes.push(chain.block(&txs).app_hash);
        blocks.push(txs);
    }
    (builder, blocks, hashes)
}

#[test]
fn a_node_executes_nothing_behind_the_height_at_which_it_halts() {
    let (_, builder) = genesis(1);
    let app = AppConfig { halt_height: 2, ..AppConfig::default() };
    let mut chain = Driven::over(Node::open(NodeConfig { app, ..NodeConfig::default() }).unwrap(), builder);
    chain.block(&[]);
    chain.block(&[]);
    let refused = chain.node.service().finalize_block(chain.request(&[])).unwrap_err();
    assert!(matches!(refused, AppError::Halted(2)), "{refused}");
}

#[test]
fn two_nodes_agree_and_a_block_executed_twice_gives_the_same_state() {
    let (builder, blocks, hashes) = reference();
    let mut chain = Driven::new(builder);
    for (txs, hash) in blocks.iter().zip(&hashes) {
        let first = chain.node.service().finalize_block(chain.request(txs)).unwrap();
        assert_eq!(first.app_hash, *hash);
        // Another block at this height was executed in between: it leaves nothing behind.
        chain.engine_returns();
        chain.node.service().finalize_block(chain.request(&txs[..1])).unwrap();
        chain.engine_returns();
        let second = chain.node.service().finalize_block(chain.request(txs)).unwrap();
        assert_eq!(first, second);
        chain.node.service().commit().unwrap();
        chain.height += 1;
    }
}

#[test]
fn a_crash_at_any_write_leaves_the_state_before_or_after_the_block() {
    let (builder, blocks, hashes) = reference();
    let disk = Disk::new();
    init_chain(&open(&disk).0, builder);
    for (n, txs) in blocks.iter().enumerate() {
        let height = n as i64 + 1;
        let mut writes = 1;
        loop {
            // The same disk, each time dying one write later, until the commit survives.
            let victim = disk.after_restart();
            {
                let (node, _watch) = open(&victim);
                node.service().finalize_block(block(height, txs)).unwrap();
                victim.dies_after(writes);
                let _ = node.service().commit();
            }
            let died = victim.dead();
            let survivor = victim.after_restart();
            let (node, _watch) = open(&survivor);
            let info = node.service().info(Default::default());
            let (before, after) = (height - 1, height);
            assert!([before, after].contains(&info.last_block_height), "height {height}, write {writes}");
            if info.last_block_height == after {
                assert_eq!(info.last_block_app_hash, hashes[n], "height {height}, write {writes}");
            } else {
                // The engine replays.
                let replayed = node.service().finalize_block(block(height, txs)).unwrap();
                assert_eq!(replayed.app_hash, hashes[n], "height {height}, write {writes}");
                node.service().commit().unwrap();
            }
            if let Some(next) = blocks.get(n + 1) {
                let answer = node.service().finalize_block(block(height + 1, next)).unwrap();
                assert_eq!(answer.app_hash, hashes[n + 1], "height {height}, write {writes}");
            }
            if !died {
                break;
            }
            writes += 1;
        }
        assert!(writes > 5, "the crash was never injected");
        let (node, _watch) = open(&disk);
        node.service().finalize_block(block(height, txs)).unwrap();
        node.service().commit().unwrap();
    }
}

/// From genesis to the last block, dying at each write in turn; whatever is found then, the engine's replay ends alike.
fn die_anywhere_and_replay(durability: Durability) {
    let (builder, blocks, hashes) = reference();
    for writes in 1.. {
        let victim = Disk::new();
        let mut committed = 0;
        {
            let (node, _watch) = open_durable(&victim, durability);
            victim.dies_after(writes);
            let doc = abci_app::genesis::GenesisDoc::read(&builder.clone().build()).unwrap();
            let begun = node.service().init_chain(doc.init_chain().unwrap());
            for (n, txs) in blocks.iter().enumerate().take_while(|_| begun.is_ok()) {
                let executed = node.service().finalize_block(block(n as i64 + 1, txs));
                if executed.is_err() || node.service().commit().is_err() {
                    break;
                }
                committed = n + 1;
            }
        }
        for found in [victim.after_restart(), victim.after_power_cut()] {
            let (node, _watch) = open_durable(&found, durability);
            let info = node.service().info(Default::default());
            let height = info.last_block_height as usize;
            if durability == Durability::EveryBlock {
                assert!(height >= committed, "write {writes}: a block that was committed is gone");
            }
            if height == 0 {
                init_chain(&node, builder.clone());
            } else {
                assert_eq!(info.last_block_app_hash, hashes[height - 1], "write {writes}");
            }
            for n in height..blocks.len() {
                let replayed = node.service().finalize_block(block(n as i64 + 1, &blocks[n])).unwrap();
                assert_eq!(replayed.app_hash, hashes[n], "write {writes}");
                node.service().commit().unwrap();
            }
        }
        if !victim.dead() {
            assert!(writes > 10, "the crash was never injected");
            return;
        }
    }
}

#[test]
fn a_crash_at_any_write_since_genesis_is_replayed() {
    die_anywhere_and_replay(Durability::EveryBlock);
}

#[test]
fn a_crash_is_replayed_when_only_some_blocks_are_durable() {
    die_anywhere_and_replay(Durability::EveryBlocks(3));
}

#[test]
fn a_state_on_disk_goes_on_where_it_stood() {
    let (builder, blocks, hashes) = reference();
    let folder = tempfile::tempdir().unwrap();
    let config = NodeConfig { home: Some(folder.path().into()), ..NodeConfig::default() };
    init_chain(&watched(Node::open(config.clone()).unwrap()).0, builder);
    for (n, txs) in blocks.iter().enumerate() {
        let (node, _watch) = watched(Node::open(config.clone()).unwrap());
        let info = node.service().info(Default::default());
        assert_eq!(info.last_block_height, n as i64);
        assert_eq!(node.service().finalize_block(block(n as i64 + 1, txs)).unwrap().app_hash, hashes[n]);
        node.service().commit().unwrap();
    }
}

#[test]
fn a_folder_has_one_node() {
    let folder = tempfile::tempdir().unwrap();
    let config = NodeConfig { home: Some(folder.path().into()), ..NodeConfig::default() };
    let _first = Node::open(config.clone()).unwrap();
    assert!(Node::open(config).is_err());
}

#[test]
fn calls_out_of_order_are_refused() {
    let (_, builder) = genesis(1);
    let doc = abci_app::genesis::GenesisDoc::read(&builder.clone().build()).unwrap();
    let node = Node::open(NodeConfig::default()).unwrap();
    assert!(node.service().finalize_block(block(1, &[])).is_err());
    assert!(node.service().commit().is_err());
    init_chain(&node, builder);
    assert!(node.service().commit().is_err());
    assert!(node.service().finalize_block(block(2, &[])).is_err());
    node.service().finalize_block(block(1, &[])).unwrap();
    node.service().commit().unwrap();
    let before = node.service().info(Default::default());
    assert!(node.service().commit().is_err());
    assert!(node.service().finalize_block(block(1, &[])).is_err());
    assert!(node.service().init_chain(doc.init_chain().unwrap()).is_err());
    assert_eq!(node.service().info(Default::default()), before, "and change nothing");
    assert!(node.recorder().wrong_call().is_some());
}

#[test]
fn what_was_executed_over_another_genesis_is_not_committed() {
    let (_, builder) = genesis(2);
    let chain = Driven::new(builder);
    chain.node.service().finalize_block(chain.request(&[])).unwrap();
    let (_, another) = genesis(3);
    let app_hash = init_chain(&chain.node, another);
    // Not in an engine's order, and so past the watch.
    assert!(chain.node.app().commit().is_err(), "the block was not executed over this genesis");
    let info = chain.node.service().info(Default::default());
    assert_eq!((info.last_block_height, app_hash.len()), (0, 32));
}
