//! People with keys, and the transactions that they sign.

use abci_app::address::Address;
use abci_app::tx::sign::address_of;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{
    mode_info::{Single, Sum},
    AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw,
};
use cosmos_sdk_proto::Any;
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};
use prost::Message as _;

/// Of text addresses.
pub const PREFIX: &str = "bauta";
/// The chain's id.
pub const CHAIN_ID: &str = "simulation-1";
/// `SIGN_MODE_DIRECT`.
const DIRECT: i32 = 1;
/// Gas of a transaction at most: what storing a contract takes, and more.
const GAS: u64 = 50_000_000;

/// Somebody.
pub struct Account {
    key: SigningKey,
    /// Its number on the chain, in the order of the genesis.
    number: u64,
    /// The sequence of its next transaction.
    pub sequence: u64,
    /// Its address.
    pub address: Address,
}

impl Account {
    /// The one of a number.
    ///
    /// # Errors
    /// Never: a number above zero is a secret key.
    pub fn new(number: u64) -> Result<Self, String> {
        let mut secret = [1; 32];
        secret[24..].copy_from_slice(&number.to_be_bytes());
        let key = SigningKey::from_slice(&secret).map_err(|error| error.to_string())?;
        let address = address_of(&public(&key)?);
        Ok(Self { key, number, sequence: 0, address })
    }

    /// Its address as text.
    pub fn text(&self) -> String {
        self.address.to_bech32(PREFIX)
    }

    /// A transaction without a fee, under the next sequence.
    ///
    /// # Errors
    /// Never.
    pub fn sign(&self, messages: Vec<Any>) -> Result<Vec<u8>, String> {
        let key = Any {
            type_url: "/cosmos.crypto.secp256k1.PubKey".into(),
            value: PubKey { key: public(&self.key)?.to_vec() }.encode_to_vec(),
        };
        let signer = SignerInfo {
            public_key: Some(key),
            mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: DIRECT })) }),
            sequence: self.sequence,
        };
        let fee = Fee { gas_limit: GAS, ..Default::default() };
        let auth_info = AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..Default::default() };
        let body = TxBody { messages, ..Default::default() };
        let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth_info.encode_to_vec());
        let document = SignDoc {
            body_bytes: body_bytes.clone(),
            auth_info_bytes: auth_info_bytes.clone(),
            chain_id: CHAIN_ID.into(),
            account_number: self.number,
        };
        let signature: Signature = self.key.sign(&document.encode_to_vec());
        let signature = signature.normalize_s().unwrap_or(signature).to_bytes().to_vec();
        Ok(TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature] }.encode_to_vec())
    }
}

fn public(key: &SigningKey) -> Result<[u8; 33], String> {
    let point = key.verifying_key().to_encoded_point(true);
    point.as_bytes().try_into().map_err(|_| "a compressed point has 33 bytes".to_owned())
}
