//! What is trained on an encrypted model: least squares, and logistic regression with the sigmoid linearised at zero, one vector a class
//! (one against the rest) over one matrix.
//!
//! With rows `x` and weights `w`, the gradient of least squares is `sum x (x w - y)`. The logistic loss has `sum x (sigma(x w) - y)` with
//! `sigma(z) = 1/2 + z/4 + O(z^3)`, so to first order it is `1/4 (sum x x^T w - sum (4 y - 2) x)` for labels 0 and 1. Both are
//! `scale (A w - b)` with
//!
//! | | `A` | `b` | a row's target | scale |
//! |---|---|---|---|---|
//! | least squares | `sum x x^T` | `sum y x` | `y`; for classes 1 and -1 | 1 |
//! | logistic | `sum x x^T` | `sum (4 y - 2) x` | 2 and -2 | 1/4 |
//!
//! In integers: features and targets count units of `2^-feature_bits`, published weights units of `2^-model_bits`, so `A` counts
//! `2^-(2 feature_bits)` and the result, and `b`, `2^-(2 feature_bits + model_bits)`. The model itself is in the chain's fixed point of
//! 32 fraction bits ([`bauta_learning::fixed`]); what is published is rounded to fewer, once, half to even.

mod features;
mod learner;

pub use features::{FeatureError, Features, Quantiser};
pub use learner::{Learner, LearnerError};

use crate::audit::tree::{Row, RowShape};
use crate::plan::Shape;

/// Which loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Squared error.
    LeastSquares,
    /// The logistic loss, its sigmoid linearised at zero.
    Logistic,
}

/// The numbers of a task's training, public and part of its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Training {
    /// The loss.
    pub head: Head,
    /// `d`, features of a row with the constant one.
    pub width: usize,
    /// `k`, vectors: 1 for a regression or two classes, one a class above.
    pub vectors: usize,
    /// Fraction bits of a feature and a target, at most 16.
    pub feature_bits: u32,
    /// Fraction bits of a published weight, at most 24.
    pub model_bits: u32,
    /// A feature is clipped to plus or minus this many units.
    pub feature_bound: u64,
    /// A published weight likewise.
    pub model_bound: u64,
    /// Rows of a provider's minibatch, in every round fresh ones.
    pub batch: u32,
}

/// Why a training was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainingError {
    /// A number out of its range.
    #[error("{name} is {value}; it must be at most {most}")]
    Size {
        /// Which.
        name: &'static str,
        /// Asked for.
        value: u64,
        /// Allowed.
        most: u64,
    },
    /// A label that names no class.
    #[error("label {label} is no class; there are {classes}")]
    Label {
        /// Given.
        label: u32,
        /// There are.
        classes: usize,
    },
}

impl Training {
    /// Whether the numbers are such that nothing here overflows; [`crate::Plan`] says whether they last.
    ///
    /// # Errors
    /// The first that is out of its range.
    pub fn check(&self) -> Result<(), TrainingError> {
        let sizes = [
            ("the feature's fraction bits", u64::from(self.feature_bits), 16),
            ("the model's fraction bits", u64::from(self.model_bits), 24),
            ("a feature's bound", self.feature_bound, 1 << 20),
            ("a weight's bound", self.model_bound, 1 << 40),
            ("the minibatch", u64::from(self.batch), 1 << 16),
        ];
        match sizes.into_iter().find(|(_, value, most)| value > most) {
            Some((name, value, most)) => Err(TrainingError::Size { name, value, most }),
            None => Ok(()),
        }
    }

    /// Largest target, in units of `2^-feature_bits`: 2 for the logistic loss, a feature's bound for least squares.
    fn target_bound(&self) -> u64 {
        match self.head {
            Head::LeastSquares => self.feature_bound.max(1 << self.feature_bits.min(16)),
            Head::Logistic => 2 << self.feature_bits.min(16),
        }
    }

    /// What a plan needs to know: the most that a minibatch can add up to, saturated (a plan refuses that).
    #[must_use]
    pub fn shape(&self, group: u32) -> Shape {
        let batch = u64::from(self.batch);
        let times = |a: u64, b: u64| batch.saturating_mul(a).saturating_mul(b);
        Shape {
            width: self.width,
            vectors: self.vectors,
            matrix_bound: times(self.feature_bound, self.feature_bound),
            model_bound: self.model_bound,
            target_bound: times(self.feature_bound, self.target_bound()).saturating_mul(1 << self.model_bits.min(24)),
            group,
        }
    }

    /// The shape of a row, for sums and audits.
    #[must_use]
    pub fn row_shape(&self) -> RowShape {
        RowShape {
            width: self.width,
            vectors: self.vectors,
            feature_bound: self.feature_bound,
            target_bound: self.target_bound(),
            target_shift: self.model_bits,
        }
    }

    /// A row of a class. With one vector, class 1 is what it tells from class 0.
    ///
    /// # Errors
    /// A label that is no class.
    pub fn labelled(&self, features: Vec<i64>, label: u32) -> Result<Row, TrainingError> {
        let classes = self.vectors.max(2);
        if label as usize >= classes {
            return Err(TrainingError::Label { label, classes });
        }
        let one = match self.head {
            Head::LeastSquares => 1i64 << self.feature_bits.min(16),
            Head::Logistic => 2i64 << self.feature_bits.min(16),
        };
        let class = |vector: usize| if self.vectors == 1 { 1 } else { vector };
        let target = |vector| if class(vector) == label as usize { one } else { -one };
        Ok(Row { features, targets: (0..self.vectors).map(target).collect() })
    }

    /// The class that weights give a row: the largest score's, of equal ones the first; with one vector 1 where the score is above zero.
    #[must_use]
    pub fn class(&self, weights: &[i64], features: &[i64]) -> u32 {
        let score = |weights: &[i64]| -> i128 {
            weights.iter().zip(features).map(|(w, x)| i128::from(*w) * i128::from(*x)).sum()
        };
        if self.vectors == 1 {
            return u32::from(score(weights) > 0);
        }
        let mut best = (0, i128::MIN);
        for (class, weights) in (0..).zip(weights.chunks_exact(self.width.max(1))) {
            let score = score(weights);
            if score > best.1 {
                best = (class, score);
            }
        }
        best.0
    }
}
