//! Nodes as processes: `bautad` and `cometbft` for each validator, stopped with the demo.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use abci_app::conformance::OUT_OF_ORDER;
use abci_app::operator::{programs, EngineOptions, Founding, Home, Member, NodeKey, Ports, ValidatorKey};
use anyhow::{bail, Context as _};
use bauta_client::chain::{Chain, ChainSettings};

use super::super::world::derive;

/// Milliseconds from a block to the next.
pub const BLOCK_MS: u64 = 200;
/// How long a chain may take until its first block.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program.
struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

/// A node of one validator.
struct Validator {
    home: Home,
    url: String,
    programs: Vec<Program>,
}

/// A chain of processes.
pub struct Processes {
    validators: Vec<Validator>,
    genesis: serde_json::Value,
    peak_kib: f64,
}

impl Processes {
    /// Writes a folder for each validator and starts its programs. Keys follow from the seed.
    ///
    /// # Errors
    /// When a program is missing, or does not start.
    pub async fn start(
        folder: &Path,
        seed: u64,
        validators: u16,
        founding: Founding,
        say: impl Fn(String),
    ) -> anyhow::Result<Self> {
        let (bautad, cometbft) = (programs::bautad()?, programs::cometbft(say)?);
        let mut founding = founding;
        let mut nodes = Vec::new();
        let mut peers = Vec::new();
        let ports = free_ports(usize::from(validators) * 3)?;
        for (index, ports) in ports.chunks_exact(3).enumerate() {
            let name = if index == 0 { "validator".to_owned() } else { format!("validator/{index}") };
            let key = ValidatorKey::new(derive(seed, &name));
            let node = NodeKey::new(derive(seed, &format!("node/{index}")));
            let operator = founding.authority.clone();
            founding.validators.push(Member { key: key.public(), power: 10, operator });
            let mut options = EngineOptions::new(format!("node{index}"));
            options.ports = Ports { app: ports[0], rpc: ports[1], p2p: ports[2] };
            options.block_ms = BLOCK_MS;
            options.local_peers = true;
            peers.push(format!("{}@127.0.0.1:{}", node.id(), ports[2]));
            nodes.push((key, node, options));
        }
        let genesis = founding.document();
        let mut started = Self { validators: Vec::new(), genesis, peak_kib: 0.0 };
        for (index, (key, node, mut options)) in nodes.into_iter().enumerate() {
            let own = node.id();
            options.peers = peers.iter().filter(|peer| !peer.starts_with(&own)).cloned().collect();
            let home = Home::at(folder.join(format!("node{index}")));
            home.write(&started.genesis, &options, &key, &node)?;
            let url = home.rpc_url()?;
            let mut validator = Validator { home, url, programs: Vec::new() };
            for (name, program) in [("bautad", &bautad), ("cometbft", &cometbft)] {
                validator.programs.push(spawn(name, program, &validator.home)?);
            }
            started.validators.push(validator);
        }
        started.first_block().await?;
        Ok(started)
    }

    /// The RPC of one of the nodes; they take turns.
    pub fn url(&self, turn: usize) -> &str {
        &self.validators[turn % self.validators.len()].url
    }

    /// The genesis document that every node began with.
    pub fn genesis(&self) -> &serde_json::Value {
        &self.genesis
    }

    async fn first_block(&mut self) -> anyhow::Result<()> {
        const PAUSE: Duration = Duration::from_millis(100);
        let mut waited = Duration::ZERO;
        loop {
            self.still_run()?;
            let mut ready = 0;
            for validator in &self.validators {
                let chain = Chain::http(&validator.url, ChainSettings::new(""))?;
                if chain.height().await.is_ok_and(|height| height > 0) {
                    ready += 1;
                }
            }
            if ready == self.validators.len() {
                return Ok(());
            }
            if waited > PATIENCE {
                bail!("the chain made no block in {} seconds", PATIENCE.as_secs());
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
    }

    /// Whether no program has ended.
    ///
    /// # Errors
    /// When one has, with the last of what it said.
    pub fn still_run(&mut self) -> anyhow::Result<()> {
        for program in self.validators.iter_mut().flat_map(|validator| &mut validator.programs) {
            if let Some(status) = program.child.try_wait()? {
                let said = std::fs::read_to_string(&program.log).unwrap_or_default();
                let last: Vec<&str> = said.lines().rev().take(5).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                bail!("{} ended with {status}; its last words:\n{}", program.name, last.join("\n"));
            }
        }
        Ok(())
    }

    /// Whether every node was called in CometBFT's order: each watches for it, and logs a call that is not in it.
    ///
    /// # Errors
    /// When one has logged such a call, with what it said.
    pub fn called_in_order(&self) -> anyhow::Result<()> {
        for program in self.validators.iter().flat_map(|validator| &validator.programs) {
            let said = std::fs::read_to_string(&program.log).unwrap_or_default();
            if let Some(line) = said.lines().find(|line| line.contains(OUT_OF_ORDER)) {
                bail!("{}: {line}", program.name);
            }
        }
        Ok(())
    }

    /// Stops every program, and says how much memory they took at most, in MiB, all together.
    pub fn stop(mut self) -> f64 {
        self.end();
        self.peak_kib / 1024.0
    }

    fn end(&mut self) {
        for validator in &mut self.validators {
            // CometBFT first, which was started last: it is told before the application goes away under it.
            for program in validator.programs.iter_mut().rev() {
                self.peak_kib += peak_kib(program.child.id());
                let _ = Command::new("kill").arg("-TERM").arg(program.child.id().to_string()).status();
            }
            for program in &mut validator.programs {
                end(&mut program.child);
            }
            validator.programs.clear();
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(name: &str, program: &Path, home: &Home) -> anyhow::Result<Program> {
    let log = home.path().join(format!("{name}.log"));
    let file = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    let child = Command::new(program)
        .arg("start")
        .arg("--home")
        .arg(home.path())
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    Ok(Program { name: name.to_owned(), child, log })
}

/// Waits for a program that was told to end, and ends it if it does not listen.
fn end(child: &mut Child) {
    for _ in 0..100 {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Ports that nobody listens on.
fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    // All are held until the last is found, so that no port comes twice.
    let held = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>();
    let held = held.context("there is no free port")?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

fn peak_kib(process: u32) -> f64 {
    super::super::report::peak_rss_kib(&format!("/proc/{process}/status"))
}
