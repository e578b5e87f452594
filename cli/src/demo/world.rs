//! The chain of a run, and the people on it: what orders its transactions, the contracts, and everybody's keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use abci_app::coin::Coins;
use abci_app::operator::Founding;
use anyhow::Context as _;
use bauta_client::chain::{Chain, Signer, DEFAULT_DENOM, DEFAULT_PREFIX};
use bauta_client::contracts::Contracts;
use bauta_client::keys::{Keyring, KeyringBackend, SecretKey};
use bauta_messages::slashing;
use cosmwasm_std::Decimal;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest as _, Sha256};

use super::args::{Args, Engine};
use super::engine::Running;
use super::screen::Screen;
use bauta_client::deploy::{self, Terms};

/// The chain's id.
pub const CHAIN_ID: &str = "bauta-1";
/// What everybody owns at genesis, in the smallest denomination.
const WEALTH: u128 = 1_000_000_000_000;
/// How long a silent provider is jailed, in seconds of chain time, of which a block takes one: long enough to be seen, short
/// enough to come back within a run.
const JAIL_SECONDS: u64 = 30;
/// How long coins take to unbond.
const UNBONDING_SECONDS: u64 = 600;

/// When the chain begins: every run alike.
const GENESIS_TIME: &str = "2026-01-01T00:00:00Z";

/// Somebody with a keyring in a folder of its own and a connection of its own to the chain.
pub struct Person {
    /// What it is called on the screen.
    pub name: String,
    /// Its key.
    pub signer: Arc<Signer>,
    /// Its connection.
    pub chain: Chain,
}

/// A running chain and its people.
pub struct World {
    running: Running,
    folder: PathBuf,
    seed: u64,
}

impl World {
    /// Starts a chain on which the named people own coins; the first of them is the authority over its parameters.
    ///
    /// # Errors
    /// When the folder cannot be used or the chain does not start.
    pub async fn start(folder: &Path, args: &Args, names: &[String], screen: &Screen) -> anyhow::Result<Self> {
        let mut accounts = Vec::new();
        for name in names {
            let address = Signer::new(secret_key(args.seed, name)?, DEFAULT_PREFIX)?.address().to_owned();
            accounts.push((address, Coins::one(DEFAULT_DENOM, WEALTH)));
        }
        let founding = Founding {
            chain_id: CHAIN_ID.to_owned(),
            genesis_time: GENESIS_TIME.to_owned(),
            validators: Vec::new(),
            authority: accounts.first().map(|(address, _)| address.clone()),
            accounts,
        };
        let running = match args.engine {
            Engine::Embedded => Running::embedded(folder, args.seed, founding)?,
            Engine::Cometbft => {
                Running::processes(folder, args.seed, args.validators, founding, |line| screen.say(line)).await?
            }
        };
        Ok(Self { running, folder: folder.to_owned(), seed: args.seed })
    }

    /// One of the people named at the start, with a place at the barrier.
    ///
    /// # Errors
    /// When its keyring cannot be written.
    pub fn person(&self, name: &str) -> anyhow::Result<Person> {
        let home = self.folder.join(name);
        let key = secret_key(self.seed, name)?;
        let keyring = Keyring::new(&home, KeyringBackend::Test, DEFAULT_PREFIX);
        keyring
            .add(name, &key, None, &mut self.random(&format!("keyring/{name}")))
            .with_context(|| format!("could not write the keyring of {name}"))?;
        Ok(Person {
            name: name.to_owned(),
            signer: Arc::new(Signer::new(keyring.unlock(name, None)?, DEFAULT_PREFIX)?),
            chain: self.connection()?,
        })
    }

    /// A connection; behind the sequencer of this process with a place of its own at the barrier.
    ///
    /// # Errors
    /// When a node's address is none.
    pub fn connection(&self) -> anyhow::Result<Chain> {
        self.running.connection()
    }

    /// Up to which height a node in this process gave the same state as CometBFT's, where there is one.
    ///
    /// # Errors
    /// When a height gave another state.
    pub async fn replayed(&self) -> anyhow::Result<Option<u64>> {
        self.running.replayed().await
    }

    /// Waits until one of the chain's programs ends, which none should.
    pub async fn program_ends(&self) -> anyhow::Error {
        self.running.program_ends().await
    }

    /// The same error, or which program ended, where one ends at about that time: then nothing answers any more.
    pub async fn explained(&self, error: anyhow::Error) -> anyhow::Error {
        const SOON: std::time::Duration = std::time::Duration::from_secs(2);
        let ended = tokio::time::timeout(SOON, self.program_ends()).await;
        ended.unwrap_or(error)
    }

    /// What the chain's programs have said, by a name for each.
    pub fn logs(&self) -> Vec<(String, String)> {
        self.running.logs()
    }

    /// Randomness that the seed decides, for one use.
    pub fn random(&self, what: &str) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(derive(self.seed, what))
    }

    /// Stops the chain; says how much memory its processes took at most, in MiB.
    pub fn stop(self) -> f64 {
        self.running.stop()
    }
}

/// What the run's contracts begin with.
fn terms() -> Terms {
    Terms {
        unbonding_seconds: UNBONDING_SECONDS,
        penalties: vec![
            silence(slashing::kind::NO_SUBMISSION, Decimal::percent(1)),
            silence(slashing::kind::SILENT_SEAT, Decimal::percent(2)),
        ],
        // A reported second header settles before the survivors of its round are final.
        min_window: Some(4),
        issuers: Vec::new(),
    }
}

/// Sets up the contracts of data providers.
///
/// # Errors
/// When the chain refuses a step.
pub async fn deploy(authority: &Person) -> anyhow::Result<Contracts> {
    Ok(deploy::deploy(&authority.chain, &authority.signer, &terms()).await?)
}

fn silence(kind: &str, fraction: Decimal) -> slashing::PenaltyRow {
    slashing::PenaltyRow {
        kind: kind.to_owned(),
        penalty: slashing::Penalty {
            fraction,
            jail_seconds: JAIL_SECONDS,
            tombstone: false,
            bounty_fraction: Decimal::zero(),
            compensation_fraction: Decimal::zero(),
        },
    }
}

fn secret_key(seed: u64, name: &str) -> anyhow::Result<SecretKey> {
    SecretKey::from_bytes(&derive(seed, &format!("account/{name}"))).context("a derived key is no key")
}

/// 32 bytes for one use, decided by the seed.
pub fn derive(seed: u64, what: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"bauta/demo/");
    hash.update(seed.to_be_bytes());
    hash.update(what.as_bytes());
    hash.finalize().into()
}
