//! The hash that binds a task's settings into every context.

use super::v1::TaskSettings;
use prost::Message;
use sha2::{Digest, Sha256};

/// Tag of the hash.
pub const SETTINGS_TAG: &str = "bauta/1/settings";

/// `SHA-256(lp("bauta/1/settings") | encoding)`, where the encoding is the message's protobuf in the form of ADR 027 of the Cosmos
/// SDK: fields in ascending order, packed scalars, neither default values nor unknown fields.
pub fn settings_hash(settings: &TaskSettings) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((SETTINGS_TAG.len() as u16).to_be_bytes());
    hash.update(SETTINGS_TAG.as_bytes());
    hash.update(settings.encode_to_vec());
    hash.finalize().into()
}
