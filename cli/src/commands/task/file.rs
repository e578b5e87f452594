//! A task before it is on the chain: its file, its price, its creation.

use std::path::{Path, PathBuf};

use bauta_client::chain::messages::TrainingMessage as _;
use bauta_client::chain::DEFAULT_DENOM;
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;
use clap::ValueEnum as _;
use cosmrs::AccountId;
use serde_json::json;

use super::odds;
use crate::answer::{fields, Answer};
use crate::commands::Answered;
use crate::context::{merged, outcome_json, outcome_text, Amount, Context};
use crate::failure::Failure;
use crate::progress;
use crate::show;
use crate::task_file::{RecipeName, TaskFile};

/// Writes a file to start from.
pub fn init(name: RecipeName, providers: u32, rounds: u32, seed: u64, out: Option<PathBuf>, force: bool) -> Answered {
    let text = TaskFile { rounds, ..TaskFile::of_recipe(&name.recipe(providers), providers, seed) }.render();
    let recipe = name.to_possible_value().map(|value| value.get_name().to_owned());
    let file = out.as_ref().map(|file| file.display().to_string());
    let json = json!({ "recipe": recipe, "file": file, "toml": text });
    let Some(out) = out else {
        return Ok(Answer::new(text, json));
    };
    refuse_existing(&out, force)?;
    std::fs::write(&out, &text).map_err(Failure::file("write", &out))?;
    let place = out.display();
    Ok(Answer::new(format!("{place} is written; what it costs says: bauta task estimate {place}"), json))
}

/// A file is written over only when that is asked for.
pub fn refuse_existing(file: &Path, force: bool) -> Result<(), Failure> {
    match file.exists() && !force {
        true => Err(Failure::new(format!("{} exists already", file.display()))
            .hint("choose another name, or write over it with --force")),
        false => Ok(()),
    }
}

/// What a file holds, as the chain is told.
struct Proposal {
    file: TaskFile,
    settings: pb::TaskSettings,
    initial_model: pb::InitialModel,
    test_set: Vec<u8>,
}

fn read(path: &Path) -> Result<Proposal, Failure> {
    let file = TaskFile::read(path)?;
    let within = |invalid: crate::task_file::Invalid| Failure::from(invalid).within(path.display());
    let settings = file.settings().map_err(within)?;
    let initial_model = file.initial_model().map_err(within)?;
    let test_set = file.test_set_bytes().map_err(within)?;
    Ok(Proposal { file, settings, initial_model, test_set })
}

impl Proposal {
    /// What every chain refuses before it looks at its parameters, and the estimate does not see.
    fn refusals(&self, prefix: &str) -> Vec<String> {
        let issuer = self.file.cohort.issuer.as_deref().unwrap_or_default();
        let is_address = |text: &str| text.parse::<AccountId>().is_ok_and(|account| account.prefix() == prefix);
        match issuer.is_empty() || is_address(issuer) {
            true => Vec::new(),
            false => vec![format!(
                "cohort.issuer is {issuer:?}, which is not an address of this chain; write the address itself, which begins with \
                 \"{prefix}1\" (names of keys mean nothing to others)"
            )],
        }
    }

    fn request(&self, owner: String, budget: Option<u128>) -> pb::QueryEstimateRequest {
        pb::QueryEstimateRequest {
            owner,
            settings: Some(self.settings.clone()),
            initial_model: Some(self.initial_model.clone()),
            budget: budget.map(|budget| budget.to_string()).unwrap_or_default(),
            test_set: self.test_set.clone(),
        }
    }
}

/// Says what a task costs.
pub async fn estimate(context: &Context, path: &Path, budget: Option<String>, offline: bool) -> Answered {
    let proposal = read(path)?;
    let budget = budget.map(|text| Amount::read("--budget", &text)).transpose()?;
    let (mut estimate, denom) = if offline {
        let budget = budget.map(|budget| budget.number());
        let request = proposal.request(String::new(), budget);
        let estimate = bauta_rounds::estimate(&bauta_rounds::params::default_params(), &request);
        (estimate, DEFAULT_DENOM.to_owned())
    } else {
        let chain = context.chain().await?;
        let denom = chain.settings().gas_price.denom.clone();
        let budget = budget.map(|budget| budget.coin("--budget", &denom)).transpose()?;
        let owner = context.signing_key().map(|key| key.address.to_string()).unwrap_or_default();
        let request = proposal.request(owner, budget.map(|coin| coin.amount));
        (progress::during("waiting for the node", chain.training("Estimate", &request)).await?, denom)
    };
    estimate.refusals.extend(proposal.refusals(&context.settings.prefix));
    let accepted = estimate.refusals.is_empty();
    // Settings that cannot be read are refused, and have no odds.
    let terms = Terms::read(&proposal.settings).ok();
    let json = json!({
        "accepted": accepted,
        "refusals": estimate.refusals,
        "least_budget": estimate.least_budget,
        "epoch_fees": estimate.epoch_fees,
        "round_fees": estimate.round_fees,
        "round_rewards": estimate.round_rewards,
        "round_bytes": estimate.round_bytes,
        "submit_blocks": estimate.submit_blocks,
        "denom": denom,
        "elements": estimate.elements,
        "odds": terms.as_ref().map(odds::json),
        "combination": estimate.combination,
        "fewest_groups": estimate.fewest_groups,
        "most_groups": estimate.most_groups,
        "score_blocks": estimate.score_blocks,
    });
    let amount = |number: &str| format!("{number}{denom}");
    let mut rows = vec![
        ("elements of the model", estimate.elements.to_string()),
        ("fees of an epoch", format!("{} at most", amount(&estimate.epoch_fees))),
        ("fees of a round", format!("{} at most", amount(&estimate.round_fees))),
        ("rewards of a round", format!("{} at most", amount(&estimate.round_rewards))),
        ("rounds", proposal.file.rounds.to_string()),
        ("least budget", amount(&estimate.least_budget)),
        (
            "bytes of a round",
            format!("{} at most, in {}", estimate.round_bytes, show::count(estimate.submit_blocks, "block")),
        ),
        ("groups", groups_text(&estimate)),
    ];
    if let Some(scoring) = TaskFile::of_settings(&proposal.settings).scoring {
        let blocks = show::count(estimate.score_blocks, "block");
        rows.push(("scores", format!("{scoring}; about {blocks} a round")));
    }
    rows.extend(terms.as_ref().map(odds::rows).unwrap_or_default());
    let mut text = fields(&rows);
    for refusal in &estimate.refusals {
        text.push_str(&format!("\nrefused: {refusal}"));
    }
    Ok(match accepted {
        true => Answer::new(text, json),
        false => Answer::new(text, json).failing(),
    })
}

/// How many groups there are, and what is made of them.
fn groups_text(estimate: &pb::QueryEstimateResponse) -> String {
    let pb::QueryEstimateResponse { combination, fewest_groups: fewest, most_groups: most, .. } = estimate;
    match (fewest, most) {
        (1, 1) => "1".to_owned(),
        _ if fewest == most => format!("{most}, combined by {combination}"),
        _ => format!("{fewest} to {most}, combined by {combination}"),
    }
}

/// Creates a task.
pub async fn create(context: &Context, path: &Path, budget: &str) -> Answered {
    let proposal = read(path)?;
    let budget = Amount::read("--budget", budget)?;
    let account = context.account().await?;
    let owner = account.signer.address().to_owned();
    let budget = budget.coin("--budget", &account.chain.settings().gas_price.denom)?;

    // All refusals at once, before anything is signed.
    let request = proposal.request(owner.clone(), Some(budget.amount));
    let mut estimate: pb::QueryEstimateResponse =
        progress::during("waiting for the node", account.chain.training("Estimate", &request)).await?;
    estimate.refusals.extend(proposal.refusals(&context.settings.prefix));
    if !estimate.refusals.is_empty() {
        return Err(Failure::new(format!("the chain would refuse this task: {}", estimate.refusals.join("; ")))
            .hint(format!("`bauta task estimate {}` says what it costs", path.display())));
    }

    let terms = Terms::read(&proposal.settings)?;
    context.confirm(&format!("Create the task {:?} and put {budget} in escrow for it?", proposal.file.name))?;
    let message = pb::MsgCreateTask {
        owner,
        settings: Some(proposal.settings),
        initial_model: Some(proposal.initial_model),
        budget: budget.amount.to_string(),
        test_set: proposal.test_set,
    };
    let outcome = context.transact(&account, &[message.to_any()]).await?;
    let task = outcome.response::<pb::MsgCreateTaskResponse>(0)?.task_id;
    let said = outcome_text(
        &format!("{:?} is task {task}; follow it with: bauta task watch {task}", proposal.file.name),
        &outcome,
    );
    let text = format!("{said}\n{}", fields(&odds::rows(&terms)));
    let json = json!({ "task": task, "budget": budget.amount.to_string(), "odds": odds::json(&terms) });
    Ok(Answer::new(text, merged(outcome_json(&outcome), json)))
}
