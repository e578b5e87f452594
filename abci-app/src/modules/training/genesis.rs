//! Parameters at genesis. No task is carried over: a chain that restarts from an export has a new chain id, and all contexts change.

use bauta_rounds::params::default_params;
use bauta_schema::training::v1::Params;
use serde::{Deserialize, Serialize};

use super::messages::set_params;
use super::NAME;
use crate::context::Context;
use crate::error::Result;
use crate::modules::auth;

/// `app_state.training`. What is absent is the default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Genesis {
    /// The parameters.
    pub params: GenesisParams,
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
}

/// Writes them, and makes the escrow account.
///
/// # Errors
/// The first parameter that cannot be.
pub fn init(ctx: &mut Context, genesis: &Genesis) -> Result<()> {
    auth::ensure_module_account(ctx, NAME)?;
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
    };
    set_params(ctx, &params)
}
