//! A task opens, with everything refused that could not end well.

use crate::env::{Blobs, Env, Storage};
use crate::error::{Error, Rejection};
use crate::escrow::Purse;
use crate::keys::{self, prefix};
use crate::message::Admission;
use crate::output::{Event, Output};
use crate::scoring::{self, MAX_INITIAL};
use crate::terms::{amount, Terms};
use crate::windows::Now;
use crate::{cost, epoch, params, state, tails};
use bauta_learning::optimiser::State as OptimiserState;
use bauta_schema::training::v1::{
    initial_model::Source, settings_hash, InitialModel, MsgCreateTask, Params, Task, TaskSettings, TaskStatus,
};
use bauta_secagg::switched_off;

/// What the checks found.
pub(crate) struct Checked {
    pub admission: Admission,
    terms: Terms,
    budget: u128,
}

/// Whether a task may be created.
///
/// # Errors
/// The first refusal.
pub(crate) fn check(storage: &dyn Storage, msg: &MsgCreateTask) -> Result<Checked, Error> {
    let params = state::params(storage)?;
    if !params::is_configured(&params) {
        return Err(Error::NotConfigured);
    }
    let settings = msg.settings.clone().unwrap_or_default();
    let budget = amount("budget", &msg.budget)?;
    let terms = Terms::read(&settings)?;
    let initial = msg.initial_model.as_ref();
    if let Some(refusal) = cheap_refusals(&params, &terms, &msg.owner, initial, Some(budget)).into_iter().next() {
        return Err(refusal);
    }
    terms.check_initial_model(initial)?;
    scoring::check_test_set(&terms, &msg.test_set)?;
    // Making a model takes a twentieth of an operation an element; keeping it and the optimiser's state for good is what costs.
    let test_set = msg.test_set.len() as u64 / 8;
    let operations = (terms.elements + 1000 + test_set).saturating_add(tails::operations(&terms.cohort));
    let admission = Admission { fee: None, gas: cost::gas(0, operations), deposit: 0 };
    Ok(Checked { admission, terms, budget })
}

/// Why a task would be refused; empty if it would not. The odds are worked out only if nothing else is wrong.
pub fn refusals(
    params: &Params,
    terms: &Terms,
    owner: &str,
    initial: Option<&InitialModel>,
    budget: Option<u128>,
) -> Vec<Error> {
    let mut refusals = cheap_refusals(params, terms, owner, initial, budget);
    if refusals.is_empty() {
        refusals.extend(tails::odds(&terms.cohort).refusals());
    }
    refusals
}

/// What is found without working out the odds, which is charged first.
fn cheap_refusals(
    params: &Params,
    terms: &Terms,
    owner: &str,
    initial: Option<&InitialModel>,
    budget: Option<u128>,
) -> Vec<Error> {
    let mut refusals = terms.refusals(params);
    if !terms.cohort.issuer.is_empty() && terms.cohort.issuer.eq_ignore_ascii_case(owner) {
        refusals
            .push(Error::Settings("cohort.issuer must not be the owner: it would admit providers of its own".into()));
    }
    let inline = inline_bytes(initial);
    if inline > params.max_inline_model {
        refusals.push(Error::Model(format!(
            "the initial model has {inline} bytes, {} are accepted inline; start from zero or uniform weights instead",
            params.max_inline_model
        )));
    }
    let test_set = terms.scoring.as_ref().and_then(|scoring| scoring.test.as_ref()).map_or(0, scoring::Test::bytes);
    if inline > 0 && inline.saturating_add(test_set) > MAX_INITIAL {
        refusals.push(Error::Model(format!(
            "the initial model has {inline} bytes and the test set {test_set}, {MAX_INITIAL} fit in a transaction; start from zero or \
             uniform weights, or give fewer rows"
        )));
    }
    let least = cost::estimate(terms);
    if let Some(budget) = budget.filter(|&budget| budget < least.least_budget) {
        let rounds = terms.settings.rounds;
        let rewards = least.round_rewards.saturating_mul(u128::from(rounds));
        refusals.push(Error::BudgetTooSmall {
            budget,
            rounds,
            least: least.least_budget,
            fees: least.least_budget.saturating_sub(rewards),
            rewards,
        });
    }
    refusals
}

/// Bytes of a model that is given.
fn inline_bytes(initial: Option<&InitialModel>) -> u64 {
    match initial.and_then(|initial| initial.source.as_ref()) {
        Some(Source::Inline(bytes)) => bytes.len() as u64,
        _ => 0,
    }
}

/// Opens a task and its first epoch.
pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    blobs: &mut dyn Blobs,
    owner: &[u8],
    msg: &MsgCreateTask,
) -> Result<(u64, Vec<Output>), Rejection> {
    let Checked { terms, budget, .. } = check(storage, msg)?;
    let refusal = tails::odds(&terms.cohort).refusals().into_iter().next();
    if let Some(refusal) = refusal.filter(|_| !switched_off!(PartitionTail)) {
        return Err(refusal.into());
    }
    let mut counters = state::counters(storage)?;
    counters.tasks += 1;
    state::save(storage, keys::COUNTERS.to_vec(), &counters);
    let now = Now {
        height: env.height,
        // This block is counted, or not, when it ends; the window begins after it either way.
        counted: counters.counted_blocks + 1,
        min_window: state::params(storage)?.min_window,
    };
    let mut task = new_task(blobs, counters.tasks, owner, &terms, msg.initial_model.as_ref())?;
    task.created_height = env.height;
    let mut purse = Purse::default();
    purse.deposit(budget)?;
    purse.put(&mut task);
    put_settings(storage, task.id, &terms.settings);
    if !msg.test_set.is_empty() {
        blobs.put(&msg.test_set);
    }
    storage.set(keys::numbers(prefix::RUNNING, &[task.id]), keys::LISTED.to_vec());
    let bond = terms.model_provider.map_or(0, |owed| owed.bond);
    let mut outputs = vec![
        Output::Deposit { from: owner.to_vec(), amount: budget.saturating_add(bond) },
        Event::of_task("task_created", task.id).address("owner", owner).bytes("model_hash", &task.model_hash).into(),
    ];
    outputs.push(epoch::open(env.chain_id, &now, storage, &mut task, &terms)?);
    Ok((task.id, outputs))
}

fn put_settings(storage: &mut dyn Storage, task: u64, settings: &TaskSettings) {
    state::save(storage, keys::numbers(prefix::SETTINGS, &[task]), settings);
}

fn new_task(
    blobs: &mut dyn Blobs,
    id: u64,
    owner: &[u8],
    terms: &Terms,
    initial: Option<&InitialModel>,
) -> Result<Task, Error> {
    let task = Task {
        id,
        owner: owner.to_vec(),
        status: TaskStatus::Running.into(),
        settings_hash: settings_hash(&terms.settings).to_vec(),
        elements: terms.elements,
        bond: terms.model_provider.map(|owed| owed.bond.to_string()).unwrap_or_default(),
        ..Default::default()
    };
    if terms.model_provider.is_some() {
        return Ok(task);
    }
    let model = terms.initial_model(initial)?;
    let length = usize::try_from(terms.elements).map_err(|_| Error::Model("the model is too large".into()))?;
    let optimiser_state = OptimiserState::initial(&terms.optimiser, length);
    Ok(Task {
        model_hash: blobs.put(&model.encode()).to_vec(),
        optimiser_hash: blobs.put(&optimiser_state.encode()).to_vec(),
        ..task
    })
}
