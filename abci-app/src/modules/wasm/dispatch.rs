//! Messages of contracts (wasmd x/wasm/keeper/msg_dispatcher.go, handler_plugin.go): depth first, each in a layer of the
//! state of its own, with a reply to who asked for one.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgClearAdmin, MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContract2, MsgMigrateContract,
    MsgUpdateAdmin,
};
use cosmos_sdk_proto::Any;
use cosmwasm_std::Binary;

use super::env::Outcome;
use super::response::{Message, ReplyOn, SubMessage, WasmMessage};
use super::{addresses, coins, errors, gas, messages, Keeper};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::gas::GasMeter;

/// How deep contracts may call each other.
pub const MAX_CALL_DEPTH: u32 = 100;
/// The largest message in protobuf.
const MAX_ANY: usize = 512 * 1024;

/// What a message answered: the data of the first response, and all responses.
#[derive(Default)]
struct Sent {
    data: Option<Vec<u8>>,
    responses: Vec<Any>,
}

impl Sent {
    fn one(response: Any) -> Self {
        Self { data: Some(response.value.clone()), responses: vec![response] }
    }
}

impl Keeper {
    /// Executes the messages of a response, one level deeper. What the last reply that set data answered.
    pub(super) fn dispatch(
        &self,
        ctx: &mut Context,
        contract: &[u8],
        sub_messages: Vec<SubMessage>,
    ) -> Result<Option<Vec<u8>>> {
        if ctx.calls.messages >= MAX_CALL_DEPTH {
            return Err(errors::MAX_CALL_DEPTH.plain());
        }
        ctx.calls.messages += 1;
        let result = self.dispatch_at_depth(ctx, contract, sub_messages);
        ctx.calls.messages -= 1;
        result
    }

    fn dispatch_at_depth(
        &self,
        ctx: &mut Context,
        contract: &[u8],
        sub_messages: Vec<SubMessage>,
    ) -> Result<Option<Vec<u8>>> {
        let mut data = None;
        for SubMessage { id, message, payload, gas_limit, reply_on } in sub_messages {
            let is_wasm = matches!(message, Message::Wasm(_));
            let first_event = ctx.events.len();
            let sent = self.send_limited(ctx, contract, message, gas_limit)?;
            let outcome = match (sent, reply_on) {
                // Nobody wants to know of the failure: it is the sender's own.
                (Err(error), ReplyOn::Success | ReplyOn::Never) => return Err(error),
                (Err(error), ReplyOn::Error | ReplyOn::Always) => Outcome::Err(error.redacted()),
                (Ok(sent), _) => {
                    let shown = keep_events(ctx, first_event, is_wasm);
                    match reply_on {
                        ReplyOn::Never | ReplyOn::Error => continue,
                        ReplyOn::Success | ReplyOn::Always => {
                            Outcome::Ok { events: shown, data: sent.data, responses: sent.responses }
                        }
                    }
                }
            };
            let replied = self.reply(ctx, contract, id, outcome, &payload);
            if let Some(replied) = replied.map_err(|error| errors::wrapped(error, "reply"))? {
                data = Some(replied);
            }
        }
        Ok(data)
    }

    /// Sends with the gas that the contract allows, if that is less than what is left. The outer error: the sender itself
    /// is out of gas, and nobody replies to that.
    fn send_limited(
        &self,
        ctx: &mut Context,
        contract: &[u8],
        message: Message,
        gas_limit: Option<u64>,
    ) -> Result<Result<Sent>> {
        let send = |ctx: &mut Context| ctx.nested(|ctx| self.send(ctx, contract, message));
        let Some(limit) = gas_limit.filter(|limit| *limit < ctx.gas.remaining()) else {
            return match send(ctx) {
                Err(error) if gas::exhausted(&ctx.gas, &error) => Err(error),
                sent => Ok(sent),
            };
        };
        let outer = std::mem::replace(&mut ctx.gas, GasMeter::limited(limit));
        let sent = send(ctx);
        let inner = std::mem::replace(&mut ctx.gas, outer);
        match sent {
            Err(error) if gas::exhausted(&inner, &error) => {
                ctx.gas.consume(limit, "Sub-Message OutOfGas panic")?;
                Ok(Err(Error::out_of_gas("SubMsg hit gas limit: out of gas")))
            }
            sent => {
                ctx.gas.consume(inner.consumed(), "From limited Sub-Message")?;
                Ok(sent)
            }
        }
    }

    fn send(&self, ctx: &mut Context, contract: &[u8], message: Message) -> Result<Sent> {
        match message {
            Message::Send { to_address, amount } => {
                if amount.is_empty() {
                    return Ok(Sent::default());
                }
                let coins = coins::from_contract(&amount)?;
                let to = addresses::parse(&ctx.prefix, &to_address)?;
                if coins.is_empty() {
                    return Err(Error::invalid_coins("an amount must be positive: invalid coins"));
                }
                self.bank().send(ctx, contract, &to, &coins)?;
                let type_url = "/cosmos.bank.v1beta1.MsgSendResponse".into();
                Ok(Sent::one(Any { type_url, value: Vec::new() }))
            }
            Message::Burn { amount } => {
                let coins = coins::from_contract(&amount)?;
                if coins.is_empty() {
                    return Err(errors::EMPTY.wrap("amount"));
                }
                self.bank().burn(ctx, contract, &coins)?;
                Ok(Sent::default())
            }
            Message::Wasm(message) => self.send_wasm(ctx, contract, message).map(Sent::one),
            Message::Any { type_url, value } => self.send_any(ctx, contract, type_url, value).map(Sent::one),
            Message::Unknown(_) => Err(errors::UNKNOWN_MSG.wrap("no handler found")),
        }
    }

    fn send_any(&self, ctx: &mut Context, contract: &[u8], type_url: String, value: Binary) -> Result<Any> {
        let length = value.len();
        if length > MAX_ANY {
            return Err(errors::LIMIT.wrap(format!("AnyMsg value size {length} exceeds limit {MAX_ANY}")));
        }
        ctx.gas.consume(gas::ANY_BASE + gas::ANY_KIB * length as u64 / 1024, "unpacking AnyMsg")?;
        let message = Any { type_url, value: value.to_vec() };
        let signers = self.router().signers(&ctx.prefix, &message)?;
        if signers.iter().any(|signer| signer != contract) {
            return Err(Error::unauthorized("contract doesn't have permission: unauthorized"));
        }
        self.router().handle(self, ctx, &message)
    }

    fn send_wasm(&self, ctx: &mut Context, contract: &[u8], message: WasmMessage) -> Result<Any> {
        let sender = addresses::format(&ctx.prefix, contract)?;
        match message {
            WasmMessage::Execute { contract_addr, msg, funds } => {
                let funds = coins::from_contract(&funds)?;
                let msg = MsgExecuteContract { sender, contract: contract_addr, msg: msg.to_vec(), funds };
                messages::execute(self, ctx, &msg)
            }
            WasmMessage::Instantiate { admin, code_id, msg, funds, label } => {
                let funds = coins::from_contract(&funds)?;
                let msg = MsgInstantiateContract { sender, admin, code_id, label, msg: msg.to_vec(), funds };
                messages::instantiate(self, ctx, &msg)
            }
            WasmMessage::Instantiate2 { admin, code_id, label, msg, funds, salt } => {
                let funds = coins::from_contract(&funds)?;
                let (msg, salt) = (msg.to_vec(), salt.to_vec());
                let msg = MsgInstantiateContract2 { sender, admin, code_id, label, msg, funds, salt, fix_msg: false };
                messages::instantiate2(self, ctx, &msg)
            }
            WasmMessage::Migrate { contract_addr, new_code_id, msg } => {
                let msg = msg.to_vec();
                let msg = MsgMigrateContract { sender, contract: contract_addr, code_id: new_code_id, msg };
                messages::migrate(self, ctx, &msg)
            }
            WasmMessage::UpdateAdmin { contract_addr, admin } => {
                messages::update_admin(self, ctx, &MsgUpdateAdmin { sender, new_admin: admin, contract: contract_addr })
            }
            WasmMessage::ClearAdmin { contract_addr } => {
                messages::clear_admin(self, ctx, &MsgClearAdmin { sender, contract: contract_addr })
            }
        }
    }
}

/// Drops events of kind `message` of a successful sub-message; those of contracts get their attributes sorted, and only
/// those does the reply see: other events may differ between versions of the chain.
fn keep_events(ctx: &mut Context, first: usize, is_wasm: bool) -> Vec<Event> {
    let mut events = ctx.events.split_off(first);
    events.retain(|event| event.kind != "message");
    if is_wasm {
        for event in &mut events {
            // Stable, so that equal keys keep their order.
            event.attributes.sort_by(|one, other| one.0.cmp(&other.0));
        }
    }
    let shown = if is_wasm { events.clone() } else { Vec::new() };
    ctx.events.extend(events);
    shown
}
