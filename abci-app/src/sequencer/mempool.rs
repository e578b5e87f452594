//! Transactions that wait for a block.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, TxRaw};
use prost::bytes::Bytes;
use prost::Message as _;
use sha2::{Digest, Sha256};
use tendermint_proto::v0_38::abci::{request, response, CheckTxType, RequestCheckTx, ResponseCheckTx};

use super::{lock, EngineError, Shared};

/// Hashes that are remembered, so that a transaction that was in a block is not taken again (CometBFT's cache).
const REMEMBERED: usize = 100_000;

/// Transactions in the order in which they came.
pub(super) struct Mempool {
    waiting: Vec<Waiting>,
    known: BTreeSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
    bytes: usize,
    max_txs: usize,
    max_bytes: usize,
}

/// One that waits.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) tx: Bytes,
    hash: [u8; 32],
    signer: Vec<u8>,
}

/// Why a transaction is not taken, before the application is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Known,
    Full,
}

impl Mempool {
    pub(super) fn new(max_txs: usize, max_bytes: usize) -> Self {
        Self { waiting: Vec::new(), known: BTreeSet::new(), order: VecDeque::new(), bytes: 0, max_txs, max_bytes }
    }

    pub(super) fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn holds(&self, hash: &[u8; 32]) -> bool {
        self.waiting.iter().any(|waiting| waiting.hash == *hash)
    }

    fn remember(&mut self, hash: [u8; 32]) {
        if self.known.insert(hash) {
            self.order.push_back(hash);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    fn forget(&mut self, hash: &[u8; 32]) {
        self.known.remove(hash);
        self.order.retain(|known| known != hash);
    }

    /// All that wait. In lockstep they came in an order that threads decided: it is replaced by one that only the
    /// height and the signers decide, each signer's own order kept.
    pub(super) fn reap(&self, height: u64, lockstep: bool) -> Vec<Bytes> {
        if !lockstep {
            return self.waiting.iter().map(|waiting| waiting.tx.clone()).collect();
        }
        let mut by_signer: BTreeMap<[u8; 32], Vec<Bytes>> = BTreeMap::new();
        for waiting in &self.waiting {
            let turn = Sha256::new().chain_update(height.to_be_bytes()).chain_update(&waiting.signer).finalize();
            by_signer.entry(turn.into()).or_default().push(waiting.tx.clone());
        }
        by_signer.into_values().flatten().collect()
    }
}

/// The first signer, as far as it can be seen from outside.
fn signer(tx: &[u8]) -> Vec<u8> {
    TxRaw::decode(tx)
        .ok()
        .and_then(|raw| AuthInfo::decode(raw.auth_info_bytes.as_slice()).ok())
        .and_then(|info| info.signer_infos.into_iter().next())
        .and_then(|info| info.public_key)
        .map_or_else(|| Sha256::digest(tx).to_vec(), |key| key.value)
}

/// The hash that names a transaction.
pub(super) fn hash_of(tx: &[u8]) -> [u8; 32] {
    Sha256::digest(tx).into()
}

impl Shared {
    /// Offers a transaction to the mempool: what the application said, or why it was not asked.
    pub(super) fn offer(&self, tx: Vec<u8>) -> Result<Result<ResponseCheckTx, Refused>, EngineError> {
        if let Some(stopped) = self.pace.stopped() {
            return Err(stopped);
        }
        let mut mempool = lock(&self.mempool);
        let hash = hash_of(&tx);
        if mempool.known.contains(&hash) {
            return Ok(Err(Refused::Known));
        }
        if mempool.waiting.len() >= mempool.max_txs || mempool.bytes + tx.len() > mempool.max_bytes {
            return Ok(Err(Refused::Full));
        }
        mempool.remember(hash);
        let tx = Bytes::from(tx);
        let check = self.check(tx.clone(), CheckTxType::New)?;
        if check.code == 0 {
            mempool.bytes += tx.len();
            let signer = signer(&tx);
            mempool.waiting.push(Waiting { tx, hash, signer });
            self.pace.set_work(true);
        } else {
            // It may be right later.
            mempool.forget(&hash);
        }
        Ok(Ok(check))
    }

    /// After a block: its transactions no longer wait; the others are asked again. The mempool was locked before the commit, as CometBFT's is
    /// (state/execution.go, `Commit`): what came between the two would count for the application already, and be asked again as if it
    /// came behind itself.
    pub(super) fn update_mempool(&self, mempool: &mut Mempool, included: &[Bytes]) -> Result<(), EngineError> {
        let included: BTreeSet<[u8; 32]> = included.iter().map(|tx| hash_of(tx)).collect();
        for hash in &included {
            mempool.remember(*hash);
        }
        let mut waiting = std::mem::take(&mut mempool.waiting);
        waiting.retain(|waiting| !included.contains(&waiting.hash));
        let mut kept = Vec::with_capacity(waiting.len());
        for waiting in waiting {
            if self.check(waiting.tx.clone(), CheckTxType::Recheck)?.code == 0 {
                kept.push(waiting);
            } else {
                mempool.forget(&waiting.hash);
            }
        }
        mempool.bytes = kept.iter().map(|waiting| waiting.tx.len()).sum();
        mempool.waiting = kept;
        self.pace.set_work(!mempool.waiting.is_empty());
        Ok(())
    }

    fn check(&self, tx: Bytes, kind: CheckTxType) -> Result<ResponseCheckTx, EngineError> {
        match self.call(request::Value::CheckTx(RequestCheckTx { tx, r#type: kind as i32 }))? {
            response::Value::CheckTx(check) => Ok(check),
            _ => Err(EngineError::App("it answers CheckTx with something else".into())),
        }
    }
}
