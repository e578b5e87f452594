//! Blocks that store codes, run contracts, and write and release blobs: two nodes agree, and a crash at a write is survived.
//!
//! Codes lie in files beside the database. A restart finds them as they were; a power cut leaves those that were flushed, and
//! nothing of what was compiled from them.

use std::collections::BTreeSet;
use std::path::Path;

use abci_app::genesis::GenesisDoc;
use bauta_schema::type_url;
use rand::seq::SliceRandom as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use tempfile::TempDir;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseFinalizeBlock};

use super::*;
use crate::a_task_is_trained::{decided, Decided};

/// Crashes of one block; fewer if it has fewer writes.
const CRASHES: usize = 3;

fn copied(from: &Path, to: &Path, take: &dyn Fn(&Path) -> bool) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copied(&path, &target, take);
        } else if take(&path) {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// A node's disk and its folder.
struct Place {
    disk: Disk,
    home: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { disk: Disk::new(), home: TempDir::new().unwrap() }
    }

    fn with(disk: Disk, from: &Path, take: &dyn Fn(&Path) -> bool) -> Self {
        let home = TempDir::new().unwrap();
        copied(from, home.path(), take);
        Self { disk, home }
    }

    fn after_restart(&self) -> Self {
        Self::with(self.disk.after_restart(), self.home.path(), &|_| true)
    }

    fn after_power_cut(&self) -> Self {
        let flushed = |file: &Path| file.extension().is_some_and(|end| end == "wasm");
        Self::with(self.disk.after_power_cut(), self.home.path(), &flushed)
    }

    fn open(&self) -> (Node, Watch) {
        let config = DbConfig { cache_bytes: 1 << 20, keep_heights: 2, durability: Durability::EveryBlock };
        let db = Db::with_backend(self.disk.clone(), config).unwrap();
        let home = Some(self.home.path().to_path_buf());
        watched(Node::over(db, &NodeConfig { home, ..NodeConfig::default() }).unwrap())
    }
}

fn execute(node: &Node, decided: &Decided, n: usize) -> ResponseFinalizeBlock {
    let answer = node.service().finalize_block(Decided::request(&decided.blocks[n])).unwrap();
    assert_eq!(answer.app_hash, decided.blocks[n].app_hash, "block {}", n + 1);
    answer
}

/// What is found after a crash in the commit of block `n` is the state before or after it, and the chain goes on from there.
fn goes_on(found: &Place, decided: &Decided, n: usize, write: u64) {
    let (node, _watch) = found.open();
    let info = node.service().info(Default::default());
    let height = usize::try_from(info.last_block_height).unwrap();
    assert!([n, n + 1].contains(&height), "block {}, write {write}: found {height}", n + 1);
    if height > 0 {
        assert_eq!(info.last_block_app_hash, decided.blocks[height - 1].app_hash, "block {}, write {write}", n + 1);
    }
    // Two blocks more, so that what the crashed one wrote is read again.
    for next in (height..decided.blocks.len()).take(n + 2 - height) {
        execute(&node, decided, next);
        node.service().commit().unwrap();
    }
}

/// The first block of each kind of message, and those in which the round and the epoch end.
fn interesting(decided: &Decided) -> BTreeSet<usize> {
    let kinds: Vec<BTreeSet<String>> = decided
        .blocks
        .iter()
        .map(|block| Decided::messages(block).into_iter().map(|message| message.type_url).collect())
        .collect();
    let firsts =
        (0..kinds.len()).filter(|n| kinds[*n].iter().any(|kind| kinds[..*n].iter().all(|k| !k.contains(kind))));
    let unmasked = kinds.iter().rposition(|kinds| kinds.contains(type_url::UNMASK)).unwrap();
    firsts.chain([unmasked, unmasked + 1, kinds.len() - 1]).collect()
}

/// How many of the blobs there are.
fn kept(node: &Node, blobs: &[[u8; 32]]) -> usize {
    let is_kept = |hash: &&[u8; 32]| {
        let data = [b"b", hash.as_slice()].concat().into();
        let answer = node.service().query(RequestQuery { path: "store/blobs/key".into(), data, ..Default::default() });
        assert_eq!(answer.code, 0, "{}", answer.log);
        !answer.value.is_empty()
    };
    blobs.iter().filter(is_kept).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_agree_on_the_blocks_of_a_task_and_a_crash_at_a_write_is_survived() {
    let decided = decided().await;
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let interesting = interesting(&decided);
    let place = Place::new();
    {
        let (node, _watch) = place.open();
        let doc = GenesisDoc::read(&decided.genesis).unwrap();
        node.service().init_chain(doc.init_chain().unwrap()).unwrap();
    }
    let chunks = decided.chunks();
    let (mut crashes, mut before, mut written, mut released) = (0, 0, false, false);
    for n in 0..decided.blocks.len() {
        if interesting.contains(&n) {
            let counted = place.after_restart();
            let writes = {
                let (node, _watch) = counted.open();
                let first = execute(&node, &decided, n);
                node.service().info(Default::default());
                assert_eq!(execute(&node, &decided, n), first, "a block executed twice");
                const MANY: u64 = 1 << 40;
                counted.disk.dies_after(MANY);
                node.service().commit().unwrap();
                counted.disk.written(MANY)
            };
            let mut at: Vec<u64> = (1..=writes).collect();
            at.shuffle(&mut rng);
            for write in at.into_iter().take(CRASHES) {
                let victim = place.after_restart();
                {
                    let (node, _watch) = victim.open();
                    execute(&node, &decided, n);
                    victim.disk.dies_after(write);
                    let _ = node.service().commit();
                }
                assert!(victim.disk.dead(), "seed {seed}, block {}: write {write} of {writes} was never made", n + 1);
                goes_on(&victim.after_restart(), &decided, n, write);
                goes_on(&victim.after_power_cut(), &decided, n, write);
                crashes += 1;
            }
        }
        let (node, _watch) = place.open();
        execute(&node, &decided, n);
        node.service().commit().unwrap();
        let after = kept(&node, &chunks);
        written |= after > before && interesting.contains(&n);
        released |= after < before && interesting.contains(&n);
        before = after;
    }
    println!("{crashes} crashes in {} of {} blocks", interesting.len(), decided.blocks.len());
    assert!(written && released, "no crash where chunks are written, or where they are released");
}
