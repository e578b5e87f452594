//! Waiting for blocks in lockstep: the next block is made when everybody waits for it, so nothing depends on timing.

use abci_app::sequencer::{Lockstep, Participant};
use async_trait::async_trait;
use bauta_client::chain::{ChainError, Pace};
use tokio::sync::Mutex;

/// One participant's place at the barrier.
pub struct InStep(Mutex<Participant>);

impl InStep {
    /// Takes a place: no block is made from now on until this one waits, too. Dropping it gives the place up.
    pub fn new(lockstep: &Lockstep) -> Self {
        Self(Mutex::new(lockstep.register()))
    }
}

#[async_trait]
impl Pace for InStep {
    async fn wait_past(&self, height: u64) -> Result<u64, ChainError> {
        let mut participant = self.0.lock().await;
        participant.wait_past(height).await.map_err(|stopped| ChainError::Unreachable(stopped.to_string()))
    }
}
