//! Whether everything that must hold held: read back from the chain, and compared with the script.

use std::collections::BTreeSet;

use anyhow::Context as _;
use bauta_client::chain::{Chain, DEFAULT_DENOM};
use bauta_client::contracts::Contracts;
use bauta_learning::model::Model;
use bauta_learning::recipes::{Division, Recipe};
use bauta_learning::simulation::{central, pool};
use bauta_messages::registry::Standing;
use bauta_messages::slashing::{kind, SettledOffence};
use bauta_schema::training::v1 as pb;
use cosmwasm_std::{Decimal, Uint128};

use super::args::{Args, Dataset};
use super::report::{peak_rss_mb, Check, Report, Slashed};
use super::scenario::{Role, Scenario};
use super::screen::{labelled, thousands, ProviderLine};
use super::shadow::Shadow;
use super::terms::least_central_accuracy;
use super::watch::{name_of, Watched};

/// The seed for which the federated model is held to one point below central training.
pub const DEFAULT_SEED: u64 = 1;

/// Everything that is looked at.
pub struct Judgement<'a> {
    /// The chain.
    pub chain: &'a Chain,
    /// The contracts.
    pub contracts: &'a Contracts,
    /// What was scripted.
    pub scenario: &'a Scenario,
    /// How it was trained.
    pub recipe: &'a Recipe,
    /// Who had what data.
    pub division: &'a Division,
    /// The model at the start.
    pub first: &'a Model,
    /// Addresses of the providers.
    pub addresses: &'a [String],
    /// What each had bonded before the task began, read from the contract.
    pub bonds: &'a [u128],
    /// The seed of the run.
    pub seed: u64,
    /// What was seen.
    pub watched: &'a Watched,
    /// The run without masks, on what the providers noted.
    pub shadow: &'a Shadow,
    /// The models of the run without masks or providers.
    pub retrained: &'a [Model],
    /// The data set, for the accuracy that central training must reach.
    pub dataset: Dataset,
}

/// The judgement.
pub struct Outcome {
    /// A line a provider.
    pub providers: Vec<ProviderLine>,
    /// What happened on the way, a sentence each.
    pub story: Vec<String>,
    /// Slashes, in order.
    pub slashed: Vec<Slashed>,
    /// What honest bonds lost.
    pub honest_losses: u64,
    /// Accuracy of the final model.
    pub accuracy: f64,
    /// Accuracy of central training.
    pub central_accuracy: f64,
    /// The checks.
    pub checks: Vec<Check>,
}

/// A provider as the contracts know it at the end.
struct AtTheEnd {
    bond: u128,
    rewards: u128,
    active: bool,
}

impl Outcome {
    /// Takes in what replaying CometBFT's blocks on a node in this process showed; nothing where there is no CometBFT.
    pub fn replayed(&mut self, replayed: anyhow::Result<Option<u64>>) {
        let passed = match replayed {
            Ok(None) => return,
            Ok(Some(height)) => {
                self.story.push(format!("replayed    {} blocks on a node in this process", thousands(height.into())));
                true
            }
            Err(error) => {
                self.story.push(format!("not replayed: {error:#}"));
                false
            }
        };
        let name = "CometBFT's blocks give the same state on the node of this process, at every height".to_owned();
        self.checks.push(Check { name, passed });
    }
}

impl Judgement<'_> {
    /// Judges.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub async fn pass(&self) -> anyhow::Result<Outcome> {
        let mut standings = Vec::new();
        for address in self.addresses {
            standings.push(self.standing(address).await?);
        }
        let history = self.contracts.history(self.chain, None).await?;
        let scripted = self.scenario.misbehaving();
        let honest_losses: u128 = standings
            .iter()
            .enumerate()
            .filter(|(index, _)| !scripted.contains(index) && self.expected(*index).is_empty())
            .map(|(index, standing)| self.bonds[index].saturating_sub(standing.bond))
            .sum();
        let accuracy = self.shadow.accuracy(&self.watched.model)?;
        let central_accuracy = self.central_accuracy(&standings)?;
        let escrow = self.watched.task.escrow.clone().unwrap_or_default();

        let least = least_central_accuracy(self.dataset);
        let margin = if self.seed == DEFAULT_SEED { 1u32 } else { 3 };
        let rounds = &self.watched.rounds;
        let mut checks = Vec::new();
        let mut check = |passed: bool, name: String| checks.push(Check { name, passed });
        check(
            rounds.len() == self.scenario.size.rounds as usize,
            match self.scenario.size.rounds {
                1 => "the round finished".to_owned(),
                rounds => format!("all {rounds} rounds finished"),
            },
        );
        check(
            rounds.iter().all(|round| round.sum_exact),
            "every round's aggregate is the plain integer sum of its survivors' updates".into(),
        );
        check(
            self.watched.models_equal && self.watched.model == *self.shadow.model(),
            "every round's model, and the final one, is bit for bit that of the same training without masks".into(),
        );
        check(
            self.watched.models == self.retrained && self.retrained.last() == Some(&self.watched.model),
            "so it is when every update is trained again from the providers' rows and seeds alone".into(),
        );
        check(central_accuracy >= least, format!("central training reaches {:.0} %", least * 100.0));
        check(
            accuracy >= central_accuracy - f64::from(margin) / 100.0,
            format!("the federated model is at most {margin} point{} below it", if margin == 1 { "" } else { "s" }),
        );
        check(
            self.cheats_paid(&history, &standings).await?,
            "every cheat was slashed by the right amount, and nobody else".into(),
        );
        check(honest_losses == 0, "no honest provider lost anything".into());
        check(is_conserved(&escrow), "the budget was paid out or refunded to the last coin".into());

        Ok(Outcome {
            providers: self.lines(&standings),
            story: self.story(&history)?,
            slashed: history.iter().map(slashed).collect(),
            honest_losses: u64::try_from(honest_losses).unwrap_or(u64::MAX),
            accuracy,
            central_accuracy,
            checks,
        })
    }

    async fn standing(&self, address: &str) -> anyhow::Result<AtTheEnd> {
        let bond = self.contracts.bond_of(self.chain, address).await?;
        let provider = self.contracts.provider(self.chain, address).await?;
        let request = pb::QueryRewardsRequest { address: address.to_owned() };
        let rewards: pb::QueryRewardsResponse = self.chain.training("Rewards", &request).await?;
        Ok(AtTheEnd {
            bond: bond.bonded.u128().saturating_add(bond.unbonding.u128()),
            rewards: rewards.total.parse().unwrap_or_default(),
            active: matches!(provider.standing, Standing::Good {}),
        })
    }

    /// Central training on the rows of the providers that are still active at the end.
    fn central_accuracy(&self, standings: &[AtTheEnd]) -> anyhow::Result<f64> {
        let active = self.division.providers.iter().zip(standings).filter(|(_, s)| s.active).map(|(rows, _)| rows);
        let rows = self.recipe.data_spec().standardised(&pool(active));
        let trained = central(&self.recipe.trainer, self.recipe.central_epochs, self.first, &rows, self.seed)
            .context("central training failed")?;
        self.shadow.accuracy(&trained.to_model()?)
    }

    /// What the script makes each provider pay for: offences by round.
    fn expected(&self, index: usize) -> BTreeSet<(u64, &'static str)> {
        // The rounds in which seats were missing, and a silent seat pays more than a missing submission.
        let failed = |round: u64| self.watched.aborted.contains(&(round, pb::AbortReason::TooFewPartials));
        let mut offences = BTreeSet::new();
        match self.scenario.roles[index] {
            Some(Role::SignsTwice { round }) => {
                offences.insert((round, kind::TWO_HEADERS));
            }
            Some(Role::GoesSilent { round }) => {
                offences.insert((round, if failed(round) { kind::SILENT_SEAT } else { kind::NO_SUBMISSION }));
                let later = self.watched.aborted.iter().filter(|(aborted, _)| *aborted > round && failed(*aborted));
                // Its seat lives until its epoch ends.
                offences.extend(later.take(1).map(|(aborted, _)| (*aborted, kind::SILENT_SEAT)));
            }
            Some(Role::Drops { round }) => {
                offences.insert((round, if failed(round) { kind::SILENT_SEAT } else { kind::NO_SUBMISSION }));
            }
            Some(Role::SeatSilent { round }) if failed(round) => {
                offences.insert((round, kind::SILENT_SEAT));
            }
            Some(Role::SeatSilent { .. }) | None => {}
        }
        offences
    }

    async fn cheats_paid(&self, history: &[SettledOffence], standings: &[AtTheEnd]) -> anyhow::Result<bool> {
        let mut right = true;
        for (index, address) in self.addresses.iter().enumerate() {
            let found: Vec<&SettledOffence> =
                history.iter().filter(|offence| offence.provider.as_str() == address).collect();
            let kinds: BTreeSet<(u64, &str)> =
                found.iter().map(|offence| (offence.round, offence.kind.as_str())).collect();
            right &= kinds == self.expected(index) && kinds.len() == found.len();
            let mut bond = Uint128::new(self.bonds[index]);
            for offence in found {
                let due = bond.mul_floor(fraction(&offence.kind));
                right &= offence.before == bond && offence.slashed == due && offence.after == bond - due;
                bond -= due.min(bond);
            }
            right &= standings[index].bond == bond.u128();
        }
        Ok(right)
    }

    fn lines(&self, standings: &[AtTheEnd]) -> Vec<ProviderLine> {
        let line = |index: usize, standing: &AtTheEnd| ProviderLine {
            name: name_of(index),
            rows: self.division.providers[index].rows(),
            story: story_of(self.scenario.roles[index]),
            before: self.bonds[index],
            after: standing.bond,
            rewards: standing.rewards,
        };
        standings.iter().enumerate().map(|(index, standing)| line(index, standing)).collect()
    }

    fn story(&self, history: &[SettledOffence]) -> anyhow::Result<Vec<String>> {
        let mut lines: Vec<String> = history
            .iter()
            .map(|offence| {
                let who = self.addresses.iter().position(|address| *address == offence.provider.as_str());
                let who = who.map_or_else(|| offence.provider.to_string(), name_of);
                let reporter = offence.reporter.as_ref().map(|reporter| {
                    let index = self.addresses.iter().position(|address| *address == reporter.as_str());
                    let name = index.map_or_else(|| reporter.to_string(), name_of);
                    format!(", reported by {name}, which earned {} {DEFAULT_DENOM}", thousands(offence.bounty.u128()))
                });
                let what = format!(
                    "{who} for {} in round {}: {} {DEFAULT_DENOM} of {}{}",
                    offence.kind,
                    offence.round,
                    thousands(offence.slashed.u128()),
                    thousands(offence.before.u128()),
                    reporter.unwrap_or_default()
                );
                labelled("slashed", &what)
            })
            .collect();
        for (index, role) in self.scenario.roles.iter().enumerate() {
            if let Some(Role::SeatSilent { round }) = role {
                let name = name_of(index);
                if !history.iter().any(|offence| offence.provider.as_str() == self.addresses[index]) {
                    let what = format!(
                        "{name}, whose seat was silent in round {round}: enough others answered, so it cost nothing"
                    );
                    lines.push(labelled("not slashed", &what));
                }
            }
        }
        let escrow = self.watched.task.escrow.clone().unwrap_or_default();
        let amount = |text: &str| thousands(text.parse().unwrap_or_default());
        let paid = format!(
            "{} {DEFAULT_DENOM} in rewards and {} in fees from the budget of {}; {} refunded",
            amount(&escrow.rewards),
            amount(&escrow.fees),
            amount(&escrow.deposited),
            amount(&escrow.refunded)
        );
        lines.push(labelled("paid", &paid));
        Ok(lines)
    }
}

impl Outcome {
    /// The report of the run.
    pub fn report(&self, args: &Args, watched: &Watched, seconds: f64) -> Report {
        Report {
            dataset: args.dataset.to_string(),
            model: args.model.to_string(),
            engine: args.engine.to_string(),
            seed: args.seed,
            model_hash: hex::encode(watched.model.hash()),
            accuracy: self.accuracy,
            central_accuracy: self.central_accuracy,
            seconds,
            peak_rss_mb: peak_rss_mb(),
            rounds: watched.rounds.clone(),
            slashed: self.slashed.clone(),
            honest_losses: self.honest_losses,
            checks: self.checks.clone(),
        }
    }
}

/// What the demo's task makes an offence cost: the defaults of the slashing contract.
fn fraction(offence: &str) -> Decimal {
    match offence {
        kind::NO_SUBMISSION => Decimal::percent(1),
        kind::SILENT_SEAT => Decimal::percent(2),
        kind::NON_CANONICAL => Decimal::percent(5),
        _ => Decimal::one(),
    }
}

fn slashed(offence: &SettledOffence) -> Slashed {
    Slashed {
        provider: offence.provider.to_string(),
        offence: offence.kind.clone(),
        before: offence.before.to_string(),
        after: offence.after.to_string(),
    }
}

fn story_of(role: Option<Role>) -> String {
    match role {
        None => String::new(),
        Some(Role::GoesSilent { round }) => format!("silent from round {round} on"),
        Some(Role::SeatSilent { round }) => format!("seat silent in round {round}"),
        Some(Role::SignsTwice { round }) => format!("two headers in round {round}"),
        Some(Role::Drops { round }) => format!("out in round {round}, back"),
    }
}

fn is_conserved(escrow: &pb::Escrow) -> bool {
    let amount = |text: &str| if text.is_empty() { Some(0u128) } else { text.parse().ok() };
    let parts = [&escrow.held, &escrow.fees, &escrow.rewards, &escrow.refunded];
    let sum: Option<u128> = parts.into_iter().map(|part| amount(part)).sum();
    sum.is_some() && sum == amount(&escrow.deposited) && amount(&escrow.held) == Some(0)
}
