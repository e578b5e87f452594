//! What contracts see of the rest of the chain: coins, accounts, and the messages and queries that they may send.

use std::ops::Bound;

use cosmos_sdk_proto::cosmos::bank::v1beta1::Metadata;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use cosmos_sdk_proto::Any;
use prost::Message as _;

use super::pages::prefix_end;
use super::wasm::neighbours::{cannot_unpack, Account, Accounts, Bank, Queries, Router};
use super::wasm::{self, messages as wasm_messages};
use super::{auth, bank};
use crate::address::Address;
use crate::coin::Coins;
use crate::context::{Context, QueryContext};
use crate::error::{Error, Result};
use crate::gas::kv;
use crate::store::{Order, Store};

/// The chain, as contracts see it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chain;

/// The queries that contracts may ask in protobuf. Each is deterministic, bounded and charged; others are refused.
const QUERIES: [&str; 5] = [
    "/cosmos.bank.v1beta1.Query/Balance",
    "/cosmos.bank.v1beta1.Query/SupplyOf",
    "/cosmos.bank.v1beta1.Query/DenomMetadata",
    "/cosmos.bank.v1beta1.Query/SpendableBalanceByDenom",
    "/cosmos.auth.v1beta1.Query/Account",
];

/// What one of them costs beside what it reads.
const QUERY_GAS: u64 = 2 * kv::READ_FLAT;

impl Bank for Chain {
    fn send(&self, ctx: &mut Context, from: &[u8], to: &[u8], coins: &[ProtoCoin]) -> Result<()> {
        bank::send(ctx, &Address::new(from)?, &Address::new(to)?, &Coins::from_proto(coins)?)
    }

    fn burn(&self, ctx: &mut Context, from: &[u8], coins: &[ProtoCoin]) -> Result<()> {
        bank::burn(ctx, &Address::new(from)?, &Coins::from_proto(coins)?)
    }

    fn balance(&self, ctx: &mut QueryContext, address: &[u8], denom: &str) -> Result<ProtoCoin> {
        let key = bank::keys::balance(&Address::new(address)?, denom);
        let amount = ctx.get(Store::Bank, &key)?.unwrap_or_else(|| b"0".to_vec());
        coin(denom.as_bytes(), &amount)
    }

    fn all_balances(&self, ctx: &mut QueryContext, address: &[u8]) -> Result<Vec<ProtoCoin>> {
        let prefix = bank::keys::balances(&Address::new(address)?);
        let mut coins = Vec::new();
        let end = prefix_end(&prefix);
        let mut start = Bound::Included(prefix.clone());
        loop {
            // A step at a time, so that whoever asks about many coins runs out of gas and not the node of memory.
            ctx.gas.consume(kv::ITER_STEP, "IterNextFlat")?;
            let next = ctx.view.next(Store::Bank, as_slice(&start), as_slice(&end), Order::Ascending);
            let Some((key, value)) = next else { return Ok(coins) };
            ctx.gas.consume(kv::READ_BYTE.saturating_mul((key.len() + value.len()) as u64), "ReadPerByte")?;
            coins.push(coin(&key[prefix.len()..], &value)?);
            start = Bound::Excluded(key);
        }
    }

    fn supply(&self, ctx: &mut QueryContext, denom: &str) -> Result<ProtoCoin> {
        let amount = ctx.get(Store::Bank, &bank::keys::supply(denom))?.unwrap_or_else(|| b"0".to_vec());
        coin(denom.as_bytes(), &amount)
    }

    fn denom_metadata(&self, ctx: &mut QueryContext, denom: &str) -> Result<Option<Metadata>> {
        ctx.get(Store::Bank, &bank::keys::metadata(denom))?.map(|bytes| metadata(&bytes)).transpose()
    }

    fn all_denom_metadata(
        &self,
        ctx: &mut QueryContext,
        start: Option<&[u8]>,
        limit: u32,
        reverse: bool,
    ) -> Result<(Vec<Metadata>, Option<Vec<u8>>)> {
        let prefix = [bank::keys::METADATA];
        let at = [prefix.as_slice(), start.unwrap_or_default()].concat();
        let (low, high, order) = match (start, reverse) {
            (None, false) => (Bound::Included(prefix.to_vec()), prefix_end(&prefix), Order::Ascending),
            (Some(_), false) => (Bound::Included(at), prefix_end(&prefix), Order::Ascending),
            (None, true) => (Bound::Included(prefix.to_vec()), prefix_end(&prefix), Order::Descending),
            (Some(_), true) => (Bound::Included(prefix.to_vec()), Bound::Included(at), Order::Descending),
        };
        // Queries of contracts page like the SDK's: no page is longer than this.
        let limit = limit.min(100) as usize;
        let mut found = ctx.view.range(Store::Bank, as_slice(&low), as_slice(&high), order, limit + 1);
        let next = (found.len() > limit).then(|| found.pop()).flatten().map(|(key, _)| key[1..].to_vec());
        let mut all = Vec::with_capacity(found.len());
        for (key, value) in found {
            ctx.gas.consume(kv::ITER_STEP, "IterNextFlat")?;
            ctx.gas.consume(kv::READ_BYTE.saturating_mul((key.len() + value.len()) as u64), "ReadPerByte")?;
            all.push(metadata(&value)?);
        }
        Ok((all, next))
    }
}

impl Accounts for Chain {
    fn account(&self, ctx: &mut Context, address: &[u8]) -> Result<Option<Account>> {
        let account = auth::account(ctx, &Address::new(address)?)?;
        Ok(account.map(|account| Account {
            is_claimed: account.sequence > 0 || account.pub_key.is_some() || account.module_name.is_some(),
        }))
    }

    fn create(&self, ctx: &mut Context, address: &[u8]) -> Result<()> {
        auth::ensure_account(ctx, &Address::new(address)?).map(drop)
    }
}

impl Router for Chain {
    fn signers(&self, prefix: &str, message: &Any) -> Result<Vec<Vec<u8>>> {
        let signers = if wasm_messages::TYPES.contains(&message.type_url.as_str()) {
            wasm_messages::validate(prefix, message)?;
            vec![Address::parse(&wasm_messages::signer(message)?, prefix)?]
        } else {
            let message = bank_message(message)?;
            message.validate_basic(prefix)?;
            message.signers(prefix)?
        };
        Ok(signers.into_iter().map(|signer| signer.as_bytes().to_vec()).collect())
    }

    fn handle(&self, wasm: &wasm::Keeper, ctx: &mut Context, message: &Any) -> Result<Any> {
        if wasm_messages::TYPES.contains(&message.type_url.as_str()) {
            return wasm.handle(ctx, message);
        }
        let response = bank_message(message)?.execute(ctx)?;
        Ok(Any { type_url: response.type_url, value: response.value })
    }
}

impl Queries for Chain {
    fn grpc(
        &self,
        _wasm: &wasm::Keeper,
        ctx: &mut QueryContext,
        path: &str,
        request: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        if !QUERIES.contains(&path) {
            return Ok(None);
        }
        ctx.gas.consume(QUERY_GAS, "query")?;
        let answer = match bank::queries::query(ctx, path, request) {
            Some(answer) => answer?,
            None => match auth::queries::query(ctx, path, request) {
                Some(answer) => answer?,
                None => return Ok(None),
            },
        };
        ctx.gas.consume(kv::READ_BYTE.saturating_mul(answer.len() as u64), "ReadPerByte")?;
        Ok(Some(answer))
    }

    /// Answers would have to be in protobuf's JSON, which contracts of today no longer ask for.
    fn stargate(&self, _: &wasm::Keeper, _: &mut QueryContext, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
}

fn bank_message(message: &Any) -> Result<bank::Message> {
    bank::Message::decode(&message.type_url, &message.value).unwrap_or_else(|| Err(cannot_unpack(message)))
}

fn coin(denom: &[u8], amount: &[u8]) -> Result<ProtoCoin> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    match (text(denom), text(amount)) {
        (Some(denom), Some(amount)) => Ok(ProtoCoin { denom, amount }),
        _ => Err(Error::logic("the store holds a coin that is none")),
    }
}

fn metadata(bytes: &[u8]) -> Result<Metadata> {
    Metadata::decode(bytes).map_err(|_| Error::logic("the store holds metadata that is none"))
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key.as_slice()),
        Bound::Excluded(key) => Bound::Excluded(key.as_slice()),
        Bound::Unbounded => Bound::Unbounded,
    }
}
