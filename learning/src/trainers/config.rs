//! What a task asks of the built-in trainers.

use serde::{Deserialize, Serialize};

use crate::fixed::{Fixed, ONE};
use crate::model::{Initialisation, ModelError, ModelSpec, TensorSpec};

/// The shape of the classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Network {
    /// Softmax regression: tensors `weight` (classes x features), `bias` (classes).
    Softmax,
    /// One hidden layer with ReLU: `hidden.weight` (hidden x features), `hidden.bias`, `output.weight` (classes x hidden), `output.bias`.
    Mlp {
        /// Units of the hidden layer.
        hidden: u32,
    },
    /// Any tensors: no built-in trainer knows them, providers bring their own.
    Custom,
}

impl Network {
    /// The tensors of a model for data of this shape, in their order.
    ///
    /// # Errors
    /// A [`ModelError`] when the model would be too large, or is [`Network::Custom`] (no tensors follow from that).
    pub fn model_spec(&self, features: usize, classes: u32) -> Result<ModelSpec, ModelError> {
        let (features, classes) = (features as u64, u64::from(classes));
        ModelSpec::new(match *self {
            Self::Softmax => vec![TensorSpec::new("weight", [classes, features]), TensorSpec::new("bias", [classes])],
            Self::Mlp { hidden } => {
                let hidden = u64::from(hidden);
                vec![
                    TensorSpec::new("hidden.weight", [hidden, features]),
                    TensorSpec::new("hidden.bias", [hidden]),
                    TensorSpec::new("output.weight", [classes, hidden]),
                    TensorSpec::new("output.bias", [classes]),
                ]
            }
            Self::Custom => Vec::new(),
        })
    }

    /// First values that suit it: zeros for softmax; for the hidden layer and its output uniform in `+-sqrt(6 / fan_in)` and
    /// `+-sqrt(6 / (fan_in + fan_out))` (He et al. 2015; Glorot and Bengio 2010), biases zero.
    #[must_use]
    pub fn initialisation(&self, features: usize, classes: u32, seed: [u8; 32]) -> Initialisation {
        match *self {
            Self::Softmax | Self::Custom => Initialisation::Zeros,
            Self::Mlp { hidden } => {
                // The square root of a ratio in units of 2^-64 is in units of 2^-32.
                let root = |fan: u64| {
                    let bits = ((6u128 << 64) / u128::from(fan.max(1))).isqrt();
                    Fixed::from_bits(i64::try_from(bits).unwrap_or(ONE))
                };
                let hidden_bound = root(features as u64);
                let output_bound = root(u64::from(hidden) + u64::from(classes));
                Initialisation::Uniform { seed, bounds: vec![hidden_bound, Fixed::ZERO, output_bound, Fixed::ZERO] }
            }
        }
    }
}

/// Minibatch SGD on a provider's rows. In JSON, `learning_rate` and `weight_decay` are decimal strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig {
    /// The classifier.
    pub network: Network,
    /// Passes over the rows in one round.
    pub local_epochs: u32,
    /// Rows a step; the last step of a pass may have fewer.
    pub batch_size: u32,
    /// Step size for the mean gradient of the first batch; it falls linearly to almost nothing at the last.
    pub learning_rate: Fixed,
    /// L2 penalty: `weight_decay / 2 |w|^2` is added to the loss, `w` the tensors of two dimensions or more.
    pub weight_decay: Fixed,
}

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A count outside of its range.
    #[error("{field} is {value}; it must be between 1 and {most}")]
    Count {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u32,
        /// The largest allowed.
        most: u32,
    },
    /// A rate outside of its range.
    #[error("{field} is {value}; it must be {range}")]
    Rate {
        /// The field.
        field: &'static str,
        /// Its value.
        value: Fixed,
        /// What is allowed.
        range: &'static str,
    },
}

impl TrainerConfig {
    /// Whether a provider can be asked for this.
    ///
    /// # Errors
    /// A [`ConfigError`] with the first number out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let hidden = match self.network {
            Network::Softmax | Network::Custom => 1,
            Network::Mlp { hidden } => hidden,
        };
        for (field, value, most) in [
            ("hidden", hidden, 1 << 16),
            ("local_epochs", self.local_epochs, 10_000),
            ("batch_size", self.batch_size, 1 << 20),
        ] {
            if value == 0 || value > most {
                return Err(ConfigError::Count { field, value, most });
            }
        }
        if self.learning_rate <= Fixed::ZERO || self.learning_rate > Fixed::from_integer(100) {
            return Err(ConfigError::Rate {
                field: "learning_rate",
                value: self.learning_rate,
                range: "above 0 and at most 100",
            });
        }
        if self.weight_decay < Fixed::ZERO || self.weight_decay > Fixed::from_integer(100) {
            return Err(ConfigError::Rate {
                field: "weight_decay",
                value: self.weight_decay,
                range: "between 0 and 100",
            });
        }
        Ok(())
    }
}

/// The nearest float.
pub(super) fn float(value: Fixed) -> f32 {
    (value.to_bits() as f64 / ONE as f64) as f32
}
