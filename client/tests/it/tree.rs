//! The state's trees in memory, as the node keeps them: a Jellyfish Merkle tree of the store's keys, and one of the stores' roots.

use std::collections::BTreeMap;

use ics23::CommitmentProof;
use jmt::storage::{HasPreimage, LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Sha256Jmt, Version};
use prost::Message as _;
use serde_json::{json, Value};
use sha2::Sha256;

pub type State = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Default)]
struct Tree {
    nodes: BTreeMap<NodeKey, Node>,
    leaves: BTreeMap<[u8; 32], (Vec<u8>, Vec<u8>)>,
}

impl Tree {
    fn of(entries: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> (Self, [u8; 32]) {
        let mut tree = Self::default();
        let mut set = Vec::new();
        for (key, value) in entries {
            let hash = KeyHash::with::<Sha256>(&key);
            set.push((hash, Some(value.clone())));
            tree.leaves.insert(hash.0, (key, value));
        }
        let (root, batch) = Sha256Jmt::new(&tree).put_value_set(set, 0).unwrap();
        let nodes: Vec<_> = batch.node_batch.nodes().iter().map(|(key, node)| (key.clone(), node.clone())).collect();
        tree.nodes.extend(nodes);
        (tree, root.0)
    }

    fn prove(&self, key: &[u8]) -> (Option<Vec<u8>>, CommitmentProof) {
        Sha256Jmt::new(self).get_with_ics23_proof(key.to_vec(), 0).unwrap()
    }
}

impl TreeReader for Tree {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.nodes.get(key).cloned())
    }

    fn get_value_option(&self, _: Version, hash: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.leaves.get(&hash.0).map(|(_, value)| value.clone()))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

impl HasPreimage for Tree {
    fn preimage(&self, hash: KeyHash) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.leaves.get(&hash.0).map(|(key, _)| key.clone()))
    }
}

const STORE: &[u8] = b"training";

fn trees(state: &State) -> (Tree, Tree, [u8; 32]) {
    let anchor = (vec![0], b"training".to_vec());
    let (inner, root) = Tree::of(state.clone().into_iter().chain([anchor]));
    let others = [(b"auth".to_vec(), vec![1; 32]), (b"bank".to_vec(), vec![2; 32])];
    let (main, app_hash) = Tree::of([(STORE.to_vec(), root.to_vec())].into_iter().chain(others));
    (inner, main, app_hash)
}

/// What the header after a block commits to.
pub fn app_hash(state: &State) -> [u8; 32] {
    trees(state).2
}

/// The value under a key, and the two operations as `abci_query` writes them.
pub fn prove(state: &State, key: &[u8]) -> (Vec<u8>, Value) {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD;
    let (inner, main, _) = trees(state);
    let (value, of_key) = inner.prove(key);
    let (_, of_store) = main.prove(STORE);
    let op = |key: &[u8], proof: CommitmentProof| json!({"type": "ics23:jmt", "key": base64.encode(key), "data": base64.encode(proof.encode_to_vec())});
    (value.unwrap_or_default(), json!({ "ops": [op(key, of_key), op(STORE, of_store)] }))
}
