//! A run of a plan, and what must hold in it.

use std::collections::{BTreeMap, BTreeSet};

use bauta_rounds::{derive, state};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;

use crate::chain::Chain;
use crate::deeds;
use crate::overheard::Overheard;
use crate::plan::{Plan, WINDOW};
use crate::provider::{Duty, Provider};
use crate::world::{Over, World, TASK};

/// Blocks beyond its windows that a round may take to be verified, unmasked and settled within small budgets.
const SETTLING: u64 = 200;
/// Blocks after which a run ends, whatever its task does.
const BLOCKS: u64 = 6_000;
/// Records that a task may have for each provider, round and epoch, when it is over: generous, and a bound.
const RECORDS: usize = 40;

/// Of a hundred blocks in which a provider may restart, how many may see the node restart.
const NODE_RESTARTS: u32 = 10;

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Rounds that were settled.
    pub rounds: u64,
    /// Of these, the ones that finished.
    pub finished: u64,
    /// Sums of groups that were compared with plain sums.
    pub sums: u64,
    /// Updates that blame took out of sums which were then exact.
    pub blamed: u64,
    /// Epochs.
    pub epochs: u64,
    /// Blocks.
    pub blocks: u64,
    /// Of these, the ones that did not count, because their lane was full.
    pub full: u64,
    /// Restarts of a node.
    pub restarts: u64,
    /// Reports of cheats, most of them false.
    pub reports: u64,
    /// Verdicts on cheats that another had reported.
    pub reported: u64,
    /// Verdicts against cheats, by offence.
    pub convicted: BTreeMap<String, u64>,
    /// Verdicts against honest providers that fell silent, by offence.
    pub silent: BTreeMap<String, u64>,
}

/// What must never happen, and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The plan that shows it.
    pub plan: Plan,
    /// When.
    pub height: u64,
    /// What.
    pub what: String,
    /// Over what it was run.
    pub over: Over,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let option = match self.over {
            Over::Memory => "",
            Over::Node => " --node",
        };
        write!(f, "at height {}: {}\nagain with: simulate{option} --plan '{}'", self.height, self.what, self.plan)
    }
}

/// A message on its way: when it arrives, of whom, which duty, and whether it is a deed.
#[derive(Debug, Clone, Copy)]
struct OnItsWay {
    arrives: u64,
    index: usize,
    duty: Duty,
    is_deed: bool,
}

struct Run<'a, W> {
    plan: &'a Plan,
    chain: W,
    providers: Vec<Provider>,
    by_address: BTreeMap<Vec<u8>, usize>,
    underway: Vec<OnItsWay>,
    overheard: Overheard,
    /// Duties that an honest provider let be: it pays for its silence.
    let_be: BTreeSet<(usize, Duty)>,
    /// Rounds in which a cheat made content up.
    made_up: BTreeSet<(u64, usize)>,
    rng: ChaCha20Rng,
    settled: u64,
    judged: usize,
    outcome: Outcome,
}

/// Runs a plan over the machine in memory, to the end of its task.
///
/// # Errors
/// [`Failure`] when an honest provider is convicted, a sum is not exact, a round is stuck, coins are made or lost, or records pile up.
pub fn run(plan: &Plan) -> Result<Outcome, Failure> {
    run_over(plan, Over::Memory, Chain::new)
}

/// Runs a plan over a world, to the end of its task.
///
/// # Errors
/// As [`run`]; and when there can be no such world.
pub fn run_over<W: World>(
    plan: &Plan,
    over: Over,
    begin: impl FnOnce(&Plan) -> Result<W, String>,
) -> Result<Outcome, Failure> {
    let failure = |height, what| Failure { plan: plan.clone(), height, what, over };
    let mut run = begin(plan).and_then(|chain| Run::new(plan, chain)).map_err(|what| failure(0, what))?;
    let begun = run.chain.height();
    while run.chain.height() < begun + BLOCKS {
        match run.block() {
            Ok(true) => break,
            Ok(false) => {}
            Err(what) => return Err(failure(run.chain.height(), what)),
        }
    }
    let height = run.chain.height();
    run.ends().map_err(|what| failure(height, what))
}

impl<'a, W: World> Run<'a, W> {
    fn new(plan: &'a Plan, chain: W) -> Result<Self, String> {
        let joins = |index: u32| if index < plan.late_joiners { 2 } else { 1 };
        let addresses = chain.providers().to_vec();
        let providers: Result<Vec<Provider>, String> = (0..)
            .zip(&addresses)
            .map(|(index, address)| Provider::new(plan.seed, index, joins(index), address.clone()))
            .collect();
        Ok(Self {
            plan,
            chain,
            by_address: addresses.into_iter().zip(0..).collect(),
            providers: providers?,
            underway: Vec::new(),
            overheard: Overheard::default(),
            let_be: BTreeSet::new(),
            made_up: BTreeSet::new(),
            rng: ChaCha20Rng::seed_from_u64(plan.seed ^ 0x5eed),
            settled: 0,
            judged: 0,
            outcome: Outcome::default(),
        })
    }

    /// Whether a provider cheats in anything.
    fn is_hostile(&self, index: usize) -> bool {
        index >= (self.plan.providers - self.plan.hostile - self.plan.colluding) as usize
    }

    /// Whether it may cheat in this.
    fn may_cheat(&self, index: usize, duty: Duty) -> bool {
        let is_of_seat = matches!(
            duty,
            Duty::CheckDeals(_)
                | Duty::Evaluate(_)
                | Duty::EvaluateForSeats(..)
                | Duty::Unmask(_)
                | Duty::OpenEdges(..)
        );
        let cheats_in_everything = index >= (self.plan.providers - self.plan.hostile) as usize;
        self.is_hostile(index) && (is_of_seat || cheats_in_everything)
    }

    fn happens(&mut self, percent: u32) -> bool {
        self.rng.gen_range(0..100) < percent
    }

    /// One block; whether the task is over.
    fn block(&mut self) -> Result<bool, String> {
        if self.happens(self.plan.restarts) {
            let index = self.rng.gen_range(0..self.providers.len());
            // What it had sent is on its way; it may send it again.
            self.providers[index].restart();
            // What it had let be it lets be again.
            for (_, duty) in self.let_be.iter().filter(|(of, _)| *of == index) {
                self.providers[index].begin(*duty);
            }
        }
        if self.happens(self.plan.restarts) && self.happens(NODE_RESTARTS) && self.chain.restart()? {
            self.outcome.restarts += 1;
        }
        self.look_for_duties()?;
        let is_full = self.happens(self.plan.full_lanes) && !self.chain.fills_itself();
        self.deliver(is_full)?;
        self.chain.end_block(is_full)?;
        self.judge()?;
        self.look_at_rounds()?;
        let task = self.chain.task()?;
        self.outcome.epochs = task.epoch;
        self.look_at_size()?;
        Ok(task.ended_height > 0)
    }

    fn look_for_duties(&mut self) -> Result<(), String> {
        for index in 0..self.providers.len() {
            for duty in self.providers[index].duties(&self.chain)? {
                self.providers[index].begin(duty);
                let is_hostile = self.is_hostile(index);
                if !is_hostile && self.happens(self.plan.drop_outs) {
                    self.let_be.insert((index, duty));
                    continue;
                }
                let late = self.rng.gen_range(0..=self.plan.delay);
                let is_deed = self.may_cheat(index, duty) && self.happens(self.plan.deeds);
                self.underway.push(OnItsWay { arrives: self.chain.height() + u64::from(late), index, duty, is_deed });
            }
        }
        Ok(())
    }

    /// Delivers what has arrived. A full lane takes some of it; the rest comes with the next block.
    fn deliver(&mut self, is_full: bool) -> Result<(), String> {
        let height = self.chain.height();
        let (mut arrived, underway) =
            std::mem::take(&mut self.underway).into_iter().partition::<Vec<_>, _>(|message| message.arrives <= height);
        self.underway = underway;
        if self.plan.reorder {
            arrived.shuffle(&mut self.rng);
        }
        let taken = if is_full { self.rng.gen_range(0..=arrived.len()) } else { arrived.len() };
        for message in arrived.split_off(taken) {
            self.underway.push(OnItsWay { arrives: height + 1, ..message });
        }
        for OnItsWay { index, duty, is_deed, .. } in arrived {
            let provider = &mut self.providers[index];
            let deed = if is_deed {
                deeds::instead(provider, &self.chain, duty, &self.overheard, &mut self.rng)?
            } else {
                provider.make(&self.chain, duty)?.into()
            };
            if let Some(round) = deed.made_up {
                self.made_up.insert((round, index));
            }
            for call in deed.calls {
                self.overheard.hear(index, call.clone(), &mut self.rng);
                // What is told to others alone no block has; one of those may report it.
                if !deed.is_whispered {
                    self.chain.deliver(index, call)?;
                }
            }
            for call in deed.reports {
                self.outcome.reports += 1;
                self.chain.deliver(index, call)?;
            }
        }
        Ok(())
    }

    /// No honest provider is convicted but for duties that it let be.
    fn judge(&mut self) -> Result<(), String> {
        for verdict in self.chain.verdicts().get(self.judged..).unwrap_or_default() {
            let index = *self.by_address.get(&verdict.provider).ok_or("a verdict against somebody unknown")?;
            let kind = verdict.kind().as_str_name().trim_start_matches("OFFENCE_KIND_").to_lowercase();
            if self.is_hostile(index) {
                self.outcome.reported += u64::from(!verdict.reporter.is_empty());
                *self.outcome.convicted.entry(kind).or_default() += 1;
                continue;
            }
            let round = verdict.round;
            let let_be = |duty: &Duty| match (verdict.kind(), *duty) {
                (OffenceKind::NoSubmission, Duty::Header(of) | Duty::Chunks(of)) => of == round,
                (OffenceKind::SilentSeat, Duty::Unmask(of) | Duty::OpenEdges(of, _)) => of == round,
                // Who did not look at the deals, and so complains about none, cannot answer where one is bad.
                (OffenceKind::SilentSeat, Duty::Evaluate(of) | Duty::CheckDeals(of)) => of == verdict.epoch,
                (OffenceKind::SilentInBlame, Duty::BlameValues(of, _)) => of == round,
                (OffenceKind::WithheldSeed, Duty::Contribute(of)) => of == verdict.epoch,
                _ => false,
            };
            if !self.let_be.iter().any(|(of, duty)| *of == index && let_be(duty)) {
                return Err(format!("honest provider {index} was convicted of {kind}: {}", verdict.what));
            }
            *self.outcome.silent.entry(kind).or_default() += 1;
        }
        self.judged = self.chain.verdicts().len();
        Ok(())
    }

    /// Rounds end in time, and the sums of those that finished are those of their survivors' updates.
    fn look_at_rounds(&mut self) -> Result<(), String> {
        while let Some(round) =
            state::find_round(self.chain.records(), TASK, self.settled + 1).map_err(|error| error.to_string())?
        {
            if round.settled_height == 0 {
                let longest = u64::from(3 * WINDOW) + self.longest_blame() + self.chain.uncounted()? + SETTLING;
                let took = self.chain.height() - round.opened_height;
                return match took > longest {
                    true => Err(format!("round {} is stuck since {took} blocks", round.number)),
                    false => Ok(()),
                };
            }
            self.settled += 1;
            self.outcome.rounds += 1;
            self.outcome.finished += u64::from(round.phase() == pb::RoundPhase::Finished);
            self.look_at_sums(&round)?;
        }
        Ok(())
    }

    /// Blocks that blame takes at most: each pass but the last removes one of a group's spare members, and has two windows of members and
    /// two of seats.
    fn longest_blame(&self) -> u64 {
        let least = (self.plan.group_size * 3).div_ceil(4).max(3);
        let spare = (2 * self.plan.group_size - 1).min(self.plan.providers).saturating_sub(least);
        u64::from(self.plan.blames) * u64::from(spare + 1) * (u64::from(4 * WINDOW) + SETTLING)
    }

    fn look_at_sums(&mut self, round: &pb::Round) -> Result<(), String> {
        let members = state::members(self.chain.records(), TASK, round.epoch).map_err(|error| error.to_string())?;
        let holder = |slot: u32| {
            let member = members.iter().find(|member| member.slot == slot);
            member.and_then(|member| self.by_address.get(&member.address)).copied().ok_or("a slot is nobody's")
        };
        for group in &round.groups {
            let who: Result<Vec<usize>, _> = group.members.iter().map(|slot| holder(*slot)).collect();
            let is_made_up = who?.into_iter().any(|index| self.made_up.contains(&(round.number, index)));
            if group.void() == pb::AbortReason::OutOfRange && !is_made_up {
                return Err(format!(
                    "group {} of round {} is out of range without a cheat",
                    group.number, round.number
                ));
            }
            // Of content that was made up and in whose group's sum it is nothing can be said; blame has taken some of it out.
            let summed = derive::summed(group);
            let left: Result<Vec<usize>, _> = summed.iter().map(|slot| holder(*slot)).collect();
            let is_made_up = left?.into_iter().any(|index| self.made_up.contains(&(round.number, index)));
            if round.phase() != pb::RoundPhase::Finished || !derive::goes_on(group) || is_made_up {
                continue;
            }
            self.outcome.blamed += group.removed.len() as u64;
            if group.scores.is_some() != self.plan.is_scored() {
                return Err(format!(
                    "group {} of round {} has scores, or none, against its task",
                    group.number, round.number
                ));
            }
            let mut sum = Vec::new();
            let mut weight = 0;
            for slot in &summed {
                let provider = &self.providers[holder(*slot)?];
                weight += provider.weight;
                let update = provider.update(&self.chain, round.number)?;
                sum.resize(update.len(), 0i64);
                for (total, value) in sum.iter_mut().zip(update) {
                    *total += value * i64::try_from(provider.weight).map_err(|error| error.to_string())?;
                }
            }
            let hash = state::hash(&group.aggregate_hash).map_err(|error| error.to_string())?;
            let found = self.chain.blob(&hash).ok_or("the sum of a group is not kept")?;
            let (sum, metrics) = sum.split_at(self.plan.elements as usize);
            let plain: Vec<u8> = sum.iter().flat_map(|value| value.to_le_bytes()).collect();
            if found != plain || group.metrics != metrics || group.weight != weight {
                return Err(format!("the sum of group {} of round {} is not exact", group.number, round.number));
            }
            self.outcome.sums += 1;
        }
        Ok(())
    }

    /// What a chain keeps is bounded by what it is asked to keep.
    fn look_at_size(&self) -> Result<(), String> {
        let (providers, done) =
            (self.plan.providers as usize, self.settled as usize + self.outcome.epochs as usize + 3);
        let records = RECORDS * providers * done;
        let size = self.chain.size();
        if size.records > records {
            return Err(format!("{} records are kept, more than {records}", size.records));
        }
        let params = state::params(self.chain.records()).map_err(|error| error.to_string())?;
        let groups = providers / self.plan.group_size as usize + 1;
        let vectors = 3 * providers + (params.kept_rounds as usize + 2) * (4 + groups);
        let test_set = self.plan.test_set_bytes();
        let bytes = vectors * (8 * self.plan.elements as usize + 1_000) + 1_200 * providers * providers + test_set;
        if size.blobs > bytes {
            return Err(format!("{} bytes of blobs are kept, more than {bytes}", size.blobs));
        }
        Ok(())
    }

    fn ends(mut self) -> Result<Outcome, String> {
        let task = self.chain.task()?;
        if task.ended_height == 0 {
            return Err(format!("the task is not over after {BLOCKS} blocks"));
        }
        self.outcome.blocks = self.chain.height();
        self.outcome.full = self.chain.uncounted()?;
        Ok(self.outcome)
    }
}

impl Outcome {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        self.finished += other.finished;
        self.sums += other.sums;
        self.blamed += other.blamed;
        self.epochs += other.epochs;
        self.blocks += other.blocks;
        self.full += other.full;
        self.restarts += other.restarts;
        self.reports += other.reports;
        self.reported += other.reported;
        for (into, from) in [(&mut self.convicted, &other.convicted), (&mut self.silent, &other.silent)] {
            for (kind, count) in from {
                *into.entry(kind.clone()).or_default() += count;
            }
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = |of: &BTreeMap<String, u64>| {
            let all: Vec<String> = of.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            if all.is_empty() {
                "nobody".to_owned()
            } else {
                all.join(", ")
            }
        };
        write!(
            f,
            "{} rounds settled, {} of them finished, {} sums exact, {} updates taken out by blame, {} epochs, {} blocks of which {} had a full lane, {} restarts of a node; {} reports of cheats, {} of which convicted; cheats convicted: {}; honest but silent: {}",
            self.rounds, self.finished, self.sums, self.blamed, self.epochs, self.blocks, self.full, self.restarts, self.reports, self.reported, counts(&self.convicted), counts(&self.silent)
        )
    }
}
