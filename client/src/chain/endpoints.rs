//! Several nodes of one chain as one: calls go to one of them, and to the next when that one does not answer, or
//! answers what cannot be understood.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use async_trait::async_trait;
use tendermint::block::signed_header::SignedHeader;
use tendermint::Hash;
use tendermint_rpc::endpoint::{abci_query::AbciQuery, block, block_results, broadcast::tx_sync, status, tx};

use super::{ChainError, Refused, Rpc};

/// Nodes of one chain, asked one after the other.
pub struct Endpoints {
    nodes: Vec<Arc<dyn Rpc>>,
    current: AtomicUsize,
}

type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ChainError>> + Send + 'a>>;

impl Endpoints {
    /// Some nodes, the first of which is asked first; `None` without any.
    #[must_use]
    pub fn new(nodes: Vec<Arc<dyn Rpc>>) -> Option<Self> {
        (!nodes.is_empty()).then(|| Self { nodes, current: AtomicUsize::new(0) })
    }

    fn asked(&self) -> (usize, &dyn Rpc) {
        let at = self.current.load(Ordering::Relaxed) % self.nodes.len();
        (at, self.nodes[at].as_ref())
    }

    /// From now on the node after `at` is asked, unless somebody has turned away from that one already.
    fn leave(&self, at: usize, why: &(dyn std::fmt::Display + Sync)) {
        let next = (at + 1) % self.nodes.len();
        if next != at && self.current.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            tracing::warn!(%why, node = next + 1, of = self.nodes.len(), "asking another node from now on");
        }
    }

    /// Asks one node after the other until one answers what can be understood, each at most once. An error that all of them answer is the
    /// answer: it is not turned away from.
    async fn ask<'a, T>(&'a self, question: impl Fn(&'a dyn Rpc) -> Asked<'a, T>) -> Result<T, ChainError> {
        let mut left = self.nodes.len();
        let mut first = None;
        loop {
            let (at, node) = self.asked();
            match question(node).await {
                Err(error @ (ChainError::Unreachable(_) | ChainError::Answer { .. })) => {
                    left -= 1;
                    if left == 0 {
                        return Err(match (first, error) {
                            (Some(answer @ ChainError::Answer { .. }), ChainError::Unreachable(_)) => answer,
                            (_, last) => last,
                        });
                    }
                    self.leave(at, &error);
                    first.get_or_insert(error);
                }
                answer => return answer,
            }
        }
    }
}

#[async_trait]
impl Rpc for Endpoints {
    async fn status(&self) -> Result<status::Response, ChainError> {
        self.ask(|node| node.status()).await
    }

    async fn abci_query(&self, path: &str, data: Vec<u8>) -> Result<AbciQuery, ChainError> {
        let path = path.to_owned();
        self.ask(move |node| {
            let (path, data) = (path.clone(), data.clone());
            Box::pin(async move { node.abci_query(&path, data).await })
        })
        .await
    }

    /// One node only: after a lost answer it is the caller who sends the same bytes again, knowing that they may have arrived.
    async fn broadcast_tx_sync(&self, tx: Vec<u8>) -> Result<tx_sync::Response, ChainError> {
        let (at, node) = self.asked();
        let answer = node.broadcast_tx_sync(tx).await;
        if let Err(error) = &answer {
            let is_full = error.refused().is_some_and(Refused::is_full);
            if is_full || matches!(error, ChainError::Unreachable(_)) {
                self.leave(at, error);
            }
        }
        answer
    }

    async fn tx(&self, hash: Hash) -> Result<Option<tx::Response>, ChainError> {
        self.ask(|node| node.tx(hash)).await
    }

    async fn block(&self, height: Option<u64>) -> Result<block::Response, ChainError> {
        self.ask(|node| node.block(height)).await
    }

    async fn block_results(&self, height: u64) -> Result<block_results::Response, ChainError> {
        self.ask(|node| node.block_results(height)).await
    }

    async fn validators(&self, height: u64) -> Result<Vec<tendermint::validator::Info>, ChainError> {
        self.ask(|node| node.validators(height)).await
    }

    async fn commit(&self, height: u64) -> Result<SignedHeader, ChainError> {
        self.ask(|node| node.commit(height)).await
    }

    async fn abci_proof(&self, path: &str, data: Vec<u8>, height: u64) -> Result<AbciQuery, ChainError> {
        let path = path.to_owned();
        self.ask(move |node| {
            let (path, data) = (path.clone(), data.clone());
            Box::pin(async move { node.abci_proof(&path, data, height).await })
        })
        .await
    }

    async fn unconfirmed_txs(&self) -> Result<Vec<Vec<u8>>, ChainError> {
        self.ask(|node| node.unconfirmed_txs()).await
    }

    fn turn_away(&self, at: usize, why: &(dyn std::fmt::Display + Sync)) {
        self.leave(at, why);
    }

    fn current(&self) -> usize {
        self.asked().0
    }

    fn nodes(&self) -> usize {
        self.nodes.len()
    }
}
