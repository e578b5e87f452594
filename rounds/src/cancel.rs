//! A task is cancelled, topped up, or ends; what is left of its budget goes back to its owner.

use crate::env::Storage;
use crate::error::{Error, Rejection};
use crate::escrow::Purse;
use crate::keys::{self, prefix};
use crate::output::{Event, Output};
use crate::state;
use crate::terms::amount;
use bauta_schema::training::v1::{MsgCancelTask, MsgTopUpTask, Task, TaskStatus};

/// Whether a task has not ended.
pub fn is_running(task: &Task) -> bool {
    matches!(task.status(), TaskStatus::Running | TaskStatus::Cancelling)
}

/// A task that has not ended.
pub(crate) fn running(storage: &dyn Storage, id: u64) -> Result<Task, Error> {
    let task = state::task(storage, id)?;
    if !is_running(&task) {
        return Err(Error::Ended(id));
    }
    Ok(task)
}

pub(crate) fn check(storage: &dyn Storage, sender: &[u8], msg: &MsgCancelTask) -> Result<Task, Error> {
    let task = running(storage, msg.task_id)?;
    if task.owner != sender {
        return Err(Error::NotOwner(task.id));
    }
    if task.status() == TaskStatus::Cancelling {
        return Err(Error::Duplicate("the cancellation"));
    }
    Ok(task)
}

/// Marks a task. A round that is open is finished and paid first, so that nobody works for nothing; otherwise the task ends at the end
/// of this block.
pub(crate) fn handle(storage: &mut dyn Storage, sender: &[u8], msg: &MsgCancelTask) -> Result<Vec<Output>, Rejection> {
    let mut task = check(storage, sender, msg)?;
    task.set_status(TaskStatus::Cancelling);
    state::put_task(storage, &task);
    Ok(vec![Event::of_task("task_cancelling", task.id).into()])
}

pub(crate) fn check_top_up(storage: &dyn Storage, msg: &MsgTopUpTask) -> Result<(Task, u128), Error> {
    let task = running(storage, msg.task_id)?;
    let amount = amount("amount", &msg.amount)?;
    if amount == 0 {
        return Err(Error::Invalid("amount must be above 0".into()));
    }
    Ok((task, amount))
}

/// Adds to a budget.
pub(crate) fn top_up(storage: &mut dyn Storage, sender: &[u8], msg: &MsgTopUpTask) -> Result<Vec<Output>, Rejection> {
    let (mut task, amount) = check_top_up(storage, msg)?;
    let mut purse = Purse::of(&task)?;
    purse.deposit(amount)?;
    purse.put(&mut task);
    state::put_task(storage, &task);
    let event = Event::of_task("task_topped_up", task.id).address("sender", sender).text("amount", amount.to_string());
    Ok(vec![Output::Deposit { from: sender.to_vec(), amount }, event.into()])
}

/// Ends a task: the rest of its budget is refunded.
pub(crate) fn end(
    storage: &mut dyn Storage,
    height: u64,
    task: &mut Task,
    status: TaskStatus,
) -> Result<Vec<Output>, Error> {
    let mut purse = Purse::of(task)?;
    // What is left of the model provider's bond is its own.
    let bond = amount("bond", &task.bond).map_err(|error| Error::State(error.to_string()))?;
    let rest = purse.refund().saturating_add(bond);
    purse.put(task);
    if bond > 0 {
        task.bond = "0".into();
    }
    task.set_status(status);
    task.ended_height = height;
    state::put_task(storage, task);
    storage.remove(&keys::numbers(prefix::RUNNING, &[task.id]));
    let mut outputs = Vec::new();
    if rest > 0 {
        outputs.push(Output::Refund { to: task.owner.clone(), amount: rest, task: task.id });
    }
    outputs.push(
        Event::of_task("task_ended", task.id)
            .text("status", status.as_str_name())
            .number("finished_rounds", task.finished_rounds.into())
            .text("refunded", rest.to_string())
            .bytes("model_hash", &task.model_hash)
            .into(),
    );
    Ok(outputs)
}
