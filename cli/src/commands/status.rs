//! `bauta status`: how the node is doing.

use serde_json::json;

use super::Answered;
use crate::answer::{fields, Answer};
use crate::context::Context;

/// How the node is doing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bauta status --node http://localhost:26657

JSON: {node, moniker, chain_id, height, time, catching_up, gas_price: {denom, amount_per_million}}")]
pub struct Args {}

/// Runs the command.
pub async fn run(context: &Context, _args: Args) -> Answered {
    let chain = context.chain().await?;
    let status = context.ask(chain.status()).await?;
    let (info, sync) = (status.node_info, status.sync_info);
    let height = sync.latest_block_height.value();
    let time = sync.latest_block_time.to_rfc3339();
    let price = chain.settings().gas_price.clone();
    // The price of a million units is the shortest way to say it in whole numbers.
    let million = price.cost(1_000_000);
    let node = context.settings.shown_node();
    let json = json!({
        "node": node,
        "moniker": info.moniker.to_string(),
        "chain_id": chain.id(),
        "height": height,
        "time": time,
        "catching_up": sync.catching_up,
        "gas_price": { "denom": million.denom, "amount_per_million": million.amount.to_string() },
    });
    let text = fields(&[
        ("node", format!("{node} ({})", info.moniker)),
        ("chain", chain.id().to_owned()),
        ("height", format!("{height}, {time}{}", if sync.catching_up { ", catching up" } else { "" })),
        ("gas", format!("{million} for a million units")),
    ]);
    Ok(Answer::new(text, json))
}
