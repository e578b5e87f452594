//! Follows the task over the RPC, a height at a time, and compares each round with what the providers noted.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use bauta_client::chain::Chain;
use bauta_learning::model::Model;
use bauta_schema::training::v1 as pb;

use super::ledger::Ledger;
use super::report::RoundReport;
use super::retrained::{Retrained, Survived};
use super::scenario::Scenario;
use super::screen::{RoundLine, Screen};
use super::shadow::Shadow;

/// What a run has shown so far.
pub struct Watched {
    /// Finished rounds.
    pub rounds: Vec<RoundReport>,
    /// Aborted rounds, with the reason.
    pub aborted: Vec<(u64, pb::AbortReason)>,
    /// Whether every round's model was the shadow's.
    pub models_equal: bool,
    /// The models after each round.
    pub models: Vec<Model>,
    /// The task as it ended.
    pub task: pb::Task,
    /// The final model.
    pub model: Model,
}

/// Follows one task.
pub struct Watch<'a> {
    /// A connection with a place at the barrier.
    pub chain: &'a Chain,
    /// The task.
    pub task: u64,
    /// What the script says.
    pub scenario: &'a Scenario,
    /// Addresses of the providers, by index.
    pub addresses: &'a [String],
    /// What the providers noted.
    pub ledger: &'a Ledger,
    /// The run without masks, on what the providers noted.
    pub shadow: &'a mut Shadow,
    /// The run without masks or providers.
    pub retrained: &'a Retrained,
    /// Where lines go.
    pub screen: &'a Screen,
    /// Told the time since the run began; the only clock.
    pub now: &'a dyn Fn() -> Duration,
}

impl Watch<'_> {
    /// Follows the task until it ends.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub async fn until_the_end(mut self) -> anyhow::Result<Watched> {
        let mut rounds = Vec::new();
        let mut aborted = Vec::new();
        let mut models_equal = true;
        let mut models = Vec::new();
        let mut seen = 0u64;
        let mut last = (self.now)();
        let mut height = self.chain.height().await?;
        loop {
            height = self.chain.wait_past(height).await?;
            let (task, _) = self.chain.task(self.task).await?;
            // More than one round never settles in one block, but one may settle in the block in which the next opens.
            while seen < task.round {
                let Some(response) = self.chain.round(self.task, seen + 1).await? else { break };
                let round = response.round.context("the chain answered a round without a round")?;
                match round.phase() {
                    pb::RoundPhase::Finished => {
                        let now = (self.now)();
                        let (report, model) = self.finished(&round, now - last).await?;
                        last = now;
                        models_equal &= model == *self.shadow.model();
                        models.push(model);
                        rounds.push(report);
                    }
                    pb::RoundPhase::Aborted => {
                        aborted.push((round.number, round.abort_reason()));
                        self.screen.aborted(&self.why_aborted(&round));
                        last = (self.now)();
                    }
                    _ => break,
                }
                seen += 1;
                self.ledger.forget(seen);
            }
            self.tell(&task, seen).await?;
            match task.status() {
                pb::TaskStatus::Running | pb::TaskStatus::Cancelling => {}
                status => {
                    if status != pb::TaskStatus::Finished {
                        // What came of it is judged and reported all the same.
                        self.screen.say(format!("the task ended as {}", status.as_str_name()));
                    }
                    let bytes = self.chain.model(self.task, Some(&task.model_hash)).await?;
                    let model = Model::decode(&bytes).context("the final model is not canonical")?;
                    return Ok(Watched { rounds, aborted, models_equal, models, task, model });
                }
            }
        }
    }

    async fn tell(&self, task: &pb::Task, seen: u64) -> anyhow::Result<()> {
        let epoch = self.chain.epoch(self.task, task.epoch).await?.epoch.unwrap_or_default();
        let doing = match epoch.phase() {
            pb::EpochPhase::Enrol => "providers enrol with fresh keys".to_owned(),
            pb::EpochPhase::Deal => "providers deal their masking keys to the seats".to_owned(),
            pb::EpochPhase::Complain => "seats check their shares".to_owned(),
            // The one that runs, also between the end of the last and the beginning of the next.
            pb::EpochPhase::Rounds => format!("round {}", task.round.max(seen + 1)),
            _ => "the evidence window".to_owned(),
        };
        self.screen.doing(doing);
        Ok(())
    }

    async fn finished(&mut self, round: &pb::Round, took: Duration) -> anyhow::Result<(RoundReport, Model)> {
        let epoch = self.chain.epoch(self.task, round.epoch).await?;
        let by_slot: BTreeMap<u32, usize> =
            epoch.members.iter().filter_map(|member| Some((member.slot, self.index_of(&member.address)?))).collect();
        let index = |slot: &u32| by_slot.get(slot).copied().with_context(|| format!("slot {slot} is nobody's"));
        let participants = round.survivors.iter().map(index).collect::<anyhow::Result<Vec<usize>>>()?;
        let group = round.group.iter().map(index).collect::<anyhow::Result<Vec<usize>>>()?;
        let dropped: Vec<usize> = group.into_iter().filter(|member| !participants.contains(member)).collect();

        let updates = self
            .ledger
            .of(round.number, &participants)
            .with_context(|| format!("a survivor of round {} trained nothing", round.number))?;
        let (sum, _) = self.shadow.sum(&updates)?;
        let aggregate = self.chain.aggregate(self.task, round.number).await?;
        let plain: Vec<u8> = sum.iter().flat_map(|value| value.to_le_bytes()).collect();
        let sum_exact = aggregate == plain;

        self.shadow.step(&updates)?;
        let hash = round.result.as_ref().map(|result| result.model_hash.clone()).unwrap_or_default();
        let bytes = self.chain.model(self.task, Some(&hash)).await?;
        let model = Model::decode(&bytes).context("the model is not canonical")?;
        self.retrained.round(Survived {
            task: self.task,
            epoch: round.epoch,
            round: round.number,
            survivors: participants.clone(),
        });

        let names = |indices: &[usize]| indices.iter().map(|index| name_of(*index)).collect::<Vec<_>>();
        let addresses = |indices: &[usize]| indices.iter().map(|index| self.addresses[*index].clone()).collect();
        let report = RoundReport {
            round: round.number,
            participants: addresses(&participants),
            dropped: addresses(&dropped),
            accuracy: self.shadow.accuracy(&model)?,
            bytes: round.bytes,
            ms: took.as_secs_f64() * 1000.0,
            sum_exact,
        };
        self.screen.round(&RoundLine {
            report: &report,
            participants: &names(&participants),
            dropped: &names(&dropped),
        });
        Ok((report, model))
    }

    fn why_aborted(&self, round: &pb::Round) -> String {
        let why = match round.abort_reason() {
            pb::AbortReason::TooFewCheckIns => "too few providers checked in",
            pb::AbortReason::TooFewSurvivors => "too few submissions were complete",
            pb::AbortReason::TooFewPartials => "too few seats answered",
            pb::AbortReason::OutOfRange => "the sum was out of range",
            pb::AbortReason::TooFewGroups => "fewer groups were left than the task's rule needs",
            pb::AbortReason::NoModel => "the model provider published no model in time, or one that does not open",
            pb::AbortReason::Halted => "the chain stopped",
            pb::AbortReason::Unspecified => "no reason was given",
        };
        format!(
            "round {} aborted: {why}; of {} providers {} checked in. Whoever was silent pays, and the next round goes on",
            round.number,
            self.scenario.size.providers,
            round.group.len().max(round.check_ins as usize)
        )
    }

    fn index_of(&self, address: &[u8]) -> Option<usize> {
        let text = self.chain.text_of(address).ok()?;
        self.addresses.iter().position(|known| *known == text)
    }
}

/// What a provider is called on the screen.
pub fn name_of(index: usize) -> String {
    format!("p{}", index + 1)
}
