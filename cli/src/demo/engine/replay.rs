//! The blocks that CometBFT decided, executed once more on a node in this process.

use abci_app::operator::Replay;
use abci_app::{Node, NodeConfig};
use anyhow::{bail, Context as _};
use bauta_client::chain::{Chain, ChainSettings};
use serde_json::Value;
use tendermint::validator::Info;

/// Executes every block that the chain behind `url` has decided, and says up to which height both gave the same state.
///
/// # Errors
/// When the chain does not answer, or a height gave another state.
pub async fn replay(url: &str, genesis: &Value) -> anyhow::Result<u64> {
    let chain = Chain::http(url, ChainSettings::new(""))?;
    let last = chain.height().await?;
    let node = Node::open(NodeConfig::default())?;
    let replay = Replay::begin(node.service(), genesis).context("the replaying node does not begin")?;
    let mut validators: Vec<Info> = Vec::new();
    let mut ours: Option<Vec<u8>> = None;
    for height in 1..=last {
        let block = chain.block(Some(height)).await?.block;
        if let Some(ours) = &ours {
            // A header carries the state's root after the block before it.
            let theirs = block.header.app_hash.as_bytes();
            if ours != theirs {
                bail!("block {} gave {} here and {} there", height - 1, hex::encode(ours), hex::encode(theirs));
            }
        }
        let root = replay.block(&block, &validators).with_context(|| format!("block {height} cannot be replayed"))?;
        ours = Some(root);
        validators = chain.validators(height).await?;
    }
    node.recorder().wrong_call().map_or(Ok(last.saturating_sub(1)), |wrong| Err(wrong.into()))
}
