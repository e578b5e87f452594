//! Ranges of another contract's raw state (`RawRange` of CosmWasm 3).

use std::ops::Bound;

use cosmwasm_std::Binary;
use serde::{Deserialize, Serialize};

use super::keys;
use super::state::Reading;
use super::storage::ContractStore;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::gas::kv;
use crate::store::{Order, Store};

/// Which part of a contract's state.
#[derive(Deserialize)]
pub(super) struct RawRange {
    pub contract_addr: String,
    start: Option<Binary>,
    end: Option<Binary>,
    limit: u16,
    order: String,
}

/// Entries, and the key of the next one if there are more.
#[derive(Serialize)]
pub(super) struct RawRangeAnswer {
    data: Vec<(Binary, Binary)>,
    next_key: Option<Binary>,
}

impl RawRange {
    /// Reads the range, charged as the SDK's iterator is: each entry when it is found and when it is passed.
    pub fn answer(&self, ctx: &mut QueryContext, contract: &[u8]) -> Result<RawRangeAnswer> {
        let order = match self.order.as_str() {
            "ascending" => Order::Ascending,
            "descending" => Order::Descending,
            other => return Err(Error::invalid_request(format!("unknown order {other}: invalid request"))),
        };
        let prefix = keys::state(contract);
        let full = |key: &Binary| [prefix.as_slice(), key.as_slice()].concat();
        let mut start = Bound::Included(self.start.as_ref().map_or_else(|| prefix.clone(), full));
        let mut end = match &self.end {
            Some(end) => Bound::Excluded(full(end)),
            None => keys::after(&prefix).map_or(Bound::Unbounded, Bound::Excluded),
        };
        let mut data = Vec::new();
        let mut passed: Option<u64> = None;
        loop {
            if let Some(bytes) = passed {
                step(ctx, bytes)?;
            }
            let (from, to) = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
            let (found, deleted) = ctx.view.next_counted(Store::Wasm, from, to, order);
            ContractStore::charge_passed(ctx.meter(), deleted)?;
            let bytes = found.as_ref().map_or(0, |(key, value)| (key.len() + value.len()) as u64);
            if passed.is_none() {
                step(ctx, bytes)?;
            }
            let Some((key, value)) = found else { return Ok(RawRangeAnswer { data, next_key: None }) };
            let own = Binary::from(&key[prefix.len()..]);
            if data.len() == usize::from(self.limit) {
                return Ok(RawRangeAnswer { data, next_key: Some(own) });
            }
            data.push((own, value.into()));
            passed = Some(bytes);
            match order {
                Order::Ascending => start = Bound::Excluded(key),
                Order::Descending => end = Bound::Excluded(key),
            }
        }
    }
}

fn step(ctx: &mut QueryContext, bytes: u64) -> Result<()> {
    ctx.meter().consume(bytes.saturating_mul(kv::READ_BYTE), "ValuePerByte")?;
    ctx.meter().consume(kv::ITER_STEP, "IterNextFlat")
}
