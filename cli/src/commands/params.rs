//! `bauta params`: the parameters of the training module.

use serde_json::json;

use super::Answered;
use crate::answer::{fields, Answer};
use crate::context::Context;

/// Runs the command.
pub async fn run(context: &Context) -> Answered {
    let params = context.chain().await?.training_params().await?;
    let address = |text: &String| if text.is_empty() { "not set".to_owned() } else { text.clone() };
    let text = fields(&[
        ("authority", address(&params.authority)),
        ("registry", address(&params.registry)),
        ("staking", address(&params.staking)),
        ("slashing", address(&params.slashing)),
        ("shortest window", format!("{} blocks", params.min_window)),
        ("longest window", format!("{} counted blocks", params.max_window)),
        ("protocol lane", format!("{} bytes a block", params.lane_bytes)),
        ("largest model", format!("{} elements, {} bytes inline", params.max_elements, params.max_inline_model)),
        ("work of a block", format!("{} operations", params.block_operations)),
        ("rounds kept", params.kept_rounds.to_string()),
        ("most rounds", params.max_rounds.to_string()),
        ("least gas price", format!("{} for 1000 units", params.min_gas_price)),
        ("gas of a contract's call", params.contract_gas.to_string()),
    ]);
    let json = json!({
        "authority": params.authority,
        "registry": params.registry,
        "staking": params.staking,
        "slashing": params.slashing,
        "min_window": params.min_window,
        "max_window": params.max_window,
        "lane_bytes": params.lane_bytes,
        "max_elements": params.max_elements,
        "max_inline_model": params.max_inline_model,
        "block_operations": params.block_operations,
        "kept_rounds": params.kept_rounds,
        "max_rounds": params.max_rounds,
        "min_gas_price": params.min_gas_price,
        "contract_gas": params.contract_gas,
    });
    Ok(Answer::new(text, json))
}
