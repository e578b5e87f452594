//! What a reporter puts at stake.
//!
//! Before a report is judged its deposit goes to escrow. It comes back with the same message, unless the evidence was judged and does not
//! hold: then the message fails, which undoes that, and beside the transaction the deposit goes to the collector of fees, which pays the
//! validators that had to judge. A report is alone in its transaction, so that the coins which were there when it was judged are there
//! when the deposit is taken.

use super::effects::{escrow_account, pay};
use crate::address::Address;
use crate::context::Context;
use crate::error::Result;
use crate::events::Event;
use crate::modules::auth;

/// Coins in escrow while a message is handled.
#[must_use = "a deposit is given back or forfeited"]
pub struct Deposit {
    from: Address,
    amount: u128,
}

impl Deposit {
    /// Moves it to escrow; nothing moves when there is nothing to put up.
    ///
    /// # Errors
    /// Insufficient funds (sdk 5), with what the deposit is for; out of gas.
    pub fn put_up(ctx: &mut Context, sender: &[u8], amount: u128) -> Result<Self> {
        let from = Address::new(sender)?;
        if amount > 0 {
            pay(ctx, &from, &escrow_account(), amount).map_err(|error| {
                error.context(format!("a report puts up {amount}, which comes back if its evidence holds"))
            })?;
        }
        Ok(Self { from, amount })
    }

    /// Gives it back.
    ///
    /// # Errors
    /// Out of gas.
    pub fn give_back(self, ctx: &mut Context) -> Result<()> {
        if self.amount > 0 {
            pay(ctx, &escrow_account(), &self.from, self.amount)?;
        }
        Ok(())
    }

    /// Takes it, beside a transaction that failed.
    pub fn forfeit(self, ctx: &mut Context) {
        if self.amount == 0 {
            return;
        }
        ctx.outside(move |ctx| {
            pay(ctx, &self.from, &Address::module(auth::FEE_COLLECTOR), self.amount)?;
            let event = Event::new("deposit_forfeited")
                .with("reporter", self.from.to_bech32(&ctx.prefix))
                .with("amount", self.amount.to_string());
            ctx.emit(event);
            Ok(())
        });
    }
}
