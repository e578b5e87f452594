//! An epoch: fresh keys, a dealing, rounds, and the window in which evidence is still heard.

pub(crate) mod complain;
pub(crate) mod deal;
pub(crate) mod enrol;
pub(crate) mod partition;
pub(crate) mod seats;

use crate::cancel::{self, running};
use crate::end_block::Turn;
use crate::env::{Budget, Storage};
use crate::error::Error;
use crate::escrow::Purse;
use crate::keys::{self, prefix};
use crate::model_provider;
use crate::output::{Event, Output};
use crate::terms::Terms;
use crate::windows::Now;
use crate::{cost, state};
use bauta_schema::training::v1::{Epoch, EpochEnd, EpochPhase, Task, TaskStatus};
use bauta_secagg::context::{Ectx, SettingsHash};

/// Epochs without a seat, for one that was silent in two failed phases or enrolled without dealing.
pub const EPOCHS_WITHOUT_SEAT: u64 = 3;

/// What a message to a phase of an epoch needs.
pub(crate) struct Standing {
    pub task: Task,
    pub epoch: Epoch,
    pub ectx: Ectx,
}

/// Reads where a running task stands, for a message to one of an epoch's own phases.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::Ended`], [`Error::WrongEpoch`].
pub(crate) fn standing(storage: &dyn Storage, task_id: u64, asked: u64) -> Result<Standing, Error> {
    let task = running(storage, task_id)?;
    if task.epoch != asked {
        return Err(Error::WrongEpoch { task: task.id, current: task.epoch, asked });
    }
    let epoch = state::epoch(storage, task.id, task.epoch)?;
    let ectx = ectx_of(&epoch)?;
    Ok(Standing { task, epoch, ectx })
}

impl Standing {
    /// Whether the epoch is in the phase that a message belongs to.
    ///
    /// # Errors
    /// [`Error::WrongPhase`].
    pub fn expect(&self, phase: EpochPhase, belongs: &'static str) -> Result<(), Error> {
        if self.epoch.phase() == phase {
            return Ok(());
        }
        Err(Error::WrongPhase { task: self.task.id, current: phase_name(self.epoch.phase()).into(), belongs })
    }
}

/// The name of a phase, as people read it.
pub fn phase_name(phase: EpochPhase) -> &'static str {
    match phase {
        EpochPhase::Unspecified => "none",
        EpochPhase::Enrol => "enrol",
        EpochPhase::Seats => "seats",
        EpochPhase::Deal => "deal",
        EpochPhase::Complain => "complain",
        EpochPhase::Partition => "partition",
        EpochPhase::Rounds => "rounds",
        EpochPhase::Evidence => "evidence",
        EpochPhase::Closed => "closed",
    }
}

/// The context of an epoch.
///
/// # Errors
/// [`Error::State`].
pub(crate) fn ectx_of(epoch: &Epoch) -> Result<Ectx, Error> {
    Ok(Ectx::from_bytes(state::hash(&epoch.ectx)?))
}

/// Opens the next epoch of a task with an enrolment window.
pub(crate) fn open(
    chain_id: &str,
    now: &Now,
    storage: &mut dyn Storage,
    task: &mut Task,
    terms: &Terms,
) -> Result<Output, Error> {
    task.epoch += 1;
    task.released_aborts = 0;
    task.aborts = 0;
    let settings = SettingsHash::from_bytes(bauta_schema::training::v1::settings_hash(&terms.settings));
    let ectx = Ectx::new(chain_id, task.id, task.epoch, &settings)?;
    let epoch = Epoch {
        task_id: task.id,
        number: task.epoch,
        phase: EpochPhase::Enrol.into(),
        window: Some(now.open(terms.windows.enrol)),
        ectx: ectx.as_bytes().to_vec(),
        ..Default::default()
    };
    state::put_epoch(storage, &epoch);
    state::put_task(storage, task);
    Ok(Event::of_task("epoch_opened", task.id).number("epoch", task.epoch).into())
}

/// Moves an epoch to its next phase.
pub(crate) fn enter(turn: &mut Turn<'_>, epoch: &mut Epoch, phase: EpochPhase, window: Option<u32>) {
    epoch.set_phase(phase);
    epoch.window = window.map(|length| turn.now.open(length));
    state::put_epoch(turn.storage, epoch);
    let event =
        Event::of_task("epoch_phase", epoch.task_id).number("epoch", epoch.number).text("phase", phase_name(phase));
    turn.outputs.push(event.into());
}

/// What the end of a block does to an epoch that is not in its rounds.
pub(crate) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    mut epoch: Epoch,
) -> Result<(), Error> {
    if task.status() == TaskStatus::Cancelling {
        return end(turn, task, terms, epoch, EpochEnd::Task);
    }
    match epoch.phase() {
        EpochPhase::Enrol => enrol::advance(turn, task, terms, &mut epoch),
        EpochPhase::Seats => seats::advance(turn, budget, task, terms, &mut epoch),
        EpochPhase::Deal => deal::advance(turn, task, terms, &mut epoch),
        EpochPhase::Complain => complain::advance(turn, task, terms, &mut epoch),
        EpochPhase::Partition => partition::advance(turn, budget, task, terms, &mut epoch),
        other => {
            Err(Error::State(format!("epoch {} of task {} is in phase {}", epoch.number, task.id, phase_name(other))))
        }
    }
}

/// Ends an epoch. Evidence is still heard for a window, and bonds stay locked for as long. A new epoch opens unless the task is over:
/// all rounds are finished, its owner cancelled it, too many epochs in a row finished nothing, or its budget cannot pay another one.
pub(crate) fn end(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    mut epoch: Epoch,
    why: EpochEnd,
) -> Result<(), Error> {
    epoch.set_end(why);
    turn.outputs.push(
        Event::of_task("epoch_ended", task.id).number("epoch", epoch.number).text("reason", why.as_str_name()).into(),
    );
    enter(turn, &mut epoch, EpochPhase::Evidence, Some(terms.windows.evidence));
    turn.storage.set(keys::numbers(prefix::EVIDENCE, &[task.id, epoch.number]), keys::LISTED.to_vec());
    task.idle_epochs = if epoch.finished_rounds == 0 { task.idle_epochs + 1 } else { 0 };
    match over(task, terms)? {
        Some(status) => {
            // The model stays, for whoever paid for it; nothing will move it any more.
            if !task.optimiser_hash.is_empty() {
                turn.blobs.release(&state::hash(&task.optimiser_hash)?);
                task.optimiser_hash.clear();
            }
            if status == TaskStatus::Defaulted {
                let round = task.round;
                model_provider::share_bond(turn, task, epoch.number, round)?;
            }
            if let Some(test) = terms.scoring.as_ref().and_then(|scoring| scoring.test.as_ref()) {
                turn.blobs.release(&test.hash);
            }
            let outputs = cancel::end(turn.storage, turn.now.height, task, status)?;
            turn.outputs.extend(outputs);
        }
        None => {
            let opened = open(turn.env.chain_id, &turn.now, turn.storage, task, terms)?;
            turn.outputs.push(opened);
        }
    }
    Ok(())
}

/// Whether a task is over when an epoch has ended, and how.
fn over(task: &Task, terms: &Terms) -> Result<Option<TaskStatus>, Error> {
    if task.defaulted {
        return Ok(Some(TaskStatus::Defaulted));
    }
    if task.finished_rounds >= terms.settings.rounds {
        return Ok(Some(TaskStatus::Finished));
    }
    if task.status() == TaskStatus::Cancelling {
        return Ok(Some(TaskStatus::Cancelled));
    }
    let (fees, rewards) = cost::full_round(terms);
    if Purse::of(task)?.held < cost::epoch(terms).saturating_add(fees).saturating_add(rewards) {
        return Ok(Some(TaskStatus::Exhausted));
    }
    Ok((task.idle_epochs >= terms.settings.max_idle_epochs).then_some(TaskStatus::Abandoned))
}

/// Closes an epoch whose evidence window is over: bonds are unlocked, and its records will be removed.
pub(crate) fn close_evidence(turn: &mut Turn<'_>, task_id: u64, number: u64) -> Result<(), Error> {
    let window = state::epoch(turn.storage, task_id, number)?.window.unwrap_or_default();
    if turn.now.has_expired(&window) {
        close(turn, task_id, number)?;
    }
    Ok(())
}

/// Closes an epoch.
pub(crate) fn close(turn: &mut Turn<'_>, task_id: u64, number: u64) -> Result<(), Error> {
    let mut epoch = state::epoch(turn.storage, task_id, number)?;
    for member in state::members(turn.storage, task_id, number)? {
        turn.outputs.push(Output::UnlockBond { provider: member.address, task: task_id, epoch: number });
    }
    enter(turn, &mut epoch, EpochPhase::Closed, None);
    turn.storage.remove(&keys::numbers(prefix::EVIDENCE, &[task_id, number]));
    turn.storage.set(keys::numbers(prefix::PRUNE, &[task_id, number]), keys::LISTED.to_vec());
    Ok(())
}
