//! Training on a provider's own data, in floats, on the client only.
//!
//! Every trainer, built in or foreign, is called through one door: a folder with `model.safetensors`, `task.json` and `round.json` goes
//! in, `update.safetensors` (new minus old) and `metrics.json` come out ([`door`]; for people who write trainers: `docs/trainers.md`).
//!
//! The built-in ones train in a single thread, sum in a fixed order, and use software `exp` and `log`: the same model, data and seed
//! give the same bytes on every machine.

mod built_in;
mod command;
mod config;
pub mod door;
mod mlp;
mod seeds;
mod sgd;
mod softmax;
mod tensors;

use std::path::{Path, PathBuf};

pub use built_in::BuiltIn;
pub use command::{split_words, CommandTrainer};
pub use config::{ConfigError, Network, TrainerConfig};
pub use door::{run_round, Metrics, RoundFile, TaskFile, Trained};
pub use seeds::{derive_seed, derive_u64};
pub use sgd::{evaluate, train, TrainError};
pub use tensors::{TensorError, Tensors};

/// Something that trains one round in a folder of the door.
pub trait Trainer {
    /// Reads the folder's three files and leaves the two results there. Returns what it has to say, for the log.
    ///
    /// # Errors
    /// A [`TrainerError`]; the round is sat out.
    fn run(&self, folder: &Path) -> Result<String, TrainerError>;
}

/// Why a round was not trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    /// The program could not be started.
    #[error("cannot start the trainer {program:?}: {source}; is it installed, executable, and on PATH?")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The command line is empty or not closed.
    #[error("the trainer's command line {0:?} is empty or has a quote that is never closed")]
    CommandLine(String),
    /// The program chose to sit the round out, or failed.
    #[error("the trainer ended with {status}, so this round is skipped; its last words: {}", last_line(log))]
    Skipped {
        /// How it ended.
        status: String,
        /// What it wrote.
        log: String,
    },
    /// It took too long.
    #[error("the trainer was stopped after {seconds} s, so this round is skipped; its last words: {}", last_line(log))]
    TimedOut {
        /// The time it was given.
        seconds: u64,
        /// What it wrote.
        log: String,
    },
    /// A file of the folder.
    #[error("{file}: {what}")]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong and what would be right.
        what: String,
    },
    /// A tensor of a file of the folder.
    #[error("{file}: {source}")]
    Tensors {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: TensorError,
    },
    /// The built-in trainer cannot do what the task asks.
    #[error(transparent)]
    Train(#[from] TrainError),
}

fn last_line(log: &str) -> &str {
    log.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(none)")
}
