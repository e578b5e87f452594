//! The command line's grammar: options that every command takes, and the list of commands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::answer::Format;
use crate::commands::{bank, block, contracts, faucet, keys, params, provider, rewards, status, task, tx, wasm, watch};
use crate::demo;

/// Train models on data that nobody but its owner sees: keys, tasks, data providers, contracts, and a demo.
#[derive(Debug, Parser)]
#[command(
    name = "bauta",
    version,
    max_term_width = 110,
    after_help = "Examples:
  bauta demo                                   a chain, ten providers, thirty rounds in this process
  bauta keys add alice
  bauta task init --recipe digits-softmax > task.toml
  bauta task create task.toml --budget 500000000ubauta --from alice
  bauta provider run --task 1 --data rows.csv --from bob
  bauta task model 1 --out model.safetensors

Defaults may stand in ~/.bauta/config.toml: node, chain_id, trust, from, keyring_backend, passphrase_file, gas, gas_prices,
output, prefix, log."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command. What is not given here comes from the environment, from the configuration file, or is the default.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The node's RPC address; of several, given again or with commas, another is asked when one does not answer [default:
    /// http://localhost:26657]
    #[arg(long, global = true, value_name = "URL", env = "BAUTA_NODE", hide_env_values = true, value_delimiter = ',')]
    pub node: Vec<String>,
    /// The chain's id; the node is asked when it is not given, and refused when it belongs to another chain
    #[arg(long, global = true, value_name = "ID", env = "BAUTA_CHAIN_ID", hide_env_values = true)]
    pub chain_id: Option<String>,
    /// A block of the chain that you trust, for the light client to begin with [default: the last one verified, or the node's last
    /// one on first use]
    #[arg(long, global = true, value_name = "HEIGHT:HASH", env = "BAUTA_TRUST", hide_env_values = true)]
    pub trust: Option<String>,
    /// Where keys, configuration and providers' records are kept [default: ~/.bauta]
    #[arg(long, global = true, value_name = "DIR", env = "BAUTA_HOME", hide_env_values = true)]
    pub home: Option<PathBuf>,
    /// How keys are kept [default: file]
    #[arg(long, global = true, value_name = "HOW", env = "BAUTA_KEYRING_BACKEND", hide_env_values = true)]
    pub keyring_backend: Option<Backend>,
    /// A file whose first line is the keyring's passphrase; BAUTA_PASSPHRASE does as well
    #[arg(long, global = true, value_name = "FILE", env = "BAUTA_PASSPHRASE_FILE", hide_env_values = true)]
    pub passphrase_file: Option<PathBuf>,
    /// Who signs: the name of a key, or its address
    #[arg(long, global = true, value_name = "KEY", env = "BAUTA_FROM", hide_env_values = true)]
    pub from: Option<String>,
    /// How much gas a transaction may use: auto simulates it first [default: auto]
    #[arg(long, global = true, value_name = "auto|N", env = "BAUTA_GAS", hide_env_values = true)]
    pub gas: Option<String>,
    /// What a unit of gas costs, like 0.025ubauta [default: what the node asks for]
    #[arg(long, global = true, value_name = "PRICE", env = "BAUTA_GAS_PRICES", hide_env_values = true)]
    pub gas_prices: Option<String>,
    /// The whole fee, like 5000ubauta, instead of a price of gas
    #[arg(long, global = true, value_name = "AMOUNT", conflicts_with = "gas_prices")]
    pub fees: Option<String>,
    /// A note that the transaction carries; everybody can read it
    #[arg(long, global = true, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub memo: String,
    /// The prefix of addresses, as the chain's genesis sets it [default: bauta]
    #[arg(long, global = true, value_name = "PREFIX", env = "BAUTA_PREFIX", hide_env_values = true)]
    pub prefix: Option<String>,
    /// How answers are printed [default: text]
    #[arg(long, short, global = true, value_name = "FORMAT", env = "BAUTA_OUTPUT", hide_env_values = true)]
    pub output: Option<Format>,
    /// Answers yes to every question
    #[arg(long, short, global = true)]
    pub yes: bool,
    /// Says more on standard error; twice says everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Which parts say how much, like bauta_client=debug,warn; stronger than -v
    #[arg(long, global = true, value_name = "FILTER", env = "BAUTA_LOG", hide_env_values = true)]
    pub log: Option<String>,
}

/// How keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Encrypted under a passphrase.
    File,
    /// In the clear: for scripts and demonstrations.
    Test,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model end to end on a chain in this process, and check the result
    Demo(demo::args::Args),
    /// Make, keep and move keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Coins: what an account has, and sending them
    #[command(subcommand)]
    Bank(bank::Command),
    Faucet(faucet::Faucet),
    Block(block::Block),
    /// Transactions
    #[command(subcommand)]
    Tx(tx::Command),
    /// Tasks: write, create, follow and end them, and fetch their models
    #[command(subcommand)]
    Task(task::Command),
    /// What an address earned by training
    Rewards(rewards::Args),
    /// Be a data provider
    #[command(subcommand)]
    Provider(provider::Command),
    /// The contracts that register, bond and slash data providers
    #[command(subcommand)]
    Contracts(contracts::Command),
    /// Contracts: store, instantiate, execute, migrate, ask
    #[command(subcommand)]
    Wasm(wasm::Command),
    Watch(watch::Watch),
    /// The parameters of the training module
    Params(params::Params),
    /// How the node is doing
    Status(status::Args),
    /// Print the completions of a shell
    #[command(after_help = "Examples:
  bauta completions bash > ~/.local/share/bash-completion/completions/bauta
  bauta completions zsh > ~/.zfunc/_bauta
  bauta completions fish > ~/.config/fish/completions/bauta.fish")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// The version of this program
    #[command(after_help = "Example:
  bauta version --output json

JSON: {name, version}")]
    Version,
}

/// Options of every command that mean nothing to a chain in this process.
const NOT_FOR_THE_DEMO: [&str; 12] = [
    "node",
    "chain_id",
    "home",
    "keyring_backend",
    "passphrase_file",
    "from",
    "gas",
    "gas_prices",
    "fees",
    "memo",
    "prefix",
    "yes",
];

/// The grammar. Every command takes the options of every command, and shows those that mean something to it.
pub fn command() -> clap::Command {
    let cli = Cli::command();
    let is_hidden = |arg: &&clap::Arg| NOT_FOR_THE_DEMO.contains(&arg.get_id().as_str());
    let hidden: Vec<clap::Arg> = cli.get_arguments().filter(is_hidden).map(|arg| arg.clone().hide(true)).collect();
    // What a command has of its own is not handed down to it.
    cli.mut_subcommand("demo", |demo| demo.args(hidden))
}

/// Whether somebody asked for JSON in a command line that could not be read as a whole.
pub fn wants_json(args: impl Iterator<Item = OsString>, variable: Option<OsString>) -> bool {
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut given = None;
    for (index, arg) in args.iter().enumerate() {
        if arg == "--" {
            break;
        }
        let value = match arg.as_str() {
            "--output" | "-o" => args.get(index + 1).map(String::as_str),
            _ => arg
                .strip_prefix("--output=")
                .or_else(|| arg.strip_prefix("-o").filter(|_| !arg.starts_with("--")))
                .map(|value| value.trim_start_matches('=')),
        };
        given = value.or(given.as_deref()).map(str::to_owned);
    }
    given.map_or_else(|| variable.is_some_and(|value| value == "json"), |value| value == "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_in_several_ways() {
        let wants = |line: &str, variable: Option<&str>| {
            wants_json(line.split(' ').map(OsString::from), variable.map(OsString::from))
        };
        for line in ["bauta x --output json", "bauta -o json x", "bauta -ojson", "bauta -o=json", "bauta --output=json"]
        {
            assert!(wants(line, None), "{line}");
            assert!(wants(line, Some("text")), "{line}");
        }
        assert!(wants("bauta x", Some("json")));
        for line in ["bauta x", "bauta -o text", "bauta --offline json", "bauta x -- -o json", "bauta -o"] {
            assert!(!wants(line, None), "{line}");
        }
        assert!(!wants("bauta -o text", Some("json")));
    }
}
