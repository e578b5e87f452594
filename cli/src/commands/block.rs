//! `bauta block`: look at blocks.

use clap::Args;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Answered;
use crate::answer::{fields, Answer};
use crate::context::Context;
use crate::failure::Failure;

/// Show a block
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bauta block                     the last one
  bauta block 42 --output json | jq -r '.txs[].hash'

JSON: {height, hash, time, chain_id, proposer, app_hash, evidence, txs: [{hash, code, gas_used}]}; app_hash is the state's root before \
the block, code 0 is success.")]
pub struct Block {
    /// Its height; the last block if it is not given
    height: Option<u64>,
}

/// Whether the node has a block of this height.
fn is_kept(height: u64, first: u64, last: u64) -> Result<(), Failure> {
    if (first..=last).contains(&height) {
        return Ok(());
    }
    let why = match height {
        0 => "heights count from 1".to_owned(),
        later if later > last => format!("block {height} is not made yet"),
        _ => format!("the node keeps block {height} no more"),
    };
    Err(Failure::new(format!("{why}; the node has blocks {first} to {last}")))
}

/// Runs the command.
pub async fn run(context: &Context, block: Block) -> Answered {
    let chain = context.chain().await?;
    if let Some(height) = block.height {
        let known = context.ask(chain.status()).await?.sync_info;
        is_kept(height, known.earliest_block_height.value().max(1), known.latest_block_height.value())?;
    }
    let answer = context.ask(chain.block(block.height)).await?;
    let (id, block) = (answer.block_id, answer.block);
    let height = block.header.height.value();
    let results = context.ask(chain.block_results(height)).await?.txs_results.unwrap_or_default();
    let txs: Vec<_> = block
        .data
        .iter()
        .zip(&results)
        .map(|(tx, result)| {
            let hash = hex::encode_upper(Sha256::digest(tx));
            json!({ "hash": hash, "code": result.code.value(), "gas_used": result.gas_used })
        })
        .collect();
    let json = json!({
        "height": height,
        "hash": id.hash.to_string(),
        "time": block.header.time.to_rfc3339(),
        "chain_id": block.header.chain_id.to_string(),
        "proposer": block.header.proposer_address.to_string(),
        "app_hash": block.header.app_hash.to_string(),
        "evidence": block.evidence.iter().count(),
        "txs": txs,
    });
    let mut rows = vec![
        ("block", height.to_string()),
        ("hash", id.hash.to_string()),
        ("time", block.header.time.to_rfc3339()),
        ("proposer", block.header.proposer_address.to_string()),
        ("state before", block.header.app_hash.to_string()),
        ("transactions", txs.len().to_string()),
    ];
    for tx in &txs {
        let result = if tx["code"] == 0 { "succeeded" } else { "failed" };
        rows.push(("", format!("{} {result}", tx["hash"].as_str().unwrap_or_default())));
    }
    Ok(Answer::new(fields(&rows), json))
}
