//! A chain of processes on one machine: `bautad` and `cometbft` for each validator, stopped with whoever started them.

// Memory figures for people: no block is executed with them.
#![allow(clippy::float_arithmetic)]

use std::path::Path;
use std::time::Duration;

use anyhow::{bail, Context as _};
use tendermint_rpc::{Client as _, HttpClient};

use super::processes::{free_ports, Program};
use super::{programs, EngineOptions, Founding, Home, Member, NodeKey, Ports, ValidatorKey};
use crate::conformance::OUT_OF_ORDER;

/// How long a chain may take until its first block.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node of one validator.
struct Validator {
    home: Home,
    url: String,
    programs: Vec<Program>,
}

/// How a chain of processes is made.
#[derive(Clone, Copy)]
pub struct Make<'a> {
    /// A folder for the nodes' folders.
    pub folder: &'a Path,
    /// How many validators.
    pub validators: u16,
    /// Milliseconds that each waits after a block before the next.
    pub block_ms: u64,
    /// Gives 32 bytes for each name: the keys of validators and nodes.
    pub secret: &'a dyn Fn(&str) -> [u8; 32],
}

/// A chain of processes.
pub struct Validators {
    validators: Vec<Validator>,
    genesis: serde_json::Value,
    peak_kib: f64,
}

impl Validators {
    /// Writes a folder for each validator, starts its programs, and waits until each has a block.
    ///
    /// # Errors
    /// When a program is missing, or does not start.
    pub async fn start(make: Make<'_>, founding: Founding, say: impl Fn(String)) -> anyhow::Result<Self> {
        let Make { folder, validators, block_ms, secret } = make;
        let (bautad, cometbft) = (programs::bautad()?, programs::cometbft(say)?);
        let mut founding = founding;
        let mut nodes = Vec::new();
        let mut peers = Vec::new();
        let ports = free_ports(usize::from(validators) * 3)?;
        for (index, ports) in ports.chunks_exact(3).enumerate() {
            let name = if index == 0 { "validator".to_owned() } else { format!("validator/{index}") };
            let key = ValidatorKey::new(secret(&name));
            let node = NodeKey::new(secret(&format!("node/{index}")));
            let operator = founding.authority.clone();
            founding.validators.push(Member { key: key.public(), power: 10, operator });
            let mut options = EngineOptions::new(format!("node{index}"));
            options.ports = Ports { app: ports[0], rpc: ports[1], p2p: ports[2] };
            options.block_ms = block_ms;
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
                validator.programs.push(Program::start(name, program, &validator.home)?);
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

    /// What of one of the nodes is on disk.
    pub fn home(&self, index: usize) -> &Home {
        &self.validators[index % self.validators.len()].home
    }

    /// One of the nodes' programs: `bautad`, then `cometbft`.
    pub fn programs(&self, index: usize) -> &[Program] {
        &self.validators[index % self.validators.len()].programs
    }

    async fn first_block(&mut self) -> anyhow::Result<()> {
        const PAUSE: Duration = Duration::from_millis(100);
        let mut waited = Duration::ZERO;
        loop {
            self.still_run()?;
            let mut ready = true;
            for validator in &self.validators {
                let client = HttpClient::new(validator.url.as_str()).context("a node's address is no URL")?;
                let status = client.status().await;
                ready &= status.is_ok_and(|status| status.sync_info.latest_block_height.value() > 0);
            }
            if ready {
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
            program.still_runs()?;
        }
        Ok(())
    }

    /// What every program has said, by a name for each: `node0/bautad.log`.
    pub fn logs(&self) -> Vec<(String, String)> {
        let of = |(index, validator): (usize, &Validator)| {
            let named = validator.programs.iter().map(move |of| (format!("node{index}/{}.log", of.name()), of.said()));
            named.collect::<Vec<_>>()
        };
        self.validators.iter().enumerate().flat_map(of).collect()
    }

    /// Whether every node was called in CometBFT's order: each watches for it, and logs a call that is not in it.
    ///
    /// # Errors
    /// When one has logged such a call, with what it said.
    pub fn called_in_order(&self) -> anyhow::Result<()> {
        for program in self.validators.iter().flat_map(|validator| &validator.programs) {
            if let Some(line) = program.said().lines().find(|line| line.contains(OUT_OF_ORDER)) {
                bail!("{}: {line}", program.name());
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
                self.peak_kib += program.peak_kib();
                program.tell_to_end();
            }
            for program in &mut validator.programs {
                program.end();
            }
            validator.programs.clear();
        }
    }
}

impl Drop for Validators {
    fn drop(&mut self) {
        self.end();
    }
}
