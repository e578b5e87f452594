//! How a task scores its groups: what its settings say, what is refused, and what it costs a block.
//!
//! Scores move rewards and nothing else: no verdict, bond or jail is ever looked up here, or decided.

use crate::error::Error;
use crate::terms::Terms;
use bauta_learning::evaluate::{Classifier, TestSet};
use bauta_learning::score::{can_leave_one_out, Agreement};
use bauta_schema::training::v1 as pb;
use sha2::{Digest as _, Sha256};

/// Bytes of a test set and an inline initial model together, at most: with settings of the most bytes they fit in a transaction of 1 MiB.
pub const MAX_INITIAL: u64 = 832 * 1024;
/// Largest sensitivity.
pub const MAX_SENSITIVITY: u32 = 1000;
/// Blocks that scoring a round may take, if no other task has work in them.
pub const MAX_BLOCKS: u64 = 60;
/// Units of `learning`'s costs that make an operation: one is about 20 ns.
pub const UNITS: u64 = 50;

/// Units after which an evaluation may pause.
const EVALUATION_RUN: u64 = 20_000 * UNITS;

/// How groups are scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scoring {
    /// Whether rewards follow.
    pub rewards: bool,
    /// On what the models that groups make are evaluated.
    pub test: Option<Test>,
}

/// A public test set, as settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// SHA-256 of its canonical bytes.
    pub hash: [u8; 32],
    /// Its rows, at least 1.
    pub rows: u32,
    /// How much usefulness moves with accuracy.
    pub sensitivity: u32,
    /// What evaluates the task's models.
    pub classifier: Classifier,
}

impl Scoring {
    /// Reads the settings of a task whose model has these tensors.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub(crate) fn read(scoring: &pb::Scoring, spec: &bauta_learning::model::ModelSpec) -> Result<Self, Error> {
        let refuse = |what: String| Err(Error::Settings(format!("scoring.{what}")));
        if scoring.test_set.is_empty() {
            if scoring.rows != 0 || scoring.sensitivity != 0 {
                return refuse(
                    "rows and scoring.sensitivity belong to a test set, and none is named; leave them out".into(),
                );
            }
            return Ok(Self { rewards: scoring.rewards, test: None });
        }
        let Ok(hash) = scoring.test_set[..].try_into() else {
            return refuse(format!("test_set is a hash of 32 bytes, found {}", scoring.test_set.len()));
        };
        if scoring.rows == 0 {
            return refuse("rows is 0; a test set has at least one".into());
        }
        if scoring.sensitivity == 0 || scoring.sensitivity > MAX_SENSITIVITY {
            return refuse(format!("sensitivity is {}; it must be 1 to {MAX_SENSITIVITY}", scoring.sensitivity));
        }
        let classifier = Classifier::of(spec).map_err(|error| Error::Settings(format!("scoring.test_set: {error}")))?;
        let test = Test { hash, rows: scoring.rows, sensitivity: scoring.sensitivity, classifier };
        Ok(Self { rewards: scoring.rewards, test: Some(test) })
    }
}

impl Test {
    /// Bytes of its canonical form.
    pub fn bytes(&self) -> u64 {
        TestSet::encoded_len(self.classifier.features(), u64::from(self.rows))
    }

    /// Rows that are evaluated in a step.
    pub(crate) fn rows_a_step(&self) -> u32 {
        let rows = EVALUATION_RUN / self.classifier.cost(1).max(1);
        u32::try_from(rows).unwrap_or(u32::MAX).max(1)
    }

    /// Units of reading it, and the model that is evaluated, of so many elements.
    pub(crate) fn opening_cost(&self, elements: u64) -> u64 {
        elements.saturating_add(self.bytes() / 8)
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// [`Error::Settings`] unless they are those that the settings name.
    fn check(&self, bytes: &[u8]) -> Result<(), Error> {
        let refuse = |what: String| Err(Error::Settings(format!("scoring.test_set: {what}")));
        if bytes.is_empty() {
            return refuse("the settings name a test set, and its bytes are missing".into());
        }
        if Sha256::digest(bytes)[..] != self.hash {
            return refuse("the bytes do not hash to what the settings name".into());
        }
        let set = TestSet::decode(bytes).map_err(|error| Error::Settings(format!("scoring.test_set: {error}")))?;
        if set.rows() as u64 != u64::from(self.rows) {
            return refuse(format!("it has {} rows, but scoring.rows is {}", set.rows(), self.rows));
        }
        self.classifier.check(&set).map_err(|error| Error::Settings(format!("scoring.test_set: {error}")))
    }
}

/// Whether the bytes that come with a task's creation are the test set that its settings name.
///
/// # Errors
/// [`Error::Settings`].
pub fn check_test_set(terms: &Terms, bytes: &[u8]) -> Result<(), Error> {
    match terms.scoring.as_ref().and_then(|scoring| scoring.test.as_ref()) {
        Some(test) => test.check(bytes),
        None if bytes.is_empty() => Ok(()),
        None => {
            Err(Error::Settings("scoring.test_set: a test set came with the task, but its settings name none".into()))
        }
    }
}

/// Units of making a candidate of `groups`, run by run: the rule, and a step of the optimiser.
fn candidate_cost(terms: &Terms, groups: u64) -> u64 {
    let (rule, elements) = (terms.combination(), terms.elements);
    let read = elements.saturating_mul(groups);
    rule.survey_cost(groups, elements)
        .saturating_add(if rule.needs_survey() { read } else { 0 })
        .saturating_add(rule.plan_cost(groups))
        .saturating_add(rule.combine_cost(groups, elements))
        .saturating_add(read)
        .saturating_add(elements.saturating_mul(step_cost(terms)))
}

/// Units of a coordinate's step: the optimiser's, and what it reads and writes.
pub(crate) fn step_cost(terms: &Terms) -> u64 {
    terms.optimiser.cost().saturating_add(3)
}

/// Operations of scoring a round of so many groups, all finished.
pub fn operations(terms: &Terms, groups: u32) -> u64 {
    let Some(scoring) = &terms.scoring else { return 0 };
    let (groups, chunks) = (u64::from(groups), u64::from(terms.layout.chunks()));
    let agreement = Agreement::cost(groups, terms.elements)
        .saturating_add(groups.saturating_mul(terms.elements))
        .saturating_add(Agreement::scores_cost(groups));
    let mut units = agreement;
    let mut steps = chunks + 1;
    if let Some(test) = &scoring.test {
        let without = if can_leave_one_out(terms.combination(), groups as usize) { groups } else { 0 };
        let evaluate = test.classifier.cost(u64::from(test.rows)).saturating_add(test.opening_cost(terms.elements));
        let each = candidate_cost(terms, groups.saturating_sub(1)).saturating_add(evaluate);
        units = units
            .saturating_add(candidate_cost(terms, groups))
            .saturating_add(evaluate)
            .saturating_add(each.saturating_mul(without));
        let runs = u64::from(test.rows.div_ceil(test.rows_a_step()));
        steps = steps.saturating_add((2 * chunks).saturating_add(runs).saturating_mul(without + 1));
    }
    (units / UNITS).saturating_add(steps)
}

/// Blocks that scoring a round of the most groups takes, if no other task has work in them.
pub fn blocks(terms: &Terms, params: &pb::Params) -> u64 {
    operations(terms, terms.groups_of(terms.cohort.max_providers)).div_ceil(params.block_operations.max(1))
}

/// Why a chain with these parameters refuses to score a task's groups.
pub(crate) fn refusals(terms: &Terms, params: &pb::Params) -> Vec<Error> {
    let Some(scoring) = &terms.scoring else { return Vec::new() };
    let (most, cohort) = (terms.groups_of(terms.cohort.max_providers), &terms.cohort);
    let mut refusals = Vec::new();
    if most < 2 {
        refusals.push(Error::Settings(format!(
            "scoring compares groups, and max_providers {} make {most} with group_size {}; let {} enrol, make groups smaller, or leave scoring out",
            cohort.max_providers,
            cohort.group_size,
            cohort.group_size.saturating_mul(2),
        )));
    }
    if let Some(bytes) = scoring.test.as_ref().map(Test::bytes).filter(|&bytes| bytes > MAX_INITIAL) {
        refusals.push(Error::Settings(format!(
            "scoring.test_set: {} rows are {bytes} bytes, {MAX_INITIAL} fit in a transaction; give fewer",
            scoring.test.as_ref().map_or(0, |test| test.rows)
        )));
    }
    let operations = operations(terms, most);
    if operations.div_ceil(params.block_operations.max(1)) > MAX_BLOCKS {
        refusals.push(Error::Settings(format!(
            "scoring a round of {most} groups takes {operations} operations, more than {MAX_BLOCKS} blocks of {} spend; give fewer rows, make \
             groups larger, or let fewer providers enrol",
            params.block_operations
        )));
    }
    refusals
}
