//! The daemon: a provider at work.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bauta_client::chain::Chain;
use bauta_client::provider::{self, Ended, Honest, Provider, ProviderConfig};
use bauta_rounds::terms::Terms;
use clap::Args;
use rand::rngs::OsRng;
use serde_json::{json, Value};

use super::ready::{self, Prices};
use super::told::{self, told};
use super::trainer::Training;
use crate::answer::{line, Answer, Format};
use crate::commands::task::{read_task, trusting};
use crate::commands::Answered;
use crate::context::{Account, Amount, Context};
use crate::failure::Failure;
use crate::interrupts::Stops;
use crate::show;

/// How often a node that is away is looked for.
const PAUSE: Duration = Duration::from_secs(1);

/// Serve a task.
#[derive(Debug, Args)]
pub struct Run {
    /// The task
    #[arg(long, value_name = "ID")]
    pub task: u64,
    #[command(flatten)]
    training: Training,
    /// Bonds what is missing to this amount before it starts
    #[arg(long, value_name = "AMOUNT")]
    bond: Option<String>,
    /// Registers under this name before it starts, if the account is not registered
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A folder in which peers leave evidence against others; what convicts is reported
    #[arg(long, value_name = "DIR")]
    evidence_dir: Option<PathBuf>,
    /// Ends when the task has ended, and not after its evidence window
    #[arg(long)]
    leave_early: bool,
    /// Fails when no node answers at the start; without this one is waited for
    #[arg(long)]
    no_wait: bool,
}

/// Runs the command.
pub async fn run(context: &Context, args: Run) -> Answered {
    let policy = args.training.policy(context)?;
    if let Some(folder) = &args.evidence_dir {
        // A folder that is not there would be an inbox into which nothing ever comes.
        std::fs::read_dir(folder).map_err(Failure::file("read the folder of --evidence-dir,", folder))?;
    }
    let bond = args.bond.as_deref().map(|text| Amount::read("--bond", text)).transpose()?;
    let entry = context.signing_key()?;
    let signer = context.unlock(&entry)?;
    let (chain, record, terms) = patiently(context, args.no_wait, || connect(context, args.task)).await?;
    policy.admits(&terms)?;
    let prepared = args.training.prepare(&terms)?;
    let account = Account { chain, signer };
    let prices = patiently(context, args.no_wait, || {
        ready::make_ready(context, &account, &args, bond.as_ref(), &record, &terms)
    })
    .await?;

    let trust = trusting(&terms);
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
        let rows = show::count(prepared.rows as u64, "row");
        let _ = line(format, &format!("{who} serves task {} with {rows}; Ctrl-C stops it", args.task), &Value::Null);
    }
    if let Some(trust) = trust {
        let _ = line(format, trust, &json!({ "event": "trusting", "what": trust }));
    }
    let Account { chain, signer } = account;
    let daemon = Provider::open(chain, Arc::new(signer), config, Box::new(OsRng), Box::new(Honest))?.with_listener(
        Box::new(move |event| {
            let (text, json) = told(event);
            // A daemon goes on when nobody reads its lines any more.
            let _ = line(format, &text, &json);
        }),
    );
    serve(daemon, format, &prices).await
}

/// Until the task is over, or a signal stops it: the first lets it finish what it owes, the second does not.
async fn serve(mut daemon: Provider, format: Format, prices: &Prices) -> Answered {
    let leave = daemon.leave();
    let mut stops = Stops::listen();
    let ended = {
        let running = daemon.run();
        tokio::pin!(running);
        loop {
            tokio::select! {
                ended = &mut running => break Some(ended?),
                () = stops.next() => match leave.is_asked() {
                    true => break None,
                    false => leave.ask(),
                },
            }
        }
    };
    match ended {
        Some(Ended::Done) => Ok(Answer::silent()),
        Some(Ended::Left) => {
            let (text, json) = told::stopped(leave.seat_in_epoch(), prices);
            let _ = line(format, &text, &json);
            Ok(Answer::silent())
        }
        None => {
            let (text, json) = told::stopped_at_once(leave.owed().as_ref(), leave.seat_in_epoch(), prices);
            let _ = line(format, &text, &json);
            let answer = Answer::silent();
            Ok(if leave.owed().is_some() { answer.failing() } else { answer })
        }
    }
}

async fn connect(context: &Context, task: u64) -> Result<(Chain, bauta_schema::training::v1::Task, Terms), Failure> {
    let chain = context.chain().await?;
    let (record, settings) = read_task(&chain, task).await?;
    Ok((chain, record, Terms::read(&settings)?))
}

/// Does something that needs the node; while the node is away it is waited for, which is said once.
async fn patiently<T, F>(context: &Context, no_wait: bool, work: impl Fn() -> F) -> Result<T, Failure>
where
    F: std::future::Future<Output = Result<T, Failure>>,
{
    let format = context.settings.output;
    let mut is_alone = false;
    loop {
        match work().await {
            Err(failure) if failure.is_node_away() && !no_wait => {
                if !std::mem::replace(&mut is_alone, true) {
                    let node = context.settings.shown_node();
                    let text = format!("no node answers at {node}; waiting for it, Ctrl-C stops");
                    let _ = line(format, &text, &json!({ "event": "node_away", "why": failure.sentence() }));
                }
                tokio::time::sleep(PAUSE).await;
            }
            done => {
                if is_alone && done.is_ok() {
                    let _ = line(format, "the node answers", &json!({ "event": "node_back" }));
                }
                return done;
            }
        }
    }
}
