//! The data providers of a run: hired, put to work, waited for.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::{anyhow, bail, Context as _};
use bauta_client::chain::{Chain, Coin, Signer, DEFAULT_DENOM};
use bauta_client::contracts::Contracts;
use bauta_client::disk::Durability;
use bauta_client::provider::{self, CheckInTiming, Provider, ProviderConfig, TrainingMode, Until};
use bauta_learning::data::Dataset;
use bauta_learning::recipes::Recipe;
use bauta_learning::trainers::BuiltIn;
use bauta_messages::registry::{Metadata, Standing};
use bauta_schema::training::v1 as pb;
use rand::RngCore as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ledger::Ledger;
use super::scenario::{Role, Scenario};
use super::script::Script;
use super::world::{derive, World};

/// What every provider bonds, smallest denomination.
pub const BOND: u128 = 1_000_000_000;

/// A hired provider: registered, bonded, its data in its hands.
pub struct Hired {
    /// What it is called.
    pub name: String,
    /// Its key.
    pub signer: Arc<Signer>,
    /// Its role in the scenario.
    pub role: Option<Role>,
    /// Its rows, as they came from its file.
    pub rows: Dataset,
}

/// Registers and bonds the providers, all at once.
///
/// # Errors
/// When the chain refuses one of them.
pub async fn hire(
    world: &World,
    scenario: &Scenario,
    names: &[String],
    data: &[Dataset],
) -> anyhow::Result<Vec<Hired>> {
    // Everybody takes a place at the barrier before the first one waits.
    let people = names.iter().map(|name| world.person(name)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut hired: Vec<Hired> = people
        .iter()
        .zip(data)
        .zip(&scenario.roles)
        .map(|((person, rows), role)| Hired {
            name: person.name.clone(),
            signer: Arc::clone(&person.signer),
            role: *role,
            rows: rows.clone(),
        })
        .collect();
    let mut preparing = JoinSet::new();
    for person in people {
        preparing.spawn(async move {
            let metadata = Metadata {
                name: person.name.clone(),
                contact: String::new(),
                description: "a data provider of the demo".to_owned(),
            };
            provider::prepare(&person.chain, &person.signer, Some(metadata), Some(Coin::new(BOND, DEFAULT_DENOM)))
                .await
                .with_context(|| format!("{} could not register and bond", person.name))
        });
    }
    while let Some(prepared) = preparing.join_next().await {
        prepared.context("a provider's task panicked")??;
    }
    hired.sort_by_key(|member| names.iter().position(|name| *name == member.name));
    Ok(hired)
}

/// Providers at work.
pub struct Working {
    running: JoinSet<()>,
    failure: watch::Receiver<Option<String>>,
}

/// What the providers are to do.
pub struct Job<'a> {
    /// The contracts.
    pub contracts: &'a Contracts,
    /// How to train.
    pub recipe: &'a Recipe,
    /// The task.
    pub task: u64,
    /// Where encoded updates are noted for the checks.
    pub ledger: &'a Ledger,
    /// The seed of the run.
    pub seed: u64,
    /// Where everybody has a folder.
    pub folder: &'a Path,
}

/// What a provider's randomness is called.
fn randomness_of(name: &str) -> String {
    format!("provider/{name}")
}

/// The secret that decides a provider's training and rounding: the first bytes that its randomness gives.
pub fn secret(world: &World, name: &str) -> [u8; 32] {
    let mut secret = [0; 32];
    world.random(&randomness_of(name)).fill_bytes(&mut secret);
    secret
}

/// Starts `provider run` for each of them, and for those who drop out the hand that brings them back.
///
/// # Errors
/// When a folder cannot be used.
pub fn work(world: &World, crew: Vec<Hired>, job: &Job<'_>) -> anyhow::Result<Working> {
    let Job { contracts, recipe, task, ledger, seed, folder } = *job;
    let (failed, failure) = watch::channel(None);
    let failed = Arc::new(failed);
    let mut running = JoinSet::new();
    let peer = folder.join("p1").join("evidence");
    std::fs::create_dir_all(&peer).context("no folder for evidence")?;
    let mut providers = Vec::new();
    for (index, member) in crew.into_iter().enumerate() {
        let home = folder.join(&member.name).join("records");
        let trainer = Arc::new(BuiltIn::new(recipe.data_spec().standardised(&member.rows)));
        let config = ProviderConfig {
            evidence: (index == 0).then(|| peer.clone()),
            check_in: CheckInTiming::AfterTraining,
            // Blocks wait for everybody, so it does not matter how long training takes.
            training: TrainingMode::Inline,
            until: Until::EvidenceClosed,
            // A power cut ends the demo with everything in it.
            durability: Durability::Process,
            ..ProviderConfig::new(task, home, trainer, member.rows.rows())
        };
        let script = Script {
            index,
            role: member.role,
            ledger: ledger.clone(),
            peer: peer.clone(),
            seed: derive(seed, &format!("second header/{}", member.name)),
            second: OnceLock::new(),
        };
        let rng = world.random(&randomness_of(&member.name));
        let provider =
            Provider::open(world.connection()?, Arc::clone(&member.signer), config, Box::new(rng), Box::new(script))
                .with_context(|| format!("{} could not open its records", member.name))?;
        if matches!(member.role, Some(Role::Drops { .. } | Role::SeatSilent { .. })) {
            let chain = world.connection()?;
            let (contracts, signer) = (contracts.clone(), Arc::clone(&member.signer));
            running.spawn(async move {
                if let Err(error) = come_back(&chain, &contracts, &signer, task).await {
                    tracing::warn!(%error, provider = signer.address(), "it did not come back from jail");
                }
            });
        }
        providers.push((member.name, provider));
    }
    for (name, mut provider) in providers {
        let failed = Arc::clone(&failed);
        running.spawn(async move {
            if let Err(error) = provider.run().await {
                failed.send_replace(Some(format!("{name} stopped: {error}")));
            }
        });
    }
    Ok(Working { running, failure })
}

impl Working {
    /// Resolves when a provider has failed, with the sentence.
    pub async fn failed(&self) -> String {
        let mut failure = self.failure.clone();
        if let Ok(sentence) = failure.wait_for(Option::is_some).await {
            return sentence.clone().unwrap_or_default();
        }
        // Every provider is done, and none failed.
        std::future::pending().await
    }

    /// Lets blocks pass until every provider is done, and says how long that took in blocks.
    ///
    /// # Errors
    /// When a provider fails, or is not done after very many blocks.
    pub async fn finished(mut self, chain: &Chain) -> anyhow::Result<()> {
        const PATIENCE_BLOCKS: u32 = 10_000;
        let mut height = chain.height().await?;
        for _ in 0..PATIENCE_BLOCKS {
            if let Some(sentence) = self.failure.borrow().clone() {
                bail!(sentence);
            }
            while let Some(done) = self.running.try_join_next() {
                done.map_err(|error| anyhow!("a provider's task ended badly: {error}"))?;
            }
            if self.running.is_empty() {
                return Ok(());
            }
            height = chain.wait_past(height).await?;
        }
        bail!("the providers were not done {PATIENCE_BLOCKS} blocks after the task had ended")
    }
}

/// What the operator of a provider does that was jailed for silence: unjails it when the time is over.
async fn come_back(chain: &Chain, contracts: &Contracts, signer: &Signer, task: u64) -> anyhow::Result<()> {
    let mut height = chain.height().await?;
    loop {
        let (record, _) = chain.task(task).await?;
        if record.status() != pb::TaskStatus::Running {
            return Ok(());
        }
        let known = contracts.provider(chain, signer.address()).await?;
        if let Standing::Jailed { until, .. } = known.standing {
            let now = chain.status().await?.sync_info.latest_block_time.unix_timestamp();
            if now > i64::try_from(until).unwrap_or(i64::MAX) {
                contracts.unjail(chain, signer).await?;
                return Ok(());
            }
        }
        height = chain.wait_past(height).await?;
    }
}
