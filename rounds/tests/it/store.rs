//! The outside, in memory.

use bauta_rounds::{Blobs, EnrolQuery, Event, Providers, Storage};
use bauta_schema::training::v1::Verdict;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// An ordered store.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Memory(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl Storage for Memory {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        assert!(!value.is_empty(), "an empty value under {}", String::from_utf8_lossy(&key));
        self.0.insert(key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.remove(key);
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        if start >= end {
            return Vec::new();
        }
        self.0.range(start.to_vec()..end.to_vec()).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

/// Counted blobs.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct BlobStore(pub BTreeMap<[u8; 32], (u64, Vec<u8>)>);

impl Blobs for BlobStore {
    fn get(&self, hash: &[u8; 32]) -> Option<Vec<u8>> {
        self.0.get(hash).map(|(_, bytes)| bytes.clone())
    }

    fn put(&mut self, bytes: &[u8]) -> [u8; 32] {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        self.0.entry(hash).or_insert_with(|| (0, bytes.to_vec())).0 += 1;
        hash
    }

    fn release(&mut self, hash: &[u8; 32]) {
        let entry = self.0.get_mut(hash).expect("a blob is released as often as it was put");
        entry.0 -= 1;
        if entry.0 == 0 {
            self.0.remove(hash);
        }
    }
}

/// Registry and staking.
#[derive(Clone, Default, Debug)]
pub struct Registry {
    pub jailed: BTreeSet<Vec<u8>>,
    pub refused: BTreeSet<Vec<u8>>,
    pub bonds: BTreeMap<Vec<u8>, u128>,
}

impl Registry {
    /// Where contracts would carry out a verdict: tests say themselves what it does.
    pub fn settle(&mut self, _verdict: &Verdict) {}

    /// What the machine says that happened.
    pub fn see(&mut self, event: &Event) {
        assert_ne!(event.kind, "task_fault", "{event:?}");
    }
}

impl Providers for Registry {
    fn may_enrol(&self, query: &EnrolQuery<'_>) -> Result<u128, String> {
        if self.refused.contains(query.address) || self.jailed.contains(query.address) {
            return Err("the registry says no".into());
        }
        Ok(self.bonds.get(query.address).copied().unwrap_or(1_000))
    }

    fn is_jailed(&self, address: &[u8]) -> bool {
        self.jailed.contains(address)
    }
}
