//! What an operator types.

mod export;
mod init;
mod start;
mod status;
mod testnet;
mod version;

use std::io::Write as _;
use std::path::PathBuf;

use abci_app::operator::Home;
use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};

/// The node of a Bauta chain: CometBFT's application
#[derive(Debug, Parser)]
#[command(
    name = "bautad",
    version,
    after_help = "A chain of one validator on this machine, each command in a terminal of its own:
  bautad init --devnet
  bautad start
  cometbft start --home ~/.bautad

Every choice in HOME/config/app.toml can be overridden by the environment: BAUTAD_LISTEN for `listen`, and so on."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Start(start::Start),
    Status(status::Status),
    Testnet(testnet::Testnet),
    Export(export::Export),
    Version(version::Version),
    /// Write completions for a shell to standard output
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Where the node's folder is.
#[derive(Debug, clap::Args)]
struct HomeArg {
    /// The node's folder; ~/.bautad if it is not given
    #[arg(long, value_name = "DIR", env = "BAUTAD_HOME")]
    home: Option<PathBuf>,
}

impl HomeArg {
    fn get(&self) -> anyhow::Result<Home> {
        match &self.home {
            Some(home) => Ok(Home::at(home)),
            None => Home::usual().context("this user has no home folder; name the node's with --home DIR"),
        }
    }
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Runs what was typed.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Init(init) => init.run(),
        Command::Start(start) => start.run(),
        Command::Status(status) => status.run(),
        Command::Testnet(testnet) => testnet.run(),
        Command::Export(export) => export.run(),
        Command::Version(version) => version.run(),
        Command::Completions { shell } => {
            let mut command = <Cli as clap::CommandFactory>::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "bautad", &mut script);
            print(&script)
        }
    }
}

/// Prints a line on standard output.
fn say(line: impl std::fmt::Display) -> anyhow::Result<()> {
    print(format!("{line}\n").as_bytes())
}

/// Prints on standard output. A reader that has gone away is no failure; a full disk is one.
fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("standard output cannot be written"),
    }
}

/// 32 bytes of the operating system's randomness.
fn secret() -> anyhow::Result<[u8; 32]> {
    use k256::elliptic_curve::rand_core::{OsRng, RngCore as _};
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).context("the system gives no randomness")?;
    Ok(bytes)
}

/// The time, for a genesis that is made now.
fn now() -> String {
    tendermint::Time::now().to_rfc3339()
}
