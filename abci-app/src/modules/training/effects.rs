//! What the machine's outputs do.

use bauta_messages::staking::{lock_key, SudoMsg};
use bauta_rounds::{state, Event as RoundsEvent, Output, Value};
use bauta_schema::training::v1::Params;

use super::contracts::json;
use super::store::Records;
use super::{errors, queue, Contracts, NAME};
use crate::address::Address;
use crate::coin::Coins;
use crate::context::{Context, Mode};
use crate::error::Result;
use crate::events::Event;
use crate::modules::{auth, bank};

/// The account that holds the budgets of all tasks.
pub fn escrow_account() -> Address {
    Address::module(NAME)
}

/// Carries outputs out, in order.
///
/// # Errors
/// A deposit that cannot be paid, a bond that cannot be locked: the message fails. Nothing else fails unless the books are wrong.
pub fn carry_out(ctx: &mut Context, contracts: &dyn Contracts, outputs: Vec<Output>) -> Result<()> {
    for output in outputs {
        match output {
            Output::Deposit { from, amount } => {
                let from = Address::new(from)?;
                pay(ctx, &from, &escrow_account(), amount)?;
            }
            Output::Fee { amount } => {
                fee(ctx, amount)?;
            }
            Output::Pay { to, amount, task, round } => {
                let to = Address::new(to)?;
                pay(ctx, &escrow_account(), &to, amount)?;
                let provider = to.to_bech32(&ctx.prefix);
                ctx.emit(
                    Event::new("reward")
                        .with("task_id", task.to_string())
                        .with("round", round.to_string())
                        .with("provider", provider)
                        .with("amount", amount.to_string()),
                );
            }
            Output::Refund { to, amount, .. } => {
                let to = Address::new(to)?;
                pay(ctx, &escrow_account(), &to, amount)?;
            }
            Output::Verdict(verdict) => queue::push_verdict(ctx, verdict),
            Output::LockBond { provider, task, epoch } => lock(ctx, contracts, &Address::new(provider)?, task, epoch)?,
            Output::UnlockBond { provider, task, epoch } => queue::push_unlock(ctx, provider, task, epoch),
            Output::Event(event) => emit(ctx, event),
        }
    }
    Ok(())
}

/// Moves a fee from the escrow account to the collector of fees; what was moved.
///
/// # Errors
/// Insufficient funds if the books are wrong; out of gas.
pub fn fee(ctx: &mut Context, amount: u128) -> Result<Coins> {
    pay(ctx, &escrow_account(), &Address::module(auth::FEE_COLLECTOR), amount)
}

/// Moves coins of the fee denomination.
///
/// # Errors
/// Insufficient funds (sdk 5); out of gas.
pub(super) fn pay(ctx: &mut Context, from: &Address, to: &Address, amount: u128) -> Result<Coins> {
    let coins = Coins::one(crate::params::load(&ctx.view).fee_denom, amount);
    bank::transfer(ctx, from, to, &coins)?;
    Ok(coins)
}

/// Locks a bond for an epoch, with the gas of the parameters; the task's budget pays for the message that causes it.
fn lock(ctx: &mut Context, contracts: &dyn Contracts, provider: &Address, task: u64, epoch: u64) -> Result<()> {
    let params = params(ctx)?;
    let staking = Address::parse(&params.staking, &ctx.prefix)?;
    let message = json(&SudoMsg::Lock { provider: provider.to_bech32(&ctx.prefix), key: lock_key(task, epoch) })?;
    let of_transaction = std::mem::replace(&mut ctx.gas, crate::gas::GasMeter::unlimited());
    let told = contracts.tell(ctx, &staking, &message, params.contract_gas);
    ctx.gas = of_transaction;
    told
}

/// The parameters.
///
/// # Errors
/// A record that cannot be read.
pub fn params(ctx: &Context) -> Result<Params> {
    state::params(&Records(ctx.view.clone())).map_err(|error| errors::of_message(&error))
}

fn emit(ctx: &mut Context, event: RoundsEvent) {
    let height = ctx.block.height;
    let mut written = Event::new(event.kind);
    for (key, value) in event.attributes {
        let value = match value {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Address(bytes) => bech32(ctx, &bytes),
            Value::Bytes(bytes) => hex::encode(bytes),
        };
        written = written.with(key, value);
    }
    if ctx.mode == Mode::Finalize {
        tracing::debug!(height, "{written}");
    }
    ctx.emit(written);
}

/// An address as people read it; the machine holds only such that senders had.
pub fn bech32(ctx: &Context, bytes: &[u8]) -> String {
    Address::new(bytes).map(|address| address.to_bech32(&ctx.prefix)).unwrap_or_default()
}
