//! Parameters of the chain itself, set at genesis.

use serde::{Deserialize, Serialize};

use crate::coin::check_denom;
use crate::error::{Error, Result};
use crate::store::{Store, View};

/// Where they lie in [`Store::App`].
pub const KEY: &[u8] = b"params";

/// The largest protocol message that the lane keeps room for: a seat's answer in a committee of 96 of whose members 37
/// dropped has 180,588 bytes, and its envelope.
pub const LARGEST_PROTOCOL_TX: u64 = 256 * 1024;

/// What a chain decides about itself at genesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppParams {
    /// Bech32 prefix of accounts.
    pub prefix: String,
    /// The denomination in which fees are paid.
    pub fee_denom: String,
    /// The most bytes of transactions in a block. It holds beside the consensus parameter, which may be -1 so that the
    /// engine offers every transaction that waits and the lane cannot be crowded out before a block is made.
    pub block_bytes: u64,
    /// Bytes of a block that are kept for protocol messages.
    pub lane_bytes: u64,
    /// The largest transaction, in bytes.
    pub max_tx_bytes: u64,
    /// The highest gas limit of a transaction, so that no contract runs for ever in a block without a limit of its own.
    pub max_tx_gas: u64,
    /// The most messages in one transaction.
    pub max_messages: u64,
    /// Who is paid the fees of a block for which validator.
    pub validators: Vec<Operator>,
}

/// A validator's operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The validator's consensus key, base64 of the 32 bytes of Ed25519.
    pub pub_key: String,
    /// The account that receives its share of the fees, in bech32.
    pub operator: String,
}

impl Default for AppParams {
    fn default() -> Self {
        Self {
            prefix: "bauta".into(),
            fee_denom: "ubauta".into(),
            block_bytes: 21 << 20,
            lane_bytes: 16 << 20,
            max_tx_bytes: 1 << 20,
            max_tx_gas: 100_000_000,
            max_messages: 64,
            validators: Vec::new(),
        }
    }
}

impl AppParams {
    /// Whether a chain can live with them.
    ///
    /// # Errors
    /// Invalid request (sdk 18), naming the parameter.
    pub fn validate(&self) -> Result<()> {
        let prefix_fits = (1..=32).contains(&self.prefix.len())
            && self.prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !prefix_fits {
            return Err(Error::invalid_request(
                "app.prefix must be 1 to 32 lower-case letters and digits, such as `bauta`",
            ));
        }
        check_denom(&self.fee_denom).map_err(|error| error.context("app.fee_denom"))?;
        if self.lane_bytes < LARGEST_PROTOCOL_TX {
            return Err(Error::invalid_request(format!(
                "app.lane_bytes is {}, but one protocol message may have {LARGEST_PROTOCOL_TX} bytes",
                self.lane_bytes
            )));
        }
        if self.lane_bytes > self.block_bytes {
            return Err(Error::invalid_request(format!(
                "app.lane_bytes is {}, more than app.block_bytes, which is {}",
                self.lane_bytes, self.block_bytes
            )));
        }
        if self.max_tx_bytes < LARGEST_PROTOCOL_TX {
            return Err(Error::invalid_request(format!(
                "app.max_tx_bytes is {}, but one protocol message may have {LARGEST_PROTOCOL_TX} bytes",
                self.max_tx_bytes
            )));
        }
        if self.max_messages == 0 || self.max_tx_gas == 0 {
            return Err(Error::invalid_request("app.max_messages and app.max_tx_gas must be at least 1"));
        }
        Ok(())
    }
}

/// Reads them; what a chain without a genesis has otherwise.
pub fn load(view: &View) -> AppParams {
    view.get(Store::App, KEY).and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Writes them.
///
/// # Errors
/// Logic (sdk 35) if they have no JSON.
pub fn save(view: &View, params: &AppParams) -> Result<()> {
    let bytes = serde_json::to_vec(params)
        .map_err(|error| Error::logic(format!("the parameters have no JSON form: {error}")))?;
    view.set(Store::App, KEY.to_vec(), bytes);
    Ok(())
}
