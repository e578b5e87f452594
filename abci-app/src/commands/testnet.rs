//! `bautad testnet`.

use std::path::PathBuf;

use abci_app::operator::{names, testnet, Founding, Ports};
use serde_json::json;

use super::{now, say, secret, Output};

/// Write ready folders for several validators on this machine, and a script that starts them
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bautad testnet --validators 4 --out testnet && testnet/start.sh

JSON: {folder, chain_id, nodes: [{home, rpc}], devnet_mnemonic_file, start}")]
pub struct Testnet {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    validators: u16,
    /// Where the folders are written
    #[arg(long, value_name = "DIR", default_value = "testnet")]
    out: PathBuf,
    /// The chain's id; it ends in a revision number
    #[arg(long, value_name = "ID", default_value = "bauta-1")]
    chain_id: String,
    /// The ports of the first node are this one (peers) and the next two (RPC, application); each further node's are ten higher
    #[arg(long, value_name = "PORT", default_value_t = 26_656,
          value_parser = clap::value_parser!(u16).range(1..=65_533))]
    first_port: u16,
    /// Milliseconds from a block to the next
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(0..=3_600_000))]
    block_ms: u64,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Testnet {
    pub fn run(self) -> anyhow::Result<()> {
        names::chain_id(&self.chain_id)?;
        let founding = Founding {
            chain_id: self.chain_id.clone(),
            genesis_time: now(),
            validators: Vec::new(),
            accounts: Vec::new(),
            authority: None,
        };
        let ports = Ports { p2p: self.first_port, rpc: self.first_port + 1, app: self.first_port + 2 };
        let homes = testnet(&self.out, self.validators, founding, ports, self.block_ms, secret)?;
        let nodes = homes
            .iter()
            .map(|home| Ok(json!({ "home": home.path(), "rpc": home.rpc_url()? })))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let (mnemonic, start) = (self.out.join("devnet.mnemonic"), self.out.join("start.sh"));
        match self.output {
            Output::Json => say(json!({
                "folder": self.out, "chain_id": self.chain_id, "nodes": nodes,
                "devnet_mnemonic_file": mnemonic, "start": start,
            }))?,
            Output::Text => {
                for node in &nodes {
                    say(format_args!(
                        "{}  {}",
                        node["home"].as_str().unwrap_or_default(),
                        node["rpc"].as_str().unwrap_or_default()
                    ))?;
                }
                say(format_args!("the words of the account with the coins are in {}", mnemonic.display()))?;
                say(format_args!("start all of them with\n  {}", start.display()))?;
            }
        }
        Ok(())
    }
}
