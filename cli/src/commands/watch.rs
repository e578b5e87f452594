//! `bauta watch`: find offences that others commit, and report them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bauta_client::chain::{Chain, ChainError};
use bauta_client::disk::Durability;
use bauta_client::watch::{Event, Report, Standing, WatchConfig, WatchError, Watcher};
use clap::Args;
use serde_json::{json, Value};

use super::Answered;
use crate::answer::{line, Answer};
use crate::context::{merged, Account, Context};
use crate::failure::Failure;
use crate::interrupts::Stops;
use crate::progress;
use crate::settings::without_password;
use crate::show;

/// Find offences in mempools and blocks, report them, and earn the bounty.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bauta watch --from carol
  bauta watch --node http://one:26657 --node http://two:26657 --from carol
  bauta watch --dry-run --once --since 1 --from carol

Every node that --node names is looked at: what one node's mempool shows and no block takes is evidence. Two headers of one round, \
a seat's answer that nobody requested (once its round has settled), and messages whose proof does not hold are reported, each once. A \
report puts up the deposit of `bauta params`, which comes back with the bounty when the evidence holds, in the same block, and is lost \
when it does not; so whatever is not judged here is asked of all the nodes first: name nodes that you trust. What was seen and what was \
reported is on disk below --home. Ctrl-C stops it.

JSON: one object a line, {event, ...}: watching {address, nodes, height, deposit, balance}; held, settled, lost, would_report and waits \
{offence, accused, task, epoch, round, deposit, bounty, tx_hash}, lost and waits with why; node_away {node, why}; node_back {node}; stopped \
{height, bodies, held, lost, bounty, deposits_lost}.")]
pub struct Watch {
    /// Only this task; given again, these
    #[arg(long, value_name = "ID")]
    task: Vec<u64>,
    /// The first block to look at [default: where it stopped, or the last one]
    #[arg(long, value_name = "HEIGHT")]
    since: Option<u64>,
    /// Only say what would be reported
    #[arg(long)]
    dry_run: bool,
    /// Looks once at mempools and blocks, and ends
    #[arg(long)]
    once: bool,
    /// How often mempools are looked at, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    every: u64,
}

/// Runs the command.
pub async fn run(context: &Context, args: Watch) -> Answered {
    let format = context.settings.output;
    let Account { chain, signer } = context.account().await?;
    let nodes = context
        .settings
        .nodes
        .iter()
        .map(|url| Chain::http(url, chain.settings().clone()))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = context.settings.nodes.iter().map(|url| without_password(url)).collect();
    let config = WatchConfig {
        home: context.settings.home.join("watch"),
        tasks: args.task.iter().copied().collect::<BTreeSet<u64>>(),
        since: args.since,
        dry_run: args.dry_run,
        durability: Durability::PowerCut,
    };
    let own = signer.address().to_owned();
    let mut watcher = Watcher::open(nodes, Arc::new(signer), config)?;
    greet(context, &chain, &own, &names, args.dry_run).await?;

    let mut stops = Stops::listen();
    let bar = progress::standing();
    let pause = Duration::from_millis(args.every);
    loop {
        let step = tokio::select! {
            step = watcher.step() => step,
            () = stops.next() => break,
        };
        let is_over = match step {
            Ok(events) => {
                for event in &events {
                    let (text, json) = told(event, &names);
                    if bar.suspend(|| line(format, &text, &json)).is_err() {
                        // A reader that has gone away must not end what earns and protects.
                        tracing::debug!("nobody reads the lines any more");
                    }
                }
                true
            }
            Err(WatchError::Chain(error)) if !args.once && passes(&error) => {
                tracing::warn!(%error, "the chain is not read now; trying again");
                false
            }
            Err(error) => return Err(error.into()),
        };
        bar.set_message(progress_of(&watcher.standing()));
        if args.once && is_over {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stops.next() => break,
        }
    }
    bar.finish_and_clear();
    let standing = watcher.standing();
    let _ = line(
        format,
        &format!("stopped: {}", progress_of(&standing)),
        &merged(json!({ "event": "stopped" }), standing_json(&standing)),
    );
    Ok(Answer::silent())
}

/// Whether it may pass: a node that is away, or one that cannot answer now.
fn passes(error: &ChainError) -> bool {
    error.is_transient() || matches!(error, ChainError::Answer { .. })
}

/// Says who watches, and whether it can pay a deposit.
async fn greet(context: &Context, chain: &Chain, own: &str, names: &[String], dry_run: bool) -> Result<(), Failure> {
    let params = context.ask(chain.training_params()).await?;
    let deposit: u128 = params.report_deposit.parse().unwrap_or(0);
    let denom = &chain.settings().gas_price.denom;
    let balance = context.ask(chain.balance(own, denom)).await?;
    if balance <= deposit && !dry_run {
        return Err(Failure::new(format!(
            "{own} has {balance}{denom}, and a report puts up {deposit}{denom} and pays a fee"
        ))
        .hint("send it coins, or look only, with --dry-run"));
    }
    let height = chain.height().await?;
    let json = json!({ "event": "watching", "address": own, "nodes": names, "height": height,
        "deposit": deposit.to_string(), "balance": balance.to_string() });
    let nodes = show::count(names.len() as u64, "node");
    let text = format!(
        "{own} watches {nodes} from block {height}; a report puts up {deposit}{denom}, it has {balance}{denom}"
    );
    let _ = line(context.settings.output, &text, &json);
    Ok(())
}

fn told(event: &Event, names: &[String]) -> (String, Value) {
    let name = |node: &usize| names.get(*node).cloned().unwrap_or_default();
    match event {
        Event::Held(report) => {
            let text = format!("reported: {}; the bounty is {}", what(report), report.bounty);
            (text, report_json("held", report))
        }
        Event::Settled(report) => (format!("settled before: {}", what(report)), report_json("settled", report)),
        Event::Lost { report, why } => {
            let text = format!("the deposit of {} is lost over {}: {why}", report.deposit, what(report));
            (text, merged(report_json("lost", report), json!({ "why": why })))
        }
        Event::Would(report) => (format!("would report: {}", what(report)), report_json("would_report", report)),
        Event::Waits { report, why } => {
            let text = format!("not reported yet: {}: {why}", what(report));
            (text, merged(report_json("waits", report), json!({ "why": why })))
        }
        Event::NodeAway { node, why } => {
            let text = format!("the node {} does not answer: {why}", name(node));
            (text, json!({ "event": "node_away", "node": name(node), "why": why }))
        }
        Event::NodeBack { node } => {
            (format!("the node {} answers again", name(node)), json!({ "event": "node_back", "node": name(node) }))
        }
        other => (format!("{other:?}"), json!({ "event": "other" })),
    }
}

fn what(report: &Report) -> String {
    let place = match report.round {
        0 => format!("epoch {}", report.epoch),
        round => format!("round {round}"),
    };
    format!("{} by {} in {place} of task {}", report.offence, report.accused, report.task)
}

fn report_json(event: &str, report: &Report) -> Value {
    json!({
        "event": event,
        "offence": report.offence,
        "accused": report.accused,
        "task": report.task,
        "epoch": report.epoch,
        "round": report.round,
        "deposit": report.deposit,
        "bounty": report.bounty,
        "tx_hash": report.tx_hash,
    })
}

fn progress_of(standing: &Standing) -> String {
    format!(
        "block {}: signed bodies kept: {}; {} held and earned {}, {} did not and lost {}",
        standing.height,
        standing.bodies,
        show::count(standing.held as u64, "report"),
        standing.bounty,
        standing.lost,
        standing.deposits_lost
    )
}

fn standing_json(standing: &Standing) -> Value {
    json!({
        "height": standing.height,
        "bodies": standing.bodies,
        "held": standing.held,
        "lost": standing.lost,
        "bounty": standing.bounty.to_string(),
        "deposits_lost": standing.deposits_lost.to_string(),
    })
}
