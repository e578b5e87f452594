//! Files that are known to work.

use bauta_learning::optimiser;
use bauta_learning::recipes::{self, Recipe};
use bauta_learning::trainers::{derive_seed, Network};

use super::{
    Amount, Cohort, Combination, Data, Decimal, Encoding, Initial, Kind, Level, Model, Optimiser, Rewards, Scaling,
    TaskFile, Trainer, Windows,
};

/// The recipes, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RecipeName {
    /// Softmax regression on UCI digits
    DigitsSoftmax,
    /// A network with 32 hidden units on UCI digits
    DigitsMlp,
    /// Softmax regression on UCI breast cancer
    BreastCancerSoftmax,
    /// A network with 16 hidden units on UCI breast cancer
    BreastCancerMlp,
}

impl RecipeName {
    /// The recipe, for about so many providers.
    pub fn recipe(self, providers: u32) -> Recipe {
        let make = match self {
            Self::DigitsSoftmax => recipes::digits_softmax,
            Self::DigitsMlp => recipes::digits_mlp,
            Self::BreastCancerSoftmax => recipes::breast_cancer_softmax,
            Self::BreastCancerMlp => recipes::breast_cancer_mlp,
        };
        make(providers as usize)
    }
}

/// Target size of the one group of so many providers, and the fewest of them whose sum is revealed: two may leave for good without
/// leaving the task below its group size.
pub fn group_of(providers: u32) -> (u32, u32) {
    let group_size = (providers * 4 / 5).min(providers.saturating_sub(2)).max(3);
    (group_size, (group_size * 3).div_ceil(4).max(3))
}

impl TaskFile {
    /// The file of a recipe for at most so many providers, 3 to 96. The seed decides the first values of a network's weights, as
    /// [`Recipe::initial_model`] does.
    pub fn of_recipe(recipe: &Recipe, providers: u32, seed: u64) -> Self {
        let data = recipe.data_spec();
        let (kind, hidden, initial) = match recipe.trainer.network {
            Network::Softmax => (Kind::Softmax, None, Initial::Zero {}),
            Network::Mlp { hidden } => {
                let seed = derive_seed(&seed.to_be_bytes(), "initialisation", &[]);
                (Kind::Mlp, Some(hidden), Initial::Uniform { seed: hex::encode(seed), bounds: None })
            }
            Network::Custom => (Kind::Custom, None, Initial::Zero {}),
        };
        let scaling: Vec<Scaling> = data
            .scaling
            .iter()
            .map(|scaling| Scaling { offset: Decimal(scaling.offset), factor: Decimal(scaling.factor) })
            .collect();
        let all_same = scaling.windows(2).all(|pair| pair[0] == pair[1]);
        let (group_size, min_group) = group_of(providers);
        Self {
            name: format!("{} with {}", recipe.dataset.name(), kind.name()),
            description: String::new(),
            uri: String::new(),
            level: Level::Open,
            rounds: u32::try_from(recipe.rounds).unwrap_or(u32::MAX),
            max_idle_epochs: 3,
            model: Model { kind, hidden, tensors: None },
            initial: Some(initial),
            data: Data {
                features: u32::try_from(data.features).unwrap_or(u32::MAX),
                classes: data.classes,
                feature_names: data.feature_names,
                class_names: data.class_names,
                scaling: if all_same { scaling.into_iter().take(1).collect() } else { scaling },
            },
            trainer: Some(Trainer {
                local_epochs: recipe.trainer.local_epochs,
                batch_size: recipe.trainer.batch_size,
                learning_rate: Decimal(recipe.trainer.learning_rate),
                weight_decay: Decimal(recipe.trainer.weight_decay),
            }),
            encoding: Encoding {
                bits: recipe.ring_bits,
                chunk_elems: None,
                clip: Decimal(recipe.clip),
                scale_bits: None,
                bound: None,
                max_weight: recipe.max_weight,
                rows_per_weight: recipe.rows_per_weight,
                metrics: false,
            },
            optimiser: match recipe.optimiser {
                optimiser::Optimiser::FedAvg { learning_rate } => {
                    Optimiser::Fedavg { learning_rate: Decimal(learning_rate) }
                }
                optimiser::Optimiser::FedAvgM { learning_rate, momentum } => {
                    Optimiser::Fedavgm { learning_rate: Decimal(learning_rate), momentum: Decimal(momentum) }
                }
                optimiser::Optimiser::FedAdam { learning_rate, beta1, beta2, tau } => Optimiser::Fedadam {
                    learning_rate: Decimal(learning_rate),
                    beta1: Decimal(beta1),
                    beta2: Decimal(beta2),
                    tau: Decimal(tau),
                },
            },
            combination: Combination::default(),
            scoring: None,
            cohort: Cohort {
                min_providers: group_size,
                max_providers: providers,
                group_size,
                min_group,
                corrupt_heads: None,
                corrupt_bond_ppm: None,
                offline_seats_ppm: None,
                corrupt_heads_ppm: None,
                min_bond: Amount(1_000_000),
                issuer: None,
            },
            windows: Windows {
                enrol: 30,
                deal: 20,
                complain: 5,
                check_in: 20,
                submit: 20,
                unmask: 20,
                evidence: 50,
                blame: Some(20),
            },
            rewards: Rewards { per_update: Amount(1_000), per_partial: Amount(100), gas_price: Amount(1) },
            folder: Default::default(),
        }
    }
}

impl Kind {
    /// As it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Mlp => "mlp",
            Self::Custom => "custom",
        }
    }
}
