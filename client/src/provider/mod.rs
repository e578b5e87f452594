//! A data provider: the daemon behind `bauta provider run`.
//!
//! A loop over block heights. At each new height the task is read, every root in it is recomputed ([`snapshot`]), `rounds` says what is
//! due ([`bauta_rounds::due`]), and each due thing is done once. Nothing is remembered but what is on disk ([`records`]) and what was
//! sent lately, so that a restart at any point is a height like any other.

mod attempts;
mod behaviour;
mod blame;
mod check;
mod cohort;
mod config;
mod enrol;
mod error;
mod leave;
mod outage;
mod proven;
pub(crate) mod records;
mod seat;
mod setup;
pub(crate) mod snapshot;
mod submit;
mod train;

pub use behaviour::{Behaviour, Honest, Scene, TrainedRound};
pub use check::{check, CheckReport};
pub use config::{CheckInTiming, Event, Listener, ProviderConfig, SharedTrainer, TrainingMode, Until};
pub use error::ProviderError;
pub use leave::{Leave, Owed};
pub use records::RecordError;
pub use setup::{prepare, Prepared};
pub use train::RoundSeeds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bauta_rounds::due::{due, Due};
use bauta_schema::training::v1 as pb;
use bauta_secagg::encoding::Address;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use self::attempts::Attempts;
use self::records::Records;
use self::snapshot::Snapshot;
use self::train::Training;
use crate::chain::{Chain, ChainError, Signer};
use crate::contracts::Contracts;
use crate::evidence::Inbox;

/// What a step of the loop left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    Going,
    /// The task is over.
    Done,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The task is over.
    Done,
    /// It was asked to stop ([`Leave`]), and owes nothing.
    Left,
}

/// Heights in a row at which what the node shows may contradict itself: the records are read one after the other, and a block may come
/// between two of them.
const MAX_FAULTS: u32 = 8;

/// What warnings of the loop itself are filed under.
const LOOP: &str = "the loop";

/// Every so many blocks it is looked whether the evidence window of an earlier epoch is over.
const SWEEP: u64 = 8;

/// A provider in a task.
pub struct Provider {
    chain: Chain,
    signer: Arc<Signer>,
    config: ProviderConfig,
    address: Address,
    rng: Box<dyn CryptoRngCore + Send + Sync>,
    behaviour: Box<dyn Behaviour>,
    listener: Option<Listener>,
    records: Records,
    secret: Zeroizing<[u8; 32]>,
    inbox: Option<Inbox>,
    contracts: Option<Contracts>,
    attested: Option<(u64, BTreeSet<Vec<u8>>)>,
    attempts: Attempts,
    training: Training,
    /// Last round seen, and whether this provider survived in it.
    seen: BTreeMap<u64, bool>,
    /// The last round of which it was said how it ended.
    settled: u64,
    leave: Leave,
    /// Whether it was said what is owed, after it was asked to stop.
    said_owed: bool,
    /// Whether it was said that the node is away.
    is_alone: bool,
    faults: u32,
    /// Whether the task's settings were proven.
    is_proven: bool,
    /// Why each thing was sat out last, and the last warning of the loop: the same is said once.
    said: BTreeMap<String, String>,
}

impl Provider {
    /// Opens the records of a task; nothing is sent yet. `behaviour` is [`Honest`] for everybody but a scenario.
    ///
    /// # Errors
    /// [`ProviderError::Record`] when the folder cannot be used or another process uses it.
    pub fn open(
        chain: Chain,
        signer: Arc<Signer>,
        config: ProviderConfig,
        mut rng: Box<dyn CryptoRngCore + Send + Sync>,
        behaviour: Box<dyn Behaviour>,
    ) -> Result<Self, ProviderError> {
        let address =
            Address::new(signer.address_bytes()).map_err(|why| ProviderError::inconsistent("an address", why))?;
        let records = Records::open(&config.home, chain.id(), config.task, config.durability)?;
        let secret = records.secret(&mut rng)?;
        // What a process that was killed left there.
        records.erase_training()?;
        Ok(Self {
            inbox: config.evidence.clone().map(Inbox::new),
            address,
            records,
            secret,
            chain,
            signer,
            config,
            rng,
            behaviour,
            listener: None,
            contracts: None,
            attested: None,
            attempts: Attempts::default(),
            training: Training::default(),
            seen: BTreeMap::new(),
            settled: 0,
            leave: Leave::default(),
            said_owed: false,
            is_alone: false,
            faults: 0,
            is_proven: false,
            said: BTreeMap::new(),
        })
    }

    /// Tells somebody what happens.
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Serves the task until it is over, or until it was asked to stop ([`Provider::leave`]) and owes nothing. A node that is away is
    /// waited for. To stop at once, drop the future: every record is on disk before anything is sent.
    ///
    /// # Errors
    /// [`ProviderError`] when nothing more can be done: the policy refuses the task, a record is damaged, the node keeps contradicting
    /// itself.
    pub async fn run(&mut self) -> Result<Ended, ProviderError> {
        let mut height = self.first_height().await?;
        loop {
            let at = self.chain.current_node();
            match self.step(height).await {
                Ok(Progress::Done) => return Ok(Ended::Done),
                Ok(Progress::Going) => {
                    self.faults = 0;
                    self.said.remove(LOOP);
                }
                Err(error) if error.is_final() => return Err(error),
                Err(ProviderError::Chain(error @ ChainError::Unreachable(_))) => self.node_is_away(&error),
                Err(ProviderError::Chain(error)) if error.is_transient() => {
                    if self.is_news(LOOP, &error.to_string()) {
                        tracing::warn!(%error, height, "the node did not take this; trying again at every block");
                    }
                }
                Err(error) => {
                    if matches!(error, ProviderError::Inconsistent { .. }) {
                        self.chain.turn_away(at, &error);
                    }
                    self.faults += 1;
                    if self.faults >= MAX_FAULTS {
                        return Err(error);
                    }
                    if self.is_news(LOOP, &error.to_string()) {
                        tracing::warn!(%error, height, "nothing is done at this height");
                    }
                }
            }
            if self.leave.is_asked() && self.leave.owed().is_none() {
                return Ok(Ended::Left);
            }
            height = self.next_height(height).await?;
        }
    }

    /// One height: reads the task, and does what is due.
    ///
    /// # Errors
    /// [`ProviderError`]; what was already sent stays sent, and the next step goes on.
    pub async fn step(&mut self, height: u64) -> Result<Progress, ProviderError> {
        let snapshot = Snapshot::read(&self.chain, self.config.task).await?;
        self.node_is_back();
        if !self.is_proven {
            self.is_proven = snapshot.task_is_proven(&self.chain).await?;
            if !self.is_proven {
                return Ok(Progress::Going);
            }
        }
        self.records.agree(&snapshot.task().settings_hash)?;
        self.take_evidence().await;
        self.look_back(&snapshot).await?;
        if height.is_multiple_of(SWEEP) && snapshot.task().epoch > 1 {
            self.erase_closed(&snapshot.task()).await?;
        }
        if has_ended(&snapshot.task()) {
            self.leave.learn(None, None);
            return self.wind_up(&snapshot).await;
        }
        let mut awaited = due(&snapshot.task, &snapshot.epoch, snapshot.round.as_ref(), self.address.as_bytes());
        if self.leave.is_asked() {
            awaited.retain(leave::is_owed);
            self.note_owed(&snapshot, height, &awaited).await?;
        }
        self.train_if_wanted(&snapshot, &awaited, height).await?;
        for what in awaited.iter().cloned() {
            let name = name_of(&what);
            let done = match what {
                Due::Enrol { epoch } => self.enrol(&snapshot, height, epoch).await,
                Due::Deal { epoch } => self.deal(&snapshot, height, epoch).await,
                Due::CheckDeals { epoch } => self.open_deals(&snapshot, height, epoch).await,
                Due::Contribute { epoch } => self.contribute(&snapshot, height, epoch).await,
                Due::EvaluateForSeats { epoch, of } => self.evaluate_for_seats(&snapshot, height, epoch, of).await,
                Due::Evaluate { epoch, seat } => self.evaluate(&snapshot, height, epoch, seat).await,
                Due::CheckIn { round } => self.check_in(&snapshot, height, round).await,
                Due::Submit { round, header, stored } => self.submit(&snapshot, height, round, header, &stored).await,
                Due::Unmask { round, seat } => self.unmask(&snapshot, height, round, seat).await,
                Due::BlameValues { round, pass } => self.sign_numbers(&snapshot, height, round, pass).await,
                Due::OpenEdges { round, seat, list } => self.open_edges(&snapshot, height, round, seat, list).await,
            };
            match done {
                Err(ProviderError::Chain(ChainError::Refused(refused))) => self.sat_out(name, &refused),
                Err(
                    error @ (ProviderError::NotAnswered(_)
                    | ProviderError::Conflict(_)
                    | ProviderError::LostRecord { .. }),
                ) => {
                    self.sat_out(name, &error);
                }
                // A group may be better in another round; a task that is refused as a whole is refused before it is enrolled in.
                Err(error @ ProviderError::Policy(_)) if name == "check-in" => self.sat_out(name, &error),
                other => other?,
            }
        }
        if !self.leave.is_asked() {
            self.check_in_early(&snapshot, height).await?;
        }
        self.note_owed(&snapshot, height, &awaited).await?;
        Ok(Progress::Going)
    }

    /// What there is to say about a round that is over, and to erase from one.
    async fn look_back(&mut self, snapshot: &Snapshot) -> Result<(), ProviderError> {
        let task = snapshot.task();
        let member = snapshot.member(&self.address, None)?;
        if let (Some(round), Some(slot)) =
            (snapshot.round.as_ref().and_then(|r| r.round.as_ref()), member.map(|m| m.slot))
        {
            if round.number > self.settled {
                self.seen.insert(round.number, slot > 0 && bauta_rounds::derive::takes_part(round, slot));
            }
        }
        let over: Vec<u64> =
            self.seen.keys().copied().filter(|&number| number < task.round || has_ended(&task)).collect();
        for number in over {
            let settled = self.chain.round(task.id, number).await?.and_then(|response| response.round);
            let took_part = self.seen.remove(&number).unwrap_or(false);
            self.settled = self.settled.max(number);
            self.attempts.forget_round(number);
            if let Some(settled) = settled {
                let finished = settled.phase() == pb::RoundPhase::Finished;
                let takes_part = |member: &pb::Member| bauta_rounds::derive::takes_part(&settled, member.slot);
                // Of an epoch that is over, the slot is not known any more.
                let took_part = took_part || member.is_some_and(takes_part);
                self.records.epoch(settled.epoch).round(number).erase_update()?;
                self.tell(Event::RoundSettled { round: number, finished, took_part });
            }
        }
        Ok(())
    }

    /// After the end of the task: the secrets of an epoch are erased when its evidence window is over, because until then a verdict may
    /// need them; then there is nothing left to do.
    async fn wind_up(&mut self, snapshot: &Snapshot) -> Result<Progress, ProviderError> {
        if !snapshot.end_is_proven(&self.chain).await? {
            return Ok(Progress::Going);
        }
        let task = snapshot.task();
        if self.config.until == Until::EvidenceClosed && !self.erase_closed(&task).await? {
            return Ok(Progress::Going);
        }
        self.records.erase_training()?;
        // Nothing is trained any more, and what was trained followed from it.
        self.records.erase_secret()?;
        self.tell(Event::TaskEnded { status: task.status() });
        Ok(Progress::Done)
    }

    /// Erases the secrets of closed epochs; whether none is left.
    async fn erase_closed(&mut self, task: &pb::Task) -> Result<bool, ProviderError> {
        let mut all = true;
        for number in self.records.open_epochs() {
            let is_closed = self.epoch_is_closed(task, number).await?;
            if is_closed {
                self.records.epoch(number).close()?;
            }
            all &= is_closed;
        }
        Ok(all)
    }

    async fn take_evidence(&mut self) {
        let Some(mut inbox) = self.inbox.take() else { return };
        for (handed, outcome) in inbox.report(&self.chain, &self.signer).await {
            match outcome {
                Ok(()) => self.tell(Event::Reported { accused: handed.accused, round: handed.round }),
                Err(error) => self.sat_out("a report", &error),
            }
        }
        self.inbox = Some(inbox);
    }

    pub(crate) fn tell(&mut self, event: Event) {
        tracing::info!(provider = self.signer.address(), task = self.config.task, ?event);
        if let Some(listener) = &mut self.listener {
            listener(&event);
        }
    }

    pub(crate) fn sat_out(&mut self, what: &str, why: &dyn std::fmt::Display) {
        let why = why.to_string();
        if self.is_news(what, &why) {
            self.tell(Event::SatOut { what: what.to_owned(), why });
        }
    }

    /// Whether this was not the last thing said of `what`.
    fn is_news(&mut self, what: &str, why: &str) -> bool {
        self.said.insert(what.to_owned(), why.to_owned()).is_none_or(|before| before != why)
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({} in task {})", self.signer.address(), self.config.task)
    }
}

fn has_ended(task: &pb::Task) -> bool {
    !matches!(task.status(), pb::TaskStatus::Running | pb::TaskStatus::Cancelling)
}

fn name_of(due: &Due) -> &'static str {
    match due {
        Due::Enrol { .. } => "enrolment",
        Due::Deal { .. } => "the deal",
        Due::CheckDeals { .. } => "opening the deals",
        Due::Contribute { .. } => "the contribution to the seats' seed",
        Due::EvaluateForSeats { .. } => "the seat's share of the value that seeds the draw",
        Due::Evaluate { .. } => "the seat's share of the joint key's value",
        Due::CheckIn { .. } => "check-in",
        Due::Submit { .. } => "submission",
        Due::Unmask { .. } => "the seat's answer",
        Due::BlameValues { .. } => "the numbers of its edges",
        Due::OpenEdges { .. } => "the seat's answer to blame",
    }
}
