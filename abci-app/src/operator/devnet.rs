//! Chains for development: a genesis with an account that has coins and authority, and folders for several validators.

use std::path::Path;

use anyhow::Context as _;
use bip32::{DerivationPath, Language, XPrv};
use serde_json::{json, Value};
use zeroize::Zeroizing;

use super::engine::{EngineOptions, Ports};
use super::home::Home;
use super::keys::{NodeKey, ValidatorKey};
use crate::address::Address;
use crate::coin::Coins;
use crate::files;
use crate::genesis::GenesisBuilder;
use crate::params::AppParams;
use crate::tx::sign::address_of;

/// How many ports each node of a testnet has to itself.
pub const PORTS_PER_NODE: u16 = 10;
/// What a devnet's account has at genesis, in the smallest denomination.
const WEALTH: u128 = 1_000_000_000_000_000;

/// The account of a devnet: it has the coins, and the authority over the parameters.
pub struct DevnetKey {
    mnemonic: bip32::Mnemonic,
    address: Address,
}

impl DevnetKey {
    /// From 32 secret bytes, at the path that wallets use (BIP-44, coin type 118 of SLIP-44).
    ///
    /// # Errors
    /// When the bytes give no key, which has probability 2^-127.
    pub fn new(entropy: [u8; 32]) -> anyhow::Result<Self> {
        let mnemonic = bip32::Mnemonic::from_entropy(entropy, Language::English);
        let path: DerivationPath = "m/44'/118'/0'/0/0".parse().context("the path of accounts is one")?;
        let key = XPrv::derive_from_path(mnemonic.to_seed("").as_bytes(), &path).context("no key for the devnet")?;
        Ok(Self { mnemonic, address: address_of(&key.public_key().to_bytes()) })
    }

    /// Its 24 words.
    pub fn words(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}\n", self.mnemonic.phrase()))
    }

    /// Its address.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl std::fmt::Debug for DevnetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DevnetKey({:?})", self.address)
    }
}

/// A validator of the first block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its Ed25519 key.
    pub key: [u8; 32],
    /// Its power.
    pub power: u64,
    /// The account that its share of the fees goes to, in bech32.
    pub operator: Option<String>,
}

/// What a chain begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founding {
    /// Its id, which ends in a revision number for light clients, such as `bauta-1`.
    pub chain_id: String,
    /// RFC 3339.
    pub genesis_time: String,
    /// Its validators.
    pub validators: Vec<Member>,
    /// Accounts in bech32, and what they have.
    pub accounts: Vec<(String, Coins)>,
    /// Who may change the parameters of training, in bech32.
    pub authority: Option<String>,
}

impl Founding {
    /// Gives a devnet's key coins and the authority.
    pub fn with_devnet_key(mut self, key: &DevnetKey) -> Self {
        let params = AppParams::default();
        let address = key.address().to_bech32(&params.prefix);
        self.accounts.push((address.clone(), Coins::one(&params.fee_denom, WEALTH)));
        self.authority.get_or_insert(address);
        self
    }

    /// The genesis document. The engine offers every transaction that waits, so that the lane of protocol messages
    /// holds whatever else is sent.
    pub fn document(&self) -> Value {
        let mut genesis = GenesisBuilder::new(&self.chain_id).time(&self.genesis_time).max_bytes(-1);
        for member in &self.validators {
            genesis = genesis.validator(&member.key, member.power, member.operator.as_deref());
        }
        for (address, coins) in &self.accounts {
            genesis = genesis.account(address, coins);
        }
        if let Some(authority) = &self.authority {
            genesis = genesis.part("training", json!({ "params": { "authority": authority } }));
        }
        genesis.build()
    }
}

/// Writes a folder for each of several validators on this machine, and a script that starts them. `secret` gives
/// 32 fresh bytes each time; `rpc` ports count up from `ports.rpc` in steps of [`PORTS_PER_NODE`].
///
/// # Errors
/// When a folder exists already or cannot be written, or the ports do not suffice.
pub fn testnet(
    output: &Path,
    validators: u16,
    founding: Founding,
    ports: Ports,
    block_ms: u64,
    mut secret: impl FnMut() -> anyhow::Result<[u8; 32]>,
) -> anyhow::Result<Vec<Home>> {
    anyhow::ensure!(validators > 0, "a testnet has at least one validator");
    let port = |base: u16, index: u16| {
        index
            .checked_mul(PORTS_PER_NODE)
            .and_then(|step| base.checked_add(step))
            .with_context(|| format!("there are no ports for {validators} nodes above {base}"))
    };
    let devnet = DevnetKey::new(secret()?)?;
    let operator = devnet.address().to_bech32(&AppParams::default().prefix);
    let mut founding = founding.with_devnet_key(&devnet);
    let mut nodes = Vec::new();
    let mut peers = Vec::new();
    for index in 0..validators {
        let (validator, node) = (ValidatorKey::new(secret()?), NodeKey::new(secret()?));
        let ports = Ports { app: port(ports.app, index)?, rpc: port(ports.rpc, index)?, p2p: port(ports.p2p, index)? };
        founding.validators.push(Member { key: validator.public(), power: 10, operator: Some(operator.clone()) });
        peers.push(format!("{}@127.0.0.1:{}", node.id(), ports.p2p));
        nodes.push((validator, node, ports));
    }
    let genesis = founding.document();
    let homes: Vec<Home> = (0..nodes.len()).map(|index| Home::at(output.join(format!("node{index}")))).collect();
    // Looked at first, so that a mistake leaves nothing half written.
    homes.iter().try_for_each(Home::is_free)?;
    for file in [MNEMONIC, SCRIPT].map(|name| output.join(name)) {
        anyhow::ensure!(!file.exists(), "{} exists already; remove it, or choose another folder", file.display());
    }
    files::folder(output)?;
    for ((home, (validator, node, ports)), index) in homes.iter().zip(&nodes).zip(0..) {
        let index: usize = index;
        let mut options = EngineOptions::new(format!("node{index}"));
        options.ports = *ports;
        options.block_ms = block_ms;
        options.local_peers = true;
        options.peers = peers.iter().filter(|peer| !peer.starts_with(&node.id())).cloned().collect();
        home.write(&genesis, &options, validator, node)?;
    }
    files::secret(&output.join(MNEMONIC), devnet.words().as_bytes())?;
    files::program(&output.join(SCRIPT), START.as_bytes())?;
    Ok(homes)
}

/// The words of a testnet's account.
const MNEMONIC: &str = "devnet.mnemonic";
/// What starts a testnet.
const SCRIPT: &str = "start.sh";

/// Starts every node of the folder it lies in, and stops them all when it is stopped.
const START: &str = r#"#!/bin/sh
# Starts every validator of this testnet, and stops them all when it is stopped. The logs lie in each node's folder.
set -eu
cd "$(dirname "$0")"
for program in bautad cometbft; do
    command -v "$program" >/dev/null || { echo "$program is not on PATH"; exit 1; }
done
# Go runs a goroutine for 10 ms before another has its turn: with more threads than cores, questions to CometBFT do not wait so long.
export GOMAXPROCS="${GOMAXPROCS:-$((4 * $(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)))}"
# What a person chose for another node is not for these.
for name in $(env | sed -n 's/^\(CMT_[A-Z0-9_]*\|BAUTAD_[A-Z0-9_]*\)=.*/\1/p'); do
    [ "$name" = BAUTAD_LOG ] || [ "$name" = BAUTAD_LOG_FORMAT ] || unset "$name"
done
engines=
applications=
# Only what was started here, whoever else is in the group. CometBFT first: one that loses its application may wait for it for ever,
# deaf to SIGTERM.
stop() {
    trap - INT TERM EXIT
    kill $engines 2>/dev/null || true
    (sleep 10; kill -KILL $engines) >/dev/null 2>&1 &
    guard=$!
    wait $engines || true
    kill $guard $applications 2>/dev/null || true
    wait
}
trap stop INT TERM EXIT
for node in node*; do
    bautad start --home "$node" >>"$node/bautad.log" 2>&1 &
    applications="$! $applications"
    cometbft start --home "$node" >>"$node/cometbft.log" 2>&1 &
    engines="$! $engines"
done
sleep 2
for program in $applications $engines; do
    kill -0 "$program" 2>/dev/null && continue
    echo "a program has ended at once; the last lines of the logs in each node's folder say why" >&2
    exit 1
done
echo "running; clients connect to the RPC of node0 (see node0/config/config.toml); Ctrl-C stops everything"
wait
"#;
