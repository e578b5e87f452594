//! From raw bytes to a transaction whose every part is understood.

use cosmos_sdk_proto::cosmos::tx::v1beta1 as proto;
use prost::Message as _;
use sha2::{Digest, Sha256};

use super::wire;
use crate::coin::Coins;
use crate::error::{Error, Result};
use crate::gas::Gas;
use crate::modules::{auth::keeper::pub_key_bytes, Message};
use crate::params::AppParams;

/// A decoded transaction. The bytes that were signed are kept as they came and never encoded again.
#[derive(Debug, Clone)]
pub struct Tx {
    /// SHA-256 of the raw bytes.
    pub hash: [u8; 32],
    /// The length of the raw bytes.
    pub size: usize,
    /// `TxBody`, as signed.
    pub body_bytes: Vec<u8>,
    /// `AuthInfo`, as signed.
    pub auth_info_bytes: Vec<u8>,
    /// One a signer, in order.
    pub signatures: Vec<Vec<u8>>,
    /// What it does.
    pub messages: Vec<Message>,
    /// A note.
    pub memo: String,
    /// The last height at which it counts; 0 is never too late.
    pub timeout_height: u64,
    /// Whether it asks for extensions that a node must understand.
    pub has_extensions: bool,
    /// What signers say of themselves, in order.
    pub signers: Vec<Signer>,
    /// The fee.
    pub fee: Coins,
    /// The gas limit.
    pub gas_limit: Gas,
    /// Who pays, if not the first signer; bech32, empty otherwise.
    pub fee_payer: String,
    /// Who granted the fee; bech32, empty otherwise.
    pub fee_granter: String,
}

/// What a signer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Its key; may be left out once the chain knows it.
    pub pub_key: Option<[u8; 33]>,
    /// `cosmos.tx.signing.v1beta1.SignMode`.
    pub mode: i32,
    /// Its sequence.
    pub sequence: u64,
}

impl Tx {
    /// Decodes raw bytes.
    ///
    /// # Errors
    /// Too large (sdk 21); not a transaction, or with fields that are not known (sdk 2); messages that are not known
    /// (sdk 6); more messages than allowed (sdk 18).
    pub fn decode(bytes: &[u8], params: &AppParams) -> Result<Self> {
        if bytes.len() as u64 > params.max_tx_bytes {
            return Err(Error::tx_too_large(format!(
                "the transaction has {} bytes, at most {} are allowed",
                bytes.len(),
                params.max_tx_bytes
            )));
        }
        let raw = proto::TxRaw::decode(bytes).map_err(|error| Error::tx_decode(error.to_string()))?;
        // One transaction has one encoding (ADR 027), or a relay could give it another hash.
        if raw.encode_to_vec() != bytes {
            return Err(Error::tx_decode("the transaction is not encoded canonically, or has unknown fields"));
        }
        wire::refuse_unknown(&raw.body_bytes, &wire::TX_BODY)?;
        wire::refuse_unknown(&raw.auth_info_bytes, &wire::AUTH_INFO)?;
        let malformed = |error: prost::DecodeError| Error::tx_decode(error.to_string());
        let body = proto::TxBody::decode(raw.body_bytes.as_slice()).map_err(malformed)?;
        let auth_info = proto::AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(malformed)?;
        if body.messages.len() as u64 > params.max_messages {
            return Err(Error::invalid_request(format!(
                "the transaction has {} messages, at most {} are allowed",
                body.messages.len(),
                params.max_messages
            )));
        }
        let messages =
            body.messages.iter().map(|any| Message::decode(&any.type_url, &any.value)).collect::<Result<_>>()?;
        let signers = auth_info.signer_infos.into_iter().map(signer).collect::<Result<_>>()?;
        let fee = auth_info.fee.unwrap_or_default();
        Ok(Self {
            hash: Sha256::digest(bytes).into(),
            size: bytes.len(),
            body_bytes: raw.body_bytes,
            auth_info_bytes: raw.auth_info_bytes,
            signatures: raw.signatures,
            messages,
            memo: body.memo,
            timeout_height: body.timeout_height,
            has_extensions: !body.extension_options.is_empty(),
            signers,
            fee: Coins::from_proto(&fee.amount).map_err(|error| error.context("fee"))?,
            gas_limit: fee.gas_limit,
            fee_payer: fee.payer,
            fee_granter: fee.granter,
        })
    }

    /// Whether it is for the protocol's lane: every message is a protocol message and the fee is empty.
    pub fn is_protocol(&self) -> bool {
        self.fee.is_empty() && !self.messages.is_empty() && self.messages.iter().all(Message::is_protocol)
    }
}

fn signer(info: proto::SignerInfo) -> Result<Signer> {
    let mode = match info.mode_info.and_then(|mode| mode.sum) {
        Some(proto::mode_info::Sum::Single(single)) => single.mode,
        Some(proto::mode_info::Sum::Multi(_)) => {
            return Err(Error::tx_decode("multisignatures are not supported; sign with one key"));
        }
        None => 0,
    };
    let pub_key = info.public_key.as_ref().map(pub_key_bytes).transpose()?;
    Ok(Signer { pub_key, mode, sequence: info.sequence })
}

/// Decodes the content of a message's `Any`, refusing fields that this chain does not know.
///
/// # Errors
/// Malformed (sdk 2).
pub fn decode_message<M: prost::Message + Default>(value: &[u8]) -> Result<M> {
    let message = M::decode(value).map_err(|error| Error::tx_decode(error.to_string()))?;
    // What prost does not know it drops: the message it would write is then shorter than the one it read.
    if message.encoded_len() != value.len() {
        return Err(Error::tx_decode("the message has unknown fields, or is not encoded canonically"));
    }
    Ok(message)
}
