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
use bauta_secagg::switched_off;

/// Tasks, and evidence windows, that a block looks at, at most. Where there are more, blocks take turns with them, and a window may close
/// some blocks late; so nobody can make blocks slow with tasks alone, whose budgets come back when nobody enrols.
pub const TASKS_A_BLOCK: usize = 1024;

/// With which task, or evidence window, the next block begins, while there are more than one block looks at.
const NEXT: &str = "next/";

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
    let mut running = take_turns(storage, prefix::RUNNING, TASKS_A_BLOCK);
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
    for place in take_turns(storage, prefix::EVIDENCE, TASKS_A_BLOCK) {
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
    if counted || switched_off!(CountedBlocks) {
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
        epoch::advance(turn, budget, &mut task, &terms, epoch)
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

/// The numbers of the keys under a prefix; of more than `most`, those whose turn it is.
fn take_turns(storage: &mut dyn Storage, prefix: &str, most: usize) -> Vec<Vec<u64>> {
    let (start, end) = (prefix.as_bytes(), keys::after(prefix.as_bytes()));
    let cursor = [NEXT.as_bytes(), start].concat();
    let mut found = storage.range(start, &end, most + 1);
    if found.len() > most {
        let from = storage.get(&cursor).filter(|key| key.starts_with(start)).unwrap_or_else(|| start.to_vec());
        found = storage.range(&from, &end, most + 1);
        // Round the end, at most to where it began.
        let missing = (most + 1).saturating_sub(found.len());
        found.extend(storage.range(start, &from, missing));
        match (found.len() > most).then(|| found.pop()).flatten() {
            Some((next, _)) => storage.set(cursor, next),
            None => storage.remove(&cursor),
        }
    }
    found.into_iter().map(|(key, _)| keys::numbers_in(&key[start.len()..])).collect()
}

fn fault(task: u64, error: &Error) -> Output {
    Event::of_task("task_fault", task).text("error", error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Default)]
    struct Memory(BTreeMap<Vec<u8>, Vec<u8>>);

    impl Storage for Memory {
        fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
            self.0.get(key).cloned()
        }

        fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
            self.0.insert(key, value);
        }

        fn remove(&mut self, key: &[u8]) {
            self.0.remove(key);
        }

        fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
            let within = self.0.iter().skip_while(|(key, _)| key.as_slice() < start);
            let within = within.take_while(|(key, _)| key.as_slice() < end);
            within.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect()
        }
    }

    fn with(tasks: u64) -> Memory {
        let mut memory = Memory::default();
        for task in 1..=tasks {
            memory.set(keys::numbers(prefix::RUNNING, &[task]), keys::LISTED.to_vec());
            memory.set(keys::numbers(prefix::EVIDENCE, &[task, 1]), keys::LISTED.to_vec());
        }
        memory
    }

    fn turns(memory: &mut Memory, most: usize) -> Vec<u64> {
        take_turns(memory, prefix::RUNNING, most).into_iter().map(|numbers| numbers[0]).collect()
    }

    #[test]
    fn tasks_that_a_block_can_look_at_are_all_looked_at_and_nothing_is_written() {
        let mut memory = with(4);
        let before = memory.0.len();
        assert_eq!(turns(&mut memory, 4), [1, 2, 3, 4]);
        assert_eq!(memory.0.len(), before);
    }

    #[test]
    fn more_tasks_than_that_take_turns_and_none_is_left_out() {
        let mut memory = with(7);
        assert_eq!(turns(&mut memory, 3), [1, 2, 3]);
        assert_eq!(turns(&mut memory, 3), [4, 5, 6]);
        assert_eq!(turns(&mut memory, 3), [7, 1, 2]);
        // The one whose turn it is ends, and so do others.
        memory.remove(&keys::numbers(prefix::RUNNING, &[3]));
        assert_eq!(turns(&mut memory, 3), [4, 5, 6]);
        for ended in [1, 7] {
            memory.remove(&keys::numbers(prefix::RUNNING, &[ended]));
        }
        assert_eq!(turns(&mut memory, 3), [2, 4, 5]);
        // Evidence windows have turns of their own.
        let evidence: Vec<u64> =
            take_turns(&mut memory, prefix::EVIDENCE, 3).into_iter().map(|numbers| numbers[0]).collect();
        assert_eq!(evidence, [1, 2, 3]);
    }
}
