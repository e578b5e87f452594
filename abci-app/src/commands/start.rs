//! `bautad start`.

use std::io::IsTerminal as _;

use abci_app::abci::Server;
use abci_app::config::{Config, LogFormat};
use abci_app::Node;
use anyhow::Context as _;
use tokio::signal::unix::{signal, SignalKind};
use tracing_subscriber::EnvFilter;

use super::HomeArg;

/// Wait for CometBFT and run the chain
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bautad start
  bautad start --log info,abci_app::modules::training=debug
  BAUTAD_LOG_FORMAT=json bautad start

It goes on where it stopped; SIGTERM and Ctrl-C stop it between two blocks.")]
pub struct Start {
    #[command(flatten)]
    home: HomeArg,
    /// Where to listen, instead of where the configuration says
    #[arg(long, value_name = "HOST:PORT|unix://PATH")]
    listen: Option<String>,
    /// What to log, such as `info` or `abci_app=debug`, instead of what the configuration says
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl Start {
    pub fn run(self) -> anyhow::Result<()> {
        let home = self.home.get()?;
        anyhow::ensure!(
            home.path().join("config").is_dir(),
            "{} is no node's folder; `bautad init` makes one",
            home.path().display()
        );
        let config = Config::read(home.path())?;
        let filter = self.log.as_deref().unwrap_or(&config.log);
        let filter = EnvFilter::try_new(filter)
            .with_context(|| format!("the log filter `{filter}` is not understood; try `info`"))?;
        let logs = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        match config.log_format {
            LogFormat::Text => logs.init(),
            LogFormat::Json => logs.json().init(),
        }
        let node = Node::open(config.node(home.path())?)?;
        let listen = self.listen.unwrap_or(config.listen);
        let server = Server::bind(&listen, node.service())
            .with_context(|| format!("cannot listen on {listen}; another node may run already"))?;
        stop_on_signal(node.clone())?;
        let last = node.app().latest().last().clone();
        tracing::info!(
            address = %server.address()?,
            height = last.height,
            chain = last.chain_id,
            "waiting for CometBFT"
        );
        server.listen().context("the server has ended")
    }
}

/// Ends the process on SIGTERM and SIGINT, but not in the middle of a commit.
fn stop_on_signal(node: Node) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime for signals")?;
    let guard = runtime.enter();
    let mut term = signal(SignalKind::terminate()).context("SIGTERM cannot be waited for")?;
    let mut int = signal(SignalKind::interrupt()).context("SIGINT cannot be waited for")?;
    drop(guard);
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let name = runtime.block_on(async {
                tokio::select! {
                    _ = term.recv() => "SIGTERM",
                    _ = int.recv() => "SIGINT",
                }
            });
            node.app().between_commits(|height| {
                tracing::info!(signal = name, height, "stopping");
                std::process::exit(0)
            })
        })
        .context("no thread for signals")?;
    Ok(())
}
