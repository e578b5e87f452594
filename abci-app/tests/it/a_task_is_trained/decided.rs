//! The blocks of a task, for other nodes.

use cosmos_sdk_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use sha2::{Digest as _, Sha256};
use tendermint_proto::v0_38::abci::{request, Request, RequestFinalizeBlock};

use super::*;

/// A chain's blocks from its first on.
pub struct Decided {
    pub genesis: serde_json::Value,
    pub blocks: Vec<DecidedBlock>,
}

impl Decided {
    /// What a node is asked to execute.
    pub fn request(block: &DecidedBlock) -> RequestFinalizeBlock {
        match Request::decode(block.request.as_slice()).unwrap().value {
            Some(request::Value::FinalizeBlock(request)) => request,
            other => panic!("a block was executed with {other:?}"),
        }
    }

    /// The messages in a block.
    pub fn messages(block: &DecidedBlock) -> Vec<Any> {
        let body = |tx: &Vec<u8>| TxBody::decode(TxRaw::decode(tx.as_slice()).unwrap().body_bytes.as_slice()).unwrap();
        block.txs.iter().flat_map(|tx| body(tx).messages).collect()
    }

    /// SHA-256 of each chunk that was submitted.
    pub fn chunks(&self) -> Vec<[u8; 32]> {
        let messages = self.blocks.iter().flat_map(Self::messages);
        let chunks = messages.filter(|message| message.type_url == type_url::SUBMIT_CHUNK);
        chunks
            .map(|chunk| Sha256::digest(pb::MsgSubmitChunk::decode(chunk.value.as_slice()).unwrap().data).into())
            .collect()
    }
}

/// From the contracts' codes to the end of a task's epoch: four check in, one of them is silent after that, and the chunks of the
/// others are released when the round has finished.
pub async fn decided() -> Decided {
    let (mut chain, mut admin, mut owner, mut providers) = start();
    let contracts = install(&chain, &mut admin).await;
    let message = create(&owner);
    chain.ok(&mut owner, vec![message]).await;
    for provider in &mut providers {
        stand(&chain, &contracts, provider).await;
        enrol(&mut chain, provider).await;
    }
    until_submit(&mut chain, &mut providers).await;
    for (n, provider) in providers.iter_mut().enumerate().take(3) {
        let masked_update = masked(&mut chain, n, provider, &update(n)).await;
        submit(&chain, provider, &masked_update).await;
    }
    chain.until_round(pb::RoundPhase::Unmask).await;
    for provider in providers.iter_mut().take(3) {
        answer(&mut chain, provider).await;
    }
    chain.until_round(pb::RoundPhase::Finished).await;
    chain.until_epoch(pb::EpochPhase::Closed).await;
    let blocks = chain.blocks.lock().unwrap().clone();
    Decided { genesis: chain.genesis.clone(), blocks }
}
