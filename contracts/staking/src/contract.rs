//! The entry points: each message goes to the one function that carries it out.

use bauta_foundation::{
    admin,
    input::{no_funds, optional_address},
    migration,
};
use bauta_messages::staking::{
    ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg, SudoMsg, TotalsResponse, DEFAULT_UNBONDINGS,
};
#[cfg(not(feature = "library"))]
use cosmwasm_std::entry_point;
use cosmwasm_std::{to_json_binary, Binary, Deps, DepsMut, Env, MessageInfo, Response, Uint128};

use crate::{
    error::ContractError,
    execute, query, slash,
    state::{Config, CONFIG, SLASHING, TOTALS},
    sudo,
};

/// What cw2 knows this contract as.
pub const CONTRACT_NAME: &str = "bauta:staking";
/// The version of the state that this code writes.
pub const CONTRACT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Starts the staking contract with its parameters.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, ContractError> {
    no_funds(&info)?;
    let admin = optional_address(deps.api, "admin", msg.admin.as_deref())?.unwrap_or(info.sender);
    let treasury = optional_address(deps.api, "treasury", msg.treasury.as_deref())?.unwrap_or_else(|| admin.clone());
    let config = Config {
        treasury,
        bond_denom: msg.bond_denom,
        unbonding_seconds: msg.unbonding_seconds,
        max_unbondings: msg.max_unbondings.unwrap_or(DEFAULT_UNBONDINGS),
    };
    execute::check_config(&config)?;
    admin::initialise(deps.storage, &admin)?;
    CONFIG.save(deps.storage, &config)?;
    if let Some(slashing) = optional_address(deps.api, "slashing", msg.slashing.as_deref())? {
        SLASHING.save(deps.storage, &slashing)?;
    }
    let nothing = TotalsResponse { bonded: Uint128::zero(), unbonding: Uint128::zero() };
    TOTALS.save(deps.storage, &nothing)?;
    migration::initialise(deps.storage, CONTRACT_NAME, CONTRACT_VERSION)?;
    Ok(Response::new()
        .add_attribute("action", "instantiate")
        .add_attribute("admin", admin)
        .add_attribute("bond_denom", config.bond_denom))
}

/// Carries out a message.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn execute(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> Result<Response, ContractError> {
    if msg != (ExecuteMsg::Bond {}) {
        no_funds(&info)?;
    }
    let sender = info.sender.clone();
    match msg {
        ExecuteMsg::Bond {} => execute::bond(deps, &info),
        ExecuteMsg::Unbond { amount } => execute::unbond(deps, &env, sender, amount),
        ExecuteMsg::Withdraw {} => execute::withdraw(deps, &env, sender),
        ExecuteMsg::Slash { provider, fraction, bounty_to, bounty_fraction, compensate, compensation_fraction } => {
            let order = slash::Order::parse(
                deps.api,
                &provider,
                fraction,
                (bounty_to.as_deref(), bounty_fraction),
                (&compensate, compensation_fraction),
            )?;
            slash::carry_out(deps, &sender, &order)
        }
        ExecuteMsg::UpdateConfig { slashing, treasury, unbonding_seconds, max_unbondings } => execute::update_config(
            deps,
            sender,
            slashing.as_deref(),
            treasury.as_deref(),
            unbonding_seconds,
            max_unbondings,
        ),
        ExecuteMsg::ProposeAdmin { admin } => execute::propose_admin(deps, sender, admin.as_deref()),
        ExecuteMsg::AcceptAdmin {} => execute::accept_admin(deps, sender),
    }
}

/// Carries out what the chain itself says.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn sudo(deps: DepsMut, env: Env, msg: SudoMsg) -> Result<Response, ContractError> {
    match msg {
        SudoMsg::Lock { provider, key } => sudo::lock(deps, &env, &provider, &key),
        SudoMsg::Unlock { provider, key } => sudo::unlock(deps, &provider, &key),
    }
}

/// Answers a query.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> Result<Binary, ContractError> {
    let answer = match msg {
        QueryMsg::Config {} => to_json_binary(&query::config(deps)?),
        QueryMsg::Bond { provider } => to_json_binary(&query::bond(deps, &provider)?),
        QueryMsg::Bonds { start_after, limit } => to_json_binary(&query::bonds(deps, start_after.as_deref(), limit)?),
        QueryMsg::Unbondings { provider } => to_json_binary(&query::unbondings(deps, &provider)?),
        QueryMsg::Locks { provider, start_after, limit } => {
            to_json_binary(&query::locks(deps, &provider, start_after.as_deref(), limit)?)
        }
        QueryMsg::Totals {} => to_json_binary(&query::totals(deps)?),
    };
    Ok(answer?)
}

/// Continues the state of this contract at the same or an earlier version.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn migrate(deps: DepsMut, _env: Env, _msg: MigrateMsg) -> Result<Response, ContractError> {
    let from = migration::accept(deps.storage, CONTRACT_NAME, CONTRACT_VERSION)?;
    Ok(Response::new()
        .add_attribute("action", "migrate")
        .add_attribute("from", from.to_string())
        .add_attribute("to", CONTRACT_VERSION))
}
