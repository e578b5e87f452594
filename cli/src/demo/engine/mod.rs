//! What orders the transactions of a run: the sequencer of this process, or CometBFT in processes of its own.

mod replay;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use abci_app::operator::{Founding, Make, Member, Validators};
use abci_app::sequencer::{self, EngineConfig, Pacing};
use abci_app::{Node, NodeConfig};
use bauta_client::chain::{Chain, ChainSettings, Polling, Rpc};
use bauta_client::light::{Clock, LightConfig};

pub use replay::replay;

use super::pace::InStep;
use super::world::{derive, CHAIN_ID};

/// Milliseconds from a block of CometBFT to the next.
const BLOCK_MS: u64 = 200;
/// How often a connection to a node looks for the next block.
const LOOK: std::time::Duration = std::time::Duration::from_millis(60);
/// How often it is looked whether a program has ended.
const LOOK_AFTER: std::time::Duration = std::time::Duration::from_millis(500);
/// How long a silent node is borne.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What orders the transactions.
pub enum Running {
    /// The sequencer of this process.
    Embedded {
        /// It.
        engine: sequencer::Engine,
        /// Its node, whose folder is in use as long as it lives.
        node: Node,
    },
    /// Validators as processes.
    Processes {
        /// They, looked after while others connect to them.
        processes: Box<Mutex<Validators>>,
        /// How many connections were made: each goes to the next node.
        turn: AtomicUsize,
    },
}

impl Running {
    /// A node and its sequencer in this process.
    ///
    /// # Errors
    /// When the folder cannot be used or the node does not start.
    pub fn embedded(folder: &Path, seed: u64, mut founding: Founding) -> anyhow::Result<Self> {
        let key_seed = derive(seed, "validator");
        let operator = founding.authority.clone();
        founding.validators.push(Member { key: EngineConfig::public_key(&key_seed), power: 10, operator });
        let node = Node::open(NodeConfig { home: Some(folder.join("node")), ..NodeConfig::default() })?;
        let config = EngineConfig { pacing: Pacing::Lockstep, key_seed, ..EngineConfig::new(founding.document()) };
        let engine = sequencer::Engine::start(node.service(), config)?;
        Ok(Self::Embedded { engine, node })
    }

    /// Validators as processes.
    ///
    /// # Errors
    /// Those of [`Validators::start`].
    pub async fn processes(
        folder: &Path,
        seed: u64,
        validators: u16,
        founding: Founding,
        say: impl Fn(String),
    ) -> anyhow::Result<Self> {
        let make = Make { folder, validators, block_ms: BLOCK_MS, secret: &|what| derive(seed, what) };
        let processes = Validators::start(make, founding, say).await?;
        Ok(Self::Processes { processes: Box::new(Mutex::new(processes)), turn: AtomicUsize::new(0) })
    }

    /// A connection; behind the sequencer with a place of its own at the barrier.
    ///
    /// # Errors
    /// When a node's address is none.
    pub fn connection(&self) -> anyhow::Result<Chain> {
        let settings = ChainSettings::new(CHAIN_ID);
        // The chain begins at a time of its own, whatever the machine's clock says.
        let light = LightConfig::in_memory(Clock::Chain);
        match self {
            Self::Embedded { engine, .. } => {
                let rpc: Arc<dyn Rpc> = Arc::new(engine.client());
                let pace = Arc::new(InStep::new(&engine.lockstep()));
                Ok(Chain::new(rpc, pace, settings).with_light(light))
            }
            Self::Processes { processes, turn } => {
                let url = lock(processes).url(turn.fetch_add(1, Ordering::Relaxed)).to_owned();
                let chain = Chain::http_with(&url, settings, |rpc| Arc::new(Polling::with(rpc, LOOK, PATIENCE)))?;
                Ok(chain.with_light(light))
            }
        }
    }

    /// Up to which height a node in this process gave the same state as CometBFT's, where there is one.
    ///
    /// # Errors
    /// When a node was called in another order than CometBFT's, and those of [`replay()`].
    pub async fn replayed(&self) -> anyhow::Result<Option<u64>> {
        match self {
            Self::Embedded { node, .. } => node.recorder().wrong_call().map_or(Ok(None), |wrong| Err(wrong.into())),
            Self::Processes { processes, .. } => {
                let (url, genesis) = {
                    let processes = lock(processes);
                    processes.called_in_order()?;
                    (processes.url(0).to_owned(), processes.genesis().clone())
                };
                Ok(Some(replay(&url, &genesis).await?))
            }
        }
    }

    /// Waits until a program ends, which none should; a sequencer in this process does not.
    pub async fn program_ends(&self) -> anyhow::Error {
        let Self::Processes { processes, .. } = self else { return std::future::pending().await };
        loop {
            tokio::time::sleep(LOOK_AFTER).await;
            if let Err(ended) = lock(processes).still_run() {
                return ended;
            }
        }
    }

    /// What the programs have said, by a name for each; a sequencer in this process says nothing.
    pub fn logs(&self) -> Vec<(String, String)> {
        match self {
            Self::Embedded { .. } => Vec::new(),
            Self::Processes { processes, .. } => lock(processes).logs(),
        }
    }

    /// Stops it; says how much memory its processes took at most, in MiB.
    pub fn stop(self) -> f64 {
        match self {
            Self::Embedded { mut engine, .. } => {
                engine.stop();
                0.0
            }
            Self::Processes { processes, .. } => processes.into_inner().unwrap_or_else(PoisonError::into_inner).stop(),
        }
    }
}

fn lock(processes: &Mutex<Validators>) -> MutexGuard<'_, Validators> {
    processes.lock().unwrap_or_else(PoisonError::into_inner)
}
