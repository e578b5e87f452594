//! A round: check in, submit, unmask, finalise, blame where a sum is out of range, settle.

pub(crate) mod blame;
pub(crate) mod check_in;
pub(crate) mod combine;
pub(crate) mod finalise;
mod pot;
mod score;
pub(crate) mod settle;
pub(crate) mod submit;
pub(crate) mod unmask;

use crate::cancel::running;
use crate::end_block::Turn;
use crate::env::{Budget, Storage};
use crate::error::Error;
use crate::escrow::Purse;
use crate::keys::{self, prefix};
use crate::model_provider::publish;
use crate::output::Event;
use crate::terms::Terms;
use crate::{cost, derive, epoch as epochs, state};
use bauta_schema::training::v1::{
    AbortReason, Epoch, EpochEnd, EpochPhase, Member, Round, RoundPhase, Task, TaskStatus,
};
use bauta_secagg::context::{Ctx, ModelHash, Rctx};

/// Failed phases in which a seat may be silent before it is no longer live.
pub const SILENT_PHASES: u32 = 2;

/// What a message to a round needs.
pub(crate) struct Standing {
    pub task: Task,
    pub epoch: Epoch,
    pub round: Round,
}

/// Reads where a running task stands in its rounds.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::Ended`], [`Error::WrongPhase`] outside of rounds.
pub(crate) fn standing(storage: &dyn Storage, task_id: u64, belongs: &'static str) -> Result<Standing, Error> {
    let task = running(storage, task_id)?;
    let epoch = state::epoch(storage, task.id, task.epoch)?;
    if epoch.phase() != EpochPhase::Rounds {
        let current = epochs::phase_name(epoch.phase()).into();
        return Err(Error::WrongPhase { task: task.id, current, belongs });
    }
    let round = state::round(storage, task.id, task.round)?;
    Ok(Standing { task, epoch, round })
}

impl Standing {
    /// Whether the message is for the running round and its phase.
    ///
    /// # Errors
    /// [`Error::WrongRound`], [`Error::WrongPhase`].
    pub fn expect(&self, round: u64, phase: RoundPhase, belongs: &'static str) -> Result<(), Error> {
        if self.round.number != round {
            return Err(Error::WrongRound { task: self.task.id, current: self.round.number, asked: round });
        }
        if self.round.phase() != phase {
            let current = phase_name(self.round.phase()).into();
            return Err(Error::WrongPhase { task: self.task.id, current, belongs });
        }
        Ok(())
    }
}

/// The name of a phase, as people read it.
pub fn phase_name(phase: RoundPhase) -> &'static str {
    match phase {
        RoundPhase::Unspecified => "none",
        RoundPhase::CheckIn => "check_in",
        RoundPhase::Submit => "submit",
        RoundPhase::Sketch => "sketch",
        RoundPhase::Unmask => "unmask",
        RoundPhase::Finalise => "finalise",
        RoundPhase::Blame => "blame",
        RoundPhase::BlameEdges => "blame_edges",
        RoundPhase::BlameRemove => "blame_remove",
        RoundPhase::Model => "model",
        RoundPhase::Finished => "finished",
        RoundPhase::Aborted => "aborted",
    }
}

/// Whether a round is over.
pub fn is_settled(round: &Round) -> bool {
    matches!(round.phase(), RoundPhase::Finished | RoundPhase::Aborted)
}

/// Opens the next round of an epoch, or ends the epoch if there can be none.
pub(crate) fn open(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, mut epoch: Epoch) -> Result<(), Error> {
    let number = task.round + 1;
    let members = state::members(turn.storage, task.id, epoch.number)?;
    let qualified = sizes(&epoch, members.iter().filter(|member| derive::is_qualified(member, number)));
    let may_check_in =
        |member: &Member| derive::is_qualified(member, number) && !turn.providers.is_jailed(&member.address);
    let eligible: Vec<&Member> = members.iter().filter(|member| may_check_in(member)).collect();
    let mut purse = Purse::of(task)?;
    let (fees, rewards) = cost::round(terms, &qualified, epoch.seats, epoch.threshold);
    let able = sizes(&epoch, eligible.iter().copied()).into_iter().filter(|&size| size >= terms.cohort.min_group);
    let able = able.count() as u64;
    if let Some(why) = no_round(task, terms, &epoch, &members, able, purse.held < fees.saturating_add(rewards)) {
        void_check_ins(turn.storage, task.id, number, &[])?;
        return epochs::end(turn, task, terms, epoch, why);
    }
    purse.reserved = fees.saturating_add(rewards);
    purse.put(task);
    task.round = number;
    let roster_root = derive::roster(&members, number)?.root();
    let rctx = Rctx::new(&epochs::ectx_of(&epoch)?, number);
    // An encrypted model is published once the round is open, and the round has its context then.
    let (phase, window, ctx) = match terms.model_provider {
        Some(provider) => (RoundPhase::Model, provider.window, Vec::new()),
        None => {
            let model_hash = ModelHash::from_bytes(state::hash(&task.model_hash)?);
            let ctx = Ctx::new(&rctx, &model_hash, &roster_root).as_bytes().to_vec();
            (RoundPhase::CheckIn, terms.windows.check_in, ctx)
        }
    };
    let round = Round {
        task_id: task.id,
        number,
        epoch: epoch.number,
        phase: phase.into(),
        window: Some(turn.now.open(window)),
        ctx,
        rctx: rctx.as_bytes().to_vec(),
        model_hash: task.model_hash.clone(),
        roster_root: roster_root.as_bytes().to_vec(),
        expected: eligible.len() as u32,
        check_ins: void_check_ins(turn.storage, task.id, number, &eligible)?,
        phase_height: turn.now.height,
        opened_height: turn.now.height,
        ..Default::default()
    };
    if epoch.first_round == 0 {
        epoch.first_round = number;
    }
    epoch.last_round = number;
    state::put_epoch(turn.storage, &epoch);
    state::put_round(turn.storage, &round);
    state::put_task(turn.storage, task);
    let event = Event::of_task("round_opened", task.id)
        .number("epoch", epoch.number)
        .number("round", number)
        .bytes("model_hash", &round.model_hash)
        .bytes("ctx", &round.ctx);
    turn.outputs.push(event.into());
    Ok(())
}

/// How many of these members are in each of an epoch's groups.
fn sizes<'a>(epoch: &Epoch, members: impl Iterator<Item = &'a Member>) -> Vec<u32> {
    let mut sizes = vec![0u32; epoch.groups as usize];
    for member in members {
        let place = (member.group as usize).checked_sub(1).and_then(|place| sizes.get_mut(place));
        place.into_iter().for_each(|size| *size += 1);
    }
    sizes
}

/// Why there can be no further round in an epoch, of whose groups `able` have enough members that may check in.
fn no_round(
    task: &Task,
    terms: &Terms,
    epoch: &Epoch,
    members: &[Member],
    able: u64,
    is_poor: bool,
) -> Option<EpochEnd> {
    let live = members.iter().filter(|member| member.silent_phases < SILENT_PHASES);
    let live: usize = live.map(|member| derive::seats_of(member).count()).sum();
    if task.defaulted {
        Some(EpochEnd::Defaulted)
    } else if task.finished_rounds >= terms.settings.rounds || task.status() == TaskStatus::Cancelling || is_poor {
        Some(EpochEnd::Task)
    } else if task.released_aborts >= settle::RELEASED_ABORTS {
        Some(EpochEnd::ReleasedAborts)
    } else if task.aborts >= settle::ABORTS {
        Some(EpochEnd::Aborts)
    } else if live < epoch.threshold as usize {
        Some(EpochEnd::TooFewSeats)
    } else if able < terms.combination().fewest_groups() {
        Some(EpochEnd::NoGroup)
    } else {
        None
    }
}

/// Of the check-ins that came early, those whose sender may check in stand, the others are void without penalty; how many stand.
fn void_check_ins(storage: &mut dyn Storage, task: u64, round: u64, eligible: &[&Member]) -> Result<u32, Error> {
    let mut standing = 0;
    for check_in in state::check_ins(storage, task, round)? {
        if eligible.iter().any(|member| member.address == check_in.address) {
            standing += 1;
        } else {
            storage.remove(&keys::address(prefix::CHECK_IN, &[task, round], &check_in.address));
        }
    }
    Ok(standing)
}

/// Moves a round to its next phase.
pub(crate) fn enter(turn: &mut Turn<'_>, round: &mut Round, phase: RoundPhase, window: Option<u32>) {
    round.set_phase(phase);
    round.window = window.map(|length| turn.now.open(length));
    round.phase_height = turn.now.height;
    state::put_round(turn.storage, round);
    let event =
        Event::of_task("round_phase", round.task_id).number("round", round.number).text("phase", phase_name(phase));
    turn.outputs.push(event.into());
}

/// What the end of a block does to an epoch in its rounds.
pub(crate) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    epoch: Epoch,
) -> Result<(), Error> {
    let mut round = state::round(turn.storage, task.id, task.round)?;
    // A released round goes on: partials open its sum to the model provider whatever becomes of the task, so it is paid for.
    if task.defaulted && round.phase() != RoundPhase::Model && !round.released {
        let progress = state::finalise(turn.storage, task.id, round.number)?;
        finalise::release_work(turn, &progress)?;
        return settle::abort(turn, task, terms, epoch, round, AbortReason::NoModel);
    }
    match round.phase() {
        RoundPhase::Model => publish::advance(turn, budget, task, terms, epoch, round),
        RoundPhase::CheckIn => check_in::advance(turn, task, terms, epoch, round),
        RoundPhase::Submit => submit::advance(turn, task, terms, epoch, round),
        RoundPhase::Unmask => {
            if unmask::advance(turn, budget, task, terms, &epoch, &mut round)? {
                return finalise::advance(turn, budget, task, terms, epoch, round);
            }
            Ok(())
        }
        RoundPhase::Finalise => finalise::advance(turn, budget, task, terms, epoch, round),
        RoundPhase::Blame | RoundPhase::BlameEdges | RoundPhase::BlameRemove => {
            if blame::advance(turn, budget, terms, &epoch, &mut round)? {
                return finalise::advance(turn, budget, task, terms, epoch, round);
            }
            Ok(())
        }
        other => Err(Error::State(format!("round {} of task {} is {}", round.number, task.id, phase_name(other)))),
    }
}
