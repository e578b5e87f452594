//! How long the rounds of a task took, and what they weighed, as the blocks tell.

use anyhow::Context as _;
use bauta_client::chain::Chain;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use prost::Message as _;

/// A finished round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    /// Height of the block at whose end it opened.
    pub opened: u64,
    /// Height of the block that settled it.
    pub settled: u64,
    /// Seconds between the two.
    pub seconds: f64,
    /// Who survived.
    pub survivors: usize,
}

impl Timed {
    /// What of it was not the pause after a block, in seconds.
    pub fn besides_pauses(&self, block_ms: u64) -> f64 {
        let pauses = (self.settled - self.opened) as f64 * block_ms as f64 / 1_000.0;
        (self.seconds - pauses).max(0.0)
    }
}

/// The settled rounds of a task.
///
/// # Errors
/// When the chain does not answer, or has forgotten a round.
pub async fn rounds(chain: &Chain, task: u64) -> anyhow::Result<Vec<Timed>> {
    let last = chain.task(task).await?.0.round;
    let mut timed = Vec::new();
    for number in 1..=last {
        let found = chain.round(task, number).await?.and_then(|response| response.round);
        let round = found.with_context(|| format!("round {number} is forgotten"))?;
        if round.settled_height == 0 {
            continue;
        }
        let (from, to) = (time(chain, round.opened_height).await?, time(chain, round.settled_height).await?);
        timed.push(Timed {
            opened: round.opened_height,
            settled: round.settled_height,
            seconds: to - from,
            survivors: round.survivors.len(),
        });
    }
    Ok(timed)
}

/// A block's time, in seconds since the epoch.
async fn time(chain: &Chain, height: u64) -> anyhow::Result<f64> {
    let time = chain.block(Some(height)).await?.block.header.time;
    Ok(time.unix_timestamp_nanos() as f64 / 1e9)
}

/// Bytes of protocol messages in blocks between two heights, the first not included.
///
/// # Errors
/// When the chain does not answer.
pub async fn bytes_of_rounds(chain: &Chain, after: u64, to: u64) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for height in after + 1..=to {
        for tx in chain.block(Some(height)).await?.block.data {
            bytes += if is_protocol(&tx)? { tx.len() as u64 } else { 0 };
        }
    }
    Ok(bytes)
}

/// How many transactions besides protocol messages each block between two heights has, the first not included.
///
/// # Errors
/// When the chain does not answer.
pub async fn transfers(chain: &Chain, after: u64, to: u64) -> anyhow::Result<Vec<u64>> {
    let mut counts = Vec::new();
    for height in after + 1..=to {
        let mut count = 0;
        for tx in chain.block(Some(height)).await?.block.data {
            count += u64::from(!is_protocol(&tx)?);
        }
        counts.push(count);
    }
    Ok(counts)
}

fn is_protocol(tx: &[u8]) -> anyhow::Result<bool> {
    let body = TxBody::decode(TxRaw::decode(tx)?.body_bytes.as_slice())?;
    Ok(body.messages.iter().all(|message| message.type_url.starts_with("/bauta.training.")))
}
