//! The life of a block.
//!
//! `genesis` begins the chain; `mempool` admits transactions; `proposal` makes blocks and refuses bad ones; `block`
//! executes and commits them; `query` answers from what is committed; `export` makes a genesis of it. Each asks for the lock it needs and no other:
//! queries none, the mempool its own, blocks theirs.

mod block;
mod export;
mod genesis;
mod mempool;
mod proposal;
mod query;

pub use block::APP_VERSION as VERSION;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use thiserror::Error;

use crate::context::{BlockInfo, QueryContext};
use crate::gas::{Gas, GasMeter};
use crate::modules::Modules;
use crate::params::AppParams;
use crate::store::{Base, Db, Snapshot, Store, StoreError, View};
use crate::tx::run::Rules;
use crate::tx::MinGasPrice;

pub use genesis::AppGenesis;

/// What an operator may choose; none of it changes what a block does.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// What this node's mempool asks for gas.
    pub min_gas_price: MinGasPrice,
    /// The most gas that one Simulate spends.
    pub simulate_gas: Gas,
    /// The most gas that one query spends.
    pub query_gas: Gas,
    /// How many blocks CometBFT keeps; 0 keeps all.
    pub retain_blocks: u64,
    /// The last height that this node executes; 0 is none.
    pub halt_height: u64,
    /// What waits in this node's mempool at most besides protocol messages.
    pub waiting: Waiting,
}

/// Transactions that wait for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub txs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Default for Waiting {
    /// Half of what the engine's mempool takes by number, and a sixteenth by bytes: the rest is for protocol messages.
    fn default() -> Self {
        Self { txs: 10_000, bytes: 64 << 20 }
    }
}

impl Default for AppConfig {
    fn default() -> Self {
        Self {
            min_gas_price: MinGasPrice::default(),
            simulate_gas: 100_000_000,
            query_gas: 3_000_000,
            retain_blocks: 0,
            halt_height: 0,
            waiting: Waiting::default(),
        }
    }
}

/// Why a call of the engine cannot be answered. On the consensus connection the node stops: it could only fork.
#[derive(Debug, Error)]
pub enum AppError {
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The genesis is none.
    #[error("the genesis cannot be used: {0}")]
    Genesis(String),
    /// This machine fails where others do not: an answer would be another than theirs.
    #[error("this machine fails: {0}")]
    Machine(String),
    /// The operator wants the node to stop here.
    #[error("height {0} is committed, which `halt_height` says is the last")]
    Halted(u64),
    /// The engine's call does not fit what came before.
    #[error("the engine's call is out of order: {0}")]
    Order(String),
}

/// The application. All methods take `&self`: its parts have locks of their own.
pub struct App {
    db: Db,
    modules: Arc<Modules>,
    config: AppConfig,
    pending: Mutex<Option<block::Pending>>,
    // Held while a block is written, so that a node that is told to stop does not do so in between.
    committing: Mutex<()>,
    mempool: Mutex<mempool::Mempool>,
    latest: RwLock<Arc<Snapshot>>,
}

impl App {
    /// An application over a database, at the block that was committed last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn new(db: Db, modules: Arc<Modules>, config: AppConfig) -> Result<Self, AppError> {
        let snapshot = db.snapshot()?;
        codes_are_there(&modules, &snapshot)?;
        let mempool = mempool::Mempool::after(&snapshot);
        Ok(Self {
            db,
            modules,
            config,
            pending: Mutex::new(None),
            committing: Mutex::new(()),
            mempool: Mutex::new(mempool),
            latest: RwLock::new(snapshot),
        })
    }

    /// The last committed state.
    pub fn latest(&self) -> Arc<Snapshot> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls `then` with the height that is committed, while no commit can begin.
    pub fn between_commits<T>(&self, then: impl FnOnce(u64) -> T) -> T {
        let _held = lock(&self.committing);
        then(self.latest().last().height)
    }

    /// The modules.
    pub fn modules(&self) -> &Arc<Modules> {
        &self.modules
    }

    fn set_latest(&self, snapshot: Arc<Snapshot>) {
        // The mempool starts over from what is committed; the engine then offers it what still waits.
        *lock(&self.mempool) = mempool::Mempool::after(&snapshot);
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }

    /// Starts the mempool over from what is committed, without what was admitted since: that is tried again when a block is made.
    pub(crate) fn restart_mempool(&self) {
        *lock(&self.mempool) = mempool::Mempool::after(&self.latest());
    }

    fn rules<'a>(&'a self, params: &'a AppParams, view: &View) -> Rules<'a> {
        Rules {
            modules: &self.modules,
            params,
            max_block_gas: max_block_gas(view),
            min_gas_price: self.config.min_gas_price,
            simulate_gas: self.config.simulate_gas,
        }
    }
}

/// The codes that the state names must be in the node's folder, and the pinned ones in memory, before a block needs them.
fn codes_are_there(modules: &Modules, snapshot: &Arc<Snapshot>) -> Result<(), AppError> {
    let view = view_of(snapshot);
    let prefix = crate::params::load(&view).prefix;
    let block = BlockInfo { height: snapshot.last().height, ..next_block(snapshot) };
    let mut ctx = QueryContext::new(view, GasMeter::unlimited(), block, prefix);
    modules
        .wasm
        .check_codes(&mut ctx)
        .and_then(|()| modules.wasm.load_pinned(&mut ctx))
        .map_err(|error| AppError::Machine(error.log))
}

/// Locks; a panic elsewhere has stopped the process if it was on the consensus path, and left whole data otherwise.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A view over a committed state.
fn view_of(snapshot: &Arc<Snapshot>) -> View {
    View::new(Arc::clone(snapshot) as Arc<dyn Base>)
}

/// The consensus parameters that genesis set: `tendermint.types.ConsensusParams`.
const CONSENSUS_PARAMS: &[u8] = b"consensus_params";
/// The validators and their operators, as JSON.
const VALIDATORS: &[u8] = b"validators";

/// The gas limit of a block, if there is one.
fn max_block_gas(view: &View) -> Option<Gas> {
    let gas = consensus_params(view).block?.max_gas;
    u64::try_from(gas).ok().filter(|gas| *gas > 0)
}

/// The size limit of a block's transactions in bytes: the engine's, and the chain's own.
fn max_block_bytes(view: &View, params: &AppParams) -> u64 {
    let engine = consensus_params(view).block.map_or(-1, |block| block.max_bytes);
    // The engine's -1 stands for its hard cap, which is far above ours.
    u64::try_from(engine).unwrap_or(u64::MAX).min(params.block_bytes)
}

fn consensus_params(view: &View) -> tendermint_proto::v0_38::types::ConsensusParams {
    use prost::Message as _;
    view.get(Store::App, CONSENSUS_PARAMS)
        .and_then(|bytes| tendermint_proto::v0_38::types::ConsensusParams::decode(bytes.as_slice()).ok())
        .unwrap_or_default()
}

/// The height that comes next, if that is what the engine asks for; otherwise why its call does not fit.
fn next_height(snapshot: &Snapshot, asked: i64) -> Result<u64, AppError> {
    let last = snapshot.last();
    if last.initial_height == 0 {
        return Err(AppError::Order("a block before InitChain".into()));
    }
    let next = last.height + 1;
    if u64::try_from(asked).ok() != Some(next) {
        return Err(AppError::Order(format!("a block of height {asked}, but {next} is next")));
    }
    Ok(next)
}

/// The block that the engine works on next, as far as it is known before it is proposed.
fn next_block(snapshot: &Snapshot) -> BlockInfo {
    let last = snapshot.last();
    BlockInfo { chain_id: last.chain_id.clone(), height: last.height + 1, time_ns: last.time_ns }
}

/// Nanoseconds since the epoch; a time before it, or far after it, is one that no block has.
fn time_ns(time: Option<&tendermint_proto::google::protobuf::Timestamp>) -> u64 {
    let Some(time) = time else { return 0 };
    let seconds = u64::try_from(time.seconds).unwrap_or(0);
    let nanos = u64::try_from(time.nanos).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

fn proto_events(events: Vec<crate::events::Event>) -> Vec<tendermint_proto::v0_38::abci::Event> {
    use tendermint_proto::v0_38::abci::{Event, EventAttribute};
    events
        .into_iter()
        .map(|event| Event {
            r#type: event.kind,
            attributes: event
                .attributes
                .into_iter()
                .map(|(key, value)| EventAttribute { key, value, index: true })
                .collect(),
        })
        .collect()
}
