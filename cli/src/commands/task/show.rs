//! Tasks on the chain.

use bauta_client::chain::{Chain, ChainError};
use bauta_client::model_provider;
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;
use serde_json::{json, Value};

use super::odds;
use crate::answer::{fields, table, Answer};
use crate::commands::Answered;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress;
use crate::show::{self, short};
use crate::task_file::TaskFile;

/// A task; that there is none is said with what would help.
pub async fn read(chain: &Chain, task: u64) -> Result<(pb::Task, pb::TaskSettings), Failure> {
    progress::during("waiting for the node", chain.task(task)).await.map_err(|error| match error {
        ChainError::Refused(refused) if refused.is_not_found() || refused.codespace == bauta_rounds::CODESPACE => {
            Failure::from(refused).hint("`bauta task list` shows the tasks there are")
        }
        other => other.into(),
    })
}

/// Lists tasks.
pub async fn list(context: &Context, running: bool) -> Answered {
    let chain = context.chain().await?;
    let found = progress::during("waiting for the node", model_provider::list(&chain, running)).await?;
    let tasks: Vec<(pb::Task, pb::TaskSettings)> =
        found.into_iter().filter_map(|found| found.task.zip(found.settings)).collect();
    let name = |settings: &pb::TaskSettings| settings.metadata.clone().unwrap_or_default().name;
    let held = |task: &pb::Task| task.escrow.clone().unwrap_or_default().held;
    let json: Vec<Value> = tasks
        .iter()
        .map(|(task, settings)| {
            json!({
                "task": task.id,
                "name": name(settings),
                "status": show::task_status(task.status()),
                "finished_rounds": task.finished_rounds,
                "rounds": settings.rounds,
                "owner": show::address(&chain, &task.owner),
                "held": held(task),
            })
        })
        .collect();
    let text = match tasks.is_empty() {
        true => "There are no tasks; `bauta task init` writes a file to start from.".to_owned(),
        false => table(
            ["TASK", "STATUS", "ROUNDS", "HELD", "OWNER", "NAME"],
            tasks.iter().map(|(task, settings)| {
                [
                    task.id.to_string(),
                    show::task_status(task.status()),
                    format!("{}/{}", task.finished_rounds, settings.rounds),
                    held(task),
                    short(&show::address(&chain, &task.owner)),
                    name(settings),
                ]
            }),
        ),
    };
    Ok(Answer::new(text, json!({ "tasks": json })))
}

/// Shows a task.
pub async fn show(context: &Context, id: u64, toml: bool) -> Answered {
    let chain = context.chain().await?;
    let (task, settings) = read(&chain, id).await?;
    let file = TaskFile::of_settings(&settings);
    let file_json = serde_json::to_value(&file).unwrap_or(Value::Null);
    if toml {
        return Ok(Answer::new(file.render(), file_json));
    }
    let questions = async {
        let epoch = chain.epoch(id, 0).await?.epoch.unwrap_or_default();
        let round = chain.round(id, 0).await?.and_then(|found| found.round);
        let verdicts = model_provider::verdicts(&chain, id).await?.verdicts;
        Ok::<_, ChainError>((epoch, round, verdicts))
    };
    let (epoch, round, verdicts) = context.ask(questions).await?;
    let escrow = task.escrow.clone().unwrap_or_default();
    let owner = show::address(&chain, &task.owner);
    let model_hash = hex::encode(&task.model_hash);
    let round_phase = round.as_ref().map(|round| show::round_phase(round.phase()));

    let terms = Terms::read(&settings).ok();
    let groups = round.iter().flat_map(|round| &round.groups);
    let round_groups: Option<Vec<_>> =
        terms.as_ref().map(|terms| groups.map(|group| show::group(&terms.encoding, group)).collect());

    let verdict_json = |verdict: &pb::Verdict| {
        json!({
            "provider": show::address(&chain, &verdict.provider),
            "offence": show::offence(verdict.kind()),
            "epoch": verdict.epoch,
            "round": verdict.round,
            "what": verdict.what,
            "delivered": verdict.delivered,
        })
    };
    let json = json!({
        "task": task.id,
        "owner": owner,
        "status": show::task_status(task.status()),
        "epoch": task.epoch,
        "epoch_phase": show::epoch_phase(epoch.phase()),
        "groups": epoch.groups,
        "partition_point": hex::encode(&epoch.partition_point),
        "round": task.round,
        "round_phase": round_phase,
        "round_groups": round_groups,
        "finished_rounds": task.finished_rounds,
        "rounds": settings.rounds,
        "elements": task.elements,
        "model_hash": model_hash,
        "escrow": {
            "deposited": escrow.deposited,
            "held": escrow.held,
            "reserved": escrow.reserved,
            "fees": escrow.fees,
            "rewards": escrow.rewards,
            "refunded": escrow.refunded,
        },
        "verdicts": verdicts.iter().map(verdict_json).collect::<Vec<_>>(),
        "settings": file_json,
        "odds": terms.as_ref().map(odds::json),
    });

    let mut rows = vec![
        ("task", format!("{} {:?}", task.id, file.name)),
        ("owner", owner),
        ("status", show::task_status(task.status())),
        ("rounds", format!("{} of {} finished", task.finished_rounds, settings.rounds)),
        (
            "epoch",
            format!(
                "{}, {}; {} enrolled, {} seats{}",
                task.epoch,
                show::epoch_phase(epoch.phase()),
                epoch.enrolled,
                epoch.seats,
                if epoch.groups > 1 { format!(", {} groups", epoch.groups) } else { String::new() }
            ),
        ),
    ];
    if let (Some(round), Some(phase)) = (&round, round_phase) {
        let counts =
            format!("{} checked in, {} submitted, {} partials", round.check_ins, round.submissions, round.partials);
        rows.push(("round", format!("{}, {phase}; {counts}", round.number)));
    }
    let elements = crate::show::count(task.elements, "element");
    rows.push(("model", format!("{} of {elements}", file.model.kind.name())));
    if !file.combination.is_mean() {
        rows.push(("groups", format!("combined by {}", file.combination)));
    }
    if let Some(scoring) = &file.scoring {
        rows.push(("scores", scoring.to_string()));
    }
    rows.push(("model hash", model_hash));
    rows.push(("budget", format!("{} deposited, {} held", escrow.deposited, escrow.held)));
    rows.push(("spent", format!("{} fees, {} rewards, {} came back", escrow.fees, escrow.rewards, escrow.refunded)));
    rows.extend(terms.as_ref().map(odds::rows).unwrap_or_default());
    for verdict in &verdicts {
        let (who, what) = (short(&show::address(&chain, &verdict.provider)), show::offence(verdict.kind()));
        rows.push(("verdict", format!("{what} by {who} in round {}: {}", verdict.round, verdict.what)));
    }
    Ok(Answer::new(fields(&rows), json))
}
