//! The model provider's side: from a decrypted sum to the next model, with the chain's optimisers in integers.

use bauta_learning::fixed::{divide_half_even, saturate, shift_half_even, FRACTION_BITS};
use bauta_learning::optimiser::{Optimiser, OptimiserError, State};

use super::{Head, Training, TrainingError};

/// Why a step was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnerError {
    /// The training.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// The optimiser.
    #[error(transparent)]
    Optimiser(#[from] OptimiserError),
    /// A sum of another length, or over no rows.
    #[error("a step needs {expected} sums over one row at least, not {found} over {rows}")]
    Sums {
        /// `k d`.
        expected: usize,
        /// Given.
        found: usize,
        /// Given.
        rows: u64,
    },
}

/// The model as it moves: 32 fraction bits, `vectors` times `width` values, and the optimiser's state.
#[derive(Clone, PartialEq, Eq)]
pub struct Learner {
    training: Training,
    optimiser: Optimiser,
    state: State,
    values: Vec<i64>,
}

/// Only its size: the model is the secret here.
impl std::fmt::Debug for Learner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Learner({} weights)", self.values.len())
    }
}

impl Learner {
    /// A model of zeros.
    ///
    /// # Errors
    /// Numbers out of range.
    pub fn new(training: Training, optimiser: Optimiser) -> Result<Self, LearnerError> {
        training.check()?;
        optimiser.check()?;
        let length = training.width.saturating_mul(training.vectors);
        Ok(Self { training, optimiser, state: State::initial(&optimiser, length), values: vec![0; length] })
    }

    /// The model, in units of `2^-32`.
    #[must_use]
    pub fn values(&self) -> &[i64] {
        &self.values
    }

    /// What is encrypted for a round: rounded half to even to `model_bits`, and clipped to the bound that exactness was computed with.
    #[must_use]
    pub fn weights(&self) -> Vec<i64> {
        let bits = FRACTION_BITS - self.training.model_bits.min(FRACTION_BITS);
        let bound = i128::from(self.training.model_bound);
        self.values
            .iter()
            .map(|&value| saturate(shift_half_even(i128::from(value), bits).clamp(-bound, bound)))
            .collect()
    }

    /// Moves the model by the mean negative gradient: `-scale * sums / (rows * 2^(2 feature_bits + model_bits))`, rounded once.
    ///
    /// `sums` is `A w - b` over all groups of the round, `rows` the rows of their minibatches.
    ///
    /// # Errors
    /// Sums of another length; no rows; the optimiser's.
    pub fn step(&mut self, sums: &[i64], rows: u64) -> Result<(), LearnerError> {
        let wrong = LearnerError::Sums { expected: self.values.len(), found: sums.len(), rows };
        // Two bits more for a quarter. At most 2^64 2^(32 + 24 + 2).
        let scale_bits = match self.training.head {
            Head::LeastSquares => 0,
            Head::Logistic => 2,
        };
        let divisor = i128::from(rows) << (2 * self.training.feature_bits + self.training.model_bits + scale_bits);
        // Below 2^63 2^32.
        let update =
            sums.iter().map(|&sum| divide_half_even(-(i128::from(sum) << FRACTION_BITS), divisor).map(saturate));
        let update: Vec<i64> = match update.collect() {
            Some(update) if sums.len() == self.values.len() => update,
            _ => return Err(wrong),
        };
        Ok(self.optimiser.step(&mut self.values, &mut self.state, &update)?)
    }
}
