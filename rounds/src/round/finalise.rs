//! Finalise: interpolate in the exponent, remove the masks chunk by chunk, check the range, score the groups, combine, and let the
//! optimiser move the model. What does not fit a block's budget goes on in the next.

use super::blame;
use super::combine::{self, decode, Sums, COORDINATE};
use super::score;
use super::settle;
use super::unmask::{self, Asked};
use crate::end_block::Turn;
use crate::env::Budget;
use crate::error::Error;
use crate::terms::Terms;
use crate::{cost, derive, state};
use bauta_learning::model::Model;
use bauta_learning::optimiser::State as OptimiserState;
use bauta_schema::training::v1::{
    AbortReason, Epoch, Finalise, Partial as PartialRecord, PartialStatus, Round, RoundResult, Task,
};
use bauta_secagg::interpolate::Lagrange;
use bauta_secagg::ring::{check_range, Sign};
use bauta_secagg::signature::Body;
use bauta_secagg::submit::Header;
use bauta_secagg::switched_off;
use bauta_secagg::unmask::{open_range, seats_of, MaskRemoval, OpenedMasks, Partial};

/// Bytes of a compressed point.
const POINT: usize = 33;

/// What a step came to.
enum Step {
    /// All of it is done.
    Done,
    /// The budget is spent.
    Later,
    /// A coordinate of the group's sum is out of range, this one first.
    OutOfRange(u64),
}

pub(super) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    epoch: Epoch,
    mut round: Round,
) -> Result<(), Error> {
    let asked = Asked::of(turn.storage, &round, terms.cohort.min_group)?;
    let mut progress = state::finalise(turn.storage, task.id, round.number)?;
    let mut step = Step::Later;
    if interpolate(turn, budget, &round, &asked, &mut progress.points)? {
        step = unmask_groups(turn, budget, terms, &mut round, &asked, &mut progress)?;
    }
    if matches!(step, Step::Done) && blame::begin(turn, terms, &mut round, &mut progress)? {
        return Ok(());
    }
    if terms.model_provider.is_some() && matches!(step, Step::Done) {
        return finish_encrypted(turn, task, terms, epoch, round);
    }
    let mut update = None;
    if matches!(step, Step::Done) {
        if let Some(reason) = combine::cannot_go_on(terms, &round.groups, AbortReason::OutOfRange) {
            return settle::abort(turn, task, terms, epoch, round, reason);
        }
        if score::advance(turn, budget, task, terms, &mut round, &mut progress)? {
            let sums = Sums::of(terms, &round)?;
            // Adding all sums up, the optimiser's step, and what it reads and writes.
            let then = terms.elements.saturating_mul(3 + sums.count() + terms.optimiser.cost()) / 50 + 1;
            update = sums.combine(turn, budget, &mut progress, then)?;
        }
    }
    let Some(update) = update else {
        state::put_finalise(turn.storage, task.id, round.number, &progress);
        state::put_round(turn.storage, &round);
        return Ok(());
    };
    let mut result = move_model(turn, task, terms, &Sums::of(terms, &round)?, &update)?;
    result.test = score::test_hits(terms, &progress);
    settle::finish(turn, task, terms, epoch, round, result)
}

/// Settles a round whose sums only the model provider reads: they are under one mask more. It combines them, and moves its model itself.
fn finish_encrypted(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    epoch: Epoch,
    round: Round,
) -> Result<(), Error> {
    let weights = round.groups.iter().filter(|group| derive::goes_on(group)).map(|group| group.weight);
    let total_weight = weights.fold(0u64, u64::saturating_add);
    settle::finish(turn, task, terms, epoch, round, RoundResult { total_weight, ..Default::default() })
}

/// The points of a request list's masks, 33 bytes each: one set of integer Lagrange coefficients for the list. Whether they are all there.
pub(super) fn interpolate(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    round: &Round,
    asked: &Asked,
    points: &mut Vec<u8>,
) -> Result<bool, Error> {
    let entries = asked.requests.entries().len();
    let mut done = points.len() / POINT;
    if done >= entries {
        return Ok(true);
    }
    let used: Vec<PartialRecord> = state::partials(turn.storage, round.task_id, round.number, asked.list)?
        .into_iter()
        .filter(|partial| partial.status() == PartialStatus::Used)
        .collect();
    let broken = |error: &dyn std::fmt::Display| Error::State(error.to_string());
    let signed: Result<Vec<_>, Error> = used.iter().map(|partial| unmask::read(turn.blobs, partial)).collect();
    let signed = signed?;
    let bodies: Vec<&Partial> = signed.iter().map(|signed| &signed.body).collect();
    let lagrange = Lagrange::new(&seats_of(&bodies)).map_err(|error| broken(&error))?;
    let operations = bodies.len() as u64 * cost::INTERPOLATE;
    // As many entries as the budget bears, opened together.
    let from = done;
    while done < entries && budget.take(operations) {
        done += 1;
    }
    if done == from {
        return Ok(false);
    }
    for point in open_range(&asked.requests, &lagrange, &bodies, from, done).map_err(|error| broken(&error))? {
        points.extend_from_slice(&point.to_bytes());
    }
    Ok(done >= entries)
}

/// Unmasks the sums of the groups, one after the other. A group whose sum is out of range is blamed, or void alone.
fn unmask_groups(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    terms: &Terms,
    round: &mut Round,
    asked: &Asked,
    progress: &mut Finalise,
) -> Result<Step, Error> {
    let points: Result<Vec<_>, Error> = progress.points.chunks_exact(POINT).map(derive::point).collect();
    let opened = OpenedMasks::from_points(points?);
    let ctx = derive::ctx(round)?;
    let further = blame::lists::opened(turn.storage, round)?;
    let lists: Vec<_> = std::iter::once((&asked.requests, &opened))
        .chain(further.iter().map(|(requests, opened)| (requests, opened)))
        .collect();
    let released: Vec<usize> =
        (0..round.groups.len()).filter(|&place| derive::is_released(&round.groups[place])).collect();
    for (&place, (group, _)) in released.iter().zip(&asked.groups) {
        let record = &round.groups[place];
        // After blame all groups are looked at again, and those that are void or have their sum are passed over.
        let is_done = !derive::goes_on(record) || !record.aggregate_hash.is_empty();
        if place < progress.group as usize || is_done {
            continue;
        }
        progress.group = place as u32;
        let slots = derive::summed(record);
        let left = derive::survivors(group, &slots, terms.cohort.min_group)?;
        let removal =
            MaskRemoval::of_lists(&ctx, group, &left, &lists).map_err(|error| Error::State(error.to_string()))?;
        let (headers, weight) = headers_of(turn, round, &slots)?;
        match unmask_chunks(turn, budget, terms, &removal, &headers, weight, progress)? {
            Step::Later => return Ok(Step::Later),
            Step::OutOfRange(coordinate) if terms.blame.is_some() => {
                blame::note(turn.storage, round, &round.groups[place], coordinate)?;
            }
            Step::OutOfRange(_) => {
                round.groups[place].set_void(AbortReason::OutOfRange);
            }
            Step::Done => {
                // As long as the whole sum is put together.
                if !budget.take(terms.elements / 50 + 1) {
                    return Ok(Step::Later);
                }
                let mut sum = read_chunks(turn, progress)?;
                let record = &mut round.groups[place];
                if terms.model_provider.is_none() {
                    record.metrics = split_off_metrics(terms, &mut sum)?;
                }
                record.aggregate_hash = turn.blobs.put(&sum).to_vec();
                record.weight = weight;
            }
        }
        release_chunks(turn, progress)?;
        progress.chunks.clear();
        progress.next_chunk = 0;
        progress.group = place as u32 + 1;
    }
    Ok(Step::Done)
}

/// Sums the chunks of a group's survivors, removes the masks, and checks the range.
fn unmask_chunks(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    terms: &Terms,
    removal: &MaskRemoval,
    headers: &[Header],
    weight: u64,
    progress: &mut Finalise,
) -> Result<Step, Error> {
    let layout = &terms.layout;
    // `B` times the sum of the survivors' weights: no honest coordinate is larger.
    let bound = terms.encoding.aggregate_limit(weight);
    while progress.next_chunk < layout.chunks() {
        let chunk = progress.next_chunk;
        let elements = layout.elements_in(chunk).unwrap_or(0) as u64;
        let streams = (removal.masks() + headers.len()) as u64;
        if !budget.take(elements.saturating_mul(streams) / cost::ELEMENTS + 1) {
            return Ok(Step::Later);
        }
        let mut sum = layout.zero(chunk).ok_or_else(|| Error::State(format!("there is no chunk {chunk}")))?;
        for header in headers {
            let hash =
                header.chunks.get(chunk as usize).ok_or_else(|| Error::State("a header without a chunk".into()))?;
            let bytes =
                turn.blobs.get(hash).ok_or_else(|| Error::State("a chunk that was stored is missing".into()))?;
            sum.add_packed(&bytes, Sign::Plus).map_err(|error| Error::State(error.to_string()))?;
        }
        removal.remove(&mut sum);
        if terms.model_provider.is_some() {
            // Under the cohort masks nothing has a range.
            progress.chunks.extend_from_slice(&turn.blobs.put(&sum.pack()));
            progress.next_chunk += 1;
            continue;
        }
        let decoded = sum.decode();
        if let Some(outside) = check_range(&decoded, bound).err().filter(|_| !switched_off!(SumRange)) {
            let first = u64::from(chunk) * u64::from(layout.chunk_elems());
            return Ok(Step::OutOfRange(first + outside.index as u64));
        }
        let bytes: Vec<u8> = decoded.iter().flat_map(|value| value.to_le_bytes()).collect();
        progress.chunks.extend_from_slice(&turn.blobs.put(&bytes));
        progress.next_chunk += 1;
    }
    Ok(Step::Done)
}

/// The headers of a group's survivors, and the sum of their weights.
fn headers_of(turn: &Turn<'_>, round: &Round, slots: &[u32]) -> Result<(Vec<Header>, u64), Error> {
    let mut headers = Vec::new();
    let mut weight = 0u64;
    for check_in in state::check_ins(turn.storage, round.task_id, round.number)? {
        if !slots.contains(&check_in.slot) {
            continue;
        }
        let record = state::find_header(turn.storage, round.task_id, round.number, &check_in.address)?
            .ok_or_else(|| Error::State("a survivor without a header".into()))?;
        headers.push(Header::decode(&record.body).map_err(|error| Error::State(error.to_string()))?);
        weight = weight.saturating_add(check_in.weight);
    }
    Ok((headers, weight))
}

/// The sum whose chunks were unmasked, one le64 a coordinate.
fn read_chunks(turn: &Turn<'_>, progress: &Finalise) -> Result<Vec<u8>, Error> {
    let mut sum = Vec::new();
    for hash in progress.chunks.chunks_exact(32) {
        let chunk = turn.blobs.get(&state::hash(hash)?);
        sum.extend_from_slice(&chunk.ok_or_else(|| Error::State("a chunk of an aggregate is missing".into()))?);
    }
    Ok(sum)
}

/// Takes the metrics' sums off the end of a group's sum; what is left are the coordinates of the update.
fn split_off_metrics(terms: &Terms, sum: &mut Vec<u8>) -> Result<Vec<i64>, Error> {
    let update = usize::try_from(terms.elements).ok().and_then(|elements| elements.checked_mul(COORDINATE));
    match update {
        Some(update) if update <= sum.len() => Ok(decode(&sum.split_off(update))),
        _ => Err(Error::State("the sum of a group is too short".into())),
    }
}

/// Lets the optimiser move the model by what the groups' sums were combined to.
fn move_model(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    sums: &Sums<'_>,
    update: &[i64],
) -> Result<RoundResult, Error> {
    let broken = |error: String| Error::State(error);
    let aggregate = sums.total(turn.blobs)?;
    let blob = |hash: &[u8]| -> Result<Vec<u8>, Error> {
        turn.blobs
            .get(&state::hash(hash)?)
            .ok_or_else(|| Error::State("the model or the optimiser's state is missing".into()))
    };
    let mut model = Model::decode(&blob(&task.model_hash)?).map_err(|error| broken(error.to_string()))?;
    let mut optimiser = OptimiserState::decode(&terms.optimiser, update.len(), &blob(&task.optimiser_hash)?)
        .map_err(|error| broken(error.to_string()))?;
    terms.optimiser.step(model.values_mut(), &mut optimiser, update).map_err(|error| broken(error.to_string()))?;
    let old_state = state::hash(&task.optimiser_hash)?;
    task.optimiser_hash = turn.blobs.put(&optimiser.encode()).to_vec();
    turn.blobs.release(&old_state);
    // The model that this round trained on stays for some rounds; settling later ones releases it.
    task.model_hash = turn.blobs.put(&model.encode()).to_vec();
    Ok(RoundResult {
        aggregate_hash: turn.blobs.put(&aggregate).to_vec(),
        total_weight: sums.weight(),
        model_hash: task.model_hash.clone(),
        metrics: sums.metrics().to_vec(),
        test: None,
    })
}

/// Releases what a round that is not settled keeps between blocks.
pub(crate) fn release_work(turn: &mut Turn<'_>, progress: &Finalise) -> Result<(), Error> {
    release_chunks(turn, progress)?;
    combine::release_runs(turn.blobs, &progress.runs)?;
    score::release(turn.blobs, progress)
}

/// Releases the chunks of a group's sum that were unmasked so far.
fn release_chunks(turn: &mut Turn<'_>, progress: &Finalise) -> Result<(), Error> {
    for hash in progress.chunks.chunks_exact(32) {
        turn.blobs.release(&state::hash(hash)?);
    }
    Ok(())
}
