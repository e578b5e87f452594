//! State: ordered key-value stores, each committed to by a Merkle tree, seen through transactional views.

pub mod blobs;
pub mod changes;
pub mod disk;
pub mod snapshot;
pub mod tree;
pub mod view;

pub use changes::{Changes, StoreChanges};
pub use disk::{Db, DbConfig, Durability, LastBlock, StoreError};
pub use snapshot::Snapshot;
pub use tree::{Commitment, Proof, Trees, Update};
pub use view::{Base, MemoryBase, Order, Passed, View};

/// The stores of the chain. Each has its own Merkle tree, but for [`Store::Blobs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Store {
    /// Parameters of the application itself.
    App,
    /// Accounts.
    Auth,
    /// Balances.
    Bank,
    /// Tasks and rounds.
    Training,
    /// Codes, contracts and their state.
    Wasm,
    /// Content-addressed chunks and models; not in any tree, their hashes are.
    Blobs,
}

impl Store {
    /// All stores, in the order of their names.
    pub const ALL: [Store; 6] = [Store::App, Store::Auth, Store::Bank, Store::Blobs, Store::Training, Store::Wasm];

    /// Its place in [`Store::ALL`]: one byte in keys on disk.
    pub fn index(self) -> usize {
        match self {
            Store::App => 0,
            Store::Auth => 1,
            Store::Bank => 2,
            Store::Blobs => 3,
            Store::Training => 4,
            Store::Wasm => 5,
        }
    }

    /// The store of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|store| store.name() == name)
    }

    /// The name in `store/<name>/key` queries, and the key in the main tree.
    pub fn name(self) -> &'static str {
        match self {
            Store::App => "app",
            Store::Auth => "auth",
            Store::Bank => "bank",
            Store::Training => "training",
            Store::Wasm => "wasm",
            Store::Blobs => "blobs",
        }
    }

    /// Whether the app hash commits to it.
    pub fn is_committed(self) -> bool {
        self != Store::Blobs
    }
}
