//! A chain of one validator with contracts, a model provider, and data providers who are registered and bonded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bauta_client::chain::{Chain, ChainSettings, Polling};
use serde_json::json;
use tempfile::TempDir;

use super::node::{Node, CHAIN_ID};
use super::people::{text, Person};

/// What each provider has bonded at the beginning: twice what a task asks for, so that one that was late once is not shut out.
pub const BOND: u128 = 2_000_000;

/// One at a time: what is measured here is not to be measured beside another.
static ALONE: Mutex<()> = Mutex::new(());

/// A chain of one validator, and its people.
pub struct Devnet {
    // Before the folder: the processes end while it is still there.
    pub node: Node,
    pub owner: Person,
    pub providers: Vec<Person>,
    folder: Option<TempDir>,
    _alone: MutexGuard<'static, ()>,
}

impl Devnet {
    /// Starts a chain on which silence costs coins and no jail. A jail lasts until somebody with the provider's key ends it, and nobody
    /// sits beside these.
    pub fn start(providers: usize, block_ms: u64) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let owner = Person::new(folder.path(), "owner");
        let providers: Vec<Person> =
            (0..providers).map(|index| Person::new(folder.path(), &format!("provider-{index}"))).collect();
        let mut accounts = vec![owner.address.as_str()];
        accounts.extend(providers.iter().map(|provider| provider.address.as_str()));
        let mut node = Node::found(folder.path(), &accounts, block_ms);
        node.start();

        let contracts = owner.json(&node.url, &["contracts", "deploy", "--unbonding", "3600", "--yes"]);
        for (kind, fraction) in [("no_submission", "0.01"), ("silent_seat", "0.02")] {
            let row =
                json!({ "set_penalty": { "kind": kind, "penalty": { "fraction": fraction, "jail_seconds": 0 } } });
            owner.ok(&node.url, &["wasm", "execute", text(&contracts["slashing"]), &row.to_string()]);
        }
        let every = providers.len();
        std::thread::scope(|scope| {
            for (index, provider) in providers.iter().enumerate() {
                let url = node.url.as_str();
                scope.spawn(move || {
                    provider.give_rows(index, every);
                    provider.ok(url, &["provider", "register", "--name", "clinic"]);
                    provider.ok(url, &["provider", "bond", &format!("{BOND}ubauta"), "--yes"]);
                });
            }
        });
        Self { node, owner, providers, folder: Some(folder), _alone: alone }
    }

    /// The chain as a program in this process sees it.
    pub fn chain(&self) -> Chain {
        let look = std::time::Duration::from_millis(50);
        let patience = std::time::Duration::from_secs(60);
        let settings = ChainSettings::new(CHAIN_ID);
        Chain::http_with(&self.node.url, settings, |rpc| std::sync::Arc::new(Polling::with(rpc, look, patience)))
            .unwrap()
    }

    /// Creates the first task: so many rounds, for all the providers, of whom three are enough. Windows end early when nobody is waited
    /// for; they are long enough for one that was killed to come back.
    pub fn create_task(&self, rounds: u32) -> u64 {
        let (owner, url) = (&self.owner, self.node.url.as_str());
        let providers = self.providers.len().to_string();
        let mut file = owner.ok(url, &["task", "init", "--recipe", "digits-softmax", "--providers", &providers]);
        let windows = ["enrol", "deal", "complain", "check_in", "submit", "unmask"].map(|name| (name, 60));
        for (name, value) in windows.into_iter().chain([("rounds", rounds)]) {
            file = set(&file, name, value);
        }
        std::fs::write(owner.home.join("task.toml"), file).unwrap();
        let estimate = owner.json(url, &["task", "estimate", "task.toml"]);
        let budget = format!("{}ubauta", text(&estimate["least_budget"]));
        let created = owner.json(url, &["task", "create", "task.toml", "--budget", &budget, "--yes"]);
        created["task"].as_u64().unwrap()
    }
}

/// Changes a line of a task's file.
fn set(file: &str, name: &str, value: u32) -> String {
    let begins = format!("{name} = ");
    assert_eq!(file.lines().filter(|line| line.starts_with(&begins)).count(), 1, "{name}\n{file}");
    let line = |line: &str| match line.starts_with(&begins) {
        true => format!("{begins}{value}\n"),
        false => format!("{line}\n"),
    };
    file.lines().map(line).collect()
}

impl Drop for Devnet {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if let Some(folder) = self.folder.take() {
                eprintln!("what the processes left is kept in {}", folder.keep().display());
            }
        }
    }
}
