//! Data providers that train a task of any size on noise.

use std::path::Path;
use std::sync::Arc;

use anyhow::{bail, Context as _};
use bauta_client::chain::{Chain, Coin, DEFAULT_DENOM};
use bauta_client::model_provider;
use bauta_client::provider::{self, Behaviour, Honest, Provider, ProviderConfig, Until};
use bauta_learning::trainers::door::{METRICS_FILE, ROUND_FILE, TASK_FILE, UPDATE_FILE};
use bauta_learning::trainers::{Metrics, RoundFile, TaskFile, Tensors, Trainer, TrainerError};
use bauta_messages::registry::Metadata;
use bauta_schema::training::v1 as pb;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tokio::task::JoinSet;

use super::{secret, signer, Host};

/// What everybody bonds, smallest denomination.
const BOND: u128 = 1_000_000_000;
/// A task's budget, smallest denomination.
const BUDGET: u128 = 100_000_000_000_000;
/// Bytes of a full chunk, the most that a transaction of chunks carries.
const CHUNK_BYTES: u32 = 64 * 1024;

/// What is trained.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// How many providers.
    pub providers: u32,
    /// Elements of an update, 32 bits each.
    pub elements: u32,
    /// Rounds.
    pub rounds: u32,
}

impl Job {
    /// What the providers are called.
    pub fn names(&self) -> Vec<String> {
        (0..self.providers).map(|index| format!("p{index}")).collect()
    }

    fn settings(&self) -> pb::TaskSettings {
        let group_size = (self.providers / 2 + 1).max(3);
        let window = 200;
        pb::TaskSettings {
            level: pb::Level::Open.into(),
            model: Some(pb::ModelSpec {
                kind: pb::ModelKind::Custom.into(),
                tensors: vec![pb::Tensor { name: "w".into(), shape: vec![self.elements] }],
                hidden: 0,
            }),
            data: Some(pb::DataSpec { features: 4, classes: 2, ..Default::default() }),
            encoding: Some(pb::Encoding {
                bits: 32,
                chunk_elems: CHUNK_BYTES / 4,
                clip: 1 << 32,
                scale_bits: 12,
                bound: 5_000,
                max_weight: 8,
                rows_per_weight: 100,
                metrics: 0,
            }),
            optimiser: Some(pb::Optimiser {
                kind: pb::OptimiserKind::Fedavg.into(),
                learning_rate: 1 << 32,
                ..Default::default()
            }),
            cohort: Some(pb::Cohort {
                min_providers: self.providers,
                max_providers: self.providers,
                group_size,
                min_group: (group_size * 3).div_ceil(4).max(3),
                corrupt_heads: Some(0),
                min_bond: BOND.to_string(),
                issuer: String::new(),
                ..Default::default()
            }),
            // They close when nobody is left to wait for.
            windows: Some(pb::Windows {
                enrol: window,
                deal: window,
                complain: 4,
                check_in: window,
                submit: window,
                unmask: window,
                evidence: 4,
            }),
            rewards: Some(pb::Rewards { per_update: "50".into(), per_partial: "20".into(), gas_price: "1".into() }),
            rounds: self.rounds,
            max_idle_epochs: 2,
            ..Default::default()
        }
    }
}

/// Leaves an update that follows from the round's seed.
struct Noise;

impl Trainer for Noise {
    fn run(&self, folder: &Path) -> Result<String, TrainerError> {
        noise(folder)
            .map(|()| String::new())
            .map_err(|why| TrainerError::Skipped { status: "an error".to_owned(), log: why.to_string() })
    }
}

fn noise(folder: &Path) -> anyhow::Result<()> {
    let task: TaskFile = serde_json::from_slice(&std::fs::read(folder.join(TASK_FILE))?)?;
    let round: RoundFile = serde_json::from_slice(&std::fs::read(folder.join(ROUND_FILE))?)?;
    let spec = task.model_spec()?;
    let mut rng = ChaCha20Rng::seed_from_u64(round.seed);
    let values = (0..spec.len()).map(|_| rng.gen_range(-0.001f32..0.001)).collect();
    Tensors::new(spec, values)?.write(&folder.join(UPDATE_FILE))?;
    let metrics = Metrics { loss: 1.0, correct: 1, rows: 2 };
    std::fs::write(folder.join(METRICS_FILE), serde_json::to_vec(&metrics)?)?;
    Ok(())
}

/// Providers at work, in this process.
pub struct Crew {
    /// The task.
    pub task: u64,
    running: JoinSet<anyhow::Result<()>>,
}

impl Crew {
    /// Registers and bonds the providers, creates the task, and starts `provider run` for each. Their names must own coins, and so must
    /// `owner`.
    ///
    /// # Errors
    /// When the chain refuses a step.
    pub async fn start(host: &dyn Host, owner: &str, job: Job) -> anyhow::Result<Self> {
        Self::start_with(host, owner, job, &|_| Box::new(Honest)).await
    }

    /// The same, with what each does beside or instead of what the protocol asks, by its name.
    ///
    /// # Errors
    /// When the chain refuses a step.
    pub async fn start_with(
        host: &dyn Host,
        owner: &str,
        job: Job,
        behaviour: &dyn Fn(&str) -> Box<dyn Behaviour>,
    ) -> anyhow::Result<Self> {
        let mut preparing = JoinSet::new();
        for name in job.names() {
            let (chain, signer) = (host.chain()?, signer(&name)?);
            preparing.spawn(async move {
                let metadata = Metadata { name, contact: String::new(), description: String::new() };
                let bond = Coin::new(BOND, DEFAULT_DENOM);
                provider::prepare(&chain, &signer, Some(metadata), Some(bond)).await
            });
        }
        while let Some(prepared) = preparing.join_next().await {
            prepared?.context("a provider could not register and bond")?;
        }
        let zeros = pb::InitialModel { source: Some(pb::initial_model::Source::Zero(pb::ZeroInit {})) };
        let chain = host.chain()?;
        let task = model_provider::create(&chain, signer(owner)?.as_ref(), job.settings(), zeros, BUDGET).await?;
        let mut running = JoinSet::new();
        for name in job.names() {
            let home = host.folder_of(&format!("{name}-{task}"));
            let config =
                ProviderConfig { until: Until::TaskEnded, ..ProviderConfig::new(task, home, Arc::new(Noise), 100) };
            let rng = ChaCha20Rng::from_seed(secret(&format!("{name}/{task}")));
            let mut provider = Provider::open(host.chain()?, signer(&name)?, config, Box::new(rng), behaviour(&name))?;
            running.spawn(async move {
                provider.run().await.with_context(|| format!("{name} stopped"))?;
                Ok(())
            });
        }
        Ok(Self { task, running })
    }

    /// Waits until all rounds are finished.
    ///
    /// # Errors
    /// When a provider stops before, or it takes more than `blocks` blocks.
    pub async fn finished(&mut self, chain: &Chain, blocks: u64) -> anyhow::Result<()> {
        let first = chain.height().await?;
        let mut height = first;
        while height < first + blocks {
            while let Some(done) = self.running.try_join_next() {
                done??;
            }
            let (task, settings) = chain.task(self.task).await?;
            if task.status() == pb::TaskStatus::Finished {
                anyhow::ensure!(task.finished_rounds == settings.rounds, "the task ended after too few rounds");
                return Ok(());
            }
            anyhow::ensure!(task.status() == pb::TaskStatus::Running, "the task ended as {:?}", task.status());
            height = chain.wait_past(height).await?;
        }
        bail!("task {} is not finished after {blocks} blocks", self.task)
    }
}
