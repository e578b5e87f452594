//! The chain stops, to go on from an export under another id. Contexts name the id, so no epoch can be carried on there: every task ends
//! here, as if its owner had cancelled it and with nobody held to a window that will not come.

use crate::end_block::Turn;
use crate::env::{Blobs, Env, Providers, Storage};
use crate::error::Error;
use crate::keys::{self, prefix};
use crate::output::Output;
use crate::round::{finalise, is_settled, settle};
use crate::terms::Terms;
use crate::windows::Now;
use crate::{epoch, prune, state};
use bauta_schema::training::v1::{AbortReason, EpochEnd, EpochPhase, TaskStatus};

/// Ends every task: what its running round has earned so far is paid, the rest of the budget goes back, bonds are unlocked, and of its
/// epochs only summaries and verdicts stay. Verdicts that were found are given out; what is missing is held against nobody.
///
/// # Errors
/// [`Error::State`] for records that contradict each other.
pub fn halt(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    blobs: &mut dyn Blobs,
    providers: &dyn Providers,
) -> Result<Vec<Output>, Error> {
    let params = state::params(storage)?;
    let counted = state::counters(storage)?.counted_blocks;
    let now = Now { height: env.height, counted, min_window: params.min_window };
    let mut turn = Turn { env, now, params: &params, storage, blobs, providers, outputs: Vec::new() };
    for place in numbers_under(turn.storage, prefix::RUNNING) {
        let [task] = place[..] else { continue };
        end_task(&mut turn, task)?;
    }
    for place in numbers_under(turn.storage, prefix::EVIDENCE) {
        let [task, number] = place[..] else { continue };
        epoch::close(&mut turn, task, number)?;
    }
    let outputs = turn.outputs;
    let waiting = prefix::PRUNE.as_bytes();
    while !storage.range(waiting, &keys::after(waiting), 1).is_empty() {
        prune::prune(storage);
    }
    Ok(outputs)
}

fn end_task(turn: &mut Turn<'_>, id: u64) -> Result<(), Error> {
    let mut task = state::task(turn.storage, id)?;
    let terms = Terms::read(&state::settings(turn.storage, id)?)?;
    let running = state::epoch(turn.storage, id, task.epoch)?;
    // So that nothing is opened after what ends here.
    task.set_status(TaskStatus::Cancelling);
    if running.phase() == EpochPhase::Rounds {
        let round = state::round(turn.storage, id, task.round)?;
        if !is_settled(&round) {
            let progress = state::finalise(turn.storage, id, round.number)?;
            finalise::release_work(turn, &progress)?;
            return settle::abort(turn, &mut task, &terms, running, round, AbortReason::Halted);
        }
    }
    epoch::end(turn, &mut task, &terms, running, EpochEnd::Task)
}

/// The numbers of all keys under a prefix.
fn numbers_under(storage: &dyn Storage, prefix: &str) -> Vec<Vec<u64>> {
    let start = prefix.as_bytes();
    let keys = storage.range(start, &keys::after(start), usize::MAX).into_iter().map(|(key, _)| key);
    keys.map(|key| keys::numbers_in(&key[start.len()..])).collect()
}
