//! Settling: who is paid, who is named to the slashing contract, what is forgotten, and what comes next.

use super::{open, phase_name, pot, submit};
use crate::end_block::Turn;
use crate::error::Error;
use crate::escrow::Purse;
use crate::keys::{self, prefix};
use crate::model_provider::publish;
use crate::offence::deliver;
use crate::output::{Event, Output};
use crate::terms::{amount, Terms};
use crate::{derive, state};
use bauta_schema::training::v1::{AbortReason, Epoch, PartialStatus, Round, RoundGroup, RoundPhase, RoundResult, Task};
use bauta_secagg::signature::Body;
use bauta_secagg::submit::Header;
use std::collections::BTreeMap;

/// Released rounds in a row that may abort before the epoch ends.
pub const RELEASED_ABORTS: u32 = 2;
/// Rounds in a row that may abort, released or not, before the epoch ends: without this rule a task whose providers have all left would
/// open rounds for ever.
pub const ABORTS: u32 = 3;

/// Old rounds that are forgotten when a round settles, at most: one a round is enough, and the rest catches up when fewer are to be kept.
const FORGOTTEN_A_ROUND: usize = 8;

/// What one address is paid for.
#[derive(Default)]
struct Earned {
    updates: u32,
    for_updates: u128,
    partials: u32,
}

/// Settles a round that moved the model.
pub(crate) fn finish(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    mut epoch: Epoch,
    mut round: Round,
    result: RoundResult,
) -> Result<(), Error> {
    task.finished_rounds += 1;
    task.released_aborts = 0;
    task.aborts = 0;
    epoch.finished_rounds += 1;
    round.result = Some(result);
    round.set_phase(RoundPhase::Finished);
    turn.storage.set(keys::numbers(prefix::KEPT, &[task.id, round.number]), keys::LISTED.to_vec());
    settle(turn, task, terms, epoch, round)
}

/// Settles a round that did not.
pub(crate) fn abort(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    epoch: Epoch,
    mut round: Round,
    reason: AbortReason,
) -> Result<(), Error> {
    task.aborts += 1;
    task.released_aborts += u32::from(round.released);
    round.set_abort_reason(reason);
    round.set_phase(RoundPhase::Aborted);
    for group in &mut round.groups {
        release_sum(turn, group)?;
    }
    settle(turn, task, terms, epoch, round)
}

/// Releases a group's sum.
fn release_sum(turn: &mut Turn<'_>, group: &mut RoundGroup) -> Result<(), Error> {
    if !group.aggregate_hash.is_empty() {
        turn.blobs.release(&state::hash(&group.aggregate_hash)?);
        group.aggregate_hash.clear();
    }
    Ok(())
}

fn settle(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, epoch: Epoch, mut round: Round) -> Result<(), Error> {
    round.window = None;
    round.settled_height = turn.now.height;
    round.phase_height = turn.now.height;
    pay(turn, task, terms, &round)?;
    forget(turn, &round)?;
    publish::release(turn, &mut round)?;
    state::put_round(turn.storage, &round);
    state::put_epoch(turn.storage, &epoch);
    state::put_task(turn.storage, task);
    let verdicts = deliver(turn.storage, &round)?;
    turn.outputs.push(summary(&round));
    turn.outputs.extend(verdicts);
    open(turn, task, terms, epoch)
}

fn summary(round: &Round) -> Output {
    let mut event = Event::of_task("round_settled", round.task_id)
        .number("epoch", round.epoch)
        .number("round", round.number)
        .text("phase", phase_name(round.phase()))
        .number("groups", round.groups.iter().filter(|group| derive::goes_on(group)).count() as u64)
        .number("group", round.group.len() as u64)
        .number("survivors", round.survivors.len() as u64)
        .number("bytes", round.bytes);
    if let Some(result) = &round.result {
        event = event.bytes("model_hash", &result.model_hash).bytes("aggregate_hash", &result.aggregate_hash);
    } else {
        event = event.text("reason", round.abort_reason().as_str_name());
    }
    event.into()
}

/// Pays for every survivor's update of a finished round, by its group's scores where the task says so, and for every partial that was found valid, whatever became of the round: the
/// seat did its part. What the round had reserved is free again.
fn pay(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, round: &Round) -> Result<(), Error> {
    let mut earned: BTreeMap<Vec<u8>, Earned> = BTreeMap::new();
    if round.phase() == RoundPhase::Finished {
        for (address, owed) in pot::updates(turn.storage, terms, round)? {
            let earned = earned.entry(address).or_default();
            earned.updates += 1;
            earned.for_updates = earned.for_updates.saturating_add(owed);
        }
    }
    let seats = state::seats(turn.storage, task.id, round.epoch)?;
    // Answers to blame's lists are not paid: the task pays their fees.
    for partial in state::partials(turn.storage, task.id, round.number, 0)? {
        let holder = seats.iter().find(|seat| seat.index == partial.seat);
        if let Some(holder) = holder.filter(|_| partial.status() == PartialStatus::Used) {
            earned.entry(holder.address.clone()).or_default().partials += 1;
        }
    }
    let mut purse = Purse::of(task)?;
    for (to, earned) in earned {
        let owed = earned.for_updates.saturating_add(terms.per_partial * u128::from(earned.partials));
        let paid = purse.pay(owed);
        let mut reward = state::reward(turn.storage, &to, task.id)?;
        reward.updates += earned.updates;
        reward.partials += earned.partials;
        reward.amount = (amount("reward", &reward.amount)? + paid).to_string();
        state::put_reward(turn.storage, &to, &reward);
        if paid > 0 {
            turn.outputs.push(Output::Pay { to, amount: paid, task: task.id, round: round.number });
        }
    }
    purse.reserved = 0;
    purse.put(task);
    Ok(())
}

/// Releases the blobs that a settled round needs no more, and those of the rounds that are now too old to be kept.
fn forget(turn: &mut Turn<'_>, round: &Round) -> Result<(), Error> {
    for record in state::headers(turn.storage, round.task_id, round.number)? {
        let header = Header::decode(&record.body).map_err(|error| Error::State(error.to_string()))?;
        let chunks =
            state::find_chunks(turn.storage, round.task_id, round.number, &record.address)?.unwrap_or_default();
        for (index, hash) in header.chunks.iter().enumerate() {
            if submit::has(&chunks, index as u32) {
                turn.blobs.release(hash);
            }
        }
    }
    for list in 0..=round.blame_lists {
        for partial in state::partials(turn.storage, round.task_id, round.number, list)? {
            turn.blobs.release(&state::hash(&partial.body_hash)?);
        }
    }
    turn.storage.remove(&keys::numbers(prefix::FINALISE, &[round.task_id, round.number]));
    forget_old(turn, round)
}

/// Releases the aggregates of rounds that are now too old to be kept, and the models that they trained on. What is kept is on record:
/// the parameter that says how many rounds are may have changed meanwhile, and a blob released twice would be another's.
fn forget_old(turn: &mut Turn<'_>, round: &Round) -> Result<(), Error> {
    let Some(newest) = round.number.checked_sub(u64::from(turn.params.kept_rounds)) else {
        return Ok(());
    };
    let start = keys::numbers(prefix::KEPT, &[round.task_id, 0]);
    let end = keys::after(&keys::numbers(prefix::KEPT, &[round.task_id, newest]));
    for (key, _) in turn.storage.range(&start, &end, FORGOTTEN_A_ROUND) {
        turn.storage.remove(&key);
        let number = key.last_chunk().map_or(0, |number| u64::from_be_bytes(*number));
        let old = state::round(turn.storage, round.task_id, number)?;
        if let Some(result) = old.result {
            // Where the model is encrypted there are sums of groups alone, and models are released with their rounds.
            let is_open = !result.model_hash.is_empty();
            if is_open {
                turn.blobs.release(&state::hash(&result.aggregate_hash)?);
            }
            for group in old.groups.iter().filter(|group| !group.aggregate_hash.is_empty()) {
                turn.blobs.release(&state::hash(&group.aggregate_hash)?);
            }
            // A later model replaced the one it trained on.
            if is_open {
                turn.blobs.release(&state::hash(&old.model_hash)?);
            }
        }
    }
    Ok(())
}
