//! CometBFT's key files, in amino's JSON (CometBFT v0.38, privval/file.go and p2p/key.go).

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use ed25519_consensus::{SigningKey, VerificationKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The first 20 bytes of SHA-256 of the key: an address of a validator, an id of a node.
fn fingerprint(key: &VerificationKey) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&Sha256::digest(key.as_bytes())[..20]);
    bytes
}

/// `tendermint/PrivKeyEd25519`: base64 of the seed and the public key.
fn private(key: &SigningKey) -> serde_json::Value {
    let mut bytes = Zeroizing::new([0u8; 64]);
    bytes[..32].copy_from_slice(key.as_bytes());
    bytes[32..].copy_from_slice(key.verification_key().as_bytes());
    json!({ "type": "tendermint/PrivKeyEd25519", "value": STANDARD.encode(bytes.as_slice()) })
}

/// What a validator signs blocks with.
pub struct ValidatorKey(SigningKey);

impl ValidatorKey {
    /// From 32 secret bytes.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(seed.into())
    }

    /// The public key, 32 bytes.
    pub fn public(&self) -> [u8; 32] {
        self.0.verification_key().to_bytes()
    }

    /// `priv_validator_key.json`.
    pub fn file(&self) -> Zeroizing<String> {
        let key = self.0.verification_key();
        Zeroizing::new(pretty(&json!({
            "address": hex::encode_upper(fingerprint(&key)),
            "pub_key": { "type": "tendermint/PubKeyEd25519", "value": STANDARD.encode(key.as_bytes()) },
            "priv_key": private(&self.0),
        })))
    }

    /// `priv_validator_state.json` of a key that has signed nothing.
    pub fn unused_state() -> &'static str {
        "{\n  \"height\": \"0\",\n  \"round\": 0,\n  \"step\": 0\n}\n"
    }
}

/// Who a node is among its peers.
pub struct NodeKey(SigningKey);

impl NodeKey {
    /// From 32 secret bytes.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(seed.into())
    }

    /// 40 hexadecimal digits.
    pub fn id(&self) -> String {
        hex::encode(fingerprint(&self.0.verification_key()))
    }

    /// `node_key.json`.
    pub fn file(&self) -> Zeroizing<String> {
        Zeroizing::new(pretty(&json!({ "priv_key": private(&self.0) })))
    }
}

fn pretty(value: &serde_json::Value) -> String {
    // Alternate formatting of a value is indented JSON.
    format!("{value:#}\n")
}

impl std::fmt::Debug for ValidatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ValidatorKey({})", hex::encode_upper(fingerprint(&self.0.verification_key())))
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let seed = [7; 32];
        let secret = STANDARD.encode(seed);
        let shown = format!("{:?} {:?}", ValidatorKey::new(seed), NodeKey::new(seed));
        assert!(!shown.contains(&secret[..20]), "{shown}");
        assert!(ValidatorKey::new(seed).file().contains(&secret[..40]));
    }
}
