//! Verdicts and unlocks on their way to the contracts. Each is tried at the end of each block until the contract takes it; a bond is
//! unlocked only when no verdict against its owner waits. While more wait than a block tries, those that were tried and stay go to the
//! end of their queue in their order, so that what never succeeds holds up nothing else.

use std::collections::BTreeSet;
use std::ops::Bound;

use bauta_messages::slashing::{self, Verdict as ContractVerdict};
use bauta_messages::staking::{lock_key, SudoMsg};
use bauta_rounds::keys::{self, prefix};
use bauta_rounds::offence::name;
use bauta_schema::training::v1::{Params, QueuedUnlock, QueuedVerdict, Verdict};
use cosmwasm_std::Binary;
use prost::Message as _;

use super::contracts::json;
use super::effects::bech32;
use super::Contracts;
use crate::address::Address;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::store::{Order, Store};

/// Entries of each queue that are tried in a block at most; the others wait for the next.
pub const ENTRIES_A_BLOCK: usize = 256;

/// Queues a verdict.
pub fn push_verdict(ctx: &mut Context, verdict: Verdict) {
    let queued = QueuedVerdict { verdict: Some(verdict), attempts: 0, last_error: String::new() };
    push(ctx, prefix::QUEUE, &queued.encode_to_vec());
}

/// Queues an unlock.
pub fn push_unlock(ctx: &mut Context, provider: Vec<u8>, task_id: u64, epoch: u64) {
    let queued = QueuedUnlock { provider, task_id, epoch, attempts: 0, last_error: String::new() };
    push(ctx, prefix::UNLOCK, &queued.encode_to_vec());
}

fn push(ctx: &mut Context, queue: &str, entry: &[u8]) {
    let start = queue.as_bytes();
    let end = keys::after(start);
    let last = ctx.view.next(Store::Training, Bound::Included(start), Bound::Excluded(&end), Order::Descending);
    let number = last.and_then(|(key, _)| key[start.len()..].try_into().ok().map(u64::from_be_bytes)).unwrap_or(0);
    ctx.view.set(Store::Training, keys::numbers(queue, &[number + 1]), entry.to_vec());
}

/// Keeps an entry that was tried: where it is, or, if others wait behind those of this block, behind them.
fn keep(ctx: &mut Context, queue: &str, key: Vec<u8>, entry: Vec<u8>, others_wait: bool) {
    if others_wait {
        ctx.view.delete(Store::Training, &key);
        push(ctx, queue, &entry);
    } else {
        ctx.view.set(Store::Training, key, entry);
    }
}

/// A key of a queue and its entry.
type Entry = (Vec<u8>, Vec<u8>);

/// The entries that a block tries, and whether more wait behind them.
fn due(ctx: &Context, queue: &str) -> (Vec<Entry>, bool) {
    let mut found = entries(ctx, queue, ENTRIES_A_BLOCK + 1);
    let others_wait = found.len() > ENTRIES_A_BLOCK;
    found.truncate(ENTRIES_A_BLOCK);
    (found, others_wait)
}

fn entries(ctx: &Context, queue: &str, limit: usize) -> Vec<Entry> {
    let start = queue.as_bytes();
    let end = keys::after(start);
    ctx.view.range(Store::Training, Bound::Included(start), Bound::Excluded(&end), Order::Ascending, limit)
}

/// How much is queued.
pub fn len(ctx: &Context) -> usize {
    [prefix::QUEUE, prefix::UNLOCK].into_iter().map(|queue| entries(ctx, queue, usize::MAX).len()).sum()
}

/// Tries what is queued: verdicts first, in the order in which they were found.
pub fn deliver(ctx: &mut Context, contracts: &dyn Contracts, params: &Params) {
    let (tried, others_wait) = due(ctx, prefix::QUEUE);
    for (key, bytes) in tried {
        let Ok(mut queued) = QueuedVerdict::decode(&bytes[..]) else {
            ctx.view.delete(Store::Training, &key);
            continue;
        };
        let Some(verdict) = queued.verdict.clone() else {
            ctx.view.delete(Store::Training, &key);
            continue;
        };
        match settle(ctx, contracts, params, &verdict) {
            Ok(()) => {
                ctx.view.delete(Store::Training, &key);
                let event = about("verdict_settled", ctx, &verdict);
                ctx.emit(event);
            }
            Err(error) => {
                queued.attempts = queued.attempts.saturating_add(1);
                queued.last_error = short(&error);
                let event = about("verdict_delayed", ctx, &verdict)
                    .with("attempts", queued.attempts.to_string())
                    .with("error", queued.last_error.clone());
                keep(ctx, prefix::QUEUE, key, queued.encode_to_vec(), others_wait);
                ctx.emit(event);
            }
        }
    }
    deliver_unlocks(ctx, contracts, params);
}

fn settle(ctx: &mut Context, contracts: &dyn Contracts, params: &Params, verdict: &Verdict) -> Result<()> {
    let slashing = Address::parse(&params.slashing, &ctx.prefix)?;
    let message = slashing::SudoMsg::Settle(ContractVerdict {
        offence_id: Binary::new(verdict.id.clone()),
        kind: name(verdict.kind()).to_string(),
        provider: bech32(ctx, &verdict.provider),
        task: verdict.task_id,
        epoch: verdict.epoch,
        round: verdict.round,
        evidence: Binary::new(verdict.evidence.clone()),
        reporter: (!verdict.reporter.is_empty()).then(|| bech32(ctx, &verdict.reporter)),
        harmed: verdict.harmed.iter().map(|address| bech32(ctx, address)).collect(),
    });
    ctx.nested(|ctx| contracts.tell(ctx, &slashing, &json(&message)?, params.contract_gas))
}

fn about(kind: &str, ctx: &Context, verdict: &Verdict) -> Event {
    Event::new(kind)
        .with("task_id", verdict.task_id.to_string())
        .with("epoch", verdict.epoch.to_string())
        .with("round", verdict.round.to_string())
        .with("kind", name(verdict.kind()))
        .with("provider", bech32(ctx, &verdict.provider))
        .with("offence_id", hex::encode(&verdict.id))
}

fn deliver_unlocks(ctx: &mut Context, contracts: &dyn Contracts, params: &Params) {
    let accused: BTreeSet<Vec<u8>> = entries(ctx, prefix::QUEUE, usize::MAX)
        .iter()
        .filter_map(|(_, bytes)| QueuedVerdict::decode(&bytes[..]).ok()?.verdict)
        .map(|verdict| verdict.provider)
        .collect();
    let (tried, others_wait) = due(ctx, prefix::UNLOCK);
    for (key, bytes) in tried {
        let Ok(mut queued) = QueuedUnlock::decode(&bytes[..]) else {
            ctx.view.delete(Store::Training, &key);
            continue;
        };
        if accused.contains(&queued.provider) {
            if others_wait {
                keep(ctx, prefix::UNLOCK, key, bytes, others_wait);
            }
            continue;
        }
        match unlock(ctx, contracts, params, &queued) {
            Ok(()) => ctx.view.delete(Store::Training, &key),
            Err(error) => {
                queued.attempts = queued.attempts.saturating_add(1);
                queued.last_error = short(&error);
                let event = Event::new("unlock_delayed")
                    .with("task_id", queued.task_id.to_string())
                    .with("epoch", queued.epoch.to_string())
                    .with("provider", bech32(ctx, &queued.provider))
                    .with("attempts", queued.attempts.to_string())
                    .with("error", queued.last_error.clone());
                keep(ctx, prefix::UNLOCK, key, queued.encode_to_vec(), others_wait);
                ctx.emit(event);
            }
        }
    }
}

fn unlock(ctx: &mut Context, contracts: &dyn Contracts, params: &Params, queued: &QueuedUnlock) -> Result<()> {
    let staking = Address::parse(&params.staking, &ctx.prefix)?;
    let message =
        SudoMsg::Unlock { provider: bech32(ctx, &queued.provider), key: lock_key(queued.task_id, queued.epoch) };
    ctx.nested(|ctx| contracts.tell(ctx, &staking, &json(&message)?, params.contract_gas))
}

/// Codespace and code: what is the same on every node. It is stored, so it must be.
fn short(error: &Error) -> String {
    format!("codespace: {}, code: {}", error.codespace, error.code)
}
