//! Training: the model goes through the door to a trainer, what comes back is clipped, scaled, rounded and put on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bauta_learning::encode::quantise::l2_norm;
use bauta_learning::encode::Encoding;
use bauta_learning::model::Model;
use bauta_learning::trainers::door::{METRICS_FILE, UPDATE_FILE};
use bauta_learning::trainers::{
    derive_seed, derive_u64, run_round, Metrics, RoundFile, TaskFile, Tensors, Trainer, TrainerError,
};
use bauta_rounds::due::Due;
use bauta_schema::training::v1 as pb;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::behaviour::TrainedRound;
use super::records::StoredUpdate;
use super::snapshot::{RoundView, Snapshot};
use super::{Event, Provider, ProviderError, RecordError, SharedTrainer, TrainingMode};
use crate::disk;
use crate::training::task_file;

/// How often training is tried in a round that this provider has checked in to; it pays for not submitting.
const TRIES_ONCE_COMMITTED: u32 = 3;

/// The training that runs, and the rounds in which it failed.
#[derive(Default)]
pub(super) struct Training {
    job: Option<Job>,
    failed: BTreeMap<u64, u32>,
}

struct Job {
    epoch: u64,
    round: u64,
    model_hash: [u8; 32],
    weight: u64,
    handle: JoinHandle<Result<Encoded, ProviderError>>,
}

/// An update that went through the door and became integers.
pub(super) struct Encoded {
    pub values: Zeroizing<Vec<i64>>,
    pub loss: f64,
    pub accuracy: f64,
    pub rows: u64,
    pub norm: f64,
    pub clip_factor: f64,
}

/// What decides everything random in a provider's training of one round.
#[derive(Clone, PartialEq, Eq)]
pub struct RoundSeeds {
    /// The seed in `round.json`.
    pub training: u64,
    /// The seed of the stochastic rounding.
    pub rounding: [u8; 32],
}

impl RoundSeeds {
    /// Out of the provider's secret: the first 32 bytes that its randomness gave when its records were made.
    #[must_use]
    pub fn derive(secret: &[u8; 32], task: u64, epoch: u64, round: u64) -> Self {
        let numbers = [task, epoch, round];
        Self { training: derive_u64(secret, "training", &numbers), rounding: derive_seed(secret, "rounding", &numbers) }
    }
}

/// What a trainer is called with.
pub(super) struct Lesson {
    pub folder: PathBuf,
    pub task: TaskFile,
    pub round: RoundFile,
    pub model: Model,
    pub encoding: Encoding,
    /// Coordinates behind the update's that carry metrics.
    pub metrics: u32,
    pub rounding_seed: [u8; 32],
}

impl Lesson {
    /// Trains and encodes, and erases what that left in the folder. Takes as long as the trainer takes.
    pub fn learn(&self, trainer: &dyn Trainer) -> Result<Encoded, ProviderError> {
        let tensors = Tensors::from_model(&self.model);
        let trained = run_round(&PlainFiles(trainer), &self.folder, &self.task, &self.round, &tensors);
        let erased = disk::erase_folder(&self.folder);
        let trained = trained?;
        erased.map_err(RecordError::from)?;
        for line in trained.log.lines() {
            tracing::info!(round = self.round.round, "trainer: {}", line.escape_debug());
        }
        let update = trained.update.values();
        let mut values = Zeroizing::new(self.encoding.quantise(update, &self.rounding_seed)?);
        if self.metrics > 0 {
            let Metrics { loss, correct, rows } = trained.metrics;
            values.extend(self.encoding.quantise_metrics(loss, correct, rows));
        }
        Ok(Encoded {
            values,
            loss: trained.metrics.loss,
            accuracy: trained.metrics.accuracy(),
            rows: trained.metrics.rows,
            norm: l2_norm(update),
            clip_factor: self.encoding.clip_factor(update),
        })
    }
}

/// A trainer whose results are looked at before they are read: reading a pipe would never end, and what a link points to is not the
/// trainer's to hand over.
struct PlainFiles<'a>(&'a dyn Trainer);

impl Trainer for PlainFiles<'_> {
    fn run(&self, folder: &Path) -> Result<String, TrainerError> {
        let log = self.0.run(folder)?;
        for name in [UPDATE_FILE, METRICS_FILE] {
            let file = folder.join(name);
            // One that is missing is said by whoever reads it.
            if std::fs::symlink_metadata(&file).is_ok_and(|found| !found.is_file()) {
                let what = "it is not a plain file; a trainer writes the file itself, no link to it".to_owned();
                return Err(TrainerError::File { file, what });
            }
        }
        Ok(log)
    }
}

impl Provider {
    /// Sees to it that the update of the running round gets on disk, if this provider takes part or wants to.
    pub(super) async fn train_if_wanted(
        &mut self,
        snapshot: &Snapshot,
        awaited: &[Due],
        height: u64,
    ) -> Result<(), ProviderError> {
        let Some(view) = snapshot.round()? else { return Ok(()) };
        if self.training.job.as_ref().is_some_and(|job| job.handle.is_finished()) {
            self.collect(&view).await?;
        }
        if self.training.job.is_some() || !self.wants_update(&view, awaited)? {
            return Ok(());
        }
        let Some(lesson) = self.lesson(snapshot, &view, height).await? else { return Ok(()) };
        let trainer = SharedTrainer::clone(&self.config.trainer);
        self.training.job = Some(Job {
            epoch: view.record.epoch,
            round: view.record.number,
            model_hash: *view.model_hash.as_bytes(),
            weight: lesson.round.weight,
            handle: tokio::task::spawn_blocking(move || lesson.learn(trainer.as_ref())),
        });
        if self.config.training == TrainingMode::Inline {
            self.collect(&view).await?;
        }
        Ok(())
    }

    /// Whether there is a use for an update that is not there.
    fn wants_update(&self, view: &RoundView<'_>, awaited: &[Due]) -> Result<bool, ProviderError> {
        let number = view.record.number;
        let committed = view.response.check_ins.iter().any(|check_in| check_in.address == self.address.as_bytes());
        let wanted = match view.record.phase() {
            pb::RoundPhase::CheckIn => committed || awaited.contains(&Due::CheckIn { round: number }),
            pb::RoundPhase::Submit => committed,
            _ => false,
        };
        let tries = if committed { TRIES_ONCE_COMMITTED } else { 1 };
        let failed = self.training.failed.get(&number).copied().unwrap_or(0);
        if !wanted || failed >= tries || !self.behaviour.checks_in(number) {
            return Ok(false);
        }
        let records = self.records.epoch(view.record.epoch).round(number);
        if committed && records.check_in()?.is_none() {
            // Its records are lost: it sits the round out.
            return Ok(false);
        }
        Ok(records.submission()?.is_none() && records.update(view.model_hash.as_bytes())?.is_none())
    }

    async fn lesson(
        &mut self,
        snapshot: &Snapshot,
        view: &RoundView<'_>,
        height: u64,
    ) -> Result<Option<Lesson>, ProviderError> {
        let Some(model) = self.model_of(snapshot, view, height).await? else { return Ok(None) };
        let seeds = RoundSeeds::derive(&self.secret, self.config.task, view.record.epoch, view.record.number);
        Ok(Some(Lesson {
            folder: self.records.training_folder(&mut self.rng)?,
            task: task_file(self.chain.id(), self.config.task, &snapshot.terms)?,
            round: RoundFile {
                task: self.config.task,
                epoch: view.record.epoch,
                round: view.record.number,
                seed: seeds.training,
                weight: self.weight(snapshot),
                model_hash: hex::encode(view.model_hash.as_bytes()),
            },
            model,
            encoding: snapshot.terms.encoding,
            metrics: snapshot.terms.metrics(),
            rounding_seed: seeds.rounding,
        }))
    }

    /// Takes the result of the training that ran, and keeps it if its round still wants it.
    async fn collect(&mut self, view: &RoundView<'_>) -> Result<(), ProviderError> {
        let Some(job) = self.training.job.take() else { return Ok(()) };
        let learned = job.handle.await.map_err(|error| ProviderError::Training(error.to_string()))?;
        let encoded = match learned {
            Ok(encoded) => encoded,
            Err(error) => {
                *self.training.failed.entry(job.round).or_default() += 1;
                self.training.failed.retain(|&round, _| round + 2 > job.round);
                self.sat_out("training", &error);
                return Ok(());
            }
        };
        if job.round != view.record.number || job.model_hash != *view.model_hash.as_bytes() {
            self.sat_out("training", &format!("the update of round {} came after the round had moved on", job.round));
            return Ok(());
        }
        let update = StoredUpdate { model_hash: job.model_hash, values: encoded.values };
        self.records.epoch(job.epoch).round(job.round).put_update(&update)?;
        self.behaviour.trained(&TrainedRound {
            round: job.round,
            weight: job.weight,
            update: &update.values,
            loss: encoded.loss,
            accuracy: encoded.accuracy,
        });
        self.tell(Event::Trained {
            round: job.round,
            loss: encoded.loss,
            accuracy: encoded.accuracy,
            norm: encoded.norm,
        });
        Ok(())
    }
}

/// The folder in which a trainer is tried.
pub(super) fn trial_folder(folder: &Path) -> Result<PathBuf, ProviderError> {
    disk::private_folder(folder).map_err(RecordError::from)?;
    Ok(folder.to_owned())
}
