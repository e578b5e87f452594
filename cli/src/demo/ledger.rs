//! What only the checks see: every provider's encoded updates, told by the providers themselves before they mask them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::shadow::Encoded;

/// Encoded updates by round and provider. All clones share one.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<BTreeMap<(u64, usize), Encoded>>>);

impl Ledger {
    /// Notes what a provider trained in a round.
    pub fn note(&self, round: u64, provider: usize, encoded: Encoded) {
        self.entries().insert((round, provider), encoded);
    }

    /// The updates of some providers in a round; `None` if one of them trained nothing.
    pub fn of(&self, round: u64, providers: &[usize]) -> Option<Vec<Encoded>> {
        let entries = self.entries();
        providers.iter().map(|provider| entries.get(&(round, *provider)).cloned()).collect()
    }

    /// Forgets rounds up to this one.
    pub fn forget(&self, round: u64) {
        self.entries().retain(|(noted, _), _| *noted > round);
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<(u64, usize), Encoded>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
