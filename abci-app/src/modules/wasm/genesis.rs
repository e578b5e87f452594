//! What the chain begins with: parameters, codes, contracts with their state and history, sequences; and the way back.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    Code, CodeInfo, Contract, ContractCodeHistoryEntry, GenesisState, Model, Sequence,
};

use super::state::{self, Reading};
use super::{access, addresses, codes, errors, keys, pagination, Keeper};
use crate::context::{Context, QueryContext};
use crate::error::Result;
use crate::store::Store;

impl Keeper {
    /// Writes a genesis into an empty store.
    ///
    /// # Errors
    /// A genesis that contradicts itself; a code that is refused.
    pub fn init_genesis(&self, ctx: &mut Context, genesis: &GenesisState) -> Result<()> {
        let params = genesis.params.clone().unwrap_or_else(access::default_params);
        self.set_params(ctx, &params).map_err(|error| errors::wrapped(error, "set params"))?;
        let mut highest = 0;
        for code in &genesis.codes {
            self.import_code(ctx, code)
                .map_err(|error| errors::wrapped(error, format!("code with id {}", code.code_id)))?;
            highest = highest.max(code.code_id);
        }
        for contract in &genesis.contracts {
            self.import_contract(ctx, contract)
                .map_err(|error| errors::wrapped(error, format!("contract {}", contract.contract_address)))?;
        }
        for sequence in &genesis.sequences {
            let known = [keys::code_sequence(), keys::instance_sequence()].contains(&sequence.id_key);
            if !known || Reading::has(ctx, &sequence.id_key)? {
                return Err(errors::INVALID_GENESIS.wrap("a sequence is unknown or given twice"));
            }
            ctx.set(Store::Wasm, sequence.id_key.clone(), sequence.value.to_be_bytes().to_vec())?;
        }
        let next_code = peek(ctx, &keys::code_sequence())?;
        if next_code <= highest {
            let why = format!("the sequence of codes stands at {next_code} and must be greater than {highest}");
            return Err(errors::INVALID_GENESIS.wrap(why));
        }
        let next_instance = peek(ctx, &keys::instance_sequence())?;
        let next_address = addresses::classic(next_instance, next_instance);
        if Reading::has(ctx, &keys::contract(&next_address))? {
            return Err(errors::INVALID_GENESIS.wrap(format!("instance {next_instance} exists already")));
        }
        Ok(())
    }

    fn import_code(&self, ctx: &mut Context, code: &Code) -> Result<()> {
        let info = code.code_info.as_ref().ok_or_else(|| errors::EMPTY.wrap("code info"))?;
        let unzipped;
        let wasm = if code.code_bytes.starts_with(&[0x1f, 0x8b]) {
            unzipped = codes::unzip(&code.code_bytes, codes::MAX_WASM)?;
            &unzipped
        } else {
            &code.code_bytes
        };
        let checksum = self.vm().store_unchecked(wasm).map_err(|error| errors::CREATE_FAILED.wrap(error))?;
        if info.code_hash != checksum {
            return Err(errors::INVALID.wrap("code hashes not same"));
        }
        if code.code_id == 0 || Reading::has(ctx, &keys::code(code.code_id))? {
            return Err(errors::DUPLICATE.wrap(format!("duplicate code: {}", code.code_id)));
        }
        state::put(ctx, keys::code(code.code_id), info)?;
        if code.pinned {
            self.pin(ctx, code.code_id)?;
        }
        Ok(())
    }

    fn import_contract(&self, ctx: &mut Context, contract: &Contract) -> Result<()> {
        let address = addresses::parse(&ctx.prefix, &contract.contract_address)?;
        let info = contract.contract_info.as_ref().ok_or_else(|| errors::EMPTY.wrap("contract info"))?;
        if !Reading::has(ctx, &keys::code(info.code_id))? {
            return Err(errors::no_such_code(info.code_id));
        }
        if Reading::has(ctx, &keys::contract(&address))? {
            return Err(errors::DUPLICATE.wrap("contract"));
        }
        let (Some(first), Some(last)) = (contract.contract_code_history.first(), contract.contract_code_history.last())
        else {
            return Err(errors::EMPTY.wrap("contract history"));
        };
        let creator = addresses::parse(&ctx.prefix, &info.creator)?;
        let (created, updated) = (first.updated.clone().unwrap_or_default(), last.updated.clone().unwrap_or_default());
        for entry in &contract.contract_code_history {
            state::append_history(ctx, &address, entry)?;
        }
        state::put(ctx, keys::contract(&address), info)?;
        ctx.set(Store::Wasm, keys::by_code_entry(last.code_id, &updated, &address), keys::LISTED.to_vec())?;
        ctx.set(Store::Wasm, keys::by_creator_entry(&creator, &created, &address), keys::LISTED.to_vec())?;
        let prefix = keys::state(&address);
        for model in &contract.contract_state {
            let key = [prefix.as_slice(), &model.key].concat();
            if Reading::has(ctx, &key)? {
                return Err(errors::DUPLICATE.wrap(format!("duplicate key: {}", hex::encode(&model.key))));
            }
            ctx.set(Store::Wasm, key, model.value.clone())?;
        }
        Ok(())
    }

    /// The whole module as a genesis.
    ///
    /// # Errors
    /// A code whose bytes are not on this disk.
    pub fn export_genesis(&self, ctx: &mut QueryContext) -> Result<GenesisState> {
        let view = ctx.view.clone();
        let mut genesis = GenesisState { params: Some(Reading::params(ctx)?), ..GenesisState::default() };
        for (key, value) in pagination::all(&view, &[keys::CODE]) {
            let code_id = state::be64(&key[1..])?;
            let info: CodeInfo = state::decode(&value)?;
            let code_bytes = self.vm().wasm(&state::checksum_of(&info)?);
            genesis.codes.push(Code {
                code_id,
                code_bytes: code_bytes.map_err(|error| errors::NOT_FOUND.wrap(error))?,
                code_info: Some(info),
                pinned: ctx.is_pinned(code_id)?,
            });
        }
        for (key, value) in pagination::all(&view, &[keys::CONTRACT]) {
            let address = &key[1..];
            let prefix = keys::state(address);
            let models = pagination::all(&view, &prefix).into_iter();
            let history: Result<Vec<ContractCodeHistoryEntry>> =
                pagination::all(&view, &keys::history(address)).iter().map(|(_, entry)| state::decode(entry)).collect();
            genesis.contracts.push(Contract {
                contract_address: addresses::format(&ctx.prefix, address)?,
                contract_info: Some(state::decode(&value)?),
                contract_state: models.map(|(key, value)| Model { key: key[prefix.len()..].to_vec(), value }).collect(),
                contract_code_history: history?,
            });
        }
        for id_key in [keys::code_sequence(), keys::instance_sequence()] {
            let value = peek(ctx, &id_key)?;
            genesis.sequences.push(Sequence { id_key, value });
        }
        Ok(genesis)
    }
}

fn peek(ctx: &mut impl Reading, sequence: &[u8]) -> Result<u64> {
    ctx.read(sequence)?.map_or(Ok(1), |bytes| state::be64(&bytes))
}
