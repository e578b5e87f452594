//! The calls of CometBFT's RPC that a client makes, as an object.
//!
//! [`tendermint_rpc::Client`] has generic methods and cannot be one; this trait names the few calls that are made, and every client of
//! `tendermint_rpc` has it.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures::FutureExt as _;
use tendermint::block::signed_header::SignedHeader;
use tendermint::Hash;
use tendermint_rpc::endpoint::{abci_query::AbciQuery, block, block_results, broadcast::tx_sync, status, tx};
use tendermint_rpc::error::ErrorDetail;
use tendermint_rpc::{Client, Paging};

use super::mempool::Unconfirmed;
use super::ChainError;

/// The calls that a client makes.
#[async_trait]
pub trait Rpc: Send + Sync {
    /// `status`.
    async fn status(&self) -> Result<status::Response, ChainError>;
    /// `abci_query` at the last height, without a proof.
    async fn abci_query(&self, path: &str, data: Vec<u8>) -> Result<AbciQuery, ChainError>;
    /// `broadcast_tx_sync`.
    async fn broadcast_tx_sync(&self, tx: Vec<u8>) -> Result<tx_sync::Response, ChainError>;
    /// `tx`; `None` when no block holds it.
    async fn tx(&self, hash: Hash) -> Result<Option<tx::Response>, ChainError>;
    /// `block`, at a height or the last.
    async fn block(&self, height: Option<u64>) -> Result<block::Response, ChainError>;
    /// `block_results` at a height.
    async fn block_results(&self, height: u64) -> Result<block_results::Response, ChainError>;
    /// `validators` of a height, all pages.
    async fn validators(&self, height: u64) -> Result<Vec<tendermint::validator::Info>, ChainError>;
    /// `commit` of a height: the header, and who signed it.
    async fn commit(&self, height: u64) -> Result<SignedHeader, ChainError>;
    /// `abci_query` after the block of a height, with a proof.
    async fn abci_proof(&self, path: &str, data: Vec<u8>, height: u64) -> Result<AbciQuery, ChainError>;
    /// `unconfirmed_txs`, as many as a node shows.
    async fn unconfirmed_txs(&self) -> Result<Vec<Vec<u8>>, ChainError>;
    /// What node `at` said does not hold: where there are others, one of them is asked from now on, unless one is already.
    fn turn_away(&self, _at: usize, _why: &(dyn std::fmt::Display + Sync)) {}
    /// Which node is asked, counted from 0.
    fn current(&self) -> usize {
        0
    }
    /// How many nodes there are to ask.
    fn nodes(&self) -> usize {
        1
    }
}

#[async_trait]
impl<C: Client + Send + Sync> Rpc for C {
    async fn status(&self) -> Result<status::Response, ChainError> {
        answer("status", Client::status(self)).await
    }

    async fn abci_query(&self, path: &str, data: Vec<u8>) -> Result<AbciQuery, ChainError> {
        answer(path, Client::abci_query(self, Some(path.to_owned()), data, None, false)).await
    }

    async fn broadcast_tx_sync(&self, tx: Vec<u8>) -> Result<tx_sync::Response, ChainError> {
        answer("broadcast_tx_sync", Client::broadcast_tx_sync(self, tx)).await
    }

    async fn tx(&self, hash: Hash) -> Result<Option<tx::Response>, ChainError> {
        match read("tx", Client::tx(self, hash, false)).await? {
            Ok(found) => Ok(Some(found)),
            // CometBFT: "tx (HASH) not found", as an internal error.
            Err(error) if one_line(&error).contains("not found") => Ok(None),
            Err(error) => Err(failed("tx", &error)),
        }
    }

    async fn block(&self, height: Option<u64>) -> Result<block::Response, ChainError> {
        match height {
            None => answer("block", self.latest_block()).await,
            Some(height) => answer("block", Client::block(self, height_of(height)?)).await,
        }
    }

    async fn block_results(&self, height: u64) -> Result<block_results::Response, ChainError> {
        answer("block_results", Client::block_results(self, height_of(height)?)).await
    }

    async fn validators(&self, height: u64) -> Result<Vec<tendermint::validator::Info>, ChainError> {
        let answer = answer("validators", Client::validators(self, height_of(height)?, Paging::All)).await?;
        Ok(answer.validators)
    }

    async fn commit(&self, height: u64) -> Result<SignedHeader, ChainError> {
        Ok(answer("commit", Client::commit(self, height_of(height)?)).await?.signed_header)
    }

    async fn unconfirmed_txs(&self) -> Result<Vec<Vec<u8>>, ChainError> {
        Ok(answer("unconfirmed_txs", self.perform(Unconfirmed::new())).await?.transactions())
    }

    async fn abci_proof(&self, path: &str, data: Vec<u8>, height: u64) -> Result<AbciQuery, ChainError> {
        let height = Some(height_of(height)?);
        answer(path, Client::abci_query(self, Some(path.to_owned()), data, height, true)).await
    }
}

async fn answer<T>(
    what: &str,
    call: impl Future<Output = Result<T, tendermint_rpc::Error>> + Send,
) -> Result<T, ChainError> {
    read(what, call).await?.map_err(|error| failed(what, &error))
}

/// What a call gives. The decoder of base64 that `tendermint` uses panics over some text that is none (subtle-encoding 0.5, such as
/// `=`): a node that answers so is told from one that does not, and ends nothing but the call.
async fn read<T>(what: &str, call: impl Future<Output = T> + Send) -> Result<T, ChainError> {
    let panicked = |_| ChainError::Answer { what: what.to_owned(), why: "its decoder broke off".to_owned() };
    AssertUnwindSafe(call).catch_unwind().await.map_err(panicked)
}

fn height_of(height: u64) -> Result<tendermint::block::Height, ChainError> {
    tendermint::block::Height::try_from(height)
        .map_err(|error| ChainError::Answer { what: format!("height {height}"), why: error.to_string() })
}

/// What CometBFT says when its application goes away under a call (abci/client/socket_client.go). It ends then, or should: nothing that it
/// is asked can be answered before it was started again.
const NO_APPLICATION: [&str; 3] = ["read message: ", "write to buffer: ", "flush buffer: "];

/// Whether the node was not reached, or was reached and answered with an error.
fn failed(what: &str, error: &tendermint_rpc::Error) -> ChainError {
    let text = one_line(error);
    match error.detail() {
        ErrorDetail::Response(_) if NO_APPLICATION.iter().any(|said| text.contains(said)) => {
            ChainError::Unreachable(format!("its application has gone away ({text})"))
        }
        ErrorDetail::Response(_) if text.contains("mempool is full") => {
            super::Refused { codespace: "sdk".to_owned(), code: 20, sentence: text }.into()
        }
        ErrorDetail::Response(_) if text.contains("tx already exists in cache") => {
            super::Refused { codespace: "sdk".to_owned(), code: 19, sentence: text }.into()
        }
        ErrorDetail::Response(_) | ErrorDetail::Parse(_) | ErrorDetail::Serde(_) | ErrorDetail::Tendermint(_) => {
            ChainError::Answer { what: what.to_owned(), why: text }
        }
        _ => ChainError::Unreachable(text),
    }
}

/// The first line of an error; what follows is where it was caught.
fn one_line(error: &tendermint_rpc::Error) -> String {
    let text = match error.detail() {
        ErrorDetail::Response(answer) => answer.source.to_string(),
        detail => detail.to_string(),
    };
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tendermint_rpc::{response_error::ResponseError, Code, Error};

    use super::*;

    fn said(data: &str) -> ChainError {
        failed("broadcast_tx_sync", &Error::response(ResponseError::new(Code::InternalError, Some(data.to_owned()))))
    }

    #[test]
    fn a_node_whose_application_has_gone_away_does_not_answer() {
        for data in [
            "read message: EOF",
            "appConn mempool: read message: EOF",
            "read message: read tcp 127.0.0.1:40874->127.0.0.1:26658: read: connection reset by peer",
            "flush buffer: write tcp 127.0.0.1:40874->127.0.0.1:26658: write: broken pipe",
        ] {
            assert!(matches!(said(data), ChainError::Unreachable(why) if why.contains(data)), "{data}");
        }
        assert!(said("mempool is full: number of txs 1 (max: 1)").refused().unwrap().is_full());
        assert!(matches!(said("height 9 must be less than or equal to 8"), ChainError::Answer { .. }));
    }
}
