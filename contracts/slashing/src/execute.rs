//! One function a message.

use bauta_foundation::{admin, input::optional_address};
use bauta_messages::slashing::Penalty;
use cosmwasm_std::{Addr, DepsMut, Response};

use crate::{
    error::ContractError,
    penalties,
    state::{PENALTIES, REGISTRY, STAKING},
};

pub fn set_penalty(deps: DepsMut, sender: Addr, kind: &str, penalty: &Penalty) -> Result<Response, ContractError> {
    admin::require(deps.storage, &sender)?;
    penalties::check_kind(kind)?;
    penalties::check_penalty(penalty)?;
    PENALTIES.save(deps.storage, kind, penalty)?;
    Ok(answer("set_penalty")
        .add_attribute("kind", kind)
        .add_attribute("fraction", penalty.fraction.to_string())
        .add_attribute("jail_seconds", penalty.jail_seconds.to_string())
        .add_attribute("tombstone", penalty.tombstone.to_string()))
}

pub fn update_config(
    deps: DepsMut,
    sender: Addr,
    staking: Option<&str>,
    registry: Option<&str>,
) -> Result<Response, ContractError> {
    admin::require(deps.storage, &sender)?;
    let mut response = answer("update_config");
    if let Some(staking) = optional_address(deps.api, "staking", staking)? {
        STAKING.save(deps.storage, &staking)?;
        response = response.add_attribute("staking", staking);
    }
    if let Some(registry) = optional_address(deps.api, "registry", registry)? {
        REGISTRY.save(deps.storage, &registry)?;
        response = response.add_attribute("registry", registry);
    }
    Ok(response)
}

pub fn propose_admin(deps: DepsMut, sender: Addr, offer: Option<&str>) -> Result<Response, ContractError> {
    let offer = optional_address(deps.api, "admin", offer)?;
    admin::propose(deps.storage, &sender, offer.as_ref())?;
    let offered = offer.map_or_else(String::new, Addr::into_string);
    Ok(answer("propose_admin").add_attribute("pending_admin", offered))
}

pub fn accept_admin(deps: DepsMut, sender: Addr) -> Result<Response, ContractError> {
    admin::accept(deps.storage, &sender)?;
    Ok(answer("accept_admin").add_attribute("admin", sender))
}

fn answer(action: &str) -> Response {
    Response::new().add_attribute("action", action)
}
