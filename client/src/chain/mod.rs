//! The chain as a client sees it: queries, transactions, and waiting for blocks.
//!
//! Everything goes through [`tendermint_rpc::Client`], so that a node behind HTTP and a node in the same process look the same. What
//! queries answer is the node's word; with a [light client](crate::light) attached, records can be read with proofs as well.

mod account;
mod endpoints;
mod error;
mod fees;
mod mempool;
pub mod messages;
mod pace;
mod parts;
pub mod query;
mod rpc;
mod subscription;
mod transaction;

pub use account::Signer;
pub use endpoints::Endpoints;
pub use error::{ChainError, Refused};
pub use fees::{Coin, Fee, GasPrice};
pub use pace::{Pace, Polling};
pub use rpc::Rpc;
pub use subscription::Subscribed;
pub use transaction::{Outcome, Sent};

use std::sync::Arc;
use std::time::Duration;

use cosmrs::AccountId;
use tendermint_rpc::HttpClient;

use crate::light::{LightClient, LightConfig};

/// A connection to one chain.
#[derive(Clone)]
pub struct Chain {
    rpc: Arc<dyn Rpc>,
    pace: Arc<dyn Pace>,
    settings: Arc<ChainSettings>,
    light: Option<Arc<LightClient>>,
}

/// What a client must know of a chain before it talks to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainSettings {
    /// The chain's id; every signature is bound to it.
    pub chain_id: String,
    /// The prefix of its addresses, a genesis value.
    pub prefix: String,
    /// What gas costs.
    pub gas_price: GasPrice,
    /// What a simulated gas is multiplied with, in percent: between simulation and execution the state may have changed.
    pub gas_percent: u64,
    /// How many blocks a transaction may take before it is given up.
    pub patience_blocks: u64,
    /// The pause before a broadcast without an answer is repeated; it doubles each time.
    pub retry_pause: Duration,
}

impl ChainSettings {
    /// The settings of a chain with the defaults of this project.
    #[must_use]
    pub fn new(chain_id: impl Into<String>) -> Self {
        Self {
            chain_id: chain_id.into(),
            prefix: DEFAULT_PREFIX.to_owned(),
            gas_price: GasPrice::default(),
            gas_percent: 150,
            patience_blocks: 30,
            retry_pause: Duration::from_millis(200),
        }
    }
}

/// The prefix of addresses when nothing else is said.
pub const DEFAULT_PREFIX: &str = "bauta";
/// The fee denomination when nothing else is said.
pub const DEFAULT_DENOM: &str = "ubauta";

impl Chain {
    /// A chain behind any client of CometBFT's RPC. `pace` is how it waits for blocks.
    #[must_use]
    pub fn new(rpc: Arc<dyn Rpc>, pace: Arc<dyn Pace>, settings: ChainSettings) -> Self {
        Self { rpc, pace, settings: Arc::new(settings), light: None }
    }

    /// A chain behind HTTP. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ChainError::Endpoint`] when the URL is none.
    pub fn http(url: &str, settings: ChainSettings) -> Result<Self, ChainError> {
        Self::http_with(url, settings, |rpc| Arc::new(Polling::new(rpc)))
    }

    /// A chain behind the RPC addresses of some of its nodes: one is asked, and the next when that one does not answer. New blocks are
    /// announced over a websocket where nodes have one. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ChainError::Endpoint`] when one is no URL, or there is none.
    pub fn connect(urls: &[String], settings: ChainSettings) -> Result<Self, ChainError> {
        let nodes = urls.iter().map(|url| http_client(url)).collect::<Result<Vec<_>, _>>()?;
        let none = || ChainError::Endpoint { url: String::new(), what: "it is empty".to_owned() };
        let rpc: Arc<dyn Rpc> = Arc::new(Endpoints::new(nodes).ok_or_else(none)?);
        let pace = Arc::new(Subscribed::new(Arc::clone(&rpc), urls));
        Ok(Self::new(rpc, pace, settings))
    }

    /// A chain behind HTTP, with another way of waiting for blocks.
    ///
    /// # Errors
    /// [`ChainError::Endpoint`] when the URL is none.
    pub fn http_with(
        url: &str,
        settings: ChainSettings,
        pace: impl FnOnce(Arc<dyn Rpc>) -> Arc<dyn Pace>,
    ) -> Result<Self, ChainError> {
        let rpc = http_client(url)?;
        let pace = pace(Arc::clone(&rpc));
        Ok(Self::new(rpc, pace, settings))
    }

    /// The same chain with a light client, which checks what the node says before something secret depends on it. The settings must
    /// name the chain's id by then.
    #[must_use]
    pub fn with_light(&self, config: LightConfig) -> Self {
        let light = LightClient::new(Arc::clone(&self.rpc), self.id(), config);
        Self { light: Some(Arc::new(light)), ..self.clone() }
    }

    /// The light client, if there is one.
    #[must_use]
    pub fn light(&self) -> Option<&LightClient> {
        self.light.as_deref()
    }

    /// What it knows of the chain.
    #[must_use]
    pub fn settings(&self) -> &ChainSettings {
        &self.settings
    }

    /// The chain's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.settings.chain_id
    }

    /// The same chain with other settings.
    #[must_use]
    pub fn with_settings(&self, settings: ChainSettings) -> Self {
        Self { settings: Arc::new(settings), ..self.clone() }
    }

    /// The height of the last block.
    ///
    /// # Errors
    /// [`ChainError::Unreachable`].
    pub async fn height(&self) -> Result<u64, ChainError> {
        let shown = self.rpc.status().await?.sync_info.latest_block_height.value();
        self.plausible(shown).await
    }

    /// A height that a node shows, where it is not far above what is verified; otherwise what can be verified. A node that named one out of
    /// the blue would have its clients wait for ever, or sign what is valid for as long.
    async fn plausible(&self, shown: u64) -> Result<u64, ChainError> {
        let Some(light) = self.light() else { return Ok(shown) };
        if shown <= light.height().await.saturating_add(LEAP) {
            return Ok(shown);
        }
        match light.follow().await {
            Ok(standing) => Ok(standing.last.height),
            // What keeps this machine from verifying says nothing of the node.
            Err(ChainError::Light(error)) if !error.is_of_the_node() => Ok(shown),
            Err(error) => Err(error),
        }
    }

    /// What the endpoint says of itself and of its chain.
    ///
    /// # Errors
    /// [`ChainError::Unreachable`].
    pub async fn status(&self) -> Result<tendermint_rpc::endpoint::status::Response, ChainError> {
        self.rpc.status().await
    }

    /// A block, at a height or the last.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn block(&self, height: Option<u64>) -> Result<tendermint_rpc::endpoint::block::Response, ChainError> {
        self.rpc.block(height).await
    }

    /// What waits in the node's mempool, as far as it shows it: CometBFT shows the first 100.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn unconfirmed(&self) -> Result<Vec<Vec<u8>>, ChainError> {
        self.rpc.unconfirmed_txs().await
    }

    /// What the transactions of a block did.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn block_results(
        &self,
        height: u64,
    ) -> Result<tendermint_rpc::endpoint::block_results::Response, ChainError> {
        self.rpc.block_results(height).await
    }

    /// The validators of a height, in the order of its commit.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn validators(&self, height: u64) -> Result<Vec<tendermint::validator::Info>, ChainError> {
        self.rpc.validators(height).await
    }

    /// The id that the endpoint says its chain has.
    ///
    /// # Errors
    /// [`ChainError::Unreachable`].
    pub async fn reported_id(&self) -> Result<String, ChainError> {
        Ok(self.rpc.status().await?.node_info.network.to_string())
    }

    /// Waits until there is a block above `height`, and answers with the height of the last one.
    ///
    /// # Errors
    /// [`ChainError::Unreachable`] when the endpoint stays away.
    pub async fn wait_past(&self, height: u64) -> Result<u64, ChainError> {
        let shown = self.pace.wait_past(height).await?;
        self.plausible(shown).await
    }

    /// An address as text.
    ///
    /// # Errors
    /// [`ChainError::Address`] when the bytes are none.
    pub fn text_of(&self, address: &[u8]) -> Result<String, ChainError> {
        AccountId::new(&self.settings.prefix, address)
            .map(|account| account.to_string())
            .map_err(|_| ChainError::Address { text: hex::encode(address), prefix: self.settings.prefix.clone() })
    }

    /// An address's bytes.
    ///
    /// # Errors
    /// [`ChainError::Address`] when the text is no address of this chain.
    pub fn bytes_of(&self, address: &str) -> Result<Vec<u8>, ChainError> {
        address
            .parse::<AccountId>()
            .ok()
            .filter(|account| account.prefix() == self.settings.prefix)
            .map(|account| account.to_bytes())
            .ok_or_else(|| ChainError::Address { text: address.to_owned(), prefix: self.settings.prefix.clone() })
    }

    /// What node `at` said does not hold: where there are others, one of them is asked from now on, unless one is already.
    pub fn turn_away(&self, at: usize, why: &(dyn std::fmt::Display + Sync)) {
        self.rpc.turn_away(at, why);
    }

    /// Which node is asked, counted from 0.
    #[must_use]
    pub fn current_node(&self) -> usize {
        self.rpc.current()
    }

    /// How many nodes there are to ask.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.rpc.nodes()
    }

    pub(crate) fn rpc(&self) -> &dyn Rpc {
        self.rpc.as_ref()
    }
}

/// How far above the last verified block a height is believed.
const LEAP: u64 = 10_000;

/// How long an answer may take. The node compiles a contract before it answers, and its machine may be busy.
const ANSWER: Duration = Duration::from_secs(60);

fn http_client(url: &str) -> Result<Arc<dyn Rpc>, ChainError> {
    let bad = |error: &dyn std::fmt::Display| ChainError::Endpoint { url: url.to_owned(), what: error.to_string() };
    let parsed: tendermint_rpc::HttpClientUrl =
        url.parse().map_err(|error: tendermint_rpc::Error| bad(error.detail()))?;
    let client = HttpClient::builder(parsed).timeout(ANSWER).build();
    Ok(Arc::new(client.map_err(|error| bad(error.detail()))?))
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("settings", &self.settings).finish_non_exhaustive()
    }
}
