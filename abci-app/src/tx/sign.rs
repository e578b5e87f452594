//! What is signed, and whether it was.

use cosmos_sdk_proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmos_sdk_proto::cosmos::tx::v1beta1::SignDoc;
use k256::ecdsa::signature::Verifier as _;
use k256::ecdsa::{Signature, VerifyingKey};
use prost::Message as _;
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};

use super::amino;
use super::decode::{Signer, Tx};
use crate::address::Address;
use crate::error::{Error, Result};

/// The bytes that a signer signs.
///
/// # Errors
/// Unauthorized (sdk 4) for a sign mode that is not offered here.
pub fn sign_bytes(tx: &Tx, signer: &Signer, chain_id: &str, account_number: u64) -> Result<Vec<u8>> {
    match SignMode::try_from(signer.mode) {
        Ok(SignMode::Direct) => Ok(SignDoc {
            body_bytes: tx.body_bytes.clone(),
            auth_info_bytes: tx.auth_info_bytes.clone(),
            chain_id: chain_id.to_string(),
            account_number,
        }
        .encode_to_vec()),
        Ok(SignMode::LegacyAminoJson) => amino::sign_bytes(tx, signer, chain_id, account_number),
        _ => Err(Error::unauthorized(format!(
            "sign mode {} is not supported; sign with SIGN_MODE_DIRECT or SIGN_MODE_LEGACY_AMINO_JSON",
            signer.mode
        ))),
    }
}

/// Whether `signature` (64 bytes, `r || s`, `s` in the lower half) is the key's over SHA-256 of `bytes`.
pub fn verify(key: &[u8; 33], bytes: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_sec1_bytes(key), Signature::from_slice(signature)) else {
        return false;
    };
    // With the other half allowed, anybody could turn a signature into a second one and a transaction into another hash.
    signature.normalize_s().is_none() && key.verify(bytes, &signature).is_ok()
}

/// The address of a key: RIPEMD-160 of SHA-256 of its compressed form.
pub fn address_of(key: &[u8; 33]) -> Address {
    let digest = Ripemd160::digest(Sha256::digest(key));
    Address::new(digest.to_vec()).expect("RIPEMD-160 has 20 bytes, which is a length of addresses")
}
