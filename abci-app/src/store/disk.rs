//! The database: everything a block changed is written in one transaction, or not at all.

use std::path::Path;
use std::sync::Arc;

use redb::{Database, ReadableDatabase, StorageBackend, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Changes, Snapshot, Store, Update};
use crate::files;

pub(super) type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// The stores themselves, in the order of [`Store::ALL`].
pub(super) const STORES: [Table; Store::ALL.len()] = [
    TableDefinition::new("store/app"),
    TableDefinition::new("store/auth"),
    TableDefinition::new("store/bank"),
    TableDefinition::new("store/blobs"),
    TableDefinition::new("store/training"),
    TableDefinition::new("store/wasm"),
];
/// Tree | key of a node -> node.
pub(super) const NODES: Table = TableDefinition::new("tree/nodes");
/// Tree | hash of a key | be64 version -> key and value, for proofs.
pub(super) const VALUES: Table = TableDefinition::new("tree/values");
/// Tree | be64 height -> be64 version and root.
pub(super) const ROOTS: Table = TableDefinition::new("tree/roots");
/// be64 height | table | key: what no state from that height on needs.
pub(super) const STALE: Table = TableDefinition::new("tree/stale");
const META: Table = TableDefinition::new("meta");
const LAST: &[u8] = b"last";

/// Rows of [`STALE`] that one commit removes at most, so that a shortened history does not stop the node.
const PRUNED_PER_COMMIT: usize = 50_000;

/// Why the state cannot be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error("another bautad uses it; stop that one first, or name another folder with --home")]
    InUse,
    /// The database.
    #[error("the state's database fails: {0}")]
    Database(Box<redb::Error>),
    /// The trees.
    #[error("the state's Merkle tree fails: {0}")]
    Tree(String),
    /// A record that this program did not write.
    #[error("the database holds a {0} that cannot be read; restore it from a copy or another node")]
    Corrupt(&'static str),
    /// A height whose state is not kept.
    #[error("the state of height {asked} is not kept; heights {oldest} to {newest} are")]
    NotKept {
        /// What was asked for.
        asked: u64,
        /// The oldest.
        oldest: u64,
        /// The newest.
        newest: u64,
    },
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// When a commit is on the disk for good. An older state that a crash leaves is whole in any case: the engine replays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// With every block.
    EveryBlock,
    /// With every n-th block; the others stay in memory until then.
    EveryBlocks(u64),
}

/// How the database is kept.
#[derive(Debug, Clone)]
pub struct DbConfig {
    /// When a commit is on the disk for good.
    pub durability: Durability,
    /// How many heights below the last one can still be proven.
    pub keep_heights: u64,
    /// Bytes of cache.
    pub cache_bytes: usize,
}

impl Default for DbConfig {
    fn default() -> Self {
        Self { durability: Durability::EveryBlock, keep_heights: 1_000, cache_bytes: 128 << 20 }
    }
}

/// The last committed block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBlock {
    /// Its height; one below the initial height after genesis.
    pub height: u64,
    /// The state's root after it, hex.
    pub app_hash: String,
    /// Its time, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// The chain.
    pub chain_id: String,
    /// The first height of the chain.
    pub initial_height: u64,
    /// The oldest height whose state can be proven.
    pub oldest: u64,
}

impl LastBlock {
    /// The app hash; empty before genesis.
    pub fn app_hash(&self) -> Vec<u8> {
        hex::decode(&self.app_hash).unwrap_or_default()
    }

    /// Whether a block was committed, not only a genesis.
    pub fn has_blocks(&self) -> bool {
        self.initial_height > 0 && self.height >= self.initial_height
    }
}

/// The state on disk.
pub struct Db {
    database: Database,
    config: DbConfig,
}

impl Db {
    /// Opens or creates a file. The file is locked while it is open.
    ///
    /// # Errors
    /// When the file is locked, is no database or cannot be read.
    pub fn open(path: &Path, config: DbConfig) -> Result<Self, StoreError> {
        let open = || redb::Builder::new().set_cache_size(config.cache_bytes).create(path);
        let is_taken = |error: &redb::DatabaseError| matches!(error, redb::DatabaseError::DatabaseAlreadyOpen);
        let database = files::patiently(open, is_taken);
        let database = database.map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse,
            other => other.into(),
        })?;
        Self::prepare(database, config)
    }

    /// A database in memory.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn in_memory(config: DbConfig) -> Result<Self, StoreError> {
        Self::with_backend(redb::backends::InMemoryBackend::new(), config)
    }

    /// A database on a backend of the caller's; this is where tests let writes fail.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn with_backend(backend: impl StorageBackend, config: DbConfig) -> Result<Self, StoreError> {
        let database = redb::Builder::new().set_cache_size(config.cache_bytes).create_with_backend(backend)?;
        Self::prepare(database, config)
    }

    fn prepare(database: Database, config: DbConfig) -> Result<Self, StoreError> {
        let write = database.begin_write()?;
        for table in STORES.into_iter().chain([NODES, VALUES, ROOTS, STALE, META]) {
            write.open_table(table)?;
        }
        write.commit()?;
        Ok(Self { database, config })
    }

    /// The last committed state; what is committed later does not change it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        let read = self.database.begin_read()?;
        let last = match read.open_table(META)?.get(LAST)? {
            Some(bytes) => {
                serde_json::from_slice(bytes.value()).map_err(|_| StoreError::Corrupt("record of the last block"))?
            }
            None => LastBlock::default(),
        };
        Snapshot::open(&read, last).map(Arc::new)
    }

    /// Replaces everything by the state of a genesis.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn reset(&self, genesis: LastBlock, changes: &Changes, update: &Update) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        for table in STORES.into_iter().chain([NODES, VALUES, ROOTS, STALE, META]) {
            write.delete_table(table)?;
        }
        self.write(&write, genesis, changes, update)?;
        write.commit()?;
        Ok(())
    }

    /// Writes what a block changed.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn commit(&self, mut last: LastBlock, changes: &Changes, update: &Update) -> Result<(), StoreError> {
        let mut write = self.database.begin_write()?;
        if let Durability::EveryBlocks(n) = self.config.durability {
            if !last.height.is_multiple_of(n.max(1)) {
                write.set_durability(redb::Durability::None)?;
            }
        }
        let oldest = last.height.saturating_sub(self.config.keep_heights);
        last.oldest = last.oldest.max(oldest);
        let oldest = last.oldest;
        self.write(&write, last, changes, update)?;
        prune(&write, oldest)?;
        write.commit()?;
        Ok(())
    }

    fn write(
        &self,
        write: &WriteTransaction,
        last: LastBlock,
        changes: &Changes,
        update: &Update,
    ) -> Result<(), StoreError> {
        for store in Store::ALL {
            let mut table = write.open_table(STORES[store.index()])?;
            for (key, value) in changes.of(store) {
                match value {
                    Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                    None => drop(table.remove(key.as_slice())?),
                }
            }
        }
        for (definition, rows) in
            [(NODES, &update.nodes), (VALUES, &update.values), (ROOTS, &update.roots), (STALE, &update.stale)]
        {
            let mut table = write.open_table(definition)?;
            for (key, value) in rows {
                table.insert(key.as_slice(), value.as_slice())?;
            }
        }
        let last = serde_json::to_vec(&last).map_err(|_| StoreError::Corrupt("record of the last block"))?;
        write.open_table(META)?.insert(LAST, last.as_slice())?;
        Ok(())
    }
}

/// Which table a row of [`STALE`] is about.
#[derive(Clone, Copy)]
pub(super) enum StaleRow {
    Node = 0,
    Value = 1,
    Root = 2,
}

impl StaleRow {
    /// The row that says: from `height` on, nobody needs `key`.
    pub(super) fn since(self, height: u64, key: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut row = height.to_be_bytes().to_vec();
        row.push(self as u8);
        row.extend_from_slice(key);
        (row, Vec::new())
    }
}

/// Removes what no height from `oldest` on needs.
fn prune(write: &WriteTransaction, oldest: u64) -> Result<(), StoreError> {
    let mut stale = write.open_table(STALE)?;
    let mut nodes = write.open_table(NODES)?;
    let mut values = write.open_table(VALUES)?;
    let mut roots = write.open_table(ROOTS)?;
    let end = oldest.saturating_add(1).to_be_bytes();
    for _ in 0..PRUNED_PER_COMMIT {
        let first = match stale.pop_first()? {
            Some((row, _)) => row.value().to_vec(),
            None => break,
        };
        if first.as_slice() >= end.as_slice() {
            stale.insert(first.as_slice(), [].as_slice())?;
            break;
        }
        let Some((kind, key)) = first.get(8..).and_then(<[u8]>::split_first) else { continue };
        match kind {
            0 => drop(nodes.remove(key)?),
            1 => drop(values.remove(key)?),
            _ => drop(roots.remove(key)?),
        }
    }
    Ok(())
}
