//! The block that is trusted: where trust begins, and what is kept of it on disk.

use std::path::Path;
use std::str::FromStr;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator::Set;
use tendermint::Hash;

use super::LightError;
use crate::disk;

/// A block that a person trusts: `HEIGHT:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl FromStr for Trust {
    type Err = LightError;

    fn from_str(text: &str) -> Result<Self, LightError> {
        let bad = || LightError::Trust(text.to_owned());
        let (height, hash) = text.trim().split_once(':').ok_or_else(bad)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash.trim(), &mut bytes).map_err(|_| bad())?;
        let height = height.trim().parse().map_err(|_| bad())?;
        if height == 0 {
            return Err(bad());
        }
        Ok(Self { height, hash: bytes })
    }
}

impl std::fmt::Display for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.height, hex::encode_upper(self.hash))
    }
}

/// A verified block, and who may sign the next.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub signed: SignedHeader,
    pub validators: Set,
    pub next_validators: Set,
}

impl Block {
    pub fn height(&self) -> u64 {
        self.signed.header.height.value()
    }

    pub fn hash(&self) -> Hash {
        self.signed.header.hash()
    }

    /// As a person would write it down.
    pub fn trust(&self) -> Trust {
        let mut hash = [0; 32];
        if self.hash().as_bytes().len() == hash.len() {
            hash.copy_from_slice(self.hash().as_bytes());
        }
        Trust { height: self.height(), hash }
    }
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Where trust began.
    anchor: Trust,
    /// The last block that was verified.
    signed_header: SignedHeader,
    /// Who may sign the next one.
    next_validators: Set,
    /// Who signed it.
    validators: Set,
}

/// A set of 10,000 validators and its signatures fit.
const MAX_FILE: u64 = 8 << 20;

/// Reads what was trusted last: where trust began, and the last verified block. `None` when nothing was.
pub(super) fn load(path: &Path, chain_id: &str) -> Result<Option<(Trust, Block)>, LightError> {
    let damaged = |why: String| LightError::Damaged { path: path.to_owned(), why };
    let Some(bytes) = disk::read_if_present(path, MAX_FILE)? else { return Ok(None) };
    let content = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if !is_base64_where_it_must_be(&content) {
        return Err(damaged("a key or a signature in it is not base64".to_owned()));
    }
    let stored: Stored = serde_json::from_value(content).map_err(|error| damaged(error.to_string()))?;
    let header = &stored.signed_header.header;
    if header.chain_id.as_str() != chain_id {
        return Err(damaged(format!("it is of the chain {:?}", header.chain_id.as_str())));
    }
    // Nobody signed what is not in the commit: a header that was changed since would pass for the block that was verified.
    if header.hash() != stored.signed_header.commit.block_id.hash {
        return Err(damaged("its header is not the one that was signed".to_owned()));
    }
    if header.next_validators_hash != stored.next_validators.hash() {
        return Err(damaged("its validators are not those of its header".to_owned()));
    }
    let block =
        Block { signed: stored.signed_header, validators: stored.validators, next_validators: stored.next_validators };
    Ok(Some((stored.anchor, block)))
}

/// Whether every key's `value` and every `signature` is base64: the decoder that `tendermint` uses panics over some text that is not
/// (subtle-encoding 0.5, such as `=`).
fn is_base64_where_it_must_be(content: &Value) -> bool {
    match content {
        Value::Object(map) => map.iter().all(|(name, value)| match value {
            Value::String(text) if name == "value" || name == "signature" => STANDARD.decode(text).is_ok(),
            other => is_base64_where_it_must_be(other),
        }),
        Value::Array(list) => list.iter().all(is_base64_where_it_must_be),
        _ => true,
    }
}

/// Replaces what was trusted last, unless another program has saved a later block of the same trust meanwhile; a crash leaves the old
/// block or the new one. People run several programs on one home: they take turns.
pub(super) fn save(path: &Path, chain_id: &str, anchor: Trust, block: &Block) -> Result<(), LightError> {
    if let Some(folder) = path.parent() {
        disk::private_folder(folder)?;
    }
    let _turn = disk::lock(&path.with_extension("lock"))?;
    // What cannot be read is replaced by what was verified.
    if let Ok(Some((known, last))) = load(path, chain_id) {
        if known == anchor && last.height() > block.height() {
            return Ok(());
        }
    }
    let stored = Stored {
        anchor,
        signed_header: block.signed.clone(),
        next_validators: block.next_validators.clone(),
        validators: block.validators.clone(),
    };
    let bytes = serde_json::to_vec(&stored)
        .map_err(|error| LightError::Damaged { path: path.to_owned(), why: error.to_string() })?;
    Ok(disk::write_private(path, &bytes)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_block_to_trust_is_read_as_it_is_written() {
        let trust = Trust { height: 1200, hash: [0xab; 32] };
        assert_eq!(trust.to_string().parse::<Trust>().unwrap(), trust);
        for text in ["", "12", "0:", "x:00", "12:00", &format!("0:{}", "ab".repeat(32)), &format!("{trust}0")] {
            assert!(text.parse::<Trust>().is_err(), "{text}");
        }
    }
}
