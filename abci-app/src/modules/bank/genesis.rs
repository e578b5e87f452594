//! Balances at genesis.

use cosmos_sdk_proto::cosmos::bank::v1beta1 as proto;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::{keeper, keys};
use crate::address::Address;
use crate::coin::{check_denom, Coins};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::store::{Store, View};

/// `app_state.bank`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Genesis {
    /// Who starts with what.
    pub balances: Vec<Balance>,
    /// What must exist in all, if it is to be checked against the balances.
    pub supply: Coins,
    /// What denominations mean to people.
    pub denom_metadata: Vec<Metadata>,
}

/// What an account starts with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Bech32.
    pub address: String,
    /// The coins.
    pub coins: Coins,
}

/// What a denomination means to people (`cosmos.bank.v1beta1.Metadata`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metadata {
    /// In words.
    pub description: String,
    /// Its units.
    pub denom_units: Vec<DenomUnit>,
    /// The unit of the books.
    pub base: String,
    /// The unit shown to people.
    pub display: String,
    /// Its name.
    pub name: String,
    /// Its symbol.
    pub symbol: String,
}

/// A unit of a denomination.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DenomUnit {
    /// Its name.
    pub denom: String,
    /// Its power of ten.
    pub exponent: u32,
    /// Other names.
    pub aliases: Vec<String>,
}

/// Balances and supply as they stand.
///
/// # Errors
/// Logic (sdk 35) for a record that cannot be read.
pub fn export(view: &View, prefix: &str) -> Result<Genesis> {
    let mut supply = Coins::none();
    let mut balances: Vec<Balance> = Vec::new();
    for (address, coin) in keeper::all_balances(view)? {
        let (address, coins) = (address.to_bech32(prefix), Coins::new(vec![coin])?);
        supply = supply.checked_add(&coins)?;
        match balances.last_mut().filter(|last| last.address == address) {
            Some(last) => last.coins = last.coins.checked_add(&coins)?,
            None => balances.push(Balance { address, coins }),
        }
    }
    let denom_metadata = keeper::all_metadata(view)?.into_iter().map(Metadata::from).collect();
    Ok(Genesis { balances, supply, denom_metadata })
}

impl From<proto::Metadata> for Metadata {
    fn from(record: proto::Metadata) -> Self {
        let unit =
            |unit: proto::DenomUnit| DenomUnit { denom: unit.denom, exponent: unit.exponent, aliases: unit.aliases };
        Self {
            description: record.description,
            denom_units: record.denom_units.into_iter().map(unit).collect(),
            base: record.base,
            display: record.display,
            name: record.name,
            symbol: record.symbol,
        }
    }
}

/// Writes them.
///
/// # Errors
/// When an address or a denomination is none, or the supply differs from the sum of the balances.
pub fn init(ctx: &mut Context, genesis: &Genesis) -> Result<()> {
    let mut total = Coins::none();
    for balance in &genesis.balances {
        let address = Address::parse(&balance.address, &ctx.prefix)
            .map_err(|error| error.context(format!("bank.balances: {}", balance.address)))?;
        keeper::mint(ctx, &address, &balance.coins)?;
        total = total.checked_add(&balance.coins)?;
    }
    if !genesis.supply.is_empty() && genesis.supply != total {
        return Err(Error::invalid_request(format!(
            "bank.supply is {}, but the balances sum up to {total}",
            genesis.supply
        )));
    }
    for metadata in &genesis.denom_metadata {
        check_denom(&metadata.base).map_err(|error| error.context("bank.denom_metadata.base"))?;
        let record = proto::Metadata {
            description: metadata.description.clone(),
            denom_units: metadata
                .denom_units
                .iter()
                .map(|unit| proto::DenomUnit {
                    denom: unit.denom.clone(),
                    exponent: unit.exponent,
                    aliases: unit.aliases.clone(),
                })
                .collect(),
            base: metadata.base.clone(),
            display: metadata.display.clone(),
            name: metadata.name.clone(),
            symbol: metadata.symbol.clone(),
            ..Default::default()
        };
        ctx.set(Store::Bank, keys::metadata(&metadata.base), record.encode_to_vec())?;
    }
    Ok(())
}
