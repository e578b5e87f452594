//! The root of an ordered list: RFC 6962's tree hash (section 2.1).

use sha2::{Digest, Sha256};

use crate::context::Root;

/// Tree hash of the leaves in their order: a leaf is `SHA-256(0x00 | leaf)`, a node `SHA-256(0x01 | left | right)`, the
/// left subtree holds the largest power of two below the number of leaves; no leaves give `SHA-256("")`.
pub fn tree_hash<L: AsRef<[u8]>>(leaves: impl IntoIterator<Item = L>) -> Root {
    // A stack of complete subtrees of falling height, merged from the right at the end, is the same tree and needs no
    // recursion.
    let mut stack: Vec<(u32, [u8; 32])> = Vec::new();
    for leaf in leaves {
        let mut node = (0, Sha256::new().chain_update([0]).chain_update(leaf.as_ref()).finalize().into());
        while let Some((height, left)) = stack.last().copied() {
            if height != node.0 {
                break;
            }
            stack.pop();
            node = (height + 1, join(&left, &node.1));
        }
        stack.push(node);
    }
    let Some((_, mut root)) = stack.pop() else {
        return Root::from_bytes(Sha256::digest([]).into());
    };
    while let Some((_, left)) = stack.pop() {
        root = join(&left, &root);
    }
    Root::from_bytes(root)
}

fn join(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}
