//! The keeper: the VM, the neighbours, and the way into a contract.

use std::sync::{Arc, OnceLock};

use cosmos_sdk_proto::cosmwasm::wasm::v1::Params;
use cosmwasm_vm::Backend;

use super::api::Api;
use super::neighbours::{Accounts, Bank, Nothing, Queries, Router};
use super::querier::ContractQuerier;
use super::response::{self, Response};
use super::state::{self, Reading};
use super::storage::{ContractStore, Meter};
use super::vm::{self, Entry, Vm};
use super::{access, addresses, env, errors, gas, keys};
use crate::context::{Context, QueryContext};
use crate::deep_stack;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::gas::{Gas, GasMeter};
use crate::store::Store;

/// SDK gas for a smart query from outside.
pub const QUERY_GAS_LIMIT: Gas = 3_000_000;
/// How deep contracts may query each other.
pub const MAX_QUERY_DEPTH: u32 = 10;

/// Codes and contracts. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    vm: Vm,
    bank: Box<dyn Bank>,
    accounts: Box<dyn Accounts>,
    router: OnceLock<Box<dyn Router>>,
    queries: OnceLock<Box<dyn Queries>>,
}

impl Keeper {
    /// A keeper whose contracts send and ask nothing in protobuf until [`Keeper::connect`] says otherwise.
    pub fn new(vm: Vm, bank: impl Bank + 'static, accounts: impl Accounts + 'static) -> Self {
        Self(Arc::new(Inner {
            vm,
            bank: Box::new(bank),
            accounts: Box::new(accounts),
            router: OnceLock::new(),
            queries: OnceLock::new(),
        }))
    }

    /// Gives contracts the app's router and queries. Once, before the first block; later calls change nothing.
    pub fn connect(&self, router: impl Router + 'static, queries: impl Queries + 'static) {
        let _ = self.0.router.set(Box::new(router));
        let _ = self.0.queries.set(Box::new(queries));
    }

    /// The VM.
    pub fn vm(&self) -> &Vm {
        &self.0.vm
    }

    pub(super) fn bank(&self) -> &dyn Bank {
        self.0.bank.as_ref()
    }

    pub(super) fn accounts(&self) -> &dyn Accounts {
        self.0.accounts.as_ref()
    }

    pub(super) fn router(&self) -> &dyn Router {
        self.0.router.get().map_or(&Nothing, AsRef::as_ref)
    }

    pub(super) fn queries(&self) -> &dyn Queries {
        self.0.queries.get().map_or(&Nothing, AsRef::as_ref)
    }

    /// Calls a contract and charges for it. The answer is JSON that nobody has looked at.
    ///
    /// # Errors
    /// Out of gas; whatever stopped the contract in the VM.
    fn call(
        &self,
        ctx: &mut impl Reading,
        contract: &[u8],
        address: &str,
        checksum: &[u8; 32],
        entry: Entry<'_>,
    ) -> Result<Vec<u8>> {
        let frame = ctx.frame();
        let env = env::env(&frame.block, frame.tx.as_ref(), address)?;
        let gas_limit = gas::available(ctx.meter());
        let meter = Meter::lend(ctx.meter());
        let readonly = matches!(entry, Entry::Query { .. });
        let decides = frame.calls.decides;
        let backend = Backend {
            api: Api::new(&frame.prefix),
            storage: ContractStore::new(frame.view.clone(), meter.clone(), contract, readonly),
            querier: ContractQuerier::new(self.clone(), frame, meter.clone()),
        };
        let called = self.0.vm.call(checksum, backend, gas_limit, &env, entry, decides);
        *ctx.meter() = meter.with(|meter| meter.clone());
        let decoding = called.answer.as_ref().map_or(0, |answer| vm::decoding(answer));
        gas::charge_call(ctx.meter(), called.gas_used.saturating_add(decoding))?;
        called.answer.map_err(|error| errors::VM.wrap(error))
    }

    /// Calls a contract's entry point that answers a response.
    ///
    /// # Errors
    /// As [`Keeper::call`]; the contract's own error as `failure`, which other contracts may see.
    pub(super) fn respond(
        &self,
        ctx: &mut Context,
        contract: &[u8],
        address: &str,
        checksum: &[u8; 32],
        entry: Entry<'_>,
        failure: errors::Kind,
    ) -> Result<Response> {
        let answer = self.call(ctx, contract, address, checksum, entry)?;
        let response = response::decode(&answer).map_err(|error| errors::VM.wrap(error))?;
        response.map_err(|error| failure.wrap(error).shown_to_contracts())
    }

    /// Asks a contract, one level deeper than `ctx` is.
    pub(super) fn smart(&self, ctx: &mut QueryContext, contract: &[u8], msg: &[u8]) -> Result<Vec<u8>> {
        if ctx.calls.queries >= MAX_QUERY_DEPTH {
            return Err(errors::MAX_QUERY_STACK.plain());
        }
        ctx.calls.queries += 1;
        let result = self.smart_at_depth(ctx, contract, msg);
        ctx.calls.queries -= 1;
        result
    }

    fn smart_at_depth(&self, ctx: &mut QueryContext, contract: &[u8], msg: &[u8]) -> Result<Vec<u8>> {
        let address = addresses::format(&ctx.prefix, contract)?;
        let (info, checksum) = ctx.instance(contract, &address)?;
        let discount = ctx.discount(&checksum, info.code_id)?;
        ctx.gas.consume(gas::setup(discount), "Loading CosmWasm module: query")?;
        let answer = self.call(ctx, contract, &address, &checksum, Entry::Query { msg })?;
        let answer = response::decode_query(&answer).map_err(|error| errors::VM.wrap(error))?;
        answer.map_err(|error| errors::QUERY_FAILED.wrap(error).shown_to_contracts())
    }

    /// Asks a contract for a native module or a client: `msg` and the answer are JSON. What the query consumed is in
    /// `ctx.gas`.
    ///
    /// # Errors
    /// No such contract; the contract's error; out of gas.
    pub fn query_smart(&self, ctx: &mut QueryContext, contract: &[u8], msg: &[u8]) -> Result<Vec<u8>> {
        deep_stack::run(|| self.smart(ctx, contract, msg))
    }

    /// Tells a contract something that only the chain itself can tell, with at most `gas_limit`. A failure leaves nothing of
    /// the call but its gas, so a native module can go on. What the contract answered as data.
    ///
    /// # Errors
    /// No such contract; the contract's error; out of the gas given (sdk 11).
    pub fn sudo(&self, ctx: &mut Context, contract: &[u8], msg: &[u8], gas_limit: Gas) -> Result<Vec<u8>> {
        let allowance = gas_limit.min(ctx.gas.remaining());
        let outer = std::mem::replace(&mut ctx.gas, GasMeter::limited(allowance));
        let result = deep_stack::run(|| ctx.nested(|ctx| self.sudo_contract(ctx, contract, msg)));
        let inner = std::mem::replace(&mut ctx.gas, outer);
        // At most the allowance: the last step of a call may pass it, and that step was not done.
        ctx.gas.consume(inner.consumed().min(allowance), "sudo")?;
        Ok(result?.unwrap_or_default())
    }

    /// The parameters.
    ///
    /// # Errors
    /// Out of gas.
    pub fn params(&self, ctx: &mut QueryContext) -> Result<Params> {
        Reading::params(ctx)
    }

    /// Sets the parameters; for genesis and the chain's authority.
    ///
    /// # Errors
    /// Parameters that make no sense.
    pub fn set_params(&self, ctx: &mut Context, params: &Params) -> Result<()> {
        access::check_params(&ctx.prefix, params)?;
        state::put(ctx, keys::params(), params)
    }

    /// Marks a code as pinned, which makes its contracts load at a discount; for genesis and the chain's authority.
    ///
    /// # Errors
    /// No such code.
    pub fn pin(&self, ctx: &mut Context, code_id: u64) -> Result<()> {
        let code = ctx.code(code_id)?.ok_or_else(|| errors::no_such_code(code_id))?;
        ctx.gas.consume(gas::PIN, "Loading CosmWasm module: pin code")?;
        let checksum = state::checksum_of(&code)?;
        self.0.vm.pin(&checksum).map_err(|error| errors::PIN_FAILED.wrap(error))?;
        ctx.set(Store::Wasm, keys::pinned(code_id), keys::LISTED.to_vec())?;
        ctx.emit(Event::new("pin_code").with("code_id", code_id.to_string()));
        Ok(())
    }

    /// Takes a code's mark away.
    ///
    /// # Errors
    /// No such code.
    pub fn unpin(&self, ctx: &mut Context, code_id: u64) -> Result<()> {
        let code = ctx.code(code_id)?.ok_or_else(|| errors::no_such_code(code_id))?;
        ctx.gas.consume(gas::PIN, "Loading CosmWasm module: unpin code")?;
        ctx.delete(Store::Wasm, &keys::pinned(code_id))?;
        let checksum = state::checksum_of(&code)?;
        self.0.vm.unpin(&checksum).map_err(|error| errors::UNPIN_FAILED.wrap(error))?;
        ctx.emit(Event::new("unpin_code").with("code_id", code_id.to_string()));
        Ok(())
    }

    /// Puts the codes into memory that the state says are pinned; when the node starts, on the last committed state.
    ///
    /// # Errors
    /// A code whose bytes are not on this disk.
    pub fn load_pinned(&self, ctx: &mut QueryContext) -> Result<()> {
        let prefix = [keys::PINNED];
        let pinned = super::pagination::all(&ctx.view, &prefix);
        for (key, _) in pinned {
            let id = state::be64(&key[prefix.len()..])?;
            let code = ctx.code(id)?.ok_or_else(|| errors::no_such_code(id))?;
            let checksum = state::checksum_of(&code)?;
            self.0.vm.pin(&checksum).map_err(|error| errors::SYNC_PINNED_FAILED.wrap(error))?;
        }
        Ok(())
    }

    /// Checks that every code of the state is on this disk; when the node starts and after state sync.
    ///
    /// # Errors
    /// The first code that is not.
    pub fn check_codes(&self, ctx: &mut QueryContext) -> Result<()> {
        let prefix = [keys::CODE];
        for (_, value) in super::pagination::all(&ctx.view, &prefix) {
            let checksum = state::checksum_of(&state::decode(&value)?)?;
            self.0.vm.wasm(&checksum).map_err(|error| {
                Error::logic(format!(
                    "the wasm of checksum {} is not in the node's folder: {error}",
                    hex::encode(checksum)
                ))
            })?;
        }
        Ok(())
    }
}
