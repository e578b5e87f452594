//! What was sent lately, so that nothing is sent twice before it had time to arrive, and nothing is given up before it was tried again.

use std::collections::BTreeMap;

use cosmrs::Any;

use super::{Provider, ProviderError};
use crate::chain::{ChainError, Fee, Refused};

/// Blocks after which a message that had no effect is sent again.
const PATIENCE: u64 = 3;
/// How often the same message is sent at most.
const MAX_TRIES: u32 = 20;

/// Something that is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    Enrol(u64),
    Deal(u64),
    Contribute(u64),
    Complain(u64, u32, Vec<u8>),
    Evaluate(u64, u32),
    EvaluateForSeats(u64, u32),
    CheckIn(u64),
    Header(u64),
    Chunk(u64, u32),
    Unmask(u64, u32),
    /// Round and pass.
    BlameValues(u64, u32),
    /// Round.
    ComplainAboutWrap(u64),
    /// Round, seat and list.
    OpenEdges(u64, u32, u32),
}

impl Action {
    fn round(&self) -> Option<u64> {
        match self {
            Self::CheckIn(round)
            | Self::Header(round)
            | Self::Chunk(round, _)
            | Self::Unmask(round, _)
            | Self::BlameValues(round, _)
            | Self::ComplainAboutWrap(round)
            | Self::OpenEdges(round, ..) => Some(*round),
            Self::Enrol(_)
            | Self::Contribute(_)
            | Self::Deal(_)
            | Self::Complain(..)
            | Self::Evaluate(..)
            | Self::EvaluateForSeats(..) => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Attempt {
    height: u64,
    hash: Option<[u8; 32]>,
    tries: u32,
    /// Codespace and code with which a block refused it last: what was said already.
    refused: Option<(String, u32)>,
}

/// What was sent, and when.
#[derive(Debug, Default)]
pub(super) struct Attempts(BTreeMap<Action, Attempt>);

impl Attempts {
    /// Whether it is time to send something, for the first time or again.
    pub fn is_time(&self, action: &Action, height: u64) -> bool {
        self.0.get(action).is_none_or(|attempt| height >= attempt.height + PATIENCE && attempt.tries < MAX_TRIES)
    }

    /// Whether something was sent before.
    pub fn was_sent(&self, action: &Action) -> bool {
        self.0.get(action).is_some_and(|attempt| attempt.hash.is_some())
    }

    /// Whether this process tried to send something, in vain or not.
    pub fn was_tried(&self, action: &Action) -> bool {
        self.0.contains_key(action)
    }

    pub fn forget_round(&mut self, round: u64) {
        self.0.retain(|action, _| action.round().is_none_or(|of| of > round));
    }

    fn note(&mut self, action: Action, height: u64, hash: Option<[u8; 32]>) {
        let before = self.0.remove(&action);
        let tries = before.as_ref().map_or(0, |attempt| attempt.tries) + 1;
        self.0.insert(action, Attempt { height, hash, tries, refused: before.and_then(|attempt| attempt.refused) });
    }

    /// Notes that a block refused something; whether that is new: the same refusal, sent again every few blocks, is said once.
    fn is_news(&mut self, action: &Action, refused: &Refused) -> bool {
        let Some(attempt) = self.0.get_mut(action) else { return true };
        let now = Some((refused.codespace.clone(), refused.code));
        let is_news = attempt.refused != now;
        attempt.refused = now;
        is_news
    }
}

impl Provider {
    /// Sends a protocol message whose turn it is, as a transaction of its own; its task pays. Whether it had an effect is seen in the
    /// state at a later height; one that had none is sent again with what is then the next sequence.
    pub(super) async fn post(
        &mut self,
        height: u64,
        action: Action,
        message: Any,
        operations: u64,
    ) -> Result<bool, ProviderError> {
        if !self.attempts.is_time(&action, height) {
            return Ok(false);
        }
        if let Some(hash) = self.attempts.0.get(&action).and_then(|attempt| attempt.hash) {
            if let Some(refused) = self.chain.transaction(&hash).await?.and_then(|outcome| outcome.refused) {
                if self.attempts.is_news(&action, &refused) {
                    tracing::warn!(?action, %refused, "the chain refused this; it is sent again");
                }
            }
            self.signer.forget_sequence().await;
        }
        let gas = gas_of(message.value.len() as u64, operations);
        match self.chain.send(&self.signer, &[message], Fee::ByTask(gas), "").await {
            Ok(sent) => {
                self.attempts.note(action, height, Some(sent.hash));
                Ok(true)
            }
            Err(ChainError::Refused(refused)) => {
                self.attempts.note(action, height, None);
                Err(ChainError::Refused(refused).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A limit above what a message needs: `rounds`' own count, the transaction's bytes, signature, and what it stores. What is charged is
/// what `rounds` counts, not this.
fn gas_of(bytes: u64, operations: u64) -> u64 {
    bauta_rounds::cost::gas(bytes, operations).saturating_mul(2).saturating_add(1_000_000 + 100 * bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_news_once_and_again_when_it_changes() {
        let refused = |code, sentence: &str| Refused { codespace: "training".into(), code, sentence: sentence.into() };
        let mut attempts = Attempts::default();
        let action = Action::CheckIn(3);
        let mut news = Vec::new();
        for (height, refusal) in [
            (10, refused(7, "at height 10")),
            (13, refused(7, "at height 13")),
            (16, refused(8, "")),
            (19, refused(7, "")),
        ] {
            attempts.note(action.clone(), height, Some([1; 32]));
            news.push(attempts.is_news(&action, &refusal));
        }
        assert_eq!(news, [true, false, true, true]);
        assert_eq!(attempts.0[&action].tries, 4);
    }
}
