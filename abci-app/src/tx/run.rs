//! One transaction: ante, then its messages, all or none.

use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxMsgData;
use cosmos_sdk_proto::Any;
use prost::Message as _;

use super::ante::{Ante, MinGasPrice};
use super::decode::Tx;
use crate::context::{Context, Mode, Outside};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::gas::{Gas, GasMeter};
use crate::modules::{Message, MessageResponse, Modules};
use crate::params::AppParams;

/// What surrounds transactions.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The modules.
    pub modules: &'a Modules,
    /// The chain's parameters.
    pub params: &'a AppParams,
    /// The gas limit of a block; `None` without one.
    pub max_block_gas: Option<Gas>,
    /// What this node's mempool asks.
    pub min_gas_price: MinGasPrice,
    /// The most gas that Simulate spends.
    pub simulate_gas: Gas,
}

/// What came of a transaction.
#[derive(Debug)]
pub struct Outcome {
    /// The responses of its messages, or why it failed.
    pub result: Result<Vec<MessageResponse>>,
    /// The gas limit.
    pub gas_wanted: Gas,
    /// The gas counted.
    pub gas_used: Gas,
    /// Events: those of ante, and those of the messages if all succeeded.
    pub events: Vec<Event>,
    /// Whether ante passed: fee and sequence stay.
    pub admitted: bool,
}

impl Outcome {
    fn refused(error: Error, gas_wanted: Gas, gas_used: Gas) -> Self {
        Self { result: Err(error), gas_wanted, gas_used, events: Vec::new(), admitted: false }
    }

    /// `TxMsgData`, empty on failure.
    pub fn data(&self) -> Vec<u8> {
        let Ok(responses) = &self.result else { return Vec::new() };
        TxMsgData { msg_responses: responses.iter().map(any).collect(), ..Default::default() }.encode_to_vec()
    }
}

/// A message's response as clients read it.
pub fn any(response: &MessageResponse) -> Any {
    Any { type_url: response.type_url.clone(), value: response.value.clone() }
}

/// Runs a transaction in `ctx`, whose gas meter it sets. What stays of it is in the context's view; work that it left
/// beside itself is in `ctx.outside`.
pub fn run(ctx: &mut Context, rules: &Rules<'_>, tx: &Tx) -> Outcome {
    let simulate = ctx.mode == Mode::Simulate;
    ctx.gas = GasMeter::limited(if simulate { rules.simulate_gas } else { tx.gas_limit });
    let ante = Ante {
        tx,
        params: rules.params,
        modules: rules.modules,
        max_block_gas: rules.max_block_gas,
        min_gas_price: rules.min_gas_price,
    };
    // Ante is a layer of its own: if it fails, nothing stays; if it succeeds, it stays whatever the messages do.
    if let Err(error) = ctx.nested(|ctx| ante.run(ctx)) {
        return Outcome::refused(error, tx.gas_limit, ctx.gas.consumed());
    }
    let result = match ctx.mode {
        Mode::Check | Mode::Propose => ctx.nested(|ctx| check(ctx, rules, &tx.messages)).map(|()| Vec::new()),
        Mode::Finalize | Mode::Simulate => ctx.nested(|ctx| execute(ctx, rules, &tx.messages)),
    };
    Outcome {
        result,
        gas_wanted: tx.gas_limit,
        gas_used: ctx.gas.consumed(),
        events: std::mem::take(&mut ctx.events),
        admitted: true,
    }
}

/// Does what transactions left beside themselves, on the block's view.
pub fn do_outside(ctx: &mut Context, left: Vec<Outside>) {
    ctx.gas = GasMeter::unlimited();
    for work in left {
        if let Err(error) = ctx.nested(work) {
            tracing::error!(%error, "work beside a transaction failed and was undone");
        }
    }
}

fn check(ctx: &mut Context, rules: &Rules<'_>, messages: &[Message]) -> Result<()> {
    for (n, message) in messages.iter().enumerate() {
        rules.modules.check(ctx, message).map_err(|error| at(error, n))?;
    }
    Ok(())
}

fn execute(ctx: &mut Context, rules: &Rules<'_>, messages: &[Message]) -> Result<Vec<MessageResponse>> {
    let mut responses = Vec::with_capacity(messages.len());
    for (n, message) in messages.iter().enumerate() {
        let first = ctx.events.len();
        let sender = message.signers(&ctx.prefix)?.first().map(|signer| signer.to_bech32(&ctx.prefix));
        ctx.emit(
            Event::new("message")
                .with("action", message.type_url())
                .with("sender", sender.unwrap_or_default())
                .with("module", message.module()),
        );
        responses.push(rules.modules.execute(ctx, message).map_err(|error| at(error, n))?);
        // Clients tell a transaction's messages apart by it (SDK 0.50).
        for event in &mut ctx.events[first..] {
            event.attributes.push(("msg_index".to_string(), n.to_string()));
        }
    }
    Ok(responses)
}

fn at(error: Error, index: usize) -> Error {
    error.context(format!("failed to execute message; message index: {index}"))
}
