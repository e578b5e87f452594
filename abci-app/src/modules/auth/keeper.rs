//! Accounts in the store.

use std::ops::Bound;

use cosmos_sdk_proto::cosmos::auth::v1beta1 as proto;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::Any;
use prost::Message as _;

use super::keys;
use crate::address::Address;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::store::{Order, Store, View};

pub use proto::Params;

/// The type of the only kind of key.
pub const SECP256K1: &str = "/cosmos.crypto.secp256k1.PubKey";
const BASE_ACCOUNT: &str = "/cosmos.auth.v1beta1.BaseAccount";
const MODULE_ACCOUNT: &str = "/cosmos.auth.v1beta1.ModuleAccount";

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its address.
    pub address: Address,
    /// SEC1 compressed secp256k1; unknown until its first transaction.
    pub pub_key: Option<[u8; 33]>,
    /// Its number, in the order in which accounts came to be.
    pub account_number: u64,
    /// How many transactions it has signed.
    pub sequence: u64,
    /// The module that owns it; nobody can sign for it.
    pub module_name: Option<String>,
}

impl Account {
    /// As clients expect it: an `Any` of a `BaseAccount` or `ModuleAccount`.
    pub fn to_any(&self, prefix: &str) -> Any {
        let base = proto::BaseAccount {
            address: self.address.to_bech32(prefix),
            pub_key: self.pub_key.map(|key| pub_key_any(&key)),
            account_number: self.account_number,
            sequence: self.sequence,
        };
        match &self.module_name {
            None => Any { type_url: BASE_ACCOUNT.into(), value: base.encode_to_vec() },
            Some(name) => {
                let module =
                    proto::ModuleAccount { base_account: Some(base), name: name.clone(), permissions: Vec::new() };
                Any { type_url: MODULE_ACCOUNT.into(), value: module.encode_to_vec() }
            }
        }
    }

    fn from_bytes(address: &Address, bytes: &[u8]) -> Result<Self> {
        let unreadable = || Error::logic("the store holds an account that is none");
        let any = Any::decode(bytes).map_err(|_| unreadable())?;
        let (base, module_name) = match any.type_url.as_str() {
            BASE_ACCOUNT => (proto::BaseAccount::decode(any.value.as_slice()).map_err(|_| unreadable())?, None),
            MODULE_ACCOUNT => {
                let module = proto::ModuleAccount::decode(any.value.as_slice()).map_err(|_| unreadable())?;
                (module.base_account.ok_or_else(unreadable)?, Some(module.name))
            }
            _ => return Err(unreadable()),
        };
        Ok(Self {
            address: address.clone(),
            pub_key: base.pub_key.as_ref().map(pub_key_bytes).transpose()?,
            account_number: base.account_number,
            sequence: base.sequence,
            module_name,
        })
    }
}

/// A key as transactions and accounts carry it.
pub fn pub_key_any(key: &[u8; 33]) -> Any {
    Any { type_url: SECP256K1.into(), value: PubKey { key: key.to_vec() }.encode_to_vec() }
}

/// The key in an `Any`.
///
/// # Errors
/// Invalid public key (sdk 8) for another kind of key, or one that is not 33 bytes.
pub fn pub_key_bytes(any: &Any) -> Result<[u8; 33]> {
    if any.type_url != SECP256K1 {
        return Err(Error::invalid_pub_key(format!(
            "keys of type {} cannot sign here, only {SECP256K1}",
            any.type_url.chars().take(100).collect::<String>()
        )));
    }
    let key = PubKey::decode(any.value.as_slice()).map_err(|_| Error::invalid_pub_key("the key is not readable"))?;
    key.key.try_into().map_err(|_| Error::invalid_pub_key("a secp256k1 key has 33 bytes, SEC1 compressed"))
}

/// The account at an address, with gas.
///
/// # Errors
/// Out of gas.
pub fn account(ctx: &mut Context, address: &Address) -> Result<Option<Account>> {
    let bytes = ctx.get(Store::Auth, &keys::account(address))?;
    bytes.map(|bytes| Account::from_bytes(address, &bytes)).transpose()
}

/// The account at an address, for queries.
pub fn account_of(view: &View, address: &Address) -> Option<Account> {
    let bytes = view.get(Store::Auth, &keys::account(address))?;
    Account::from_bytes(address, &bytes).ok()
}

/// All accounts, in the order of their addresses.
pub fn all(view: &View) -> Vec<Account> {
    let (start, end) = ([keys::ACCOUNT], [keys::ACCOUNT + 1]);
    let found =
        view.range(Store::Auth, Bound::Included(&start[..]), Bound::Excluded(&end[..]), Order::Ascending, usize::MAX);
    let read = |(key, bytes): (Vec<u8>, Vec<u8>)| {
        let address = Address::new(&key[1..]).ok()?;
        Account::from_bytes(&address, &bytes).ok()
    };
    found.into_iter().filter_map(read).collect()
}

/// Writes an account.
///
/// # Errors
/// Out of gas.
pub fn set_account(ctx: &mut Context, account: &Account) -> Result<()> {
    let bytes = account.to_any(&ctx.prefix).encode_to_vec();
    ctx.set(Store::Auth, keys::account(&account.address), bytes)
}

/// The account at an address; a new one with the next number if there is none.
///
/// # Errors
/// Out of gas.
pub fn ensure_account(ctx: &mut Context, address: &Address) -> Result<Account> {
    match account(ctx, address)? {
        Some(account) => Ok(account),
        None => create(ctx, address, None),
    }
}

/// The account of a module.
///
/// # Errors
/// Out of gas.
pub fn ensure_module_account(ctx: &mut Context, name: &str) -> Result<Address> {
    let address = Address::module(name);
    match account(ctx, &address)? {
        Some(account) if account.module_name.is_some() => {}
        // Coins may have arrived before the module was first used.
        Some(account) => set_account(ctx, &Account { module_name: Some(name.to_string()), ..account })?,
        None => drop(create(ctx, &address, Some(name.to_string()))?),
    }
    Ok(address)
}

fn create(ctx: &mut Context, address: &Address, module_name: Option<String>) -> Result<Account> {
    let number =
        ctx.get(Store::Auth, keys::NEXT_NUMBER)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    ctx.set(Store::Auth, keys::NEXT_NUMBER.to_vec(), number.saturating_add(1).to_be_bytes().to_vec())?;
    let account = Account { address: address.clone(), pub_key: None, account_number: number, sequence: 0, module_name };
    set_account(ctx, &account)?;
    Ok(account)
}

/// The module's parameters (cosmos-sdk x/auth/types/params.go has the defaults).
pub fn params(view: &View) -> Params {
    view.get(Store::Auth, keys::PARAMS)
        .and_then(|bytes| Params::decode(bytes.as_slice()).ok())
        .unwrap_or_else(default_params)
}

/// The SDK's defaults.
pub fn default_params() -> Params {
    Params {
        max_memo_characters: 256,
        tx_sig_limit: 7,
        tx_size_cost_per_byte: 10,
        sig_verify_cost_ed25519: 590,
        sig_verify_cost_secp256k1: 1000,
    }
}
