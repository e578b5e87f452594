//! A node that is away: it is said once, waited for, and said once that it is back.

use std::time::Duration;

use super::{Event, Provider, ProviderError};
use crate::chain::ChainError;

/// How often it is looked whether the node answers, while no block comes.
const LOOK: Duration = Duration::from_secs(3);
/// How long an answer to that is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after whatever waits for blocks gave the node up.
const PAUSE: Duration = Duration::from_secs(1);

impl Provider {
    /// The height at which the node is.
    pub(super) async fn first_height(&mut self) -> Result<u64, ProviderError> {
        loop {
            match self.chain.height().await {
                Err(error) if error.is_transient() && !self.leave.is_asked() => self.node_is_away(&error),
                answer => return Ok(answer?),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits for a block above this height, however long the node is away. When the provider is asked to stop meanwhile, the height is the
    /// same again.
    pub(super) async fn next_height(&mut self, height: u64) -> Result<u64, ProviderError> {
        let (chain, leave) = (self.chain.clone(), self.leave.clone());
        let may_be_asked = !leave.is_asked();
        loop {
            // Never dropped half way but to stop: a place at a barrier is given up with it.
            let block = chain.wait_past(height);
            tokio::pin!(block);
            let error = loop {
                tokio::select! {
                    next = &mut block => match next {
                        Ok(next) => return Ok(next),
                        Err(error) => break error,
                    },
                    () = leave.asked(), if may_be_asked => return Ok(height),
                    () = tokio::time::sleep(LOOK) => match tokio::time::timeout(PATIENCE, chain.height()).await {
                        Ok(Ok(_)) => self.node_is_back(),
                        Ok(Err(error)) if error.is_transient() => self.node_is_away(&error),
                        Ok(Err(_)) | Err(_) => {}
                    },
                }
            };
            if !error.is_transient() {
                return Err(error.into());
            }
            self.node_is_away(&error);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Says that the node is away, if that is news.
    pub(super) fn node_is_away(&mut self, error: &ChainError) {
        if !std::mem::replace(&mut self.is_alone, true) {
            let why = match error {
                ChainError::Unreachable(why) => why.clone(),
                other => other.to_string(),
            };
            self.tell(Event::NodeAway { why });
        }
    }

    /// Says that the node is back, if it was said that it is away.
    pub(super) fn node_is_back(&mut self) {
        if std::mem::take(&mut self.is_alone) {
            self.tell(Event::NodeBack);
        }
    }
}
