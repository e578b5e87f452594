//! Why a provider stops, or sits something out.

use bauta_learning::encode::EncodingError;
use bauta_learning::model::ModelError;
use bauta_learning::trainers::TrainerError;
use bauta_secagg::deal::BadThreshold;
use bauta_secagg::seat::{Conflict, NotAnswered};
use bauta_secagg::submit::MaskError;

use super::records::RecordError;
use crate::chain::ChainError;
use crate::policy::TooMuch;
use crate::training::Unusable;

/// Why a provider stops, or sits something out.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The records.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] TooMuch),
    /// The settings.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// What the node shows contradicts itself, or what this provider computes.
    #[error("the node shows {what} that {why}; nothing is sent on it")]
    Inconsistent {
        /// What it shows.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The trainer.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// The update cannot be encoded.
    #[error("the update cannot be encoded: {0}")]
    Encoding(#[from] EncodingError),
    /// The model cannot be read.
    #[error("the model cannot be read: {0}")]
    Model(#[from] ModelError),
    /// The update cannot be masked.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// The seats allow no deal.
    #[error(transparent)]
    Threshold(#[from] BadThreshold),
    /// The seat has answered otherwise.
    #[error("this seat does not answer: {0}")]
    Conflict(#[from] Conflict),
    /// The seat cannot answer.
    #[error("this seat does not answer: {0}")]
    NotAnswered(#[from] NotAnswered),
    /// The records of something that was sent are gone.
    #[error("the chain has {what} of this provider and its record is not on this disk; it sits this out")]
    LostRecord {
        /// What the chain has.
        what: String,
    },
    /// A thread of training ended without a result.
    #[error("training ended without a result: {0}")]
    Training(String),
}

impl ProviderError {
    pub(crate) fn inconsistent(what: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Inconsistent { what, why: why.to_string() }
    }

    /// Whether the provider can do nothing more until a person has looked.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Record(_) | Self::Policy(_) | Self::Unusable(_))
    }
}
