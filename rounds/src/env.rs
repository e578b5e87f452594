//! What the machine asks of the outside.

use sha2::{Digest, Sha256};

/// The block and the transaction that are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Env<'a> {
    /// The chain, which enters every context.
    pub chain_id: &'a str,
    /// Height of the block that is executed; in `CheckTx` of the next one.
    pub height: u64,
    /// Position of the transaction in the block; orders partials.
    pub tx_index: u32,
}

/// The store `training`: ordered, and seen through whatever view the caller may drop.
pub trait Storage {
    /// The value under a key.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Writes.
    fn set(&mut self, key: Vec<u8>, value: Vec<u8>);
    /// Deletes.
    fn remove(&mut self, key: &[u8]);
    /// The first `limit` entries with `start <= key < end`, ascending.
    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)>;
}

/// Content-addressed bytes, counted by references.
pub trait Blobs {
    /// The bytes with this SHA-256.
    fn get(&self, hash: &[u8; 32]) -> Option<Vec<u8>>;
    /// At most `limit` of these bytes from `offset` on, and how many there are in all.
    fn part(&self, hash: &[u8; 32], offset: u64, limit: usize) -> Option<(Vec<u8>, u64)> {
        self.get(hash).map(|bytes| {
            let total = bytes.len() as u64;
            let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
            (bytes.into_iter().skip(skipped).take(limit).collect(), total)
        })
    }
    /// Stores bytes and counts one more reference to them; their SHA-256.
    fn put(&mut self, bytes: &[u8]) -> [u8; 32];
    /// Counts one reference less; the bytes go with the last.
    fn release(&mut self, hash: &[u8; 32]);
}

/// What is asked before a provider may enrol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnrolQuery<'a> {
    /// The provider.
    pub address: &'a [u8],
    /// The task's owner: a provider that it admitted as an issuer may not enrol.
    pub owner: &'a [u8],
    /// Bech32 address of the issuer that must have admitted the provider; empty if anyone registered may enrol.
    pub issuer: &'a str,
    /// Smallest bond.
    pub min_bond: u128,
}

/// What registry and staking know about providers.
pub trait Providers {
    /// Whether a provider may enrol; its bond.
    ///
    /// # Errors
    /// A sentence that says why not and what would change it.
    fn may_enrol(&self, query: &EnrolQuery<'_>) -> Result<u128, String>;
    /// Whether a verdict bars a provider at present.
    fn is_jailed(&self, address: &[u8]) -> bool;
}

/// Operations that may still be spent at the end of this block; one is about a microsecond of one core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    left: u64,
    untouched: bool,
}

impl Budget {
    /// A full budget.
    pub fn new(operations: u64) -> Self {
        Self { left: operations, untouched: true }
    }

    /// Takes `operations` if they are left, or if nothing has been taken yet: one step is always done, so that work which is larger
    /// than any block's budget is still done in time, a step a block.
    pub fn take(&mut self, operations: u64) -> bool {
        if operations > self.left && !self.untouched {
            return false;
        }
        self.left = self.left.saturating_sub(operations);
        self.untouched = false;
        true
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.left
    }
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
