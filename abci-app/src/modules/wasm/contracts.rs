//! What is done with contracts: instantiate, execute, migrate, sudo, reply, and who administers them.

use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{ContractCodeHistoryEntry, ContractCodeHistoryOperationType, ContractInfo};

use super::env::{self, Outcome};
use super::response::Response;
use super::state::{self, Reading};
use super::vm::Entry;
use super::{access, addresses, errors, events, gas, keys, Keeper};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::store::Store;

pub(super) const MAY_NOT_INSTANTIATE: &str = "can not instantiate: unauthorized";
pub(super) const CANNOT_MIGRATE: &str = "can not migrate";
pub(super) const CANNOT_MODIFY: &str = "can not modify contract";

pub(super) fn unknown_contract() -> Error {
    Error::invalid_request("unknown contract: invalid request")
}

pub(super) fn not_the_admin(refusal: &str) -> Error {
    Error::unauthorized(format!("{refusal}: unauthorized"))
}

pub(super) fn address_is_taken() -> Error {
    let hint = "contract address already exists, try a different combination of creator, checksum and salt";
    errors::DUPLICATE.wrap(hint)
}

/// How a contract comes to be.
pub(super) struct Instantiation<'a> {
    pub code_id: u64,
    pub creator: &'a str,
    /// Empty for none.
    pub admin: &'a str,
    pub label: &'a str,
    pub msg: &'a [u8],
    pub funds: &'a [Coin],
    /// The salt, and whether the message determines the address too; `None`: the address comes from the sequence.
    pub salt: Option<(&'a [u8], bool)>,
}

impl Keeper {
    /// Makes a contract: address, account, funds, the contract's `instantiate`, its record, and only then its messages, so
    /// that they may call it back. Its address and what it answers as data.
    pub(super) fn instantiate(&self, ctx: &mut Context, new: &Instantiation<'_>) -> Result<(String, Option<Vec<u8>>)> {
        let creator = addresses::parse(&ctx.prefix, new.creator)?;
        let code = ctx.code(new.code_id)?.ok_or_else(|| errors::no_such_code(new.code_id))?;
        let checksum = state::checksum_of(&code)?;
        let discount = ctx.discount(&checksum, new.code_id)?;
        ctx.gas.consume(gas::setup(discount), "Loading CosmWasm module: instantiate")?;
        if !access::allows(code.instantiate_config.as_ref(), new.creator) {
            return Err(Error::unauthorized(MAY_NOT_INSTANTIATE));
        }
        let contract = match new.salt {
            None => addresses::classic(new.code_id, state::next_id(ctx, keys::instance_sequence())?),
            Some((salt, fixed)) => {
                addresses::predictable(&checksum, &creator, salt, if fixed { new.msg } else { &[] })?
            }
        };
        let address = addresses::format(&ctx.prefix, &contract)?;
        if Reading::has(ctx, &keys::contract(&contract))? {
            return Err(address_is_taken());
        }
        match self.accounts().account(ctx, &contract)? {
            Some(account) if account.is_claimed => {
                return Err(errors::ACCOUNT_EXISTS.wrap("address is claimed by external account"));
            }
            // Coins may have been sent there before; account and balance stay as they are.
            Some(_) => {}
            None => self.accounts().create(ctx, &contract)?,
        }
        self.transfer(ctx, &creator, &contract, new.funds)?;
        let info = env::info(new.creator, new.funds)?;
        let entry = Entry::Instantiate { info: &info, msg: new.msg };
        let response = self.respond(ctx, &contract, &address, &checksum, entry, errors::INSTANTIATE_FAILED)?;

        let created = state::position(ctx);
        ctx.set(Store::Wasm, keys::by_code_entry(new.code_id, &created, &contract), keys::LISTED.to_vec())?;
        ctx.set(Store::Wasm, keys::by_creator_entry(&creator, &created, &contract), keys::LISTED.to_vec())?;
        let history = ContractCodeHistoryEntry {
            operation: ContractCodeHistoryOperationType::Init.into(),
            code_id: new.code_id,
            updated: Some(created),
            msg: new.msg.to_vec(),
        };
        state::append_history(ctx, &contract, &history)?;
        let record = ContractInfo {
            code_id: new.code_id,
            creator: new.creator.into(),
            admin: new.admin.into(),
            label: new.label.into(),
            created: history.updated,
            ..ContractInfo::default()
        };
        state::put(ctx, keys::contract(&contract), &record)?;
        ctx.emit(events::about("instantiate", &address).with("code_id", new.code_id.to_string()));
        let data =
            self.settle(ctx, &contract, &address, response).map_err(|error| errors::wrapped(error, "dispatch"))?;
        Ok((address, data))
    }

    /// Executes a contract: funds, the contract's `execute`, its events and messages. What it answers as data.
    pub(super) fn execute(
        &self,
        ctx: &mut Context,
        sender: &str,
        address: &str,
        msg: &[u8],
        funds: &[Coin],
    ) -> Result<Option<Vec<u8>>> {
        let caller = addresses::parse(&ctx.prefix, sender)?;
        let contract = addresses::parse(&ctx.prefix, address)?;
        let address = &addresses::format(&ctx.prefix, &contract)?;
        let (record, checksum) = ctx.instance(&contract, address)?;
        let discount = ctx.discount(&checksum, record.code_id)?;
        ctx.gas.consume(gas::setup(discount), "Loading CosmWasm module: execute")?;
        self.transfer(ctx, &caller, &contract, funds)?;
        let info = env::info(sender, funds)?;
        let entry = Entry::Execute { info: &info, msg };
        let response = self.respond(ctx, &contract, address, &checksum, entry, errors::EXECUTE_FAILED)?;
        ctx.emit(events::about("execute", address));
        self.settle(ctx, &contract, address, response)
    }

    /// Gives a contract another code; only its admin. `migrate` is not called between codes that say that their state has
    /// the same version.
    pub(super) fn migrate(
        &self,
        ctx: &mut Context,
        sender: &str,
        address: &str,
        code_id: u64,
        msg: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let contract = addresses::parse(&ctx.prefix, address)?;
        let address = &addresses::format(&ctx.prefix, &contract)?;
        let mut record = self.administered(ctx, &contract, sender, CANNOT_MIGRATE)?;
        let unknown_code = || Error::invalid_request("unknown code: invalid request");
        let code = ctx.code(code_id)?.ok_or_else(unknown_code)?;
        if !access::allows(code.instantiate_config.as_ref(), sender) {
            return Err(Error::unauthorized("to use new code: unauthorized"));
        }
        let checksum = state::checksum_of(&code)?;
        let old = ctx.code(record.code_id)?.ok_or_else(unknown_code)?;
        let decides = ctx.calls.decides;
        let version = |checksum: &[u8; 32]| {
            let analysis = self.vm().analyze(checksum, decides).map_err(|error| errors::VM.wrap(error));
            analysis.map(|analysis| analysis.migrate_version)
        };
        let new_version = version(&checksum)?;
        let old_version = version(&state::checksum_of(&old)?)?;
        let response = if new_version.is_some() && new_version == old_version {
            None
        } else {
            let discount = ctx.discount(&checksum, code_id)?;
            ctx.gas.consume(gas::setup(discount), "Loading CosmWasm module: migrate")?;
            let info = env::migrate_info(sender, old_version)?;
            let entry = Entry::Migrate { info: &info, msg };
            Some(self.respond(ctx, &contract, address, &checksum, entry, errors::MIGRATION_FAILED)?)
        };

        let (_, last) = state::last_history(ctx, &contract)?
            .ok_or_else(|| Error::logic(format!("the contract {address} has no history")))?;
        let before = last.updated.unwrap_or_default();
        ctx.delete(Store::Wasm, &keys::by_code_entry(last.code_id, &before, &contract))?;
        let updated = state::position(ctx);
        ctx.set(Store::Wasm, keys::by_code_entry(code_id, &updated, &contract), keys::LISTED.to_vec())?;
        let history = ContractCodeHistoryEntry {
            operation: ContractCodeHistoryOperationType::Migrate.into(),
            code_id,
            updated: Some(updated),
            msg: msg.to_vec(),
        };
        state::append_history(ctx, &contract, &history)?;
        record.code_id = code_id;
        state::put(ctx, keys::contract(&contract), &record)?;
        let event = Event::new("migrate").with("code_id", code_id.to_string());
        ctx.emit(event.with(events::CONTRACT_ADDRESS, address));
        match response {
            Some(response) => {
                let settled = self.settle(ctx, &contract, address, response);
                settled.map_err(|error| errors::wrapped(error, "dispatch"))
            }
            None => Ok(None),
        }
    }

    /// Calls a contract's `sudo`; reached from native modules only.
    pub(super) fn sudo_contract(&self, ctx: &mut Context, contract: &[u8], msg: &[u8]) -> Result<Option<Vec<u8>>> {
        let address = &addresses::format(&ctx.prefix, contract)?;
        let (record, checksum) = ctx.instance(contract, address)?;
        let discount = ctx.discount(&checksum, record.code_id)?;
        ctx.gas.consume(gas::setup(discount), "Loading CosmWasm module: sudo")?;
        let entry = Entry::Sudo { msg };
        let response = self.respond(ctx, contract, address, &checksum, entry, errors::EXECUTE_FAILED)?;
        ctx.emit(events::about("sudo", address));
        self.settle(ctx, contract, address, response).map_err(|error| errors::wrapped(error, "dispatch"))
    }

    /// Tells a contract what became of its sub-message `id`.
    pub(super) fn reply(
        &self,
        ctx: &mut Context,
        contract: &[u8],
        id: u64,
        outcome: Outcome,
        payload: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let address = &addresses::format(&ctx.prefix, contract)?;
        let (_, checksum) = ctx.instance(contract, address)?;
        let shown = match &outcome {
            Outcome::Ok { events, .. } => events.as_slice(),
            Outcome::Err(_) => &[],
        };
        ctx.gas.consume(gas::reply(shown), "Loading CosmWasm module: reply")?;
        let reply = env::reply(id, outcome, payload)?;
        let entry = Entry::Reply { reply: &reply };
        let response = self.respond(ctx, contract, address, &checksum, entry, errors::EXECUTE_FAILED)?;
        ctx.emit(events::about("reply", address));
        self.settle(ctx, contract, address, response).map_err(|error| errors::wrapped(error, "dispatch"))
    }

    /// Emits a response's events and executes its messages. The data that the caller gets.
    fn settle(&self, ctx: &mut Context, contract: &[u8], address: &str, response: Response) -> Result<Option<Vec<u8>>> {
        ctx.gas.consume(gas::events(&response.attributes, &response.events), "Custom contract event attributes")?;
        ctx.events.extend(events::of_response(address, &response.attributes, &response.events)?);
        let replied = self.dispatch(ctx, contract, response.messages)?;
        Ok(replied.or(response.data))
    }

    /// Changes a contract's admin; an empty one is nobody.
    pub(super) fn set_admin(&self, ctx: &mut Context, sender: &str, address: &str, admin: &str) -> Result<()> {
        let contract = addresses::parse(&ctx.prefix, address)?;
        let mut record = self.administered(ctx, &contract, sender, CANNOT_MODIFY)?;
        record.admin = admin.into();
        state::put(ctx, keys::contract(&contract), &record)?;
        let address = addresses::format(&ctx.prefix, &contract)?;
        ctx.emit(events::about("update_contract_admin", &address).with("new_admin_address", admin));
        Ok(())
    }

    /// Changes a contract's label; only its admin.
    pub(super) fn set_label(&self, ctx: &mut Context, sender: &str, address: &str, label: &str) -> Result<()> {
        let contract = addresses::parse(&ctx.prefix, address)?;
        let mut record = self.administered(ctx, &contract, sender, CANNOT_MODIFY)?;
        record.label = label.into();
        state::put(ctx, keys::contract(&contract), &record)?;
        let address = addresses::format(&ctx.prefix, &contract)?;
        ctx.emit(events::about("update_contract_label", &address).with("new_label", label));
        Ok(())
    }

    /// The record of a contract whose admin is `sender`.
    fn administered(&self, ctx: &mut Context, contract: &[u8], sender: &str, refusal: &str) -> Result<ContractInfo> {
        let record = ctx.contract(contract)?.ok_or_else(unknown_contract)?;
        if record.admin.is_empty() || record.admin != sender {
            return Err(not_the_admin(refusal));
        }
        Ok(record)
    }

    fn transfer(&self, ctx: &mut Context, from: &[u8], to: &[u8], coins: &[Coin]) -> Result<()> {
        if coins.is_empty() {
            return Ok(());
        }
        let before = ctx.events.len();
        self.bank().send(ctx, from, to, coins)?;
        // The bank speaks of a message where there is none.
        let emitted = ctx.events.split_off(before);
        ctx.events.extend(emitted.into_iter().filter(|event| event.kind != "message"));
        Ok(())
    }
}
