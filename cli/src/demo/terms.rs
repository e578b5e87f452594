//! The settings of the demo's task.

use bauta_client::training::data_settings;
use bauta_learning::encode::Encoding;
use bauta_learning::model::{Model, ModelSpec};
use bauta_learning::optimiser::Optimiser;
use bauta_learning::recipes::Recipe;
use bauta_learning::trainers::Network;
use bauta_schema::training::v1 as pb;

use super::args::{Args, Dataset};
use super::people::BOND;
use super::scenario::Scenario;

/// The task's budget, smallest denomination.
pub const BUDGET: u128 = 100_000_000_000;
/// What a finished round pays for an update.
const PER_UPDATE: u128 = 1_000_000;
/// What it pays for a partial that was used.
const PER_PARTIAL: u128 = 200_000;

/// The settings: the recipe's learning, the scenario's group, windows that close early when nobody is left to wait for.
pub fn settings(
    args: &Args,
    recipe: &Recipe,
    scenario: &Scenario,
    encoding: &Encoding,
    spec: &ModelSpec,
) -> pb::TaskSettings {
    let providers = scenario.size.providers;
    // Half of the budget of a chunk's 64 KiB, so that even small models travel in more than one.
    let chunk_elems = (spec.elements() / 2).clamp(1, 8192) as u32;
    pb::TaskSettings {
        metadata: Some(pb::Metadata {
            name: format!("{} with {}", args.dataset, args.model),
            description: "The task of `bauta demo`.".to_owned(),
            uri: String::new(),
        }),
        level: pb::Level::Open.into(),
        model: Some(model(recipe, spec)),
        data: Some(data_settings(&recipe.data_spec())),
        trainer: Some(pb::TrainerHints {
            local_epochs: recipe.trainer.local_epochs,
            batch_size: recipe.trainer.batch_size,
            learning_rate: recipe.trainer.learning_rate.to_bits() as u64,
            weight_decay: recipe.trainer.weight_decay.to_bits() as u64,
        }),
        encoding: Some(pb::Encoding {
            bits: recipe.ring_bits,
            chunk_elems,
            clip: encoding.clip.to_bits() as u64,
            scale_bits: encoding.scale_bits,
            bound: encoding.bound,
            max_weight: encoding.max_weight,
            rows_per_weight: recipe.rows_per_weight,
            metrics: 0,
        }),
        optimiser: Some(optimiser(&recipe.optimiser)),
        cohort: Some(pb::Cohort {
            min_providers: scenario.cohort.group_size,
            max_providers: providers,
            group_size: scenario.cohort.group_size,
            min_group: scenario.cohort.min_group,
            corrupt_heads: None,
            // Who was slashed for silence may come back.
            min_bond: (BOND / 2).to_string(),
            issuer: String::new(),
        }),
        windows: Some(pb::Windows {
            // Long enough for providers that come back from jail.
            enrol: 60,
            deal: 12,
            complain: 6,
            check_in: 8,
            submit: 10,
            unmask: 8,
            evidence: 10,
        }),
        rewards: Some(pb::Rewards {
            per_update: PER_UPDATE.to_string(),
            per_partial: PER_PARTIAL.to_string(),
            gas_price: "10".to_owned(),
        }),
        rounds: scenario.size.rounds,
        max_idle_epochs: 3,
    }
}

/// The first model, as the task carries it.
pub fn initial(first: &Model) -> pb::InitialModel {
    pb::InitialModel { source: Some(pb::initial_model::Source::Inline(first.encode())) }
}

fn model(recipe: &Recipe, spec: &ModelSpec) -> pb::ModelSpec {
    let (kind, hidden) = match recipe.trainer.network {
        Network::Softmax => (pb::ModelKind::Softmax, 0),
        Network::Mlp { hidden } => (pb::ModelKind::Mlp, hidden),
        Network::Custom => (pb::ModelKind::Custom, 0),
    };
    let tensor = |name: &str, shape: &[u64]| pb::Tensor {
        name: name.to_owned(),
        shape: shape.iter().map(|dimension| *dimension as u32).collect(),
    };
    pb::ModelSpec {
        kind: kind.into(),
        tensors: spec.tensors().iter().map(|t| tensor(t.name(), t.shape())).collect(),
        hidden,
    }
}

fn optimiser(optimiser: &Optimiser) -> pb::Optimiser {
    let bits = |value: bauta_learning::fixed::Fixed| value.to_bits() as u64;
    let none = pb::Optimiser::default();
    match *optimiser {
        Optimiser::FedAvg { learning_rate } => {
            pb::Optimiser { kind: pb::OptimiserKind::Fedavg.into(), learning_rate: bits(learning_rate), ..none }
        }
        Optimiser::FedAvgM { learning_rate, momentum } => pb::Optimiser {
            kind: pb::OptimiserKind::Fedavgm.into(),
            learning_rate: bits(learning_rate),
            beta1: bits(momentum),
            ..none
        },
        Optimiser::FedAdam { learning_rate, beta1, beta2, tau } => pb::Optimiser {
            kind: pb::OptimiserKind::Fedadam.into(),
            learning_rate: bits(learning_rate),
            beta1: bits(beta1),
            beta2: bits(beta2),
            tau: bits(tau),
        },
    }
}

/// The share of held-out rows that central training must get right.
pub fn least_central_accuracy(dataset: Dataset) -> f64 {
    match dataset {
        Dataset::Digits => 0.95,
        Dataset::BreastCancer => 0.94,
    }
}
