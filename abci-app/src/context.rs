//! What a handler may do, in its type: [`Context`] writes, [`QueryContext`] only reads.

use crate::error::Result;
use crate::events::Event;
use crate::gas::{kv, Gas, GasMeter};
use crate::store::{Store, View};

/// The block that is executed, from its header only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockInfo {
    /// The chain.
    pub chain_id: String,
    /// The height.
    pub height: u64,
    /// The header's time, nanoseconds since the Unix epoch.
    pub time_ns: u64,
}

/// Why a message runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Admission to the mempool.
    Check,
    /// Estimation of gas.
    Simulate,
    /// A proposal that is tried on a throw-away view.
    Propose,
    /// A decided block.
    Finalize,
}

/// The transaction that is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxInfo {
    /// SHA-256 of the transaction's bytes.
    pub hash: [u8; 32],
    /// Its index in the block.
    pub index: u32,
}

/// What a message or a hook executes in: state, gas and events.
pub struct Context {
    /// The state.
    pub view: View,
    /// The gas of the transaction; sub-messages with a limit of their own get a meter of their own.
    pub gas: GasMeter,
    /// Events so far, in order.
    pub events: Vec<Event>,
    /// The block.
    pub block: BlockInfo,
    /// Why this runs.
    pub mode: Mode,
    /// The transaction; `None` in the hooks of a block and in genesis.
    pub tx: Option<TxInfo>,
    /// Bech32 prefix of accounts.
    pub prefix: String,
}

impl Context {
    /// Reads, charging as the SDK's gas store does.
    ///
    /// # Errors
    /// Out of gas.
    pub fn get(&mut self, store: Store, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.gas.consume(kv::READ_FLAT, "ReadFlat")?;
        let value = self.view.get(store, key);
        let bytes = key.len() + value.as_ref().map_or(0, Vec::len);
        self.gas.consume(per_byte(kv::READ_BYTE, bytes), "ReadPerByte")?;
        Ok(value)
    }

    /// Writes, charging as the SDK's gas store does.
    ///
    /// # Errors
    /// Out of gas.
    pub fn set(&mut self, store: Store, key: Vec<u8>, value: Vec<u8>) -> Result<()> {
        self.gas.consume(kv::WRITE_FLAT, "WriteFlat")?;
        self.gas.consume(per_byte(kv::WRITE_BYTE, key.len() + value.len()), "WritePerByte")?;
        self.view.set(store, key, value);
        Ok(())
    }

    /// Deletes, charging as the SDK's gas store does.
    ///
    /// # Errors
    /// Out of gas.
    pub fn delete(&mut self, store: Store, key: &[u8]) -> Result<()> {
        self.gas.consume(kv::DELETE, "Delete")?;
        self.view.delete(store, key);
        Ok(())
    }

    /// Emits an event.
    pub fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Runs `body` in a layer of the view of its own: its writes and events stay only if it succeeds; its gas stays.
    ///
    /// # Errors
    /// Those of `body`.
    pub fn nested<T, E>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let events = self.events.len();
        self.view.begin();
        let result = body(self);
        if result.is_ok() {
            self.view.commit();
        } else {
            self.view.discard();
            self.events.truncate(events);
        }
        result
    }
}

/// What a query reads: the last committed state, or that of a height still kept.
pub struct QueryContext {
    /// The state; never committed anywhere.
    pub view: View,
    /// Gas, so that a query ends.
    pub gas: GasMeter,
    /// The block whose state this is.
    pub block: BlockInfo,
    /// Bech32 prefix of accounts.
    pub prefix: String,
}

fn per_byte(price: Gas, bytes: usize) -> Gas {
    price.saturating_mul(bytes as Gas)
}
