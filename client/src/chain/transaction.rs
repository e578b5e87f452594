//! Transactions: sign, simulate, send, wait.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use cosmrs::proto::cosmos::base::abci::v1beta1::TxMsgData;
use cosmrs::proto::cosmos::crypto::secp256k1::PubKey;
use cosmrs::proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmrs::proto::cosmos::tx::v1beta1::{
    mode_info, AuthInfo, Fee as ProtoFee, ModeInfo, SignerInfo, SimulateRequest, SimulateResponse, TxBody, TxRaw,
};
use cosmrs::Any;
use prost::Message;
use sha2::{Digest, Sha256};
use tendermint::abci::Event;
use tendermint::Hash;

use super::account::{expected_in, read_sequence, Sequence};
use super::{Chain, ChainError, Coin, Fee, Refused, Signer};

/// How often a transaction is signed again because its sequence was wrong, or sent again because the mempool was full.
const MAX_ATTEMPTS: u32 = 6;

/// A transaction that a node has accepted into its mempool.
#[derive(Clone, Debug)]
pub struct Sent {
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The height when it was sent.
    pub sent_height: u64,
}

impl Sent {
    /// The hash as people write it.
    #[must_use]
    pub fn hash_text(&self) -> String {
        hex::encode_upper(self.hash)
    }
}

/// Gas that is paid for because a node says that so much is used: no block of this chain bears more.
const MOST_GAS: u64 = 1_000_000_000;

/// A transaction in a block.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// The block's height.
    pub height: u64,
    /// Its place in the block.
    pub index: u32,
    /// What went wrong; `None` when it succeeded.
    pub refused: Option<Refused>,
    /// The gas it might have used.
    pub gas_wanted: u64,
    /// The gas it used.
    pub gas_used: u64,
    /// What happened.
    pub events: Vec<Event>,
    /// `TxMsgData`, one answer a message.
    pub data: Vec<u8>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Outcome {
    /// Itself, or what went wrong with it.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn success(self) -> Result<Self, Refused> {
        match self.refused {
            Some(refused) => Err(refused),
            None => Ok(self),
        }
    }

    /// The hash as people write it.
    #[must_use]
    pub fn hash_text(&self) -> String {
        hex::encode_upper(self.hash)
    }

    /// The answer to a message, the first being 0.
    ///
    /// # Errors
    /// [`ChainError::Answer`] when there is none of this type.
    pub fn response<M: Message + Default>(&self, index: usize) -> Result<M, ChainError> {
        let bad = |why: String| ChainError::Answer { what: format!("transaction {}", self.hash_text()), why };
        let data = TxMsgData::decode(self.data.as_slice()).map_err(|error| bad(error.to_string()))?;
        let any = data.msg_responses.get(index).ok_or_else(|| bad(format!("it has no answer to message {index}")))?;
        M::decode(any.value.as_slice()).map_err(|error| bad(error.to_string()))
    }

    /// The first attribute of this name of an event of this kind.
    #[must_use]
    pub fn attribute(&self, kind: &str, key: &str) -> Option<String> {
        self.events
            .iter()
            .filter(|event| event.kind == kind)
            .flat_map(|event| event.attributes.iter())
            .find(|attribute| attribute.key_bytes() == key.as_bytes())
            .map(|attribute| String::from_utf8_lossy(attribute.value_bytes()).into_owned())
    }
}

/// What was signed, on its way to a node.
struct Signed {
    hash: [u8; 32],
    bytes: Vec<u8>,
    sequence: Sequence,
    /// The height when it was signed.
    height: u64,
    /// The last height at which a block may hold it.
    until: u64,
    /// Whether a node may have it without having said so.
    is_open: bool,
}

impl Signed {
    fn sent(self, held: &mut Option<Sequence>) -> Sent {
        *held = Some(Sequence { next: self.sequence.next.saturating_add(1), ..self.sequence });
        Sent { hash: self.hash, bytes: self.bytes, sent_height: self.height }
    }

    /// An error, or that it is not known whether the transaction arrived.
    fn unless_open(&self, error: ChainError) -> ChainError {
        match self.is_open {
            true => unknown(&self.hash, self.until, &error),
            false => error,
        }
    }
}

fn unknown(hash: &[u8; 32], until: u64, why: &ChainError) -> ChainError {
    ChainError::Unknown { hash: hex::encode_upper(hash), until, why: why.to_string() }
}

/// What became of a transaction.
enum Fate {
    /// A block has it.
    InBlock,
    /// No block will ever have it; the account's sequence.
    Void(Sequence),
    /// A block may still get it.
    Open,
}

impl Chain {
    /// The gas that messages would use, as the node simulates them.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with what would go wrong.
    pub async fn simulate(&self, signer: &Signer, messages: &[Any], memo: &str) -> Result<u64, ChainError> {
        let sequence = read_sequence(self, signer.address()).await?;
        let tx = TxRaw {
            body_bytes: body(messages, memo).encode_to_vec(),
            auth_info_bytes: auth_info(signer, sequence.next, SignMode::Unspecified, ProtoFee::default())
                .encode_to_vec(),
            signatures: vec![Vec::new()],
        };
        #[allow(deprecated)]
        let request = SimulateRequest { tx: None, tx_bytes: tx.encode_to_vec() };
        let response: SimulateResponse = self.query("/cosmos.tx.v1beta1.Service/Simulate", &request).await?;
        let bad = |why: String| ChainError::Answer { what: "Simulate".to_owned(), why };
        let used = response.gas_info.map(|info| info.gas_used).ok_or_else(|| bad("it names no gas".to_owned()))?;
        if used > MOST_GAS {
            return Err(bad(format!("it names {used} units of gas, and no transaction uses {MOST_GAS}")));
        }
        Ok(used)
    }

    /// Signs messages and hands them to a node's mempool. A full mempool is waited for; an answer that was lost is asked for again with
    /// the same bytes.
    ///
    /// What is signed is valid for as many blocks as the settings' patience. It is signed a second time, under another sequence, only
    /// when the first can never be in a block any more, so that nothing is paid twice; messages of the protocol, which have an effect
    /// once however often they come, are signed again at once.
    ///
    /// # Errors
    /// [`ChainError`]; nothing was sent when it is [`ChainError::Refused`], and perhaps something when it is [`ChainError::Unknown`].
    pub async fn send(&self, signer: &Signer, messages: &[Any], fee: Fee, memo: &str) -> Result<Sent, ChainError> {
        let once = !matches!(fee, Fee::ByTask(_));
        let fee = self.fee_of(signer, messages, fee, memo).await?;
        let mut held = signer.hold().await;
        let mut height = self.height().await?;
        let mut earlier: Option<Signed> = None;
        let mut attempt = 1;
        loop {
            let mut signed = match earlier.take() {
                Some(signed) => signed,
                None => {
                    let sequence = match *held {
                        Some(sequence) => sequence,
                        None => read_sequence(self, signer.address()).await?,
                    };
                    let until = height.saturating_add(self.settings().patience_blocks);
                    let bytes = self.sign(signer, messages, &fee, memo, sequence, until)?;
                    Signed { hash: Sha256::digest(&bytes).into(), bytes, sequence, height, until, is_open: false }
                }
            };
            let error = match self.broadcast(&signed.bytes, &mut signed.is_open).await {
                Ok(()) => return Ok(signed.sent(&mut held)),
                Err(error) => error,
            };
            if attempt >= MAX_ATTEMPTS || !error.is_transient() {
                *held = None;
                return Err(signed.unless_open(error));
            }
            tracing::debug!(%error, attempt, "a transaction was not accepted; trying again");
            attempt += 1;
            let expected = match error.refused() {
                Some(refused) if refused.is_wrong_sequence() => expected_in(&refused.sentence),
                _ if once => {
                    height = self.wait_past(height).await.map_err(|error| signed.unless_open(error))?;
                    if height < signed.until {
                        earlier = Some(signed);
                        continue;
                    }
                    None
                }
                _ => {
                    height = self.wait_past(height).await?;
                    continue;
                }
            };
            let other = expected.filter(|expected| *expected != signed.sequence.next);
            if !once {
                *held = other.map(|next| Sequence { next, ..signed.sequence });
                if held.is_none() && attempt > 2 {
                    height = self.wait_past(height).await?;
                }
                continue;
            }
            let fate = self.fate_of(&signed, signer, &mut height).await.map_err(|error| signed.unless_open(error))?;
            match fate {
                Fate::InBlock => return Ok(signed.sent(&mut held)),
                Fate::Void(now) => {
                    let next = other.filter(|other| *other > now.next).unwrap_or(now.next);
                    *held = Some(Sequence { next, ..now });
                }
                Fate::Open => earlier = Some(signed),
            }
        }
    }

    /// What became of a transaction that a node says has a wrong sequence.
    async fn fate_of(&self, signed: &Signed, signer: &Signer, height: &mut u64) -> Result<Fate, ChainError> {
        // Nodes index a block's transactions a moment after they have executed them, hence the order, and the second look.
        let now = read_sequence(self, signer.address()).await?;
        *height = self.wait_past(*height).await?;
        if self.transaction(&signed.hash).await?.is_some() {
            return Ok(Fate::InBlock);
        }
        let is_used_up = now.next > signed.sequence.next;
        // A count that ran ahead, of which no node ever had the bytes; or bytes whose time is over.
        let is_refused = now.next < signed.sequence.next && !signed.is_open;
        Ok(if is_used_up || is_refused || *height > signed.until { Fate::Void(now) } else { Fate::Open })
    }

    /// Waits until a transaction is in a block. One that failed there is an [`Outcome`] with what went wrong. A node that is away for
    /// a while is waited for.
    ///
    /// # Errors
    /// [`ChainError::Lost`] when it is in no block in the time for which it is valid; [`ChainError::Unknown`] when the node stays away.
    pub async fn confirm(&self, sent: &Sent) -> Result<Outcome, ChainError> {
        let mut height = sent.sent_height;
        let until = height.saturating_add(self.settings().patience_blocks);
        loop {
            match self.transaction(&sent.hash).await {
                Ok(Some(outcome)) => return Ok(outcome),
                // A block more than it is valid for: nodes index a block's transactions after they have executed them.
                Ok(None) if height > until => {
                    return Err(ChainError::Lost { hash: sent.hash_text(), blocks: self.settings().patience_blocks });
                }
                Ok(None) | Err(ChainError::Unreachable(_)) => {}
                Err(error) => return Err(unknown(&sent.hash, until, &error)),
            }
            height = self.wait_past(height).await.map_err(|error| unknown(&sent.hash, until, &error))?;
        }
    }

    /// Sends messages and waits until they are in a block and succeeded.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn execute(
        &self,
        signer: &Signer,
        messages: &[Any],
        fee: Fee,
        memo: &str,
    ) -> Result<Outcome, ChainError> {
        let sent = self.send(signer, messages, fee, memo).await?;
        match self.confirm(&sent).await {
            Ok(outcome) => Ok(outcome.success()?),
            Err(error) => {
                signer.forget_sequence().await;
                Err(error)
            }
        }
    }

    /// A transaction by its hash; `None` when no block holds it.
    ///
    /// # Errors
    /// [`ChainError::Unreachable`].
    pub async fn transaction(&self, hash: &[u8; 32]) -> Result<Option<Outcome>, ChainError> {
        let Some(found) = self.rpc().tx(Hash::Sha256(*hash)).await? else {
            return Ok(None);
        };
        if Sha256::digest(&found.tx).as_slice() != hash {
            let why = "the node shows the bytes of another one".to_owned();
            return Err(ChainError::Answer { what: format!("transaction {}", hex::encode_upper(hash)), why });
        }
        let result = found.tx_result;
        let refused = result.code.is_err().then(|| Refused {
            codespace: result.codespace.clone(),
            code: result.code.value(),
            sentence: result.log.clone(),
        });
        Ok(Some(Outcome {
            hash: *hash,
            height: found.height.value(),
            index: found.index,
            refused,
            gas_wanted: u64::try_from(result.gas_wanted).unwrap_or(0),
            gas_used: u64::try_from(result.gas_used).unwrap_or(0),
            events: result.events,
            data: answers_in(&result.data),
            bytes: found.tx,
        }))
    }

    async fn fee_of(&self, signer: &Signer, messages: &[Any], fee: Fee, memo: &str) -> Result<ProtoFee, ChainError> {
        let price = |gas| {
            let cost = self.settings().gas_price.cost(gas);
            if cost.amount > 0 {
                vec![cost]
            } else {
                Vec::new()
            }
        };
        let (gas_limit, amount) = match fee {
            Fee::Simulated => {
                let gas = self.simulate_with_margin(signer, messages, memo).await?;
                (gas, price(gas))
            }
            Fee::Gas(gas) => (gas, price(gas)),
            Fee::ByTask(gas) => (gas, Vec::new()),
            Fee::Exact { gas: Some(gas), amount } => (gas, amount),
            Fee::Exact { gas: None, amount } => (self.simulate_with_margin(signer, messages, memo).await?, amount),
        };
        Ok(ProtoFee { amount: amount.iter().map(Coin::to_proto).collect(), gas_limit, ..ProtoFee::default() })
    }

    async fn simulate_with_margin(&self, signer: &Signer, messages: &[Any], memo: &str) -> Result<u64, ChainError> {
        let used = self.simulate(signer, messages, memo).await?;
        Ok(used.saturating_mul(self.settings().gas_percent).div_ceil(100))
    }

    fn sign(
        &self,
        signer: &Signer,
        messages: &[Any],
        fee: &ProtoFee,
        memo: &str,
        sequence: Sequence,
        until: u64,
    ) -> Result<Vec<u8>, ChainError> {
        let body = TxBody { timeout_height: until, ..body(messages, memo) };
        let document = cosmrs::tx::SignDoc {
            body_bytes: body.encode_to_vec(),
            auth_info_bytes: auth_info(signer, sequence.next, SignMode::Direct, fee.clone()).encode_to_vec(),
            chain_id: self.id().to_owned(),
            account_number: sequence.number,
        };
        document
            .sign(&signer.key().signer())
            .and_then(|raw| raw.to_bytes())
            .map_err(|error| ChainError::Signing(error.to_string()))
    }

    /// Hands bytes to the mempool. An answer that is lost is asked for again with the same bytes, because they may have arrived: that
    /// the node knows them already is then a success. `is_open` becomes true when an answer was lost.
    async fn broadcast(&self, bytes: &[u8], is_open: &mut bool) -> Result<(), ChainError> {
        let mut pause = self.settings().retry_pause;
        let mut attempt = 1;
        loop {
            match self.rpc().broadcast_tx_sync(bytes.to_vec()).await {
                Ok(answer) if answer.code.is_ok() => return Ok(()),
                Ok(answer) => {
                    let refused =
                        Refused { codespace: answer.codespace, code: answer.code.value(), sentence: answer.log };
                    if refused.is_already_known() {
                        return Ok(());
                    }
                    if *is_open && refused.is_wrong_sequence() {
                        // The answer was lost and the transaction is in a block by now.
                        let hash = Sha256::digest(bytes).into();
                        if self.transaction(&hash).await?.is_some() {
                            return Ok(());
                        }
                    }
                    return Err(refused.into());
                }
                Err(error) if error.refused().is_some_and(Refused::is_already_known) => return Ok(()),
                Err(error @ ChainError::Unreachable(_)) => {
                    *is_open = true;
                    if attempt >= MAX_ATTEMPTS {
                        return Err(error);
                    }
                    tracing::debug!(%error, attempt, "no answer to a broadcast; sending the same bytes again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The answers of a transaction as they come out of `tendermint_rpc`, which leaves the JSON's base64 as it stands. The protobuf begins
/// with a field's key, 0x0a or 0x12, neither of which is a character of base64.
fn answers_in(data: &[u8]) -> Vec<u8> {
    match data.first() {
        None | Some(0x0a | 0x12) => data.to_vec(),
        Some(_) => STANDARD.decode(data).unwrap_or_else(|_| data.to_vec()),
    }
}

fn body(messages: &[Any], memo: &str) -> TxBody {
    TxBody { messages: messages.to_vec(), memo: memo.to_owned(), ..TxBody::default() }
}

fn auth_info(signer: &Signer, sequence: u64, mode: SignMode, fee: ProtoFee) -> AuthInfo {
    let public_key = Any {
        type_url: "/cosmos.crypto.secp256k1.PubKey".to_owned(),
        value: PubKey { key: signer.key().public_key().to_vec() }.encode_to_vec(),
    };
    #[allow(deprecated)]
    AuthInfo {
        signer_infos: vec![SignerInfo {
            public_key: Some(public_key),
            mode_info: Some(ModeInfo { sum: Some(mode_info::Sum::Single(mode_info::Single { mode: mode.into() })) }),
            sequence,
        }],
        fee: Some(fee),
        tip: None,
    }
}
