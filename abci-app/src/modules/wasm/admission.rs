//! What the mempool asks of a message: whether any state to come could let it succeed.
//!
//! No contract is run for that, and what waits in the mempool may make a code, a contract or another admin before the message's
//! turn comes. So only what is final is judged: what nobody can change any more, or can never come to be.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgClearAdmin, MsgExecuteContract, MsgInstantiateContract2, MsgMigrateContract, MsgStoreCode, MsgUpdateAdmin,
    MsgUpdateContractLabel, MsgUpdateInstantiateConfig,
};
use cosmos_sdk_proto::Any;

use super::messages::{decode, PACKAGE};
use super::state::{self, Reading};
use super::{access, addresses, codes, contracts, errors, keys, Keeper};
use crate::context::{Context, QueryContext};
use crate::error::{Error, Result};
use crate::gas::Gas;

impl Keeper {
    /// Refuses a message that can never succeed, as executing it would. Charges nothing.
    ///
    /// # Errors
    /// Those of [`Keeper::handle`] that are final.
    pub fn check(&self, ctx: &Context, message: &Any) -> Result<()> {
        let state = &mut ctx.frame().query(Gas::MAX);
        match message.type_url.strip_prefix(PACKAGE) {
            Some("MsgStoreCode") => {
                let msg: MsgStoreCode = decode(message)?;
                codes::permission(state, &msg.sender, msg.instantiate_permission.as_ref()).map(drop)
            }
            Some("MsgInstantiateContract2") => new_at_its_address(state, &decode(message)?),
            Some("MsgExecuteContract") => {
                let msg: MsgExecuteContract = decode(message)?;
                let contract = addresses::parse(&state.prefix, &msg.contract)?;
                if state.contract(&contract)?.is_none() && !may_come_to_be(&contract) {
                    return Err(errors::no_such_contract(&msg.contract));
                }
                Ok(())
            }
            Some("MsgMigrateContract") => {
                let msg: MsgMigrateContract = decode(message)?;
                administrable(state, &msg.contract, contracts::CANNOT_MIGRATE)
            }
            Some("MsgUpdateAdmin") => {
                let msg: MsgUpdateAdmin = decode(message)?;
                administrable(state, &msg.contract, contracts::CANNOT_MODIFY)
            }
            Some("MsgClearAdmin") => {
                let msg: MsgClearAdmin = decode(message)?;
                administrable(state, &msg.contract, contracts::CANNOT_MODIFY)
            }
            Some("MsgUpdateContractLabel") => {
                let msg: MsgUpdateContractLabel = decode(message)?;
                administrable(state, &msg.contract, contracts::CANNOT_MODIFY)
            }
            Some("MsgUpdateInstantiateConfig") => {
                let msg: MsgUpdateInstantiateConfig = decode(message)?;
                match state.code(msg.code_id)? {
                    // A code keeps its creator.
                    Some(code) if code.creator != msg.sender => Err(codes::not_the_creator()),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// Contracts have 32 bytes; accounts of keys, at whose addresses none comes to be, have 20.
fn may_come_to_be(contract: &[u8]) -> bool {
    contract.len() == addresses::CONTRACT_LEN
}

/// A contract without an admin never has one again.
fn administrable(state: &mut QueryContext, address: &str, refusal: &str) -> Result<()> {
    let contract = addresses::parse(&state.prefix, address)?;
    match state.contract(&contract)? {
        Some(record) if record.admin.is_empty() => Err(contracts::not_the_admin(refusal)),
        None if !may_come_to_be(&contract) => Err(contracts::unknown_contract()),
        _ => Ok(()),
    }
}

/// A contract never leaves its address.
fn new_at_its_address(state: &mut QueryContext, msg: &MsgInstantiateContract2) -> Result<()> {
    let creator = addresses::parse(&state.prefix, &msg.sender)?;
    let Some(code) = state.code(msg.code_id)? else { return Ok(()) };
    let fixed = if msg.fix_msg { msg.msg.as_slice() } else { &[] };
    let contract = addresses::predictable(&state::checksum_of(&code)?, &creator, &msg.salt, fixed)?;
    if !state.has(&keys::contract(&contract))? {
        return Ok(());
    }
    if !access::allows(code.instantiate_config.as_ref(), &msg.sender) {
        return Err(Error::unauthorized(contracts::MAY_NOT_INSTANTIATE));
    }
    Err(contracts::address_is_taken())
}
