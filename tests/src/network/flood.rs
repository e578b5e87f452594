//! Transfers, as many as the node takes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use anyhow::Context as _;
use bauta_client::chain::{messages, Coin, Fee, DEFAULT_DENOM};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::{signer, Host};

/// What a transfer's gas is limited to.
const GAS: u64 = 200_000;
/// How often it is looked how many wait.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);
/// Its fee, smallest denomination.
const FEE: u128 = 10_000;

/// What became of the transfers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flooded {
    /// Taken into the mempool.
    pub taken: u64,
    /// The most that waited in the mempool at a time, of whatever kind.
    pub most_waiting: u64,
}

/// Accounts that send one transfer after the other until they are told to stop.
pub struct Flood {
    stop: Arc<AtomicBool>,
    taken: Arc<AtomicU64>,
    most_waiting: Arc<AtomicU64>,
    senders: JoinSet<anyhow::Result<()>>,
}

impl Flood {
    /// What the accounts are called that must own coins.
    pub fn names(senders: usize) -> Vec<String> {
        (0..senders).map(|index| format!("flood{index}")).collect()
    }

    /// Begins to send; `url` is CometBFT's RPC.
    ///
    /// # Errors
    /// When the node's address is none.
    pub fn start(host: &dyn Host, url: &str, senders: usize) -> anyhow::Result<Self> {
        let mut flood =
            Self { stop: Arc::default(), taken: Arc::default(), most_waiting: Arc::default(), senders: JoinSet::new() };
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
        let (url, stop, most) =
            (url.trim_start_matches("http://").to_owned(), Arc::clone(&flood.stop), Arc::clone(&flood.most_waiting));
        flood.senders.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                most.fetch_max(waiting(&url).await?, Ordering::Relaxed);
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        });
        Ok(flood)
    }

    /// Stops sending.
    ///
    /// # Errors
    /// When a transfer was refused for another reason than a full mempool.
    pub async fn stop(mut self) -> anyhow::Result<Flooded> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(done) = self.senders.join_next().await {
            done??;
        }
        Ok(Flooded {
            taken: self.taken.load(Ordering::Relaxed),
            most_waiting: self.most_waiting.load(Ordering::Relaxed),
        })
    }
}

/// How many transactions wait in CometBFT's mempool (its RPC's `num_unconfirmed_txs`).
async fn waiting(address: &str) -> anyhow::Result<u64> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = format!("GET /num_unconfirmed_txs HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: serde_json::Value = serde_json::from_str(body.trim()).context("num_unconfirmed_txs")?;
    body["result"]["n_txs"].as_str().and_then(|count| count.parse().ok()).context("num_unconfirmed_txs names no number")
}
