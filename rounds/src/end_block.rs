//! The end of a block: the only place where phases change.

use crate::env::{Blobs, Budget, Env, Providers, Storage};
use crate::error::Error;
use crate::keys::{self, prefix};
use crate::output::{Event, Output};
use crate::overlay::nested;
use crate::params::MIN_GROUP;
use crate::terms::Terms;
use crate::windows::Now;
use crate::{epoch, prune, round, state};
use bauta_schema::training::v1::{Epoch, EpochPhase, Params, Task, TaskStatus};

/// What a step at the end of a block works with.
pub(crate) struct Turn<'a> {
    pub env: &'a Env<'a>,
    pub now: Now,
    pub params: &'a Params,
    pub storage: &'a mut dyn Storage,
    pub blobs: &'a mut dyn Blobs,
    pub providers: &'a dyn Providers,
    pub outputs: Vec<Output>,
}

/// Ends a block: counts it, if its reserved lane was not full, and lets every running task and every open evidence window move on. Work
/// that does not fit the budget goes on at the end of the next block. A task whose records contradict each other (a defect) is left as
/// it was, with an event; it never holds up the others.
pub fn end_block(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    blobs: &mut dyn Blobs,
    providers: &dyn Providers,
    counted: bool,
    budget: &mut Budget,
) -> Vec<Output> {
    let (now, params) = match count(env, storage, counted) {
        Ok(found) => found,
        Err(error) => return vec![fault(0, &error)],
    };
    let mut outputs = Vec::new();
    let mut running = numbers_under(storage, prefix::RUNNING);
    // Another task is first in every block: the first always gets a step done, however little is left of the budget after it.
    let first = env.height.checked_rem(running.len() as u64).unwrap_or(0);
    running.rotate_left(usize::try_from(first).unwrap_or(0));
    for task in running {
        let [task] = task[..] else { continue };
        let moved = nested(storage, |storage| {
            let mut turn = Turn { env, now, params: &params, storage, blobs, providers, outputs: Vec::new() };
            advance(&mut turn, budget, task)?;
            Ok(turn.outputs)
        });
        outputs.extend(moved.unwrap_or_else(|error| vec![fault(task, &error)]));
    }
    for place in numbers_under(storage, prefix::EVIDENCE) {
        let [task, number] = place[..] else { continue };
        let moved = nested(storage, |storage| {
            let mut turn = Turn { env, now, params: &params, storage, blobs, providers, outputs: Vec::new() };
            epoch::close_evidence(&mut turn, task, number)?;
            Ok(turn.outputs)
        });
        outputs.extend(moved.unwrap_or_else(|error| vec![fault(task, &error)]));
    }
    prune::prune(storage);
    outputs
}

fn count(env: &Env<'_>, storage: &mut dyn Storage, counted: bool) -> Result<(Now, Params), Error> {
    let mut counters = state::counters(storage)?;
    if counted {
        counters.counted_blocks += 1;
        state::save(storage, keys::COUNTERS.to_vec(), &counters);
    }
    let params = state::params(storage)?;
    let now = Now { height: env.height, counted: counters.counted_blocks, min_window: params.min_window };
    Ok((now, params))
}

fn advance(turn: &mut Turn<'_>, budget: &mut Budget, id: u64) -> Result<(), Error> {
    let mut task = state::task(turn.storage, id)?;
    let epoch = state::epoch(turn.storage, id, task.epoch)?;
    if rests(&turn.now, &task, &epoch) {
        return Ok(());
    }
    let terms = Terms::read(&state::settings(turn.storage, id)?)?;
    if epoch.phase() == EpochPhase::Rounds {
        round::advance(turn, budget, &mut task, &terms, epoch)
    } else {
        epoch::advance(turn, &mut task, &terms, epoch)
    }
}

/// Whether nothing can happen to a task in this block, told without its settings, which may be large: tasks that wait for providers who
/// never come are cheap to open, and must be cheap to keep.
fn rests(now: &Now, task: &Task, epoch: &Epoch) -> bool {
    let may_be_complete = match epoch.phase() {
        EpochPhase::Enrol => epoch.enrolled >= MIN_GROUP,
        EpochPhase::Complain => false,
        EpochPhase::Deal => true,
        _ => return false,
    };
    task.status() == TaskStatus::Running && !now.closes(&epoch.window.unwrap_or_default(), may_be_complete)
}

/// The numbers of the keys under a prefix.
fn numbers_under(storage: &dyn Storage, prefix: &str) -> Vec<Vec<u64>> {
    let start = prefix.as_bytes();
    storage
        .range(start, &keys::after(start), usize::MAX)
        .into_iter()
        .map(|(key, _)| {
            key[start.len()..]
                .chunks_exact(8)
                .filter_map(|chunk| chunk.try_into().ok().map(u64::from_be_bytes))
                .collect()
        })
        .collect()
}

fn fault(task: u64, error: &Error) -> Output {
    Event::of_task("task_fault", task).text("error", error.to_string()).into()
}
