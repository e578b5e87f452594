//! `bautad status`.

use std::time::Duration;

use abci_app::config::Config;
use abci_app::operator::url_of;
use abci_app::Node;
use anyhow::Context as _;
use serde_json::{json, Value};
use tendermint_rpc::error::ErrorDetail;
use tendermint_rpc::{Client as _, HttpClient};

use super::{say, HomeArg, Output};

/// Say how far the node is: asks CometBFT, or reads the folder of a node that does not run
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bautad status --output json | jq .height

JSON: {running, chain_id, height, app_hash, time, catching_up, peers, moniker, version}; of a stopped node only the first four.
Exit code 0 when the node runs, 3 when it is stopped.")]
pub struct Status {
    #[command(flatten)]
    home: HomeArg,
    /// CometBFT's RPC, instead of the one in the node's configuration
    #[arg(long, value_name = "URL")]
    node: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Status {
    // Read by a program that executes no block.
    #[allow(clippy::disallowed_methods)]
    pub fn run(self) -> anyhow::Result<()> {
        let home = self.home.get()?;
        // Another node's RPC can be asked from anywhere.
        let is_named = self.node.is_some();
        if !is_named {
            home.is_there()?;
        }
        let url = match self.node {
            Some(url) => url,
            // What overrides CometBFT's configuration counts here as well.
            None => match std::env::var("CMT_RPC_LADDR") {
                Ok(laddr) => url_of(&laddr),
                Err(_) => home.rpc_url()?,
            },
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
        let answer = match runtime.block_on(ask(&url)) {
            Ok(answer) => answer,
            // Of another node there is no folder here.
            Err(error) if is_named => return Err(error.context(format!("no node answers at {url}"))),
            Err(error) => stopped(home.path(), &url, &error)?,
        };
        match self.output {
            Output::Json => say(&answer)?,
            Output::Text => tell(&answer)?,
        }
        if answer["running"] == false {
            std::process::exit(3);
        }
        Ok(())
    }
}

async fn ask(url: &str) -> anyhow::Result<Value> {
    let url: tendermint_rpc::HttpClientUrl = url.parse().with_context(|| format!("{url} is no URL"))?;
    let client = HttpClient::builder(url).timeout(Duration::from_secs(5)).build()?;
    let status = client.status().await.map_err(plainly)?;
    let peers = client.net_info().await.map_err(plainly)?.n_peers;
    Ok(json!({
        "running": true,
        "chain_id": status.node_info.network,
        "height": status.sync_info.latest_block_height.value(),
        "app_hash": status.sync_info.latest_app_hash.to_string(),
        "time": status.sync_info.latest_block_time.to_rfc3339(),
        "catching_up": status.sync_info.catching_up,
        "peers": peers,
        "moniker": status.node_info.moniker,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// What went wrong, without where in the program.
fn plainly(error: tendermint_rpc::Error) -> anyhow::Error {
    let said = match error.detail() {
        ErrorDetail::Http(_) => "nobody listens there, or what listens is no node".to_owned(),
        other => other.to_string(),
    };
    anyhow::anyhow!("{}", said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given"))
}

fn stopped(home: &std::path::Path, url: &str, error: &anyhow::Error) -> anyhow::Result<Value> {
    let node = Node::open(Config::read(home)?.node(home)?).with_context(|| {
        format!("CometBFT does not answer at {url} ({error}), and the node's folder cannot be read")
    })?;
    let last = node.app().latest().last().clone();
    Ok(json!({
        "running": false,
        "chain_id": last.chain_id,
        "height": last.height,
        "app_hash": last.app_hash.to_uppercase(),
    }))
}

fn tell(answer: &Value) -> anyhow::Result<()> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    for (name, key) in [
        ("chain", "chain_id"),
        ("height", "height"),
        ("app hash", "app_hash"),
        ("time", "time"),
        ("catching up", "catching_up"),
        ("peers", "peers"),
        ("moniker", "moniker"),
    ] {
        if let Some(value) = answer.get(key) {
            say(format_args!("{name:<12}{}", text(value)))?;
        }
    }
    if answer["running"] == false {
        say("the node is stopped; start it with `bautad start` and `cometbft start`")?;
    }
    Ok(())
}
