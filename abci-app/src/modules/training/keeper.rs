//! The hooks: what ante charges for a protocol message, what a message does, and the end of a block.

use bauta_rounds::{
    charge, check, end_block, halt, handle, record_offence, Budget, Env, Error as RoundsError,
    Message as RoundsMessage, Output, Response,
};

use super::contracts::AskContracts;
use super::deposit::Deposit;
use super::effects::{carry_out, fee, params};
use super::store::{BlobColumn, Records};
use super::{errors, queue, Contracts, Message};
use crate::coin::Coins;
use crate::context::{Context, Mode};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::gas::Gas;
use crate::modules::EndOfBlock;

/// How a node runs the module; nothing in it changes what a block does.
#[derive(Debug, Clone, Default)]
pub struct Config {}

/// The module. It keeps nothing beside the state.
#[derive(Debug, Clone, Default)]
pub struct Keeper {}

/// What the machine made of a message.
type Ran = std::result::Result<(Response, Vec<Output>), bauta_rounds::Rejection>;

/// The event that says which task paid for a message.
const TASK_FEE: &str = "task_fee";

/// Runs `body` with the block and the transaction as the machine sees them.
fn with_env<T>(ctx: &Context, body: impl FnOnce(&Env<'_>) -> T) -> T {
    body(&Env {
        chain_id: &ctx.block.chain_id,
        height: ctx.block.height,
        tx_index: ctx.tx.as_ref().map_or(0, |tx| tx.index),
    })
}

impl Keeper {
    /// The module as a node runs it.
    pub fn new(_config: &Config) -> Self {
        Self {}
    }

    /// Whether a message belongs to the reserved lane, with an empty fee.
    pub fn is_protocol(message: &Message) -> bool {
        message.is_protocol()
    }

    /// Charges a protocol message to its task's budget, if the round awaits it from its signer. All the gas of the message's work is
    /// counted here, so that a message that was charged cannot run out of it afterwards: what is charged is accepted, or an offence.
    ///
    /// # Errors
    /// The machine's refusal (codespace `training`); out of gas (sdk 11) if the gas limit is below the message's work.
    pub fn charge_protocol_fee(
        &self,
        ctx: &mut Context,
        contracts: &dyn Contracts,
        message: &Message,
        gas_limit: Gas,
    ) -> Result<Coins> {
        let call = message.to_rounds(&ctx.prefix)?;
        let admission = self.check_with(ctx, contracts, &call)?;
        let charged =
            admission.fee.ok_or_else(|| Error::insufficient_fee(format!("{} needs a fee", message.type_url())))?;
        if gas_limit < admission.gas && ctx.mode != Mode::Simulate {
            return Err(Error::out_of_gas(format!(
                "this message needs a gas limit of {} and what its signature and size cost; it has {gas_limit}",
                admission.gas
            )));
        }
        ctx.gas.consume(admission.gas, "training")?;
        match charge(&mut Records(ctx.view.clone()), &charged).map_err(|error| errors::of_message(&error))? {
            Output::Fee { amount } => {
                let paid = fee(ctx, amount)?;
                let (task, amount) = (charged.task.to_string(), amount.to_string());
                ctx.emit(Event::new(TASK_FEE).with("task_id", task).with("amount", amount));
                Ok(paid)
            }
            _ => Ok(Coins::none()),
        }
    }

    fn check_with(
        &self,
        ctx: &Context,
        contracts: &dyn Contracts,
        message: &RoundsMessage,
    ) -> Result<bauta_rounds::Admission> {
        let params = params(ctx)?;
        let records = Records(ctx.view.clone());
        let checked = with_env(ctx, |env| {
            // In the mempool and in proposals too: who may not take part would fill the lane there, and never be charged.
            check(env, &records, &AskContracts::for_message(contracts, ctx, &params), message)
        });
        checked.map_err(|error| errors::of_message(&error))
    }

    /// What the mempool asks. The message is tried on the mempool's view, so that chunks may follow their header; a message that would
    /// convict its author is let in, since a block is where it convicts. When the mempool looks again, proofs are not verified again.
    ///
    /// # Errors
    /// The machine's refusal.
    pub fn check(&self, ctx: &mut Context, contracts: &dyn Contracts, message: &Message) -> Result<()> {
        if matches!(message, Message::Report(_)) {
            // A block judges evidence, where what does not hold costs its deposit; here it would cost nothing. One that was
            // settled since is let go when the mempool looks again.
            let call = message.to_rounds(&ctx.prefix)?;
            return self.admit(ctx, contracts, &call)?.give_back(ctx);
        }
        if ctx.recheck && message.is_costly() {
            return Ok(());
        }
        match self.run(ctx, contracts, message)?.0 {
            // Who cannot pay a deposit is refused at once, and what is paid there cannot be promised twice.
            Ok((_, outputs)) => {
                let deposits = outputs.into_iter().filter(|output| matches!(output, Output::Deposit { .. }));
                carry_out(ctx, contracts, deposits.collect())
            }
            Err(rejection) if rejection.offence.is_some() => Ok(()),
            Err(rejection) => Err(errors::of_message(&rejection.error)),
        }
    }

    /// Carries a message out. An offence is recorded beside the transaction, whose own effects are undone.
    ///
    /// # Errors
    /// The machine's refusal; what bank or staking refuse.
    pub fn execute(&self, ctx: &mut Context, contracts: &dyn Contracts, message: &Message) -> Result<Response> {
        let (result, deposit) = self.run(ctx, contracts, message)?;
        match result {
            Ok((response, outputs)) => {
                deposit.give_back(ctx)?;
                carry_out(ctx, contracts, outputs)?;
                Ok(response)
            }
            Err(rejection) => {
                if rejection.error.forfeits_deposit() {
                    deposit.forfeit(ctx);
                }
                if let Some(offence) = rejection.offence {
                    ctx.outside(move |ctx| {
                        let mut records = Records(ctx.view.clone());
                        let outputs = with_env(ctx, |env| record_offence(env, &mut records, &offence))
                            .map_err(|error| errors::of_message(&error))?;
                        // An offence's outputs are verdicts and events, which need no contract here.
                        carry_out(ctx, &NoContracts, outputs)
                    });
                }
                Err(errors::of_message(&rejection.error))
            }
        }
    }

    /// Lets in a message whose sender pays: the gas of its work is counted, and its deposit put up.
    fn admit(&self, ctx: &mut Context, contracts: &dyn Contracts, call: &RoundsMessage) -> Result<Deposit> {
        let admission = self.check_with(ctx, contracts, call)?;
        ctx.gas.consume(admission.gas, "training")?;
        Deposit::put_up(ctx, &call.sender, admission.deposit)
    }

    /// Runs the machine on the context's view, with what was put up before. The outer error is the chain's own.
    fn run(&self, ctx: &mut Context, contracts: &dyn Contracts, message: &Message) -> Result<(Ran, Deposit)> {
        let call = message.to_rounds(&ctx.prefix)?;
        let deposit = if !message.is_protocol() {
            self.admit(ctx, contracts, &call)?
        } else if !ctx.events.iter().any(|event| event.kind == TASK_FEE) {
            // Ante counts the gas of a protocol message where it charges it, and nowhere else.
            let what =
                "protocol messages carry an empty fee, which their task's budget pays, and travel with no others";
            return Err(errors::of_message(&RoundsError::Invalid(what.into())));
        } else {
            Deposit::put_up(ctx, &call.sender, 0)?
        };
        let params = params(ctx)?;
        let (mut records, mut blobs) = (Records(ctx.view.clone()), BlobColumn(ctx.view.clone()));
        let ran = with_env(ctx, |env| {
            handle(env, &mut records, &mut blobs, &AskContracts::for_message(contracts, ctx, &params), &call)
        });
        Ok((ran, deposit))
    }

    /// The chain stops: every task ends, and what is queued goes to the contracts as far as they take it.
    ///
    /// # Errors
    /// Books that are wrong.
    pub fn halt(&self, ctx: &mut Context, contracts: &dyn Contracts) -> Result<()> {
        let params = params(ctx)?;
        let (mut records, mut blobs) = (Records(ctx.view.clone()), BlobColumn(ctx.view.clone()));
        let providers = AskContracts::for_block(contracts, ctx, &params);
        let outputs = with_env(ctx, |env| halt(env, &mut records, &mut blobs, &providers));
        carry_out(ctx, contracts, outputs.map_err(|error| errors::of_message(&error))?)?;
        // As many blocks as it takes, and not one in which nothing is taken any more.
        let mut waiting = queue::len(ctx);
        while waiting > 0 {
            queue::deliver(ctx, contracts, &params);
            let left = queue::len(ctx);
            if left == waiting {
                break;
            }
            waiting = left;
        }
        Ok(())
    }

    /// The end of a block: phases change, rounds are finalised within the budget, and what is queued goes to the contracts.
    ///
    /// # Errors
    /// Books that are wrong; the hook's writes are then undone.
    pub fn end_block(&self, ctx: &mut Context, contracts: &dyn Contracts, block: &EndOfBlock) -> Result<()> {
        let params = params(ctx)?;
        let mut budget = Budget::new(params.block_operations);
        let (mut records, mut blobs) = (Records(ctx.view.clone()), BlobColumn(ctx.view.clone()));
        let providers = AskContracts::for_block(contracts, ctx, &params);
        let outputs =
            with_env(ctx, |env| end_block(env, &mut records, &mut blobs, &providers, block.counted, &mut budget));
        carry_out(ctx, contracts, outputs)?;
        queue::deliver(ctx, contracts, &params);
        Ok(())
    }
}

/// For outputs that ask nothing of a contract.
struct NoContracts;

impl Contracts for NoContracts {
    fn ask(
        &self,
        _ctx: &mut crate::context::QueryContext,
        _contract: &crate::address::Address,
        _msg: &[u8],
    ) -> Result<Vec<u8>> {
        Err(errors::of_message(&RoundsError::NotConfigured))
    }

    fn tell(&self, _ctx: &mut Context, _contract: &crate::address::Address, _msg: &[u8], _gas: Gas) -> Result<()> {
        Err(errors::of_message(&RoundsError::NotConfigured))
    }
}
