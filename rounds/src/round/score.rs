//! Scoring: what each group's sum is worth, once all sums of a round are unmasked, run by run, as far as the budget of a block bears.
//!
//! First the groups' agreement with the median direction, in one pass over the sums. Then, where the task has a test set, what the round's
//! model classifies right, and what each model without one group would: candidates, made one after the other by the task's rule and a
//! step of its optimiser from the model and state before the round, then evaluated on runs of rows. What is found so far, and the
//! coordinates of the candidate that is being made, are kept between blocks; where blocks cut the work changes no score.

use super::combine::{self, broken, parts, read_runs, Sums};
use crate::end_block::Turn;
use crate::env::{Blobs, Budget};
use crate::error::Error;
use crate::scoring::{step_cost, Scoring, Test, UNITS};
use crate::terms::Terms;
use crate::{derive, state};
use bauta_learning::evaluate::TestSet;
use bauta_learning::fixed::Fixed;
use bauta_learning::model::{decode_values, Model};
use bauta_learning::optimiser::State as OptimiserState;
use bauta_learning::score::{can_leave_one_out, factor, usefulness, Agreement};
use bauta_schema::training::v1::{Finalise, GroupScores, Round, Scores, Task, TestHits};

/// Scores the groups of a round that go on, in a task that asks for it. Whether all of them have their scores, or none are asked for.
///
/// # Errors
/// [`Error::State`].
pub(super) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &Task,
    terms: &Terms,
    round: &mut Round,
    progress: &mut Finalise,
) -> Result<bool, Error> {
    let Some(scoring) = &terms.scoring else { return Ok(true) };
    let mut work = progress.scores.take().unwrap_or_default();
    if !work.done {
        let sums = Sums::of(terms, round)?;
        let is_known = agree(turn.blobs, budget, &sums, &mut work)?
            && match &scoring.test {
                Some(test) => Candidates { task, terms, test, sums: &sums }.evaluate(turn.blobs, budget, &mut work)?,
                None => true,
            };
        if is_known {
            write(scoring, round, &work);
            work.done = true;
        }
    }
    let done = work.done;
    progress.scores = Some(work);
    Ok(done)
}

/// What the round's model classifies right, where that was counted.
pub(super) fn test_hits(terms: &Terms, progress: &Finalise) -> Option<TestHits> {
    let test = terms.scoring.as_ref()?.test.as_ref()?;
    let hits = *progress.scores.as_ref()?.hits.first()?;
    Some(TestHits { hits, rows: u64::from(test.rows) })
}

/// Releases what is kept of a candidate.
///
/// # Errors
/// [`Error::State`].
pub(super) fn release(blobs: &mut dyn Blobs, progress: &Finalise) -> Result<(), Error> {
    progress.scores.as_ref().map_or(Ok(()), |work| combine::release_runs(blobs, &work.runs))
}

/// Finds the groups' agreement; whether it is known.
fn agree(blobs: &dyn Blobs, budget: &mut Budget, sums: &Sums<'_>, work: &mut Scores) -> Result<bool, Error> {
    if !work.agreements.is_empty() {
        return Ok(true);
    }
    let (groups, elements, scale_bits) = (sums.places(), sums.elements(), sums.scale_bits());
    let mut found = match &work.agreement[..] {
        [] => Agreement::new(groups, elements, scale_bits).map_err(broken)?,
        bytes => Agreement::decode(groups, elements, scale_bits, bytes).map_err(broken)?,
    };
    while found.next() < elements {
        let run = sums.run_at(found.next());
        if !budget.take(sums.operations(Agreement::cost(sums.count(), run.length), run)) {
            work.agreement = found.encode();
            return Ok(false);
        }
        found.add(run.first, &parts(&sums.read(blobs, run)?)).map_err(broken)?;
    }
    if !budget.take(Agreement::scores_cost(sums.count()) / UNITS + 1) {
        work.agreement = found.encode();
        return Ok(false);
    }
    work.agreements = found.scores().map_err(broken)?.into_iter().map(Fixed::to_bits).collect();
    work.agreement.clear();
    Ok(true)
}

/// The models that a round would make: of all groups, and of all but one.
struct Candidates<'a> {
    task: &'a Task,
    terms: &'a Terms,
    test: &'a Test,
    sums: &'a Sums<'a>,
}

impl Candidates<'_> {
    /// How many there are: one, where no group can be left out.
    fn count(&self) -> usize {
        let groups = self.sums.places();
        1 + if can_leave_one_out(self.terms.combination(), groups) { groups } else { 0 }
    }

    /// Counts the hits of every candidate; whether all are counted.
    fn evaluate(&self, blobs: &mut dyn Blobs, budget: &mut Budget, work: &mut Scores) -> Result<bool, Error> {
        // Read once a block.
        let mut rows = None;
        while work.hits.len() < self.count() {
            let without = work.hits.len().checked_sub(1).map(|place| self.sums.without(place));
            let mut made = Vec::new();
            let is_made = self.make(blobs, budget, without.as_ref().unwrap_or(self.sums), work, &mut made)?;
            if !(is_made && self.count_hits(blobs, budget, &mut rows, work, &made)?) {
                combine::keep(blobs, &mut work.runs, &made);
                return Ok(false);
            }
            combine::release_runs(blobs, &work.runs)?;
            *work = Scores {
                agreements: std::mem::take(&mut work.agreements),
                hits: std::mem::take(&mut work.hits).into_iter().chain([work.right]).collect(),
                ..Default::default()
            };
        }
        Ok(true)
    }

    /// Makes what is missing of a candidate; whether it is whole. What this block adds is `made`.
    fn make(
        &self,
        blobs: &dyn Blobs,
        budget: &mut Budget,
        sums: &Sums<'_>,
        work: &mut Scores,
        made: &mut Vec<i64>,
    ) -> Result<bool, Error> {
        if work.made >= sums.elements() {
            return Ok(true);
        }
        let Some(survey) = sums.survey(blobs, budget, &mut work.survey)? else { return Ok(false) };
        let rule = self.terms.combination();
        let mut plan = None;
        while work.made < sums.elements() {
            let run = sums.run_at(work.made);
            let planning = if plan.is_none() { rule.plan_cost(sums.count()) } else { 0 };
            let cost = rule
                .combine_cost(sums.count(), run.length)
                .saturating_add(run.length.saturating_mul(step_cost(self.terms)))
                .saturating_add(planning);
            if !budget.take(sums.operations(cost, run)) {
                return Ok(false);
            }
            let plan = match &plan {
                Some(plan) => plan,
                None => plan.insert(survey.plan().map_err(broken)?),
            };
            let update = plan.combine(&parts(&sums.read(blobs, run)?)).map_err(broken)?;
            let (mut values, mut state) = self.before(blobs, run.first, run.length)?;
            self.terms.optimiser.step(&mut values, &mut state, &update).map_err(broken)?;
            made.append(&mut values);
            work.made += run.length;
        }
        Ok(true)
    }

    /// A run of the model and of the optimiser's state before the round.
    fn before(&self, blobs: &dyn Blobs, first: u64, length: u64) -> Result<(Vec<i64>, OptimiserState), Error> {
        let (terms, elements) = (self.terms, combine::length(self.sums.elements())?);
        let count = combine::length(length)?;
        let read = |hash: &[u8], header: usize, each: usize| -> Result<Vec<u8>, Error> {
            let offset = (header as u64).saturating_add(first.saturating_mul(each as u64));
            let wanted = count.saturating_mul(each);
            match blobs.part(&state::hash(hash)?, offset, wanted) {
                Some((bytes, _)) if bytes.len() == wanted => Ok(bytes),
                _ => Err(Error::State("the model or the optimiser's state is missing, or too short".into())),
            }
        };
        let values = read(&self.task.model_hash, terms.spec.encode().len(), 8)?;
        let values = decode_values(&values, length).map_err(broken)?;
        let header = OptimiserState::encode_header(&terms.optimiser, elements).len();
        let state = read(&self.task.optimiser_hash, header, terms.optimiser.kind().state_bytes())?;
        Ok((values, OptimiserState::decode_body(&terms.optimiser, count, &state).map_err(broken)?))
    }

    /// Counts what a candidate classifies right, run of rows by run; whether all rows are counted.
    fn count_hits(
        &self,
        blobs: &dyn Blobs,
        budget: &mut Budget,
        rows: &mut Option<TestSet>,
        work: &mut Scores,
        made: &[i64],
    ) -> Result<bool, Error> {
        let classifier = &self.test.classifier;
        let mut model = None;
        while work.rows < self.test.rows {
            let end = work.rows.saturating_add(self.test.rows_a_step()).min(self.test.rows);
            let opening = if model.is_none() { self.test.opening_cost(self.terms.elements) } else { 0 };
            let cost = classifier.cost(u64::from(end - work.rows)).saturating_add(opening);
            if !budget.take(cost / UNITS + 1) {
                return Ok(false);
            }
            let model = match &model {
                Some(model) => model,
                None => model.insert(self.model(blobs, &work.runs, made)?),
            };
            let rows = match &*rows {
                Some(rows) => rows,
                None => &*rows.insert(self.rows(blobs)?),
            };
            let run = work.rows as usize..end as usize;
            work.right = work.right.saturating_add(classifier.hits(model, rows, run).map_err(broken)?);
            work.rows = end;
        }
        Ok(true)
    }

    /// A candidate, of runs that are kept and of those that were just made.
    fn model(&self, blobs: &dyn Blobs, kept: &[u8], made: &[i64]) -> Result<Model, Error> {
        let mut values = read_runs(blobs, kept)?;
        values.extend_from_slice(made);
        Model::new(self.terms.spec.clone(), values).map_err(broken)
    }

    fn rows(&self, blobs: &dyn Blobs) -> Result<TestSet, Error> {
        let bytes = blobs.get(&self.test.hash).ok_or_else(|| Error::State("the test set is missing".into()))?;
        TestSet::decode(&bytes).map_err(broken)
    }
}

/// Writes every group's scores into the round.
fn write(scoring: &Scoring, round: &mut Round, work: &Scores) {
    let of_all = work.hits.first().copied().unwrap_or_default();
    let going = round.groups.iter_mut().filter(|group| derive::goes_on(group));
    for (place, (group, &agreement)) in going.zip(&work.agreements).enumerate() {
        let hits_without = work.hits.get(place + 1).copied();
        let useful = hits_without
            .zip(scoring.test.as_ref())
            .map(|(without, test)| usefulness(of_all, without, u64::from(test.rows), test.sensitivity));
        // Within 0..=2^32.
        let factor = factor(Fixed::from_bits(agreement), useful).to_bits().unsigned_abs();
        group.scores = Some(GroupScores { agreement, hits_without, factor });
    }
}
