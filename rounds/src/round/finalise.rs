//! Finalise: interpolate in the exponent, remove the masks chunk by chunk, check the range, combine, and let the optimiser move the
//! model. What does not fit a block's budget goes on in the next.

use super::settle;
use super::unmask::{self, Asked};
use crate::end_block::Turn;
use crate::env::Budget;
use crate::error::Error;
use crate::terms::Terms;
use crate::{cost, derive, state};
use bauta_learning::combine::{Combination, GroupSum};
use bauta_learning::model::Model;
use bauta_learning::optimiser::State as OptimiserState;
use bauta_schema::training::v1::{
    AbortReason, Epoch, Finalise, Partial as PartialRecord, PartialStatus, Round, RoundResult, Task,
};
use bauta_secagg::interpolate::Lagrange;
use bauta_secagg::ring::{check_range, Sign};
use bauta_secagg::signature::Body;
use bauta_secagg::submit::Header;
use bauta_secagg::unmask::{open_range, seats_of, MaskRemoval, OpenedMasks, Partial};

/// Bytes of a compressed point.
const POINT: usize = 33;

/// What a step came to.
enum Step {
    /// All of it is done.
    Done,
    /// The budget is spent.
    Later,
    /// A coordinate of the sum is out of range.
    OutOfRange,
}

pub(super) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    epoch: Epoch,
    round: Round,
) -> Result<(), Error> {
    let asked = Asked::of(turn.storage, &round, terms.cohort.min_group)?;
    let mut progress = state::finalise(turn.storage, task.id, round.number)?;
    let mut step = interpolate(turn, budget, &round, &asked, &mut progress)?;
    if matches!(step, Step::Done) {
        step = unmask_chunks(turn, budget, terms, &round, &asked, &mut progress)?;
    }
    match step {
        Step::Later => {
            state::put_finalise(turn.storage, task.id, round.number, &progress);
            Ok(())
        }
        Step::OutOfRange => {
            release_chunks(turn, &progress)?;
            settle::abort(turn, task, terms, epoch, round, AbortReason::OutOfRange)
        }
        Step::Done => {
            let operations = terms.elements.saturating_mul(4 + terms.optimiser.cost()) / 50 + 1;
            if !budget.take(operations) {
                state::put_finalise(turn.storage, task.id, round.number, &progress);
                return Ok(());
            }
            let result = move_model(turn, task, terms, &round, &progress)?;
            release_chunks(turn, &progress)?;
            settle::finish(turn, task, terms, epoch, round, result)
        }
    }
}

/// The points whose streams are to be removed: one set of integer Lagrange coefficients for the round.
fn interpolate(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    round: &Round,
    asked: &Asked,
    progress: &mut Finalise,
) -> Result<Step, Error> {
    let entries = asked.requests.entries().len();
    let mut done = progress.points.len() / POINT;
    if done >= entries {
        return Ok(Step::Done);
    }
    let used: Vec<PartialRecord> = state::partials(turn.storage, round.task_id, round.number)?
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
        return Ok(Step::Later);
    }
    for point in open_range(&asked.requests, &lagrange, &bodies, from, done).map_err(|error| broken(&error))? {
        progress.points.extend_from_slice(&point.to_bytes());
    }
    Ok(if done < entries { Step::Later } else { Step::Done })
}

/// Sums the survivors' chunks, removes the masks, and checks the range.
fn unmask_chunks(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    terms: &Terms,
    round: &Round,
    asked: &Asked,
    progress: &mut Finalise,
) -> Result<Step, Error> {
    let layout = &terms.layout;
    if progress.next_chunk >= layout.chunks() {
        return Ok(Step::Done);
    }
    let points: Result<Vec<_>, Error> = progress.points.chunks_exact(POINT).map(derive::point).collect();
    let opened = OpenedMasks::from_points(points?);
    let removal = MaskRemoval::new(&derive::ctx(round)?, &asked.group, &asked.survivors, &asked.requests, &opened)
        .map_err(|error| Error::State(error.to_string()))?;
    let (headers, weight) = survivors(turn, round)?;
    // `B` times the sum of the survivors' weights: no honest coordinate is larger.
    let bound = terms.encoding.aggregate_limit(weight);
    while progress.next_chunk < layout.chunks() {
        let chunk = progress.next_chunk;
        let elements = layout.elements_in(chunk).unwrap_or(0) as u64;
        let streams = (asked.requests.entries().len() + headers.len()) as u64;
        if !budget.take(elements.saturating_mul(streams) / cost::ELEMENTS + 1) {
            return Ok(Step::Later);
        }
        let mut sum = layout.zero(chunk).ok_or_else(|| Error::State(format!("there is no chunk {chunk}")))?;
        for header in &headers {
            let hash =
                header.chunks.get(chunk as usize).ok_or_else(|| Error::State("a header without a chunk".into()))?;
            let bytes =
                turn.blobs.get(hash).ok_or_else(|| Error::State("a chunk that was stored is missing".into()))?;
            sum.add_packed(&bytes, Sign::Plus).map_err(|error| Error::State(error.to_string()))?;
        }
        removal.remove(&mut sum);
        let decoded = sum.decode();
        if check_range(&decoded, bound).is_err() {
            return Ok(Step::OutOfRange);
        }
        let bytes: Vec<u8> = decoded.iter().flat_map(|value| value.to_le_bytes()).collect();
        progress.chunks.extend_from_slice(&turn.blobs.put(&bytes));
        progress.next_chunk += 1;
    }
    Ok(Step::Done)
}

/// The headers of the survivors, and the sum of their weights.
fn survivors(turn: &Turn<'_>, round: &Round) -> Result<(Vec<Header>, u64), Error> {
    let mut headers = Vec::new();
    let mut weight = 0u64;
    for check_in in state::check_ins(turn.storage, round.task_id, round.number)? {
        if !round.survivors.contains(&check_in.slot) {
            continue;
        }
        let record = state::find_header(turn.storage, round.task_id, round.number, &check_in.address)?
            .ok_or_else(|| Error::State("a survivor without a header".into()))?;
        headers.push(Header::decode(&record.body).map_err(|error| Error::State(error.to_string()))?);
        weight = weight.saturating_add(check_in.weight);
    }
    Ok((headers, weight))
}

/// Combines the sum and lets the optimiser move the model.
fn move_model(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    round: &Round,
    progress: &Finalise,
) -> Result<RoundResult, Error> {
    let broken = |error: String| Error::State(error);
    let mut aggregate = Vec::new();
    for hash in progress.chunks.chunks_exact(32) {
        let chunk =
            turn.blobs.get(&state::hash(hash)?).ok_or_else(|| broken("a chunk of the aggregate is missing".into()))?;
        aggregate.extend_from_slice(&chunk);
    }
    let sum: Vec<i64> =
        aggregate.chunks_exact(8).filter_map(|bytes| bytes.try_into().ok().map(i64::from_le_bytes)).collect();
    let (_, weight) = survivors(turn, round)?;
    let update = Combination::Mean
        .combine(&[GroupSum::new(&sum, weight)], terms.encoding.scale_bits)
        .map_err(|error| broken(error.to_string()))?;
    let blob = |hash: &[u8]| -> Result<Vec<u8>, Error> {
        turn.blobs
            .get(&state::hash(hash)?)
            .ok_or_else(|| Error::State("the model or the optimiser's state is missing".into()))
    };
    let mut model = Model::decode(&blob(&task.model_hash)?).map_err(|error| broken(error.to_string()))?;
    let mut optimiser = OptimiserState::decode(&terms.optimiser, update.len(), &blob(&task.optimiser_hash)?)
        .map_err(|error| broken(error.to_string()))?;
    terms.optimiser.step(model.values_mut(), &mut optimiser, &update).map_err(|error| broken(error.to_string()))?;
    let old_state = state::hash(&task.optimiser_hash)?;
    task.optimiser_hash = turn.blobs.put(&optimiser.encode()).to_vec();
    turn.blobs.release(&old_state);
    // The model that this round trained on stays for some rounds; settling later ones releases it.
    task.model_hash = turn.blobs.put(&model.encode()).to_vec();
    Ok(RoundResult {
        aggregate_hash: turn.blobs.put(&aggregate).to_vec(),
        total_weight: weight,
        model_hash: task.model_hash.clone(),
    })
}

/// Releases the chunks of the aggregate that were unmasked so far.
pub(crate) fn release_chunks(turn: &mut Turn<'_>, progress: &Finalise) -> Result<(), Error> {
    for hash in progress.chunks.chunks_exact(32) {
        turn.blobs.release(&state::hash(hash)?);
    }
    Ok(())
}
