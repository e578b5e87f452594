//! Waiting for blocks.
//!
//! Whatever waits for the chain waits here, and nowhere else: behind a real node that is polling, in a process with its own sequencer
//! it is a barrier, so that nothing there depends on timing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{ChainError, Rpc};

/// How a participant waits for the next block.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Waits until the last block is above `height`; answers with its height.
    async fn wait_past(&self, height: u64) -> Result<u64, ChainError>;
}

/// After so long without a new block it is said that one is waited for.
const STANDSTILL: Duration = Duration::from_secs(60);

/// Asks for the node's status again and again.
pub struct Polling {
    rpc: Arc<dyn Rpc>,
    interval: Duration,
    patience: Duration,
}

impl Polling {
    /// Four times a second; an endpoint that stays away for five minutes is an error.
    #[must_use]
    pub fn new(rpc: Arc<dyn Rpc>) -> Self {
        Self::with(rpc, Duration::from_millis(250), Duration::from_secs(300))
    }

    /// With an interval, and how long a silent endpoint is borne.
    #[must_use]
    pub fn with(rpc: Arc<dyn Rpc>, interval: Duration, patience: Duration) -> Self {
        Self { rpc, interval, patience }
    }
}

#[async_trait]
impl Pace for Polling {
    async fn wait_past(&self, height: u64) -> Result<u64, ChainError> {
        let mut silence = Duration::ZERO;
        let mut waited = Duration::ZERO;
        let mut pause = self.interval;
        loop {
            match self.rpc.status().await {
                Ok(status) => {
                    let last = status.sync_info.latest_block_height.value();
                    if last > height {
                        return Ok(last);
                    }
                    silence = Duration::ZERO;
                    pause = self.interval;
                    let before = waited;
                    waited += pause;
                    if before < STANDSTILL && waited >= STANDSTILL {
                        tracing::warn!(height, last, "the node has shown no new block for a while; waiting on");
                    }
                }
                Err(error) => {
                    silence += pause;
                    if silence > self.patience {
                        return Err(error);
                    }
                    pause = (pause * 2).min(Duration::from_secs(10));
                }
            }
            tokio::time::sleep(pause).await;
        }
    }
}
