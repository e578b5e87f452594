//! Parameters at genesis, and what a chain that stopped has left: ended tasks with their models, verdicts, rewards, keys that were used.
//! No task runs on: a chain that restarts from an export has a new chain id, and all contexts change.

use std::ops::Bound;

use bauta_rounds::keys::{self, prefix};
use bauta_rounds::params::default_params;
use bauta_schema::training::v1::Params;
use serde::{Deserialize, Serialize};

use super::effects::params;
use super::messages::set_params;
use super::NAME;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::json_text::{base64_text, decimal, hexadecimal};
use crate::modules::auth;
use crate::store::{blobs, Order, Store};

/// `app_state.training`. What is absent is the default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Genesis {
    /// The parameters.
    pub params: GenesisParams,
    /// Records of an exported chain, which are as they were there; none of a task that runs.
    pub records: Vec<Record>,
    /// The blobs that those records name.
    pub blobs: Vec<Blob>,
}

/// A record of the store `training`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    #[serde(with = "hexadecimal")]
    key: Vec<u8>,
    #[serde(with = "base64_text")]
    value: Vec<u8>,
}

/// A blob.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    #[serde(with = "base64_text")]
    bytes: Vec<u8>,
    #[serde(with = "decimal")]
    references: u64,
}

/// The parameters as JSON; see `bauta.training.v1.Params`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenesisParams {
    /// Who may change them.
    pub authority: String,
    /// The registry contract.
    pub registry: String,
    /// The staking contract.
    pub staking: String,
    /// The slashing contract.
    pub slashing: String,
    /// W_min.
    pub min_window: Option<u32>,
    /// Longest window.
    pub max_window: Option<u32>,
    /// Bytes of a block for protocol messages; the chain's own lane if absent.
    pub lane_bytes: Option<u64>,
    /// Most elements of a model.
    pub max_elements: Option<u64>,
    /// Most bytes of an inline model.
    pub max_inline_model: Option<u64>,
    /// Operations at the end of a block.
    pub block_operations: Option<u64>,
    /// Rounds whose model and aggregate are kept.
    pub kept_rounds: Option<u32>,
    /// Most rounds of a task.
    pub max_rounds: Option<u32>,
    /// Least gas price of a task.
    pub min_gas_price: Option<String>,
    /// Gas of a contract's query and of a sudo call.
    pub contract_gas: Option<u64>,
    /// What a reporter puts at stake.
    pub report_deposit: Option<String>,
}

impl From<Params> for GenesisParams {
    fn from(params: Params) -> Self {
        Self {
            authority: params.authority,
            registry: params.registry,
            staking: params.staking,
            slashing: params.slashing,
            min_window: Some(params.min_window),
            max_window: Some(params.max_window),
            lane_bytes: Some(params.lane_bytes),
            max_elements: Some(params.max_elements),
            max_inline_model: Some(params.max_inline_model),
            block_operations: Some(params.block_operations),
            kept_rounds: Some(params.kept_rounds),
            max_rounds: Some(params.max_rounds),
            min_gas_price: Some(params.min_gas_price),
            contract_gas: Some(params.contract_gas),
            report_deposit: Some(params.report_deposit),
        }
    }
}

/// The module as it stands in a chain whose tasks have all ended ([`Keeper::halt`](super::Keeper::halt)).
///
/// # Errors
/// A record that cannot be read.
pub fn export(ctx: &Context) -> Result<Genesis> {
    let everything = ctx.view.range(Store::Training, Bound::Unbounded, Bound::Unbounded, Order::Ascending, usize::MAX);
    let records = everything.into_iter().filter(|(key, _)| key != keys::PARAMS);
    let blobs = blobs::all(&ctx.view).into_iter();
    Ok(Genesis {
        params: params(ctx)?.into(),
        records: records.map(|(key, value)| Record { key, value }).collect(),
        blobs: blobs.map(|(bytes, references)| Blob { bytes, references }).collect(),
    })
}

/// Records of an exported chain.
///
/// # Errors
/// A record that is given twice, that has a part of its own, or that belongs to a task that runs; a blob without references.
fn restore(ctx: &mut Context, genesis: &Genesis) -> Result<()> {
    let wrong = |what: String| Error::invalid_request(format!("training: {what}"));
    for Record { key, value } in &genesis.records {
        let name = String::from_utf8_lossy(key);
        let runs = [prefix::RUNNING, prefix::EVIDENCE].iter().any(|prefix| key.starts_with(prefix.as_bytes()));
        if runs || key == keys::PARAMS {
            return Err(wrong(format!(
                "the record {name:?} cannot be carried over; export the chain with `bautad export`"
            )));
        }
        if ctx.view.get(Store::Training, key).is_some() {
            return Err(wrong(format!("the record {name:?} is given twice")));
        }
        ctx.view.set(Store::Training, key.clone(), value.clone());
    }
    for Blob { bytes, references } in &genesis.blobs {
        if *references == 0 {
            return Err(wrong("a blob that nothing refers to".into()));
        }
        blobs::restore(&ctx.view, bytes, *references);
    }
    Ok(())
}

/// Writes them, and makes the escrow account.
///
/// # Errors
/// The first parameter that cannot be, or record that cannot be carried over.
pub fn init(ctx: &mut Context, genesis: &Genesis) -> Result<()> {
    auth::ensure_module_account(ctx, NAME)?;
    restore(ctx, genesis)?;
    let given = genesis.params.clone();
    let default = default_params();
    let params = Params {
        authority: given.authority,
        registry: given.registry,
        staking: given.staking,
        slashing: given.slashing,
        min_window: given.min_window.unwrap_or(default.min_window),
        max_window: given.max_window.unwrap_or(default.max_window),
        lane_bytes: given.lane_bytes.unwrap_or_else(|| crate::params::load(&ctx.view).lane_bytes),
        max_elements: given.max_elements.unwrap_or(default.max_elements),
        max_inline_model: given.max_inline_model.unwrap_or(default.max_inline_model),
        block_operations: given.block_operations.unwrap_or(default.block_operations),
        kept_rounds: given.kept_rounds.unwrap_or(default.kept_rounds),
        max_rounds: given.max_rounds.unwrap_or(default.max_rounds),
        min_gas_price: given.min_gas_price.unwrap_or(default.min_gas_price),
        contract_gas: given.contract_gas.unwrap_or(default.contract_gas),
        report_deposit: given.report_deposit.unwrap_or(default.report_deposit),
    };
    set_params(ctx, &params)
}
