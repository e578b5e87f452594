//! The demo's options.

use std::path::PathBuf;

use clap::ValueEnum;

/// Train a model end to end on a chain in this process, and check the result.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  bauta demo
  bauta demo --dataset breast-cancer --model mlp --seed 7
  bauta demo --drop 2 --json report.json
  bauta demo --engine cometbft --validators 4

It ends with exit code 1 when one of its own checks fails.
JSON: the report that --json writes as well; schema/report.schema.json describes it.")]
pub struct Args {
    /// The data
    #[arg(long, value_name = "NAME", default_value = "digits")]
    pub dataset: Dataset,
    /// Data providers, 3 to 96
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub providers: u32,
    /// Rounds to finish
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub rounds: u32,
    /// Providers that check in and then fall silent in both roles in the middle round
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub drop: u32,
    /// Decides the division of the data, the keys and the training
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The classifier
    #[arg(long, value_name = "KIND", default_value = "softmax")]
    pub model: Model,
    /// What orders the transactions
    #[arg(long, value_name = "KIND", default_value = "embedded")]
    pub engine: Engine,
    /// Validators that order the transactions together, with `--engine cometbft`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub validators: u16,
    /// Writes the report there
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where the final model is saved; a folder of its own below the system's temporary folder if it is not given
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// The data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dataset {
    /// UCI digits: 1,797 images of 8 x 8 pixels
    Digits,
    /// UCI breast cancer Wisconsin (diagnostic): 569 rows of 30 features
    BreastCancer,
}

/// The classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// Softmax regression
    Softmax,
    /// One hidden layer
    Mlp,
}

/// What orders the transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A sequencer in this process
    Embedded,
    /// CometBFT and bautad as processes of their own; CometBFT is installed with Go when it is missing
    Cometbft,
}

macro_rules! shown_as_typed {
    ($($kind:ty),*) => {$(
        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let value = self.to_possible_value();
                f.write_str(value.as_ref().map_or("", |value| value.get_name()))
            }
        }
    )*};
}
shown_as_typed!(Dataset, Model, Engine);
