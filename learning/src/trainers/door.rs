//! The door: the files in a folder through which any trainer is called.
//!
//! Written before the call:
//! - `model.safetensors`: the round's model, F32, names and shapes as in `task.json`.
//! - `task.json`: a [`TaskFile`], the same in every round of a task.
//! - `round.json`: a [`RoundFile`].
//!
//! Expected after it:
//! - `update.safetensors`: new minus old parameters, the model's names and shapes, F32 or F64, every value finite.
//! - `metrics.json`: [`Metrics`] of the model as it came in, over the rows trained on.
//!
//! 64-bit integers are decimal strings, as in the JSON form of protobuf; fixed-point numbers are decimal strings too. Programs ignore
//! fields that they do not know. The files are readable by their owner only: an update tells about the rows behind it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Tensors, Trainer, TrainerConfig, TrainerError};
use crate::data::DataSpec;
use crate::fixed::Fixed;
use crate::model::{ModelError, ModelSpec, TensorSpec};

/// The round's model.
pub const MODEL_FILE: &str = "model.safetensors";
/// What the task asks.
pub const TASK_FILE: &str = "task.json";
/// Which round it is.
pub const ROUND_FILE: &str = "round.json";
/// What training changed.
pub const UPDATE_FILE: &str = "update.safetensors";
/// How the model did before.
pub const METRICS_FILE: &str = "metrics.json";
/// Largest JSON file that is read.
const MAX_JSON: u64 = 4 * 1024 * 1024;

/// One tensor in `task.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorEntry {
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<u64>,
}

/// `task.json`.
///
/// ```json
/// {
///   "chain_id": "bauta-1",
///   "task": "7",
///   "tensors": [{"name": "weight", "shape": [10, 64]}, {"name": "bias", "shape": [10]}],
///   "clip": "4",
///   "trainer": {"network": {"kind": "softmax"}, "local_epochs": 5, "batch_size": 16, "learning_rate": "0.1", "weight_decay": "0"},
///   "data": {"features": 64, "classes": 10, "scaling": [{"offset": "0", "factor": "0.0625"}, ...]}
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFile {
    /// The chain.
    pub chain_id: String,
    /// The task's number.
    #[serde(with = "decimal")]
    pub task: u64,
    /// The model's tensors in their order.
    pub tensors: Vec<TensorEntry>,
    /// Updates are shrunk to this L2 norm before they are masked.
    pub clip: Fixed,
    /// What the built-in trainer would do; a foreign one may do as it likes.
    pub trainer: TrainerConfig,
    /// What a row is, and how it is standardised.
    pub data: DataSpec,
}

impl TaskFile {
    /// The entries for a model's tensors.
    #[must_use]
    pub fn entries(spec: &ModelSpec) -> Vec<TensorEntry> {
        spec.tensors()
            .iter()
            .map(|tensor| TensorEntry { name: tensor.name().to_owned(), shape: tensor.shape().to_vec() })
            .collect()
    }

    /// The model's tensors.
    ///
    /// # Errors
    /// A [`ModelError`] when they do not make a model.
    pub fn model_spec(&self) -> Result<ModelSpec, ModelError> {
        ModelSpec::new(
            self.tensors.iter().map(|entry| TensorSpec::new(entry.name.clone(), entry.shape.clone())).collect(),
        )
    }
}

/// `round.json`.
///
/// ```json
/// {"task": "7", "epoch": "1", "round": "3", "seed": "1234567890123456789", "weight": "9", "model_hash": "5c3e..."}
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundFile {
    /// The task's number.
    #[serde(with = "decimal")]
    pub task: u64,
    /// The epoch, from 1.
    #[serde(with = "decimal")]
    pub epoch: u64,
    /// The round, from 1.
    #[serde(with = "decimal")]
    pub round: u64,
    /// Decides everything random in the training of this round. Secret of the provider.
    #[serde(with = "decimal")]
    pub seed: u64,
    /// The public weight that this provider's update gets.
    #[serde(with = "decimal")]
    pub weight: u64,
    /// Hash of the model's canonical bytes, lower-case hex.
    pub model_hash: String,
}

impl std::fmt::Debug for RoundFile {
    /// Without the seed, which is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoundFile")
            .field("task", &self.task)
            .field("epoch", &self.epoch)
            .field("round", &self.round)
            .field("weight", &self.weight)
            .field("model_hash", &self.model_hash)
            .finish_non_exhaustive()
    }
}

/// `metrics.json`: how the model did, before training, on the rows trained on.
///
/// ```json
/// {"loss": 0.3127, "correct": 121, "rows": 134}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean cross-entropy a row, in nats.
    pub loss: f64,
    /// Rows predicted correctly.
    pub correct: u64,
    /// Rows.
    pub rows: u64,
}

impl Metrics {
    /// `correct / rows`, 0 for no rows.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        if self.rows == 0 {
            0.0
        } else {
            self.correct as f64 / self.rows as f64
        }
    }
}

/// What came out of the door.
#[derive(Clone, Debug)]
pub struct Trained {
    /// New minus old.
    pub update: Tensors,
    /// Of the model as it came in.
    pub metrics: Metrics,
    /// What the trainer wrote on its way.
    pub log: String,
}

/// Calls a trainer for one round: writes the three files into `folder` (made if it is not there, results of an earlier call removed), runs
/// the trainer, reads and checks the two results.
///
/// # Errors
/// A [`TrainerError`] that names the file, and the tensor in it.
pub fn run_round(
    trainer: &dyn Trainer,
    folder: &Path,
    task: &TaskFile,
    round: &RoundFile,
    model: &Tensors,
) -> Result<Trained, TrainerError> {
    let file_error = |name: &str, what: String| TrainerError::File { file: folder.join(name), what };
    fs::create_dir_all(folder).map_err(|error| file_error("", format!("the folder cannot be made: {error}")))?;
    for name in [UPDATE_FILE, METRICS_FILE] {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(file_error(name, format!("the result of an earlier round cannot be removed: {error}")));
            }
            _ => {}
        }
    }
    let bytes =
        model.to_safetensors().map_err(|source| TrainerError::Tensors { file: folder.join(MODEL_FILE), source })?;
    write(folder, MODEL_FILE, &bytes)?;
    write_json(folder, TASK_FILE, task)?;
    write_json(folder, ROUND_FILE, round)?;

    let log = trainer.run(folder)?;

    let update = read_tensors(folder, UPDATE_FILE, model.spec())?;
    let metrics: Metrics = read_json(folder, METRICS_FILE)?;
    if !metrics.loss.is_finite() || metrics.correct > metrics.rows {
        let what = format!(
            "loss {} must be finite, and correct {} at most rows {}",
            metrics.loss, metrics.correct, metrics.rows
        );
        return Err(file_error(METRICS_FILE, what));
    }
    Ok(Trained { update, metrics, log })
}

pub(super) fn read_tensors(folder: &Path, name: &str, spec: &ModelSpec) -> Result<Tensors, TrainerError> {
    let bytes = read(folder, name, Tensors::largest_file(spec))?;
    Tensors::from_safetensors(spec, &bytes).map_err(|source| TrainerError::Tensors { file: folder.join(name), source })
}

pub(super) fn read_json<T: for<'de> Deserialize<'de>>(folder: &Path, name: &str) -> Result<T, TrainerError> {
    let bytes = read(folder, name, MAX_JSON)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| TrainerError::File { file: folder.join(name), what: error.to_string() })
}

pub(super) fn write_json<T: Serialize>(folder: &Path, name: &str, value: &T) -> Result<(), TrainerError> {
    let bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| TrainerError::File { file: folder.join(name), what: error.to_string() })?;
    write(folder, name, &bytes)
}

/// Reads a file that must not be larger than `limit`, so that a trainer gone wrong does not fill the memory.
fn read(folder: &Path, name: &str, limit: u64) -> Result<Vec<u8>, TrainerError> {
    let file = folder.join(name);
    let failed = |what: String| TrainerError::File { file: file.clone(), what };
    let opened = fs::File::open(&file).map_err(|error| failed(format!("it cannot be read: {error}")))?;
    let mut bytes = Vec::new();
    opened.take(limit + 1).read_to_end(&mut bytes).map_err(|error| failed(format!("it cannot be read: {error}")))?;
    if bytes.len() as u64 > limit {
        return Err(failed(format!("it is larger than {limit} bytes, the most that is expected here")));
    }
    Ok(bytes)
}

pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), TrainerError> {
    let file = folder.join(name);
    let failed = |error: std::io::Error| TrainerError::File {
        file: file.clone(),
        what: format!("it cannot be written: {error}"),
    };
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&file).and_then(|mut opened| opened.write_all(bytes)).map_err(failed)
}

/// 64-bit integers as decimal strings.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| serde::de::Error::custom(format!("{text:?} is not a whole number of 64 bits in decimal")))
    }
}
