//! One function a query.

use bauta_foundation::{admin, input::optional_address};
use bauta_messages::{
    page_size,
    slashing::{ConfigResponse, HistoryResponse, OffenceResponse, PenaltiesResponse, PenaltyRow, SettledOffence},
};
use cosmwasm_std::{Binary, Deps, Order, StdResult};
use cw_storage_plus::Bound;

use crate::{
    error::ContractError,
    state::{OFFENCES, OFFENCES_OF, OFFENCE_IDS, PENALTIES, REGISTRY, STAKING},
};

pub fn config(deps: Deps) -> Result<ConfigResponse, ContractError> {
    Ok(ConfigResponse {
        admin: admin::current(deps.storage)?,
        pending_admin: admin::pending(deps.storage)?,
        staking: STAKING.load(deps.storage)?,
        registry: REGISTRY.load(deps.storage)?,
    })
}

pub fn penalties(
    deps: Deps,
    start_after: Option<&str>,
    limit: Option<u32>,
) -> Result<PenaltiesResponse, ContractError> {
    let penalties = PENALTIES
        .range(deps.storage, start_after.map(Bound::exclusive), None, Order::Ascending)
        .take(page_size(limit))
        .map(|item| item.map(|(kind, penalty)| PenaltyRow { kind, penalty }))
        .collect::<StdResult<_>>()?;
    Ok(PenaltiesResponse { penalties })
}

pub fn offence(deps: Deps, offence_id: &Binary) -> Result<OffenceResponse, ContractError> {
    let offence = OFFENCE_IDS
        .may_load(deps.storage, offence_id)?
        .map(|sequence| OFFENCES.load(deps.storage, sequence))
        .transpose()?;
    Ok(OffenceResponse { offence })
}

pub fn history(
    deps: Deps,
    provider: Option<&str>,
    start_after: Option<u64>,
    limit: Option<u32>,
) -> Result<HistoryResponse, ContractError> {
    let provider = optional_address(deps.api, "provider", provider)?;
    let start_after = start_after.map(Bound::exclusive);
    let size = page_size(limit);
    let offences: Vec<SettledOffence> = match provider {
        None => OFFENCES
            .range(deps.storage, start_after, None, Order::Ascending)
            .take(size)
            .map(|item| item.map(|(_, offence)| offence))
            .collect::<StdResult<_>>()?,
        Some(provider) => OFFENCES_OF
            .prefix(&provider)
            .keys(deps.storage, start_after, None, Order::Ascending)
            .take(size)
            .map(|sequence| OFFENCES.load(deps.storage, sequence?))
            .collect::<StdResult<_>>()?,
    };
    Ok(HistoryResponse { offences })
}
