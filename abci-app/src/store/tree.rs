//! What the app hash commits to: a Jellyfish Merkle tree a store, and the main tree over the stores' roots.
//!
//! Keys go into a store's tree as they are (hashed by it), values too. The main tree holds each store's root under the
//! store's name; its root is the app hash. A store's tree gets a new version only in blocks that change it, so a block
//! without changes leaves the app hash alone. Every tree holds one entry of its own under [`ANCHOR`], so that none is
//! empty and the absence of any other key can be proven.

use jmt::storage::{HasPreimage, LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Sha256Jmt, Version};
use sha2::Sha256;

use super::disk::{StaleRow, StoreError};
use super::{Changes, Snapshot, Store};

/// The key under which each store's tree holds the store's name; no module's key starts with a zero byte.
pub const ANCHOR: &[u8] = b"\0store";

/// The main tree's place in keys on disk, behind those of the stores.
const MAIN: u8 = 0xff;

type Row = (Vec<u8>, Vec<u8>);

/// What a block does to the trees: rows to write, and the app hash that results.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// The root of the main tree.
    pub app_hash: [u8; 32],
    pub(super) nodes: Vec<Row>,
    pub(super) values: Vec<Row>,
    pub(super) roots: Vec<Row>,
    pub(super) stale: Vec<Row>,
}

/// A value, or its absence, with the two proofs that lead to the app hash.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The value; `None` when absent.
    pub value: Option<Vec<u8>>,
    /// Of the key, or of its absence, in the store's tree.
    pub store: ics23::CommitmentProof,
    /// Of the store's root in the main tree.
    pub main: ics23::CommitmentProof,
}

/// A commitment to all stores, so that another tree could take this one's place.
pub trait Commitment {
    /// The trees after `changes`, made in the block of `height`.
    ///
    /// # Errors
    /// When the trees cannot be read.
    fn apply(&self, changes: &Changes, height: u64) -> Result<Update, StoreError>;

    /// A value, or its absence, in the state after the block of `height`, proven against its app hash.
    ///
    /// # Errors
    /// When that state is not kept, or the trees cannot be read.
    fn prove(&self, store: Store, key: &[u8], height: u64) -> Result<Proof, StoreError>;
}

/// The trees of a committed state.
pub struct Trees<'a>(&'a Snapshot, bool);

impl<'a> Trees<'a> {
    /// The trees of a snapshot.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        Self(snapshot, false)
    }

    /// Empty trees, for a genesis over whatever the snapshot holds.
    pub fn empty(snapshot: &'a Snapshot) -> Self {
        Self(snapshot, true)
    }

    fn tree(&self, tree: u8) -> Tree<'_> {
        Tree { snapshot: self.0, tree, empty: self.1 }
    }
}

impl Commitment for Trees<'_> {
    fn apply(&self, changes: &Changes, height: u64) -> Result<Update, StoreError> {
        let mut update = Update::default();
        let mut roots = Vec::new();
        for store in Store::ALL.into_iter().filter(|store| store.is_committed()) {
            let tree = self.tree(store.index() as u8);
            let mut set: Vec<(Vec<u8>, Option<Vec<u8>>)> =
                changes.of(store).iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            if tree.root(height)?.is_none() {
                set.push((ANCHOR.to_vec(), Some(store.name().as_bytes().to_vec())));
            }
            if let Some(root) = tree.put(set, height, &mut update)? {
                roots.push((store.name().as_bytes().to_vec(), Some(root.to_vec())));
            }
        }
        let main = self.tree(MAIN);
        update.app_hash = match main.put(roots, height, &mut update)? {
            Some(root) => root,
            None => main.root(height)?.ok_or(StoreError::Corrupt("main tree"))?.hash,
        };
        Ok(update)
    }

    fn prove(&self, store: Store, key: &[u8], height: u64) -> Result<Proof, StoreError> {
        let last = self.0.last();
        if !store.is_committed() || height < last.oldest || height > last.height {
            return Err(StoreError::NotKept { asked: height, oldest: last.oldest, newest: last.height });
        }
        let (value, store_proof) = self.tree(store.index() as u8).prove(key.to_vec(), height)?;
        let (_, main) = self.tree(MAIN).prove(store.name().as_bytes().to_vec(), height)?;
        Ok(Proof { value, store: store_proof, main })
    }
}

/// A tree's root, and the height and version that made it.
struct Root {
    height: u64,
    version: Version,
    hash: [u8; 32],
}

struct Tree<'a> {
    snapshot: &'a Snapshot,
    tree: u8,
    empty: bool,
}

impl Tree<'_> {
    fn row(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut row = vec![self.tree];
        parts.iter().for_each(|part| row.extend_from_slice(part));
        row
    }

    fn node_row(&self, key: &NodeKey) -> Result<Vec<u8>, StoreError> {
        Ok(self.row(&[&borsh::to_vec(key).map_err(|error| StoreError::Tree(error.to_string()))?]))
    }

    /// The root after the block of `height`.
    fn root(&self, height: u64) -> Result<Option<Root>, StoreError> {
        if self.empty {
            return Ok(None);
        }
        let (from, to) = (self.row(&[&[0; 8]]), self.row(&[&height.to_be_bytes()]));
        let Some((row, value)) = self.snapshot.newest_root(&from, &to)? else { return Ok(None) };
        let corrupt = || StoreError::Corrupt("root of a tree");
        let (version, hash) = value.split_first_chunk::<8>().ok_or_else(corrupt)?;
        Ok(Some(Root {
            height: row.last_chunk::<8>().map(|at| u64::from_be_bytes(*at)).ok_or_else(corrupt)?,
            version: u64::from_be_bytes(*version),
            hash: hash.try_into().map_err(|_| corrupt())?,
        }))
    }

    /// Puts and deletes; the new root, or `None` when there was nothing to do.
    fn put(
        &self,
        set: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        height: u64,
        update: &mut Update,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        if set.is_empty() {
            return Ok(None);
        }
        let before = self.root(height)?;
        let version = before.as_ref().map_or(0, |root| root.version + 1);
        let mut leaves = Vec::with_capacity(set.len());
        for (key, value) in set {
            let hash = KeyHash::with::<Sha256>(&key);
            let (from, to) = self.value_rows(&hash, version);
            if !self.empty {
                if let Some((old, _)) = self.snapshot.newest_value(&from, &to)? {
                    update.stale.push(StaleRow::Value.since(height, &old));
                }
            }
            if let Some(value) = &value {
                update.values.push((to, value_bytes(&key, value)));
            }
            leaves.push((hash, value));
        }
        let (root, batch) = Sha256Jmt::new(self)
            .put_value_set(leaves, version)
            .map_err(|error| StoreError::Tree(format!("{error:#}")))?;
        for (key, node) in batch.node_batch.nodes() {
            let node = borsh::to_vec(node).map_err(|error| StoreError::Tree(error.to_string()))?;
            update.nodes.push((self.node_row(key)?, node));
        }
        for stale in &batch.stale_node_index_batch {
            update.stale.push(StaleRow::Node.since(height, &self.node_row(&stale.node_key)?));
        }
        if let Some(before) = before {
            update.stale.push(StaleRow::Root.since(height, &self.row(&[&before.height.to_be_bytes()])));
        }
        let mut value = version.to_be_bytes().to_vec();
        value.extend_from_slice(&root.0);
        update.roots.push((self.row(&[&height.to_be_bytes()]), value));
        Ok(Some(root.0))
    }

    fn prove(&self, key: Vec<u8>, height: u64) -> Result<(Option<Vec<u8>>, ics23::CommitmentProof), StoreError> {
        let root = self.root(height)?.ok_or(StoreError::Corrupt("root of a tree"))?;
        Sha256Jmt::new(self)
            .get_with_ics23_proof(key, root.version)
            .map_err(|error| StoreError::Tree(format!("{error:#}")))
    }

    /// The first and last row that a key's values up to a version may have.
    fn value_rows(&self, hash: &KeyHash, version: Version) -> (Vec<u8>, Vec<u8>) {
        (self.row(&[&hash.0, &[0; 8]]), self.row(&[&hash.0, &version.to_be_bytes()]))
    }

    fn newest(&self, hash: &KeyHash, version: Version) -> anyhow::Result<Option<(Vec<u8>, Vec<u8>)>> {
        if self.empty {
            return Ok(None);
        }
        let (from, to) = self.value_rows(hash, version);
        match self.snapshot.newest_value(&from, &to)? {
            Some((_, bytes)) => Ok(Some(key_and_value(&bytes)?)),
            None => Ok(None),
        }
    }
}

fn value_bytes(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + key.len() + value.len());
    // A key is at most 64 KiB and a few bytes: contracts' keys are the longest.
    bytes.extend_from_slice(&(key.len() as u32).to_be_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
    bytes
}

fn key_and_value(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    let corrupt = StoreError::Corrupt("value of a tree");
    let Some((len, rest)) = bytes.split_first_chunk::<4>() else { return Err(corrupt) };
    let len = u32::from_be_bytes(*len) as usize;
    match (rest.get(..len), rest.get(len..)) {
        (Some(key), Some(value)) => Ok((key.to_vec(), value.to_vec())),
        _ => Err(corrupt),
    }
}

impl TreeReader for Tree<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        if self.empty {
            return Ok(None);
        }
        match self.snapshot.node(&self.node_row(key)?)? {
            Some(bytes) => Ok(Some(borsh::from_slice(&bytes)?)),
            None => Ok(None),
        }
    }

    fn get_value_option(&self, version: Version, hash: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.newest(&hash, version)?.map(|(_, value)| value))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        // Asked only while a tree is restored from chunks, which goes through trees of its own.
        Ok(None)
    }
}

impl HasPreimage for Tree<'_> {
    fn preimage(&self, hash: KeyHash) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.newest(&hash, Version::MAX)?.map(|(key, _)| key))
    }
}
