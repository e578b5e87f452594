//! CometBFT's genesis document, and a builder for it.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use tendermint_proto::google::protobuf::{Duration, Timestamp};
use tendermint_proto::v0_38::abci::{RequestInitChain, ValidatorUpdate};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};
use tendermint_proto::v0_38::types::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};
use thiserror::Error;

use crate::coin::Coins;
use crate::params::Operator;

/// Why a genesis document cannot be used.
#[derive(Debug, Error)]
#[error("the genesis document cannot be used: {0}")]
pub struct GenesisError(String);

/// The parts of the document that an engine reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenesisDoc {
    /// RFC 3339.
    pub genesis_time: tendermint::Time,
    /// The chain.
    pub chain_id: String,
    /// A decimal string.
    #[serde(default = "one")]
    pub initial_height: String,
    /// As CometBFT writes it.
    pub consensus_params: Value,
    /// The validators of the first block.
    #[serde(default)]
    pub validators: Vec<GenesisValidator>,
    /// The application's part.
    #[serde(default)]
    pub app_state: Value,
}

/// A validator of the first block.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenesisValidator {
    /// `tendermint/PubKeyEd25519` and base64.
    pub pub_key: TypedKey,
    /// A decimal string.
    pub power: String,
    /// A name.
    #[serde(default)]
    pub name: String,
}

/// A key in amino's JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TypedKey {
    /// `tendermint/PubKeyEd25519`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Base64.
    pub value: String,
}

fn one() -> String {
    "1".into()
}

impl GenesisDoc {
    /// Reads a document.
    ///
    /// # Errors
    /// When a part is missing or of another kind.
    pub fn read(document: &Value) -> Result<Self, GenesisError> {
        serde_json::from_value(document.clone()).map_err(|error| GenesisError(error.to_string()))
    }

    /// The first height.
    pub fn initial_height(&self) -> i64 {
        self.initial_height.parse().ok().filter(|height| *height > 0).unwrap_or(1)
    }

    /// The consensus parameters on the wire.
    pub fn consensus(&self) -> ConsensusParams {
        let number = |part: &str, name: &str| -> Option<i64> {
            let value = &self.consensus_params[part][name];
            value.as_str().and_then(|text| text.parse().ok()).or_else(|| value.as_i64())
        };
        let age = number("evidence", "max_age_duration").unwrap_or(172_800_000_000_000);
        let key_types = self.consensus_params["validator"]["pub_key_types"].as_array();
        ConsensusParams {
            block: Some(BlockParams {
                max_bytes: number("block", "max_bytes").unwrap_or(22_020_096),
                max_gas: number("block", "max_gas").unwrap_or(-1),
            }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: number("evidence", "max_age_num_blocks").unwrap_or(100_000),
                max_age_duration: Some(Duration {
                    seconds: age / 1_000_000_000,
                    nanos: i32::try_from(age % 1_000_000_000).unwrap_or(0),
                }),
                max_bytes: number("evidence", "max_bytes").unwrap_or(1_048_576),
            }),
            validator: Some(ValidatorParams {
                pub_key_types: key_types.map_or_else(
                    || vec!["ed25519".into()],
                    |types| types.iter().filter_map(|kind| kind.as_str().map(Into::into)).collect(),
                ),
            }),
            version: Some(VersionParams {
                app: number("version", "app").and_then(|app| u64::try_from(app).ok()).unwrap_or(0),
            }),
            abci: Some(AbciParams { vote_extensions_enable_height: 0 }),
        }
    }

    /// What the engine tells the application first.
    ///
    /// # Errors
    /// When a validator has no Ed25519 key or no power.
    pub fn init_chain(&self) -> Result<RequestInitChain, GenesisError> {
        let time: Timestamp = self.genesis_time.into();
        let mut validators = self
            .validators
            .iter()
            .map(|validator| {
                let key = STANDARD
                    .decode(&validator.pub_key.value)
                    .ok()
                    .filter(|key| validator.pub_key.kind == "tendermint/PubKeyEd25519" && key.len() == 32)
                    .ok_or_else(|| GenesisError("a validator's key must be tendermint/PubKeyEd25519".into()))?;
                let power = validator.power.parse().ok().filter(|power| *power > 0).ok_or_else(|| {
                    GenesisError(format!("a validator's power must be positive, not {}", validator.power))
                })?;
                let address = <[u8; 32]>::from(Sha256::digest(&key));
                let update = ValidatorUpdate { pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(key)) }), power };
                Ok((std::cmp::Reverse(power), address, update))
            })
            .collect::<Result<Vec<_>, GenesisError>>()?;
        // In the order of a validator set: the most power first, then by address (CometBFT v0.38, types/validator_set.go,
        // `ValidatorsByVotingPower`). An address is the beginning of the hash, so whole hashes have the same order.
        validators.sort_by_key(|told| (told.0, told.1));
        let validators = validators.into_iter().map(|(_, _, update)| update).collect();
        let app_state = serde_json::to_vec(&self.app_state).map_err(|error| GenesisError(error.to_string()))?;
        Ok(RequestInitChain {
            time: Some(time),
            chain_id: self.chain_id.clone(),
            consensus_params: Some(self.consensus()),
            validators,
            app_state_bytes: if self.app_state.is_null() { Vec::new() } else { app_state }.into(),
            initial_height: self.initial_height(),
        })
    }
}

/// Builds a genesis document.
#[derive(Debug, Clone)]
pub struct GenesisBuilder {
    chain_id: String,
    time: String,
    max_bytes: i64,
    max_gas: i64,
    validators: Vec<Value>,
    operators: Vec<Operator>,
    balances: Vec<Value>,
    app: Value,
    parts: serde_json::Map<String, Value>,
}

impl GenesisBuilder {
    /// A chain without accounts and validators, beginning on the first of January 2026.
    pub fn new(chain_id: impl Into<String>) -> Self {
        Self {
            chain_id: chain_id.into(),
            time: "2026-01-01T00:00:00Z".into(),
            max_bytes: 22_020_096,
            max_gas: -1,
            validators: Vec::new(),
            operators: Vec::new(),
            balances: Vec::new(),
            app: json!({}),
            parts: serde_json::Map::new(),
        }
    }

    /// The time of genesis, RFC 3339.
    #[must_use]
    pub fn time(mut self, time: impl Into<String>) -> Self {
        self.time = time.into();
        self
    }

    /// The most bytes of a block; -1 is the engine's hard limit, and has it offer every transaction that waits.
    #[must_use]
    pub fn max_bytes(mut self, bytes: i64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The gas limit of a block; -1 is none.
    #[must_use]
    pub fn max_gas(mut self, gas: i64) -> Self {
        self.max_gas = gas;
        self
    }

    /// A validator: the 32 bytes of its Ed25519 key, its power, and its operator's account in bech32.
    #[must_use]
    pub fn validator(mut self, key: &[u8; 32], power: u64, operator: Option<&str>) -> Self {
        let address = hex::encode_upper(&Sha256::digest(key)[..20]);
        let key = STANDARD.encode(key);
        self.validators.push(json!({
            "address": address,
            "pub_key": { "type": "tendermint/PubKeyEd25519", "value": key },
            "power": power.to_string(),
            "name": "",
        }));
        if let Some(operator) = operator {
            self.operators.push(Operator { pub_key: key, operator: operator.to_string() });
        }
        self
    }

    /// An account, in bech32, and what it starts with.
    #[must_use]
    pub fn account(mut self, address: &str, coins: &Coins) -> Self {
        self.balances.push(json!({ "address": address, "coins": coins }));
        self
    }

    /// A parameter of the chain itself; see [`crate::params::AppParams`].
    #[must_use]
    pub fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.app[name] = value.into();
        self
    }

    /// A module's part of `app_state`.
    #[must_use]
    pub fn part(mut self, module: &str, genesis: Value) -> Self {
        self.parts.insert(module.to_string(), genesis);
        self
    }

    /// The document.
    pub fn build(self) -> Value {
        let mut app = self.app;
        app["validators"] = json!(self.operators);
        let mut app_state = self.parts;
        app_state.insert("app".into(), app);
        if !self.balances.is_empty() {
            let bank = app_state.entry("bank").or_insert_with(|| json!({}));
            bank["balances"] = Value::Array(self.balances);
        }
        json!({
            "genesis_time": self.time,
            "chain_id": self.chain_id,
            "initial_height": "1",
            "consensus_params": {
                "block": { "max_bytes": self.max_bytes.to_string(), "max_gas": self.max_gas.to_string() },
                "evidence": {
                    "max_age_num_blocks": "100000", "max_age_duration": "172800000000000", "max_bytes": "1048576"
                },
                "validator": { "pub_key_types": ["ed25519"] },
                "version": { "app": "1" },
                "abci": { "vote_extensions_enable_height": "0" },
            },
            "validators": self.validators,
            "app_hash": "",
            "app_state": Value::Object(app_state),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validators_are_told_in_the_order_of_cometbfts_set_whatever_the_genesis_has() {
        let keys: [[u8; 32]; 3] = [[1; 32], [2; 32], [3; 32]];
        let told = |order: [usize; 3]| {
            let mut genesis = GenesisBuilder::new("bauta-1");
            for index in order {
                let power = if index == 2 { 20 } else { 10 };
                genesis = genesis.validator(&keys[index], power, None);
            }
            let request = GenesisDoc::read(&genesis.build()).expect("a genesis").init_chain().expect("a request");
            request.validators
        };
        let first = told([0, 1, 2]);
        assert_eq!(first, told([2, 1, 0]));
        assert_eq!(first, told([1, 2, 0]));
        assert_eq!(first[0].power, 20);
        let address = |update: &ValidatorUpdate| match update.pub_key.as_ref().and_then(|key| key.sum.clone()) {
            Some(Sum::Ed25519(key)) => Sha256::digest(key)[..20].to_vec(),
            _ => Vec::new(),
        };
        assert!(address(&first[1]) < address(&first[2]));
    }
}
