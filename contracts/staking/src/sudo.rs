//! Locks, which only the chain sets and releases. Both are idempotent, so that the chain may repeat itself.

use bauta_foundation::input::{address, text};
use bauta_messages::staking::MAX_LOCK_KEY_BYTES;
use cosmwasm_std::{DepsMut, Env, Response};

use crate::{error::ContractError, state::LOCKS};

pub fn lock(deps: DepsMut, env: &Env, provider: &str, key: &str) -> Result<Response, ContractError> {
    text("key", key, 1, MAX_LOCK_KEY_BYTES)?;
    let provider = address(deps.api, "provider", provider)?;
    let changed = !LOCKS.has(deps.storage, (&provider, key));
    if changed {
        LOCKS.save(deps.storage, (&provider, key), &env.block.height)?;
    }
    Ok(Response::new()
        .add_attribute("action", "lock")
        .add_attribute("provider", provider)
        .add_attribute("key", key)
        .add_attribute("changed", changed.to_string()))
}

pub fn unlock(deps: DepsMut, provider: &str, key: &str) -> Result<Response, ContractError> {
    text("key", key, 1, MAX_LOCK_KEY_BYTES)?;
    let provider = address(deps.api, "provider", provider)?;
    let changed = LOCKS.has(deps.storage, (&provider, key));
    LOCKS.remove(deps.storage, (&provider, key));
    Ok(Response::new()
        .add_attribute("action", "unlock")
        .add_attribute("provider", provider)
        .add_attribute("key", key)
        .add_attribute("changed", changed.to_string()))
}
