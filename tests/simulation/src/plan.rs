//! What a seed decides: who takes part, what goes wrong, who cheats.

use std::fmt;

use bauta_learning::encode::metrics::METRICS;
use bauta_learning::evaluate::{TestSet, MAX_INPUT};
use bauta_rounds::params::MAX_SEATS;
use bauta_schema::training::v1 as pb;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A run, decided. The same plan always runs alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Of every draw while it runs.
    pub seed: u64,
    /// How many providers there are.
    pub providers: u32,
    /// How many of them cheat in everything: the last. At most a third.
    pub hostile: u32,
    /// How many more cheat with their seats alone, before those. All cheats together hold fewer seats than the threshold.
    pub colluding: u32,
    /// Coordinates of an update.
    pub elements: u32,
    /// What the task calls `g`.
    pub group_size: u32,
    /// Rounds that the task asks for.
    pub rounds: u32,
    /// Operations at the end of a block: few of them spread a round over many blocks.
    pub operations: u64,
    /// Honest providers fall silent now and then, in a hundred of their duties. What that costs is theirs.
    pub drop_outs: u32,
    /// Blocks by which a message is late at most; windows are longer.
    pub delay: u32,
    /// Whether messages of a block come in any order.
    pub reorder: bool,
    /// Of a hundred blocks, how many have a full lane.
    pub full_lanes: u32,
    /// Of a hundred blocks, how many see a provider restart, which then remembers only what is on its disk.
    pub restarts: u32,
    /// Of a hundred opportunities to cheat, how many are used.
    pub deeds: u32,
    /// Providers that enrol only from the second epoch on.
    pub late_joiners: u32,
    /// Whether groups are scored, where there may be several, and rewards follow.
    #[serde(default)]
    pub scores: Scores,
    /// Whether the task blames where a sum is out of range.
    #[serde(default)]
    pub blames: bool,
    /// Whether updates carry metrics.
    #[serde(default)]
    pub metrics: bool,
}

/// How groups are scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Not at all.
    #[default]
    None,
    /// By their agreement.
    Agreement,
    /// On a test set as well, where the model's length lets it be a classifier.
    TestSet,
}

/// Rows of a test set.
const ROWS: usize = 7;

/// Bits of the task's ring.
pub const RING_BITS: u32 = 33;

/// Blocks of a window. A submission takes two messages one after the other, and every message may be late.
pub const WINDOW: u32 = 8;

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64, elements: u32) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let providers = rng.gen_range(5..=20);
        let hostile = rng.gen_range(0..=providers / 3);
        // The threshold is floor(m/2) + 1.
        let colluding = if rng.gen() { rng.gen_range(0..=providers / 2 - hostile) } else { 0 };
        Self {
            seed,
            providers,
            hostile,
            colluding,
            elements,
            group_size: rng.gen_range(4..=providers.max(8) / 2).clamp(4, providers),
            rounds: rng.gen_range(3..=12),
            operations: *[40_000, 400_000, 10_000_000].get(rng.gen_range(0..3)).unwrap_or(&400_000),
            drop_outs: *[0, 0, 3, 12].get(rng.gen_range(0..4)).unwrap_or(&0),
            delay: rng.gen_range(0..=2),
            reorder: rng.gen(),
            full_lanes: *[0, 0, 10, 40].get(rng.gen_range(0..4)).unwrap_or(&0),
            restarts: *[0, 10, 40].get(rng.gen_range(0..3)).unwrap_or(&0),
            deeds: *[10, 30, 70].get(rng.gen_range(0..3)).unwrap_or(&30),
            late_joiners: rng.gen_range(0..=providers / 5),
            scores: *[Scores::None, Scores::Agreement, Scores::TestSet]
                .get(rng.gen_range(0..3))
                .unwrap_or(&Scores::None),
            blames: rng.gen(),
            metrics: rng.gen(),
        }
    }

    /// The same with another number of providers.
    #[must_use]
    pub fn with_providers(mut self, providers: u32) -> Self {
        self.providers = providers;
        self.hostile = self.hostile.min(providers / 3);
        self.colluding = self.colluding.min(providers / 2 - self.hostile);
        self.group_size = self.group_size.min(providers);
        self.late_joiners = self.late_joiners.min(providers / 5);
        self
    }

    /// The task's settings.
    pub fn settings(&self) -> pb::TaskSettings {
        let windows = pb::Windows {
            enrol: WINDOW,
            deal: WINDOW,
            complain: WINDOW,
            check_in: WINDOW,
            submit: WINDOW,
            unmask: WINDOW,
            // Where seats are drawn, those of the epoch before must still be there.
            evidence: if self.providers > MAX_SEATS { 3 * WINDOW } else { WINDOW },
        };
        pb::TaskSettings {
            metadata: Some(pb::Metadata { name: "simulation".into(), ..Default::default() }),
            level: pb::Level::Open.into(),
            model: Some(pb::ModelSpec { kind: pb::ModelKind::Custom.into(), tensors: self.tensors(), hidden: 0 }),
            data: Some(pb::DataSpec { features: 4, classes: 2, ..Default::default() }),
            trainer: None,
            encoding: Some(pb::Encoding {
                bits: RING_BITS,
                chunk_elems: self.elements.div_ceil(3).max(1),
                clip: 1 << 32,
                scale_bits: 12,
                bound: 5_000,
                max_weight: 8,
                rows_per_weight: 100,
                metrics: if self.metrics { METRICS } else { 0 },
            }),
            optimiser: Some(pb::Optimiser {
                kind: pb::OptimiserKind::Fedavgm.into(),
                learning_rate: 1 << 32,
                beta1: 1 << 31,
                ..Default::default()
            }),
            cohort: Some(pb::Cohort {
                min_providers: self.group_size.max(3),
                max_providers: self.providers,
                group_size: self.group_size,
                min_group: (self.group_size * 3).div_ceil(4).max(3),
                corrupt_heads: Some(0),
                min_bond: "1000".into(),
                issuer: String::new(),
                // Small groups, a third of them hostile: what the odds would refuse is what is simulated.
                corrupt_heads_ppm: Some(0),
                ..Default::default()
            }),
            windows: Some(windows),
            rewards: Some(pb::Rewards { per_update: "50".into(), per_partial: "20".into(), gas_price: "3".into() }),
            rounds: self.rounds,
            max_idle_epochs: 3,
            scoring: self.scoring(),
            blame: self.blames.then_some(pb::Blame { window: WINDOW }),
            ..Default::default()
        }
    }

    /// One tensor; with a test set those of softmax regression of two classes.
    fn tensors(&self) -> Vec<pb::Tensor> {
        let tensor = |name: &str, shape: Vec<u32>| pb::Tensor { name: name.into(), shape };
        match self.features() {
            Some(features) => vec![tensor("weight", vec![2, features]), tensor("bias", vec![2])],
            None => vec![tensor("w", vec![self.elements])],
        }
    }

    /// Features of a row of the test set, if there is one.
    fn features(&self) -> Option<u32> {
        let is_tested = self.is_scored() && self.scores == Scores::TestSet;
        (is_tested && self.elements >= 4 && self.elements.is_multiple_of(2)).then(|| self.elements / 2 - 1)
    }

    /// Whether groups are scored: only where there may be several.
    pub fn is_scored(&self) -> bool {
        self.scores != Scores::None && self.providers / self.group_size >= 2
    }

    /// The public test set, of rows that the seed draws.
    pub fn test_set(&self) -> Option<TestSet> {
        let features = self.features()? as usize;
        let mut rng = ChaCha20Rng::seed_from_u64(self.seed ^ 0x7e57);
        let values = (0..ROWS * features).map(|_| rng.gen_range(-MAX_INPUT..=MAX_INPUT)).collect();
        TestSet::new(features, 2, values, (0..ROWS).map(|_| rng.gen_range(0..2)).collect()).ok()
    }

    /// Bytes of the test set.
    pub fn test_set_bytes(&self) -> usize {
        self.features().map_or(0, |features| TestSet::encoded_len(u64::from(features), ROWS as u64) as usize)
    }

    fn scoring(&self) -> Option<pb::Scoring> {
        let scoring = pb::Scoring { rewards: true, ..Default::default() };
        self.is_scored().then(|| match self.test_set() {
            None => scoring,
            Some(rows) => {
                let test_set = Sha256::digest(rows.encode()).to_vec();
                pb::Scoring { test_set, rows: rows.rows() as u32, sensitivity: 5, ..scoring }
            }
        })
    }

    /// Plans that are simpler than this one in one respect each, the simplest first.
    pub fn simpler(&self) -> Vec<Self> {
        let with = |change: &dyn Fn(&mut Self)| {
            let mut plan = self.clone();
            change(&mut plan);
            let providers = plan.providers;
            plan.with_providers(providers)
        };
        let plans = vec![
            with(&|plan| plan.providers = 5),
            with(&|plan| plan.providers = (plan.providers / 2).max(5)),
            with(&|plan| plan.providers = (plan.providers - 1).max(5)),
            with(&|plan| plan.rounds = 1),
            with(&|plan| plan.rounds = (plan.rounds / 2).max(1)),
            with(&|plan| plan.rounds = (plan.rounds - 1).max(1)),
            with(&|plan| plan.hostile = 0),
            with(&|plan| plan.hostile = plan.hostile.saturating_sub(1)),
            with(&|plan| plan.colluding = 0),
            with(&|plan| plan.colluding = plan.colluding.saturating_sub(1)),
            with(&|plan| plan.drop_outs = 0),
            with(&|plan| plan.late_joiners = 0),
            with(&|plan| plan.blames = false),
            with(&|plan| plan.metrics = false),
            with(&|plan| plan.full_lanes = 0),
            with(&|plan| plan.restarts = 0),
            with(&|plan| plan.reorder = false),
            with(&|plan| plan.delay = plan.delay.saturating_sub(1)),
            with(&|plan| plan.operations = 10_000_000),
            with(&|plan| plan.scores = Scores::None),
            with(&|plan| plan.scores = Scores::Agreement),
            with(&|plan| plan.elements = 6),
        ];
        plans.into_iter().filter(|plan| plan != self).collect()
    }
}

impl fmt::Display for Plan {
    /// As `--plan` reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}
