//! Settings that are known to work: for the demo, and for a model provider to start from.

use crate::data::{dirichlet, held_out, DataError, DataSpec, Dataset, Embedded, SplitError};
use crate::encode::{Encoding, EncodingError, GUARD_BITS};
use crate::fixed::{Fixed, FRACTION_BITS};
use crate::model::{Model, ModelError, ModelSpec};
use crate::optimiser::Optimiser;
use crate::trainers::{derive_seed, Network, TrainerConfig};

/// Everything about the learning of a task: what a `task create` needs beside money and windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The data set.
    pub dataset: Embedded,
    /// What each provider does in a round.
    pub trainer: TrainerConfig,
    /// What the chain does with the mean update.
    pub optimiser: Optimiser,
    /// Largest L2 norm of an update.
    pub clip: Fixed,
    /// Bits of the ring.
    pub ring_bits: u32,
    /// `W`: largest weight.
    pub max_weight: u64,
    /// One unit of weight for so many rows of a provider.
    pub rows_per_weight: u64,
    /// Rounds after which it is as good as it gets.
    pub rounds: u64,
    /// Passes of central training, by the same trainer, to compare with.
    pub central_epochs: u32,
    /// Concentration of the Dirichlet distribution by which labels are spread over providers.
    pub alpha: Fixed,
    /// One row in so many is held out.
    pub held_out_one_in: usize,
    /// Fewest rows of a provider.
    pub minimum_rows: usize,
}

/// Why a recipe could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The division over providers.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The encoding.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
}

/// A data set, divided: raw values, as they would stand in the providers' files.
#[derive(Clone, Debug)]
pub struct Division {
    /// What no provider has.
    pub held_out: Dataset,
    /// Each provider's rows.
    pub providers: Vec<Dataset>,
}

fn fixed(numerator: i32, denominator: u32) -> Fixed {
    Fixed::ratio(numerator, denominator)
}

/// Softmax regression on digits, for about `providers` providers. Reaches 95 to 97 % of the held-out quarter, as central training does.
#[must_use]
pub fn digits_softmax(providers: usize) -> Recipe {
    let of_all = recipe(Embedded::Digits, Network::Softmax, (fixed(3, 20), fixed(3, 10_000)), providers);
    // Small batches and more momentum keep up with central training from 3 providers to 96, whose updates differ in size by as much;
    // central training is given the passes that it takes to settle.
    Recipe {
        trainer: TrainerConfig { batch_size: 8, ..of_all.trainer },
        optimiser: Optimiser::FedAvgM { learning_rate: Fixed::ONE, momentum: fixed(4, 5) },
        central_epochs: 120,
        ..of_all
    }
}

/// A network with 32 hidden units on digits. Reaches 96 to 98 %.
#[must_use]
pub fn digits_mlp(providers: usize) -> Recipe {
    recipe(Embedded::Digits, Network::Mlp { hidden: 32 }, (fixed(1, 5), fixed(1, 1000)), providers)
}

/// Softmax regression on breast cancer. Reaches 97 to 99 %.
#[must_use]
pub fn breast_cancer_softmax(providers: usize) -> Recipe {
    recipe(Embedded::BreastCancer, Network::Softmax, (fixed(1, 20), fixed(3, 100)), providers)
}

/// A network with 16 hidden units on breast cancer. Reaches 97 to 99 %.
#[must_use]
pub fn breast_cancer_mlp(providers: usize) -> Recipe {
    recipe(Embedded::BreastCancer, Network::Mlp { hidden: 16 }, (fixed(1, 20), fixed(3, 100)), providers)
}

/// What all recipes have in common: ten passes a round, and momentum on the chain, which within 30 rounds makes up for labels that are
/// spread unevenly (plain averaging stays one to two points behind central training).
fn recipe(
    dataset: Embedded,
    network: Network,
    (learning_rate, weight_decay): (Fixed, Fixed),
    providers: usize,
) -> Recipe {
    let training_rows = match dataset {
        Embedded::Digits => 1347,
        Embedded::BreastCancer => 426,
    };
    Recipe {
        dataset,
        trainer: TrainerConfig { network, local_epochs: 10, batch_size: 16, learning_rate, weight_decay },
        optimiser: Optimiser::FedAvgM { learning_rate: Fixed::ONE, momentum: fixed(7, 10) },
        clip: Fixed::from_integer(4),
        ring_bits: 32,
        max_weight: 16,
        rows_per_weight: rows_per_weight(training_rows, providers),
        rounds: 30,
        central_epochs: 60,
        alpha: Fixed::ONE,
        held_out_one_in: 4,
        minimum_rows: if providers > 48 { 1 } else { 8 },
    }
}

/// So that a provider with twice its even share reaches the largest weight, 16.
fn rows_per_weight(rows: usize, providers: usize) -> u64 {
    (2 * rows as u64).div_ceil(16 * providers.max(1) as u64).max(1)
}

impl Recipe {
    /// What the task declares about data.
    #[must_use]
    pub fn data_spec(&self) -> DataSpec {
        self.dataset.spec()
    }

    /// The model's tensors.
    ///
    /// # Errors
    /// [`RecipeError::Model`], for a hidden layer beyond all bounds.
    pub fn model_spec(&self) -> Result<ModelSpec, RecipeError> {
        let data = self.data_spec();
        Ok(self.trainer.network.model_spec(data.features, data.classes)?)
    }

    /// The first model.
    ///
    /// # Errors
    /// As [`Recipe::model_spec`].
    pub fn initial_model(&self, seed: u64) -> Result<Model, RecipeError> {
        let data = self.data_spec();
        let seed = derive_seed(&seed.to_be_bytes(), "initialisation", &[]);
        Ok(self.trainer.network.initialisation(data.features, data.classes, seed).model(&self.model_spec()?)?)
    }

    /// The encoding for groups of at most `max_group`: the finest unit whose sums fit in the ring, with
    /// `bound = floor(clip 2^scale_bits) + 1`, so that no coordinate of a clipped update is cut.
    ///
    /// # Errors
    /// [`RecipeError::Encoding`] when not even whole numbers fit.
    pub fn encoding(&self, max_group: u64) -> Result<Encoding, RecipeError> {
        let at = |scale_bits: u32| {
            let mut encoding = Encoding { clip: self.clip, scale_bits, bound: 1, max_weight: self.max_weight };
            encoding.bound = encoding.clip_units() + 1;
            encoding
        };
        // Beyond 24 bits a float has nothing more to say.
        let finest = (0..=FRACTION_BITS.min(24))
            .rev()
            .map(at)
            .find(|encoding| encoding.check_ring(self.ring_bits, max_group).is_ok());
        let encoding = finest.unwrap_or_else(|| at(0));
        encoding.check_ring(self.ring_bits, max_group)?;
        debug_assert!(self.ring_bits > GUARD_BITS);
        Ok(encoding)
    }

    /// The public weight of a provider with so many rows: one unit for every `rows_per_weight`, in `1..=W`.
    #[must_use]
    pub fn weight(&self, rows: usize) -> u64 {
        weight(rows, self.rows_per_weight, self.max_weight)
    }

    /// Divides the data set over providers.
    ///
    /// # Errors
    /// [`RecipeError::Split`] for more providers than the rows suffice for.
    pub fn divide(&self, seed: u64, providers: usize) -> Result<Division, RecipeError> {
        let raw = self.dataset.raw()?;
        let derived = |what| derive_seed(&seed.to_be_bytes(), what, &[]);
        let (training, held) = held_out(raw.rows(), self.held_out_one_in);
        let rest = raw.select(&training);
        let shares = dirichlet(&rest.labels, providers, self.alpha.into(), self.minimum_rows, &derived("providers"))?;
        Ok(Division { held_out: raw.select(&held), providers: shares.iter().map(|rows| rest.select(rows)).collect() })
    }
}

/// `rows / rows_per_weight`, rounded down, in `1..=max_weight`.
#[must_use]
pub fn weight(rows: usize, rows_per_weight: u64, max_weight: u64) -> u64 {
    (rows as u64 / rows_per_weight.max(1)).clamp(1, max_weight.max(1))
}
