//! What a layer of a view changed.

use std::collections::BTreeMap;

use super::Store;

/// The changes of one store, by key; `None` is a deletion.
pub type StoreChanges = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Changes of all stores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes([StoreChanges; Store::ALL.len()]);

impl Changes {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The changes of one store.
    pub fn of(&self, store: Store) -> &StoreChanges {
        &self.0[store.index()]
    }

    /// What was changed under a key: `None` is nothing, `Some(None)` a deletion.
    pub fn get(&self, store: Store, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.of(store).get(key)
    }

    /// Records a write, or a deletion.
    pub fn insert(&mut self, store: Store, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.0[store.index()].insert(key, value);
    }

    /// Lays later changes over these.
    pub fn extend(&mut self, later: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(later.0) {
            // The larger map stays in place; on equal keys the later change wins.
            if mine.is_empty() {
                *mine = theirs;
            } else {
                mine.extend(theirs);
            }
        }
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(BTreeMap::is_empty)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(BTreeMap::clear);
    }
}
