//! Answers to queries, from records. The node decodes addresses and limits what is asked; a client that has read the records may ask the
//! same functions.

use crate::cancel::is_running;
use crate::env::{Blobs, Storage};
use crate::error::Error;
use crate::keys::{self, prefix};
use crate::terms::{amount, Terms};
use crate::{cost, create, scoring, state};
use bauta_schema::training::v1::{
    Params, Partial, QueryAggregateRequest, QueryAggregateResponse, QueryDealsResponse, QueryEpochResponse,
    QueryEstimateRequest, QueryEstimateResponse, QueryModelRequest, QueryModelResponse, QueryParamsResponse,
    QueryRewardsResponse, QueryRoundResponse, QueryTaskResponse, QueryTasksRequest, QueryTasksResponse,
    QueryTestSetRequest, QueryTestSetResponse, QueryVerdictsResponse, QueuedVerdict, Reward, Round, Task, Verdict,
};

/// Entries of a page at most.
pub const MAX_PAGE: u32 = 100;

/// Bytes of a part of a model or of an aggregate at most.
pub const MAX_PART: u32 = 256 * 1024;

/// The parameters.
///
/// # Errors
/// [`Error::State`].
pub fn params(storage: &dyn Storage) -> Result<QueryParamsResponse, Error> {
    Ok(QueryParamsResponse { params: Some(state::params(storage)?) })
}

/// A task with its settings.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::State`].
pub fn task(storage: &dyn Storage, id: u64) -> Result<QueryTaskResponse, Error> {
    let task = state::task(storage, id)?;
    Ok(QueryTaskResponse { settings: Some(state::settings(storage, id)?), task: Some(task) })
}

/// Tasks by number.
///
/// # Errors
/// [`Error::State`].
pub fn tasks(storage: &dyn Storage, request: &QueryTasksRequest) -> Result<QueryTasksResponse, Error> {
    let limit = page(request.limit, 30);
    let end = keys::after(prefix::TASK.as_bytes());
    let mut response = QueryTasksResponse::default();
    let mut after = request.start_after;
    // Tasks that have ended are skipped; a bound on how many are looked at bounds the work.
    for _ in 0..10 {
        let start = keys::numbers(prefix::TASK, &[after.saturating_add(1)]);
        let page = storage.range(&start, &end, MAX_PAGE as usize);
        for (_, bytes) in &page {
            let found: Task = prost::Message::decode(&bytes[..]).map_err(|error| Error::State(error.to_string()))?;
            after = found.id;
            if !request.running_only || is_running(&found) {
                response.tasks.push(task(storage, found.id)?);
            }
            if response.tasks.len() >= limit {
                response.next = after;
                return Ok(response);
            }
        }
        if page.len() < MAX_PAGE as usize {
            return Ok(response);
        }
    }
    response.next = after;
    Ok(response)
}

fn page(asked: u32, default: u32) -> usize {
    (if asked == 0 { default } else { asked.min(MAX_PAGE) }) as usize
}

/// An epoch with its members and seats; 0 means the current one.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::NotFound`], [`Error::State`].
pub fn epoch(storage: &dyn Storage, task: u64, number: u64) -> Result<QueryEpochResponse, Error> {
    let number = current(storage, task, number)?;
    let epoch = state::find_epoch(storage, task, number)?
        .ok_or_else(|| Error::NotFound(format!("task {task} has no epoch {number}")))?;
    Ok(QueryEpochResponse {
        epoch: Some(epoch),
        members: state::members(storage, task, number)?,
        seats: state::seats(storage, task, number)?,
        complaints: state::complaints(storage, task, number)?,
        evaluations: state::evaluations(storage, task, number)?,
        contributions: state::contributions(storage, task, number)?,
        wraps: state::find_wraps(storage, task, number)?,
    })
}

fn current(storage: &dyn Storage, task: u64, epoch: u64) -> Result<u64, Error> {
    let task = state::task(storage, task)?;
    Ok(if epoch == 0 { task.epoch } else { epoch })
}

/// Deals of an epoch in the order of the dealers' addresses: of one dealer, or all after an address.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::State`].
pub fn deals(
    storage: &dyn Storage,
    task: u64,
    epoch: u64,
    dealer: &[u8],
    start_after: &[u8],
    limit: u32,
) -> Result<QueryDealsResponse, Error> {
    let epoch = current(storage, task, epoch)?;
    let mut response = QueryDealsResponse::default();
    let deals = if dealer.is_empty() {
        let all = state::list(storage, &keys::numbers(prefix::DEAL, &[task, epoch]), usize::MAX)?;
        let after = |deal: &bauta_schema::training::v1::Deal| start_after.is_empty() || deal.dealer[..] > *start_after;
        all.into_iter().filter(after).take(page(limit, 96)).collect()
    } else {
        Vec::from_iter(state::find_deal(storage, task, epoch, dealer)?)
    };
    for deal in deals {
        response.share_keys.push(state::share_keys(storage, task, epoch, &deal.dealer)?);
        response.deals.push(deal);
    }
    Ok(response)
}

/// A round with what was posted in it; 0 means the current one.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::NotFound`], [`Error::State`].
pub fn round(storage: &dyn Storage, task: u64, number: u64) -> Result<QueryRoundResponse, Error> {
    let found = state::task(storage, task)?;
    let number = if number == 0 { found.round } else { number };
    let round = state::find_round(storage, task, number)?
        .ok_or_else(|| Error::NotFound(format!("task {task} has no round {number} yet")))?;
    let headers = state::headers(storage, task, number)?;
    let mut chunks = Vec::new();
    for header in &headers {
        chunks.push(state::find_chunks(storage, task, number, &header.address)?.unwrap_or_default());
    }
    Ok(QueryRoundResponse {
        check_ins: state::check_ins(storage, task, number)?,
        partials: partials_of(storage, &round)?,
        blame: state::find_blame(storage, task, number)?,
        blame_values: state::blame_values(storage, task, number)?,
        model: state::find_sealed_model(storage, task, number)?,
        next_check_ins: if number == found.round { state::check_ins(storage, task, number + 1)? } else { Vec::new() },
        round: Some(round),
        headers,
        chunks,
    })
}

/// The partials for all of a round's request lists.
fn partials_of(storage: &dyn Storage, round: &Round) -> Result<Vec<Partial>, Error> {
    let mut partials = Vec::new();
    for list in 0..=round.blame_lists {
        partials.extend(state::partials(storage, round.task_id, round.number, list)?);
    }
    Ok(partials)
}

/// A model by its hash; without one, the latest.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::NotFound`].
pub fn model(
    storage: &dyn Storage,
    blobs: &dyn Blobs,
    request: &QueryModelRequest,
) -> Result<QueryModelResponse, Error> {
    let task = request.task_id;
    let found = state::task(storage, task)?;
    // Of an encrypted model the running round has the latest.
    let latest = match state::find_round(storage, task, found.round)? {
        Some(round) if found.model_hash.is_empty() => round.blob_hash,
        _ => found.model_hash,
    };
    let hash = if request.hash.is_empty() { &latest[..] } else { &request.hash };
    let key =
        hash.try_into().map_err(|_| Error::Invalid("hash must have 32 bytes, or none for the latest model".into()))?;
    // A blob may be anything; only a model of this task is answered with.
    let round_of = |model: &[u8]| -> Result<bool, Error> {
        let rounds: Vec<Round> = state::list(storage, &keys::numbers(prefix::ROUND, &[task]), usize::MAX)?;
        Ok(rounds.iter().any(|round| round.model_hash == model || round.blob_hash == model))
    };
    if hash != latest && !round_of(hash)? {
        return Err(Error::NotFound(format!("task {task} has no such model")));
    }
    let (model, total) = blobs
        .part(&key, request.offset, part(request.limit))
        .ok_or_else(|| Error::NotFound("this model is too old and is kept no more".into()))?;
    Ok(QueryModelResponse { hash: hash.to_vec(), model, total })
}

/// The public test set of a task that runs.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::NotFound`], [`Error::State`].
pub fn test_set(
    storage: &dyn Storage,
    blobs: &dyn Blobs,
    request: &QueryTestSetRequest,
) -> Result<QueryTestSetResponse, Error> {
    let task = state::task(storage, request.task_id)?;
    let scoring = state::settings(storage, task.id)?.scoring.unwrap_or_default();
    if scoring.test_set.is_empty() {
        return Err(Error::NotFound(format!("task {} has no test set", task.id)));
    }
    if !is_running(&task) {
        return Err(Error::NotFound(format!("task {} has ended, and its test set is kept no more", task.id)));
    }
    let part = blobs.part(&state::hash(&scoring.test_set)?, request.offset, part(request.limit));
    let (test_set, total) = part.ok_or_else(|| Error::State("the test set is missing".into()))?;
    Ok(QueryTestSetResponse { test_set, total })
}

/// The aggregate of a finished round: of one of its groups, or with 0 the sum over all.
///
/// # Errors
/// [`Error::NotFound`].
pub fn aggregate(
    storage: &dyn Storage,
    blobs: &dyn Blobs,
    request: &QueryAggregateRequest,
) -> Result<QueryAggregateResponse, Error> {
    let unfinished = || Error::NotFound("this round did not finish".into());
    let round = state::find_round(storage, request.task_id, request.round)?.ok_or_else(unfinished)?;
    let result = round.result.ok_or_else(unfinished)?;
    let hash = match request.group {
        0 => result.aggregate_hash,
        number => {
            let found = round.groups.into_iter().find(|group| group.number == number);
            let hash = found.map(|group| group.aggregate_hash).filter(|hash| !hash.is_empty());
            hash.ok_or_else(|| Error::NotFound(format!("group {number} has no sum in this round")))?
        }
    };
    let (aggregate, total) = blobs
        .part(&state::hash(&hash)?, request.offset, part(request.limit))
        .ok_or_else(|| Error::NotFound("this aggregate is too old and is kept no more".into()))?;
    Ok(QueryAggregateResponse { aggregate, total })
}

/// Bytes of a part for which a client asks.
fn part(limit: u32) -> usize {
    let limit = if limit == 0 { MAX_PART } else { limit.min(MAX_PART) };
    limit as usize
}

/// Verdicts of a task, of a provider, or of a provider in a task.
///
/// # Errors
/// [`Error::Invalid`] when neither is given; [`Error::State`].
pub fn verdicts(storage: &dyn Storage, task: u64, provider: &[u8], limit: u32) -> Result<QueryVerdictsResponse, Error> {
    let limit = page(limit, MAX_PAGE);
    let verdicts: Vec<Verdict> = if provider.is_empty() {
        if task == 0 {
            return Err(Error::Invalid("name a task, a provider, or both".into()));
        }
        state::list(storage, &keys::numbers(prefix::VERDICT, &[task]), limit)?
    } else {
        let numbers: &[u64] = if task == 0 { &[] } else { std::slice::from_ref(&task) };
        state::verdicts_of(storage, provider, numbers, limit)?
    };
    let waiting: Vec<QueuedVerdict> = state::list(storage, prefix::QUEUE.as_bytes(), 1000)?;
    let queued = waiting.into_iter().filter(|queued| {
        queued.verdict.as_ref().is_some_and(|verdict| verdicts.iter().any(|found| found.id == verdict.id))
    });
    Ok(QueryVerdictsResponse { queued: queued.collect(), verdicts })
}

/// What an address earned.
///
/// # Errors
/// [`Error::State`].
pub fn rewards(storage: &dyn Storage, address: &[u8]) -> Result<QueryRewardsResponse, Error> {
    let rewards: Vec<Reward> = state::list(storage, &keys::by_address(prefix::REWARD, address, &[]), 1000)?;
    let mut total = 0u128;
    for reward in &rewards {
        total = total.saturating_add(amount("reward", &reward.amount)?);
    }
    Ok(QueryRewardsResponse { rewards, total: total.to_string() })
}

/// What a task would cost, and why it would be refused.
pub fn estimate(params: &Params, request: &QueryEstimateRequest) -> QueryEstimateResponse {
    let settings = request.settings.clone().unwrap_or_default();
    let terms = match Terms::read(&settings) {
        Ok(terms) => terms,
        Err(refusal) => return QueryEstimateResponse { refusals: vec![refusal.to_string()], ..Default::default() },
    };
    let mut refusals = Vec::new();
    let budget = if request.budget.is_empty() { None } else { Some(amount("budget", &request.budget)) };
    let budget = match budget.transpose() {
        Ok(budget) => budget,
        Err(error) => {
            refusals.push(error.to_string());
            None
        }
    };
    let initial = request.initial_model.as_ref();
    refusals.extend(create::refusals(params, &terms, &request.owner, initial, budget).iter().map(Error::to_string));
    if let Some(error) = initial.and_then(|initial| terms.check_initial_model(Some(initial)).err()) {
        refusals.push(error.to_string());
    }
    if !request.test_set.is_empty() {
        refusals.extend(scoring::check_test_set(&terms, &request.test_set).err().map(|error| error.to_string()));
    }
    let estimate = cost::estimate(&terms);
    let bytes = terms.round_bytes();
    QueryEstimateResponse {
        refusals,
        epoch_fees: estimate.epoch_fees.to_string(),
        round_fees: estimate.round_fees.to_string(),
        round_rewards: estimate.round_rewards.to_string(),
        least_budget: estimate.least_budget.to_string(),
        round_bytes: bytes,
        submit_blocks: bytes.div_ceil(params.lane_bytes.max(1)),
        elements: terms.elements,
        combination: terms.combination().name().into(),
        fewest_groups: terms.groups_of(terms.cohort.min_providers),
        most_groups: terms.groups_of(terms.cohort.max_providers),
        score_blocks: scoring::blocks(&terms, params),
    }
}
