//! `bautad export`.

use std::path::PathBuf;

use abci_app::config::Config;
use abci_app::operator::names;
use abci_app::{deep_stack, Node};
use anyhow::Context as _;

use super::{now, say, HomeArg};

/// Write the state of a stopped node as the genesis of a chain that goes on from it under another id
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bautad export --chain-id bauta-2 --out genesis.json
  bautad init --genesis genesis.json --home ~/.bauta-2

Accounts, balances, contracts and ended tasks with their models are carried over. Tasks that run end in the export: what is left of their
budgets goes back to their owners, and bonds are unlocked. Validators are those of this chain; each moves its key to the new folder.")]
pub struct Export {
    #[command(flatten)]
    home: HomeArg,
    /// The new chain's id: this one's name with the next revision number
    #[arg(long, value_name = "ID")]
    chain_id: String,
    /// The new chain's first time, RFC 3339; now if it is not given
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// A file that does not exist yet; standard output if it is not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    pub fn run(self) -> anyhow::Result<()> {
        let home = self.home.get()?;
        let time = match self.time {
            Some(time) => {
                let read: Result<tendermint::Time, _> = time.parse();
                read.with_context(|| format!("--time is `{time}`, not a time such as 2026-01-31T12:00:00Z"))?;
                time
            }
            None => now(),
        };
        home.is_there()?;
        names::chain_id(&self.chain_id)?;
        let node = Node::open(Config::read(home.path())?.node(home.path())?)
            .context("the node must be stopped, and its folder whole, to be exported")?;
        let first: tendermint::Time = time.parse().with_context(|| format!("--time is `{time}`, not a time"))?;
        let last = node.app().latest().last().time_ns;
        anyhow::ensure!(
            u64::try_from(first.unix_timestamp_nanos()).is_ok_and(|first| first >= last),
            "--time is {time}, before the last block of this chain: the new one would begin in the past"
        );
        let genesis = deep_stack::run(|| node.app().export(&self.chain_id, &time))?;
        let text = serde_json::to_string_pretty(&genesis).context("the state has no JSON form")?;
        match &self.out {
            None => say(&text)?,
            Some(file) => {
                anyhow::ensure!(!file.exists(), "{} exists already", file.display());
                std::fs::write(file, format!("{text}\n"))
                    .with_context(|| format!("{} cannot be written", file.display()))?;
                say(format_args!("wrote the genesis of {} to {}", self.chain_id, file.display()))?;
            }
        }
        Ok(())
    }
}
