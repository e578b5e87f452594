//! CometBFT's `config.toml`: only what differs from its defaults (CometBFT v0.38, config/toml.go).

/// Where a node listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The application, for CometBFT alone.
    pub app: u16,
    /// CometBFT's RPC.
    pub rpc: u16,
    /// Peers.
    pub p2p: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { app: 26_658, rpc: 26_657, p2p: 26_656 }
    }
}

/// What differs from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// What the node is called among its peers.
    pub moniker: String,
    /// Where it listens.
    pub ports: Ports,
    /// The address on which the RPC listens.
    pub rpc_host: String,
    /// `ID@HOST:PORT` of each peer that it keeps a connection to.
    pub peers: Vec<String>,
    /// How long it waits after a block before the next, in milliseconds.
    pub block_ms: u64,
    /// Whether its peers may be on its own machine.
    pub local_peers: bool,
}

impl EngineOptions {
    /// A node with CometBFT's pace, on the usual ports.
    pub fn new(moniker: impl Into<String>) -> Self {
        Self {
            moniker: moniker.into(),
            ports: Ports::default(),
            rpc_host: "127.0.0.1".into(),
            peers: Vec::new(),
            block_ms: 1_000,
            local_peers: false,
        }
    }

    /// How long a proposal, and then votes, are waited for, in milliseconds: at a second a block what CometBFT waits by default. A chain of
    /// faster blocks is meant for a faster network and waits less, also for a validator that was killed between signing its proposal
    /// and writing it down: that loses the round.
    fn waits(&self) -> (u64, u64) {
        (self.block_ms.saturating_mul(3).clamp(1_500, 3_000), self.block_ms.clamp(500, 1_000))
    }

    /// The file.
    pub fn file(&self) -> String {
        let (propose_ms, vote_ms) = self.waits();
        let Ports { app, rpc, p2p } = self.ports;
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        format!(
            r#"# How CometBFT runs beside this node. What is not named here has CometBFT's default; its own documentation
# lists everything: https://docs.cometbft.com/v0.38/references/config/config.toml

# Where the application listens (`listen` in app.toml).
proxy_app = "tcp://127.0.0.1:{app}"

# What this node is called among its peers.
moniker = {moniker}

[rpc]
# Where clients connect. Expose it to the world behind a proxy only.
laddr = {laddr}

# Contracts of 800 KiB travel as base64 in JSON.
max_body_bytes = 4000000

# An answer that takes a second longer than this is thrown away (node/node.go, `WriteTimeout`), whatever was asked: contracts are compiled
# when they are stored, and a machine may be busy.
timeout_broadcast_tx_commit = "60s"

# Providers wait for blocks on websockets, several from one address.
max_subscriptions_per_client = 16

[p2p]
laddr = "tcp://0.0.0.0:{p2p}"

# ID@HOST:PORT, separated by commas.
persistent_peers = {peers}

# Blocks of model updates are large.
send_rate = 20480000
recv_rate = 20480000
{local}
[mempool]
# A round of 96 providers sends thousands of chunks of 64 KiB.
size = 20000
max_txs_bytes = 1073741824
max_tx_bytes = 1048576
cache_size = 40000

[consensus]
# The pause between a block and the next.
timeout_commit = "{block_ms}ms"

# How long a round waits for its proposal, and for votes; each further round waits half a second longer.
timeout_propose = "{propose_ms}ms"
timeout_prevote = "{vote_ms}ms"
timeout_precommit = "{vote_ms}ms"

[tx_index]
# Clients look transactions up by their hash.
indexer = "kv"
"#,
            moniker = text(&self.moniker),
            laddr = text(&format!("tcp://{}:{rpc}", self.rpc_host)),
            peers = text(&self.peers.join(",")),
            local = if self.local_peers {
                "\n# Peers are on this machine.\naddr_book_strict = false\nallow_duplicate_ip = true\n"
            } else {
                ""
            },
            block_ms = self.block_ms,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_toml_whatever_the_node_is_called() {
        let mut options = EngineOptions::new("a \"node\" \\ of ours");
        options.local_peers = true;
        let read: toml::Table = toml::from_str(&options.file()).expect("TOML");
        assert_eq!(read["moniker"].as_str(), Some("a \"node\" \\ of ours"));
        assert_eq!(read["p2p"]["allow_duplicate_ip"].as_bool(), Some(true));
    }
    #[test]
    fn a_round_waits_as_long_as_cometbft_does_by_default_and_less_on_a_chain_of_faster_blocks() {
        let waits = |block_ms| {
            let options = EngineOptions { block_ms, ..EngineOptions::new("node") };
            let read: toml::Table = toml::from_str(&options.file()).expect("TOML");
            ["timeout_propose", "timeout_prevote", "timeout_precommit"]
                .map(|name| read["consensus"][name].as_str().expect("a text").to_owned())
        };
        assert_eq!(waits(1_000), ["3000ms", "1000ms", "1000ms"]);
        assert_eq!(waits(5_000), ["3000ms", "1000ms", "1000ms"]);
        assert_eq!(waits(200), ["1500ms", "500ms", "500ms"]);
    }
}
