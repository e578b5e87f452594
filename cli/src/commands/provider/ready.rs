//! What a provider needs before it serves a task: everything is looked at before anything is sent.

use std::collections::BTreeMap;

use bauta_client::chain::Chain;
use bauta_client::contracts::Contracts;
use bauta_client::provider;
use bauta_messages::registry::{Bar, Metadata, Standing};
use bauta_messages::slashing::{PenaltiesResponse, Penalty, QueryMsg};
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;
use serde_json::json;

use super::run::Run;
use crate::answer::line;
use crate::context::{Account, Amount, Context};
use crate::failure::{in_plain_words, Failure};
use crate::progress;
use crate::show;

/// What offences cost, by kind; empty when the contract did not say.
pub type Prices = BTreeMap<String, Penalty>;

/// Registration and bond, so far as they were asked for. What is missing ends the command before anything is sent, unless the provider is
/// a member of the running epoch already: then its seat is to be served whatever became of it since.
pub async fn make_ready(
    context: &Context,
    account: &Account,
    args: &Run,
    bond: Option<&Amount>,
    task: &pb::Task,
    terms: &Terms,
) -> Result<Prices, Failure> {
    let chain = &account.chain;
    let address = account.signer.address();
    let contracts = context.contracts(chain).await?;
    if !matches!(task.status(), pb::TaskStatus::Running | pb::TaskStatus::Cancelling) {
        // There is nothing left to take part in; what lies on this disk may still have to be erased.
        return Ok(prices(chain, &contracts).await);
    }
    let denom = context.ask(contracts.staking_config(chain)).await?.bond_denom;
    let bond = bond.map(|amount| amount.coin("--bond", &denom)).transpose()?;
    let has = context.ask(contracts.bond_of(chain, address)).await?.bonded.u128();
    let bonded = bond.as_ref().map_or(has, |bond| bond.amount.max(has));

    let lack = match standing(context, chain, &contracts, address).await? {
        Some(lack) => Some(lack),
        None if bonded < terms.min_bond => {
            let (least, task) = (terms.min_bond, args.task);
            let lack = Failure::new(format!("task {task} asks for a bond of {least}{denom}, and {bonded} are bonded"));
            Some(lack.hint(format!("add --bond {least}{denom}, or use `bauta provider bond`")))
        }
        None => bar(context, chain, &contracts, address, args, terms).await?,
    };
    let epoch = context.ask(chain.epoch(args.task, task.epoch)).await?;
    let is_member = epoch.members.iter().any(|member| member.address == account.signer.address_bytes());
    match lack {
        Some(lack) if !is_member => return Err(lack),
        Some(lack) => {
            let what = format!(
                "{}; its seat in epoch {} of task {} is served all the same{}",
                lack.sentence(),
                task.epoch,
                args.task,
                lack.advice().map(|hint| format!(". {hint}")).unwrap_or_default()
            );
            let _ = line(context.settings.output, &what, &json!({ "event": "warning", "what": what }));
        }
        None if task.owner == account.signer.address_bytes() => {
            return Err(Failure::new(format!("{address} owns task {}, and no owner provides data for it", args.task))
                .hint("name a data provider's key with --from"));
        }
        None => {}
    }

    if let Some(missing) = bond.as_ref().and_then(|bond| bond.amount.checked_sub(has)).filter(|missing| *missing > 0) {
        context.confirm(&format!(
            "Bond {missing}{denom}? It is lost in part if the chain convicts this provider of an offence."
        ))?;
    }
    let metadata = args.name.as_ref().map(|name| Metadata {
        name: name.clone(),
        contact: String::new(),
        description: String::new(),
    });
    if metadata.is_some() || bond.is_some() {
        let work = provider::prepare(chain, &account.signer, metadata, bond);
        progress::during("registering and bonding", work).await?;
    }
    Ok(prices(chain, &contracts).await)
}

/// Jail, or worse.
async fn standing(
    context: &Context,
    chain: &Chain,
    contracts: &Contracts,
    address: &str,
) -> Result<Option<Failure>, Failure> {
    Ok(match context.ask(contracts.provider(chain, address)).await?.standing {
        Standing::Good {} => None,
        Standing::Jailed { until, reason } => Some(
            Failure::new(format!("{address} is jailed for {reason} until {}", show::time(until)))
                .hint("`bauta provider unjail` returns from jail when that time is over"),
        ),
        Standing::Tombstoned { reason, .. } => {
            Some(Failure::new(format!("{address} is barred for ever, for {reason}")).hint("serve with another key"))
        }
    })
}

/// What else keeps it from taking part, once it has registered as it was asked to.
async fn bar(
    context: &Context,
    chain: &Chain,
    contracts: &Contracts,
    address: &str,
    args: &Run,
    terms: &Terms,
) -> Result<Option<Failure>, Failure> {
    let issuer = Some(terms.cohort.issuer.as_str()).filter(|issuer| !issuer.is_empty());
    let may = context.ask(contracts.may_take_part(chain, address, issuer)).await?;
    let refused = |why: &str| {
        Failure::new(format!("{address} may not take part in task {}: {}", args.task, in_plain_words(why)))
            .hint("--name NAME registers it; an issuer admits providers with the registry's message admit")
    };
    let registers = may.reason == Some(Bar::NotRegistered) && args.name.is_some();
    match (may.explanation, issuer) {
        (None, _) => Ok(None),
        // Whoever is not registered is not told by the registry whether the issuer has admitted it.
        (Some(_), Some(issuer)) if registers => {
            let admitted = context.ask(contracts.admitted(chain, issuer)).await?;
            Ok((!admitted.contains(address)).then(|| refused(&format!("{issuer} has not admitted it"))))
        }
        (Some(_), None) if registers => Ok(None),
        (Some(why), _) => Ok(Some(refused(&why))),
    }
}

/// The contract's price list; without it a stop says less.
async fn prices(chain: &Chain, contracts: &Contracts) -> Prices {
    let question = QueryMsg::Penalties { start_after: None, limit: Some(100) };
    let found = chain.smart::<_, PenaltiesResponse>(&contracts.slashing, &question).await;
    let rows = found.map(|found| found.penalties).unwrap_or_default();
    rows.into_iter().map(|row| (row.kind, row.penalty)).collect()
}
