//! One function a message.

use bauta_foundation::{
    admin,
    input::{address, optional_address, seconds as check_seconds, text},
};
use bauta_messages::{
    registry::{Metadata, Registration, Standing, MAX_CONTACT_BYTES, MAX_DESCRIPTION_BYTES, MAX_NAME_BYTES},
    MAX_REASON_BYTES, MAX_SECONDS,
};
use cosmwasm_std::{Addr, DepsMut, Empty, Env, OverflowError, OverflowOperation, Response, Storage};

use crate::{
    error::ContractError,
    state::{ADMISSIONS, ISSUERS, REGISTRATIONS, SLASHING, STANDINGS},
};

pub fn register(deps: DepsMut, env: &Env, provider: Addr, metadata: Metadata) -> Result<Response, ContractError> {
    check_metadata(&metadata)?;
    if let Some(Standing::Tombstoned { reason, .. }) = STANDINGS.may_load(deps.storage, &provider)? {
        return Err(ContractError::Tombstoned { provider, reason });
    }
    if REGISTRATIONS.has(deps.storage, &provider) {
        return Err(ContractError::AlreadyRegistered { provider });
    }
    let registration = Registration { metadata, registered_at: env.block.time.seconds() };
    REGISTRATIONS.save(deps.storage, &provider, &registration)?;
    Ok(answer("register").add_attribute("provider", provider))
}

pub fn update_metadata(deps: DepsMut, provider: Addr, metadata: Metadata) -> Result<Response, ContractError> {
    check_metadata(&metadata)?;
    let Some(mut registration) = REGISTRATIONS.may_load(deps.storage, &provider)? else {
        return Err(ContractError::NotRegistered { provider });
    };
    registration.metadata = metadata;
    REGISTRATIONS.save(deps.storage, &provider, &registration)?;
    Ok(answer("update_metadata").add_attribute("provider", provider))
}

pub fn admit(deps: DepsMut, issuer: Addr, provider: &str) -> Result<Response, ContractError> {
    require_issuer(deps.storage, &issuer)?;
    let provider = address(deps.api, "provider", provider)?;
    ADMISSIONS.save(deps.storage, (&issuer, &provider), &Empty {})?;
    Ok(answer("admit").add_attribute("issuer", issuer).add_attribute("provider", provider))
}

pub fn revoke(deps: DepsMut, issuer: Addr, provider: &str) -> Result<Response, ContractError> {
    require_issuer(deps.storage, &issuer)?;
    let provider = address(deps.api, "provider", provider)?;
    if !ADMISSIONS.has(deps.storage, (&issuer, &provider)) {
        return Err(ContractError::NotAdmitted { issuer, provider });
    }
    ADMISSIONS.remove(deps.storage, (&issuer, &provider));
    Ok(answer("revoke").add_attribute("issuer", issuer).add_attribute("provider", provider))
}

pub fn jail(
    deps: DepsMut,
    env: &Env,
    sender: Addr,
    provider: &str,
    seconds: u64,
    reason: String,
) -> Result<Response, ContractError> {
    require_slashing(deps.storage, &sender)?;
    check_seconds("seconds", seconds, 0, MAX_SECONDS)?;
    text("reason", &reason, 1, MAX_REASON_BYTES)?;
    let provider = address(deps.api, "provider", provider)?;
    let until = env.block.time.seconds().checked_add(seconds).ok_or(OverflowError::new(OverflowOperation::Add))?;
    let standing = match STANDINGS.may_load(deps.storage, &provider)? {
        // Nothing is worse than for ever.
        Some(standing @ Standing::Tombstoned { .. }) => standing,
        // A short sentence after a long one must not shorten it.
        Some(standing @ Standing::Jailed { until: before, .. }) if before >= until => standing,
        _ => Standing::Jailed { until, reason },
    };
    STANDINGS.save(deps.storage, &provider, &standing)?;
    Ok(with_standing(answer("jail"), provider, &standing))
}

pub fn unjail(deps: DepsMut, env: &Env, provider: Addr) -> Result<Response, ContractError> {
    let now = env.block.time.seconds();
    match STANDINGS.may_load(deps.storage, &provider)? {
        Some(Standing::Tombstoned { reason, .. }) => Err(ContractError::Tombstoned { provider, reason }),
        Some(Standing::Jailed { until, .. }) if now < until => Err(ContractError::StillJailed { provider, until, now }),
        Some(Standing::Jailed { .. }) => {
            STANDINGS.remove(deps.storage, &provider);
            Ok(answer("unjail").add_attribute("provider", provider))
        }
        Some(Standing::Good {}) | None => Err(ContractError::NotJailed { provider }),
    }
}

pub fn tombstone(
    deps: DepsMut,
    env: &Env,
    sender: Addr,
    provider: &str,
    reason: String,
) -> Result<Response, ContractError> {
    require_slashing(deps.storage, &sender)?;
    text("reason", &reason, 1, MAX_REASON_BYTES)?;
    let provider = address(deps.api, "provider", provider)?;
    let standing = match STANDINGS.may_load(deps.storage, &provider)? {
        Some(standing @ Standing::Tombstoned { .. }) => standing,
        _ => Standing::Tombstoned { since: env.block.time.seconds(), reason },
    };
    STANDINGS.save(deps.storage, &provider, &standing)?;
    Ok(with_standing(answer("tombstone"), provider, &standing))
}

pub fn update_config(deps: DepsMut, sender: Addr, slashing: Option<&str>) -> Result<Response, ContractError> {
    admin::require(deps.storage, &sender)?;
    let mut response = answer("update_config");
    if let Some(slashing) = optional_address(deps.api, "slashing", slashing)? {
        SLASHING.save(deps.storage, &slashing)?;
        response = response.add_attribute("slashing", slashing);
    }
    Ok(response)
}

pub fn add_issuer(deps: DepsMut, sender: Addr, issuer: &str) -> Result<Response, ContractError> {
    admin::require(deps.storage, &sender)?;
    let issuer = address(deps.api, "issuer", issuer)?;
    if ISSUERS.has(deps.storage, &issuer) {
        return Err(ContractError::AlreadyIssuer { issuer });
    }
    ISSUERS.save(deps.storage, &issuer, &Empty {})?;
    Ok(answer("add_issuer").add_attribute("issuer", issuer))
}

pub fn remove_issuer(deps: DepsMut, sender: Addr, issuer: &str) -> Result<Response, ContractError> {
    admin::require(deps.storage, &sender)?;
    let issuer = address(deps.api, "issuer", issuer)?;
    if !ISSUERS.has(deps.storage, &issuer) {
        return Err(ContractError::UnknownIssuer { issuer });
    }
    ISSUERS.remove(deps.storage, &issuer);
    Ok(answer("remove_issuer").add_attribute("issuer", issuer))
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

fn check_metadata(metadata: &Metadata) -> Result<(), ContractError> {
    text("name", &metadata.name, 1, MAX_NAME_BYTES)?;
    text("contact", &metadata.contact, 0, MAX_CONTACT_BYTES)?;
    text("description", &metadata.description, 0, MAX_DESCRIPTION_BYTES)?;
    Ok(())
}

fn require_issuer(storage: &dyn Storage, sender: &Addr) -> Result<(), ContractError> {
    if ISSUERS.has(storage, sender) {
        Ok(())
    } else {
        Err(ContractError::NotIssuer { sender: sender.clone() })
    }
}

fn require_slashing(storage: &dyn Storage, sender: &Addr) -> Result<(), ContractError> {
    if SLASHING.may_load(storage)?.as_ref() == Some(sender) {
        Ok(())
    } else {
        Err(ContractError::NotSlashing { sender: sender.clone() })
    }
}

fn answer(action: &str) -> Response {
    Response::new().add_attribute("action", action)
}

fn with_standing(response: Response, provider: Addr, standing: &Standing) -> Response {
    let response = response.add_attribute("provider", provider);
    match standing {
        Standing::Good {} => response.add_attribute("status", "good"),
        Standing::Jailed { until, reason } => response
            .add_attribute("status", "jailed")
            .add_attribute("until", until.to_string())
            .add_attribute("reason", reason),
        Standing::Tombstoned { reason, .. } => {
            response.add_attribute("status", "tombstoned").add_attribute("reason", reason)
        }
    }
}
