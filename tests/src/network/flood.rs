//! Transfers, as many as the node takes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use anyhow::Context as _;
use bauta_client::chain::{messages, Coin, Fee, DEFAULT_DENOM};
use tokio::task::JoinSet;

use super::{signer, Host};

/// What a transfer's gas is limited to.
const GAS: u64 = 200_000;
/// Its fee, smallest denomination.
const FEE: u128 = 10_000;

/// Accounts that send one transfer after the other until they are told to stop.
pub struct Flood {
    stop: Arc<AtomicBool>,
    taken: Arc<AtomicU64>,
    senders: JoinSet<anyhow::Result<()>>,
}

impl Flood {
    /// What the accounts are called that must own coins.
    pub fn names(senders: usize) -> Vec<String> {
        (0..senders).map(|index| format!("flood{index}")).collect()
    }

    /// Begins to send.
    ///
    /// # Errors
    /// When the node's address is none.
    pub fn start(host: &dyn Host, senders: usize) -> anyhow::Result<Self> {
        let mut flood = Self { stop: Arc::default(), taken: Arc::default(), senders: JoinSet::new() };
        for name in Self::names(senders) {
            let (chain, signer) = (host.chain()?, signer(&name)?);
            let (stop, taken) = (Arc::clone(&flood.stop), Arc::clone(&flood.taken));
            flood.senders.spawn(async move {
                let coins = [Coin::new(1, DEFAULT_DENOM)];
                let send = messages::send(signer.address(), signer.address(), &coins);
                while !stop.load(Ordering::Relaxed) {
                    let fee = Fee::Exact { gas: Some(GAS), amount: vec![Coin::new(FEE, DEFAULT_DENOM)] };
                    match chain.send(&signer, std::slice::from_ref(&send), fee, "").await {
                        Ok(_) => drop(taken.fetch_add(1, Ordering::Relaxed)),
                        // Room for it may come with a later block.
                        Err(error) if error.is_transient() => {}
                        Err(error) => return Err(error).context("a transfer was refused for good"),
                    }
                }
                Ok(())
            });
        }
        Ok(flood)
    }

    /// Stops sending; how many were taken into the mempool.
    ///
    /// # Errors
    /// When a transfer was refused for another reason than a full mempool.
    pub async fn stop(mut self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(done) = self.senders.join_next().await {
            done??;
        }
        Ok(self.taken.load(Ordering::Relaxed))
    }
}
