//! What the module says of coins that move (cosmos-sdk x/bank/types/events.go).

use crate::address::Address;
use crate::coin::Coins;
use crate::context::Context;
use crate::events::Event;

/// Coins left an account.
pub fn coin_spent(ctx: &mut Context, spender: &Address, amount: &Coins) {
    let spender = spender.to_bech32(&ctx.prefix);
    ctx.emit(Event::new("coin_spent").with("spender", spender).with("amount", amount.to_string()));
}

/// Coins reached an account.
pub fn coin_received(ctx: &mut Context, receiver: &Address, amount: &Coins) {
    let receiver = receiver.to_bech32(&ctx.prefix);
    ctx.emit(Event::new("coin_received").with("receiver", receiver).with("amount", amount.to_string()));
}

/// Coins went from one account to another.
pub fn transfer(ctx: &mut Context, from: &Address, to: &Address, amount: &Coins) {
    let (from, to) = (from.to_bech32(&ctx.prefix), to.to_bech32(&ctx.prefix));
    ctx.emit(
        Event::new("transfer").with("recipient", to).with("sender", from.as_str()).with("amount", amount.to_string()),
    );
    ctx.emit(Event::new("message").with("sender", from));
}

/// Coins came to be.
pub fn coinbase(ctx: &mut Context, minter: &Address, amount: &Coins) {
    let minter = minter.to_bech32(&ctx.prefix);
    ctx.emit(Event::new("coinbase").with("minter", minter).with("amount", amount.to_string()));
}

/// Coins ceased to be.
pub fn burn(ctx: &mut Context, burner: &Address, amount: &Coins) {
    let burner = burner.to_bech32(&ctx.prefix);
    ctx.emit(Event::new("burn").with("burner", burner).with("amount", amount.to_string()));
}
