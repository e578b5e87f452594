//! A node's folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use super::devnet::DevnetKey;
use super::engine::EngineOptions;
use super::keys::{NodeKey, ValidatorKey};
use crate::config;
use crate::files;

/// A node's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// The folder at this path, which need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where a node's folder is when nothing else is said: `.bautad` in the user's home folder, if there is one.
    pub fn usual() -> Option<Self> {
        let user = std::env::home_dir().filter(|folder| !folder.as_os_str().is_empty())?;
        Some(Self(user.join(".bautad")))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// That it is a node's folder.
    ///
    /// # Errors
    /// When it holds no configuration, with what to do.
    pub fn is_there(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.0.join("config").is_dir(),
            "{} is no node's folder; name one with --home, or make it with `bautad init`",
            self.0.display()
        );
        Ok(())
    }

    /// The application's choices.
    pub fn app_config(&self) -> PathBuf {
        self.0.join(config::FILE)
    }

    /// CometBFT's choices.
    pub fn engine_config(&self) -> PathBuf {
        self.0.join("config/config.toml")
    }

    /// The chain's genesis document.
    pub fn genesis(&self) -> PathBuf {
        self.0.join("config/genesis.json")
    }

    /// Who the node is among peers.
    pub fn node_key(&self) -> PathBuf {
        self.0.join("config/node_key.json")
    }

    /// What it signs blocks with.
    pub fn validator_key(&self) -> PathBuf {
        self.0.join("config/priv_validator_key.json")
    }

    /// What that key has signed last.
    pub fn validator_state(&self) -> PathBuf {
        self.0.join("data/priv_validator_state.json")
    }

    /// The words of a devnet's account.
    pub fn devnet_mnemonic(&self) -> PathBuf {
        self.0.join("config/devnet.mnemonic")
    }

    /// That none of a node's files is there, nor the state of a chain.
    ///
    /// # Errors
    /// When one is, with its name.
    pub fn is_free(&self) -> anyhow::Result<()> {
        let ours = [
            self.app_config(),
            self.engine_config(),
            self.genesis(),
            self.node_key(),
            self.validator_key(),
            self.validator_state(),
            self.devnet_mnemonic(),
            self.0.join("data/state.redb"),
            self.0.join("data/blockstore.db"),
        ];
        if let Some(taken) = ours.iter().find(|file| file.exists()) {
            anyhow::bail!("{} exists already; remove it, or choose another folder", taken.display());
        }
        Ok(())
    }

    /// Writes a ready folder.
    ///
    /// # Errors
    /// When one of the files exists already, or cannot be written.
    pub fn write(
        &self,
        genesis: &Value,
        engine: &EngineOptions,
        validator: &ValidatorKey,
        node: &NodeKey,
    ) -> anyhow::Result<()> {
        // Looked at first, so that a mistake leaves nothing half written.
        self.is_free()?;
        files::folder(&self.0.join("config"))?;
        files::folder(&self.0.join("data"))?;
        let listen = format!("listen = \"127.0.0.1:{}\"", engine.ports.app);
        let app = config::DEFAULT.replace("listen = \"127.0.0.1:26658\"", &listen);
        files::public(&self.app_config(), app.as_bytes())?;
        files::public(&self.engine_config(), engine.file().as_bytes())?;
        files::public(&self.genesis(), &serde_json::to_vec_pretty(genesis)?)?;
        files::secret(&self.node_key(), node.file().as_bytes())?;
        files::secret(&self.validator_key(), validator.file().as_bytes())?;
        files::secret(&self.validator_state(), ValidatorKey::unused_state().as_bytes())
    }

    /// Writes the words of a devnet's account.
    ///
    /// # Errors
    /// When the file exists already, or cannot be written.
    pub fn write_devnet(&self, key: &DevnetKey) -> anyhow::Result<()> {
        files::secret(&self.devnet_mnemonic(), key.words().as_bytes())
    }

    /// Where CometBFT's RPC listens, as its configuration says, as a URL that a client on this machine can use.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn rpc_url(&self) -> anyhow::Result<String> {
        let file = self.engine_config();
        let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let table: toml::Table =
            toml::from_str(&text).with_context(|| format!("{} is not as expected", file.display()))?;
        let laddr = table
            .get("rpc")
            .and_then(|rpc| rpc.get("laddr"))
            .and_then(|laddr| laddr.as_str())
            .unwrap_or("tcp://127.0.0.1:26657");
        Ok(url_of(laddr))
    }
}

/// The URL at which a client on this machine reaches what listens on `laddr`.
pub fn url_of(laddr: &str) -> String {
    let address = laddr.strip_prefix("tcp://").unwrap_or(laddr);
    format!("http://{}", address.replace("0.0.0.0", "127.0.0.1"))
}
