//! A provider's registration, bond and offences.

use std::collections::BTreeSet;

use bauta_client::chain::{messages, Chain, ChainError, Refused};
use bauta_client::contracts::Contracts;
use bauta_messages::registry::{self, Standing};
use bauta_messages::slashing::SettledOffence;
use bauta_messages::staking;
use bauta_rounds::keys;
use bauta_schema::training::v1 as pb;
use cosmwasm_std::{HexBinary, Uint128};
use prost::Message as _;
use serde_json::{json, Value};

use super::{explained, Metadata};
use crate::answer::{fields, Answer};
use crate::commands::Answered;
use crate::context::{merged, outcome_json, outcome_text, Account, Amount, Context};
use crate::failure::{in_plain_words, Failure};
use crate::show;

/// Registers.
pub async fn register(context: &Context, metadata: Metadata) -> Answered {
    let account = context.account().await?;
    let contracts = context.contracts(&account.chain).await?;
    let provider = account.signer.address();
    let message = registry::ExecuteMsg::Register { metadata: metadata.into() };
    let any = messages::execute(provider, &contracts.registry, &message, &[])?;
    let outcome = context.transact(&account, &[any]).await?;
    let text = outcome_text(&format!("{provider} is registered."), &outcome);
    Ok(Answer::new(text, merged(outcome_json(&outcome), json!({ "provider": provider }))))
}

impl From<Metadata> for registry::Metadata {
    fn from(given: Metadata) -> Self {
        Self { name: given.name, contact: given.contact, description: given.description }
    }
}

/// Adds to the bond.
pub async fn bond(context: &Context, amount: &str) -> Answered {
    let amount = Amount::read("the amount", amount)?;
    let account = context.account().await?;
    let contracts = context.contracts(&account.chain).await?;
    let denom = context.ask(contracts.staking_config(&account.chain)).await?.bond_denom;
    let coin = amount.coin("the amount", &denom)?;
    context.confirm(&format!("Bond {coin}? It is lost in part if the chain convicts this provider of an offence."))?;
    let funds = [coin.clone()];
    let any = messages::execute(account.signer.address(), &contracts.staking, &staking::ExecuteMsg::Bond {}, &funds)?;
    let outcome = context.transact(&account, &[any]).await?;
    let (bonds, json) = bonds(&account, &contracts).await?;
    let text = outcome_text(&format!("{coin} was bonded; {bonds}."), &outcome);
    let json = merged(json, json!({ "amount": coin.amount.to_string() }));
    Ok(Answer::new(text, merged(outcome_json(&outcome), json)))
}

/// Begins to take from the bond.
pub async fn unbond(context: &Context, amount: &str) -> Answered {
    let amount = Amount::read("the amount", amount)?;
    let account = context.account().await?;
    let contracts = context.contracts(&account.chain).await?;
    let config = context.ask(contracts.staking_config(&account.chain)).await?;
    let coin = amount.coin("the amount", &config.bond_denom)?;
    let message = staking::ExecuteMsg::Unbond { amount: Uint128::new(coin.amount) };
    let any = messages::execute(account.signer.address(), &contracts.staking, &message, &[])?;
    let outcome = context.transact(&account, &[any]).await?;
    let (bonds, json) = bonds(&account, &contracts).await?;
    let seconds = config.unbonding_seconds;
    let seconds = show::count(seconds, "second");
    let text = format!("{coin} can be withdrawn in {seconds}, and answers for offences until then; {bonds}.");
    let json = merged(json, json!({ "amount": coin.amount.to_string() }));
    Ok(Answer::new(outcome_text(&text, &outcome), merged(outcome_json(&outcome), json)))
}

/// Takes what has matured.
pub async fn withdraw(context: &Context) -> Answered {
    let account = context.account().await?;
    let contracts = context.contracts(&account.chain).await?;
    let message = staking::ExecuteMsg::Withdraw {};
    let any = messages::execute(account.signer.address(), &contracts.staking, &message, &[])?;
    let outcome = context.transact(&account, &[any]).await?;
    let (bonds, json) = bonds(&account, &contracts).await?;
    let text = outcome_text(&format!("What had matured was paid; {bonds}."), &outcome);
    Ok(Answer::new(text, merged(outcome_json(&outcome), json)))
}

/// Returns from jail.
pub async fn unjail(context: &Context) -> Answered {
    let account = context.account().await?;
    let contracts = context.contracts(&account.chain).await?;
    let provider = account.signer.address();
    let any = messages::execute(provider, &contracts.registry, &registry::ExecuteMsg::Unjail {}, &[])?;
    let outcome = context.transact(&account, &[any]).await?;
    let text = outcome_text(&format!("{provider} is out of jail."), &outcome);
    Ok(Answer::new(text, merged(outcome_json(&outcome), json!({ "provider": provider }))))
}

/// What an account has bonded now.
async fn bonds(account: &Account, contracts: &Contracts) -> Result<(String, Value), Failure> {
    let bond = contracts.bond_of(&account.chain, account.signer.address()).await?;
    let text = format!("{} are bonded, {} are unbonding", bond.bonded, bond.unbonding);
    let json = json!({
        "provider": bond.provider.as_str(),
        "bonded": bond.bonded.to_string(),
        "unbonding": bond.unbonding.to_string(),
    });
    Ok((text, json))
}

/// Everything that is known of a provider.
pub async fn status(context: &Context, address: Option<&str>) -> Answered {
    let address = context.address_or_own(address)?;
    let chain = context.chain().await?;
    context.ask(whole_status(context, &chain, &address)).await
}

async fn whole_status(context: &Context, chain: &Chain, address: &str) -> Answered {
    let contracts = context.contracts(chain).await?;
    let found = contracts.provider(chain, address).await?;
    let may = contracts.may_take_part(chain, address, None).await?;
    let bond = contracts.bond_of(chain, address).await?;
    let unbondings = contracts.unbondings(chain, address).await?;
    let offences = contracts.history(chain, Some(address)).await?;

    let (standing, until, reason) = match &found.standing {
        Standing::Good {} if found.registration.is_none() => ("unregistered", None, None),
        Standing::Good {} => ("good", None, None),
        Standing::Jailed { until, reason } => ("jailed", Some(*until), Some(reason)),
        Standing::Tombstoned { reason, .. } => ("tombstoned", None, Some(reason)),
    };
    // No task takes one that has nothing to lose.
    let why_not = match may.explanation {
        None if bond.bonded.is_zero() => Some("nothing is bonded; `bauta provider bond` adds to the bond".to_owned()),
        why => why,
    };
    let name = found.registration.as_ref().map(|registration| registration.metadata.name.clone());
    let pending = pending(chain, address).await?;
    let bars = bars(chain, address, &bond.locks, &offences).await?;
    let time = u64::try_from(chain.status().await?.sync_info.latest_block_time.unix_timestamp()).ok();
    let now = explained::now(&found.standing, name.is_some(), !bond.bonded.is_zero(), !bars.is_empty(), time);
    let json = json!({
        "provider": address,
        "registered": name.is_some(),
        "name": name,
        "standing": standing,
        "jailed_until": until,
        "may_take_part": why_not.is_none(),
        "why_not": why_not,
        "bonded": bond.bonded.to_string(),
        "unbonding": bond.unbonding.to_string(),
        "locks": bond.locks,
        "unbondings": unbondings
            .iter()
            .map(|entry| json!({ "amount": entry.amount.to_string(), "matures_at": entry.matures_at }))
            .collect::<Vec<_>>(),
        "offences": offences
            .iter()
            .map(|offence| {
                json!({
                    "offence": offence.kind,
                    "task": offence.task,
                    "epoch": offence.epoch,
                    "round": offence.round,
                    "slashed": offence.slashed.to_string(),
                    "height": offence.height,
                    "time": offence.time,
                    "evidence": HexBinary::from(offence.evidence.as_slice()).to_hex(),
                    "reporter": offence.reporter,
                    "bounty": offence.bounty.to_string(),
                    "compensation": offence.compensation.to_string(),
                    "harmed": offence.harmed,
                    "treasury": offence.treasury.to_string(),
                    "explanation": explained::settled(offence),
                })
            })
            .collect::<Vec<_>>(),
        "pending": pending,
        "bars": bars,
        "now": now,
    });

    let standing = match (reason, until) {
        (Some(reason), Some(until)) => format!("{standing} for {reason}, until {}", show::time(until)),
        (Some(reason), None) => format!("{standing} for {reason}"),
        _ => standing.to_owned(),
    };
    let mut rows = vec![
        ("provider", address.to_owned()),
        ("registered", name.unwrap_or_else(|| "no".to_owned())),
        ("standing", standing),
        ("may take part", why_not.map_or_else(|| "yes".to_owned(), |why| format!("no: {}", in_plain_words(&why)))),
        ("bonded", bond.bonded.to_string()),
        ("unbonding", bond.unbonding.to_string()),
    ];
    if !bond.locks.is_empty() {
        rows.push(("locked by", bond.locks.iter().map(|key| format!("task {key}")).collect::<Vec<_>>().join(", ")));
    }
    for entry in &unbondings {
        rows.push(("matures", format!("{} at {}", entry.amount, show::time(entry.matures_at))));
    }
    rows.extend(offences.iter().map(|offence| ("offence", explained::settled(offence))));
    rows.extend(pending.into_iter().map(|sentence| ("pending", sentence)));
    rows.extend(bars.into_iter().map(|sentence| ("barred", sentence)));
    rows.push(("now", now));
    Ok(Answer::new(fields(&rows), json))
}

/// Verdicts that no contract has carried out yet.
async fn pending(chain: &Chain, address: &str) -> Result<Vec<String>, ChainError> {
    let request = pb::QueryVerdictsRequest { task_id: 0, provider: address.to_owned(), limit: 100 };
    let found: pb::QueryVerdictsResponse = chain.training("Verdicts", &request).await?;
    let queued = |verdict: &pb::Verdict| {
        found.queued.iter().find(|queued| queued.verdict.as_ref().is_some_and(|other| other.id == verdict.id))
    };
    let waits = found.verdicts.iter().filter(|verdict| !verdict.delivered || queued(verdict).is_some());
    Ok(waits.map(|verdict| explained::waiting(verdict, queued(verdict))).collect())
}

/// Where it may not check in or holds no seat: in the epochs that lock its bond, and in the tasks in which it was convicted.
async fn bars(
    chain: &Chain,
    address: &str,
    locks: &[String],
    offences: &[SettledOffence],
) -> Result<Vec<String>, ChainError> {
    /// Epochs that are looked at.
    const MOST: usize = 20;
    let raw = chain.bytes_of(address)?;
    let place = |key: &String| {
        let (task, epoch) = key.split_once('/')?;
        Some((task.parse::<u64>().ok()?, epoch.parse::<u64>().ok()?))
    };
    let places: BTreeSet<(u64, u64)> = locks.iter().filter_map(place).collect();
    let tasks: BTreeSet<u64> =
        places.iter().map(|(task, _)| *task).chain(offences.iter().map(|offence| offence.task)).collect();
    let mut sentences = Vec::new();
    for (task, number) in places.into_iter().take(MOST) {
        let Some(epoch) = known(chain.epoch(task, number).await)? else { continue };
        let member = epoch.members.iter().find(|member| member.address == raw);
        sentences.extend(member.and_then(|member| explained::barred(task, number, member)));
    }
    for task in tasks.into_iter().take(MOST) {
        let Some((record, _)) = known(chain.task(task).await)? else { continue };
        let key = keys::address(keys::prefix::CONDUCT, &[task], &raw);
        let Some(light) = chain.light() else { continue };
        let conduct = light.read("training", &key).await?.value;
        let conduct = conduct.and_then(|bytes| pb::SeatConduct::decode(bytes.as_slice()).ok()).unwrap_or_default();
        if conduct.no_seat_until >= record.epoch && record.ended_height == 0 {
            sentences.push(explained::seatless(task, conduct.no_seat_until));
        }
    }
    Ok(sentences)
}

/// What was read; `None` when the chain has it no more.
fn known<T>(read: Result<T, ChainError>) -> Result<Option<T>, ChainError> {
    match read {
        Err(error) if error.refused().is_some_and(Refused::is_not_found) => Ok(None),
        other => other.map(Some),
    }
}
