//! `bautad start`.

use std::io::IsTerminal as _;

use abci_app::abci::Server;
use abci_app::config::{Config, LogFormat};
use abci_app::operator::Home;
use abci_app::Node;
use anyhow::Context as _;
use tokio::signal::unix::{signal, SignalKind};
use tracing_subscriber::filter::LevelFilter;
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
        home.is_there()?;
        let config = Config::read(home.path())?;
        let filter = self.log.as_deref().unwrap_or(&config.log);
        let filter = log_filter(filter)?;
        let logs = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        match config.log_format {
            LogFormat::Text => logs.init(),
            LogFormat::Json => logs.json().init(),
        }
        if !home.app_config().exists() {
            tracing::warn!("{} is missing; every choice has its default", home.app_config().display());
        }
        let node = Node::open(config.node(home.path())?)?;
        same_chain(&home, &node)?;
        let listen = self.listen.unwrap_or(config.listen);
        let server = Server::bind(&listen, node.service()).with_context(|| cannot_listen(&listen))?;
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

/// That the folder's genesis is of the chain whose state lies there: CometBFT would only find that the states differ.
fn same_chain(home: &Home, node: &Node) -> anyhow::Result<()> {
    let kept = node.app().latest().last().chain_id.clone();
    let Ok(text) = std::fs::read(home.genesis()) else { return Ok(()) };
    let genesis: serde_json::Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no genesis document", home.genesis().display()))?;
    let named = genesis["chain_id"].as_str().unwrap_or_default();
    anyhow::ensure!(
        kept.is_empty() || kept == named,
        "the state in {} is of the chain {kept}, and {} is of {named}; they belong into folders of their own",
        home.path().join("data").display(),
        home.genesis().display()
    );
    Ok(())
}

/// Which lines are logged. `tracing` takes a word that is no level for a part of the program, and would log nothing else.
fn log_filter(text: &str) -> anyhow::Result<EnvFilter> {
    let wrong = || {
        format!("the log filter is `{text}`; write a level (error, warn, info, debug, trace, off), and levels of parts behind it, such as info,abci_app::modules::training=debug")
    };
    let directives: Vec<&str> = text.split(',').map(str::trim).filter(|directive| !directive.is_empty()).collect();
    anyhow::ensure!(!directives.is_empty(), "{}; it is empty", wrong());
    for directive in &directives {
        let is_level = directive.parse::<LevelFilter>().is_ok() && directive.parse::<u8>().is_err();
        anyhow::ensure!(is_level || directive.contains('='), "{}: `{directive}` is no level", wrong());
    }
    EnvFilter::try_new(directives.join(",")).with_context(wrong)
}

fn cannot_listen(address: &str) -> String {
    format!(
        "cannot listen on {address} (`listen` in app.toml, or --listen): write HOST:PORT with an address of this machine that nobody else \
         listens on, or unix:///PATH of a socket in a folder that exists"
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_logs_names_levels() {
        for text in ["info", "INFO", "off", "warn,abci_app=debug", "info, abci_app::modules::training=trace"] {
            assert!(log_filter(text).is_ok(), "{text}");
        }
        for text in ["notalevel", "inof", "", "info,abci_app", "abci_app=loud", "3"] {
            let why = log_filter(text).expect_err(text).to_string();
            assert!(why.contains("the log filter is"), "{text}: {why}");
        }
    }
}
