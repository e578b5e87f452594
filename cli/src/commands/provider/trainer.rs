//! Data and trainer as the command line names them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bauta_client::policy::Policy;
use bauta_client::provider::SharedTrainer;
use bauta_client::training;
use bauta_learning::trainers::{BuiltIn, CommandTrainer};
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;
use clap::Args;

use crate::ask;
use crate::context::Context;
use crate::failure::Failure;

/// Data and trainer.
#[derive(Clone, Debug, Args)]
pub struct Training {
    /// The rows: csv with a header and a column label, or npz or safetensors with x and y
    #[arg(long, value_name = "FILE", required_unless_present = "rows")]
    pub data: Option<PathBuf>,
    /// A program that trains, called as CMD DIR; it finds --data in BAUTA_DATA. The built-in trainer if it is not given
    #[arg(long, value_name = "CMD")]
    pub trainer: Option<String>,
    /// How many rows a program of your own trains on, when the data are not in a file; the public weight follows from it
    #[arg(long, value_name = "N", requires = "trainer", conflicts_with = "data",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub rows: Option<u64>,
    /// How long a program of your own may take for a round
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub trainer_timeout: u64,
    /// What you agree to, whatever a task asks; policy.toml in the home folder if there is one
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

/// What trains, on how many rows.
pub struct Prepared {
    /// What trains.
    pub trainer: SharedTrainer,
    /// On how many rows.
    pub rows: usize,
}

impl Training {
    /// Reads the data against what the task declares.
    pub fn prepare(&self, terms: &Terms) -> Result<Prepared, Failure> {
        let custom = terms.settings.model.as_ref().is_some_and(|model| model.kind() == pb::ModelKind::Custom);
        if custom && self.trainer.is_none() {
            return Err(Failure::usage(
                "this task's model is of its own kind, which the built-in trainers do not know",
            )
            .hint("name a program with --trainer"));
        }
        let data = match &self.data {
            None => None,
            Some(file) => Some(training::data_spec(terms.settings.data.as_ref())?.load(file)?),
        };
        let rows = match (&data, self.rows) {
            (Some(data), _) => data.rows(),
            (None, Some(rows)) => usize::try_from(rows).unwrap_or(usize::MAX),
            (None, None) => return Err(Failure::usage("no data are given").hint("name a file with --data")),
        };
        let trainer: SharedTrainer = match (&self.trainer, data) {
            (None, Some(data)) => Arc::new(BuiltIn::new(data)),
            (None, None) => return Err(Failure::usage("the built-in trainer needs --data")),
            (Some(command), _) => {
                let timeout = Duration::from_secs(self.trainer_timeout);
                let mut program = CommandTrainer::from_command_line(command, timeout)?;
                // Whoever wrote the trainer has no business with keys.
                for secret in [ask::PASSPHRASE, ask::EXPORT_PASSPHRASE, "BAUTA_PASSPHRASE_FILE"] {
                    program = program.without(secret);
                }
                if let Some(file) = &self.data {
                    program = program.environment("BAUTA_DATA", absolute(file)?.display().to_string());
                }
                Arc::new(program)
            }
        };
        Ok(Prepared { trainer, rows })
    }

    /// The policy: the file named, that of the home folder, or the default.
    pub fn policy(&self, context: &Context) -> Result<Policy, Failure> {
        let usual = context.settings.home.join("policy.toml");
        match &self.policy {
            Some(file) => Ok(Policy::read(file)?),
            None if usual.exists() => Ok(Policy::read(&usual)?),
            None => Ok(Policy::default()),
        }
    }
}

fn absolute(file: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(file).map_err(Failure::file("find", file))
}
