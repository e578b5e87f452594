//! A task as its owner writes it: a TOML file with comments, read into the chain's settings.
//!
//! `TaskFile` is the file, field by field; [`TaskFile::settings`] and [`TaskFile::initial_model`] are what a transaction carries;
//! [`TaskFile::of_recipe`] is a file to start from, and [`render`](TaskFile::render) writes it with an explanation of every line.

mod convert;
mod numbers;
mod recipe;
mod render;
mod scoring;

use std::fmt;
use std::path::{Path, PathBuf};

use bauta_client::toml_file;
use serde::{Deserialize, Serialize};

pub use bauta_client::toml_file::Decimal;
pub use numbers::Amount;
pub use recipe::{group_of, RecipeName};
pub use scoring::Scoring;

use crate::failure::Failure;

/// Why a file does not describe a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// A task's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// A name for people.
    pub name: String,
    /// A description for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// A link for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uri: String,
    /// Who may see the model.
    #[serde(default)]
    pub level: Level,
    /// Rounds to finish.
    pub rounds: u32,
    /// Epochs in a row that may finish no round.
    #[serde(default = "default_idle_epochs")]
    pub max_idle_epochs: u32,
    /// The model's shape.
    pub model: Model,
    /// The model's first values; absent in a file that was made of a chain's settings, which do not hold them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<Initial>,
    /// The data that a provider must bring.
    pub data: Data,
    /// What the built-in trainers do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trainer: Option<Trainer>,
    /// How updates become integers.
    pub encoding: Encoding,
    /// What moves the model.
    pub optimiser: Optimiser,
    /// How groups become one update; the mean if absent.
    #[serde(default, skip_serializing_if = "Combination::is_mean")]
    pub combination: Combination,
    /// How groups are scored; they are not if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scoring: Option<Scoring>,
    /// Who is grouped with whom.
    pub cohort: Cohort,
    /// How long phases last.
    pub windows: Windows,
    /// What is paid.
    pub rewards: Rewards,
    /// Where the file lies: other files are named from there.
    #[serde(skip)]
    pub folder: PathBuf,
}

fn default_idle_epochs() -> u32 {
    3
}

/// Who may see the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everybody.
    #[default]
    Open,
    /// The providers; not offered yet.
    Cohort,
    /// The owner; not offered yet.
    Sealed,
}

/// The model's shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Which trainer knows it.
    pub kind: Kind,
    /// Units of the hidden layer, for mlp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<u32>,
    /// The tensors, for custom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tensors: Option<Vec<Tensor>>,
}

/// Which trainer knows a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Softmax regression.
    Softmax,
    /// One hidden layer.
    Mlp,
    /// Providers bring their own.
    Custom,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its dimensions, outermost first.
    pub shape: Vec<u32>,
}

/// The model's first values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Initial {
    /// All zero.
    Zero {},
    /// Uniform, from a seed.
    Uniform {
        /// 32 bytes in hexadecimal.
        seed: String,
        /// Largest absolute value of each tensor; for mlp they may be left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bounds: Option<Vec<Decimal>>,
    },
    /// From a safetensors file.
    File {
        /// The file, named from where the task's file lies.
        file: PathBuf,
    },
}

/// The data that a provider must bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Features of a row.
    pub features: u32,
    /// Classes of a label.
    pub classes: u32,
    /// The features' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feature_names: Vec<String>,
    /// The classes' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// `(x - offset) * factor`: none, one for all features, or one each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scaling: Vec<Scaling>,
}

/// One feature's scaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Subtracted first.
    pub offset: Decimal,
    /// Multiplied second.
    pub factor: Decimal,
}

/// What the built-in trainers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trainer {
    /// Passes over the rows in a round.
    pub local_epochs: u32,
    /// Rows of a step.
    pub batch_size: u32,
    /// Step size.
    pub learning_rate: Decimal,
    /// L2 penalty.
    pub weight_decay: Decimal,
}

/// How updates become integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    /// Bits of the ring.
    pub bits: u32,
    /// Elements of a chunk; as many as fit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_elems: Option<u32>,
    /// Largest L2 norm of an update.
    pub clip: Decimal,
    /// Fractional bits of a coordinate; the finest that fits if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_bits: Option<u32>,
    /// Largest absolute value of a coordinate; follows from the clip if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<u64>,
    /// Largest weight.
    pub max_weight: u64,
    /// Rows for a unit of weight.
    pub rows_per_weight: u64,
    /// Whether vectors carry loss and hits, too.
    #[serde(default)]
    pub metrics: bool,
}

/// What moves the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimiser {
    /// The mean update.
    Fedavg {
        /// How much of it.
        learning_rate: Decimal,
    },
    /// With momentum.
    Fedavgm {
        /// How much of it.
        learning_rate: Decimal,
        /// How much of the last step is kept.
        momentum: Decimal,
    },
    /// With a step size of its own for each coordinate.
    Fedadam {
        /// How much of it.
        learning_rate: Decimal,
        /// How much of the first moment is kept.
        beta1: Decimal,
        /// How much of the second moment is kept.
        beta2: Decimal,
        /// Degree of adaptivity.
        tau: Decimal,
    },
}

/// How the sums of a round's groups become one update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Combination {
    /// The mean over all survivors.
    Mean {},
    /// The coordinate-wise median of the groups' means.
    Median {},
    /// The coordinate-wise mean without the extremes.
    TrimmedMean {
        /// Groups left out at each end.
        trim: u32,
    },
    /// The mean of the groups nearest to their neighbours.
    MultiKrum {
        /// Hostile groups that it bears.
        hostile: u32,
        /// Groups that are averaged.
        selected: u32,
    },
    /// The mean of groups that are shrunk to a norm.
    ClippedMean {
        /// The norm.
        norm: Decimal,
    },
}

impl Default for Combination {
    fn default() -> Self {
        Self::Mean {}
    }
}

impl Combination {
    /// Whether it is what a file without the section means.
    pub fn is_mean(&self) -> bool {
        *self == Self::Mean {}
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean {} => f.write_str("mean"),
            Self::Median {} => f.write_str("median"),
            Self::TrimmedMean { trim } => write!(f, "trimmed_mean, trim {trim}"),
            Self::MultiKrum { hostile, selected } => write!(f, "multi_krum, hostile {hostile}, selected {selected}"),
            Self::ClippedMean { norm } => write!(f, "clipped_mean, norm {}", norm.0),
        }
    }
}

/// Who is grouped with whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// Fewest providers.
    pub min_providers: u32,
    /// Most providers.
    pub max_providers: u32,
    /// Target size of a group.
    pub group_size: u32,
    /// Fewest updates whose sum may be revealed.
    pub min_group: u32,
    /// Seats that may be corrupt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt_heads: Option<u32>,
    /// Corrupt share of bond, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt_bond_ppm: Option<u32>,
    /// Share of honest seats that are offline, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_seats_ppm: Option<u32>,
    /// Corrupt share of heads, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt_heads_ppm: Option<u32>,
    /// Smallest bond.
    pub min_bond: Amount,
    /// Who must have admitted a provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// How long phases last, in counted blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// Enrolment.
    pub enrol: u32,
    /// Dealing.
    pub deal: u32,
    /// Complaints.
    pub complain: u32,
    /// Check-in.
    pub check_in: u32,
    /// Submission.
    pub submit: u32,
    /// Unmasking.
    pub unmask: u32,
    /// Evidence.
    pub evidence: u32,
    /// What members of a group whose sum is out of range have to open their numbers; absent, such a group is void and nobody is blamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<u32>,
}

/// What is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewards {
    /// For an update.
    pub per_update: Amount,
    /// For a partial.
    pub per_partial: Amount,
    /// For 1,000 units of gas.
    pub gas_price: Amount,
}

impl TaskFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let mut file: Self = toml_file::read(path)
            .map_err(|error| Failure::from(error).hint("`bauta task init` writes a file with every line explained"))?;
        file.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(file)
    }

    /// Reads text.
    #[cfg(test)]
    pub fn parse(text: &str) -> Result<Self, Failure> {
        Ok(toml_file::parse("the text", text)?)
    }
}
