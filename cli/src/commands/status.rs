//! `bauta status`: how the node is doing.

use serde_json::json;

use super::Answered;
use crate::answer::{fields, Answer};
use crate::context::Context;

/// How the node is doing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bauta status --node http://localhost:26657

JSON: {node, chain_id, height, gas_price}")]
pub struct Args {}

/// Runs the command.
pub async fn run(context: &Context, _args: Args) -> Answered {
    let chain = context.chain().await?;
    let height = chain.height().await?;
    let price = chain.settings().gas_price.clone();
    // The price of a million units is the shortest way to say it in whole numbers.
    let million = price.cost(1_000_000);
    let node = &context.settings.node;
    let json = json!({
        "node": node,
        "chain_id": chain.id(),
        "height": height,
        "gas_price": { "denom": million.denom, "amount_per_million": million.amount.to_string() },
    });
    let text = fields(&[
        ("node", node.clone()),
        ("chain", chain.id().to_owned()),
        ("height", height.to_string()),
        ("gas", format!("{million} for a million units")),
    ]);
    Ok(Answer::new(text, json))
}
