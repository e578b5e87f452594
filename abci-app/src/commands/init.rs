//! `bautad init`.

use std::path::PathBuf;

use abci_app::coin::Coins;
use abci_app::operator::{names, DevnetKey, EngineOptions, Founding, Member, NodeKey, ValidatorKey};
use abci_app::params::AppParams;
use anyhow::Context as _;
use serde_json::{json, Value};

use super::{now, say, secret, HomeArg, Output};

/// Make a node's folder: keys, configurations of the application and of CometBFT, and the chain's genesis
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bautad init --devnet                                     a chain of one validator, for development
  bautad init --account bauta1...=1000000ubauta --authority bauta1...
  bautad init --genesis genesis.json --peer ID@HOST:26656  join a chain that exists

JSON: {home, chain_id, node_id, validator, devnet_address, devnet_mnemonic_file}")]
pub struct Init {
    #[command(flatten)]
    home: HomeArg,
    /// The new chain's id; it ends in a revision number
    #[arg(long, value_name = "ID", default_value = "bauta-1", conflicts_with = "genesis")]
    chain_id: String,
    /// What the node is called among its peers
    #[arg(long, value_name = "NAME", default_value = "node")]
    moniker: String,
    /// Give an account coins at genesis
    #[arg(long = "account", value_name = "ADDRESS=COINS", conflicts_with = "genesis")]
    accounts: Vec<String>,
    /// Who may change the parameters of training, such as the addresses of the contracts
    #[arg(long, value_name = "ADDRESS", conflicts_with = "genesis")]
    authority: Option<String>,
    /// The account that this validator's share of the fees goes to
    #[arg(long, value_name = "ADDRESS", conflicts_with = "genesis")]
    operator: Option<String>,
    /// Make an account with coins and authority, and write its words beside the configuration: never for real coins
    #[arg(long, conflicts_with = "genesis")]
    devnet: bool,
    /// Join the chain with this genesis document instead of making one
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// A peer to keep a connection to; may be repeated
    #[arg(long = "peer", value_name = "ID@HOST:PORT")]
    peers: Vec<String>,
    /// Milliseconds from a block to the next
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(0..=3_600_000))]
    block_ms: u64,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Init {
    pub fn run(self) -> anyhow::Result<()> {
        let home = self.home.get()?;
        names::moniker(&self.moniker)?;
        self.peers.iter().try_for_each(|peer| names::peer(peer))?;
        let (validator, node) = (ValidatorKey::new(secret()?), NodeKey::new(secret()?));
        let devnet = self.devnet.then(|| secret().and_then(DevnetKey::new)).transpose()?;
        let genesis = match &self.genesis {
            Some(file) => read_genesis(file)?,
            None => self.found(&validator, devnet.as_ref())?.document(),
        };
        let mut options = EngineOptions::new(&self.moniker);
        options.peers.clone_from(&self.peers);
        options.block_ms = self.block_ms;
        home.write(&genesis, &options, &validator, &node)?;
        let mut answer = json!({
            "home": home.path(),
            "chain_id": genesis["chain_id"],
            "node_id": node.id(),
            "validator": hex::encode(validator.public()),
        });
        if let Some(key) = &devnet {
            home.write_devnet(key)?;
            answer["devnet_address"] = key.address().to_bech32(&AppParams::default().prefix).into();
            answer["devnet_mnemonic_file"] = json!(home.devnet_mnemonic());
        }
        match self.output {
            Output::Json => say(&answer)?,
            Output::Text => self.tell(&home, &answer)?,
        }
        Ok(())
    }

    fn tell(&self, home: &abci_app::operator::Home, answer: &Value) -> anyhow::Result<()> {
        let shown = home.path().display();
        say(format_args!("made a node of {} in {shown}", answer["chain_id"].as_str().unwrap_or_default()))?;
        say(format_args!("node id     {}", answer["node_id"].as_str().unwrap_or_default()))?;
        if let Some(address) = answer["devnet_address"].as_str() {
            say(format_args!("devnet      {address} has the coins and the authority; its words are in"))?;
            say(format_args!("            {}", home.devnet_mnemonic().display()))?;
        }
        say("now run, each in a terminal of its own:")?;
        say(format_args!("  bautad start --home {shown}"))?;
        say(format_args!("  cometbft start --home {shown}"))
    }

    fn found(&self, validator: &ValidatorKey, devnet: Option<&DevnetKey>) -> anyhow::Result<Founding> {
        names::chain_id(&self.chain_id)?;
        let prefix = AppParams::default().prefix;
        let known = |address: &String| {
            abci_app::address::Address::parse(address, &prefix)
                .map(|_| address.clone())
                .map_err(|error| anyhow::anyhow!("{address} is no address: {error}"))
        };
        let mut founding = Founding {
            chain_id: self.chain_id.clone(),
            genesis_time: now(),
            validators: Vec::new(),
            accounts: self.accounts.iter().map(|text| account(text, &prefix)).collect::<anyhow::Result<_>>()?,
            authority: self.authority.as_ref().map(known).transpose()?,
        };
        let mut named = std::collections::BTreeSet::new();
        if let Some((twice, _)) = founding.accounts.iter().find(|(address, _)| !named.insert(address)) {
            anyhow::bail!("--account names {twice} twice; write all its coins once, with commas between");
        }
        let mut supply = Coins::none();
        for (_, coins) in &founding.accounts {
            supply = supply
                .checked_add(coins)
                .ok()
                .context("together the accounts have more coins of one kind than fit 128 bits")?;
        }
        if let Some(key) = devnet {
            founding = founding.with_devnet_key(key);
        }
        let operator = self.operator.as_ref().map(known).transpose()?.or_else(|| founding.authority.clone());
        founding.validators.push(Member { key: validator.public(), power: 10, operator });
        Ok(founding)
    }
}

fn account(text: &str, prefix: &str) -> anyhow::Result<(String, Coins)> {
    let (address, coins) = text
        .split_once('=')
        .with_context(|| format!("--account is `{text}`; write ADDRESS=COINS, such as bauta1...=1000000ubauta"))?;
    abci_app::address::Address::parse(address, prefix)
        .map_err(|error| anyhow::anyhow!("{address} is no address: {error}"))?;
    let coins = Coins::parse(coins).map_err(|error| anyhow::anyhow!("`{coins}` are no coins: {error}"))?;
    Ok((address.to_owned(), coins))
}

fn read_genesis(file: &std::path::Path) -> anyhow::Result<Value> {
    let text = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let document: Value =
        serde_json::from_slice(&text).with_context(|| format!("{} is no genesis document", file.display()))?;
    abci_app::genesis::GenesisDoc::read(&document)
        .and_then(|read| read.init_chain())
        .with_context(|| format!("{} is no genesis document of a Bauta chain", file.display()))?;
    Ok(document)
}
