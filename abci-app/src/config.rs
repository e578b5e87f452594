//! `config/app.toml`: what an operator may choose.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::app::AppConfig;
use crate::node::NodeConfig;
use crate::store::{DbConfig, Durability};
use crate::tx::MinGasPrice;

/// The file, under the node's home.
pub const FILE: &str = "config/app.toml";

/// What the file holds when a node is made.
pub const DEFAULT: &str = r#"# How this node runs. Nothing in here changes what a block does.

# Where CometBFT finds the application (its `proxy_app`).
listen = "127.0.0.1:26658"

# The least fee that this node's mempool takes for a unit of gas, in the chain's fee denomination.
min_gas_price = "0"

# How many heights below the last one can be proven to clients.
keep_heights = 1000

# How many blocks CometBFT is told to keep; 0 keeps all.
retain_blocks = 0

# A commit is on the disk for good every so many blocks; after a crash CometBFT replays the others.
durable_every = 1

# Memory for the database's cache, in MiB.
cache_mib = 128

# The most gas that one simulation, and one query, may use.
simulate_gas = 100000000
query_gas = 3000000
"#;

/// The choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where CometBFT finds the application.
    pub listen: String,
    /// A decimal number.
    pub min_gas_price: String,
    /// Heights that can be proven.
    pub keep_heights: u64,
    /// Blocks that CometBFT keeps.
    pub retain_blocks: u64,
    /// Blocks from one durable commit to the next.
    pub durable_every: u64,
    /// MiB.
    pub cache_mib: u64,
    /// Gas.
    pub simulate_gas: u64,
    /// Gas.
    pub query_gas: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:26658".into(),
            min_gas_price: "0".into(),
            keep_heights: 1_000,
            retain_blocks: 0,
            durable_every: 1,
            cache_mib: 128,
            simulate_gas: 100_000_000,
            query_gas: 3_000_000,
        }
    }
}

impl Config {
    /// Reads the file of a node; the defaults if there is none.
    ///
    /// # Errors
    /// When it cannot be read, or holds something that is no choice.
    pub fn read(home: &Path) -> anyhow::Result<Self> {
        let file = home.join(FILE);
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not as expected", file.display()))
    }

    /// A node with these choices.
    ///
    /// # Errors
    /// When the gas price is no decimal number.
    pub fn node(&self, home: &Path) -> anyhow::Result<NodeConfig> {
        let min_gas_price = MinGasPrice::parse(&self.min_gas_price)
            .with_context(|| format!("min_gas_price is `{}`, not a decimal such as 0.025", self.min_gas_price))?;
        let durability = match self.durable_every {
            0 | 1 => Durability::EveryBlock,
            blocks => Durability::EveryBlocks(blocks),
        };
        let cache_bytes = usize::try_from(self.cache_mib.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
        Ok(NodeConfig {
            home: Some(home.to_path_buf()),
            db: DbConfig { durability, keep_heights: self.keep_heights, cache_bytes },
            app: AppConfig {
                min_gas_price,
                simulate_gas: self.simulate_gas,
                query_gas: self.query_gas,
                retain_blocks: self.retain_blocks,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_complete() {
        let written: toml::Table = toml::from_str(DEFAULT).expect("TOML");
        let read = toml::Table::try_from(Config::default()).expect("a table");
        assert_eq!(written, read);
    }

    #[test]
    fn an_unknown_choice_is_refused() {
        assert!(toml::from_str::<Config>("min_gas_prize = \"1\"").is_err());
    }
}
