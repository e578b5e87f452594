//! The built-in trainers, called through the same door as any other.

use std::path::Path;

use super::door::{self, RoundFile, TaskFile};
use super::{train, TensorError, Trainer, TrainerError};
use crate::data::Dataset;

/// Trains softmax regression or the one-hidden-layer network, whichever `task.json` asks for, on rows in memory.
#[derive(Debug)]
pub struct BuiltIn {
    data: Dataset,
}

impl BuiltIn {
    /// On these rows, standardised as the task declares ([`crate::data::DataSpec::load`]).
    #[must_use]
    pub fn new(data: Dataset) -> Self {
        Self { data }
    }

    /// Its rows.
    #[must_use]
    pub fn data(&self) -> &Dataset {
        &self.data
    }
}

impl Trainer for BuiltIn {
    fn run(&self, folder: &Path) -> Result<String, TrainerError> {
        let task: TaskFile = door::read_json(folder, door::TASK_FILE)?;
        let round: RoundFile = door::read_json(folder, door::ROUND_FILE)?;
        let spec = task
            .model_spec()
            .map_err(|error| TrainerError::File { file: folder.join(door::TASK_FILE), what: error.to_string() })?;
        let model = door::read_tensors(folder, door::MODEL_FILE, &spec)?;

        let (trained, metrics) = train(&task.trainer, &model, &self.data, round.seed)?;

        let in_update = |source: TensorError| TrainerError::Tensors { file: folder.join(door::UPDATE_FILE), source };
        let update = trained.minus(&model).map_err(in_update)?;
        door::write(folder, door::UPDATE_FILE, &update.to_safetensors().map_err(in_update)?)?;
        door::write_json(folder, door::METRICS_FILE, &metrics)?;
        Ok(format!("trained on {} rows, accuracy before {:.4}", metrics.rows, metrics.accuracy()))
    }
}
