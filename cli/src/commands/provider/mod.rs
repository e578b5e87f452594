//! `bauta provider`: be a data provider.

mod check;
mod explained;
mod ready;
mod run;
mod standing;
mod told;
mod trainer;

use clap::{Args, Subcommand};

use super::Answered;
use crate::context::Context;

/// Be a data provider.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register as a provider
    #[command(after_help = "Example:
  bauta provider register --name \"City clinic\" --contact ops@clinic.example --from bob

JSON: {tx_hash, height, gas_wanted, gas_used, provider}")]
    Register(Metadata),
    /// Add to the bond that answers for you
    #[command(after_help = "Example:
  bauta provider bond 1000000ubauta --from bob

A bond is lost in part when the chain convicts its provider of an offence, and cannot leave while a task is being served.
JSON: {tx_hash, height, gas_wanted, gas_used, provider, amount, bonded}")]
    Bond {
        /// How much
        amount: String,
    },
    /// Begin to take coins out of the bond
    #[command(after_help = "Example:
  bauta provider unbond 400000 --from bob

JSON: {tx_hash, height, gas_wanted, gas_used, provider, amount, bonded, unbonding}")]
    Unbond {
        /// How much
        amount: String,
    },
    /// Take the coins whose time of unbonding is over
    #[command(after_help = "Example:
  bauta provider withdraw --from bob

JSON: {tx_hash, height, gas_wanted, gas_used, provider, bonded, unbonding}")]
    Withdraw,
    /// Return from jail, when its time is over
    #[command(after_help = "Example:
  bauta provider unjail --from bob

JSON: {tx_hash, height, gas_wanted, gas_used, provider}")]
    Unjail,
    /// Registration, standing, bond and offences of a provider
    #[command(after_help = "Examples:
  bauta provider status
  bauta provider status bauta1... --output json

JSON: {provider, registered, name, standing, jailed_until, may_take_part, why_not, bonded, unbonding, locks: [key], \
unbondings: [{amount, matures_at}], offences: [{offence, task, epoch, round, slashed, height, time, evidence, reporter, bounty, \
compensation, harmed, treasury, explanation}], pending: [sentence], bars: [sentence], now}; standing is good, jailed, tombstoned or \
unregistered; times are seconds since 1970; evidence is its SHA-256; explanation, pending, bars and now are sentences for people: what \
happened, why, and what to do.")]
    Status {
        /// An address or the name of a key; the key of --from if it is not given
        address: Option<String>,
    },
    /// Try data and trainer on a task, without sending anything
    #[command(after_help = "Examples:
  bauta provider check --task-file task.toml --data rows.csv
  bauta provider check --task 1 --data rows.npz --trainer 'python3 train.py'

JSON: {rows, weight, loss, accuracy, norm, clip, is_clipped, bytes, chunks, seconds, refusal}; refusal is what the policy has \
against the task, or null.")]
    Check(check::Check),
    /// Serve a task until it is over: enrol, hold a seat, train, submit
    #[command(after_help = "Examples:
  bauta provider run --task 1 --data rows.csv --from bob
  bauta provider run --task 1 --data rows.csv --bond 1000000ubauta --name \"City clinic\" --from bob --yes
  bauta provider run --task 1 --data rows.csv --trainer 'python3 train.py' --policy policy.toml --from bob

Ctrl-C or SIGTERM lets it finish what it owes to the running round, which it says, and stops it then; a second one stops it at \
once. Started again it goes on: everything is on disk below --home before it is sent. Do not run it twice with one key. A node \
that is away is waited for. A trainer is called as CMD DIR; docs/trainers.md says what it finds there.

JSON: one object a line, {event, ...}: enrolled and dealt {epoch}; trained {round, loss, accuracy, norm}; checked_in {round}; \
submitted {round, bytes}; answered {round, entries}; round_settled {round, finished, took_part}; sat_out {what, why}; \
complained {dealer}; reported {accused, round}; task_ended {status}; stopping {round, submission, answer, by_height, by_time}; \
stopped {seat_in_epoch}, with the fields of stopping and costs when something is owed; node_away {why}; node_back; warning {what}.")]
    Run(run::Run),
}

/// What a provider says about itself.
#[derive(Clone, Debug, Args)]
pub struct Metadata {
    /// A name for people, at most 64 bytes
    #[arg(long)]
    pub name: String,
    /// Where its operator is reached
    #[arg(long, default_value = "", hide_default_value = true)]
    pub contact: String,
    /// What data it holds
    #[arg(long, default_value = "", hide_default_value = true)]
    pub description: String,
}

/// Runs the command.
pub async fn run(context: &Context, command: Command) -> Answered {
    match command {
        Command::Register(metadata) => standing::register(context, metadata).await,
        Command::Bond { amount } => standing::bond(context, &amount).await,
        Command::Unbond { amount } => standing::unbond(context, &amount).await,
        Command::Withdraw => standing::withdraw(context).await,
        Command::Unjail => standing::unjail(context).await,
        Command::Status { address } => standing::status(context, address.as_deref()).await,
        Command::Check(args) => check::run(context, args).await,
        Command::Run(args) => run::run(context, args).await,
    }
}
