//! The same training without masks, chain or transactions: what the model must be, given the updates.

use anyhow::{bail, Context as _};
use bauta_learning::combine::{Combination, GroupSum};
use bauta_learning::data::Dataset;
use bauta_learning::encode::Encoding;
use bauta_learning::model::Model;
use bauta_learning::optimiser::State;
use bauta_learning::recipes::Recipe;
use bauta_learning::trainers::{evaluate, train, Tensors};

/// What a provider's update was, integer for integer, before it was weighed and masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Public weight.
    pub weight: u64,
    /// One integer a coordinate.
    pub update: Vec<i64>,
}

/// A training run that sees everything.
pub struct Shadow {
    recipe: Recipe,
    encoding: Encoding,
    model: Model,
    state: State,
    held_out: Dataset,
}

impl Shadow {
    /// At the first model.
    ///
    /// # Errors
    /// When the recipe makes no task.
    pub fn new(recipe: &Recipe, encoding: Encoding, first: Model, held_out: &Dataset) -> Self {
        let state = State::initial(&recipe.optimiser, first.values().len());
        let held_out = recipe.data_spec().standardised(held_out);
        Self { recipe: recipe.clone(), encoding, model: first, state, held_out }
    }

    /// The model so far.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The update that somebody with these rows and seeds sends from the model so far.
    ///
    /// # Errors
    /// When training or encoding fails.
    pub fn train(&self, rows: &Dataset, weight: u64, seed: u64, rounding: &[u8; 32]) -> anyhow::Result<Encoded> {
        let start = Tensors::from_model(&self.model);
        let (trained, _) = train(&self.recipe.trainer, &start, rows, seed)?;
        let update = self.encoding.quantise(trained.minus(&start)?.values(), rounding)?;
        Ok(Encoded { weight, update })
    }

    /// The plain integer sum of weighted updates, and the sum of the weights.
    ///
    /// # Errors
    /// When the updates are of different lengths or their sum leaves 64 bits.
    pub fn sum(&self, updates: &[Encoded]) -> anyhow::Result<(Vec<i64>, u64)> {
        let mut sum = vec![0i64; self.model.values().len()];
        let mut weights = 0u64;
        for Encoded { weight, update } in updates {
            if update.len() != sum.len() {
                bail!("an update has {} coordinates, the model {}", update.len(), sum.len());
            }
            for (total, value) in sum.iter_mut().zip(self.encoding.weigh(update, *weight)?) {
                *total = total.checked_add(value).context("the sum of the updates leaves 64 bits")?;
            }
            weights += weight;
        }
        Ok((sum, weights))
    }

    /// Moves the model as the chain must: mean of the updates, then the server's optimiser.
    ///
    /// # Errors
    /// As [`Shadow::sum`].
    pub fn step(&mut self, updates: &[Encoded]) -> anyhow::Result<()> {
        let (sum, weights) = self.sum(updates)?;
        let mean = Combination::Mean.combine(&[GroupSum::new(&sum, weights)], self.encoding.scale_bits)?;
        self.recipe.optimiser.step(self.model.values_mut(), &mut self.state, &mean)?;
        Ok(())
    }

    /// Share of the held-out rows that a model gets right, 0..1.
    ///
    /// # Errors
    /// When the model is of another shape.
    pub fn accuracy(&self, model: &Model) -> anyhow::Result<f64> {
        Ok(evaluate(self.recipe.trainer.network, &Tensors::from_model(model), &self.held_out)?.accuracy())
    }
}
