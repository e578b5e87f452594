//! A validator as two processes, and the supervisor that starts again what has ended.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use abci_app::coin::Coins;
use abci_app::conformance::OUT_OF_ORDER;
use abci_app::operator::{programs, EngineOptions, Founding, Home, Member, NodeKey, Ports, ValidatorKey};
use bauta_client::chain::{ChainError, Rpc};
use rand::rngs::OsRng;
use rand::Rng as _;
use serde_json::Value;
use tendermint::block::CommitSig;
use tendermint::Time;
use tendermint_rpc::HttpClient;

use super::process::Process;

/// The chain of every devnet here.
pub const CHAIN_ID: &str = "bauta-1";
/// How long CometBFT has to end after its application has. When that goes while a block is being committed, CometBFT v0.38 may wait for
/// ever for an answer that nobody will give (`Flush` in abci/client/socket_client.go), deaf to SIGTERM; so a supervisor kills it.
const GRACE: Duration = Duration::from_secs(1);
/// What each account has at genesis.
const WEALTH: u128 = 1_000_000_000_000;

/// Which of a node's processes is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victim {
    /// `bautad`; CometBFT ends by itself.
    Application,
    /// CometBFT.
    Engine,
    /// Both at once.
    Both,
}

/// A validator, alone on its chain.
pub struct Node {
    pub url: String,
    pub genesis: Value,
    home: Home,
    /// Where CometBFT finds `bautad`: in the file system, where it stays when `bautad` is killed. Others are tested on a port.
    socket: PathBuf,
    bautad: PathBuf,
    cometbft: PathBuf,
    environment: Vec<(&'static str, String)>,
    application: Option<Process>,
    engine: Option<Process>,
    /// Since when CometBFT has no application; it cannot be started again before it has ended.
    orphaned: Option<Instant>,
    /// How often CometBFT had to be killed because it did not end without its application.
    pub hung: usize,
}

impl Node {
    /// Writes the folder of a chain on which these accounts have coins, the first of them the authority. Nothing runs yet.
    pub fn found(folder: &Path, accounts: &[&str], block_ms: u64) -> Self {
        let (key, node_key) = (ValidatorKey::new(rand::random()), NodeKey::new(rand::random()));
        let founding = Founding {
            chain_id: CHAIN_ID.to_owned(),
            genesis_time: Time::now().to_rfc3339(),
            validators: vec![Member { key: key.public(), power: 10, operator: None }],
            accounts: accounts.iter().map(|&address| (address.to_owned(), Coins::one("ubauta", WEALTH))).collect(),
            authority: accounts.first().map(|&address| address.to_owned()),
        };
        let genesis = founding.document();
        let mut options = EngineOptions::new("devnet");
        options.ports = free_ports();
        options.block_ms = block_ms;
        let home = Home::at(folder.join("node"));
        home.write(&genesis, &options, &key, &node_key).unwrap();
        let socket = home.path().join("abci.sock");
        let address = format!("unix://{}", socket.display());
        Self {
            url: home.rpc_url().unwrap(),
            genesis,
            home,
            bautad: built("bautad"),
            cometbft: programs::cometbft(|line| eprintln!("{line}")).unwrap(),
            environment: vec![("BAUTAD_LISTEN", address.clone()), ("CMT_PROXY_APP", address)],
            socket,
            application: None,
            engine: None,
            orphaned: None,
            hung: 0,
        }
    }

    /// Overrides a line of CometBFT's configuration from the next start on.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.environment.push((name, value.to_owned()));
    }

    /// What a supervisor does when it looks: what has ended is started again, `bautad` first, CometBFT when that listens. Whether both run
    /// now.
    pub fn tend(&mut self) -> bool {
        let Some(application) = &mut self.application else {
            let log = self.home.path().join("bautad.log");
            self.application = Some(Process::start("bautad", self.command(&self.bautad), &log, false));
            return false;
        };
        if let Some(status) = application.ended() {
            panic!("bautad was not killed and ended with {status}\n{}", application.last_words());
        }
        if let Some(engine) = &mut self.engine {
            match (engine.ended(), self.orphaned) {
                (None, None) => return true,
                (None, Some(since)) if since.elapsed() < GRACE => return false,
                (None, Some(_)) => self.hung += 1,
                (Some(_), Some(_)) => {}
                (Some(status), None) => {
                    panic!("CometBFT was not killed and ended with {status}\n{}", engine.last_words())
                }
            }
            // Dropping it kills what is left of it.
            (self.engine, self.orphaned) = (None, None);
        }
        if self.listens() {
            let log = self.home.path().join("cometbft.log");
            self.engine = Some(Process::start("cometbft", self.command(&self.cometbft), &log, false));
        }
        false
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg("start").arg("--home").arg(self.home.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn listens(&self) -> bool {
        UnixStream::connect(&self.socket).is_ok()
    }

    /// Kills what runs of this.
    pub fn kill(&mut self, victim: Victim) {
        if victim != Victim::Engine && self.application.take().is_some() && self.engine.is_some() {
            self.orphaned.get_or_insert_with(Instant::now);
        }
        // Dropping one kills it.
        if victim != Victim::Application && self.engine.take().is_some() {
            self.orphaned = None;
        }
    }

    /// Whether anything of this runs.
    pub fn runs(&self, victim: Victim) -> bool {
        match victim {
            Victim::Application => self.application.is_some(),
            Victim::Engine => self.engine.is_some(),
            Victim::Both => self.application.is_some() || self.engine.is_some(),
        }
    }

    /// Starts what does not run, and waits for the next block that is signed.
    pub fn start(&mut self) {
        let since = Time::now();
        let (patience, watch) = (Instant::now() + Duration::from_secs(60), Watch::new(&self.url));
        while !self.tend() || !watch.has_block_after(since) {
            assert!(Instant::now() < patience, "the node makes no block\n{}", self.last_words());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Checks that CometBFT called `bautad` in its order, from one start to the next: it watches for that, and logs a call that is not.
    pub fn check_calls(&self) {
        let said = std::fs::read_to_string(self.home.path().join("bautad.log")).unwrap();
        let line = said.lines().find(|line| line.contains(OUT_OF_ORDER));
        assert_eq!(line, None, "a call that is not in CometBFT's order");
    }

    /// The last of what its processes said.
    pub fn last_words(&self) -> String {
        self.application.iter().chain(&self.engine).map(Process::last_words).collect()
    }
}

/// Looks at the last block.
pub struct Watch {
    runtime: tokio::runtime::Runtime,
    rpc: HttpClient,
}

impl Watch {
    /// Of the node behind this address.
    pub fn new(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url: tendermint_rpc::HttpClientUrl = url.parse().unwrap();
        let rpc = HttpClient::builder(url).timeout(Duration::from_secs(2)).build().unwrap();
        Self { runtime, rpc }
    }

    /// Whether the last block was signed after this time: one that was decided before and is only executed now does not count.
    pub fn has_block_after(&self, since: Time) -> bool {
        self.runtime.block_on(self.signed()).is_ok_and(|signed| signed.is_some_and(|signed| signed > since))
    }

    /// When the last block was signed.
    async fn signed(&self) -> Result<Option<Time>, ChainError> {
        let last = Rpc::status(&self.rpc).await?.sync_info.latest_block_height.value();
        if last == 0 {
            return Ok(None);
        }
        let commit = Rpc::commit(&self.rpc, last).await?.commit;
        let signed = commit.signatures.iter().filter_map(|signature| match signature {
            CommitSig::BlockIdFlagCommit { timestamp, .. } => Some(*timestamp),
            CommitSig::BlockIdFlagAbsent | CommitSig::BlockIdFlagNil { .. } => None,
        });
        Ok(signed.max())
    }
}

/// A program of this workspace, beside the tests.
pub fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join(name);
    assert!(program.is_file(), "{} is not built; run the tests of the whole workspace", program.display());
    program
}

/// Ports that nobody listens on, below those that the system gives to outgoing connections: from among those, a client that looks for a
/// node that is down would once be given the node's own port, reach itself, and keep the node from coming back.
fn free_ports() -> Ports {
    let mut held = Vec::new();
    while held.len() < 3 {
        held.extend(TcpListener::bind((Ipv4Addr::UNSPECIFIED, OsRng.gen_range(10_000..32_000))));
    }
    let port = |index: usize| held[index].local_addr().unwrap().port();
    Ports { app: port(0), rpc: port(1), p2p: port(2) }
}
