//! Who signs, and which sequence its next transaction has.

use cosmrs::AccountId;
use tokio::sync::Mutex;

use super::{Chain, ChainError};
use crate::keys::{KeyError, SecretKey};

/// An account that signs. Keeps its own count of sequences, so that several of its transactions may be on their way at once.
///
/// One signer an account and process: two would hand out the same sequence twice, and one of the transactions would be refused.
pub struct Signer {
    key: SecretKey,
    account: AccountId,
    sequence: Mutex<Option<Sequence>>,
}

/// An account's number, and the sequence of its next transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) number: u64,
    pub(super) next: u64,
}

impl Signer {
    /// A signer with a key, for a chain with a prefix.
    ///
    /// # Errors
    /// [`KeyError::Prefix`].
    pub fn new(key: SecretKey, prefix: &str) -> Result<Self, KeyError> {
        Ok(Self { account: key.account(prefix)?, key, sequence: Mutex::new(None) })
    }

    /// Its address as text.
    #[must_use]
    pub fn address(&self) -> &str {
        self.account.as_ref()
    }

    /// Its address's bytes.
    #[must_use]
    pub fn address_bytes(&self) -> Vec<u8> {
        self.account.to_bytes()
    }

    pub(super) fn key(&self) -> &SecretKey {
        &self.key
    }

    /// The count, held while a transaction is signed and broadcast: the mempool wants an account's sequences in order.
    pub(super) async fn hold(&self) -> tokio::sync::MutexGuard<'_, Option<Sequence>> {
        self.sequence.lock().await
    }

    /// Forgets the count; the next transaction reads it from the chain.
    pub async fn forget_sequence(&self) {
        *self.sequence.lock().await = None;
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.account)
    }
}

/// The count as the last block left it.
pub(super) async fn read_sequence(chain: &Chain, address: &str) -> Result<Sequence, ChainError> {
    let account = chain.account(address).await?.ok_or_else(|| ChainError::NoAccount(address.to_owned()))?;
    Ok(Sequence { number: account.account_number, next: account.sequence })
}

/// The sequence that a refusal says was expected: the mempool's count, which is ahead of the last block's while transactions of the
/// account wait.
pub(super) fn expected_in(sentence: &str) -> Option<u64> {
    let (_, rest) = sentence.split_once("expected ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_that_was_expected_is_read_from_the_refusal() {
        let sentence = "account sequence mismatch, expected 12, got 9: incorrect account sequence";
        assert_eq!(expected_in(sentence), Some(12));
        assert_eq!(expected_in("incorrect account sequence"), None);
        assert_eq!(expected_in("expected 99999999999999999999"), None);
    }
}
