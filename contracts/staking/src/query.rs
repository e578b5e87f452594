//! One function a query.

use bauta_foundation::{
    admin,
    input::{address, optional_address},
};
use bauta_messages::{
    page_size,
    staking::{Bond, BondResponse, BondsResponse, ConfigResponse, LocksResponse, TotalsResponse, UnbondingsResponse},
};
use cosmwasm_std::{Addr, Deps, Order, StdResult};
use cw_storage_plus::Bound;

use crate::{
    error::ContractError,
    state::{first_lock, load_account, ACCOUNTS, CONFIG, LOCKS, SLASHING, TOTALS},
};

pub fn config(deps: Deps) -> Result<ConfigResponse, ContractError> {
    let config = CONFIG.load(deps.storage)?;
    Ok(ConfigResponse {
        admin: admin::current(deps.storage)?,
        pending_admin: admin::pending(deps.storage)?,
        slashing: SLASHING.may_load(deps.storage)?,
        treasury: config.treasury,
        bond_denom: config.bond_denom,
        unbonding_seconds: config.unbonding_seconds,
        max_unbondings: config.max_unbondings,
    })
}

pub fn bond(deps: Deps, provider: &str) -> Result<BondResponse, ContractError> {
    let provider = address(deps.api, "provider", provider)?;
    let account = load_account(deps.storage, &provider)?;
    let locks = lock_keys(deps, &provider, None, None)?;
    Ok(BondResponse {
        bonded: account.bonded,
        unbonding: account.unbonding()?,
        locked: !locks.is_empty(),
        locks,
        provider,
    })
}

pub fn bonds(deps: Deps, start_after: Option<&str>, limit: Option<u32>) -> Result<BondsResponse, ContractError> {
    let start_after = optional_address(deps.api, "start_after", start_after)?;
    let bonds = ACCOUNTS
        .range(deps.storage, start_after.as_ref().map(Bound::exclusive), None, Order::Ascending)
        .take(page_size(limit))
        .map(|item| {
            let (provider, account) = item?;
            Ok(Bond {
                bonded: account.bonded,
                unbonding: account.unbonding()?,
                locked: first_lock(deps.storage, &provider)?.is_some(),
                provider,
            })
        })
        .collect::<StdResult<_>>()?;
    Ok(BondsResponse { bonds })
}

pub fn unbondings(deps: Deps, provider: &str) -> Result<UnbondingsResponse, ContractError> {
    let provider = address(deps.api, "provider", provider)?;
    let account = load_account(deps.storage, &provider)?;
    Ok(UnbondingsResponse { unbondings: account.unbondings })
}

pub fn locks(
    deps: Deps,
    provider: &str,
    start_after: Option<&str>,
    limit: Option<u32>,
) -> Result<LocksResponse, ContractError> {
    let provider = address(deps.api, "provider", provider)?;
    let locks = lock_keys(deps, &provider, start_after, limit)?;
    Ok(LocksResponse { locks })
}

pub fn totals(deps: Deps) -> Result<TotalsResponse, ContractError> {
    Ok(TOTALS.load(deps.storage)?)
}

fn lock_keys(deps: Deps, provider: &Addr, start_after: Option<&str>, limit: Option<u32>) -> StdResult<Vec<String>> {
    LOCKS
        .prefix(provider)
        .keys(deps.storage, start_after.map(Bound::exclusive), None, Order::Ascending)
        .take(page_size(limit))
        .collect()
}
