//! Data and trainer tried on a task.

use std::path::PathBuf;

use bauta_client::{disk, provider};
use bauta_learning::model::Model;
use bauta_rounds::terms::Terms;
use clap::Args;
use serde_json::json;

use super::trainer::Training;
use crate::answer::{fields, Answer};
use crate::commands::task::{read_task, trusting};
use crate::commands::Answered;
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupts::Stops;
use crate::progress;
use crate::show;
use crate::task_file::TaskFile;

/// Try data and trainer.
#[derive(Debug, Args)]
pub struct Check {
    /// The task, on the chain
    #[arg(long, value_name = "ID", required_unless_present = "task_file", conflicts_with = "task_file")]
    task: Option<u64>,
    /// The task's file; then no node is asked
    #[arg(long, value_name = "FILE")]
    task_file: Option<PathBuf>,
    #[command(flatten)]
    training: Training,
}

/// Runs the command.
pub async fn run(context: &Context, args: Check) -> Answered {
    let policy = args.training.policy(context)?;
    let (terms, model) = task_of(context, &args).await?;
    let refusal = policy.admits(&terms).err();
    let trust = trusting(&terms);
    let prepared = args.training.prepare(&terms)?;

    let folder = context.settings.home.join(format!("check-{}", std::process::id()));
    let place = folder.clone();
    let work = tokio::task::spawn_blocking(move || {
        provider::check(&terms, model, prepared.trainer.as_ref(), prepared.rows, &place)
    });
    let mut stops = Stops::listen();
    let result = tokio::select! {
        result = progress::during("training one round", work) => Some(result),
        () = stops.next() => None,
    };
    // The folder holds an update, which tells about the rows behind it.
    let _ = std::fs::remove_dir_all(&folder);
    let result = result.ok_or_else(Failure::interrupted)?;
    let report = result.map_err(|error| Failure::new(format!("training ended without a result: {error}")))??;

    let json = json!({
        "rows": report.rows,
        "weight": report.weight,
        "loss": report.loss,
        "accuracy": report.accuracy,
        "norm": report.norm,
        "clip": report.clip,
        "is_clipped": report.is_clipped,
        "bytes": report.bytes,
        "chunks": report.chunks,
        "seconds": report.seconds,
        "trust": trust,
        "refusal": refusal.as_ref().map(ToString::to_string),
    });
    let clipped = if report.is_clipped { "shrunk to it" } else { "within it" };
    let mut rows = vec![
        ("rows", report.rows.to_string()),
        ("weight", report.weight.to_string()),
        ("model before", format!("loss {:.4}, accuracy {:.2} %", report.loss, report.accuracy * 100.0)),
        ("update", format!("norm {:.4}, the clip is {:.4}: {clipped}", report.norm, report.clip)),
        ("submission", format!("{} in {}", show::bytes(report.bytes), show::count(report.chunks.into(), "chunk"))),
        ("training took", format!("{:.2} s", report.seconds)),
    ];
    rows.extend(trust.map(|trust| ("trust", trust.to_owned())));
    match &refusal {
        Some(refusal) => rows.push(("policy", refusal.to_string())),
        None => rows.push(("policy", "accepts the task".to_owned())),
    }
    let answer = Answer::new(fields(&rows), json);
    Ok(if refusal.is_some() { answer.failing() } else { answer })
}

async fn task_of(context: &Context, args: &Check) -> Result<(Terms, Model), Failure> {
    if let Some(path) = &args.task_file {
        let file = TaskFile::read(path)?;
        let within = |failure: Failure| failure.within(path.display());
        let terms = Terms::read(&file.settings().map_err(|e| within(e.into()))?).map_err(|e| within(e.into()))?;
        let initial = file.initial_model().map_err(|e| within(e.into()))?;
        let model = terms.initial_model(Some(&initial)).map_err(|e| within(e.into()))?;
        return Ok((terms, model));
    }
    let id = args.task.ok_or_else(|| Failure::usage("no task is named"))?;
    let chain = context.chain().await?;
    let (_, settings) = read_task(&chain, id).await?;
    let model = context.ask(bauta_client::model_provider::download(&chain, id, None)).await?;
    disk::private_folder(&context.settings.home)?;
    Ok((Terms::read(&settings)?, model))
}
