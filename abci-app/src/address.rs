//! Addresses: raw bytes inside, bech32 with the chain's prefix outside.

use bech32::{Bech32, Hrp};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The longest address (cosmos-sdk types/address.go, `MaxAddrLen`).
pub const MAX_LEN: usize = 255;

/// An account's or a contract's address: 1 to 255 bytes; 20 for keys and modules, 32 for contracts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Vec<u8>);

impl Address {
    /// From raw bytes.
    ///
    /// # Errors
    /// Invalid address (sdk 7) when empty or longer than 255 bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        let bytes = bytes.into();
        if bytes.is_empty() || bytes.len() > MAX_LEN {
            return Err(Error::invalid_address(format!(
                "an address has 1 to {MAX_LEN} bytes, this one has {}",
                bytes.len()
            )));
        }
        Ok(Self(bytes))
    }

    /// From bech32 with the chain's prefix.
    ///
    /// # Errors
    /// Invalid address (sdk 7) when it is not bech32, has another prefix, or a length that no address has.
    pub fn parse(text: &str, prefix: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(Error::invalid_address("empty address string is not allowed"));
        }
        // No checksum of ours is longer than this; a longer text is refused before it is worked through.
        if text.len() > prefix.len() + 8 + MAX_LEN * 2 {
            return Err(Error::invalid_address("the address is longer than any address can be"));
        }
        let parsed = bech32::primitives::decode::UncheckedHrpstring::new(text)
            .map_err(|error| Error::invalid_address(format!("decoding bech32 failed: {error}")))?;
        let checked = parsed
            .validate_and_remove_checksum::<Bech32>()
            .map_err(|error| Error::invalid_address(format!("decoding bech32 failed: {error}")))?;
        let found = checked.hrp().to_lowercase();
        if found != prefix {
            return Err(Error::invalid_address(format!("invalid Bech32 prefix; expected {prefix}, got {found}")));
        }
        Self::new(checked.byte_iter().collect::<Vec<u8>>())
    }

    /// The account of a module: the first 20 bytes of SHA-256 of its name (cosmos-sdk types/address, `Module`).
    pub fn module(name: &str) -> Self {
        Self(Sha256::digest(name.as_bytes())[..20].to_vec())
    }

    /// Bech32 with the chain's prefix. Empty if the prefix is no human-readable part, which genesis refuses.
    pub fn to_bech32(&self, prefix: &str) -> String {
        Hrp::parse(prefix)
            .ok()
            .and_then(|hrp| {
                let mut text = String::new();
                bech32::encode_lower_to_fmt::<Bech32, String>(&mut text, hrp, &self.0).ok()?;
                Some(text)
            })
            .unwrap_or_default()
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// One byte of length and the bytes: how stores key by address.
    pub fn length_prefixed(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + self.0.len());
        // `new` bounds the length by 255.
        key.push(self.0.len() as u8);
        key.extend_from_slice(&self.0);
        key
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", hex::encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_bech32() {
        for len in [1usize, 20, 32, 64, 255] {
            let address = Address::new(vec![7u8; len]).expect("length is allowed");
            assert_eq!(Address::parse(&address.to_bech32("bauta"), "bauta"), Ok(address));
        }
    }

    #[test]
    fn another_prefix_is_refused() {
        let address = Address::module("fee_collector");
        let error = Address::parse(&address.to_bech32("cosmos"), "bauta").expect_err("prefix differs");
        assert_eq!(error.code, 7);
        // The SDK's own, from its module account of that name.
        assert_eq!(address.to_bech32("cosmos"), "cosmos17xpfvakm2amg962yls6f84z3kell8c5lserqta");
    }

    #[test]
    fn rubbish_is_refused() {
        for text in ["", " ", "bauta", "bauta1", "bauta1qqqq", "\u{fffd}", &"q".repeat(5000)] {
            assert!(Address::parse(text, "bauta").is_err(), "{text}");
        }
    }
}
