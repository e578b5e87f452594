//! The outside of the machine, in memory: records and blobs that a failed message leaves as they were, coins, bonds, jail.

use std::collections::BTreeMap;
use std::ops::Bound;

use bauta_rounds::{Blobs, EnrolQuery, Providers, Storage};
use bauta_schema::training::v1::{OffenceKind, Verdict};
use sha2::{Digest as _, Sha256};

/// An ordered map that can go back to where it was.
#[derive(Debug, Default)]
struct Journal<K, V> {
    map: BTreeMap<K, V>,
    /// What keys held before, while changes may be undone; newest last.
    undo: Option<Vec<(K, Option<V>)>>,
}

impl<K: Ord + Clone, V: Clone> Journal<K, V> {
    fn set(&mut self, key: K, value: Option<V>) {
        let before = match value {
            Some(value) => self.map.insert(key.clone(), value),
            None => self.map.remove(&key),
        };
        if let Some(undo) = &mut self.undo {
            undo.push((key, before));
        }
    }

    fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    fn end(&mut self, keep: bool) {
        let undo = self.undo.take().unwrap_or_default();
        for (key, before) in undo.into_iter().rev().filter(|_| !keep) {
            self.set(key, before);
        }
    }
}

/// The machine's records.
#[derive(Debug, Default)]
pub struct Records(Journal<Vec<u8>, Vec<u8>>);

impl Records {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.map.len()
    }

    /// From here on changes can be undone.
    pub fn begin(&mut self) {
        self.0.begin();
    }

    /// Keeps what changed since then, or undoes it.
    pub fn end(&mut self, keep: bool) {
        self.0.end(keep);
    }
}

impl Storage for Records {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.map.get(key).cloned()
    }

    fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.set(key, Some(value));
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.set(key.to_vec(), None);
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        if start >= end {
            return Vec::new();
        }
        let within = self.0.map.range::<[u8], _>((Bound::Included(start), Bound::Excluded(end)));
        within.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// Counted bytes.
#[derive(Debug, Default)]
pub struct BlobStore {
    held: Journal<[u8; 32], (u64, Vec<u8>)>,
    /// Whether one was released more often than it was put.
    pub overdrawn: bool,
}

impl BlobStore {
    /// Bytes of all of them.
    pub fn bytes(&self) -> usize {
        self.held.map.values().map(|(_, bytes)| bytes.len()).sum()
    }

    /// From here on changes can be undone.
    pub fn begin(&mut self) {
        self.held.begin();
    }

    /// Keeps what changed since then, or undoes it.
    pub fn end(&mut self, keep: bool) {
        self.held.end(keep);
    }
}

impl Blobs for BlobStore {
    fn get(&self, hash: &[u8; 32]) -> Option<Vec<u8>> {
        self.held.map.get(hash).map(|(_, bytes)| bytes.clone())
    }

    fn put(&mut self, bytes: &[u8]) -> [u8; 32] {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        let count = self.held.map.get(&hash).map_or(0, |(count, _)| *count);
        self.held.set(hash, Some((count + 1, bytes.to_vec())));
        hash
    }

    fn release(&mut self, hash: &[u8; 32]) {
        match self.held.map.get(hash).cloned() {
            None => self.overdrawn = true,
            Some((1, _)) => self.held.set(*hash, None),
            Some((count, bytes)) => self.held.set(*hash, Some((count - 1, bytes))),
        }
    }
}

/// What a bond is at first.
pub const BOND: u128 = 1_000_000;
/// Blocks of jail.
const JAIL: u64 = 25;

/// What the contracts know of one provider.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its bond.
    pub bond: u128,
    /// Epochs for which it is locked.
    pub locks: u32,
    jailed_until: u64,
    tombstoned: bool,
}

/// The contracts: registry, staking and slashing with their default prices.
#[derive(Debug, Default)]
pub struct Contracts {
    standings: BTreeMap<Vec<u8>, Standing>,
    /// What was taken, in all.
    pub taken: u128,
    /// The block that is executed.
    pub height: u64,
}

impl Contracts {
    /// Registers and bonds a provider.
    pub fn register(&mut self, address: Vec<u8>) {
        self.standings.insert(address, Standing { bond: BOND, locks: 0, jailed_until: 0, tombstoned: false });
    }

    /// All bonds.
    pub fn bonded(&self) -> u128 {
        self.standings.values().map(|standing| standing.bond).sum()
    }

    /// Locks a bond, or unlocks it.
    pub fn lock(&mut self, address: &[u8], is_locked: bool) -> Result<(), String> {
        let standing = self.standings.get_mut(address).ok_or("a lock of somebody unknown")?;
        standing.locks = match (is_locked, standing.locks) {
            (true, locks) => locks + 1,
            (false, 0) => return Err("a bond is unlocked that was not locked".into()),
            (false, locks) => locks - 1,
        };
        Ok(())
    }

    /// Carries out a verdict: the price of its row.
    pub fn carry_out(&mut self, verdict: &Verdict) {
        let Some(standing) = self.standings.get_mut(&verdict.provider) else { return };
        // In hundredths, and blocks of jail; what costs everything ends it.
        let (price, jail) = match verdict.kind() {
            OffenceKind::NoSubmission => (1, JAIL),
            OffenceKind::SilentSeat | OffenceKind::SilentInBlame => (2, JAIL),
            OffenceKind::NonCanonical => (5, 0),
            OffenceKind::WithheldSeed => (20, 0),
            _ => (100, 0),
        };
        let taken = standing.bond * price / 100;
        standing.bond -= taken;
        self.taken += taken;
        standing.jailed_until = standing.jailed_until.max(self.height + jail);
        standing.tombstoned |= price == 100;
    }
}

impl Providers for Contracts {
    fn may_enrol(&self, query: &EnrolQuery<'_>) -> Result<u128, String> {
        match self.standings.get(query.address) {
            None => Err("it is not registered".into()),
            Some(standing) if standing.tombstoned => Err("it is convicted for ever".into()),
            Some(standing) if standing.jailed_until > self.height => Err("it is in jail".into()),
            Some(standing) if standing.bond < query.min_bond => Err("its bond is too small".into()),
            Some(standing) => Ok(standing.bond),
        }
    }

    fn is_jailed(&self, address: &[u8]) -> bool {
        self.standings.get(address).is_none_or(|one| one.tombstoned || one.jailed_until > self.height)
    }
}
