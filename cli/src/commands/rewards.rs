//! `bauta rewards`: what an address earned by training.

use bauta_schema::training::v1 as pb;
use serde_json::{json, Value};

use super::Answered;
use crate::answer::{table, Answer};
use crate::context::Context;

/// What an address earned by training.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bauta rewards
  bauta rewards bob --output json

Rewards are paid to the address when a round finishes; this is what was paid, not what can be claimed.
JSON: {address, total, tasks: [{task, updates, partials, amount}]}; amounts are decimal strings.")]
pub struct Args {
    /// An address or the name of a key; the key of --from if it is not given
    address: Option<String>,
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Answered {
    let address = context.address_or_own(args.address.as_deref())?;
    let chain = context.chain().await?;
    let request = pb::QueryRewardsRequest { address: address.clone() };
    let found: pb::QueryRewardsResponse = context.ask(chain.training("Rewards", &request)).await?;
    let tasks: Vec<Value> = found
        .rewards
        .iter()
        .map(|reward| {
            json!({
                "task": reward.task_id,
                "updates": reward.updates,
                "partials": reward.partials,
                "amount": reward.amount,
            })
        })
        .collect();
    let total = if found.total.is_empty() { "0".to_owned() } else { found.total.clone() };
    let text = match found.rewards.is_empty() {
        true => format!("{address} was paid nothing yet."),
        false => {
            let rows = found.rewards.iter().map(|reward| {
                let (updates, partials) = (reward.updates.to_string(), reward.partials.to_string());
                [reward.task_id.to_string(), updates, partials, reward.amount.clone()]
            });
            format!("{}\n\nin all {total}", table(["TASK", "UPDATES", "PARTIALS", "AMOUNT"], rows))
        }
    };
    Ok(Answer::new(text, json!({ "address": address, "total": total, "tasks": tasks })))
}
