//! Trying data and trainer on a task without a chain.

use std::path::Path;
use std::time::Instant;

use bauta_learning::model::Model;
use bauta_learning::recipes;
use bauta_learning::trainers::{RoundFile, Trainer};
use bauta_rounds::terms::Terms;

use super::train::{trial_folder, Lesson};
use super::ProviderError;
use crate::training::task_file;

/// What a round would be like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckReport {
    /// Rows that the trainer says it trained on.
    pub rows: u64,
    /// The public weight of so many rows.
    pub weight: u64,
    /// Mean loss of the model as it came in.
    pub loss: f64,
    /// Share of rows that the model as it came in predicts correctly.
    pub accuracy: f64,
    /// L2 norm of the update.
    pub norm: f64,
    /// L2 norm to which the task clips.
    pub clip: f64,
    /// Whether the update is shrunk to that.
    pub is_clipped: bool,
    /// Bytes of the masked update.
    pub bytes: u64,
    /// Chunks, a transaction each.
    pub chunks: u32,
    /// What training took, in seconds.
    pub seconds: f64,
}

/// Trains one round on a model, in a folder of its own, with what the daemon would do.
///
/// # Errors
/// [`ProviderError`] with what the trainer, the data or the encoding has against it.
pub fn check(
    terms: &Terms,
    model: Model,
    trainer: &dyn Trainer,
    rows: usize,
    folder: &Path,
) -> Result<CheckReport, ProviderError> {
    let encoding = terms.settings.encoding.unwrap_or_default();
    let weight = recipes::weight(rows, encoding.rows_per_weight, encoding.max_weight);
    let round = RoundFile { task: 0, epoch: 1, round: 1, seed: 1, weight, model_hash: hex::encode(model.hash()) };
    let lesson = Lesson {
        folder: trial_folder(folder)?,
        task: task_file("offline", 0, terms)?,
        round,
        model,
        encoding: terms.encoding,
        metrics: terms.metrics(),
        rounding_seed: [1; 32],
    };
    let started = Instant::now();
    let encoded = lesson.learn(trainer)?;
    Ok(CheckReport {
        rows: encoded.rows,
        weight,
        loss: encoded.loss,
        accuracy: encoded.accuracy,
        norm: encoded.norm,
        clip: f64::from(terms.encoding.clip),
        is_clipped: encoded.clip_factor < 1.0,
        bytes: terms.layout.total_bytes(),
        chunks: terms.layout.chunks(),
        seconds: started.elapsed().as_secs_f64(),
    })
}
