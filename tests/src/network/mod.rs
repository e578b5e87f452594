//! A chain of real processes, with data providers in this one: what limits and figures are measured on.

mod crew;
mod embedded;
mod flood;
mod latency;
mod load;
mod rounds;

use std::path::PathBuf;
use std::sync::Arc;

use abci_app::coin::Coins;
use abci_app::operator::{Founding, Make, Validators};
use anyhow::Context as _;
use bauta_client::chain::{Chain, ChainSettings, Signer, DEFAULT_DENOM, DEFAULT_PREFIX};
use bauta_client::deploy::{deploy, Terms};
use bauta_client::keys::SecretKey;
use bauta_client::light::{Clock, LightConfig};
use sha2::{Digest as _, Sha256};

pub use crew::{Crew, Job};
pub use embedded::{Embedded, Held};
pub use flood::Flood;
pub use latency::{Latencies, Probe, PROBE};
pub use load::gives_way_but;
pub use rounds::{bytes_of_rounds, rounds, transfers, Timed};

/// The chain's id.
const CHAIN_ID: &str = "bauta-1";
/// Who sets up the contracts.
const AUTHORITY: &str = "authority";
/// What everybody owns at genesis, smallest denomination.
const WEALTH: u128 = 1_000_000_000_000_000;

/// What providers work on.
pub trait Host {
    /// A connection to its chain.
    ///
    /// # Errors
    /// When the node's address is none.
    fn chain(&self) -> anyhow::Result<Chain>;

    /// A folder of somebody.
    fn folder_of(&self, name: &str) -> PathBuf;
}

/// A chain of one validator in two processes, and its people.
pub struct Network {
    validators: Validators,
    folder: tempfile::TempDir,
}

impl Network {
    /// A chain on which `people` own coins, with the contracts of data providers in place. `block_ms` is the pause after a block.
    ///
    /// # Errors
    /// When a program is missing, or the chain does not start.
    pub async fn start(block_ms: u64, people: &[String]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let make = Make { folder: folder.path(), validators: 1, block_ms, secret: &secret };
        let validators = Validators::start(make, founding(people)?, |line| eprintln!("{line}")).await?;
        let network = Self { validators, folder };
        deploy(&network.chain()?, signer(AUTHORITY)?.as_ref(), &Terms::default()).await.context("the contracts")?;
        Ok(network)
    }

    /// CometBFT's RPC.
    pub fn url(&self) -> &str {
        self.validators.url(0)
    }

    /// Whether both programs run.
    ///
    /// # Errors
    /// When one has ended.
    pub fn still_runs(&mut self) -> anyhow::Result<()> {
        self.validators.still_run()
    }

    /// Whether CometBFT called `bautad` in its order.
    ///
    /// # Errors
    /// The call that was not.
    pub fn called_in_order(&self) -> anyhow::Result<()> {
        self.validators.called_in_order()
    }

    /// The memory of `bautad`, in MiB: now, and at most so far.
    pub fn memory_mib(&self) -> (f64, f64) {
        let node = self.validators.programs(0).first();
        node.map_or((0.0, 0.0), |node| (node.resident_kib() / 1024.0, node.peak_kib() / 1024.0))
    }
}

impl Host for Network {
    /// As `bauta` makes it: a websocket announces blocks, a light client follows headers.
    fn chain(&self) -> anyhow::Result<Chain> {
        let chain = Chain::connect(&[self.url().to_owned()], ChainSettings::new(CHAIN_ID))?;
        Ok(chain.with_light(LightConfig::in_memory(Clock::Machine)))
    }

    fn folder_of(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A chain without validators on which the authority and `people` own coins.
fn founding(people: &[String]) -> anyhow::Result<Founding> {
    let authority = signer(AUTHORITY)?.address().to_owned();
    let mut accounts = vec![(authority.clone(), Coins::one(DEFAULT_DENOM, WEALTH))];
    for name in people {
        accounts.push((signer(name)?.address().to_owned(), Coins::one(DEFAULT_DENOM, WEALTH)));
    }
    Ok(Founding {
        chain_id: CHAIN_ID.to_owned(),
        genesis_time: "2026-01-01T00:00:00Z".to_owned(),
        validators: Vec::new(),
        accounts,
        authority: Some(authority),
    })
}

/// Somebody's key.
///
/// # Errors
/// With probability 2^-128.
pub fn signer(name: &str) -> anyhow::Result<Arc<Signer>> {
    Ok(Arc::new(Signer::new(SecretKey::from_bytes(&secret(&format!("account/{name}")))?, DEFAULT_PREFIX)?))
}

/// 32 bytes for a name, the same in every run.
fn secret(name: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"bauta/tests/").chain_update(name).finalize().into()
}
