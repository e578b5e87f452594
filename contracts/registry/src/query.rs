//! One function a query.

use bauta_foundation::{
    admin,
    input::{address, optional_address},
};
use bauta_messages::{
    page_size,
    registry::{
        AdmittedResponse, Bar, ConfigResponse, IssuersResponse, MayTakePartResponse, ProviderResponse,
        ProvidersResponse, Registration, Standing,
    },
};
use cosmwasm_std::{Addr, Deps, Order, StdResult};
use cw_storage_plus::Bound;

use crate::{
    error::ContractError,
    state::{ADMISSIONS, ISSUERS, REGISTRATIONS, SLASHING, STANDINGS},
};

pub fn config(deps: Deps) -> Result<ConfigResponse, ContractError> {
    Ok(ConfigResponse {
        admin: admin::current(deps.storage)?,
        pending_admin: admin::pending(deps.storage)?,
        slashing: SLASHING.may_load(deps.storage)?,
    })
}

pub fn provider(deps: Deps, provider: &str) -> Result<ProviderResponse, ContractError> {
    let provider = address(deps.api, "provider", provider)?;
    let registration = REGISTRATIONS.may_load(deps.storage, &provider)?;
    Ok(entry(deps, provider, registration)?)
}

pub fn providers(
    deps: Deps,
    start_after: Option<&str>,
    limit: Option<u32>,
) -> Result<ProvidersResponse, ContractError> {
    let start_after = optional_address(deps.api, "start_after", start_after)?;
    let providers = REGISTRATIONS
        .range(deps.storage, start_after.as_ref().map(Bound::exclusive), None, Order::Ascending)
        .take(page_size(limit))
        .map(|item| {
            let (provider, registration) = item?;
            entry(deps, provider, Some(registration))
        })
        .collect::<StdResult<_>>()?;
    Ok(ProvidersResponse { providers })
}

pub fn may_take_part(deps: Deps, provider: &str, issuer: Option<&str>) -> Result<MayTakePartResponse, ContractError> {
    let provider = address(deps.api, "provider", provider)?;
    let issuer = optional_address(deps.api, "issuer", issuer)?;
    let bar = bar(deps, &provider, issuer.as_ref())?;
    Ok(match bar {
        None => MayTakePartResponse { allowed: true, reason: None, explanation: None },
        Some((reason, explanation)) => {
            MayTakePartResponse { allowed: false, reason: Some(reason), explanation: Some(explanation) }
        }
    })
}

pub fn issuers(deps: Deps, start_after: Option<&str>, limit: Option<u32>) -> Result<IssuersResponse, ContractError> {
    let start_after = optional_address(deps.api, "start_after", start_after)?;
    let issuers = ISSUERS
        .keys(deps.storage, start_after.as_ref().map(Bound::exclusive), None, Order::Ascending)
        .take(page_size(limit))
        .collect::<StdResult<_>>()?;
    Ok(IssuersResponse { issuers })
}

pub fn admitted(
    deps: Deps,
    issuer: &str,
    start_after: Option<&str>,
    limit: Option<u32>,
) -> Result<AdmittedResponse, ContractError> {
    let issuer = address(deps.api, "issuer", issuer)?;
    let start_after = optional_address(deps.api, "start_after", start_after)?;
    let providers = ADMISSIONS
        .prefix(&issuer)
        .keys(deps.storage, start_after.as_ref().map(Bound::exclusive), None, Order::Ascending)
        .take(page_size(limit))
        .collect::<StdResult<_>>()?;
    Ok(AdmittedResponse { providers })
}

fn entry(deps: Deps, provider: Addr, registration: Option<Registration>) -> StdResult<ProviderResponse> {
    let standing = STANDINGS.may_load(deps.storage, &provider)?.unwrap_or(Standing::Good {});
    Ok(ProviderResponse { provider, registration, standing })
}

/// What bars a provider, and the sentence that says what would change it. A jail bars after its end too: returning is the provider's
/// own act, so that a provider that went silent is not drawn again while it still is.
fn bar(deps: Deps, provider: &Addr, issuer: Option<&Addr>) -> Result<Option<(Bar, String)>, ContractError> {
    let standing = STANDINGS.may_load(deps.storage, provider)?;
    if let Some(Standing::Tombstoned { reason, .. }) = &standing {
        let sentence = format!("{provider} is barred for ever, for {reason}");
        return Ok(Some((Bar::Tombstoned, sentence)));
    }
    if !REGISTRATIONS.has(deps.storage, provider) {
        let sentence = format!("{provider} is not registered; it registers with register");
        return Ok(Some((Bar::NotRegistered, sentence)));
    }
    if let Some(Standing::Jailed { until, reason }) = &standing {
        let sentence =
            format!("{provider} is jailed for {reason}; it returns with unjail from {until} (seconds since 1970) on");
        return Ok(Some((Bar::Jailed, sentence)));
    }
    let Some(issuer) = issuer else {
        return Ok(None);
    };
    if !ISSUERS.has(deps.storage, issuer) {
        let sentence = format!("{issuer} is not an issuer of this registry");
        return Ok(Some((Bar::UnknownIssuer, sentence)));
    }
    if !ADMISSIONS.has(deps.storage, (issuer, provider)) {
        let sentence = format!("{issuer} has not admitted {provider}; the issuer admits with admit");
        return Ok(Some((Bar::NotAdmitted, sentence)));
    }
    Ok(None)
}
