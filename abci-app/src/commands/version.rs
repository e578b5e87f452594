//! `bautad version`.

use abci_app::app::VERSION;
use abci_app::operator::programs::COMETBFT_VERSION;
use serde_json::json;

use super::Output;

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
            Output::Json => println!(
                "{}",
                json!({
                    "name": "bautad", "version": version, "app_version": VERSION, "abci_version": "2.0.0",
                    "cometbft": cometbft, "cosmwasm_vm": COSMWASM_VM,
                })
            ),
            Output::Text => {
                println!("bautad {version} (application version {VERSION}, ABCI 2.0.0)");
                println!("tested with CometBFT {cometbft}; contracts run in cosmwasm-vm {COSMWASM_VM}");
            }
        }
        Ok(())
    }
}
