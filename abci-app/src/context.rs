//! What a handler may do, in its type: [`Context`] writes, [`QueryContext`] only reads.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

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

/// How deep contracts have called each other, and which codes the transaction has loaded already.
///
/// It travels with every context, through the app's router too, so that no detour resets a depth.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// Messages of contracts to contracts, at most 100 deep.
    pub messages: u32,
    /// Queries of contracts to contracts, at most 10 deep.
    pub queries: u32,
    /// Checksums of the codes loaded in this transaction, which load at a discount from then on. All contexts of a
    /// transaction share it, and a failed sub-message does not undo it (wasmd: `TxContracts`). `None` outside of
    /// transactions: no discount there.
    pub loaded: Option<Arc<Mutex<BTreeSet<[u8; 32]>>>>,
    /// Whether this is a decided block, whose result other nodes must agree with. Only there does a code that cannot be
    /// loaded mean that this machine is broken: an estimate may name a code that it has not kept.
    pub decides: bool,
}

impl Calls {
    /// Those of a transaction that begins.
    pub fn of_transaction() -> Self {
        Self { loaded: Some(Arc::default()), ..Self::default() }
    }
}

/// Work left beside a transaction; see [`Context::outside`].
pub type Outside = Box<dyn FnOnce(&mut Context) -> Result<()> + Send>;

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
    /// How deep contracts are in each other.
    pub calls: Calls,
    /// Whether a transaction that waits in the mempool is only looked at again: its signatures were verified before.
    pub recheck: bool,
    /// Work that is done even if the message or the transaction fails; see [`Context::outside`].
    pub outside: Vec<Outside>,
}

impl Context {
    /// A context without events; that of a transaction when `tx` is given.
    pub fn new(
        view: View,
        gas: GasMeter,
        block: BlockInfo,
        mode: Mode,
        tx: Option<TxInfo>,
        prefix: impl Into<String>,
    ) -> Self {
        let calls = if tx.is_some() { Calls::of_transaction() } else { Calls::default() };
        let calls = Calls { decides: mode == Mode::Finalize, ..calls };
        Self {
            view,
            gas,
            events: Vec::new(),
            block,
            mode,
            tx,
            prefix: prefix.into(),
            calls,
            recheck: false,
            outside: Vec::new(),
        }
    }

    /// Leaves work that is done beside the transaction: it happens even if the message or the transaction fails, as an
    /// offence must be recorded that was found in a message which is then refused. It runs after the transaction, on the
    /// block's view, with unlimited gas and its events kept, only in a decided block; in every other mode it is dropped.
    pub fn outside(&mut self, work: impl FnOnce(&mut Context) -> Result<()> + Send + 'static) {
        self.outside.push(Box::new(work));
    }

    /// What a query reads that this context asks, with at most `gas_limit`; the caller charges what the query consumed.
    pub fn query(&self, gas_limit: Gas) -> QueryContext {
        QueryContext {
            view: self.view.clone(),
            gas: GasMeter::limited(gas_limit),
            block: self.block.clone(),
            tx: self.tx.clone(),
            prefix: self.prefix.clone(),
            calls: self.calls.clone(),
        }
    }

    /// Whether something is stored, charging as the SDK's gas store does.
    ///
    /// # Errors
    /// Out of gas.
    pub fn has(&mut self, store: Store, key: &[u8]) -> Result<bool> {
        self.gas.consume(kv::HAS, "Has")?;
        Ok(self.view.get(store, key).is_some())
    }

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
    /// The transaction that asks; `None` for queries from outside.
    pub tx: Option<TxInfo>,
    /// Bech32 prefix of accounts.
    pub prefix: String,
    /// How deep contracts are in each other.
    pub calls: Calls,
}

impl QueryContext {
    /// The context of a query from outside.
    pub fn new(view: View, gas: GasMeter, block: BlockInfo, prefix: impl Into<String>) -> Self {
        Self { view, gas, block, tx: None, prefix: prefix.into(), calls: Calls::default() }
    }

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
}

fn per_byte(price: Gas, bytes: usize) -> Gas {
    price.saturating_mul(bytes as Gas)
}
