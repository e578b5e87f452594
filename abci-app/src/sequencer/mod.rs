//! The engine of one process: makes blocks without a network, and answers as CometBFT's RPC does.
//!
//! It talks to the application as CometBFT would: the same ABCI methods, on serialised bytes, in the same order (Info,
//! InitChain; CheckTx; PrepareProposal, ProcessProposal, FinalizeBlock, Commit; re-checks). Its clock is the chain's:
//! genesis time and a step a block. Its commits carry real signatures of its one key when the genesis names that key.

mod chain;
mod client;
mod mempool;
mod pace;
mod produce;
mod rpc;
mod search;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use prost::Message as _;
use serde_json::Value;
use tendermint_proto::v0_38::abci::{request, response, Request, Response};
use thiserror::Error;
use tokio::sync::watch;

use crate::abci::{dispatch_bytes, AbciService};
use crate::app::AppError;
use crate::genesis::{GenesisDoc, GenesisError};

pub use client::EmbeddedClient;
pub use pace::{Lockstep, Participant};

/// When the next block is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// When every registered participant waits for it; without participants, when the mempool holds something. So
    /// nothing depends on how fast a participant computes.
    Lockstep,
    /// When the mempool holds something.
    Immediate,
    /// Every so often.
    Interval(Duration),
}

/// The time in headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockTime {
    /// Genesis time and this much a block.
    Step(Duration),
    /// The machine's clock. Two runs then differ.
    Machine,
}

/// A decided block, for replays on another node.
#[derive(Debug, Clone)]
pub struct DecidedBlock {
    /// Its height.
    pub height: u64,
    /// Its transactions.
    pub txs: Vec<Vec<u8>>,
    /// The serialised ABCI request (`Request` holding `FinalizeBlock`) with which it was executed.
    pub request: Vec<u8>,
    /// The state's root after it.
    pub app_hash: Vec<u8>,
}

/// Is told each block after its commit.
pub type OnBlock = Box<dyn FnMut(&DecidedBlock) + Send>;

/// How the engine runs.
pub struct EngineConfig {
    /// CometBFT's genesis document.
    pub genesis: Value,
    /// When the next block is made.
    pub pacing: Pacing,
    /// The time in headers.
    pub time: BlockTime,
    /// The seed of the validator's Ed25519 key.
    pub key_seed: [u8; 32],
    /// Is told each block.
    pub on_block: Option<OnBlock>,
    /// Bytes of transactions and results that are kept for `block`, `tx` and searches; the oldest blocks go first.
    pub keep_bytes: usize,
    /// The most transactions that wait.
    pub mempool_txs: usize,
    /// The most bytes that wait.
    pub mempool_bytes: usize,
}

impl EngineConfig {
    /// Lockstep, a second of chain time a block.
    pub fn new(genesis: Value) -> Self {
        Self {
            genesis,
            pacing: Pacing::Lockstep,
            time: BlockTime::Step(Duration::from_secs(1)),
            key_seed: [7; 32],
            on_block: None,
            keep_bytes: 256 << 20,
            mempool_txs: 20_000,
            mempool_bytes: 256 << 20,
        }
    }

    /// The validator's public key, for the genesis.
    pub fn public_key(seed: &[u8; 32]) -> [u8; 32] {
        ed25519_consensus::SigningKey::from(*seed).verification_key().to_bytes()
    }
}

/// Why the engine does not run.
#[derive(Debug, Clone, Error)]
pub enum EngineError {
    /// The genesis is none.
    #[error("{0}")]
    Genesis(String),
    /// The application failed.
    #[error("the application failed: {0}")]
    App(String),
    /// It was stopped.
    #[error("the engine has stopped: {0}")]
    Stopped(String),
}

impl From<GenesisError> for EngineError {
    fn from(error: GenesisError) -> Self {
        Self::Genesis(error.to_string())
    }
}

impl From<AppError> for EngineError {
    fn from(error: AppError) -> Self {
        Self::App(error.to_string())
    }
}

/// What the engine's thread, its clients and its participants share.
struct Shared {
    service: Arc<dyn AbciService>,
    genesis: Value,
    doc: GenesisDoc,
    chain: Mutex<chain::Chain>,
    mempool: Mutex<mempool::Mempool>,
    pace: pace::Pace,
    height: watch::Sender<u64>,
}

impl Shared {
    /// One call of the application, on serialised bytes.
    fn call(&self, ask: request::Value) -> Result<response::Value, EngineError> {
        self.call_bytes(&Request { value: Some(ask) }.encode_to_vec())
    }

    fn call_bytes(&self, request: &[u8]) -> Result<response::Value, EngineError> {
        let bytes = dispatch_bytes(self.service.as_ref(), request)?;
        Response::decode(bytes.as_slice())
            .ok()
            .and_then(|response| response.value)
            .ok_or_else(|| EngineError::App("its answer cannot be read".into()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The running engine. Dropping it stops it.
pub struct Engine {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts it: begins the chain if there is none, and goes on where the application stands otherwise.
    ///
    /// # Errors
    /// When the genesis is none, or the application refuses it.
    pub fn start(service: Arc<dyn AbciService>, config: EngineConfig) -> Result<Self, EngineError> {
        let doc = GenesisDoc::read(&config.genesis)?;
        let (height, _) = watch::channel(0);
        let shared = Arc::new(Shared {
            service,
            genesis: config.genesis.clone(),
            chain: Mutex::new(chain::Chain::new(&doc, &config)),
            doc,
            mempool: Mutex::new(mempool::Mempool::new(config.mempool_txs, config.mempool_bytes)),
            pace: pace::Pace::new(config.pacing),
            height,
        });
        produce::begin(&shared)?;
        let producer = produce::Producer { shared: Arc::clone(&shared), time: config.time, on_block: config.on_block };
        let thread = std::thread::Builder::new()
            .name("sequencer".into())
            .spawn(move || producer.run())
            .map_err(|error| EngineError::Stopped(format!("the system gives no thread: {error}")))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A client.
    pub fn client(&self) -> EmbeddedClient {
        EmbeddedClient::new(Arc::clone(&self.shared))
    }

    /// What paces participants.
    pub fn lockstep(&self) -> Lockstep {
        Lockstep::new(Arc::clone(&self.shared))
    }

    /// The height of the last block.
    pub fn height(&self) -> u64 {
        *self.shared.height.borrow()
    }

    /// Stops it after the block in the making.
    pub fn stop(&mut self) {
        self.shared.pace.stop("it was told to");
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported to all who waited.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}
