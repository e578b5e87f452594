//! Balances and supplies in the store.

use std::ops::Bound;

use cosmos_sdk_proto::cosmos::bank::v1beta1::Metadata;
use prost::Message as _;

use super::{events, keys};
use crate::address::Address;
use crate::coin::{Coin, Coins};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::modules::{auth, MODULE_ACCOUNTS};
use crate::store::{Order, Store, View};

/// What an account holds of a denomination, with gas.
///
/// # Errors
/// Out of gas.
pub fn balance(ctx: &mut Context, who: &Address, denom: &str) -> Result<u128> {
    ctx.get(Store::Bank, &keys::balance(who, denom))?.map_or(Ok(0), |bytes| amount(&bytes))
}

/// What an account holds of a denomination, for queries.
pub fn balance_of(view: &View, who: &Address, denom: &str) -> u128 {
    view.get(Store::Bank, &keys::balance(who, denom)).and_then(|bytes| amount(&bytes).ok()).unwrap_or(0)
}

/// What an account holds, at most `limit` denominations behind `after`.
pub fn balances(view: &View, who: &Address, after: Option<&str>, limit: usize) -> Vec<Coin> {
    let prefix = keys::balances(who);
    let from = after.map_or(prefix.clone(), |denom| keys::balance(who, denom));
    let start = if after.is_some() { Bound::Excluded(from.as_slice()) } else { Bound::Included(from.as_slice()) };
    let end = crate::modules::pages::prefix_end(&prefix);
    view.range(Store::Bank, start, end.as_ref().map(Vec::as_slice), Order::Ascending, limit)
        .into_iter()
        .filter_map(|(key, value)| coin(&key[prefix.len()..], &value))
        .collect()
}

/// Everybody's balances, in the order of keys: those of an account follow each other.
///
/// # Errors
/// Logic (sdk 35) for a record that cannot be read.
pub fn all_balances(view: &View) -> Result<Vec<(Address, Coin)>> {
    let unreadable = || Error::logic("the store holds a balance that is none");
    let read = |(key, value): (Vec<u8>, Vec<u8>)| {
        let length = usize::from(*key.get(1).ok_or_else(unreadable)?);
        let (address, denom) = key.get(2..).and_then(|rest| rest.split_at_checked(length)).ok_or_else(unreadable)?;
        Ok((Address::new(address)?, coin(denom, &value).ok_or_else(unreadable)?))
    };
    under(view, keys::BALANCE).into_iter().map(read).collect()
}

/// What denominations mean to people.
///
/// # Errors
/// Logic (sdk 35) for a record that cannot be read.
pub fn all_metadata(view: &View) -> Result<Vec<Metadata>> {
    let read = |(_, value): (Vec<u8>, Vec<u8>)| {
        Metadata::decode(value.as_slice()).map_err(|_| Error::logic("the store holds metadata that are none"))
    };
    under(view, keys::METADATA).into_iter().map(read).collect()
}

fn under(view: &View, prefix: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (start, end) = ([prefix], [prefix + 1]);
    view.range(Store::Bank, Bound::Included(&start[..]), Bound::Excluded(&end[..]), Order::Ascending, usize::MAX)
}

/// How much of a denomination there is.
pub fn supply_of(view: &View, denom: &str) -> u128 {
    view.get(Store::Bank, &keys::supply(denom)).and_then(|bytes| amount(&bytes).ok()).unwrap_or(0)
}

/// Moves coins; the receiver's account is created. Modules and contracts move coins with this.
///
/// # Errors
/// Insufficient funds (sdk 5); out of gas.
pub fn transfer(ctx: &mut Context, from: &Address, to: &Address, coins: &Coins) -> Result<()> {
    if coins.is_empty() {
        return Ok(());
    }
    subtract(ctx, from, coins)?;
    add(ctx, to, coins)?;
    auth::ensure_account(ctx, to)?;
    events::transfer(ctx, from, to, coins);
    Ok(())
}

/// Moves coins as `MsgSend` does: not to accounts of modules, whose books would not know of them.
///
/// # Errors
/// Unauthorized (sdk 4) for an account of a module, and those of [`transfer`].
pub fn send(ctx: &mut Context, from: &Address, to: &Address, coins: &Coins) -> Result<()> {
    if is_blocked(to) {
        return Err(Error::unauthorized(format!("{} is not allowed to receive funds", to.to_bech32(&ctx.prefix))));
    }
    transfer(ctx, from, to, coins)
}

/// Whether an address takes no coins from users.
pub fn is_blocked(address: &Address) -> bool {
    MODULE_ACCOUNTS.iter().any(|name| Address::module(name) == *address)
}

/// Makes coins; there is no other way than genesis today.
///
/// # Errors
/// Invalid coins (sdk 10) when the supply passes 128 bits; out of gas.
pub fn mint(ctx: &mut Context, to: &Address, coins: &Coins) -> Result<()> {
    for coin in coins.iter() {
        let supply = supply_of(&ctx.view, &coin.denom)
            .checked_add(coin.amount)
            .ok_or_else(|| Error::invalid_coins(format!("the supply of {} does not fit 128 bits", coin.denom)))?;
        ctx.set(Store::Bank, keys::supply(&coin.denom), supply.to_string().into_bytes())?;
    }
    add(ctx, to, coins)?;
    auth::ensure_account(ctx, to)?;
    events::coinbase(ctx, to, coins);
    Ok(())
}

/// Destroys coins.
///
/// # Errors
/// Insufficient funds (sdk 5); out of gas.
pub fn burn(ctx: &mut Context, from: &Address, coins: &Coins) -> Result<()> {
    subtract(ctx, from, coins)?;
    for coin in coins.iter() {
        let supply = supply_of(&ctx.view, &coin.denom)
            .checked_sub(coin.amount)
            .ok_or_else(|| Error::logic(format!("more {} is held than there is", coin.denom)))?;
        if supply == 0 {
            ctx.delete(Store::Bank, &keys::supply(&coin.denom))?;
        } else {
            ctx.set(Store::Bank, keys::supply(&coin.denom), supply.to_string().into_bytes())?;
        }
    }
    events::burn(ctx, from, coins);
    Ok(())
}

/// Takes coins from an account.
pub(super) fn subtract(ctx: &mut Context, from: &Address, coins: &Coins) -> Result<()> {
    for coin in coins.iter() {
        let held = balance(ctx, from, &coin.denom)?;
        let left = held.checked_sub(coin.amount).ok_or_else(|| {
            Error::insufficient_funds(format!(
                "spendable balance {held}{denom} is smaller than {coin}: insufficient funds",
                denom = coin.denom
            ))
        })?;
        set_balance(ctx, from, &coin.denom, left)?;
    }
    events::coin_spent(ctx, from, coins);
    Ok(())
}

/// Gives coins to an account.
pub(super) fn add(ctx: &mut Context, to: &Address, coins: &Coins) -> Result<()> {
    for coin in coins.iter() {
        let held = balance(ctx, to, &coin.denom)?
            .checked_add(coin.amount)
            .ok_or_else(|| Error::invalid_coins(format!("the balance of {} does not fit 128 bits", coin.denom)))?;
        set_balance(ctx, to, &coin.denom, held)?;
    }
    events::coin_received(ctx, to, coins);
    Ok(())
}

fn set_balance(ctx: &mut Context, who: &Address, denom: &str, amount: u128) -> Result<()> {
    let key = keys::balance(who, denom);
    if amount == 0 {
        ctx.delete(Store::Bank, &key)
    } else {
        ctx.set(Store::Bank, key, amount.to_string().into_bytes())
    }
}

/// An amount as it is stored.
pub(super) fn amount(bytes: &[u8]) -> Result<u128> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::logic("the store holds an amount that is none"))
}

/// A coin from the end of its key and its value.
pub(super) fn coin(denom: &[u8], value: &[u8]) -> Option<Coin> {
    Some(Coin { denom: String::from_utf8(denom.to_vec()).ok()?, amount: amount(value).ok()? })
}
