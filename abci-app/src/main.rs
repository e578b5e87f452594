//! `bautad`: the node, as CometBFT's application.

use std::path::{Path, PathBuf};

use abci_app::abci::{Server, READ_WINDOW};
use abci_app::app::{AppGenesis, VERSION};
use abci_app::config::{self, Config};
use abci_app::Node;
use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
#[command(name = "bautad", version, about = "The node of a Bauta chain: CometBFT's application")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the node's folder with a commented configuration, and completes CometBFT's genesis if it is named
    Init {
        /// The node's folder
        #[arg(long)]
        home: PathBuf,
        /// CometBFT's genesis.json, into which the application's part is written
        #[arg(long)]
        genesis: Option<PathBuf>,
    },
    /// Waits for CometBFT and runs the chain
    Start {
        /// The node's folder
        #[arg(long)]
        home: PathBuf,
        /// Where to listen, instead of where the configuration says
        #[arg(long)]
        listen: Option<String>,
        /// What to log, such as `info` or `abci_app=debug`; at `debug`, tendermint_abci logs whole blocks
        #[arg(long, default_value = "info,tendermint_abci=warn")]
        log: String,
    },
    /// Prints versions
    Version,
}

fn main() {
    if let Err(error) = run(Cli::parse()) {
        eprintln!("bautad: {error:#}");
        std::process::exit(1);
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Init { home, genesis } => init(&home, genesis.as_deref()),
        Command::Start { home, listen, log } => start(&home, listen, &log),
        Command::Version => {
            println!("bautad {} (application version {VERSION})", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

fn init(home: &Path, genesis: Option<&Path>) -> anyhow::Result<()> {
    let file = home.join(config::FILE);
    if file.exists() {
        anyhow::bail!("{} exists already; remove it, or use another --home", file.display());
    }
    let folder = file.parent().context("the configuration has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    std::fs::write(&file, config::DEFAULT).with_context(|| format!("{} cannot be written", file.display()))?;
    println!("wrote {}", file.display());
    if let Some(genesis) = genesis {
        let text = std::fs::read_to_string(genesis).with_context(|| format!("{} cannot be read", genesis.display()))?;
        let mut document: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("{} is no genesis document", genesis.display()))?;
        let has_state = document.get("app_state").is_some_and(|state| state.as_object().is_some_and(|o| !o.is_empty()));
        anyhow::ensure!(!has_state, "{} has an app_state already", genesis.display());
        document["app_state"] = serde_json::to_value(AppGenesis::default())?;
        std::fs::write(genesis, serde_json::to_string_pretty(&document)?)
            .with_context(|| format!("{} cannot be written", genesis.display()))?;
        println!("wrote the application's part into {}", genesis.display());
    }
    Ok(())
}

fn start(home: &Path, listen: Option<String>, log: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(log).context("--log is not understood; try `info`")?;
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let config = Config::read(home)?;
    let node = Node::open(config.node(home)?)?;
    let listen = listen.unwrap_or(config.listen);
    let address = listen.strip_prefix("tcp://").unwrap_or(&listen);
    let server = tendermint_abci::ServerBuilder::new(READ_WINDOW)
        .bind(address, Server(node.service()))
        .with_context(|| format!("cannot listen on {address}"))?;
    let last = node.app().latest().last().clone();
    tracing::info!(address = server.local_addr(), height = last.height, chain = last.chain_id, "waiting for CometBFT");
    server.listen().context("the server has ended")
}
