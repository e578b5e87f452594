//! A task as it goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bauta_client::chain::Chain;
use bauta_client::training;
use bauta_learning::data::Dataset;
use bauta_learning::encode::metrics::Means;
use bauta_learning::encode::Encoding;
use bauta_learning::model::Model;
use bauta_learning::trainers::{evaluate, Network, Tensors};
use bauta_rounds::derive;
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;
use indicatif::ProgressBar;
use serde_json::{json, Value};

use super::show::read;
use crate::answer::{line, Answer, Format};
use crate::commands::Answered;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress;
use crate::show::{self, short};

/// Follows a task until it ends.
pub async fn watch(context: &Context, task: u64, since: Option<u64>, data: Option<PathBuf>) -> Answered {
    let chain = context.chain().await?;
    let (record, settings) = read(&chain, task).await?;
    let judge = data.map(|file| Judge::new(&chain, &settings, task, &file)).transpose()?;
    let mut watch = Watch {
        format: context.settings.output,
        total: settings.rounds,
        encoding: Terms::read(&settings)?.encoding,
        next: since.unwrap_or(record.round).max(1),
        members: BTreeMap::new(),
        bar: progress::standing(),
        judge,
        chain,
        task,
    };
    let mut height = 0;
    loop {
        height = watch.chain.wait_past(height).await?;
        let (record, _) = watch.chain.task(task).await?;
        if !watch.settled(&record).await? {
            // Nobody reads any more.
            return Ok(Answer::silent());
        }
        if record.ended_height > 0 {
            watch.bar.finish_and_clear();
            let status = show::task_status(record.status());
            let json = json!({ "task": task, "status": status, "finished_rounds": record.finished_rounds });
            let text = format!("task {task} is {status} after {} finished rounds", record.finished_rounds);
            let _ = line(watch.format, &text, &json);
            return Ok(Answer::silent());
        }
        watch.show_running(&record).await?;
    }
}

struct Watch {
    chain: Chain,
    task: u64,
    format: Format,
    total: u32,
    encoding: Encoding,
    /// The first round that no line was printed for.
    next: u64,
    /// By epoch: slots and their holders.
    members: BTreeMap<u64, BTreeMap<u32, String>>,
    bar: ProgressBar,
    judge: Option<Judge>,
}

impl Watch {
    /// Prints a line for each round that has settled since. Whether anybody reads them.
    async fn settled(&mut self, record: &pb::Task) -> Result<bool, Failure> {
        while self.next <= record.round {
            // The record of an old round may be gone already; then there is nothing to say about it.
            let found = match self.chain.round(self.task, self.next).await {
                Err(error) if error.refused().is_some() => None,
                other => other?,
            };
            if let Some(round) = found.and_then(|found| found.round) {
                if !matches!(round.phase(), pb::RoundPhase::Finished | pb::RoundPhase::Aborted) {
                    return Ok(true);
                }
                let (text, json) = self.line_of(&round).await?;
                let printed = self.bar.suspend(|| line(self.format, &text, &json));
                if printed.is_err() {
                    return Ok(false);
                }
            }
            self.next += 1;
        }
        Ok(true)
    }

    async fn line_of(&mut self, round: &pb::Round) -> Result<(String, Value), Failure> {
        let members = self.members_of(round.epoch).await?;
        let gone: Vec<u32> = round.group.iter().filter(|slot| !round.survivors.contains(slot)).copied().collect();
        let finished = round.phase() == pb::RoundPhase::Finished;
        let removed: Vec<u32> = round.groups.iter().flat_map(|group| group.removed.clone()).collect();
        // In a finished round, those whose group finished.
        let taken: Vec<u32> =
            round.survivors.iter().filter(|&&slot| !finished || derive::takes_part(round, slot)).copied().collect();
        // Who held a slot is known until the epoch's evidence window is over.
        let addresses =
            |slots: &[u32]| -> Option<Vec<String>> { slots.iter().map(|slot| members.get(slot).cloned()).collect() };
        let reason = (!finished).then(|| show::abort_reason(round.abort_reason()));
        let result = round.result.clone();
        let accuracy = match (&self.judge, &result) {
            (Some(judge), Some(result)) => judge.accuracy(&self.chain, self.task, &result.model_hash).await,
            _ => None,
        };
        let means = result.as_ref().and_then(|result| Means::of(&self.encoding, &result.metrics, result.total_weight));
        let model_hash = result.as_ref().map(|result| hex::encode(&result.model_hash));
        let json = json!({
            "round": round.number,
            "status": if finished { "finished" } else { "aborted" },
            "reason": reason,
            "participants": addresses(&taken),
            "dropped": addresses(&gone),
            "participant_slots": taken,
            "dropped_slots": gone,
            "removed": addresses(&removed),
            "removed_slots": removed,
            "groups": round.groups.iter().map(|group| show::group(&self.encoding, group)).collect::<Vec<_>>(),
            "total_weight": result.as_ref().map(|result| result.total_weight),
            "bytes": round.bytes,
            "height": round.settled_height,
            "model_hash": model_hash,
            "accuracy": accuracy,
            "metrics": show::metrics(means),
            "test_hits": result.as_ref().and_then(|result| result.test).map(|test| test.hits),
            "test_rows": result.as_ref().and_then(|result| result.test).map(|test| test.rows),
        });
        let mut text = match &reason {
            None => {
                format!("round {:>3}  finished  {} of {} updates", round.number, taken.len(), round.group.len())
                    + &of_groups(round)
                    + &factors(round)
            }
            Some(reason) => format!("round {:>3}  aborted: {}", round.number, reason.replace('_', " ")),
        };
        if let Some(Means { loss, hits }) = means {
            text.push_str(&format!("  loss {:.4}  hits {:.2} %", f64::from(loss), f64::from(hits) * 100.0));
        }
        if let Some(accuracy) = accuracy {
            text.push_str(&format!("  accuracy {:.2} %", accuracy * 100.0));
        }
        if let Some(test) = result.as_ref().and_then(|result| result.test) {
            text.push_str(&format!("  test set {}/{}", test.hits, test.rows));
        }
        text.push_str(&format!("  {}  block {}", show::bytes(round.bytes), round.settled_height));
        if let Some(hash) = model_hash.as_deref().and_then(|hash| hash.get(..16)) {
            text.push_str(&format!("  model {hash}"));
        }
        let name = |slot: &u32| members.get(slot).map_or_else(|| format!("slot {slot}"), |address| short(address));
        for (what, slots) in [("dropped", &gone), ("removed by blame", &removed)] {
            if !slots.is_empty() {
                let names: Vec<String> = slots.iter().map(name).collect();
                text.push_str(&format!("  {what} {}", names.join(" ")));
            }
        }
        Ok((text, json))
    }

    async fn members_of(&mut self, epoch: u64) -> Result<BTreeMap<u32, String>, Failure> {
        if let Some(members) = self.members.get(&epoch) {
            return Ok(members.clone());
        }
        let found = match self.chain.epoch(self.task, epoch).await {
            Err(error) if error.refused().is_some() => Vec::new(),
            other => other?.members,
        };
        let slots = found.iter().filter(|member| member.slot > 0);
        let members: BTreeMap<u32, String> =
            slots.map(|member| (member.slot, show::address(&self.chain, &member.address))).collect();
        self.members.insert(epoch, members.clone());
        Ok(members)
    }

    /// Says on the terminal what is going on between two lines.
    async fn show_running(&self, record: &pb::Task) -> Result<(), Failure> {
        if self.bar.is_hidden() {
            return Ok(());
        }
        let epoch = self.chain.epoch(self.task, 0).await?.epoch.unwrap_or_default();
        let message = match self.chain.round(self.task, 0).await?.and_then(|found| found.round) {
            Some(round) if epoch.phase() == pb::EpochPhase::Rounds => format!(
                "round {}: {}; {} checked in, {} submitted, {} partials; {} of {} rounds finished",
                round.number,
                show::round_phase(round.phase()),
                round.check_ins,
                round.submissions,
                round.partials,
                record.finished_rounds,
                self.total
            ),
            _ => format!(
                "epoch {}: {}; {} enrolled, {} dealt",
                epoch.number,
                show::epoch_phase(epoch.phase()),
                epoch.enrolled,
                epoch.dealt
            ),
        };
        self.bar.set_message(message);
        Ok(())
    }
}

/// Of several groups, how many finished.
fn of_groups(round: &pb::Round) -> String {
    match round.groups.len() {
        0 | 1 => String::new(),
        all => format!(" in {} of {all} groups", round.groups.iter().filter(|group| derive::goes_on(group)).count()),
    }
}

/// Of groups that were scored, what each counts for, in hundredths, in the order of their numbers; of a void one a dash.
fn factors(round: &pb::Round) -> String {
    let hundredths = |group: &pb::RoundGroup| match &group.scores {
        Some(scores) => format!("{:.2}", show::q32(i64::try_from(scores.factor).unwrap_or(i64::MAX))),
        None => "-".to_owned(),
    };
    let factors: Vec<String> = round.groups.iter().map(hundredths).collect();
    match round.groups.iter().any(|group| group.scores.is_some()) && factors.len() > 1 {
        true => format!("  scores {}", factors.join(" ")),
        false => String::new(),
    }
}

/// Labelled rows on which models are tried.
struct Judge {
    network: Network,
    rows: Dataset,
}

impl Judge {
    fn new(chain: &Chain, settings: &pb::TaskSettings, task: u64, file: &Path) -> Result<Self, Failure> {
        let terms = Terms::read(settings)?;
        let network = training::task_file(chain.id(), task, &terms)?.trainer.network;
        if network == Network::Custom {
            return Err(Failure::usage(format!("task {task} has a model of its own kind, which --data cannot try"))
                .hint("fetch the models with `bauta task model` and try them yourself"));
        }
        let rows = training::data_spec(settings.data.as_ref())?.load(file)?;
        Ok(Self { network, rows })
    }

    /// The share of rows that a model gets right; `None` when the chain does not keep the model any more.
    async fn accuracy(&self, chain: &Chain, task: u64, hash: &[u8]) -> Option<f64> {
        let bytes = chain.model(task, Some(hash)).await.ok()?;
        let model = Tensors::from_model(&Model::decode(&bytes).ok()?);
        evaluate(self.network, &model, &self.rows).ok().map(|metrics| metrics.accuracy())
    }
}
