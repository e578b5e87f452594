//! One function a message, but for the slash.

use bauta_foundation::{
    admin,
    input::{optional_address, seconds},
};
use bauta_messages::{staking::MAX_UNBONDINGS, MAX_SECONDS};
use cosmwasm_std::{
    coins, Addr, BankMsg, Coin, DepsMut, Env, MessageInfo, OverflowError, OverflowOperation, Response, StdError,
    Uint128,
};

use crate::{
    error::ContractError,
    state::{first_lock, load_account, save_account, Config, CONFIG, SLASHING, TOTALS},
};

pub fn bond(deps: DepsMut, info: &MessageInfo) -> Result<Response, ContractError> {
    let amount = bonded_coins(&CONFIG.load(deps.storage)?.bond_denom, &info.funds)?;
    let provider = &info.sender;
    let mut account = load_account(deps.storage, provider)?;
    account.bonded = account.bonded.checked_add(amount)?;
    save_account(deps.storage, provider, &account)?;
    let mut totals = TOTALS.load(deps.storage)?;
    totals.bonded = totals.bonded.checked_add(amount)?;
    TOTALS.save(deps.storage, &totals)?;
    Ok(answer("bond")
        .add_attribute("provider", provider)
        .add_attribute("amount", amount)
        .add_attribute("bonded", account.bonded))
}

pub fn unbond(deps: DepsMut, env: &Env, provider: Addr, amount: Uint128) -> Result<Response, ContractError> {
    if amount.is_zero() {
        return Err(ContractError::Nothing);
    }
    let config = CONFIG.load(deps.storage)?;
    let mut account = load_account(deps.storage, &provider)?;
    if amount > account.bonded {
        return Err(ContractError::NotEnough { provider, bonded: account.bonded, asked: amount });
    }
    let matures_at = env
        .block
        .time
        .seconds()
        .checked_add(config.unbonding_seconds)
        .ok_or(OverflowError::new(OverflowOperation::Add))?;
    let entries = account.unbondings.len();
    account.unbond(amount, matures_at)?;
    if account.unbondings.len() > entries && account.unbondings.len() > config.max_unbondings as usize {
        return Err(ContractError::TooManyUnbondings { provider, max: config.max_unbondings });
    }
    save_account(deps.storage, &provider, &account)?;
    let mut totals = TOTALS.load(deps.storage)?;
    totals.bonded = totals.bonded.checked_sub(amount)?;
    totals.unbonding = totals.unbonding.checked_add(amount)?;
    TOTALS.save(deps.storage, &totals)?;
    Ok(answer("unbond")
        .add_attribute("provider", provider)
        .add_attribute("amount", amount)
        .add_attribute("matures_at", matures_at.to_string()))
}

pub fn withdraw(deps: DepsMut, env: &Env, provider: Addr) -> Result<Response, ContractError> {
    let now = env.block.time.seconds();
    let mut account = load_account(deps.storage, &provider)?;
    let Some(next) = account.unbondings.iter().map(|entry| entry.matures_at).min() else {
        return Err(ContractError::NothingUnbonding { provider });
    };
    // Matured coins are held too: they were there when the provider enrolled, and answer for what it did since.
    if let Some(key) = first_lock(deps.storage, &provider)? {
        return Err(ContractError::Locked { provider, key });
    }
    if next > now {
        return Err(ContractError::NotMatured { provider, at: next, now });
    }
    let amount = account.withdraw(now)?;
    save_account(deps.storage, &provider, &account)?;
    let mut totals = TOTALS.load(deps.storage)?;
    totals.unbonding = totals.unbonding.checked_sub(amount)?;
    TOTALS.save(deps.storage, &totals)?;
    let denom = CONFIG.load(deps.storage)?.bond_denom;
    Ok(answer("withdraw")
        .add_message(BankMsg::Send { to_address: provider.to_string(), amount: coins(amount.u128(), denom) })
        .add_attribute("provider", provider)
        .add_attribute("amount", amount))
}

pub fn update_config(
    deps: DepsMut,
    sender: Addr,
    slashing: Option<&str>,
    treasury: Option<&str>,
    unbonding_seconds: Option<u64>,
    max_unbondings: Option<u32>,
) -> Result<Response, ContractError> {
    admin::require(deps.storage, &sender)?;
    let mut response = answer("update_config");
    if let Some(slashing) = optional_address(deps.api, "slashing", slashing)? {
        SLASHING.save(deps.storage, &slashing)?;
        response = response.add_attribute("slashing", slashing);
    }
    let mut config = CONFIG.load(deps.storage)?;
    if let Some(treasury) = optional_address(deps.api, "treasury", treasury)? {
        response = response.add_attribute("treasury", &treasury);
        config.treasury = treasury;
    }
    if let Some(seconds) = unbonding_seconds {
        response = response.add_attribute("unbonding_seconds", seconds.to_string());
        config.unbonding_seconds = seconds;
    }
    if let Some(max) = max_unbondings {
        response = response.add_attribute("max_unbondings", max.to_string());
        config.max_unbondings = max;
    }
    check_config(&config)?;
    CONFIG.save(deps.storage, &config)?;
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

/// Refuses parameters out of their ranges.
pub fn check_config(config: &Config) -> Result<(), ContractError> {
    // The SDK's rule for denominations: [a-zA-Z][a-zA-Z0-9/:._-]{2,127}.
    let denom = &config.bond_denom;
    let legal = |c: char| c.is_ascii_alphanumeric() || "/:._-".contains(c);
    if !(3..=128).contains(&denom.len())
        || !denom.starts_with(|c: char| c.is_ascii_alphabetic())
        || !denom.chars().all(legal)
    {
        return Err(ContractError::BadDenom(denom.chars().take(128).collect()));
    }
    seconds("unbonding_seconds", config.unbonding_seconds, 1, MAX_SECONDS)?;
    if !(1..=MAX_UNBONDINGS).contains(&config.max_unbondings) {
        return Err(ContractError::BadMaxUnbondings { max: MAX_UNBONDINGS, found: config.max_unbondings });
    }
    Ok(())
}

fn bonded_coins(denom: &str, funds: &[Coin]) -> Result<Uint128, ContractError> {
    match funds {
        [coin] if coin.denom == denom => {
            let amount = Uint128::try_from(coin.amount).map_err(StdError::from)?;
            if amount.is_zero() {
                Err(ContractError::Nothing)
            } else {
                Ok(amount)
            }
        }
        [] => Err(ContractError::WrongFunds { denom: denom.to_string(), found: "nothing".to_string() }),
        coins => {
            let coins: Vec<_> = coins.iter().take(4).map(Coin::to_string).collect();
            Err(ContractError::WrongFunds { denom: denom.to_string(), found: coins.join(", ") })
        }
    }
}

fn answer(action: &str) -> Response {
    Response::new().add_attribute("action", action)
}
