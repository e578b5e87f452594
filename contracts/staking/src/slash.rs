//! The slash: what is taken from a provider, and where it goes. The arithmetic is documented at
//! [`bauta_messages::staking::SlashResponse`].

use bauta_foundation::input::{address, optional_address};
use bauta_messages::staking::{SlashResponse, MAX_COMPENSATED};
use cosmwasm_std::{coins, to_json_binary, Addr, Api, BankMsg, Decimal, DepsMut, Response, Uint128};

use crate::{
    error::ContractError,
    state::{load_account, save_account, CONFIG, SLASHING, TOTALS},
};

/// A checked order to slash.
pub struct Order {
    provider: Addr,
    fraction: Decimal,
    /// Who reported; never the provider itself, which would buy back a part of its own bond.
    reporter: Option<Addr>,
    bounty_fraction: Decimal,
    /// Who was harmed, each once, in order of address, the provider left out.
    harmed: Vec<Addr>,
    compensation_fraction: Decimal,
}

impl Order {
    /// Checks the addresses and fractions of a slash.
    pub fn parse(
        api: &dyn Api,
        provider: &str,
        fraction: Decimal,
        (reporter, bounty_fraction): (Option<&str>, Decimal),
        (harmed, compensation_fraction): (&[String], Decimal),
    ) -> Result<Self, ContractError> {
        if fraction > Decimal::one() {
            return Err(ContractError::BadFraction { field: "fraction", found: fraction });
        }
        let paid_out = bounty_fraction.checked_add(compensation_fraction)?;
        if paid_out > Decimal::one() {
            return Err(ContractError::BadFraction {
                field: "the sum of bounty_fraction and compensation_fraction",
                found: paid_out,
            });
        }
        if harmed.len() > MAX_COMPENSATED {
            return Err(ContractError::TooManyCompensated { max: MAX_COMPENSATED, found: harmed.len() });
        }
        let provider = address(api, "provider", provider)?;
        let reporter = optional_address(api, "bounty_to", reporter)?.filter(|reporter| *reporter != provider);
        let mut harmed = harmed.iter().map(|one| address(api, "compensate", one)).collect::<Result<Vec<_>, _>>()?;
        harmed.sort();
        harmed.dedup();
        harmed.retain(|one| *one != provider);
        Ok(Self { provider, fraction, reporter, bounty_fraction, harmed, compensation_fraction })
    }
}

/// Takes the coins and sends them where they go. A provider that has nothing loses nothing, and that is no error: the verdict stands
/// all the same.
pub fn carry_out(deps: DepsMut, sender: &Addr, order: &Order) -> Result<Response, ContractError> {
    if SLASHING.may_load(deps.storage)?.as_ref() != Some(sender) {
        return Err(ContractError::NotSlashing { sender: sender.clone() });
    }
    let mut account = load_account(deps.storage, &order.provider)?;
    let before = account.total()?;
    let taken = account.slash(order.fraction)?;
    let after = account.total()?;
    save_account(deps.storage, &order.provider, &account)?;
    let mut totals = TOTALS.load(deps.storage)?;
    totals.bonded = totals.bonded.checked_sub(taken.bonded)?;
    totals.unbonding = totals.unbonding.checked_sub(taken.unbonding)?;
    TOTALS.save(deps.storage, &totals)?;

    let slashed = before.checked_sub(after)?;
    let split = Split::of(slashed, order)?;
    let config = CONFIG.load(deps.storage)?;
    let mut payments = Vec::new();
    if let Some(reporter) = &order.reporter {
        payments.push((reporter, split.bounty));
    }
    payments.extend(order.harmed.iter().map(|one| (one, split.each)));
    payments.push((&config.treasury, split.treasury));
    let messages = payments.into_iter().filter(|(_, amount)| !amount.is_zero()).map(|(to, amount)| BankMsg::Send {
        to_address: to.to_string(),
        amount: coins(amount.u128(), &config.bond_denom),
    });

    let response = SlashResponse {
        before,
        after,
        slashed,
        bounty: split.bounty,
        compensation: split.compensation,
        treasury: split.treasury,
    };
    Ok(Response::new()
        .add_messages(messages)
        .add_attribute("action", "slash")
        .add_attribute("provider", &order.provider)
        .add_attribute("before", before)
        .add_attribute("after", after)
        .add_attribute("slashed", slashed)
        .add_attribute("bounty", split.bounty)
        .add_attribute("compensation", split.compensation)
        .add_attribute("treasury", split.treasury)
        .set_data(to_json_binary(&response)?))
}

/// Where slashed coins go.
struct Split {
    bounty: Uint128,
    /// What each of the harmed gets.
    each: Uint128,
    /// What they get together.
    compensation: Uint128,
    treasury: Uint128,
}

impl Split {
    fn of(slashed: Uint128, order: &Order) -> Result<Self, ContractError> {
        let bounty = match order.reporter {
            Some(_) => slashed.checked_mul_floor(order.bounty_fraction)?,
            None => Uint128::zero(),
        };
        let (each, compensation) = if order.harmed.is_empty() {
            (Uint128::zero(), Uint128::zero())
        } else {
            let heads = Uint128::new(order.harmed.len() as u128);
            let each = slashed.checked_mul_floor(order.compensation_fraction)?.checked_div(heads)?;
            (each, each.checked_mul(heads)?)
        };
        let treasury = slashed.checked_sub(bounty)?.checked_sub(compensation)?;
        Ok(Self { bounty, each, compensation, treasury })
    }
}
