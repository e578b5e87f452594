//! `unconfirmed_txs`, for which `tendermint_rpc` has no call.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tendermint_rpc::request::RequestMessage;
use tendermint_rpc::{Method, Request, Response, SimpleRequest};

/// The most that CometBFT shows at once (`rpc/core/pipe.go`).
const MOST: u32 = 100;

/// Asks for what waits in a node's mempool.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Unconfirmed {
    limit: String,
}

impl Unconfirmed {
    pub(super) fn new() -> Self {
        Self { limit: MOST.to_string() }
    }
}

impl RequestMessage for Unconfirmed {
    /// The enumeration has no name for it; what is sent is what [`Self::into_json`] writes.
    fn method(&self) -> Method {
        Method::Health
    }

    fn into_json(self) -> String {
        json!({ "jsonrpc": "2.0", "id": 1, "method": "unconfirmed_txs", "params": self }).to_string()
    }
}

impl Request for Unconfirmed {
    type Response = Waiting;
}

impl SimpleRequest for Unconfirmed {
    type Output = Waiting;
}

/// What waits.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// Base64; Go writes an empty list as `null`.
    txs: Option<Vec<String>>,
}

impl Response for Waiting {}

impl Waiting {
    /// The transactions; what is no base64 is left out.
    pub(super) fn transactions(self) -> Vec<Vec<u8>> {
        self.txs.unwrap_or_default().iter().filter_map(|text| STANDARD.decode(text).ok()).collect()
    }
}
