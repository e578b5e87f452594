//! The watcher behind `bauta watch`: it reads what waits in the mempools of nodes and what stands in new blocks, remembers every signed
//! body of the protocol that no block took, and reports the ones that convict their authors.
//!
//! What is reported, and when:
//!
//! | offence | evidence | when |
//! |---|---|---|
//! | `two_headers` | two bodies that one V signed for one round; one may be the chain's own | at once |
//! | `unrequested_partial` | a partial that no block took | once its round has settled |
//! | `invalid_proof` | a deal, complaint, check-in or partial that no block took | a few blocks after it was seen |
//!
//! Signatures and two headers are judged here. Whether a partial was requested, or a proof holds, is asked of every node by simulating the
//! report: it is sent only if all of them convict, because evidence that does not hold costs the deposit.

mod book;
mod cases;
mod places;
mod pursuit;
mod sighting;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use book::{Report, State};
pub use sighting::Kind;

use self::book::{Book, Kept};
use self::places::Places;
use self::sighting::Sighting;
use crate::chain::{Chain, ChainError, Signer};
use crate::contracts::Contracts;
use crate::disk::{DiskError, Durability};

/// Blocks after which a body that no block took is judged: until then it may be on its way.
const GRACE: u64 = 4;
/// Blocks that are read in one step at most.
const BLOCKS_A_STEP: u64 = 50;
/// Transactions whose bodies were read, and are not read again.
const MAX_READ: usize = 50_000;
/// Check-ins for rounds that have not opened yet.
const MAX_EARLY: usize = 4_096;

/// How to watch.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// Where evidence and reports are kept.
    pub home: PathBuf,
    /// Only these tasks; all if empty.
    pub tasks: BTreeSet<u64>,
    /// The first block to look at; where it stopped, or the last one, if absent.
    pub since: Option<u64>,
    /// Only say what would be reported.
    pub dry_run: bool,
    /// What the records must survive.
    pub durability: Durability,
}

/// Why a watcher stops.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another process watches with these records.
    #[error("another process watches with the records in {0}; a folder is used by one")]
    Locked(PathBuf),
    /// A record that is not what was written.
    #[error("the record {file} is damaged: {what}; remove it, and what it held is forgotten")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A report was carried out, and convicted.
    Held(Report),
    /// The offence was settled before: nothing was earned, and nothing lost but the fee.
    Settled(Report),
    /// It did not hold, and cost the deposit.
    Lost {
        /// The report.
        report: Report,
        /// What the chain says.
        why: String,
    },
    /// What would be reported.
    Would(Report),
    /// It is not reported now.
    Waits {
        /// The report.
        report: Report,
        /// Why.
        why: String,
    },
    /// A node does not answer.
    NodeAway {
        /// Its place among the nodes, from 0.
        node: usize,
        /// Why.
        why: String,
    },
    /// It answers again.
    NodeBack {
        /// Its place among the nodes, from 0.
        node: usize,
    },
}

/// How it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The last block that was looked at.
    pub height: u64,
    /// Bodies that are kept.
    pub bodies: usize,
    /// Reports that held.
    pub held: usize,
    /// Reports that did not hold.
    pub lost: usize,
    /// What was earned, in the smallest denomination.
    pub bounty: u128,
    /// What was lost in deposits, in the smallest denomination.
    pub deposits_lost: u128,
}

/// A watcher.
pub struct Watcher {
    /// The nodes; the first is the one that is reported to.
    nodes: Vec<Chain>,
    signer: Arc<Signer>,
    config: WatchConfig,
    book: Book,
    places: Places,
    contracts: Option<Contracts>,
    /// Hashes of transactions that were read.
    read: BTreeSet<[u8; 32]>,
    /// Digests of bodies that the chain has accepted.
    accepted: Vec<[u8; 32]>,
    /// What was seen and is not judged yet: most of it belongs to rounds that the chain does not know yet.
    pending: Vec<Sighting>,
    away: BTreeSet<usize>,
    height: u64,
    /// What was said of a report that waits.
    said: BTreeMap<String, String>,
}

impl Watcher {
    /// Opens the records. `nodes` are connections to some nodes of one chain, a connection to each.
    ///
    /// # Errors
    /// [`WatchError`] when the folder cannot be used, or there is no node.
    pub fn open(nodes: Vec<Chain>, signer: Arc<Signer>, config: WatchConfig) -> Result<Self, WatchError> {
        let none = || ChainError::Endpoint { url: String::new(), what: "no node is named".to_owned() };
        let first = nodes.first().ok_or_else(none)?;
        let book = Book::open(&config.home, first.id(), config.durability)?;
        let height = config.since.map(|since| since.saturating_sub(1)).or(book.height()?).unwrap_or(0);
        Ok(Self {
            nodes,
            signer,
            config,
            book,
            places: Places::default(),
            contracts: None,
            read: BTreeSet::new(),
            accepted: Vec::new(),
            pending: Vec::new(),
            away: BTreeSet::new(),
            height,
            said: BTreeMap::new(),
        })
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let mut standing = Standing { height: self.height, bodies: self.book.kept().len(), ..Standing::default() };
        for report in self.book.reports() {
            match report.state {
                State::Held => standing.held += 1,
                State::Lost => {
                    standing.lost += 1;
                    standing.deposits_lost += report.deposit.parse::<u128>().unwrap_or(0);
                }
                State::Sending | State::Settled => {}
            }
            standing.bounty += report.bounty.parse::<u128>().unwrap_or(0);
        }
        standing
    }

    /// Looks once at every mempool and at the blocks since the last look, and reports what convicts.
    ///
    /// # Errors
    /// [`WatchError`]; one that is [transient](ChainError::is_transient) may pass, and nothing that was seen is lost.
    pub async fn step(&mut self) -> Result<Vec<Event>, WatchError> {
        let mut events = Vec::new();
        self.read_mempools(&mut events).await;
        self.read_blocks().await?;
        self.places.begin();
        self.admit().await?;
        for digest in std::mem::take(&mut self.accepted) {
            self.book.forget_digest(&digest)?;
        }
        self.book.put_height(self.height)?;
        for case in self.cases().await? {
            // An earlier one may have settled what this one is about.
            let is_open = case.names.iter().all(|name| self.book.kept().contains_key(name));
            if is_open && !self.book.is_done(&case.report) {
                events.extend(self.pursue(case).await?);
            }
        }
        Ok(events)
    }

    async fn read_mempools(&mut self, events: &mut Vec<Event>) {
        for node in 0..self.nodes.len() {
            match self.nodes[node].unconfirmed().await {
                Ok(waiting) => {
                    if self.away.remove(&node) {
                        events.push(Event::NodeBack { node });
                    }
                    for tx in waiting {
                        self.look_into(&tx);
                    }
                }
                Err(error) => {
                    if self.away.insert(node) {
                        events.push(Event::NodeAway { node, why: error.to_string() });
                    }
                }
            }
        }
    }

    /// Looks into blocks, at transactions that failed in them as well. What the chain accepted it has judged, or judges itself.
    async fn read_blocks(&mut self) -> Result<(), WatchError> {
        let last = self.nodes[0].height().await?;
        if self.height == 0 {
            self.height = last;
        }
        let until = last.min(self.height.saturating_add(BLOCKS_A_STEP));
        while self.height < until {
            let height = self.height + 1;
            let block = self.nodes[0].block(Some(height)).await?;
            let results = self.nodes[0].block_results(height).await?.txs_results.unwrap_or_default();
            for (tx, result) in block.block.data.iter().zip(results) {
                if result.code.is_ok() {
                    self.accepted.extend(sighting::in_transaction(tx).iter().map(Sighting::digest));
                } else {
                    self.look_into(tx);
                }
            }
            self.height = height;
        }
        Ok(())
    }

    fn look_into(&mut self, tx: &[u8]) {
        if self.read.len() >= MAX_READ {
            self.read.clear();
        }
        if self.read.insert(Sha256::digest(tx).into()) {
            let of_interest = |seen: &Sighting| self.config.tasks.is_empty() || self.config.tasks.contains(&seen.task);
            self.pending.extend(sighting::in_transaction(tx).into_iter().filter(of_interest));
        }
    }

    /// Keeps what its author signed.
    async fn admit(&mut self) -> Result<(), WatchError> {
        let chain = self.nodes[0].clone();
        let mut early = Vec::new();
        while let Some(seen) = self.pending.last().cloned() {
            let found = self.places.of(&chain, &seen).await?;
            self.pending.pop();
            let Some(place) = found else {
                // Only a check-in comes before its round, and only before the next one.
                if seen.kind == Kind::CheckIn && early.len() < MAX_EARLY && places::is_next(&chain, &seen).await? {
                    early.push(seen);
                }
                continue;
            };
            let Some(v) = place.keys.get(&seen.author) else { continue };
            if place.is_over || !seen.is_signed(&place.contexts, v) {
                continue;
            }
            let kept = Kept::new(&seen, chain.text_of(&seen.author)?, place.epoch, self.height);
            self.book.keep(&seen.digest(), kept)?;
        }
        self.pending = early;
        Ok(())
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watcher({} at {} nodes)", self.signer.address(), self.nodes.len())
    }
}
