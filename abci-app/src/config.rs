//! `config/app.toml`: what an operator may choose.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::app::{AppConfig, Waiting};
use crate::node::NodeConfig;
use crate::store::{DbConfig, Durability};
use crate::tx::MinGasPrice;

/// The file, under the node's home.
pub const FILE: &str = "config/app.toml";

/// What the file holds when a node is made.
pub const DEFAULT: &str = r#"# How this node runs. Nothing in here changes what a block does.

# Where CometBFT finds the application (its `proxy_app`): a port, or a socket such as "unix:///run/bauta/abci.sock", which only this
# user can open.
listen = "127.0.0.1:26658"

# The least fee that this node's mempool takes for a unit of gas, in the chain's fee denomination.
min_gas_price = "0"

# How many transactions, of how many MiB, wait in this node's mempool at most besides protocol messages, which keep the rest of
# CometBFT's (`size` and `max_txs_bytes` in config.toml).
waiting_txs = 10000
waiting_mib = 64

# How many heights below the last one can be proven to clients.
keep_heights = 1000

# How many blocks CometBFT is told to keep; 0 keeps all.
retain_blocks = 0

# The height after which this node stops, so that all validators stop at the same one; 0 is none.
halt_height = 0

# A commit is on the disk for good every so many blocks; after a crash CometBFT replays the others.
durable_every = 1

# Memory for the database's cache, in MiB.
cache_mib = 128

# The most gas that one simulation, and one query, may use.
simulate_gas = 100000000
query_gas = 3000000

# What is logged: a level for everything, and others for parts, such as "info,abci_app::modules::training=debug".
log = "info"

# How: "text" for people, "json" for programs.
log_format = "text"
"#;

/// What the names of variables begin with that override the file: `BAUTAD_LISTEN` for `listen`.
pub const ENV_PREFIX: &str = "BAUTAD_";

/// The variable that names the node's folder.
const HOME_VARIABLE: &str = "BAUTAD_HOME";

/// How logs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// The choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where CometBFT finds the application.
    pub listen: String,
    /// A decimal number.
    pub min_gas_price: String,
    /// Transactions besides protocol messages.
    pub waiting_txs: u64,
    /// MiB of them.
    pub waiting_mib: u64,
    /// Heights that can be proven.
    pub keep_heights: u64,
    /// Blocks that CometBFT keeps.
    pub retain_blocks: u64,
    /// The last height.
    pub halt_height: u64,
    /// Blocks from one durable commit to the next.
    pub durable_every: u64,
    /// MiB.
    pub cache_mib: u64,
    /// Gas.
    pub simulate_gas: u64,
    /// Gas.
    pub query_gas: u64,
    /// A filter of `tracing`: a level, and levels of parts.
    pub log: String,
    /// How logs are written.
    pub log_format: LogFormat,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:26658".into(),
            min_gas_price: "0".into(),
            waiting_txs: 10_000,
            waiting_mib: 64,
            keep_heights: 1_000,
            retain_blocks: 0,
            halt_height: 0,
            durable_every: 1,
            cache_mib: 128,
            simulate_gas: 100_000_000,
            query_gas: 3_000_000,
            log: "info".into(),
            log_format: LogFormat::Text,
        }
    }
}

impl Config {
    /// Reads the file of a node, the defaults if there is none, and what the environment overrides.
    ///
    /// # Errors
    /// When it cannot be read, or holds something that is no choice.
    pub fn read(home: &Path) -> anyhow::Result<Self> {
        // Read once, before any block: nothing that a block does depends on it.
        #[allow(clippy::disallowed_methods)]
        {
            let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
            if let Some(unknown) = Self::unknown_variables(names).first() {
                anyhow::bail!("the variable {unknown} overrides no line of {FILE}; correct or unset it");
            }
            Self::read_with(home, |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
        }
    }

    /// The same, with an environment.
    ///
    /// # Errors
    /// Those of [`Config::read`].
    pub fn read_with(home: &Path, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let file = home.join(FILE);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
        };
        let written: Self = toml::from_str(&text).with_context(|| format!("{} is not as expected", file.display()))?;
        let mut read = toml::Table::try_from(written)
            .with_context(|| format!("{} is not as expected: a number in it is above {}", file.display(), i64::MAX))?;
        let keys: Vec<String> = read.keys().cloned().collect();
        for key in keys {
            let name = format!("{ENV_PREFIX}{}", key.to_uppercase());
            let Some(text) = variable(&name) else { continue };
            let value = match read.get(&key) {
                Some(toml::Value::Integer(_)) => match text.parse::<i64>() {
                    Ok(number) if number >= 0 => toml::Value::Integer(number),
                    _ => anyhow::bail!("{name} is `{text}`, not a number from 0 to {}", i64::MAX),
                },
                _ => toml::Value::String(text.clone()),
            };
            read.insert(key, value);
            let tried: Result<Self, _> = read.clone().try_into();
            tried.with_context(|| format!("{name} is `{text}`, which it cannot be"))?;
        }
        read.try_into().with_context(|| format!("{} is not as expected", file.display()))
    }

    /// Variables that begin as those that override the file, and override nothing: mistyped, most likely.
    pub fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<String> {
        let known = |name: &String| {
            name == HOME_VARIABLE
                || toml::Table::try_from(Self::default())
                    .is_ok_and(|table| table.keys().any(|key| *name == format!("{ENV_PREFIX}{}", key.to_uppercase())))
        };
        names.filter(|name| name.starts_with(ENV_PREFIX) && !known(name)).collect()
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
                halt_height: self.halt_height,
                waiting: Waiting { txs: self.waiting_txs, bytes: self.waiting_mib.saturating_mul(1 << 20) },
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
    fn the_environment_overrides_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("config")).expect("a folder");
        std::fs::write(folder.path().join(FILE), "cache_mib = 7\nlisten = \"127.0.0.1:1\"\n").expect("a file");
        let read = |name: &'static str, value: &'static str| {
            Config::read_with(folder.path(), move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(read("NOTHING", "").expect("the file").cache_mib, 7);
        assert_eq!(read("BAUTAD_CACHE_MIB", "9").expect("a number").cache_mib, 9);
        assert_eq!(read("BAUTAD_LISTEN", "0.0.0.0:2").expect("text").listen, "0.0.0.0:2");
        assert_eq!(read("BAUTAD_LOG_FORMAT", "json").expect("a format").log_format, LogFormat::Json);
        let refused = read("BAUTAD_CACHE_MIB", "much").expect_err("no number");
        assert!(format!("{refused:#}").contains("BAUTAD_CACHE_MIB is `much`"), "{refused:#}");
        for (name, value) in [("BAUTAD_LOG_FORMAT", "xml"), ("BAUTAD_WAITING_TXS", "-1")] {
            let refused = format!("{:#}", read(name, value).expect_err(value));
            assert!(refused.contains(&format!("{name} is `{value}`")), "{refused}");
        }
    }

    #[test]
    fn a_variable_that_overrides_nothing_is_told() {
        let names = ["BAUTAD_LISTN", "BAUTAD_LISTEN", "BAUTAD_HOME", "LISTN"].map(ToOwned::to_owned);
        assert_eq!(Config::unknown_variables(names.into_iter()), ["BAUTAD_LISTN"]);
    }

    #[test]
    fn a_number_that_no_line_can_have_names_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("config")).expect("a folder");
        std::fs::write(folder.path().join(FILE), "halt_height = 18446744073709551615\n").expect("a file");
        let refused = format!("{:#}", Config::read_with(folder.path(), |_| None).expect_err("too large"));
        assert!(refused.contains("app.toml is not as expected"), "{refused}");
    }

    #[test]
    fn an_unknown_choice_is_refused() {
        assert!(toml::from_str::<Config>("min_gas_prize = \"1\"").is_err());
    }
}
