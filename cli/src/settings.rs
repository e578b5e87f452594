//! Options of every command after the command line, the environment and the configuration file were put together.

use std::path::{Path, PathBuf};

use bauta_client::chain::DEFAULT_PREFIX;
use bauta_client::light::Trust;
use bauta_client::toml_file;
use serde::Deserialize;

use crate::answer::Format;
use crate::args::{Backend, Global};
use crate::failure::Failure;

/// What is logged unless somebody asks for more.
pub const DEFAULT_LOG: &str = "warn";

/// `config.toml` below the home folder. Every field is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    node: Option<String>,
    chain_id: Option<String>,
    trust: Option<String>,
    keyring_backend: Option<Backend>,
    passphrase_file: Option<PathBuf>,
    from: Option<String>,
    gas: Option<String>,
    gas_prices: Option<String>,
    prefix: Option<String>,
    output: Option<Format>,
    log: Option<String>,
}

/// How much gas a transaction may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gas {
    /// As much as a simulation says, and some.
    Auto,
    /// So much.
    Limit(u64),
}

/// The options of every command.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The nodes' RPC addresses, at least one.
    pub nodes: Vec<String>,
    /// The chain's id, if it was given.
    pub chain_id: Option<String>,
    /// The block where trust in the chain begins, if one was given.
    pub trust: Option<Trust>,
    /// The home folder.
    pub home: PathBuf,
    /// How keys are kept.
    pub keyring_backend: Backend,
    /// The keyring's passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// Who signs.
    pub from: Option<String>,
    /// How much gas.
    pub gas: Gas,
    /// What gas costs.
    pub gas_prices: Option<String>,
    /// The whole fee.
    pub fees: Option<String>,
    /// The transaction's note.
    pub memo: String,
    /// The prefix of addresses.
    pub prefix: String,
    /// How answers are printed.
    pub output: Format,
    /// Whether to go without asking.
    pub yes: bool,
    /// What is logged.
    pub log: String,
}

impl Settings {
    /// The nodes' addresses as they may be shown: without the names and the passwords that may stand in them.
    pub fn shown_node(&self) -> String {
        self.nodes.iter().map(|node| without_password(node)).collect::<Vec<_>>().join(", ")
    }

    /// Puts command line, environment and file together, in this order.
    pub fn read(global: Global) -> Result<Self, Failure> {
        let home = match global.home {
            Some(home) => home,
            None => default_home()?,
        };
        let file: ConfigFile = match home.join("config.toml") {
            path if path.exists() => toml_file::read(&path)?,
            _ => ConfigFile::default(),
        };
        let gas = match global.gas.or(file.gas).as_deref() {
            None | Some("auto") => Gas::Auto,
            Some(text) => match text.parse() {
                Ok(limit @ 1..) => Gas::Limit(limit),
                _ => return Err(Failure::usage(format!("--gas is {text:?}; it is auto or a whole number above 0"))),
            },
        };
        let verbose = match global.verbose {
            0 => DEFAULT_LOG,
            1 => "info",
            _ => "debug",
        };
        let log = match (global.log, global.verbose, file.log) {
            (Some(log), _, _) | (None, 0, Some(log)) => log,
            _ => verbose.to_owned(),
        };
        let trust = global.trust.or(file.trust).map(|text| text.parse::<Trust>());
        let trust = trust.transpose().map_err(|error| Failure::usage(error.to_string()))?;
        let given = match global.node.is_empty() {
            true => file.node.as_deref().unwrap_or_default().split(',').map(str::to_owned).collect(),
            false => global.node,
        };
        let named = given.iter().map(|node| node.trim()).filter(|node| !node.is_empty());
        let mut nodes: Vec<String> =
            named.map(|node| if node.contains("://") { node.to_owned() } else { format!("http://{node}") }).collect();
        if nodes.is_empty() {
            nodes.push("http://localhost:26657".to_owned());
        }
        Ok(Self {
            nodes,
            chain_id: global.chain_id.or(file.chain_id),
            trust,
            keyring_backend: global.keyring_backend.or(file.keyring_backend).unwrap_or(Backend::File),
            passphrase_file: global.passphrase_file.or(file.passphrase_file),
            from: global.from.or(file.from),
            gas,
            gas_prices: global.gas_prices.or(if global.fees.is_some() { None } else { file.gas_prices }),
            fees: global.fees,
            memo: global.memo,
            prefix: global.prefix.or(file.prefix).unwrap_or_else(|| DEFAULT_PREFIX.to_owned()),
            output: global.output.or(file.output).unwrap_or_default(),
            yes: global.yes,
            log,
            home,
        })
    }
}

fn default_home() -> Result<PathBuf, Failure> {
    // Configuration, read once by a program that executes no block.
    #[allow(clippy::disallowed_methods)]
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(|home| Path::new(&home).join(".bauta")).ok_or_else(|| {
        Failure::usage("there is no home folder, because HOME is not set").hint("name a folder with --home")
    })
}

/// A URL without what stands before an `@` in its authority.
pub fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_url_of_a_node_is_not_shown() {
        for (url, shown) in [
            ("http://me:secret@example.com:26657/rpc?x=a@b", "http://example.com:26657/rpc?x=a@b"),
            ("https://me@example.com", "https://example.com"),
            ("http://localhost:26657", "http://localhost:26657"),
            ("http://localhost/a@b", "http://localhost/a@b"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
