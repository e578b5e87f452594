//! Accounts and parameters at genesis.

use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::{keeper, keys};
use crate::address::Address;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::store::{Store, View};

/// `app_state.auth`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Genesis {
    /// Parameters; the SDK's defaults where absent.
    pub params: Params,
    /// Accounts that exist from the start, in the order of their numbers.
    pub accounts: Vec<Account>,
}

/// Parameters of transactions (cosmos-sdk x/auth).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The longest memo.
    pub max_memo_characters: u64,
    /// The most signatures.
    pub tx_sig_limit: u64,
    /// Gas a byte of a transaction.
    pub tx_size_cost_per_byte: u64,
    /// Gas a secp256k1 signature.
    pub sig_verify_cost_secp256k1: u64,
}

impl Default for Params {
    fn default() -> Self {
        let params = keeper::default_params();
        Self {
            max_memo_characters: params.max_memo_characters,
            tx_sig_limit: params.tx_sig_limit,
            tx_size_cost_per_byte: params.tx_size_cost_per_byte,
            sig_verify_cost_secp256k1: params.sig_verify_cost_secp256k1,
        }
    }
}

/// An account that exists from the start.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Bech32.
    pub address: String,
}

/// The accounts of people and contracts as they stand, in the order of their numbers; modules make their own. Sequences are not
/// carried over: a signature names the chain, and the new one has another id.
pub fn export(view: &View, prefix: &str) -> Genesis {
    let params = keeper::params(view);
    let mut accounts = keeper::all(view);
    accounts.retain(|account| account.module_name.is_none());
    accounts.sort_by_key(|account| account.account_number);
    Genesis {
        params: Params {
            max_memo_characters: params.max_memo_characters,
            tx_sig_limit: params.tx_sig_limit,
            tx_size_cost_per_byte: params.tx_size_cost_per_byte,
            sig_verify_cost_secp256k1: params.sig_verify_cost_secp256k1,
        },
        accounts: accounts.iter().map(|account| Account { address: account.address.to_bech32(prefix) }).collect(),
    }
}

/// Writes them.
///
/// # Errors
/// When an address is none.
pub fn init(ctx: &mut Context, genesis: &Genesis) -> Result<()> {
    let params = keeper::Params {
        max_memo_characters: genesis.params.max_memo_characters,
        tx_sig_limit: genesis.params.tx_sig_limit,
        tx_size_cost_per_byte: genesis.params.tx_size_cost_per_byte,
        sig_verify_cost_secp256k1: genesis.params.sig_verify_cost_secp256k1,
        ..keeper::default_params()
    };
    if params.tx_sig_limit == 0 {
        return Err(Error::invalid_request("auth.params.tx_sig_limit must be at least 1, or nobody can sign"));
    }
    ctx.set(Store::Auth, keys::PARAMS.to_vec(), params.encode_to_vec())?;
    for account in &genesis.accounts {
        let address = Address::parse(&account.address, &ctx.prefix)
            .map_err(|error| error.context(format!("auth.accounts: {}", account.address)))?;
        keeper::ensure_account(ctx, &address)?;
    }
    Ok(())
}
