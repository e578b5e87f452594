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
mod places;
mod sighting;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use bauta_rounds::CODESPACE;
use bauta_schema::training::v1 as pb;
use sha2::{Digest, Sha256};

pub use book::{Report, State};
pub use sighting::Kind;

use self::book::{Book, Kept, Place};
use self::places::{Places, View};
use self::sighting::Sighting;
use crate::chain::messages::TrainingMessage;
use crate::chain::{Chain, ChainError, Fee, Refused, Signer};
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

/// Codes of the training module that say what became of a report.
mod code {
    pub const LATE: u32 = 9;
    pub const DOES_NOT_HOLD: u32 = 43;
    pub const SETTLED: u32 = 44;
    pub const NOT_YET: u32 = 45;
}

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

/// Evidence that may convict.
struct Case {
    report: Report,
    evidence: pb::msg_report::Evidence,
    /// The bodies it is made of, by name.
    names: Vec<String>,
    /// Whether it was judged here; what was not is asked of every node.
    is_judged: bool,
}

/// What became of a case.
enum Verdict {
    Convicts,
    /// Nothing will ever come of it.
    Innocent,
    Settled,
    /// The node does not answer.
    Away,
    /// It may come later.
    Waits(String),
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

    /// The header that the chain has of somebody, if its V signed it: a node may show any.
    async fn stored_header(&mut self, view: &View, place: &Place) -> Result<Option<pb::SignedBody>, WatchError> {
        let chain = self.nodes[0].clone();
        let (task, _, round, accused) = place;
        let author = chain.bytes_of(accused)?;
        let Some(header) = view.header_of(&author) else { return Ok(None) };
        let (body, signature) = (header.body.clone(), header.signature.clone());
        let seen = Sighting { kind: Kind::Header, task: *task, place: *round, author, body, signature };
        let Some(signed) = self.places.of(&chain, &seen).await? else { return Ok(None) };
        let holds = signed.keys.get(&seen.author).is_some_and(|v| seen.is_signed(&signed.contexts, v));
        Ok(holds.then_some(pb::SignedBody { body: seen.body, signature: seen.signature }))
    }

    /// What may convict now.
    async fn cases(&mut self) -> Result<Vec<Case>, WatchError> {
        let chain = self.nodes[0].clone();
        let mut by_place: BTreeMap<Place, Vec<(String, Kept)>> = BTreeMap::new();
        for (name, kept) in self.book.kept() {
            by_place.entry(kept.place()).or_default().push((name.clone(), kept.clone()));
        }
        let mut cases = Vec::new();
        for (place, kept) in by_place {
            let (task, epoch, round, accused) = place.clone();
            let view = self.places.view(&chain, task, epoch, round).await?;
            if view.is_over || self.book.is_convicted(&place) {
                for (name, _) in kept {
                    self.book.forget(&name)?;
                }
                continue;
            }
            let report = |offence: pb::OffenceKind| Report {
                offence: bauta_rounds::offence::name(offence).to_owned(),
                accused: accused.clone(),
                task,
                epoch,
                round,
                state: State::Sending,
                deposit: String::new(),
                bounty: "0".to_owned(),
                tx_hash: None,
            };
            let mut headers: Vec<(Option<String>, pb::SignedBody)> = Vec::new();
            headers.extend(self.stored_header(&view, &place).await?.map(|stored| (None, stored)));
            for (name, kept) in &kept {
                let signed = kept.signed();
                if kept.kind == Kind::Header {
                    if headers.iter().any(|(stored, other)| stored.is_none() && other.body == signed.body) {
                        // The chain has it, and shows it for as long as evidence is heard.
                        self.book.forget(name)?;
                        continue;
                    }
                    if headers.iter().all(|(_, other)| other.body != signed.body) {
                        headers.push((Some(name.clone()), signed));
                    }
                    continue;
                }
                let is_ripe = match kept.kind {
                    Kind::Partial => view.is_settled,
                    _ => self.height >= kept.height.saturating_add(GRACE),
                };
                if !is_ripe {
                    continue;
                }
                if kept.kind == Kind::Partial {
                    let evidence = pb::msg_report::Evidence::UnrequestedPartial(signed.clone());
                    let report = report(pb::OffenceKind::UnrequestedPartial);
                    cases.push(Case { report, evidence, names: vec![name.clone()], is_judged: false });
                }
                if let Some(message) = kept.kind.with_proof() {
                    let proof = pb::InvalidProof { message: message.into(), signed: Some(signed) };
                    let evidence = pb::msg_report::Evidence::InvalidProof(proof);
                    let report = report(pb::OffenceKind::InvalidProof);
                    cases.push(Case { report, evidence, names: vec![name.clone()], is_judged: false });
                }
            }
            if let [(first, one), (second, other), ..] = &headers[..] {
                let header = |signed: &pb::SignedBody| pb::HeaderEvidence {
                    signed: Some(signed.clone()),
                    ..pb::HeaderEvidence::default()
                };
                let two = pb::TwoHeaders { first: Some(header(one)), second: Some(header(other)) };
                let names = [first, second].into_iter().flatten().cloned().collect();
                let report = report(pb::OffenceKind::TwoHeaders);
                let evidence = pb::msg_report::Evidence::TwoHeaders(two);
                cases.push(Case { report, evidence, names, is_judged: true });
            }
        }
        Ok(cases)
    }

    /// Reports, if every node that answers convicts.
    async fn pursue(&mut self, mut case: Case) -> Result<Option<Event>, WatchError> {
        let asked = self.nodes[0].training_params().await?.report_deposit;
        case.report.deposit = if asked.is_empty() { "0".to_owned() } else { asked };
        let message = pb::MsgReport {
            sender: self.signer.address().to_owned(),
            accused: case.report.accused.clone(),
            task_id: case.report.task,
            epoch: case.report.epoch,
            round: case.report.round,
            deposit: case.report.deposit.clone(),
            evidence: Some(case.evidence),
        };
        let message = message.to_any();
        let nodes = if case.is_judged { 1 } else { self.nodes.len() };
        for node in 0..nodes {
            let simulated = self.nodes[node].simulate(&self.signer, std::slice::from_ref(&message), "").await;
            match verdict(simulated.map(drop)) {
                Verdict::Convicts => {}
                Verdict::Away if node > 0 => {}
                Verdict::Away => return Ok(None),
                Verdict::Innocent => return self.let_go(&case.names, &case.report).map(|()| None),
                Verdict::Settled => {
                    let report = Report { state: State::Settled, ..case.report };
                    return self.close(&case.names, report).map(|report| Some(Event::Settled(report)));
                }
                Verdict::Waits(why) => return Ok(self.waits(case.report, why)),
            }
        }
        if self.config.dry_run {
            let is_news = self.is_news(&case.report, "it would be reported");
            return Ok(is_news.then_some(Event::Would(case.report)));
        }
        self.book.put_report(case.report.clone())?;
        let outcome = self.nodes[0].execute(&self.signer, &[message], Fee::Simulated, "").await;
        match outcome {
            Ok(outcome) => {
                let mut report = Report { state: State::Held, tx_hash: Some(outcome.hash_text()), ..case.report };
                report.bounty = self.bounty_of(&report).await?.to_string();
                self.close(&case.names, report).map(|report| Some(Event::Held(report)))
            }
            Err(ChainError::Refused(refused)) if refused.is(CODESPACE, code::DOES_NOT_HOLD) => {
                let why = refused.to_string();
                let report = Report { state: State::Lost, ..case.report };
                self.close(&case.names, report).map(|report| Some(Event::Lost { report, why }))
            }
            Err(ChainError::Refused(refused)) if refused.is(CODESPACE, code::SETTLED) => {
                let report = Report { state: State::Settled, ..case.report };
                self.close(&case.names, report).map(|report| Some(Event::Settled(report)))
            }
            Err(error) => Ok(self.waits(case.report, error.to_string())),
        }
    }

    fn close(&mut self, names: &[String], report: Report) -> Result<Report, WatchError> {
        self.book.put_report(report.clone())?;
        for name in names {
            self.book.forget(name)?;
        }
        Ok(report)
    }

    /// A body that convicts nobody of this; one that may be an offence of another kind is kept for that.
    fn let_go(&mut self, names: &[String], report: &Report) -> Result<(), WatchError> {
        if report.offence != bauta_rounds::offence::name(pb::OffenceKind::UnrequestedPartial) {
            for name in names {
                self.book.forget(name)?;
            }
        }
        Ok(())
    }

    /// Says once why a report waits.
    fn waits(&mut self, report: Report, why: String) -> Option<Event> {
        self.is_news(&report, &why).then_some(Event::Waits { report, why })
    }

    fn is_news(&mut self, report: &Report, why: &str) -> bool {
        let of = format!("{}/{}/{}/{}/{}", report.task, report.epoch, report.round, report.accused, report.offence);
        self.said.insert(of, why.to_owned()).is_none_or(|before| before != why)
    }

    /// What a report earned, by the slashing contract's own record.
    async fn bounty_of(&mut self, report: &Report) -> Result<u128, WatchError> {
        let chain = &self.nodes[0];
        let contracts = match &self.contracts {
            Some(contracts) => contracts.clone(),
            None => Contracts::of(chain).await?,
        };
        let history = contracts.history(chain, Some(&report.accused)).await?;
        self.contracts = Some(contracts);
        let own = self.signer.address();
        let settled = history.iter().rev().find(|offence| {
            let place = (offence.task, offence.epoch, offence.round);
            offence.reporter.as_ref().is_some_and(|reporter| reporter.as_str() == own)
                && place == (report.task, report.epoch, report.round)
                && offence.kind == report.offence
        });
        Ok(settled.map_or(0, |offence| offence.bounty.u128()))
    }
}

/// What a simulation says.
fn verdict(simulated: Result<(), ChainError>) -> Verdict {
    let of = |refused: &Refused, code| refused.is(CODESPACE, code);
    match simulated {
        Ok(()) => Verdict::Convicts,
        Err(ChainError::Refused(refused)) if of(&refused, code::SETTLED) => Verdict::Settled,
        Err(ChainError::Refused(refused)) if of(&refused, code::NOT_YET) => Verdict::Waits(refused.to_string()),
        Err(ChainError::Refused(refused)) if of(&refused, code::DOES_NOT_HOLD) || of(&refused, code::LATE) => {
            Verdict::Innocent
        }
        Err(ChainError::Unreachable(_)) => Verdict::Away,
        Err(error) => Verdict::Waits(error.to_string()),
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watcher({} at {} nodes)", self.signer.address(), self.nodes.len())
    }
}
