//! What a chain's blocks hold, and what was offered to its mempool, seen from outside.

use std::collections::{BTreeMap, BTreeSet};

use abci_app::operator::Replay;
use abci_app::{Node, NodeConfig};
use bauta_client::chain::Chain;
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use bauta_secagg::signature::Body as _;
use bauta_secagg::unmask::{MaskKind, Partial};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use prost::Message as _;
use serde_json::Value;
use tendermint::validator::Info;

/// A provider, a task, a round: one `V`, since an epoch has one for each provider, and rounds are counted over all epochs.
type Place = (String, u64, u64);
/// A body and the signature under it.
type Signed = (Vec<u8>, Vec<u8>);

/// What was signed, wherever it was seen.
#[derive(Debug, Default)]
pub struct Ledger {
    headers: BTreeMap<Place, BTreeSet<Signed>>,
    answers: BTreeMap<Place, BTreeSet<(u32, MaskKind)>>,
}

impl Ledger {
    /// Adds a transaction, whether it succeeded, failed, or never came into a block.
    pub fn add(&mut self, tx: &[u8]) {
        for message in messages(tx) {
            if message.type_url == type_url::SUBMIT_HEADER {
                let header = pb::MsgSubmitHeader::decode(message.value.as_slice()).unwrap();
                let place = (header.sender, header.task_id, header.round);
                self.headers.entry(place).or_default().insert((header.body, header.signature));
            } else if message.type_url == type_url::UNMASK {
                let answer = pb::MsgUnmask::decode(message.value.as_slice()).unwrap();
                let partial = Partial::decode(&answer.body).unwrap();
                let place = (answer.sender, answer.task_id, answer.round);
                let entries = partial.entries.iter().map(|entry| (entry.asked.provider().get(), entry.asked.kind()));
                self.answers.entry(place).or_default().extend(entries);
            }
        }
    }

    /// How many submissions were signed. Each is signed once: two headers of one round would convict, and two masked vectors of one
    /// update, or of two, would say more than their sum.
    pub fn headers(&self) -> usize {
        for (place, signed) in &self.headers {
            assert_eq!(signed.len(), 1, "{place:?} signed {} headers", signed.len());
        }
        self.headers.len()
    }

    /// How many seats answered. None answers both kinds for one provider: that would open its update.
    pub fn answers(&self) -> usize {
        for (place, answered) in &self.answers {
            let providers: BTreeSet<u32> = answered.iter().map(|(provider, _)| *provider).collect();
            assert_eq!(providers.len(), answered.len(), "the seat of {place:?} answered {answered:?}");
        }
        self.answers.len()
    }

    /// Whether somebody's header of a round is among it.
    pub fn has_header(&self, sender: &str, task: u64, round: u64) -> bool {
        self.headers.contains_key(&(sender.to_owned(), task, round))
    }
}

/// The messages of a transaction.
pub fn messages(tx: &[u8]) -> Vec<cosmos_sdk_proto::Any> {
    let raw = TxRaw::decode(tx).unwrap();
    TxBody::decode(raw.body_bytes.as_slice()).unwrap().messages
}

/// What a chain's blocks held.
#[derive(Debug, Default)]
pub struct Blocks {
    /// Up to which height the chain and the node beside it agree.
    pub agreed: u64,
    /// How many transactions there were.
    pub transactions: usize,
    /// How many of them failed.
    pub failed: usize,
}

/// Reads every block, and executes it on a node in this process, which never crashed: at each height it must have the app hash that the
/// chain's next header names.
pub async fn read(chain: &Chain, genesis: &Value, ledger: &mut Ledger) -> Blocks {
    let last = chain.height().await.unwrap();
    let node = Node::open(NodeConfig::default()).unwrap();
    let replay = Replay::begin(node.service(), genesis).unwrap();
    let (mut blocks, mut validators) = (Blocks::default(), Vec::<Info>::new());
    let mut ours: Option<Vec<u8>> = None;
    for height in 1..=last {
        let block = chain.block(Some(height)).await.unwrap().block;
        if let Some(ours) = &ours {
            let theirs = block.header.app_hash.as_bytes();
            assert_eq!(hex::encode(ours), hex::encode(theirs), "the app hash after block {}", height - 1);
            blocks.agreed = height - 1;
        }
        ours = Some(replay.block(&block, &validators).unwrap());
        validators = chain.validators(height).await.unwrap();
        block.data.iter().for_each(|tx| ledger.add(tx));
        let results = chain.block_results(height).await.unwrap().txs_results.unwrap_or_default();
        blocks.transactions += results.len();
        blocks.failed += results.iter().filter(|result| result.code.is_err()).count();
    }
    blocks
}

#[cfg(test)]
mod tests {
    use bauta_secagg::context::Root;
    use bauta_secagg::curve::{hash_to_curve, HashKind};
    use bauta_secagg::encoding::{Address, SeatIndex, Slot};
    use bauta_secagg::unmask::{Asked, PartialEntry};

    use super::*;

    fn transaction<M: prost::Message>(type_url: &str, message: &M) -> Vec<u8> {
        let any = cosmos_sdk_proto::Any { type_url: type_url.to_owned(), value: message.encode_to_vec() };
        let body = TxBody { messages: vec![any], ..TxBody::default() };
        TxRaw { body_bytes: body.encode_to_vec(), ..TxRaw::default() }.encode_to_vec()
    }

    fn header(round: u64, body: &[u8]) -> Vec<u8> {
        let (sender, body) = ("bauta1somebody".to_owned(), body.to_vec());
        let message = pb::MsgSubmitHeader { sender, task_id: 1, round, body, signature: vec![7; 64] };
        transaction(type_url::SUBMIT_HEADER, &message)
    }

    fn answer(asked: Asked) -> Vec<u8> {
        let value = hash_to_curve(HashKind::Pair, &[1; 32]);
        let partial = Partial {
            address: Address::new([1; 20]).unwrap(),
            seat: SeatIndex::new(1).unwrap(),
            request_root: Root::from_bytes([0; 32]),
            share_keys_root: Root::from_bytes([0; 32]),
            entries: vec![PartialEntry { asked, value }],
            proofs: Vec::new(),
        };
        let sender = "bauta1somebody".to_owned();
        let message = pb::MsgUnmask { sender, task_id: 1, round: 1, body: partial.encode(), signature: vec![7; 64] };
        transaction(type_url::UNMASK, &message)
    }

    #[test]
    #[should_panic(expected = "signed 2 headers")]
    fn a_second_header_of_a_round_is_seen() {
        let mut ledger = Ledger::default();
        for tx in [header(1, b"one"), header(1, b"one"), header(2, b"another")] {
            ledger.add(&tx);
        }
        assert_eq!(ledger.headers(), 2);
        ledger.add(&header(1, b"another"));
        ledger.headers();
    }

    #[test]
    #[should_panic(expected = "the seat of")]
    fn both_kinds_of_answer_for_one_provider_are_seen() {
        let (first, second) = (Slot::new(1).unwrap(), Slot::new(2).unwrap());
        let base = hash_to_curve(HashKind::Pair, &[2; 32]);
        let mut ledger = Ledger::default();
        for asked in [Asked::SelfMask { provider: first }, Asked::Edge { provider: second, base }] {
            ledger.add(&answer(asked));
        }
        assert_eq!(ledger.answers(), 1);
        ledger.add(&answer(Asked::Edge { provider: first, base }));
        ledger.answers();
    }
}
