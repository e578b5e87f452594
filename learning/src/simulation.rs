//! A task without a chain and without masks: the same integers from update to model. It shows whether settings work before anybody pays
//! for rounds, and is what a run over the chain is compared with.

use crate::combine::{Combination, CombineError, GroupSum};
use crate::data::{DataSpec, Dataset};
use crate::encode::EncodingError;
use crate::model::Model;
use crate::optimiser::{OptimiserError, State};
use crate::recipes::{Recipe, RecipeError};
use crate::trainers::{derive_seed, derive_u64, evaluate, train, TensorError, Tensors, TrainError, TrainerConfig};

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The task's settings.
    pub recipe: Recipe,
    /// Decides the division of the data and everything random.
    pub seed: u64,
    /// How many providers there are at first.
    pub providers: usize,
    /// How many rounds.
    pub rounds: u64,
    /// Providers (from 0) with the first round (from 1) in which they are gone for good.
    pub leaving: Vec<(usize, u64)>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The last model.
    pub model: Model,
    /// Accuracy on the held-out rows after each round.
    pub accuracies: Vec<f64>,
    /// Accuracy of central training on the rows of the providers still there at the end.
    pub central_accuracy: f64,
    /// Updates that had to be clipped.
    pub clipped: usize,
}

impl Outcome {
    /// Accuracy after the last round.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.accuracies.last().copied().unwrap_or_default()
    }
}

/// Why a simulation stopped.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A provider's training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// An update.
    #[error(transparent)]
    Tensors(#[from] TensorError),
    /// Its encoding.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// The combination.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// The optimiser.
    #[error(transparent)]
    Optimiser(#[from] OptimiserError),
    /// A sum of encoded updates, impossible within the ring's headroom.
    #[error("the sum of the encoded updates exceeds 64 bits")]
    Overflow,
}

impl Scenario {
    /// Runs it.
    ///
    /// # Errors
    /// A [`SimulationError`].
    pub fn run(&self) -> Result<Outcome, SimulationError> {
        let recipe = &self.recipe;
        let spec = recipe.data_spec();
        let division = recipe.divide(self.seed, self.providers)?;
        let held_out = spec.standardised(&division.held_out);
        let shares: Vec<Dataset> = division.providers.iter().map(|share| spec.standardised(share)).collect();
        let encoding = recipe.encoding(self.providers as u64)?;
        let network = recipe.trainer.network;
        let mut model = recipe.initial_model(self.seed)?;
        let mut state = State::initial(&recipe.optimiser, model.values().len());
        let (mut accuracies, mut clipped) = (Vec::new(), 0);

        for round in 1..=self.rounds {
            let start = Tensors::from_model(&model);
            let mut sum = vec![0i64; model.values().len()];
            let mut total_weight = 0u64;
            for (provider, share) in shares.iter().enumerate().filter(|(provider, _)| self.is_there(*provider, round)) {
                let place = [provider as u64, round];
                let seed = derive_u64(&self.seed.to_be_bytes(), "training", &place);
                let (trained, _) = train(&recipe.trainer, &start, share, seed)?;
                let update = trained.minus(&start)?;
                clipped += usize::from(encoding.clip_factor(update.values()) < 1.0);
                let rounding = derive_seed(&self.seed.to_be_bytes(), "rounding", &place);
                let encoded = encoding.quantise(update.values(), &rounding)?;
                let weight = recipe.weight(share.rows());
                for (total, value) in sum.iter_mut().zip(encoding.weigh(&encoded, weight)?) {
                    *total = total.checked_add(value).ok_or(SimulationError::Overflow)?;
                }
                total_weight += weight;
            }
            encoding.check_aggregate(0, &sum, total_weight)?;
            let mean = Combination::Mean.combine(&[GroupSum::new(&sum, total_weight)], encoding.scale_bits)?;
            recipe.optimiser.step(model.values_mut(), &mut state, &mean)?;
            accuracies.push(evaluate(network, &Tensors::from_model(&model), &held_out)?.accuracy());
        }

        let remaining = self.remaining_rows(&spec, &division.providers);
        let central =
            central(&recipe.trainer, recipe.central_epochs, &recipe.initial_model(self.seed)?, &remaining, self.seed)?;
        let central_accuracy = evaluate(network, &central, &held_out)?.accuracy();
        Ok(Outcome { model, accuracies, central_accuracy, clipped })
    }

    fn is_there(&self, provider: usize, round: u64) -> bool {
        !self.leaving.iter().any(|&(leaver, first)| leaver == provider && round >= first)
    }

    fn remaining_rows(&self, spec: &DataSpec, shares: &[Dataset]) -> Dataset {
        let there = shares.iter().enumerate().filter(|(provider, _)| self.is_there(*provider, self.rounds));
        spec.standardised(&pool(there.map(|(_, share)| share)))
    }
}

/// All rows of several data sets of one shape, one after the other.
#[must_use]
pub fn pool<'a>(shares: impl Iterator<Item = &'a Dataset>) -> Dataset {
    let shares: Vec<&Dataset> = shares.collect();
    let views: Vec<_> = shares.iter().map(|share| share.features.view()).collect();
    Dataset {
        // Shares of one data set have one width; were they none, there would be nothing to train on, which training says.
        features: ndarray::concatenate(ndarray::Axis(0), &views).unwrap_or_default(),
        labels: shares.iter().flat_map(|share| share.labels.iter().copied()).collect(),
        classes: shares.first().map_or(0, |share| share.classes),
    }
}

/// Central training: the same trainer on rows in one place, for `epochs` passes.
///
/// # Errors
/// A [`TrainError`].
pub fn central(
    config: &TrainerConfig,
    epochs: u32,
    first: &Model,
    rows: &Dataset,
    seed: u64,
) -> Result<Tensors, TrainError> {
    let config = TrainerConfig { local_epochs: epochs, ..*config };
    let seed = derive_u64(&seed.to_be_bytes(), "central", &[]);
    Ok(train(&config, &Tensors::from_model(first), rows, seed)?.0)
}
