//! `bauta task`: tasks from their file to their model.

mod file;
mod manage;
mod odds;
mod show;
mod watch;

use std::path::PathBuf;

use clap::Subcommand;

use super::Answered;
use crate::context::Context;
use crate::task_file::RecipeName;

pub use odds::trusting;
pub use show::read as read_task;

/// Tasks: write, create, follow and end them, and fetch their models.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a task's file with every line explained
    #[command(after_help = "Examples:
  bauta task init > task.toml
  bauta task init --recipe breast-cancer-mlp --providers 5 --out task.toml

JSON: {recipe, file, toml}; file is null without --out.")]
    Init {
        /// What to start from
        #[arg(long, value_name = "NAME", default_value = "digits-softmax")]
        recipe: RecipeName,
        /// At most how many providers, 3 to 96
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(3..=96))]
        providers: u32,
        /// How many rounds to finish
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
        /// Decides the first weights of a network
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// Where to; standard output if it is not given
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Write over a file that exists
        #[arg(long, requires = "out")]
        force: bool,
    },
    /// What a task would cost, and why it would be refused
    #[command(after_help = "Examples:
  bauta task estimate task.toml
  bauta task estimate task.toml --offline

JSON: {accepted, refusals: [sentence], least_budget, epoch_fees, round_fees, round_rewards, round_bytes, submit_blocks, \
score_blocks, elements, denom}; amounts are decimal strings. The exit code is 1 if the task would be refused.")]
    Estimate {
        /// The task's file
        file: PathBuf,
        /// A budget to judge as well
        #[arg(long, value_name = "AMOUNT")]
        budget: Option<String>,
        /// Ask no node: judge by the parameters that chains begin with
        #[arg(long)]
        offline: bool,
    },
    /// Create a task
    #[command(after_help = "Example:
  bauta task create task.toml --budget 500000000ubauta --from alice

The budget goes to escrow; what is not spent comes back when the task ends.
JSON: {tx_hash, height, gas_wanted, gas_used, task, budget}")]
    Create {
        /// The task's file
        file: PathBuf,
        /// What fees and rewards are paid from; `bauta task estimate` says how much is enough
        #[arg(long, value_name = "AMOUNT")]
        budget: String,
    },
    /// List tasks
    #[command(after_help = "Example:
  bauta task list --running

JSON: {tasks: [{task, name, status, finished_rounds, rounds, owner, held}]}")]
    List {
        /// Only those that have not ended
        #[arg(long)]
        running: bool,
    },
    /// Show a task
    #[command(after_help = "Examples:
  bauta task show 1
  bauta task show 1 --toml > again.toml

JSON: {task, owner, status, epoch, epoch_phase, round, round_phase, finished_rounds, rounds, elements, model_hash, escrow:
{deposited, held, reserved, fees, rewards, refunded}, verdicts: [{provider, offence, epoch, round, what, delivered}], \
settings: the task's file as JSON}")]
    Show {
        /// The task
        task: u64,
        /// Print its settings as a task's file
        #[arg(long)]
        toml: bool,
    },
    /// Follow a task: a line for every round that settles, until it ends
    #[command(after_help = "Examples:
  bauta task watch 1
  bauta task watch 1 --data held-out.csv --since 1

JSON: one object a line: {round, status (finished or aborted), reason, participants, dropped, participant_slots, dropped_slots, \
total_weight, bytes, height, model_hash, accuracy, metrics: {loss, hits}, test_hits, test_rows, groups: [{group, void, member_slots, \
participant_slots, weight, aggregate_hash, metrics, scores: {agreement, hits_without, factor}}]}, and at the end {task, status, \
finished_rounds}. accuracy is null without --data, scores where groups are not scored, hits_without, test_hits and test_rows without a \
test set, metrics in a task whose file does not ask for them: the mean loss of the model that the round began with, and the share of rows \
whose class it names, on the rows that were trained on, by weight. participants and dropped are addresses; they are null when the chain \
keeps the members of the round's epoch no more, which \
it does until the epoch's evidence window is over.")]
    Watch {
        /// The task
        task: u64,
        /// Begin with this round; the running one if it is not given
        #[arg(long, value_name = "ROUND")]
        since: Option<u64>,
        /// Labelled rows on which each model is tried, as csv, npz or safetensors
        #[arg(long, value_name = "FILE")]
        data: Option<PathBuf>,
    },
    /// Fetch a task's model
    #[command(after_help = "Example:
  bauta task model 1 --out model.safetensors

JSON: {task, model_hash, elements, tensors: [{name, shape}], file}")]
    Model {
        /// The task
        task: u64,
        /// Where to, as safetensors (F32)
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Which model; the latest if it is not given
        #[arg(long, value_name = "HEX")]
        hash: Option<String>,
        /// Write over a file that exists
        #[arg(long)]
        force: bool,
    },
    /// End a task; its owner may. The running round is settled first, and the rest of the budget comes back
    #[command(after_help = "Example:
  bauta task cancel 1 --from alice

JSON: {tx_hash, height, gas_wanted, gas_used, task}")]
    Cancel {
        /// The task
        task: u64,
    },
    /// Add to a task's budget; anyone may
    #[command(after_help = "Example:
  bauta task top-up 1 100000000ubauta --from alice

JSON: {tx_hash, height, gas_wanted, gas_used, task, amount}")]
    TopUp {
        /// The task
        task: u64,
        /// How much
        amount: String,
    },
}

/// Runs the command.
pub async fn run(context: &Context, command: Command) -> Answered {
    match command {
        Command::Init { recipe, providers, rounds, seed, out, force } => {
            file::init(recipe, providers, rounds, seed, out, force)
        }
        Command::Estimate { file, budget, offline } => file::estimate(context, &file, budget, offline).await,
        Command::Create { file, budget } => file::create(context, &file, &budget).await,
        Command::List { running } => show::list(context, running).await,
        Command::Show { task, toml } => show::show(context, task, toml).await,
        Command::Watch { task, since, data } => watch::watch(context, task, since, data).await,
        Command::Model { task, out, hash, force } => manage::model(context, task, &out, hash, force).await,
        Command::Cancel { task } => manage::cancel(context, task).await,
        Command::TopUp { task, amount } => manage::top_up(context, task, &amount).await,
    }
}
