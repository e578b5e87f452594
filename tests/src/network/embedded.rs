//! A chain in this process, on disk, whose chunks can be held back: they are given to the node by hand afterwards, with nothing else in
//! between to be measured.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use abci_app::operator::Member;
use abci_app::sequencer::{Engine, EngineConfig, Pacing};
use abci_app::{Node, NodeConfig};
use anyhow::Context as _;
use async_trait::async_trait;
use bauta_client::chain::{Chain, ChainError, ChainSettings, Polling, Rpc};
use bauta_client::deploy::{deploy, Terms};
use bauta_client::light::{Clock, LightConfig};
use bauta_schema::type_url;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, TxBody, TxRaw};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tendermint::block::signed_header::SignedHeader;
use tendermint::Hash;
use tendermint_rpc::endpoint::{abci_query::AbciQuery, block, block_results, broadcast::tx_sync, status, tx};

use super::{founding, secret, signer, Host, AUTHORITY, CHAIN_ID};

/// The pause after a block.
const PAUSE: Duration = Duration::from_millis(50);

/// Transactions that were held back, in the order in which they came.
pub type Held = Arc<Mutex<Vec<Vec<u8>>>>;

/// A chain in this process.
pub struct Embedded {
    node: Node,
    engine: Engine,
    folder: tempfile::TempDir,
    held: Held,
    /// Whether chunks are held back.
    holds: bool,
    shown: Held,
}

impl Embedded {
    /// A chain on which `people` own coins, with the contracts of data providers in place.
    ///
    /// # Errors
    /// When the chain does not start.
    pub async fn start(people: &[String]) -> anyhow::Result<Self> {
        Self::start_with(people, true).await
    }

    /// The same, and nothing is held back.
    ///
    /// # Errors
    /// When the chain does not start.
    pub async fn start_open(people: &[String]) -> anyhow::Result<Self> {
        Self::start_with(people, false).await
    }

    async fn start_with(people: &[String], holds: bool) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let key_seed = secret("validator");
        let mut founding = founding(people)?;
        founding.validators.push(Member { key: EngineConfig::public_key(&key_seed), power: 10, operator: None });
        let node = Node::open(NodeConfig { home: Some(folder.path().join("node")), ..NodeConfig::default() })?;
        let config =
            EngineConfig { pacing: Pacing::Interval(PAUSE), key_seed, ..EngineConfig::new(founding.document()) };
        let engine = Engine::start(node.service(), config)?;
        let embedded = Self { node, engine, folder, held: Held::default(), holds, shown: Held::default() };
        deploy(&embedded.chain()?, signer(AUTHORITY)?.as_ref(), &Terms::default()).await.context("the contracts")?;
        Ok(embedded)
    }

    /// Waits until `count` chunks are held back.
    ///
    /// # Errors
    /// When they are not after a minute.
    pub async fn chunks_held(&self, count: usize) -> anyhow::Result<()> {
        for _ in 0..600 {
            if lock(&self.held).len() >= count {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("{} of {count} chunks were sent", lock(&self.held).len())
    }

    /// A connection to a peer, whose mempool shows [`Embedded::shown`] beside what waits: transactions that no block takes.
    ///
    /// # Errors
    /// None that can happen.
    pub fn peer(&self) -> anyhow::Result<Chain> {
        self.connection(Arc::clone(&self.shown))
    }

    /// What the peer's mempool shows.
    pub fn shown(&self) -> Held {
        Arc::clone(&self.shown)
    }

    fn connection(&self, shown: Held) -> anyhow::Result<Chain> {
        let held = self.holds.then(|| Arc::clone(&self.held));
        let rpc: Arc<dyn Rpc> = Arc::new(Holding { held, shown, node: self.engine.client() });
        let pace = Arc::new(Polling::with(Arc::clone(&rpc), PAUSE / 2, Duration::from_secs(10)));
        let chain = Chain::new(rpc, pace, ChainSettings::new(CHAIN_ID));
        Ok(chain.with_light(LightConfig::in_memory(Clock::Chain)))
    }

    /// Stops the engine: the node, and what was held back from it.
    pub fn by_hand(self) -> (Node, Vec<Vec<u8>>, tempfile::TempDir) {
        let Self { node, mut engine, folder, held, .. } = self;
        engine.stop();
        let held = std::mem::take(&mut *lock(&held));
        (node, held, folder)
    }
}

impl Host for Embedded {
    fn chain(&self) -> anyhow::Result<Chain> {
        self.connection(Held::default())
    }

    fn folder_of(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The node, but chunks do not reach it if there is where to hold them, and its mempool shows more than it holds.
struct Holding<R> {
    held: Option<Held>,
    shown: Held,
    node: R,
}

fn is_chunk(bytes: &[u8]) -> bool {
    let body = TxRaw::decode(bytes).and_then(|raw| TxBody::decode(raw.body_bytes.as_slice()));
    body.is_ok_and(|body| body.messages.iter().any(|message| message.type_url == type_url::SUBMIT_CHUNK))
}

/// Who signed a transaction, under which sequence.
fn place_of(bytes: &[u8]) -> Option<(Vec<u8>, u64)> {
    let raw = TxRaw::decode(bytes).ok()?;
    let signer = AuthInfo::decode(raw.auth_info_bytes.as_slice()).ok()?.signer_infos.into_iter().next()?;
    Some((signer.public_key?.value, signer.sequence))
}

#[async_trait]
impl<R: Rpc> Rpc for Holding<R> {
    async fn status(&self) -> Result<status::Response, ChainError> {
        self.node.status().await
    }

    async fn abci_query(&self, path: &str, data: Vec<u8>) -> Result<AbciQuery, ChainError> {
        self.node.abci_query(path, data).await
    }

    async fn broadcast_tx_sync(&self, tx: Vec<u8>) -> Result<tx_sync::Response, ChainError> {
        let Some(held) = self.held.as_ref().filter(|_| is_chunk(&tx)) else {
            return self.node.broadcast_tx_sync(tx).await;
        };
        let hash = Hash::Sha256(Sha256::digest(&tx).into());
        let mut held = lock(held);
        // What is not answered in the state is sent again, from the sequence that the state has.
        let place = place_of(&tx);
        if !held.iter().any(|other| place_of(other) == place) {
            held.push(tx);
        }
        drop(held);
        let code = tendermint::abci::Code::Ok;
        Ok(tx_sync::Response { codespace: String::new(), code, data: Vec::new().into(), log: String::new(), hash })
    }

    async fn tx(&self, hash: Hash) -> Result<Option<tx::Response>, ChainError> {
        self.node.tx(hash).await
    }

    async fn block(&self, height: Option<u64>) -> Result<block::Response, ChainError> {
        self.node.block(height).await
    }

    async fn block_results(&self, height: u64) -> Result<block_results::Response, ChainError> {
        self.node.block_results(height).await
    }

    async fn validators(&self, height: u64) -> Result<Vec<tendermint::validator::Info>, ChainError> {
        self.node.validators(height).await
    }

    async fn commit(&self, height: u64) -> Result<SignedHeader, ChainError> {
        self.node.commit(height).await
    }

    async fn abci_proof(&self, path: &str, data: Vec<u8>, height: u64) -> Result<AbciQuery, ChainError> {
        self.node.abci_proof(path, data, height).await
    }

    async fn unconfirmed_txs(&self) -> Result<Vec<Vec<u8>>, ChainError> {
        let mut waiting = self.node.unconfirmed_txs().await?;
        waiting.extend(lock(&self.shown).iter().cloned());
        Ok(waiting)
    }
}
