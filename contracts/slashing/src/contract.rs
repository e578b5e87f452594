//! The entry points: each message goes to the one function that carries it out.

use bauta_foundation::{
    admin,
    input::{address, no_funds, optional_address},
    migration,
};
use bauta_messages::{
    slashing::{ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg, SudoMsg},
    MAX_PAGE,
};
#[cfg(not(feature = "library"))]
use cosmwasm_std::entry_point;
use cosmwasm_std::{to_json_binary, Binary, Deps, DepsMut, Env, MessageInfo, Reply, Response};

use crate::{
    error::ContractError,
    execute, penalties, query, settle,
    state::{PENALTIES, REGISTRY, STAKING},
};

/// What cw2 knows this contract as.
pub const CONTRACT_NAME: &str = "bauta:slashing";
/// The version of the state that this code writes.
pub const CONTRACT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Starts the slashing contract with the default table and what the message changes in it.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, ContractError> {
    no_funds(&info)?;
    if msg.penalties.len() > MAX_PAGE as usize {
        return Err(ContractError::TooManyPenalties { max: MAX_PAGE, found: msg.penalties.len() });
    }
    let admin = optional_address(deps.api, "admin", msg.admin.as_deref())?.unwrap_or(info.sender);
    admin::initialise(deps.storage, &admin)?;
    let staking = address(deps.api, "staking", &msg.staking)?;
    let registry = address(deps.api, "registry", &msg.registry)?;
    STAKING.save(deps.storage, &staking)?;
    REGISTRY.save(deps.storage, &registry)?;
    for (kind, penalty) in penalties::defaults() {
        PENALTIES.save(deps.storage, kind, &penalty)?;
    }
    for row in &msg.penalties {
        penalties::check_kind(&row.kind)?;
        penalties::check_penalty(&row.penalty)?;
        PENALTIES.save(deps.storage, &row.kind, &row.penalty)?;
    }
    migration::initialise(deps.storage, CONTRACT_NAME, CONTRACT_VERSION)?;
    Ok(Response::new()
        .add_attribute("action", "instantiate")
        .add_attribute("admin", admin)
        .add_attribute("staking", staking)
        .add_attribute("registry", registry))
}

/// Carries out a message.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn execute(deps: DepsMut, _env: Env, info: MessageInfo, msg: ExecuteMsg) -> Result<Response, ContractError> {
    no_funds(&info)?;
    let sender = info.sender;
    match msg {
        ExecuteMsg::SetPenalty { kind, penalty } => execute::set_penalty(deps, sender, &kind, &penalty),
        ExecuteMsg::UpdateConfig { staking, registry } => {
            execute::update_config(deps, sender, staking.as_deref(), registry.as_deref())
        }
        ExecuteMsg::ProposeAdmin { admin } => execute::propose_admin(deps, sender, admin.as_deref()),
        ExecuteMsg::AcceptAdmin {} => execute::accept_admin(deps, sender),
    }
}

/// Carries out what the chain itself says.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn sudo(deps: DepsMut, env: Env, msg: SudoMsg) -> Result<Response, ContractError> {
    match msg {
        SudoMsg::Settle(verdict) => settle::settle(deps, &env, verdict),
    }
}

/// Takes down what a slash did.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn reply(deps: DepsMut, _env: Env, reply: Reply) -> Result<Response, ContractError> {
    match reply.id {
        settle::SLASH_REPLY => settle::slashed(deps, reply),
        id => Err(ContractError::UnknownReply(id)),
    }
}

/// Answers a query.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> Result<Binary, ContractError> {
    let answer = match msg {
        QueryMsg::Config {} => to_json_binary(&query::config(deps)?),
        QueryMsg::Penalties { start_after, limit } => {
            to_json_binary(&query::penalties(deps, start_after.as_deref(), limit)?)
        }
        QueryMsg::Offence { offence_id } => to_json_binary(&query::offence(deps, &offence_id)?),
        QueryMsg::History { provider, start_after, limit } => {
            to_json_binary(&query::history(deps, provider.as_deref(), start_after, limit)?)
        }
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
