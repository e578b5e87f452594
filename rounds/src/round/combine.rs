//! Combining: from the sums of a round's groups to one update, by the task's rule, run of coordinates by run, as far as the budget of a
//! block bears. A rule that compares whole vectors first surveys them; what it has found, and the update so far, are kept between blocks.

use crate::end_block::Turn;
use crate::env::{Blobs, Budget};
use crate::error::Error;
use crate::scoring::UNITS;
use crate::terms::Terms;
use crate::{derive, state};
use bauta_learning::combine::{Combination, GroupSum, Survey};
use bauta_schema::training::v1::{AbortReason, Finalise, Round, RoundGroup};
use bauta_secagg::ring::Layout;

/// Bytes of a coordinate.
pub(super) const COORDINATE: usize = 8;

/// Why a round cannot go on with the groups that are left: there is none, for the reason given, or fewer than the task's rule needs with
/// its parameters.
pub(super) fn cannot_go_on(terms: &Terms, groups: &[RoundGroup], none_left: AbortReason) -> Option<AbortReason> {
    match groups.iter().filter(|group| derive::goes_on(group)).count() {
        0 => Some(none_left),
        left => terms.combination().check_groups(left).is_err().then_some(AbortReason::TooFewGroups),
    }
}

/// The sums of a round's groups that finished, in the order of their numbers.
pub(super) struct Sums<'a> {
    rule: Combination,
    scale_bits: u32,
    elements: u64,
    /// Coordinates are taken in runs as long as chunks.
    layout: &'a Layout,
    /// Hash of each sum, and the weight of its survivors.
    groups: Vec<([u8; 32], u64)>,
    /// Sums of the metrics over all groups.
    metrics: Vec<i64>,
}

/// A run of coordinates.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub first: u64,
    pub length: u64,
}

impl<'a> Sums<'a> {
    /// Of the groups whose sums are unmasked.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn of(terms: &'a Terms, round: &Round) -> Result<Self, Error> {
        let finished = round.groups.iter().filter(|group| derive::goes_on(group));
        let mut metrics = vec![0i64; terms.metrics() as usize];
        for group in finished.clone() {
            for (total, value) in metrics.iter_mut().zip(&group.metrics) {
                *total = total.checked_add(*value).ok_or_else(overflow)?;
            }
        }
        Ok(Self {
            rule: terms.combination(),
            scale_bits: terms.encoding.scale_bits,
            elements: terms.elements,
            layout: &terms.layout,
            groups: finished
                .map(|group| Ok((state::hash(&group.aggregate_hash)?, group.weight)))
                .collect::<Result<_, Error>>()?,
            metrics,
        })
    }

    /// The sums of the metrics over all groups.
    pub fn metrics(&self) -> &[i64] {
        &self.metrics
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.groups.len() as u64
    }

    /// The same as a length in memory.
    pub fn places(&self) -> usize {
        self.groups.len()
    }

    /// Coordinates of each.
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// Bits behind the point of a coordinate.
    pub fn scale_bits(&self) -> u32 {
        self.scale_bits
    }

    /// All but the one in a place, without their metrics.
    #[must_use]
    pub fn without(&self, place: usize) -> Self {
        let others = self.groups.iter().enumerate().filter(|(other, _)| *other != place);
        Self { groups: others.map(|(_, group)| *group).collect(), metrics: Vec::new(), ..*self }
    }

    /// Weight of all survivors.
    pub fn weight(&self) -> u64 {
        self.groups.iter().fold(0u64, |total, (_, weight)| total.saturating_add(*weight))
    }

    /// The sum over all groups, one le64 a coordinate.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn total(&self, blobs: &dyn Blobs) -> Result<Vec<u8>, Error> {
        let all = Run { first: 0, length: self.elements };
        let mut total = vec![0i64; length(self.elements)?];
        for (hash, _) in &self.groups {
            for (total, value) in total.iter_mut().zip(read_run(blobs, hash, all)?) {
                *total = total.checked_add(value).ok_or_else(overflow)?;
            }
        }
        Ok(encode(&total))
    }

    /// The update that moves the model, in units of `2^-32`, once all of it is combined and the budget bears what comes `then`. What was
    /// kept of it is released. `None` while there is more to do than the budget bears.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn combine(
        &self,
        turn: &mut Turn<'_>,
        budget: &mut Budget,
        progress: &mut Finalise,
        then: u64,
    ) -> Result<Option<Vec<i64>>, Error> {
        let Some(survey) = self.survey(turn.blobs, budget, &mut progress.survey)? else { return Ok(None) };
        let count = self.count();
        let mut plan = None;
        let mut made = Vec::new();
        while progress.combined < self.elements {
            let run = self.run_at(progress.combined);
            // A plan is not kept: it is made again in each block that combines, and counts with the first run of it.
            let planning = if plan.is_none() { self.rule.plan_cost(count) } else { 0 };
            if !budget.take(self.operations(planning.saturating_add(self.rule.combine_cost(count, run.length)), run)) {
                keep(turn.blobs, &mut progress.runs, &made);
                return Ok(None);
            }
            let plan = match &plan {
                Some(plan) => plan,
                None => plan.insert(survey.plan().map_err(broken)?),
            };
            let sums = self.read(turn.blobs, run)?;
            made.extend(plan.combine(&parts(&sums)).map_err(broken)?);
            progress.combined += run.length;
        }
        if !budget.take(then) {
            keep(turn.blobs, &mut progress.runs, &made);
            return Ok(None);
        }
        let mut update = read_runs(turn.blobs, &progress.runs)?;
        update.extend(made);
        release_runs(turn.blobs, &progress.runs)?;
        Ok(Some(update))
    }

    /// What the rule has to know of whole vectors, once it is known; until then, what is found of it is `kept`.
    pub fn survey(&self, blobs: &dyn Blobs, budget: &mut Budget, kept: &mut Vec<u8>) -> Result<Option<Survey>, Error> {
        let (rule, groups, elements, scale_bits) = (self.rule, self.groups.len(), self.elements, self.scale_bits);
        let mut survey = match &kept[..] {
            [] => Survey::new(rule, groups, elements, scale_bits).map_err(broken)?,
            bytes => Survey::decode(rule, groups, elements, scale_bits, bytes).map_err(broken)?,
        };
        if survey.is_complete() {
            return Ok(Some(survey));
        }
        while !survey.is_complete() {
            let run = self.run_at(survey.next());
            if !budget.take(self.operations(rule.survey_cost(self.count(), run.length), run)) {
                break;
            }
            let sums = self.read(blobs, run)?;
            survey.add(run.first, &parts(&sums)).map_err(broken)?;
        }
        *kept = survey.encode();
        Ok(survey.is_complete().then_some(survey))
    }

    /// The run that begins at a coordinate.
    pub fn run_at(&self, first: u64) -> Run {
        let length = u64::from(self.layout.chunk_elems()).min(self.elements.saturating_sub(first));
        Run { first, length }
    }

    /// Operations of a step over a run, with reading the run of every sum. `learning` counts in units of about 20 ns.
    pub fn operations(&self, cost: u64, run: Run) -> u64 {
        cost.saturating_add(self.count().saturating_mul(run.length)) / UNITS + 1
    }

    /// One run of every sum, with its weight.
    pub fn read(&self, blobs: &dyn Blobs, run: Run) -> Result<Vec<(Vec<i64>, u64)>, Error> {
        self.groups.iter().map(|(hash, weight)| Ok((read_run(blobs, hash, run)?, *weight))).collect()
    }
}

/// Keeps what a block has made of a vector.
pub(super) fn keep(blobs: &mut dyn Blobs, runs: &mut Vec<u8>, made: &[i64]) {
    if !made.is_empty() {
        runs.extend_from_slice(&blobs.put(&encode(made)));
    }
}

/// What is kept of a vector.
pub(super) fn read_runs(blobs: &dyn Blobs, runs: &[u8]) -> Result<Vec<i64>, Error> {
    let mut values = Vec::new();
    for hash in runs.chunks_exact(32) {
        let kept = blobs.get(&state::hash(hash)?);
        values.extend(decode(&kept.ok_or_else(|| Error::State("a run of a vector is missing".into()))?));
    }
    Ok(values)
}

/// Releases what is kept of a vector.
pub(super) fn release_runs(blobs: &mut dyn Blobs, runs: &[u8]) -> Result<(), Error> {
    for hash in runs.chunks_exact(32) {
        blobs.release(&state::hash(hash)?);
    }
    Ok(())
}

fn read_run(blobs: &dyn Blobs, hash: &[u8; 32], run: Run) -> Result<Vec<i64>, Error> {
    let size = COORDINATE as u64;
    let wanted = length(run.length.saturating_mul(size))?;
    match blobs.part(hash, run.first.saturating_mul(size), wanted) {
        Some((bytes, _)) if bytes.len() == wanted => Ok(decode(&bytes)),
        _ => Err(Error::State("the sum of a group is missing, or too short".into())),
    }
}

fn overflow() -> Error {
    Error::State("the sums of the groups overflow, although each is in its range".into())
}

pub(super) fn parts(sums: &[(Vec<i64>, u64)]) -> Vec<GroupSum<'_>> {
    sums.iter().map(|(sum, weight)| GroupSum::new(sum, *weight)).collect()
}

fn encode(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(super) fn decode(bytes: &[u8]) -> Vec<i64> {
    let (values, _) = bytes.as_chunks::<COORDINATE>();
    values.iter().map(|value| i64::from_le_bytes(*value)).collect()
}

pub(super) fn length(number: u64) -> Result<usize, Error> {
    usize::try_from(number).map_err(|_| Error::State(format!("{number} is more than this machine can count")))
}

pub(super) fn broken(error: impl std::fmt::Display) -> Error {
    Error::State(error.to_string())
}
