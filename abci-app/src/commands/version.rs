//! `bautad version`.

use abci_app::app::VERSION;
use abci_app::operator::programs::COMETBFT_VERSION;
use serde_json::json;

use super::{say, Output};

/// Print versions
#[derive(Debug, clap::Args)]
#[command(after_help = "JSON: {name, version, app_version, abci_version, cometbft, cosmwasm_vm}")]
pub struct Version {
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Pinned exactly by the workspace.
const COSMWASM_VM: &str = "3.0.10";

impl Version {
    pub fn run(self) -> anyhow::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        let cometbft = COMETBFT_VERSION.trim_start_matches('v');
        match self.output {
            Output::Json => say(json!({
                "name": "bautad", "version": version, "app_version": VERSION, "abci_version": "2.0.0",
                "cometbft": cometbft, "cosmwasm_vm": COSMWASM_VM,
            }))?,
            Output::Text => {
                say(format_args!("bautad {version} (application version {VERSION}, ABCI 2.0.0)"))?;
                say(format_args!("tested with CometBFT {cometbft}; contracts run in cosmwasm-vm {COSMWASM_VM}"))?;
            }
        }
        Ok(())
    }
}
