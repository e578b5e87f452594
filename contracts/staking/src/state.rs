//! What the staking contract stores, and under which keys. `admin` and `pending_admin` are [`bauta_foundation::admin`]'s,
//! `contract_info` is cw2's. A key of a map is its name with a be16 length in front, the parts of the key but the last each with a
//! be16 length in front, and the last part; values are JSON.

use bauta_messages::staking::TotalsResponse;
use cosmwasm_schema::cw_serde;
use cosmwasm_std::{Addr, Order, StdResult, Storage};
use cw_storage_plus::{Item, Map};

use crate::account::Account;

/// The parameters.
#[cw_serde]
pub struct Config {
    /// Where the rest of slashed coins goes.
    pub treasury: Addr,
    /// The one denomination that is bonded.
    pub bond_denom: String,
    /// Seconds from `unbond` to when an entry matures.
    pub unbonding_seconds: u64,
    /// Unbonding entries a provider may have at once.
    pub max_unbondings: u32,
}

/// `config`: the parameters.
pub const CONFIG: Item<Config> = Item::new("config");
/// `slashing`: the slashing contract's address, once it is set.
pub const SLASHING: Item<Addr> = Item::new("slashing");
/// `account | provider`: what a provider has here; absent when it has nothing.
pub const ACCOUNTS: Map<&Addr, Account> = Map::new("account");
/// `lock | provider | key`: the height since when the chain holds this lock.
pub const LOCKS: Map<(&Addr, &str), u64> = Map::new("lock");
/// `totals`: the sums over all accounts.
pub const TOTALS: Item<TotalsResponse> = Item::new("totals");

/// The key of the first lock on a provider, if there is any.
pub fn first_lock(storage: &dyn Storage, provider: &Addr) -> StdResult<Option<String>> {
    LOCKS.prefix(provider).keys(storage, None, None, Order::Ascending).next().transpose()
}

/// Loads an account; one that is not stored has nothing.
pub fn load_account(storage: &dyn Storage, provider: &Addr) -> StdResult<Account> {
    Ok(ACCOUNTS.may_load(storage, provider)?.unwrap_or_default())
}

/// Stores an account, or removes it when nothing is left in it.
pub fn save_account(storage: &mut dyn Storage, provider: &Addr, account: &Account) -> StdResult<()> {
    if account.is_empty() {
        ACCOUNTS.remove(storage, provider);
        Ok(())
    } else {
        ACCOUNTS.save(storage, provider, account)
    }
}
