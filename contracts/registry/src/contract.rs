//! The entry points: each message goes to the one function that carries it out.

use bauta_foundation::{
    admin,
    input::{address, no_funds, optional_address},
    migration,
};
use bauta_messages::{
    registry::{ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg},
    MAX_PAGE,
};
#[cfg(not(feature = "library"))]
use cosmwasm_std::entry_point;
use cosmwasm_std::{to_json_binary, Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response};

use crate::{
    error::ContractError,
    execute, query,
    state::{ISSUERS, SLASHING},
};

/// What cw2 knows this contract as.
pub const CONTRACT_NAME: &str = "bauta:registry";
/// The version of the state that this code writes.
pub const CONTRACT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Starts the registry with its admin and first issuers.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, ContractError> {
    no_funds(&info)?;
    if msg.issuers.len() > MAX_PAGE as usize {
        return Err(ContractError::TooManyIssuers { max: MAX_PAGE, found: msg.issuers.len() });
    }
    let admin = optional_address(deps.api, "admin", msg.admin.as_deref())?.unwrap_or(info.sender);
    admin::initialise(deps.storage, &admin)?;
    if let Some(slashing) = optional_address(deps.api, "slashing", msg.slashing.as_deref())? {
        SLASHING.save(deps.storage, &slashing)?;
    }
    for issuer in &msg.issuers {
        let issuer = address(deps.api, "issuer", issuer)?;
        ISSUERS.save(deps.storage, &issuer, &Empty {})?;
    }
    migration::initialise(deps.storage, CONTRACT_NAME, CONTRACT_VERSION)?;
    Ok(Response::new().add_attribute("action", "instantiate").add_attribute("admin", admin))
}

/// Carries out a message.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn execute(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> Result<Response, ContractError> {
    no_funds(&info)?;
    let sender = info.sender;
    match msg {
        ExecuteMsg::Register { metadata } => execute::register(deps, &env, sender, metadata),
        ExecuteMsg::UpdateMetadata { metadata } => execute::update_metadata(deps, sender, metadata),
        ExecuteMsg::Admit { provider } => execute::admit(deps, sender, &provider),
        ExecuteMsg::Revoke { provider } => execute::revoke(deps, sender, &provider),
        ExecuteMsg::Jail { provider, seconds, reason } => execute::jail(deps, &env, sender, &provider, seconds, reason),
        ExecuteMsg::Unjail {} => execute::unjail(deps, &env, sender),
        ExecuteMsg::Tombstone { provider, reason } => execute::tombstone(deps, &env, sender, &provider, reason),
        ExecuteMsg::UpdateConfig { slashing } => execute::update_config(deps, sender, slashing.as_deref()),
        ExecuteMsg::AddIssuer { issuer } => execute::add_issuer(deps, sender, &issuer),
        ExecuteMsg::RemoveIssuer { issuer } => execute::remove_issuer(deps, sender, &issuer),
        ExecuteMsg::ProposeAdmin { admin } => execute::propose_admin(deps, sender, admin.as_deref()),
        ExecuteMsg::AcceptAdmin {} => execute::accept_admin(deps, sender),
    }
}

/// Answers a query.
#[cfg_attr(not(feature = "library"), entry_point)]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> Result<Binary, ContractError> {
    let answer = match msg {
        QueryMsg::Config {} => to_json_binary(&query::config(deps)?),
        QueryMsg::Provider { provider } => to_json_binary(&query::provider(deps, &provider)?),
        QueryMsg::Providers { start_after, limit } => {
            to_json_binary(&query::providers(deps, start_after.as_deref(), limit)?)
        }
        QueryMsg::MayTakePart { provider, issuer } => {
            to_json_binary(&query::may_take_part(deps, &provider, issuer.as_deref())?)
        }
        QueryMsg::Issuers { start_after, limit } => {
            to_json_binary(&query::issuers(deps, start_after.as_deref(), limit)?)
        }
        QueryMsg::Admitted { issuer, start_after, limit } => {
            to_json_binary(&query::admitted(deps, &issuer, start_after.as_deref(), limit)?)
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
