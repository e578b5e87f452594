//! Proofs of the state: two ICS-23 operations, from the key to its store's root and from the store's name to the app hash of the next
//! block's header.

use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, HashOp, HostFunctionsManager, InnerSpec, LeafOp, LengthOp, ProofSpec};
use prost::Message;
use tendermint::merkle::proof::ProofOp;

/// What every operation's type says.
const KIND: &str = "ics23:jmt";

/// How the trees of this chain hash: Jellyfish Merkle trees under SHA-256, see the ICS-23 specification's `ProofSpec`.
fn spec() -> ProofSpec {
    const INNER: &[u8] = b"JMT::IntrnalNode";
    let inner = i32::try_from(INNER.len()).unwrap_or(i32::MAX);
    ProofSpec {
        leaf_spec: Some(LeafOp {
            hash: HashOp::Sha256.into(),
            prehash_key: HashOp::Sha256.into(),
            prehash_value: HashOp::Sha256.into(),
            length: LengthOp::NoPrefix.into(),
            prefix: b"JMT::LeafNode".to_vec(),
        }),
        inner_spec: Some(InnerSpec {
            hash: HashOp::Sha256.into(),
            child_order: vec![0, 1],
            min_prefix_length: inner,
            max_prefix_length: inner,
            child_size: 32,
            empty_child: b"SPARSE_MERKLE_PLACEHOLDER_HASH__".to_vec(),
        }),
        min_depth: 0,
        max_depth: 64,
        prehash_key_before_comparison: true,
    }
}

/// The value under a key, or `None` when its absence is proven; a sentence when neither is.
pub(super) fn verified(
    ops: &[ProofOp],
    store: &str,
    key: &[u8],
    value: &[u8],
    app_hash: &[u8],
) -> Result<Option<Vec<u8>>, &'static str> {
    let [of_key, of_store] = ops else { return Err("it has not two operations") };
    if of_key.field_type != KIND || of_store.field_type != KIND {
        return Err("its operations are of another type than this chain's trees have");
    }
    let read = |op: &ProofOp| CommitmentProof::decode(op.data.as_slice()).map_err(|_| "an operation cannot be read");
    let (of_key, of_store) = (read(of_key)?, read(of_store)?);
    let spec = spec();
    let root = root_of(&of_key)?;
    type Hashes = HostFunctionsManager;
    if !ics23::verify_membership::<Hashes>(&of_store, &spec, &app_hash.to_vec(), store.as_bytes(), &root) {
        return Err("the store's root does not lead to the header's app hash");
    }
    if matches!(of_key.proof, Some(Proof::Nonexist(_))) {
        return match ics23::verify_non_membership::<Hashes>(&of_key, &spec, &root, key) {
            true if value.is_empty() => Ok(None),
            true => Err("it proves that the key is absent, and a value comes with it"),
            false => Err("the key's absence does not lead to the store's root"),
        };
    }
    match ics23::verify_membership::<Hashes>(&of_key, &spec, &root, key, value) {
        true => Ok(Some(value.to_vec())),
        false => Err("the value does not lead to the store's root"),
    }
}

/// The root to which a proof of a key leads.
fn root_of(proof: &CommitmentProof) -> Result<Vec<u8>, &'static str> {
    let existing = match &proof.proof {
        Some(Proof::Exist(existing)) => Some(existing),
        Some(Proof::Nonexist(absent)) => absent.left.as_ref().or(absent.right.as_ref()),
        _ => None,
    };
    let existing = existing.ok_or("it proves neither a value nor an absence")?;
    ics23::calculate_existence_root::<HostFunctionsManager>(existing).map_err(|_| "it leads to no root")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trees_are_those_of_the_node() {
        assert_eq!(spec(), jmt::ics23_spec());
    }
}
