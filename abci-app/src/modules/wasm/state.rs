//! Records of codes and contracts: reading and writing, charged as the SDK charges.

use std::ops::Bound;

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AbsoluteTxPosition, CodeInfo, ContractCodeHistoryEntry, ContractInfo, Params,
};
use prost::Message;

use super::{access, errors, keys};
use crate::context::{BlockInfo, Calls, Context, QueryContext, TxInfo};
use crate::error::{Error, Result};
use crate::gas::{kv, Gas, GasMeter};
use crate::store::{Order, Store, View};

/// All of a context but its gas and events, so that it can be lent to a call.
#[derive(Clone)]
pub(super) struct Frame {
    pub view: View,
    pub block: BlockInfo,
    pub tx: Option<TxInfo>,
    pub prefix: String,
    pub calls: Calls,
}

impl Frame {
    /// A context for one query with a limit of its own.
    pub fn query(&self, gas_limit: Gas) -> QueryContext {
        QueryContext {
            view: self.view.clone(),
            gas: GasMeter::limited(gas_limit),
            block: self.block.clone(),
            tx: self.tx.clone(),
            prefix: self.prefix.clone(),
            calls: self.calls.clone(),
        }
    }
}

/// What messages and queries have in common: they read.
pub(super) trait Reading {
    fn read(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    fn meter(&mut self) -> &mut GasMeter;
    fn view(&self) -> &View;
    fn calls(&self) -> &Calls;
    fn frame(&self) -> Frame;

    fn has(&mut self, key: &[u8]) -> Result<bool> {
        self.meter().consume(kv::HAS, "Has")?;
        Ok(self.view().get(Store::Wasm, key).is_some())
    }

    fn code(&mut self, id: u64) -> Result<Option<CodeInfo>> {
        self.read(&keys::code(id))?.map(|bytes| decode(&bytes)).transpose()
    }

    fn contract(&mut self, address: &[u8]) -> Result<Option<ContractInfo>> {
        self.read(&keys::contract(address))?.map(|bytes| decode(&bytes)).transpose()
    }

    /// A contract and its code's checksum.
    fn instance(&mut self, address: &[u8], text: &str) -> Result<(ContractInfo, [u8; 32])> {
        let info = self.contract(address)?.ok_or_else(|| errors::no_such_contract(text))?;
        let code = self.code(info.code_id)?.ok_or_else(|| errors::no_such_code(info.code_id))?;
        Ok((info, checksum_of(&code)?))
    }

    fn is_pinned(&mut self, code_id: u64) -> Result<bool> {
        self.has(&keys::pinned(code_id))
    }

    fn params(&mut self) -> Result<Params> {
        Ok(self.read(&keys::params())?.map(|bytes| decode(&bytes)).transpose()?.unwrap_or_else(access::default_params))
    }

    /// Whether a code loads at a discount; from now on it does in this transaction.
    fn discount(&mut self, checksum: &[u8; 32], code_id: u64) -> Result<bool> {
        if self.is_pinned(code_id)? {
            return Ok(true);
        }
        let Some(loaded) = &self.calls().loaded else { return Ok(false) };
        let mut loaded = loaded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(!loaded.insert(*checksum))
    }
}

impl Reading for Context {
    fn read(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get(Store::Wasm, key)
    }

    fn meter(&mut self) -> &mut GasMeter {
        &mut self.gas
    }

    fn view(&self) -> &View {
        &self.view
    }

    fn calls(&self) -> &Calls {
        &self.calls
    }

    fn frame(&self) -> Frame {
        Frame {
            view: self.view.clone(),
            block: self.block.clone(),
            tx: self.tx.clone(),
            prefix: self.prefix.clone(),
            calls: self.calls.clone(),
        }
    }
}

impl Reading for QueryContext {
    fn read(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get(Store::Wasm, key)
    }

    fn meter(&mut self) -> &mut GasMeter {
        &mut self.gas
    }

    fn view(&self) -> &View {
        &self.view
    }

    fn calls(&self) -> &Calls {
        &self.calls
    }

    fn frame(&self) -> Frame {
        Frame {
            view: self.view.clone(),
            block: self.block.clone(),
            tx: self.tx.clone(),
            prefix: self.prefix.clone(),
            calls: self.calls.clone(),
        }
    }
}

pub(super) fn put(ctx: &mut Context, key: Vec<u8>, record: &impl Message) -> Result<()> {
    ctx.set(Store::Wasm, key, record.encode_to_vec())
}

/// The next number of a sequence, from 1.
pub(super) fn next_id(ctx: &mut Context, sequence: Vec<u8>) -> Result<u64> {
    let id = match ctx.get(Store::Wasm, &sequence)? {
        Some(bytes) => be64(&bytes)?,
        None => 1,
    };
    let next = id.checked_add(1).ok_or_else(|| Error::logic("a sequence of ids is used up"))?;
    ctx.set(Store::Wasm, sequence, next.to_be_bytes().to_vec())?;
    Ok(id)
}

/// Where in the chain this happens: height and index of the transaction.
pub(super) fn position(ctx: &Context) -> AbsoluteTxPosition {
    AbsoluteTxPosition { block_height: ctx.block.height, tx_index: ctx.tx.as_ref().map_or(0, |tx| u64::from(tx.index)) }
}

/// The last entry of a contract's history and its place, charged as the iterator of wasmd is.
pub(super) fn last_history(ctx: &mut Context, contract: &[u8]) -> Result<Option<(u64, ContractCodeHistoryEntry)>> {
    let prefix = keys::history(contract);
    let end = keys::after(&prefix);
    let upper = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let found = ctx.view.next(Store::Wasm, Bound::Included(&prefix), upper, Order::Descending);
    if let Some((key, value)) = &found {
        let bytes = (key.len() + value.len()) as u64;
        ctx.gas.consume(bytes.saturating_mul(kv::READ_BYTE), "ValuePerByte")?;
    }
    ctx.gas.consume(kv::ITER_STEP, "IterNextFlat")?;
    let Some((key, value)) = found else { return Ok(None) };
    Ok(Some((be64(&key[prefix.len()..])?, decode(&value)?)))
}

pub(super) fn append_history(ctx: &mut Context, contract: &[u8], entry: &ContractCodeHistoryEntry) -> Result<()> {
    let last = last_history(ctx, contract)?.map_or(0, |(place, _)| place);
    let place = last.checked_add(1).ok_or_else(|| Error::logic("the history of a contract is full"))?;
    put(ctx, keys::history_entry(contract, place), entry)
}

pub(super) fn checksum_of(code: &CodeInfo) -> Result<[u8; 32]> {
    let wrong = || Error::logic("the record of a code has no checksum of 32 bytes");
    code.code_hash.as_slice().try_into().map_err(|_| wrong())
}

pub(super) fn decode<T: Message + Default>(bytes: &[u8]) -> Result<T> {
    T::decode(bytes).map_err(|error| Error::logic(format!("a record of the wasm store is broken: {error}")))
}

pub(super) fn be64(bytes: &[u8]) -> Result<u64> {
    let eight = bytes.try_into().map_err(|_| Error::logic("a number of the wasm store has not eight bytes"))?;
    Ok(u64::from_be_bytes(eight))
}
