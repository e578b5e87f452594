//! A task's model, its budget and its end.

use std::path::Path;

use bauta_client::chain::messages::TrainingMessage as _;
use bauta_client::model_provider;
use bauta_schema::training::v1 as pb;
use serde_json::{json, Value};

use super::file::refuse_existing;
use super::show::read;
use crate::answer::{fields, Answer};
use crate::commands::Answered;
use crate::context::{merged, outcome_json, outcome_text, Amount, Context};
use crate::failure::Failure;
use crate::progress;

/// Fetches a model.
pub async fn model(context: &Context, task: u64, out: &Path, hash: Option<String>, force: bool) -> Answered {
    let hash: Option<[u8; 32]> = hash
        .map(|text| {
            hex::decode(&text)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| Failure::usage(format!("--hash is {text:?}; a model's hash has 64 hexadecimal digits")))
        })
        .transpose()?;
    refuse_existing(out, force)?;
    let chain = context.chain().await?;
    read(&chain, task).await?;
    let download = model_provider::download(&chain, task, hash.as_ref());
    let model = progress::during("fetching the model", download).await?;
    model_provider::save(&model, out)?;
    let hash = hex::encode(model.hash());
    let place = out.display().to_string();
    let tensors: Vec<Value> =
        model.spec().tensors().iter().map(|tensor| json!({ "name": tensor.name(), "shape": tensor.shape() })).collect();
    let json = json!({
        "task": task,
        "model_hash": hash,
        "elements": model.values().len(),
        "tensors": tensors,
        "file": place,
    });
    let text = fields(&[("file", place), ("hash", hash), ("elements", model.values().len().to_string())]);
    Ok(Answer::new(text, json))
}

/// Ends a task.
pub async fn cancel(context: &Context, task: u64) -> Answered {
    let account = context.account().await?;
    let (record, settings) = read(&account.chain, task).await?;
    if record.owner != account.signer.address_bytes() {
        return Err(Failure::new(format!("task {task} belongs to another account, which alone may cancel it"))
            .hint("name its owner's key with --from"));
    }
    context.confirm(&format!(
        "End task {task} after {} of {} rounds? It cannot be resumed.",
        record.finished_rounds, settings.rounds
    ))?;
    let message = pb::MsgCancelTask { owner: account.signer.address().to_owned(), task_id: task };
    let outcome = context.transact(&account, &[message.to_any()]).await?;
    let text = outcome_text(&format!("Task {task} ends when its running round has settled."), &outcome);
    Ok(Answer::new(text, merged(outcome_json(&outcome), json!({ "task": task }))))
}

/// Adds to a budget.
pub async fn top_up(context: &Context, task: u64, amount: &str) -> Answered {
    let amount = Amount::read("the amount", amount)?;
    let account = context.account().await?;
    let coin = amount.coin("the amount", &account.chain.settings().gas_price.denom)?;
    read(&account.chain, task).await?;
    context.confirm(&format!("Add {coin} to the budget of task {task}?"))?;
    let sender = account.signer.address().to_owned();
    let message = pb::MsgTopUpTask { sender, task_id: task, amount: coin.amount.to_string() };
    let outcome = context.transact(&account, &[message.to_any()]).await?;
    let text = outcome_text(&format!("{coin} was added to the budget of task {task}."), &outcome);
    let json = json!({ "task": task, "amount": coin.amount.to_string() });
    Ok(Answer::new(text, merged(outcome_json(&outcome), json)))
}
