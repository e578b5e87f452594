//! A layer of writes that is kept or dropped as a whole.

use crate::env::Storage;
use std::collections::BTreeMap;

/// Writes over a store. Dropping it undoes them.
pub struct Overlay<'a> {
    base: &'a dyn Storage,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> Overlay<'a> {
    /// No writes yet.
    pub fn new(base: &'a dyn Storage) -> Self {
        Self { base, changes: BTreeMap::new() }
    }

    /// What was written: `None` is a deletion.
    pub fn into_changes(self) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        self.changes
    }
}

/// Carries changes out.
pub fn apply(storage: &mut dyn Storage, changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
    for (key, value) in changes {
        match value {
            Some(value) => storage.set(key, value),
            None => storage.remove(&key),
        }
    }
}

/// Runs `body` over a layer of its own: its writes stay only if it succeeds.
///
/// # Errors
/// Those of `body`.
pub fn nested<T, E>(storage: &mut dyn Storage, body: impl FnOnce(&mut dyn Storage) -> Result<T, E>) -> Result<T, E> {
    let mut overlay = Overlay::new(&*storage);
    let result = body(&mut overlay)?;
    let changes = overlay.into_changes();
    apply(storage, changes);
    Ok(result)
}

impl Storage for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.changes.get(key) {
            Some(change) => change.clone(),
            None => self.base.get(key),
        }
    }

    fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes.insert(key, Some(value));
    }

    fn remove(&mut self, key: &[u8]) {
        self.changes.insert(key.to_vec(), None);
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        if start >= end {
            return Vec::new();
        }
        let changed = || self.changes.range(start.to_vec()..end.to_vec());
        let deleted = changed().filter(|(_, value)| value.is_none()).count();
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> =
            self.base.range(start, end, limit.saturating_add(deleted)).into_iter().collect();
        for (key, value) in changed() {
            match value {
                Some(value) => {
                    merged.insert(key.clone(), value.clone());
                }
                None => {
                    merged.remove(key);
                }
            }
        }
        merged.into_iter().take(limit).collect()
    }
}
