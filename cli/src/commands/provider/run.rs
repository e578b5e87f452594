//! The daemon: a provider at work.

use std::path::PathBuf;
use std::sync::Arc;

use bauta_client::provider::{self, Event, Honest, Provider, ProviderConfig};
use bauta_messages::registry::Standing;
use bauta_rounds::terms::Terms;
use clap::Args;
use rand::rngs::OsRng;
use serde_json::{json, Value};

use super::trainer::Training;
use crate::answer::{line, Answer, Format};
use crate::commands::task::read_task;
use crate::commands::Answered;
use crate::context::{Account, Amount, Context};
use crate::failure::Failure;
use crate::interrupts;
use crate::progress;
use crate::show;

/// Serve a task.
#[derive(Debug, Args)]
pub struct Run {
    /// The task
    #[arg(long, value_name = "ID")]
    task: u64,
    #[command(flatten)]
    training: Training,
    /// Bonds what is missing to this amount before it starts
    #[arg(long, value_name = "AMOUNT")]
    bond: Option<String>,
    /// Registers under this name before it starts, if the account is not registered
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A folder in which peers leave evidence against others; what convicts is reported
    #[arg(long, value_name = "DIR")]
    evidence_dir: Option<PathBuf>,
    /// Ends when the task has ended, and not after its evidence window
    #[arg(long)]
    leave_early: bool,
}

/// Runs the command.
pub async fn run(context: &Context, args: Run) -> Answered {
    let policy = args.training.policy(context)?;
    if let Some(folder) = &args.evidence_dir {
        // A folder that is not there would be an inbox into which nothing ever comes.
        std::fs::read_dir(folder).map_err(Failure::file("read the folder of --evidence-dir,", folder))?;
    }
    let bond = args.bond.as_deref().map(|text| Amount::read("--bond", text)).transpose()?;
    let account = context.account().await?;
    let (_, settings) = read_task(&account.chain, args.task).await?;
    let terms = Terms::read(&settings)?;
    policy.admits(&terms)?;
    let prepared = args.training.prepare(&terms)?;
    make_ready(context, &account, &args, bond, &terms).await?;

    let home = context.settings.home.join("providers").join(account.signer.address());
    let mut config = ProviderConfig::new(args.task, home, prepared.trainer, prepared.rows);
    config.policy = policy;
    config.evidence = args.evidence_dir;
    if args.leave_early {
        config.until = provider::Until::TaskEnded;
    }
    let format = context.settings.output;
    if format == Format::Text {
        let who = account.signer.address();
        let _ = line(
            format,
            &format!("{who} serves task {} with {} rows; Ctrl-C stops it", args.task, prepared.rows),
            &Value::Null,
        );
    }
    let Account { chain, signer } = account;
    let mut daemon = Provider::open(chain, Arc::new(signer), config, Box::new(OsRng), Box::new(Honest))?.with_listener(
        Box::new(move |event| {
            let (text, json) = told(event);
            // A daemon goes on when nobody reads its lines any more.
            let _ = line(format, &text, &json);
        }),
    );
    tokio::select! {
        done = daemon.run() => done?,
        () = interrupts::stopped() => {
            let text = "stopped; the same command goes on where this one left off";
            let _ = line(format, text, &json!({ "event": "stopped" }));
        }
    }
    Ok(Answer::silent())
}

/// Registration and bond, so far as they were asked for; whether they are enough.
async fn make_ready(
    context: &Context,
    account: &Account,
    args: &Run,
    bond: Option<Amount>,
    terms: &Terms,
) -> Result<(), Failure> {
    let chain = &account.chain;
    let address = account.signer.address();
    let contracts = context.contracts(chain).await?;
    let denom = context.ask(contracts.staking_config(chain)).await?.bond_denom;
    let bond = bond.map(|amount| amount.coin("--bond", &denom)).transpose()?;
    let has = context.ask(contracts.bond_of(chain, address)).await?.bonded.u128();
    if let Some(missing) = bond.as_ref().and_then(|bond| bond.amount.checked_sub(has)).filter(|missing| *missing > 0) {
        context.confirm(&format!(
            "Bond {missing}{denom}? It is lost in part if the chain convicts this provider of an offence."
        ))?;
    }
    let metadata = args.name.as_ref().map(|name| bauta_messages::registry::Metadata {
        name: name.clone(),
        contact: String::new(),
        description: String::new(),
    });
    let bonded = bond.as_ref().map_or(has, |bond| bond.amount.max(has));
    let work = provider::prepare(chain, &account.signer, metadata, bond);
    let prepared = progress::during("registering and bonding", work).await?;

    if let Standing::Jailed { until, reason } = &prepared.standing {
        return Err(Failure::new(format!("{address} is jailed for {reason} until {until} (seconds since 1970)"))
            .hint("`bauta provider unjail` returns from jail when the time is over"));
    }
    if bonded < terms.min_bond {
        return Err(Failure::new(format!(
            "task {} asks for a bond of {}{denom}, and {bonded} are bonded",
            args.task, terms.min_bond
        ))
        .hint(format!("add --bond {}{denom}, or use `bauta provider bond`", terms.min_bond)));
    }
    let issuer = Some(terms.cohort.issuer.as_str());
    let may = context.ask(contracts.may_take_part(chain, address, issuer)).await?;
    match may.explanation {
        None => Ok(()),
        Some(why) => Err(Failure::new(format!("{address} may not take part in task {}: {why}", args.task))
            .hint("--name NAME registers it; an issuer admits providers with the registry's message admit")),
    }
}

/// An event as a line, and as an object.
fn told(event: &Event) -> (String, Value) {
    match event {
        Event::Enrolled { epoch } => {
            (format!("epoch {epoch}: enrolled"), json!({ "event": "enrolled", "epoch": epoch }))
        }
        Event::Dealt { epoch } => (format!("epoch {epoch}: dealt"), json!({ "event": "dealt", "epoch": epoch })),
        Event::Complained { dealer } => (
            format!("complained about the share that {dealer} dealt"),
            json!({ "event": "complained", "dealer": dealer }),
        ),
        Event::Trained { round, loss, accuracy, norm } => (
            format!(
                "round {round}: trained; the model came with loss {loss:.4} and accuracy {:.2} %, the update has norm {norm:.3}",
                accuracy * 100.0
            ),
            json!({ "event": "trained", "round": round, "loss": loss, "accuracy": accuracy, "norm": norm }),
        ),
        Event::CheckedIn { round } => {
            (format!("round {round}: checked in"), json!({ "event": "checked_in", "round": round }))
        }
        Event::Submitted { round, bytes } => (
            match bytes {
                0 => format!("round {round}: sent the header"),
                bytes => format!("round {round}: sent {}", show::bytes(*bytes)),
            },
            json!({ "event": "submitted", "round": round, "bytes": bytes }),
        ),
        Event::Answered { round, entries } => (
            format!("round {round}: the seat answered for {entries} points"),
            json!({ "event": "answered", "round": round, "entries": entries }),
        ),
        Event::Reported { accused, round } => (
            format!("round {round}: reported {accused}"),
            json!({ "event": "reported", "accused": accused, "round": round }),
        ),
        Event::RoundSettled { round, finished, took_part } => (
            match (finished, took_part) {
                (true, true) => format!("round {round}: finished with this update"),
                (true, false) => format!("round {round}: finished without this update"),
                (false, _) => format!("round {round}: aborted"),
            },
            json!({ "event": "round_settled", "round": round, "finished": finished, "took_part": took_part }),
        ),
        Event::SatOut { what, why } => {
            (format!("sat out: {what}: {why}"), json!({ "event": "sat_out", "what": what, "why": why }))
        }
        Event::TaskEnded { status } => {
            let status = show::task_status(*status);
            (format!("the task is {status}"), json!({ "event": "task_ended", "status": status }))
        }
        // Events are only ever added; one that is not known here is named as the library names it.
        other => (format!("{other:?}"), json!({ "event": "other", "what": format!("{other:?}") })),
    }
}
