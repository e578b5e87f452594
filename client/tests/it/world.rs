//! A task, and providers that serve it, on the mocked node.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bauta_client::chain::Chain;
use bauta_client::disk::Durability;
use bauta_client::light::{Clock, LightConfig};
use bauta_client::model_provider;
use bauta_client::policy::Policy;
use bauta_client::provider::{
    Behaviour, CheckInTiming, Event, Honest, Progress, Provider, ProviderConfig, ProviderError, SharedTrainer,
    TrainedRound, TrainingMode,
};
use bauta_learning::trainers::door::{METRICS_FILE, ROUND_FILE, TASK_FILE, UPDATE_FILE};
use bauta_learning::trainers::{Metrics, RoundFile, TaskFile, Tensors, Trainer, TrainerError};
use bauta_rounds::derive;
use bauta_schema::training::v1 as pb;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::ledger::Ledger;
use crate::mock::MockNode;

/// Leaves an update that follows from the round's seed, through the real door.
pub struct Noise;

impl Trainer for Noise {
    fn run(&self, folder: &Path) -> Result<String, TrainerError> {
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let task: TaskFile = serde_json::from_slice(&read(TASK_FILE)).unwrap();
        let round: RoundFile = serde_json::from_slice(&read(ROUND_FILE)).unwrap();
        let spec = task.model_spec().unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(round.seed);
        let values = (0..spec.len()).map(|_| rng.gen_range(-0.1f32..0.1)).collect();
        Tensors::new(spec, values).unwrap().write(&folder.join(UPDATE_FILE)).unwrap();
        let metrics = Metrics { loss: 1.0, correct: 1, rows: 2 };
        std::fs::write(folder.join(METRICS_FILE), serde_json::to_vec(&metrics).unwrap()).unwrap();
        Ok(String::new())
    }
}

/// What every provider trained, by round and provider: the weight and the update.
pub type Trained = Arc<Mutex<BTreeMap<(u64, usize), (u64, Vec<i64>)>>>;

/// A behaviour that notes what was trained, and otherwise does as another one does.
pub struct Noted<B> {
    pub index: usize,
    pub trained: Trained,
    pub inner: B,
}

impl<B: Behaviour> Behaviour for Noted<B> {
    fn checks_in(&self, round: u64) -> bool {
        self.inner.checks_in(round)
    }

    fn submits(&self, round: u64) -> bool {
        self.inner.submits(round)
    }

    fn evaluates(&self, epoch: u64) -> bool {
        self.inner.evaluates(epoch)
    }

    fn answers(&self, round: u64) -> bool {
        self.inner.answers(round)
    }

    fn alters(&self, round: u64, update: &mut [i64]) {
        self.inner.alters(round, update);
    }

    fn signs_numbers(&self, round: u64) -> bool {
        self.inner.signs_numbers(round)
    }

    fn trained(&self, round: &TrainedRound<'_>) {
        let value = (round.weight, round.update.to_vec());
        let before = self.trained.lock().unwrap().insert((round.round, self.index), value.clone());
        assert!(before.is_none_or(|before| before == value), "training again gives the same");
    }

    fn submitted(&self, scene: &bauta_client::provider::Scene<'_>) {
        self.inner.submitted(scene);
    }
}

/// Shares a behaviour between a provider and its successors.
#[derive(Clone)]
pub struct Shared(pub Arc<dyn Behaviour>);

impl Behaviour for Shared {
    fn checks_in(&self, round: u64) -> bool {
        self.0.checks_in(round)
    }

    fn submits(&self, round: u64) -> bool {
        self.0.submits(round)
    }

    fn evaluates(&self, epoch: u64) -> bool {
        self.0.evaluates(epoch)
    }

    fn answers(&self, round: u64) -> bool {
        self.0.answers(round)
    }

    fn alters(&self, round: u64, update: &mut [i64]) {
        self.0.alters(round, update);
    }

    fn signs_numbers(&self, round: u64) -> bool {
        self.0.signs_numbers(round)
    }

    fn trained(&self, round: &TrainedRound<'_>) {
        self.0.trained(round);
    }

    fn submitted(&self, scene: &bauta_client::provider::Scene<'_>) {
        self.0.submitted(scene);
    }
}

pub struct World {
    pub node: MockNode<Ledger>,
    pub homes: Vec<tempfile::TempDir>,
    pub behaviours: Vec<Shared>,
    pub providers: Vec<Option<Provider>>,
    pub events: Arc<Mutex<Vec<(usize, Event)>>>,
    pub trained: Trained,
    pub task: u64,
    pub timing: CheckInTiming,
    pub openings: u64,
    pub policy: Policy,
    pub finished: BTreeMap<u64, Vec<usize>>,
    pub trainers: Vec<Option<SharedTrainer>>,
    pub mode: TrainingMode,
    /// Whether providers follow the chain with a light client.
    pub light: bool,
}

pub const ELEMENTS: u32 = 40;

pub fn settings(n: u32, rounds: u32) -> pb::TaskSettings {
    let group_size = (n / 2 + 1).max(3);
    pb::TaskSettings {
        level: pb::Level::Open.into(),
        model: Some(pb::ModelSpec {
            kind: pb::ModelKind::Custom.into(),
            tensors: vec![pb::Tensor { name: "w".into(), shape: vec![ELEMENTS] }],
            hidden: 0,
        }),
        data: Some(pb::DataSpec { features: 4, classes: 2, ..Default::default() }),
        encoding: Some(pb::Encoding {
            bits: 32,
            chunk_elems: 16,
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
            min_providers: group_size.max(3),
            max_providers: n,
            group_size,
            min_group: (group_size * 3).div_ceil(4).max(3),
            corrupt_heads: Some(0),
            min_bond: "1000".into(),
            issuer: String::new(),
            ..Default::default()
        }),
        windows: Some(pb::Windows {
            enrol: 10,
            deal: 10,
            complain: 6,
            check_in: 10,
            submit: 12,
            unmask: 10,
            evidence: 6,
        }),
        rewards: Some(pb::Rewards { per_update: "50".into(), per_partial: "20".into(), gas_price: "3".into() }),
        rounds,
        max_idle_epochs: 2,
        ..Default::default()
    }
}

pub fn zeros() -> pb::InitialModel {
    pb::InitialModel { source: Some(pb::initial_model::Source::Zero(pb::ZeroInit {})) }
}

impl World {
    /// `n` honest providers and a task of some rounds.
    pub async fn new(n: usize, rounds: u32) -> Self {
        let behaviours = (0..n).map(|_| Shared(Arc::new(Honest)));
        Self::with(behaviours.collect(), rounds).await
    }

    pub async fn with(behaviours: Vec<Shared>, rounds: u32) -> Self {
        let task = settings(u32::try_from(behaviours.len()).unwrap(), rounds);
        Self::with_settings(behaviours, task).await
    }

    /// `n` honest providers in groups of `g` to `2g - 1`.
    pub async fn grouped(n: usize, g: u32, rounds: u32) -> Self {
        let mut task = settings(u32::try_from(n).unwrap(), rounds);
        let cohort = task.cohort.as_mut().unwrap();
        (cohort.group_size, cohort.min_group, cohort.min_providers) = (g, (3 * g).div_ceil(4).max(3), g);
        cohort.corrupt_heads_ppm = Some(0);
        Self::with_settings((0..n).map(|_| Shared(Arc::new(Honest))).collect(), task).await
    }

    pub async fn with_settings(behaviours: Vec<Shared>, task: pb::TaskSettings) -> Self {
        let node = MockNode::new(Ledger::new());
        let owner = node.signer(200);
        let n = behaviours.len();
        // A model that is to stay encrypted is not given to the chain.
        let initial = task.model_provider.is_none().then(zeros);
        let chain = node.chain();
        let task = model_provider::create_scored(&chain, &owner, task, initial, 1_000_000_000, Vec::new());
        let task = task.await.unwrap();
        let trained = Trained::default();
        let noted =
            |(index, inner): (usize, Shared)| Shared(Arc::new(Noted { index, trained: Arc::clone(&trained), inner }));
        let mut world = Self {
            homes: (0..n).map(|_| tempfile::tempdir().unwrap()).collect(),
            behaviours: behaviours.into_iter().enumerate().map(noted).collect(),
            providers: Vec::new(),
            events: Arc::default(),
            trained: Arc::clone(&trained),
            node,
            task,
            timing: CheckInTiming::AfterTraining,
            openings: 0,
            policy: Policy::default(),
            finished: BTreeMap::new(),
            trainers: vec![None; n],
            mode: TrainingMode::Inline,
            light: false,
        };
        for index in 0..n {
            let provider = world.open(index).unwrap();
            world.providers.push(Some(provider));
        }
        world
    }

    pub fn chain(&self) -> Chain {
        match self.light {
            true => self.node.chain().with_light(LightConfig::in_memory(Clock::Chain)),
            false => self.node.chain(),
        }
    }

    /// Starts every provider again, with a light client from now on.
    pub fn light_up(&mut self) {
        self.light = true;
        (0..self.providers.len()).for_each(|index| self.restart(index));
    }

    pub fn inbox(&self, index: usize) -> PathBuf {
        self.homes[index].path().join("evidence")
    }

    pub fn records(&self, index: usize) -> PathBuf {
        self.homes[index].path().join("bauta-1/task-1")
    }

    pub fn address(&self, index: usize) -> String {
        key_of(index).account("bauta").unwrap().to_string()
    }

    pub fn raw(&self, index: usize) -> Vec<u8> {
        key_of(index).address().to_vec()
    }

    pub fn open_with(&mut self, index: usize, policy: Policy) -> Provider {
        self.policy = policy;
        let provider = self.open(index).unwrap();
        self.policy = Policy::default();
        provider
    }

    /// Opens a provider as a process that starts now would: with its folder, and other randomness.
    pub fn open(&mut self, index: usize) -> Result<Provider, ProviderError> {
        let home = self.homes[index].path().to_owned();
        self.open_at(index, &home)
    }

    /// Opens a provider with the records of a folder.
    pub fn open_at(&mut self, index: usize, home: &Path) -> Result<Provider, ProviderError> {
        self.openings += 1;
        let rows = 100 * (1 + index % 3);
        let trainer = self.trainers[index].clone().unwrap_or_else(|| Arc::new(Noise));
        let mut config = ProviderConfig::new(self.task, home, trainer, rows);
        config.durability = Durability::Process;
        config.evidence = Some(self.inbox(index));
        config.training = self.mode;
        config.check_in = self.timing;
        config.policy = self.policy.clone();
        let rng = ChaCha20Rng::seed_from_u64(1_000 * self.openings + index as u64);
        let signer = Arc::new(self.node.signer(seed_of(index)));
        let behaviour = Box::new(self.behaviours[index].clone());
        let events = Arc::clone(&self.events);
        let provider = Provider::open(self.chain(), signer, config, Box::new(rng), behaviour)?;
        Ok(provider.with_listener(Box::new(move |event| events.lock().unwrap().push((index, event.clone())))))
    }

    /// Ends a provider's process and starts it again.
    pub fn restart(&mut self, index: usize) {
        self.providers[index] = None;
        let provider = self.open(index).unwrap();
        self.providers[index] = Some(provider);
    }

    /// One height: every provider does what is due, then comes a block. Whether all are done.
    pub async fn height(&mut self) -> bool {
        let height = self.node.lock().height;
        let mut done = true;
        for provider in self.providers.iter_mut().flatten() {
            done &= provider.step(height).await.unwrap() == Progress::Done;
        }
        self.node.make_block();
        self.check_sums();
        done
    }

    pub async fn run(&mut self) {
        for _ in 0..600 {
            if self.height().await {
                return;
            }
        }
        panic!("the task did not end");
    }

    pub fn task(&self) -> pb::Task {
        self.node.lock().machine.task(self.task)
    }

    /// Every aggregate of a finished round is the plain sum of the survivors' updates: compared as each round settles, because what was
    /// posted is removed when its epoch is closed.
    fn check_sums(&mut self) {
        let node = self.node.lock();
        let trained = self.trained.lock().unwrap();
        let last = self.finished.keys().next_back().map_or(1, |number| number + 1);
        for number in last..=node.machine.task(self.task).round {
            let response = node.machine.round(self.task, number);
            let round = response.round.unwrap();
            if round.settled_height == 0 || response.check_ins.is_empty() {
                continue;
            }
            if round.phase() != pb::RoundPhase::Finished {
                self.finished.insert(number, Vec::new());
                continue;
            }
            let is_open = round.result.as_ref().is_some_and(|result| !result.aggregate_hash.is_empty());
            let mut sum = vec![0i64; ELEMENTS as usize];
            let mut survivors = Vec::new();
            for check_in in response.check_ins.iter().filter(|check_in| derive::takes_part(&round, check_in.slot)) {
                let index = (0..self.homes.len()).find(|&index| self.raw(index) == check_in.address).unwrap();
                let (weight, update) = &trained[&(number, index)];
                assert_eq!(*weight, check_in.weight);
                sum.iter_mut().zip(update).for_each(|(sum, value)| *sum += i64::try_from(*weight).unwrap() * value);
                survivors.push(index);
            }
            if is_open {
                assert_eq!(node.machine.aggregate(self.task, number), sum, "round {number}");
            }
            survivors.sort_unstable();
            self.finished.insert(number, survivors);
        }
    }

    /// Who survived in each round; nobody in one that aborted.
    pub fn survivors(&self) -> Vec<Vec<usize>> {
        self.finished.values().cloned().collect()
    }
}

fn key_of(index: usize) -> bauta_client::keys::SecretKey {
    bauta_client::keys::SecretKey::from_bytes(&[seed_of(index); 32]).unwrap()
}

pub fn seed_of(index: usize) -> u8 {
    u8::try_from(index + 1).unwrap()
}
